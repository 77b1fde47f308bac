import { docs, hints } from '../../subscriber/js/errors.json';

/** An error of a payment or of the options: a stable `code`, what helps (`hint`), and `status` or `key`. */
export class PaywallError extends Error {
  constructor(message, facts) {
    super(message);
    Object.assign(this, facts);
    this.name = 'PaywallError';
    const { code = '' } = facts ?? {};
    // The payment's own faults are the buyer's to put right.
    this.hint ??= hints[code] ?? 'see docsUrl';
    this.docsUrl ??= docs + (/^[a-z_]+$/.test(code) ? code : 'codes-of-the-platform');
  }
}
