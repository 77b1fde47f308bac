// The calls that request_parity.py makes, as ours makes them. A name is `resource.method`, with `#` and a word where a method is called
// in several ways; `sdk` stands for the entry itself.
import * as sdk from '../../target/dist/subscriber/builder.js';

export const ME = `0x${'1'.repeat(40)}`;
const TOKEN = `0x${'2'.repeat(40)}`;
const LARGE = 2n ** 60n + 1n;

const price = sdk.getERC20PriceConfig(10_000_000, TOKEN, ME);
const credits = sdk.getDynamicCreditsConfig(100, 1, 5);
const day = sdk.getExpirableDurationConfig(sdk.ONE_DAY_DURATION);
const plain = { name: 'n', description: 'd', tags: ['a', 'b'] };
const page = { page: 2, offset: 5, sortBy: 'name', sortOrder: 'asc' };
const listed = [2, 5, 'name', 'asc', { organizationId: 'org-2' }];
const oracle = { name: 'Oracle', description: 'Answers', author: 'me' };
const api = { endpoints: [{ POST: 'https://a.example/ask/:id' }], openEndpoints: ['https://a.example/health'] };
const theirs = { organizationId: 'org-2' };
const redeem = { credential: 'Payment x', resource: '/ask', httpVerb: 'POST', bodyDigest: 'sha-256=x' };
const token = { delegationConfig: { delegationId: 'd' } };
const started = {
  agentRequestId: 'r', agentName: 'a', agentId: '2', urlMatching: '/ask', verbMatching: 'POST', batch: false,
  balance: { planId: '1', planName: 'p', planType: 'credits', holderAddress: ME, balance: '100', creditsContract: TOKEN, isSubscriber: true, pricePerCredit: 0.05 },
};
const usage = (method, ...given) => async ({ payments, say }) => say(payments.observability[method](...given));

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
/** Python's JSON has spaces, and what came goes back as it came. */
const request = Buffer.from('{"planId": "1", "credits": 2, "agentId": "2"}').toString('base64url');
const challenge = `Basic realm="a, b", Payment id="i", realm="r", method="nvm", intent="charge", request="${request}", `
  + 'expires="2026-01-01T00:00:00Z", description="5\\" of it, \\\\ and more", opaque="o", Bearer x="y"';
const called = (method, ...given) => async ({ say }) => say(sdk[method](...given));

/** Registers a plan at a price, or with credits, that a helper makes. */
const priced = (method, ...given) => async ({ payments: { plans } }) => plans.registerPlan(plain, await plans[method](...given), credits, 7);
const granting = (method, ...given) => async ({ payments: { plans } }) => plans.registerPlan(plain, price, plans[method](...given), 7);

export const CALLS = {
  'plans.registerPlan': ({ payments }) => payments.plans.registerPlan(plain, price, credits, 7),
  'plans.registerPlan#all': ({ payments }) => payments.plans.registerPlan({ name: 'n', isTrialPlan: true }, price, credits, 2n ** 127n, 'time', theirs),
  'plans.registerPlan#time': ({ payments }) => payments.plans.registerPlan(plain, price, day, 7n),
  'plans.registerCreditsPlan': ({ payments }) => payments.plans.registerCreditsPlan(plain, price, credits),
  'plans.registerTimePlan': ({ payments }) => payments.plans.registerTimePlan(plain, price, day, theirs),
  'plans.registerCreditsTrialPlan': ({ payments }) => payments.plans.registerCreditsTrialPlan({ name: 'n' }, price, credits),
  'plans.registerTimeTrialPlan': ({ payments }) => payments.plans.registerTimeTrialPlan({ name: 'n' }, price, day),
  'plans.getFiatPriceConfig': priced('getFiatPriceConfig', 1_000_000n, ME),
  'plans.getFiatPriceConfig#EUR': priced('getFiatPriceConfig', 1_000_000n, ME, 'EUR'),
  'plans.getCryptoPriceConfig': priced('getCryptoPriceConfig', 5n, ME, TOKEN),
  'plans.getCryptoPriceConfig#native': priced('getCryptoPriceConfig', LARGE, ME),
  'plans.getERC20PriceConfig': priced('getERC20PriceConfig', 5n, TOKEN, ME),
  'plans.getEURCPriceConfig': priced('getEURCPriceConfig', 5n, ME),
  'plans.getFreePriceConfig': priced('getFreePriceConfig'),
  'plans.getNativeTokenPriceConfig': priced('getNativeTokenPriceConfig', LARGE, ME),
  'plans.getExpirableDurationConfig': granting('getExpirableDurationConfig', 60n),
  'plans.getNonExpirableDurationConfig': granting('getNonExpirableDurationConfig'),
  'plans.getFixedCreditsConfig': granting('getFixedCreditsConfig', LARGE, 2n),
  'plans.getFixedCreditsConfig#one': granting('getFixedCreditsConfig', 100n),
  'plans.getDynamicCreditsConfig': granting('getDynamicCreditsConfig', 100n, 1n, 5n),
  'plans.getDynamicCreditsConfig#one': granting('getDynamicCreditsConfig', 100n),
  'plans.getPayAsYouGoCreditsConfig': granting('getPayAsYouGoCreditsConfig'),
  'plans.setRedemptionType': granting('setRedemptionType', credits, sdk.PlanRedemptionType.ONLY_OWNER),
  'plans.setOnchainMirror': granting('setOnchainMirror', credits),
  'plans.getPayAsYouGoPriceConfig': priced('getPayAsYouGoPriceConfig', 5n, ME, TOKEN),
  'contracts.getDeploymentInfo': ({ pinned }) => pinned.contracts.getDeploymentInfo(),
  'plans.getPlan': ({ payments }) => payments.plans.getPlan('1'),
  'plans.getPlans': ({ payments }) => payments.plans.getPlans(...listed),
  'plans.getPlans#defaults': ({ payments }) => payments.plans.getPlans(),
  'plans.getAgentsAssociatedToAPlan': ({ payments }) => payments.plans.getAgentsAssociatedToAPlan('1', page),
  'plans.getAgentsAssociatedToAPlan#defaults': ({ payments }) => payments.plans.getAgentsAssociatedToAPlan('1'),
  'plans.getPlanBalance': ({ payments }) => payments.plans.getPlanBalance('1', TOKEN),
  'plans.getPlanBalance#own': ({ payments }) => payments.plans.getPlanBalance('1'),
  'plans.orderPlan': ({ payments }) => payments.plans.orderPlan('1'),
  'plans.orderFiatPlan': ({ payments }) => payments.plans.orderFiatPlan('1'),
  'plans.mintPlanCredits': ({ payments }) => payments.plans.mintPlanCredits('1', 5n, ME),
  'plans.mintPlanCredits#large': ({ payments }) => payments.plans.mintPlanCredits('1', LARGE, ME),
  'plans.mintPlanExpirable': ({ payments }) => payments.plans.mintPlanExpirable('1', 5, ME, 60),
  'plans.mintPlanExpirable#defaults': ({ payments }) => payments.plans.mintPlanExpirable('1', LARGE, ME),
  'plans.burnCredits': ({ payments }) => payments.plans.burnCredits('1', 5n),
  'plans.redeemCredits': ({ payments }) => payments.plans.redeemCredits('r', '1', ME, '5'),

  'agents.registerAgent': ({ payments }) => payments.agents.registerAgent(oracle, api, ['1', 2n], theirs),
  'agents.registerAgentAndPlan': ({ payments }) => payments.agents.registerAgentAndPlan(oracle, api, plain, price, credits),
  'agents.registerAgentAndPlan#all': ({ payments }) => payments.agents.registerAgentAndPlan(oracle, api, plain, price, day, 'credits', theirs),
  'agents.getAgent': ({ payments }) => payments.agents.getAgent('2'),
  'agents.getAgents': ({ payments }) => payments.agents.getAgents(...listed),
  'agents.getAgents#defaults': ({ payments }) => payments.agents.getAgents(),
  'agents.getAgentPlans': ({ payments }) => payments.agents.getAgentPlans('2', page),
  'agents.updateAgentMetadata': ({ payments }) => payments.agents.updateAgentMetadata('2', oracle, { token: 't', authType: 'bearer' }),
  'agents.addPlanToAgent': ({ payments }) => payments.agents.addPlanToAgent('1', '2'),
  'agents.removePlanFromAgent': ({ payments }) => payments.agents.removePlanFromAgent('1', '2'),

  'facilitator.verifyPermissions': ({ payments, offer }) => payments.facilitator.verifyPermissions({ paymentRequired: offer, x402AccessToken: 'token', maxAmount: 2n }),
  'facilitator.verifyPermissions#least': ({ payments, offer }) => payments.facilitator.verifyPermissions({ paymentRequired: offer, x402AccessToken: 'token' }),
  'facilitator.settlePermissions': ({ payments, offer }) =>
    payments.facilitator.settlePermissions({ paymentRequired: offer, x402AccessToken: 'token', maxAmount: LARGE, agentRequestId: 'r' }),
  'facilitator.settlePermissions#least': ({ payments, offer }) => payments.facilitator.settlePermissions({ paymentRequired: offer, x402AccessToken: 'token' }),

  'requests.startSimulationRequest': ({ payments }) =>
    payments.requests.startSimulationRequest({ pricePerCredit: 0.05, batch: true, agentName: 'a', planName: 'p' }),
  'requests.startSimulationRequest#defaults': ({ payments }) => payments.requests.startSimulationRequest(),
  'requests.finishSimulationRequest': ({ payments }) => payments.requests.finishSimulationRequest('r', 0.5, true),
  'requests.finishSimulationRequest#defaults': ({ payments }) => payments.requests.finishSimulationRequest('r'),
  'requests.trackAgentSubTask': ({ payments }) =>
    payments.requests.trackAgentSubTask({ agentRequestId: 'r', creditsToRedeem: 5, tag: 't', description: 'd', status: sdk.AgentTaskStatus.SUCCESS }),
  'requests.trackAgentSubTask#defaults': ({ payments }) => payments.requests.trackAgentSubTask({ agentRequestId: 'r' }),

  'organizations.createMember': ({ payments }) => payments.organizations.createMember('u', 'e@a.example', 'Member'),
  'organizations.createMember#least': ({ payments }) => payments.organizations.createMember('u'),
  'organizations.onboardCustomer': ({ payments }) => payments.organizations.onboardCustomer('e@a.example'),
  'organizations.getMembers': ({ payments }) => payments.organizations.getMembers('Admin', false, 2, 5),
  'organizations.getMembers#defaults': ({ pinned }) => pinned.organizations.getMembers(),
  'organizations.getMyMemberships': ({ pinned }) => pinned.organizations.getMyMemberships(),
  'organizations.getOrganizationActivity': ({ payments }) => payments.organizations.getOrganizationActivity('org-2', {
    eventType: ['plan.created', 'member.joined'], actorUserId: '0x1', from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z', page: 2, limit: 25,
  }),
  'organizations.getOrganizationActivity#defaults': ({ payments }) => payments.organizations.getOrganizationActivity('org-2'),
  'organizations.connectStripeAccount': ({ payments }) => payments.organizations.connectStripeAccount('e@a.example', 'ES', 'https://a.example/back'),

  'orders.createOrder': ({ payments }) => payments.orders.createOrder({
    amountMinor: 3437, description: 'Cart', buyerRef: 'b', idempotencyKey: 'k', lineItems: [{ Some_Key: 1 }], metadata: { other_key: 'x' },
    captureMode: 'automatic', paymentProvider: 'stripe',
  }),
  'orders.createOrder#least': ({ payments }) => payments.orders.createOrder({ amountMinor: 100n }),
  'orders.getOrder': ({ pinned }) => pinned.orders.getOrder('o-1'),

  'mpp.issueChallenge': ({ payments }) => payments.mpp.issueChallenge({
    planId: '1', credits: 2, resource: '/ask?q=1', httpVerb: 'POST', agentId: '2', digest: 'sha-256=x', description: 'd',
  }),
  'mpp.issueChallenge#least': ({ payments }) => payments.mpp.issueChallenge({ planId: 1n, credits: LARGE, resource: '/ask', httpVerb: 'GET' }),
  'mpp.verifyCredential': ({ payments }) => payments.mpp.verifyCredential(redeem),
  'mpp.settleCredential': ({ payments }) => payments.mpp.settleCredential(redeem),
  'mpp.settleCredential#least': ({ payments }) => payments.mpp.settleCredential({ credential: 'Payment x', resource: '/ask', httpVerb: 'GET' }),
  'mpp.getMppAccessToken': ({ payments }) => payments.mpp.getMppAccessToken('1', '2', token),

  'delegation.createDelegation': ({ payments }) => payments.delegation.createDelegation({
    provider: 'stripe', spendingLimitCents: 100, durationSecs: 60, currency: 'usd', providerPaymentMethodId: 'pm_1', planId: '1', maxTransactions: 3,
  }),
  'delegation.listDelegations': ({ payments }) => payments.delegation.listDelegations(),
  'delegation.listPaymentMethods': ({ payments }) => payments.delegation.listPaymentMethods({ provider: 'stripe' }),
  'delegation.listPaymentMethods#all': ({ payments }) => payments.delegation.listPaymentMethods(),

  'x402.getX402AccessToken': ({ payments }) => payments.x402.getX402AccessToken('1', '2', token),
  'x402.getX402AccessToken#card': ({ payments }) => payments.x402.getX402AccessToken('1', undefined, { ...token, scheme: 'nvm:card-delegation', network: 'visa' }),

  'sdk.parseChallengeHeader': called('parseChallengeHeader', challenge),
  'sdk.parseChallengeHeader#none': called('parseChallengeHeader', 'Payment id="i", realm="r"'),
  'sdk.buildCredentialHeader': called('buildCredentialHeader', sdk.parseChallengeHeader(challenge), { accessToken: 't' }),
  'sdk.extractPaymentScheme': called('extractPaymentScheme', challenge),
  'sdk.extractPaymentScheme#credential': called('extractPaymentScheme', 'Bearer a.b.c, payment  eyJhIjoxfQ==, Basic x'),
  'sdk.extractPaymentScheme#none': called('extractPaymentScheme', 'Bearer Payment'),
  'sdk.extractCredentialChallengeId': called('extractCredentialChallengeId', `PAYMENT  ${encoded({ challenge: { id: 'i' } })}`),
  'sdk.extractCredentialChallengeId#none': called('extractCredentialChallengeId', 'Payment !!'),
  'sdk.parseReceiptHeader': called('parseReceiptHeader', encoded({ method: 'nvm', reference: '0x1', status: 'success', timestamp: '2026-01-01T00:00:00Z', more: 1 })),

  'observability.withOpenAI': usage('withOpenAI', 'sk-mine', started, { session: 's-1' }),
  'observability.withLangchain': usage('withLangchain', 'm', 'sk-mine', started),
  'observability.calculateImageUsage': usage('calculateImageUsage', 9),
  'observability.calculateVideoUsage': usage('calculateVideoUsage'),
  'observability.calculateSongUsage': usage('calculateSongUsage', 3),
  'observability.calculateDummySongUsage': usage('calculateDummySongUsage'),
};
