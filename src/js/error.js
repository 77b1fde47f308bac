// The one error class of the package. It is JavaScript because only JavaScript can extend Error well; the facts in it
// come from the core.
const KIND = Symbol.for('payments-wasm.PaymentsError');

export class PaymentsError extends Error {
  constructor(message, facts) {
    super(message, 'cause' in facts ? { cause: facts.cause } : undefined);
    const { cause, ...rest } = facts;
    Object.assign(this, rest);
    this.name = facts.code === 'aborted' ? 'AbortError' : 'PaymentsError';
    Object.defineProperty(this, KIND, { value: true });
  }

  // Two copies of the package agree on what is one of its errors.
  static [Symbol.hasInstance](value) {
    return typeof value === 'object' && value !== null && value[KIND] === true;
  }
}
