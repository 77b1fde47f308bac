// The offer of a 402, and how a plan is paid for (contract sections 2.3, 6.1, 6.4).
import own from '../../../options.json';
import { know, read } from './core.js';

know(own);

const CRYPTO = 'nvm:erc4337';
const CARD = 'nvm:card-delegation';

/** The networks of each scheme. */
export const X402_SCHEME_NETWORKS = Object.freeze({
  [CRYPTO]: Object.freeze(['eip155:84532', 'eip155:8453']), [CARD]: Object.freeze(['stripe', 'braintree', 'visa']),
});

export const isValidScheme = (scheme) => typeof scheme === 'string' && Object.hasOwn(X402_SCHEME_NETWORKS, scheme);

/** The network of a scheme in an environment: a chain, or who charges the card. */
export const getDefaultNetwork = (scheme, environment = '') => {
  if (scheme === CARD) return 'stripe';
  return /live$/.test(environment) ? 'eip155:8453' : 'eip155:84532';
};

/** The offer of a 402. Empty members are left out; their order is the official one. */
export function buildPaymentRequiredForPlans(planIds, options) {
  const { endpoint, agentId, httpVerb, network, description, mimeType, scheme = CRYPTO, environment } = read('PaymentRequiredOptions', options);
  const extra = () => ({ version: '1', ...(agentId && { agentId }), ...(httpVerb && { httpVerb }) });
  return {
    x402Version: 2,
    resource: { url: endpoint || '', ...(description && { description }), ...(mimeType && { mimeType }) },
    accepts: (planIds.length ? planIds : ['']).map((planId) => ({ scheme, network: network || getDefaultNetwork(scheme, environment), planId, extra: extra() })),
    extensions: {},
  };
}

/** The same for one plan. The plan may be a member of the options, as the documentation of the official SDK writes it too. */
export function buildPaymentRequired(planId, options) {
  if (typeof planId !== 'object' || !planId) return buildPaymentRequiredForPlans([planId], options);
  const { planId: named, ...others } = planId;
  return buildPaymentRequiredForPlans([named], { ...others, ...options });
}

/** The time for which each instance keeps what the platform says of a plan, in milliseconds. */
const KEPT_MS = 5 * 60_000;
const plans = new WeakMap();

/** A plan, read anew after five minutes; a failure is not kept. */
function plan(payments, planId) {
  if (!plans.has(payments)) plans.set(payments, new Map());
  const known = plans.get(payments);
  const id = String(planId);
  const found = known.get(id);
  if (found && Date.now() - found.at < KEPT_MS) return found.plan;
  const asked = payments.plans.getPlan(planId);
  known.set(id, { at: Date.now(), plan: asked });
  asked.catch(() => known.delete(id));
  return asked;
}

/** Rejects if the plan cannot be read: it is not taken for a crypto plan. */
export async function resolveScheme(payments, planId, explicit) {
  if (explicit) return explicit;
  return (await plan(payments, planId)).registry?.price?.isCrypto === false ? CARD : CRYPTO;
}

/** The provider that charges the card, if the plan names one. */
export async function resolveNetwork(payments, planId, explicit) {
  return explicit || (await plan(payments, planId)).metadata?.plan?.fiatPaymentProvider || undefined;
}
