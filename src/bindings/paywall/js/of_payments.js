// Adapters take an instance of `Payments`: its account and its plans configure the gate.

/** The answer of the gate to a request that a framework takes for one to a paid route, and the gate for another. */
export const IN_DOUBT = { error: 'Bad Request', message: 'This request could be read as one for a paid resource, and is refused.', code: 'route_in_doubt' };

/** Options of the gate that are of the instance of `Payments`. */
export function ofPayments(payments) {
  const { key, environment, given } = payments.plans.session;
  if (!key) throw new TypeError('payments has no API key: make it with Payments.getInstance({ nvmApiKey, … })');
  return { nvmApiKey: key.text, environment, ...(environment === 'custom' && { backend: given.backend }) };
}

/** Returns the function that prices a call once its answer is known: `credits`, or `by` of it. */
export const functionOf = ({ credits } = {}) => (typeof credits === 'function' ? credits : typeof credits?.by === 'function' ? credits.by : undefined);

/** Returns the most that one call can take of a plan, as the platform says: it is verified where the price is known later. */
export async function mostOf(payments, { planId, credits }) {
  if (credits?.most !== undefined) return credits.most;
  const terms = (await payments.plans.getPlan(planId)).registry?.credits ?? {};
  return terms.isRedemptionAmountFixed ? terms.minAmount : terms.maxAmount;
}

/** Returns a price as the digits of a whole number; throws where it is none. */
export function wholeNumber(credits) {
  if ((typeof credits === 'bigint' && credits >= 0n) || (Number.isSafeInteger(credits) && credits >= 0)) return String(credits);
  throw new TypeError(`credits must be a whole number of 0 or more, and the function gave ${typeof credits === 'number' ? credits : typeof credits}`);
}
