// The errors of MPP (contract section 7.4). They are `PaymentsError`s too, with the same facts.
import { PaymentsError, mark, marked } from './core.js';

const kind = (name, base) => marked(class extends base {}, name);

/** Any failure that MPP names. */
export const MppError = /* @__PURE__ */ kind('MppError', PaymentsError);
export const MppNotConfiguredError = /* @__PURE__ */ kind('MppNotConfiguredError', MppError);
export const MppCredentialRejectedError = /* @__PURE__ */ kind('MppCredentialRejectedError', MppError);
export const MppChallengeExpiredError = /* @__PURE__ */ kind('MppChallengeExpiredError', MppError);
export const MppBodyDigestMismatchError = /* @__PURE__ */ kind('MppBodyDigestMismatchError', MppError);
export const MppSettlementOutcomeUnknownError = /* @__PURE__ */ kind('MppSettlementOutcomeUnknownError', MppError);
export const MppSpendOutcomeUnknownError = /* @__PURE__ */ kind('MppSpendOutcomeUnknownError', MppError);

// Their outcome is unknown: a caller that branches on the class of the package finds them too.
for (const { prototype } of [MppSettlementOutcomeUnknownError, MppSpendOutcomeUnknownError]) Object.defineProperty(prototype, mark('OutcomeUnknown'), { value: true });

export const MPP_SETTLEMENT_OUTCOME_UNKNOWN_CODE = 'settlement_outcome_unknown';
export const MPP_SPEND_OUTCOME_UNKNOWN_CODE = 'spend_outcome_unknown';

const BY_CODE = {
  'BCK.MPP.0002': MppNotConfiguredError, 'BCK.MPP.0003': MppCredentialRejectedError, 'BCK.MPP.0004': MppChallengeExpiredError,
  'BCK.MPP.0005': MppBodyDigestMismatchError, [MPP_SETTLEMENT_OUTCOME_UNKNOWN_CODE]: MppSettlementOutcomeUnknownError,
  [MPP_SPEND_OUTCOME_UNKNOWN_CODE]: MppSpendOutcomeUnknownError,
};

/** True if a fresh credential for the new challenge of the same answer may succeed: the challenge expired, or was for another body. */
export const isRetryableMppCode = (code) => code === 'BCK.MPP.0004' || code === 'BCK.MPP.0005';

/** The error of those facts, of the class of its code. */
export const makeMppError = (message, facts) =>
  new (Object.hasOwn(BY_CODE, facts.code) ? BY_CODE[facts.code] : MppError)(message, { retryable: isRetryableMppCode(facts.code), ...facts });

/** An error of the platform as MPP names it: of a class of MPP where its code is one of MPP's. Any other stays as it is. */
export function mppError(error) {
  const ours = error instanceof PaymentsError && (/^BCK\.MPP\./.test(error.code) || Object.hasOwn(BY_CODE, error.code));
  if (!ours) return error;
  const { message, name, stack, ...facts } = error;
  const made = makeMppError(message, facts);
  if (error.cause !== undefined) Object.defineProperty(made, 'cause', { value: error.cause, configurable: true, writable: true });
  return made;
}

/**
 * The spend that an error of `payments.mpp.fetch` reports: `{ credentialsPresented, creditsPresented, challengeId }`. Undefined if no credential
 * was presented: nothing was spent.
 */
export function mppSpendOf(error) {
  const spend = error?.spend;
  return spend?.credentialsPresented > 0 ? spend : undefined;
}

/** Whole credits as decimal digits: of a safe integer, a bigint or a decimal string. Throws `validation` for anything else. */
export function normalizeCredits(credits) {
  const text = typeof credits === 'bigint' || Number.isSafeInteger(credits) ? String(credits) : credits;
  if (typeof text === 'string' && /^\d{1,78}$/.test(text)) return BigInt(text).toString();
  throw new PaymentsError('credits must be a whole number of credits', { code: 'validation', retryable: false });
}
