/** What went wrong with a payment, or with the options: a stable `code`, and `status` or `key`. */
export class PaywallError extends Error {
  constructor(message, facts) {
    super(message);
    Object.assign(this, facts);
    this.name = 'PaywallError';
  }
}
