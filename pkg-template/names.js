// The exports of each entry that need no WebAssembly.
export {
  BudgetExceeded, ConsentDenied, MalformedOffer, OutcomeUnknown, PaymentRefused, PaymentsError, SessionExpired,
  EURC_TOKEN_ADDRESS, EURC_TOKEN_ADDRESS_TESTNET, USDC_TOKEN_ADDRESS, USDC_TOKEN_ADDRESS_TESTNET, ZeroAddress,
  ONE_DAY_DURATION, ONE_MONTH_DURATION, ONE_WEEK_DURATION, ONE_YEAR_DURATION,
} from './core.js';
