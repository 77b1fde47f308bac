// The exports of each entry that need no WebAssembly.
import { lazily } from './core.js';

export {
  BudgetExceeded, ConsentDenied, MalformedOffer, OutcomeUnknown, PaymentRefused, PaymentsError, SessionExpired,
  EURC_TOKEN_ADDRESS, EURC_TOKEN_ADDRESS_TESTNET, USDC_TOKEN_ADDRESS, USDC_TOKEN_ADDRESS_TESTNET, ZeroAddress,
  ONE_DAY_DURATION, ONE_MONTH_DURATION, ONE_WEEK_DURATION, ONE_YEAR_DURATION,
} from './core.js';

const later = (name) => async (...given) => (await lazily(() => import('./helpers.js')))[name](...given);

export const buildPaymentRequired = later('buildPaymentRequired');
export const buildPaymentRequiredForPlans = later('buildPaymentRequiredForPlans');
export const decodeAccessToken = later('decodeAccessToken');
export const encodeAccessToken = later('encodeAccessToken');
export const resolveNetwork = later('resolveNetwork');
export const resolveScheme = later('resolveScheme');
