// The resources of the API as classes, with the official SDKs' names and argument orders. What each call sends, the core knows
// by its name.
import { PaymentsError, rejecting } from '../../subscriber/js/error.js';
import { printable } from '../../subscriber/js/object.js';
import { purchasingPower } from '../../subscriber/js/purchasing_power.js';
import { read, refuse } from '../../subscriber/js/options.js';
import * as prices from './price_configs.js';

class Resource {
  #ask;

  constructor(ask) {
    this.#ask = ask;
  }

  /** Arguments by name; a list for the calls that buyers have too. */
  ask(...given) { return this.#ask(...given); }
}

const paged = (given) => {
  const { sortBy, sortOrder, page, offset: pageSize } = read('PaginationOptions', given, 'pagination');
  return { sortBy, sortOrder, page, pageSize };
};
const flag = (value) => (value === undefined ? undefined : String(value));
const json = (value) => (typeof value === 'object' && value ? JSON.stringify(value) : undefined);
/** Members of an object by name; one that is not known is refused. */
function pick(given, names) {
  const known = names.split(' ');
  if (typeof given !== 'object' || !given) return {};
  for (const name of Object.getOwnPropertyNames(given)) {
    if (!known.includes(name)) refuse(name, '', name, known);
  }
  return Object.fromEntries(known.map((name) => [name, given[name]]));
}
/** In whose name something is published: for this call, where it says so. */
const publish = (resource, name, given, options) => resource.ask(name, given, read('OrganizationOptions', options).organizationId);

export class Plans extends Resource {
  #key;
  #contracts;

  constructor(ask, key, contracts) {
    super(ask);
    this.#key = key;
    this.#contracts = contracts;
  }

  registerPlan(planMetadata, priceConfig, creditsConfig, nonce, accessLimit, options) {
    return publish(this, 'registerPlan', { planMetadata, priceConfig, creditsConfig, nonce, accessLimit }, options);
  }
  registerCreditsPlan(planMetadata, priceConfig, creditsConfig, options) {
    return publish(this, 'registerCreditsPlan', { planMetadata, priceConfig, creditsConfig }, options);
  }
  registerTimePlan(planMetadata, priceConfig, creditsConfig, options) {
    return publish(this, 'registerTimePlan', { planMetadata, priceConfig, creditsConfig }, options);
  }
  registerCreditsTrialPlan(planMetadata, priceConfig, creditsConfig, options) {
    return publish(this, 'registerCreditsTrialPlan', { planMetadata, priceConfig, creditsConfig }, options);
  }
  registerTimeTrialPlan(planMetadata, priceConfig, creditsConfig, options) {
    return publish(this, 'registerTimeTrialPlan', { planMetadata, priceConfig, creditsConfig }, options);
  }
  getPlan(planId) { return this.ask('getPlan', [planId]); }
  getPlans(page, offset, sortBy, sortOrder, options) {
    return this.ask('getPlans', { page, offset, sortBy, sortOrder, orgId: read('OrganizationOptions', options).organizationId });
  }
  getAgentsAssociatedToAPlan(planId, pagination) { return this.ask('getAgentsAssociatedToAPlan', { planId, ...paged(pagination) }); }
  async getPlanBalance(planId, account) {
    // An account that is no address means the caller's own, as in the official clients.
    const holder = /^0x[0-9a-fA-F]{40}$/.test(account) ? account : this.#key.account;
    const answer = await this.ask('getPlanBalance', { planId, holder });
    return printable({ ...answer, balance: BigInt(answer.balance) });
  }
  orderPlan(planId) { return this.ask('orderPlan', [planId]); }
  orderFiatPlan(planId) { return this.ask('orderFiatPlan', { planId }); }
  mintPlanCredits(planId, creditsAmount, creditsReceiver) { return this.ask('mintPlanCredits', { planId, creditsAmount, creditsReceiver }); }
  mintPlanExpirable(planId, creditsAmount, creditsReceiver, creditsDuration) {
    return this.ask('mintPlanExpirable', { planId, creditsAmount, creditsReceiver, creditsDuration });
  }
  burnCredits(planId, creditsAmount) { return this.ask('burnCredits', { planId, creditsAmount }); }
  redeemCredits(agentRequestId, planId, redeemFrom, creditsAmount) {
    return this.ask('redeemCredits', { agentRequestId, planId, redeemFrom, creditsAmount });
  }
  getFiatPriceConfig(...given) { return prices.getFiatPriceConfig(...given); }
  getCryptoPriceConfig(...given) { return prices.getCryptoPriceConfig(...given); }
  getERC20PriceConfig(...given) { return prices.getERC20PriceConfig(...given); }
  getEURCPriceConfig(...given) { return prices.getEURCPriceConfig(...given); }
  getFreePriceConfig() { return prices.getFreePriceConfig(); }
  getNativeTokenPriceConfig(...given) { return prices.getNativeTokenPriceConfig(...given); }
  async getPayAsYouGoPriceConfig(amount, receiver, tokenAddress) {
    return prices.getPayAsYouGoPriceConfig(amount, receiver, tokenAddress, await this.#contracts.getPayAsYouGoTemplateAddress());
  }
  getExpirableDurationConfig(...given) { return prices.getExpirableDurationConfig(...given); }
  getNonExpirableDurationConfig() { return prices.getNonExpirableDurationConfig(); }
  getFixedCreditsConfig(...given) { return prices.getFixedCreditsConfig(...given); }
  getDynamicCreditsConfig(...given) { return prices.getDynamicCreditsConfig(...given); }
  getPayAsYouGoCreditsConfig() { return prices.getPayAsYouGoCreditsConfig(); }
  setRedemptionType(...given) { return prices.setRedemptionType(...given); }
  setOnchainMirror(...given) { return prices.setOnchainMirror(...given); }
}

export class Agents extends Resource {
  registerAgent(agentMetadata, agentApi, paymentPlans, options) {
    return publish(this, 'registerAgent', { agentMetadata, agentApi, paymentPlans }, options);
  }
  registerAgentAndPlan(agentMetadata, agentApi, planMetadata, priceConfig, creditsConfig, accessLimit, options) {
    return publish(this, 'registerAgentAndPlan', { agentMetadata, agentApi, planMetadata, priceConfig, creditsConfig, accessLimit }, options);
  }
  getAgent(agentId) { return this.ask('getAgent', [agentId]); }
  getAgents(page, offset, sortBy, sortOrder, options) {
    return this.ask('getAgents', { page, offset, sortBy, sortOrder, orgId: read('OrganizationOptions', options).organizationId });
  }
  getAgentPlans(agentId, pagination) { return this.ask('getAgentPlans', { agentId, ...paged(pagination) }); }
  updateAgentMetadata(agentId, agentMetadata, agentApi) { return this.ask('updateAgentMetadata', { agentId, agentMetadata, agentApi }); }
  addPlanToAgent(planId, agentId) { return this.ask('addPlanToAgent', { planId, agentId }); }
  removePlanFromAgent(planId, agentId) { return this.ask('removePlanFromAgent', { planId, agentId }); }
}

export class Facilitator extends Resource {
  verifyPermissions(params) { return this.ask('verifyPermissions', pick(params, 'paymentRequired x402AccessToken maxAmount')); }
  settlePermissions(params) {
    return this.ask('settlePermissions', pick(params, 'paymentRequired x402AccessToken maxAmount agentRequestId batch marginPercent'));
  }
}

export class Requests extends Resource {
  startSimulationRequest(options) { return this.ask('startSimulationRequest', pick(options, 'pricePerCredit batch agentName planName')); }
  finishSimulationRequest(agentRequestId, marginPercent, batch) {
    return this.ask('finishSimulationRequest', { agentRequestId, marginPercent, batch });
  }
  trackAgentSubTask(task) { return this.ask('trackAgentSubTask', pick(task, 'agentRequestId creditsToRedeem tag description status')); }
}

export class Organizations extends Resource {
  createMember(userId, userEmail, userRole) { return this.ask('createMember', { userId, userEmail, userRole }); }
  onboardCustomer(email) { return this.ask('onboardCustomer', { email }); }
  getMembers(role, isActive, page, offset) { return this.ask('getMembers', { role, isActive, page, offset }); }
  getMyMemberships() { return this.ask('getMyMemberships'); }
  getOrganizationActivity(orgId, filters) {
    return this.ask('getOrganizationActivity', { orgId, ...pick(filters, 'eventType actorUserId from to page limit') });
  }
  connectStripeAccount(userEmail, userCountryCode, returnUrl) {
    return this.ask('connectStripeAccount', { userEmail, userCountryCode, returnUrl });
  }
}

export class Contracts extends Resource {
  #deployment;

  /** Asked once; a failure is not kept. */
  getDeploymentInfo() {
    return (this.#deployment ??= this.ask('getDeploymentInfo').catch((error) => {
      this.#deployment = undefined;
      throw error;
    })).then((deployment) => structuredClone(deployment));
  }
  async getContractAddress(contractName) {
    const { contracts } = await this.getDeploymentInfo();
    if (Object.hasOwn(contracts, contractName)) return contracts[contractName];
    throw new PaymentsError(`the deployment has no contract ${contractName}`, { code: 'contract_unknown', retryable: false });
  }
  getPayAsYouGoTemplateAddress() { return this.getContractAddress('PayAsYouGoTemplate'); }
}

export class Orders extends Resource {
  createOrder(options) {
    const names = 'amountMinor currency description buyerRef idempotencyKey lineItems metadata captureMode paymentProvider';
    return this.ask('createOrder', pick(options, names));
  }
  getOrder(orderId) { return this.ask('getOrder', { orderId }); }
}

const REDEEM = 'credential resource httpVerb bodyDigest';

export class Mpp extends Resource {
  issueChallenge(params) { return this.ask('issueChallenge', pick(params, 'planId credits resource httpVerb agentId digest description')); }
  verifyCredential(params) { return this.ask('verifyCredential', pick(params, REDEEM)); }
  settleCredential(params) { return this.ask('settleCredential', pick(params, REDEEM)); }
  getMppAccessToken(planId, agentId, tokenOptions) { return this.ask('getMppAccessToken', { planId, agentId, tokenOptions }); }
}

export class Delegations extends Resource {
  createDelegation(payload) { return this.ask('createDelegation', payload); }
  listDelegations(options) { return this.ask('listDelegations', [flag(read('DelegationListOptions', options).accessible)]); }
  revokeDelegation(delegationId) { return this.ask('revokeDelegation', [delegationId]); }
  listPaymentMethods(options) {
    const { accessible, provider } = read('PaymentMethodListOptions', options);
    return this.ask('listPaymentMethods', [flag(accessible), provider]);
  }
  getPurchasingPower() { return purchasingPower(this); }
  updatePaymentMethod(id, changes) { return this.ask('updatePaymentMethod', [id, json(changes)]); }
}

// Errors in prices and credits are thrown at once.
rejecting([Plans, Agents, Facilitator, Requests, Organizations, Contracts, Orders, Mpp, Delegations], /Config$|^set[A-Z]/);
