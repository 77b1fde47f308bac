// The error classes of the package. They are JavaScript because only JavaScript can extend Error well; the facts in them,
// and which class it is, come from the core.
import { docs, hints } from './errors.json';
import { plain } from './object.js';

export { hints };

/** The hint for the platform's own codes. */
const OF_THE_PLATFORM = 'give error.correlationId to the support of the platform';

/** Two copies of the package agree on what is an error of theirs, and of which class. */
export const mark = (name) => Symbol.for(`payments-wasm.${name}`);

export function marked(type, name) {
  // A bundler may have renamed the class, and what nobody catches is printed with its name.
  for (const one of [type, type.prototype]) Object.defineProperty(one, 'name', { value: name, writable: true, configurable: true });
  Object.defineProperty(type.prototype, mark(name), { value: true });
  Object.defineProperty(type, Symbol.hasInstance, {
    value: (value) => typeof value === 'object' && value !== null && value[mark(name)] === true,
  });
  return type;
}

export const PaymentsError = marked(class extends Error {
  constructor(message, { cause, ...facts }) {
    super(message, cause === undefined ? undefined : { cause });
    Object.assign(this, facts);
    // A hint from the core, the platform or the caller takes precedence.
    const { code } = facts;
    // The platform's codes have digits: `BCK.X402.0005`, `http_503`.
    const own = /^[a-z_]+$/.test(code);
    this.hint ??= own ? (Object.hasOwn(hints, code) ? hints[code] : '') : OF_THE_PLATFORM;
    this.docsUrl ??= docs + (own ? code : 'codes-of-the-platform');
    if (facts.code === 'aborted') this.name = 'AbortError';
  }

  /** The facts for a log: without the response, which has no JSON, and without the cause. */
  toJSON() {
    const { name, message, response, ...facts } = this;
    return { name: this.name, message: this.message, ...plain(facts) };
  }
}, 'PaymentsError');

/** One for each answer that a caller branches on. */
const kind = (name) => marked(class extends PaymentsError {}, name);

export const PaymentRefused = kind('PaymentRefused');
export const ConsentDenied = kind('ConsentDenied');
export const BudgetExceeded = kind('BudgetExceeded');
export const OutcomeUnknown = kind('OutcomeUnknown');
export const SessionExpired = kind('SessionExpired');
export const MalformedOffer = kind('MalformedOffer');

const KINDS = { PaymentRefused, ConsentDenied, BudgetExceeded, OutcomeUnknown, SessionExpired, MalformedOffer };

/** The error of those facts. */
export function paymentsError(message, kind, facts) {
  return new (KINDS[kind] ?? PaymentsError)(message, facts);
}

/** An error that JavaScript finds by itself. */
export function problem(code, message, hint, facts) {
  return new PaymentsError(message, { code, retryable: false, ...(hint && { hint }), ...facts });
}

export const sessionEnded = () => paymentsError('the session ended while the request was under way', 'SessionExpired', { code: 'session_ended', retryable: false });
export const aborted = (cause) => problem('aborted', 'the request was aborted', undefined, { cause });

/** The same error, with a stack that begins where the package was called rather than inside of it. */
export function seenFrom(error, method) {
  const { stack } = error;
  if (error instanceof PaymentsError && Error.captureStackTrace) {
    Error.captureStackTrace(error, method);
    // A caller that does not await leaves no trace; then the package's own is better than none.
    if (!/\n\s+at /.test(error.stack)) error.stack = stack;
  }
  return error;
}

/** From now on each method of those classes rejects, and throws nothing; and its errors show who called. */
export function rejecting(classes, except = /^constructor$/) {
  for (const { prototype } of classes) {
    for (const name of Object.getOwnPropertyNames(prototype).filter((one) => one !== 'constructor' && !except.test(one))) {
      const method = prototype[name];
      const called = async function called(...given) {
        try {
          return await method.apply(this, given);
        } catch (error) {
          throw seenFrom(error, called);
        }
      };
      Object.defineProperty(prototype, name, { value: called, writable: true, configurable: true });
    }
  }
}
