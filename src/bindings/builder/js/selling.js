// The methods of those who sell, by part, with the official SDK's names and argument orders: see `LATER` of `resources.js`. Each is called with
// the part as `this`. What a call sends, the core knows by its name.
import { problem, read, refuse } from './core.js';
import { exposed as observability } from './helicone.js';
import { mppFetch } from './mpp_fetch.js';
import { mppError } from './mpp_errors.js';
import * as prices from './price_configs.js';
import { ask, wasm } from './send.js';

export { wasm };

const paged = (given) => {
  const { sortBy, sortOrder, page, offset: pageSize } = read('PaginationOptions', given, 'pagination');
  return { sortBy, sortOrder, page, pageSize };
};

/** Members of an object by name; one that is not known is refused. */
function pick(given, names) {
  const known = names.split(' ');
  if (typeof given !== 'object' || !given) return {};
  for (const name of Object.getOwnPropertyNames(given)) {
    if (!known.includes(name)) refuse(name, '', name, known);
  }
  return Object.fromEntries(known.map((name) => [name, given[name]]));
}

/** An organization as the official SDK takes it, a string, or in an object. */
const organization = (given) => read('OrganizationOptions', typeof given === 'string' ? { organizationId: given } : given).organizationId;

/** Registers something; in whose name, this call may say. A price is waited for: one of `getPayAsYouGoPriceConfig` is a promise. */
const publish = async (part, name, given, options) =>
  ask(part, name, { ...given, ...(given.priceConfig && { priceConfig: await given.priceConfig }) }, organization(options));

const plans = {
  registerPlan(planMetadata, priceConfig, creditsConfig, nonce, accessLimit, options) {
    return publish(this, 'registerPlan', { planMetadata, priceConfig, creditsConfig, nonce, accessLimit }, options);
  },
  registerCreditsPlan(planMetadata, priceConfig, creditsConfig, options) {
    return publish(this, 'registerCreditsPlan', { planMetadata, priceConfig, creditsConfig }, options);
  },
  registerTimePlan(planMetadata, priceConfig, creditsConfig, options) {
    return publish(this, 'registerTimePlan', { planMetadata, priceConfig, creditsConfig }, options);
  },
  registerCreditsTrialPlan(planMetadata, priceConfig, creditsConfig, options) {
    return publish(this, 'registerCreditsTrialPlan', { planMetadata, priceConfig, creditsConfig }, options);
  },
  registerTimeTrialPlan(planMetadata, priceConfig, creditsConfig, options) {
    return publish(this, 'registerTimeTrialPlan', { planMetadata, priceConfig, creditsConfig }, options);
  },
  mintPlanCredits(planId, creditsAmount, creditsReceiver) { return ask(this, 'mintPlanCredits', { planId, creditsAmount, creditsReceiver }); },
  mintPlanExpirable(planId, creditsAmount, creditsReceiver, creditsDuration) {
    return ask(this, 'mintPlanExpirable', { planId, creditsAmount, creditsReceiver, creditsDuration });
  },
  burnCredits(planId, creditsAmount) { return ask(this, 'burnCredits', { planId, creditsAmount }); },
  redeemCredits(agentRequestId, planId, redeemFrom, creditsAmount) {
    return ask(this, 'redeemCredits', { agentRequestId, planId, redeemFrom, creditsAmount });
  },
  async getPayAsYouGoPriceConfig(amount, receiver, tokenAddress, templateAddress) {
    const template = templateAddress ?? await contractAddress(this, 'PayAsYouGoTemplate');
    return prices.getPayAsYouGoPriceConfig(amount, receiver, tokenAddress, template);
  },
  ...Object.fromEntries([
    'getFiatPriceConfig', 'getCryptoPriceConfig', 'getERC20PriceConfig', 'getEURCPriceConfig', 'getFreePriceConfig', 'getNativeTokenPriceConfig',
    'getExpirableDurationConfig', 'getNonExpirableDurationConfig', 'getFixedCreditsConfig', 'getDynamicCreditsConfig', 'getPayAsYouGoCreditsConfig',
    'setRedemptionType', 'setOnchainMirror',
  ].map((name) => [name, prices[name]])),
};

const agents = {
  registerAgent(agentMetadata, agentApi, paymentPlans, options) {
    return publish(this, 'registerAgent', { agentMetadata, agentApi, paymentPlans }, options);
  },
  registerAgentAndPlan(agentMetadata, agentApi, planMetadata, priceConfig, creditsConfig, accessLimit, options) {
    return publish(this, 'registerAgentAndPlan', { agentMetadata, agentApi, planMetadata, priceConfig, creditsConfig, accessLimit }, options);
  },
  getAgents(page, offset, sortBy, sortOrder, options) {
    return ask(this, 'getAgents', { page, offset, sortBy, sortOrder, orgId: organization(options) });
  },
  updateAgentMetadata(agentId, agentMetadata, agentApi) { return ask(this, 'updateAgentMetadata', { agentId, agentMetadata, agentApi }); },
  addPlanToAgent(planId, agentId) { return ask(this, 'addPlanToAgent', { planId, agentId }); },
  removePlanFromAgent(planId, agentId) { return ask(this, 'removePlanFromAgent', { planId, agentId }); },
};

const facilitator = {
  verifyPermissions(params) { return ask(this, 'verifyPermissions', pick(params, 'paymentRequired x402AccessToken maxAmount')); },
  settlePermissions(params) {
    return ask(this, 'settlePermissions', pick(params, 'paymentRequired x402AccessToken maxAmount agentRequestId batch marginPercent'));
  },
};

const requests = {
  startSimulationRequest(options) { return ask(this, 'startSimulationRequest', pick(options, 'pricePerCredit batch agentName planName')); },
  finishSimulationRequest(agentRequestId, marginPercent, batch) {
    return ask(this, 'finishSimulationRequest', { agentRequestId, marginPercent, batch });
  },
  trackAgentSubTask(task) { return ask(this, 'trackAgentSubTask', pick(task, 'agentRequestId creditsToRedeem tag description status')); },
};

const organizations = {
  createMember(userId, userEmail, userRole) { return ask(this, 'createMember', { userId, userEmail, userRole }); },
  onboardCustomer(email) { return ask(this, 'onboardCustomer', { email }); },
  getMembers(role, isActive, page, offset) { return ask(this, 'getMembers', { role, isActive, page, offset }); },
  getMyMemberships() { return ask(this, 'getMyMemberships'); },
  getOrganizationActivity(orgId, filters) {
    return ask(this, 'getOrganizationActivity', { orgId, ...pick(filters, 'eventType actorUserId from to page limit') });
  },
  connectStripeAccount(userEmail, userCountryCode, returnUrl) {
    return ask(this, 'connectStripeAccount', { userEmail, userCountryCode, returnUrl });
  },
};

/** The deployment of a session's platform: asked for once; a failure is not kept. */
const deployments = new WeakMap();

function deployment(part) {
  const { session } = part;
  if (!deployments.has(session)) {
    deployments.set(session, ask(part, 'getDeploymentInfo').catch((error) => {
      deployments.delete(session);
      throw error;
    }));
  }
  return deployments.get(session);
}

async function contractAddress(part, contractName) {
  const { contracts: known } = await deployment(part);
  if (Object.hasOwn(known, contractName)) return known[contractName];
  throw problem('contract_unknown', `the deployment has no contract ${contractName}`);
}

const contracts = {
  async getDeploymentInfo() { return structuredClone(await deployment(this)); },
  getContractAddress(contractName) { return contractAddress(this, contractName); },
  getPayAsYouGoTemplateAddress() { return contractAddress(this, 'PayAsYouGoTemplate'); },
};

const orders = {
  createOrder(options) {
    const names = 'amountMinor currency description buyerRef idempotencyKey lineItems metadata captureMode paymentProvider';
    return ask(this, 'createOrder', pick(options, names));
  },
  getOrder(orderId) { return ask(this, 'getOrder', { orderId }); },
};

const REDEEM = 'credential resource httpVerb bodyDigest';

/** A call of MPP: an error of the platform is of the class that the official SDK has for its code. */
const mppAsk = (part, name, given) => ask(part, name, given).catch((error) => { throw mppError(error); });

const mpp = {
  issueChallenge(params) { return mppAsk(this, 'issueChallenge', pick(params, 'planId credits resource httpVerb agentId digest description')); },
  verifyCredential(params) { return mppAsk(this, 'verifyCredential', pick(params, REDEEM)); },
  settleCredential(params) { return mppAsk(this, 'settleCredential', pick(params, REDEEM)); },
  getMppAccessToken(planId, agentId, tokenOptions) { return mppAsk(this, 'getMppAccessToken', { planId, agentId, tokenOptions }); },
  fetch(request, _, options) { return mppFetch(this, request, options); },
};

export default () => ({ plans, agents, facilitator, requests, organizations, contracts, orders, mpp, observability });
