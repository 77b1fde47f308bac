// The exports of each entry that need no WebAssembly: these, and the fixed values of `constants.js`, which the build puts here.
export { BudgetExceeded, ConsentDenied, MalformedOffer, OutcomeUnknown, PaymentRefused, PaymentsError, SessionExpired } from './core.js';
