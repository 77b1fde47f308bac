// The functions, fixed values and classes of the official SDK that need no instance and no WebAssembly. They answer at once.
export * from './access_token.js';
export * from './apis.js';
export * from './enums.js';
export * from './environments.js';
export { buildCredentialHeader, extractCredentialChallengeId, extractPaymentScheme, parseChallengeHeader, parseReceiptHeader } from './mpp_headers.js';
export {
  MPP_SETTLEMENT_OUTCOME_UNKNOWN_CODE, MPP_SPEND_OUTCOME_UNKNOWN_CODE, MppBodyDigestMismatchError, MppChallengeExpiredError, MppCredentialRejectedError,
  MppError, MppNotConfiguredError, MppSettlementOutcomeUnknownError, MppSpendOutcomeUnknownError, isRetryableMppCode, mppSpendOf, normalizeCredits,
} from './mpp_errors.js';
export * from './payment_required.js';
export * from './price_configs.js';
export {
  calculateDummySongUsage, calculateImageUsage, calculateSongUsage, calculateVideoUsage, createHeliconePayload, createHeliconeResponse,
} from './observability.js';
