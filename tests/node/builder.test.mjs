// `payments-wasm/builder` against the sandbox: each of its calls, and the whole story of somebody who sells.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { startSandbox } from '../../scripts/lib/start.mjs';
import * as sdk from '../../target/dist/subscriber/builder.js';
import { Payments as Buyer, buildPaymentRequired, decodeAccessToken } from '../../target/dist/subscriber/page.js';
import { client } from '../sandbox/client.mjs';

const { Payments, PlanRedemptionType, USDC_TOKEN_ADDRESS_TESTNET: USDC, ZeroAddress, getDynamicCreditsConfig, getERC20PriceConfig } = sdk;
const DOLLAR = 1_000_000n;

let sandbox, anyone, seller, buyer, plan, agent;
/** Called methods, such as `plans.getPlan`. */
const called = new Set();

before(async () => {
  sandbox = await startSandbox();
  anyone = client(sandbox.url);
  seller = await selling('Seller');
  buyer = await person('Ada');
});
after(() => sandbox?.stop());

/** A seller whose calls are noted. */
async function selling(name, options = {}) {
  const { nvmApiKey = (await anyone.post('/sandbox/accounts', { name })).json.nvmApiKey, organizationId } = options;
  const payments = Payments.getInstance({ environment: 'custom', backend: sandbox.url, organizationId, nvmApiKey });
  const noted = (part, resource) => new Proxy(resource, {
    get(target, method) {
      const value = target[method];
      if (typeof value !== 'function') return called.add(`${part}.${method}`) && value;
      return (...given) => { called.add(`${part}.${method}`); return value.apply(target, given); };
    },
  });
  const parts = Object.fromEntries(Object.entries(payments).map(([part, resource]) => [part, noted(part, resource)]));
  return { ...parts, payments, address: payments.getAccountAddress(), key: nvmApiKey };
}

/** Somebody who buys, with a delegation. */
async function person(name) {
  const own = await anyone.open(name);
  const delegationId = await own.delegation();
  const payments = await Buyer.getInstance({ nvmApiKey: own.key, environment: 'custom', backend: sandbox.url, delegationConfig: { delegationId } });
  return { own, payments, delegationId, address: own.address, token: async (planId, agentId) => (await payments.x402.getX402AccessToken(planId, agentId)).accessToken };
}

const refused = (promise, code, status) => assert.rejects(promise, (error) => {
  assert.ok(error instanceof sdk.PaymentsError, String(error));
  assert.deepEqual([error.code, error.status], [code, status], error.message);
  assert.equal(typeof error.correlationId, status ? 'string' : 'undefined');
  return true;
});
const held = async (planId, who = buyer) => (await seller.plans.getPlanBalance(planId, who.address)).balance;
const price = () => getERC20PriceConfig(10n * DOLLAR, USDC, seller.address);
const credits = () => getDynamicCreditsConfig(100n, 1n, 5n);
const newPlan = async (config = credits()) => (await seller.plans.registerCreditsPlan({ name: 'Hundred questions' }, price(), config)).planId;

test('a plan and an agent are registered, found, described anew', async () => {
  const made = await seller.agents.registerAgentAndPlan(
    { name: 'Oracle', description: 'Answers' }, { endpoints: [{ POST: 'https://a.example/ask' }], authType: 'none' },
    { name: 'Hundred questions' }, price(), credits(),
  );
  ({ planId: plan, agentId: agent } = made);
  assert.deepEqual(Object.keys(made), ['agentId', 'planId', 'txHash']);
  const { id, registry, metadata } = await seller.plans.getPlan(BigInt(plan));
  assert.deepEqual([id, registry.price.amounts, metadata.main.name], [plan, [String(10n * DOLLAR)], 'Hundred questions']);
  assert.equal((await seller.agents.getAgent(agent)).id, agent);
  assert.equal((await seller.plans.getAgentsAssociatedToAPlan(plan, { page: 1, offset: 1 })).agents.length, 1);
  assert.equal((await seller.agents.getAgentPlans(agent)).total, 1);
  const [mine, other] = await Promise.all([seller.agents.getAgents(), seller.agents.getAgents(2, 1)]);
  assert.deepEqual([mine.agents.map(({ id }) => id), other.agents], [[agent], []]);

  assert.equal((await seller.agents.updateAgentMetadata(agent, { name: 'Pythia' }, { authType: 'none' })).success, true);
  assert.equal((await seller.agents.getAgent(agent)).metadata.main.name, 'Pythia');
  const { planId: second } = await seller.plans.registerPlan({ name: 'Second' }, price(), credits(), 2n ** 128n, 'credits');
  assert.equal((await seller.agents.addPlanToAgent(second, agent)).success, true);
  assert.equal((await seller.agents.getAgentPlans(agent)).total, 2);
  assert.equal((await seller.agents.removePlanFromAgent(second, agent)).success, true);
  assert.equal((await seller.agents.getAgentPlans(agent)).total, 1);
  const { agentId } = await seller.agents.registerAgent({ name: 'Other' }, {}, [plan, BigInt(second)]);
  assert.equal((await seller.agents.getAgentPlans(agentId)).total, 2);
  assert.deepEqual((await seller.plans.getPlans(1, 1, 'created', 'asc')).plans.map(({ id }) => id), [plan]);
  await refused(seller.plans.getPlan('77'), 'BCK.PROTOCOL.0003', 404);
  await refused((await selling('Stranger')).agents.updateAgentMetadata(agent, { name: 'Mine' }, {}), 'BCK.PROTOCOL.0016', 401);
});

test('plans of all kinds are registered, and one of the wrong kind is not', async () => {
  const day = seller.plans.getExpirableDurationConfig(sdk.ONE_DAY_DURATION);
  const metadata = Object.freeze({ name: 'Trial' });
  const config = Object.freeze({ ...credits() });
  for (const [method, terms, limit] of [
    ['registerCreditsPlan', config, 'credits'], ['registerTimePlan', day, 'time'],
    ['registerCreditsTrialPlan', config, 'credits'], ['registerTimeTrialPlan', day, 'time'],
  ]) {
    const { planId } = await seller.plans[method](metadata, seller.plans.getFreePriceConfig(), terms);
    const { metadata: made, registry } = await seller.plans.getPlan(planId);
    assert.deepEqual([made.plan.accessLimit, made.plan.isTrialPlan], [limit, method.includes('Trial')], method);
    assert.equal(registry.credits.durationSecs, limit === 'time' ? '86400' : '0');
    const order = () => buyer.payments.plans.orderPlan(planId);
    await order();
    if (method.includes('Trial')) await assert.rejects(order(), /./, 'a trial is bought once');
  }
  assert.deepEqual(metadata, { name: 'Trial' }, 'what was given stays as it is');
  for (const [method, terms, field] of [
    ['registerCreditsPlan', day, 'durationSecs'], ['registerTimePlan', config, 'durationSecs'],
    ['registerTimePlan', { ...day, isRedemptionAmountFixed: true }, 'isRedemptionAmountFixed'],
    ['registerCreditsTrialPlan', getDynamicCreditsConfig(10, 5, 1), 'minAmount'],
  ]) {
    const error = await seller.plans[method](metadata, price(), terms).catch((error) => error);
    assert.deepEqual([error.code, error.message.includes(`creditsConfig.${field}`)], ['validation', true], `${method} ${error.message}`);
  }
});

test('every price and every credits config makes a plan', async () => {
  const { plans, address } = seller;
  const prices = [
    plans.getFiatPriceConfig(5n * DOLLAR, address), plans.getFiatPriceConfig(5n * DOLLAR, address, 'EUR'), plans.getCryptoPriceConfig(5, address, USDC),
    plans.getERC20PriceConfig('5', USDC, address), plans.getEURCPriceConfig(DOLLAR, address), plans.getNativeTokenPriceConfig(1n, address),
    plans.getFreePriceConfig(), await plans.getPayAsYouGoPriceConfig(DOLLAR, address, USDC),
  ];
  const configs = [
    plans.getFixedCreditsConfig(100n, 2n), plans.getDynamicCreditsConfig(100n, 1n, 5n), plans.getNonExpirableDurationConfig(), plans.getPayAsYouGoCreditsConfig(),
    plans.setRedemptionType(credits(), PlanRedemptionType.ONLY_OWNER), plans.setOnchainMirror(credits()),
  ];
  for (const one of prices) {
    const { planId } = await plans.registerPlan({ name: 'A price' }, one, credits());
    const { price: made } = (await plans.getPlan(planId)).registry;
    assert.deepEqual([made.isCrypto, made.amounts, made.templateAddress], [one.isCrypto, one.amounts.map(String), one.templateAddress]);
  }
  for (const one of configs) {
    const { planId } = await plans.registerPlan({ name: 'Credits' }, price(), one);
    const { credits: made } = (await plans.getPlan(planId)).registry;
    assert.deepEqual([made.amount, made.minAmount, made.maxAmount, made.redemptionType], [...[one.amount, one.minAmount, one.maxAmount].map(String), one.redemptionType]);
  }
  await refused(plans.registerPlan({ name: 'Too cheap' }, plans.getFiatPriceConfig(999_999n, address), credits()), 'BCK.PROTOCOL.0047', 400);
});

test('the platform says where its contracts are, and is asked once', async () => {
  const before = (await anyone.get('/sandbox/calls')).json.filter(({ path }) => path === '/').length;
  const one = await selling('One');
  const info = await one.contracts.getDeploymentInfo();
  assert.equal(info.contracts.PayAsYouGoTemplate, await one.contracts.getPayAsYouGoTemplateAddress());
  assert.equal(await one.contracts.getContractAddress('PaymentsVault'), info.contracts.PaymentsVault);
  info.contracts.PayAsYouGoTemplate = ZeroAddress;
  assert.notEqual(await one.contracts.getPayAsYouGoTemplateAddress(), ZeroAddress, 'what was given is the caller\'s');
  await refused(one.contracts.getContractAddress('constructor'), 'contract_unknown');
  assert.equal((await anyone.get('/sandbox/calls')).json.filter(({ path }) => path === '/').length - before, 1);
});

test('a buyer pays: verified, settled, observed', async () => {
  await buyer.payments.plans.orderPlan(plan);
  const paymentRequired = await buildPaymentRequired(plan, { endpoint: '/ask', agentId: agent, httpVerb: 'POST' });
  const x402AccessToken = await buyer.token(plan, agent);
  const verified = await seller.facilitator.verifyPermissions({ paymentRequired, x402AccessToken, maxAmount: 3n });
  assert.deepEqual([verified.isValid, verified.payer, typeof verified.agentRequestId], [true, buyer.address, 'string']);
  assert.equal(await held(plan), 100n);
  const { agentRequestId } = verified;
  const settled = await seller.facilitator.settlePermissions({ paymentRequired, x402AccessToken, maxAmount: '3', agentRequestId, batch: false });
  assert.deepEqual([settled.success, settled.creditsRedeemed, settled.remainingBalance], [true, '3', '97']);
  assert.match(settled.transaction, /^0x/);

  const { baseURL, defaultHeaders } = seller.observability.withOpenAI('sk-mine', verified.agentRequest, { session: 's-1' });
  assert.equal(baseURL, 'http://localhost:8585/jawn/v1/gateway/oai/v1');
  assert.equal(baseURL, seller.observability.heliconeBaseUrl);
  assert.deepEqual(defaultHeaders, seller.observability.getHeliconeHeaders(verified.agentRequest, { session: 's-1' }));
  assert.deepEqual([defaultHeaders['Helicone-Property-agentRequestId'], defaultHeaders['Helicone-Property-planId'], defaultHeaders['Helicone-Property-session']],
    [agentRequestId, plan, 's-1']);
  assert.match(defaultHeaders['Helicone-Auth'], /^Bearer ./);
  new Headers(defaultHeaders);
  const { 'Helicone-Property-agentName': odd } = seller.observability.getHeliconeHeaders({ ...verified.agentRequest, agentName: 'Zoë 神託\r\nx: y\ud800' });
  assert.equal(new Headers({ odd }).get('odd'), 'Zoë %E7%A5%9E%E8%A8%97%0D%0Ax: y');
  assert.throws(() => seller.observability.withOpenAI('sk-mine', undefined), { code: 'validation', message: /^agentRequest must be / });
  assert.deepEqual(seller.observability.withLangchain('m', 'sk-mine', verified.agentRequest).configuration.baseURL, baseURL);

  await refused(seller.facilitator.verifyPermissions({ paymentRequired, x402AccessToken: 'garbage' }), 'BCK.X402.0010', 400);
  const other = await buildPaymentRequired(await newPlan(), { endpoint: '/ask' });
  await refused(seller.facilitator.settlePermissions({ paymentRequired: other, x402AccessToken }), 'BCK.X402.0013', 400);
  assert.equal(await held(plan), 97n);
});

test('what a request came to is tracked, and settled with a margin', async () => {
  const open = await newPlan(getDynamicCreditsConfig(100n, 1n, 50n));
  await buyer.payments.plans.orderPlan(open);
  const paymentRequired = await buildPaymentRequired(open, { endpoint: '/ask' });
  const x402AccessToken = await buyer.token(open);
  const { agentRequestId } = await seller.facilitator.verifyPermissions({ paymentRequired, x402AccessToken, maxAmount: 1 });
  const task = { agentRequestId, creditsToRedeem: 7n, tag: 'search', description: 'two searches', status: sdk.AgentTaskStatus.SUCCESS };
  assert.equal((await seller.requests.trackAgentSubTask(task)).success, true);
  const settled = await seller.facilitator.settlePermissions({ paymentRequired, x402AccessToken, agentRequestId, marginPercent: 0.2 });
  assert.equal(settled.creditsRedeemed, '9', '7 and a fifth, a part being a whole');
});

test('a simulation costs nothing', async () => {
  const started = await seller.requests.startSimulationRequest({ pricePerCredit: 0.05, agentName: 'A', planName: 'P' });
  assert.deepEqual([started.agentName, started.balance.planName, started.balance.pricePerCredit], ['A', 'P', 0.05]);
  const finished = await seller.requests.finishSimulationRequest(started.agentRequestId);
  assert.equal(finished.success, true);
  assert.ok(BigInt(finished.creditsToRedeem) >= 0n);
});

test('credits are minted, burned and redeemed by whom the rules allow, exactly', async () => {
  const owners = await newPlan(sdk.setRedemptionType(credits(), PlanRedemptionType.ONLY_OWNER));
  const large = 2n ** 60n + 1n;
  assert.equal((await seller.plans.mintPlanCredits(owners, large, buyer.address)).success, true);
  assert.equal(await held(owners), large, 'not a credit is lost');
  assert.equal((await seller.plans.mintPlanExpirable(owners, 5, buyer.address, sdk.ONE_YEAR_DURATION)).success, true);
  assert.equal(await held(owners), large + 5n);
  const { data } = await seller.plans.redeemCredits('r', owners, buyer.address, 5n);
  assert.deepEqual([data.creditsRedeemed, BigInt(data.remainingBalance)], ['5', large]);
  await seller.plans.mintPlanCredits(owners, 10n, seller.address);
  assert.equal((await seller.plans.burnCredits(owners, '4')).success, true);
  assert.equal((await seller.plans.getPlanBalance(owners)).balance, 6n);
  assert.equal((await seller.plans.getPlanBalance(owners, 'nobody')).holderAddress.toLowerCase(), seller.address.toLowerCase());

  await refused(seller.plans.burnCredits(owners, 7n), 'BCK.CREDITS.0003', 402);
  await refused((await selling('Stranger')).plans.mintPlanCredits(owners, 1n, buyer.address), 'BCK.PROTOCOL.0017', 401);
  for (const amount of [2 ** 60, 0.5, -1, -1n, '1e3', Number.NaN, Infinity, null, undefined, {}]) {
    const error = await seller.plans.mintPlanCredits(owners, amount, buyer.address).catch((error) => error);
    assert.deepEqual([error.code, error.message.includes('creditsAmount')], ['validation', true], `${String(amount)}: ${error.message}`);
  }
  assert.equal(await held(owners), large, 'and none was minted by them');
});

test('plans are bought by their seller too: with crypto, and by card', async () => {
  const own = await newPlan();
  assert.equal((await seller.plans.orderPlan(own)).success, true);
  const { planId } = await seller.plans.registerPlan({ name: 'By card' }, seller.plans.getFiatPriceConfig(5n * DOLLAR, seller.address), credits());
  assert.match((await seller.plans.orderFiatPlan(planId)).result.checkoutLink, /^http/);
});

test('an organization: members, customers, what happened, Stripe, and plans in its name', async () => {
  const { json: org } = await anyone.post('/sandbox/organizations', { name: 'Guild' });
  const admin = await selling('Admin', org);
  const { organizations } = admin;
  assert.deepEqual((await organizations.getMyMemberships()).map(({ orgId, isAdmin }) => [orgId, isAdmin]), [[org.orgId, true]]);
  assert.deepEqual(await seller.organizations.getMyMemberships(), []);
  const member = await organizations.createMember('u-1', 'ada@a.example', sdk.OrganizationMemberRole.Member);
  assert.deepEqual([member.alreadyMember, member.hash], [false, member.nvmApiKey], 'the key goes by both names');
  const ada = await selling('Ada', member);
  assert.equal((await ada.organizations.getMyMemberships())[0].role, 'Member');
  assert.deepEqual((await organizations.getMembers()).members.map(({ role }) => role), ['Admin', 'Member']);
  assert.deepEqual([(await organizations.getMembers('Member', true, 1, 5)).total, (await organizations.getMembers(undefined, false)).total], [1, 0]);

  const customer = await organizations.onboardCustomer('bob@b.example');
  assert.deepEqual([customer.consentRequired, customer.isCustomer], [false, true]);
  assert.equal((await (await selling('Bob', customer)).delegation.listDelegations()).totalResults, 0);
  await anyone.post('/sandbox/accounts', { name: 'Eve', email: 'eve@e.example' });
  assert.deepEqual(await organizations.onboardCustomer('eve@e.example'), { consentRequired: true });

  ada.payments.setOrganizationId(org.orgId);
  assert.equal(ada.payments.getOrganizationId(), org.orgId);
  const { planId } = await ada.plans.registerCreditsPlan({ name: 'Ours' }, sdk.getFreePriceConfig(), credits());
  ada.payments.setOrganizationId(undefined);
  const { planId: once } = await ada.plans.registerPlan({ name: 'Ours too' }, sdk.getFreePriceConfig(), credits(), undefined, undefined, { organizationId: org.orgId });
  const listed = await admin.plans.getPlans(1, 100, 'created', 'asc', { organizationId: org.orgId });
  assert.deepEqual(listed.plans.map(({ id }) => id).sort(), [planId, once].sort());
  const { items, total } = await organizations.getOrganizationActivity(org.orgId, { eventType: ['plan.created', 'member.joined'], page: 1, limit: 25 });
  assert.deepEqual([items.length, items.filter(({ eventType }) => eventType === 'plan.created').length], [total, 2]);
  const link = await organizations.connectStripeAccount('a@a.example', 'ES', 'http://a.example/back');
  assert.equal(link.userCountryCode, 'ES');

  const created = await admin.orders.createOrder({ amountMinor: 3437n, description: 'Cart', idempotencyKey: 'k', lineItems: [{ Some_Key: 1 }] });
  assert.equal((await admin.orders.createOrder({ amountMinor: '3437', idempotencyKey: 'k' })).orderId, created.orderId);
  const order = await admin.orders.getOrder(created.orderId);
  assert.deepEqual([order.amountMinor, order.status, order.clientSecret], [3437, 'requires_payment', created.clientSecret]);
  await anyone.post(`/sandbox/orders/${created.orderId}`, { action: 'pay' });
  assert.equal((await admin.orders.getOrder(created.orderId)).status, 'paid');
  await refused(admin.orders.createOrder({ amountMinor: 3438, idempotencyKey: 'k' }), 'BCK.ORDER.0007', 409);
  await refused(seller.orders.createOrder({ amountMinor: 100 }), 'BCK.ORDER.0003', 403);
  await refused(admin.orders.getOrder('nothing'), 'BCK.ORDER.0002', 404);

  await refused(organizations.getOrganizationActivity('org-nobody'), 'BCK.ORGANIZATIONS.0011', 404);
  await refused(ada.organizations.createMember('u-2'), 'BCK.AUTH.0007', 403);
  assert.throws(() => ada.payments.setOrganizationId('a b'), { code: 'validation' });
});

test('MPP: a challenge is issued, answered, verified, and burned once', async () => {
  const open = await newPlan();
  await buyer.payments.plans.orderPlan(open);
  const body = '{"question":"why?"}';
  const bodyDigest = `sha-256=${createHash('sha256').update(body).digest('base64')}`;
  const place = { resource: '/ask?q=1', httpVerb: 'POST' };
  const { challenge, id } = await seller.mpp.issueChallenge({ planId: open, credits: 2, ...place, digest: bodyDigest, description: 'An answer' });
  const parsed = sdk.parseChallengeHeader(`Bearer realm="x", ${challenge}`);
  assert.deepEqual([parsed.id, parsed.request, parsed.digest, parsed.description], [id, { planId: open, credits: '2' }, bodyDigest, 'An answer']);
  assert.equal(sdk.extractPaymentScheme(`Bearer realm="x", ${challenge}, Basic y="z"`), challenge);
  const ada = await selling('', { nvmApiKey: buyer.own.key });
  const { accessToken } = await ada.mpp.getMppAccessToken(open, undefined, { delegationConfig: { delegationId: buyer.delegationId } });
  assert.equal((await decodeAccessToken(accessToken)).accepted.planId, open);
  const credential = sdk.buildCredentialHeader(parsed, { accessToken });
  assert.equal(sdk.extractCredentialChallengeId(credential.replace('Payment ', 'payment   ')), id);
  const given = { credential, ...place, bodyDigest };
  assert.equal((await seller.mpp.verifyCredential(given)).isValid, true);
  const [first, again] = [await seller.mpp.settleCredential(given), await seller.mpp.settleCredential(given)];
  assert.deepEqual([first.creditsRedeemed, first.remainingBalance, typeof first.paymentReceipt], ['2', '98', 'string']);
  assert.deepEqual(again, first);
  const receipt = sdk.parseReceiptHeader(first.paymentReceipt);
  assert.deepEqual([receipt.reference, receipt.status], [first.transaction, 'success']);
  assert.equal(await held(open), 98n);
  await refused(seller.mpp.verifyCredential({ ...given, resource: '/other' }), 'BCK.MPP.0003', 402);
  await refused(seller.mpp.settleCredential({ credential: 'Payment !!', ...place }), 'BCK.MPP.0003', 402);
});

test('delegations and payment methods', async () => {
  const ada = await selling('', { nvmApiKey: buyer.own.key });
  const { delegationId } = await ada.delegation.createDelegation({ provider: 'erc4337', spendingLimitCents: 1500, durationSecs: 600, currency: 'usdc' });
  const { delegations } = await ada.delegation.listDelegations({ accessible: true });
  assert.equal(delegations.find((one) => one.delegationId === delegationId).remainingBudgetCents, '1500');
  const [wallet] = await ada.delegation.listPaymentMethods({ provider: 'erc4337' });
  assert.equal(wallet.id.toLowerCase(), buyer.address.toLowerCase());
  const { byCurrency } = await ada.delegation.getPurchasingPower();
  assert.equal(byCurrency.usdc, delegations.reduce((sum, one) => sum + Number(one.remainingBudgetCents), 0));
  await ada.delegation.revokeDelegation(delegationId);
  const after = (await ada.delegation.listDelegations()).delegations.find((one) => one.delegationId === delegationId);
  assert.equal(after.status, 'Revoked');
  const card = await enroll();
  assert.equal((await ada.delegation.updatePaymentMethod(card, { alias: 'The shop', allowedApiKeyIds: null })).alias, 'The shop');
  await refused(ada.delegation.updatePaymentMethod('pm_nothing', { alias: 'x' }), 'BCK.DELEGATION.0001', 404);
});

/** The user's actions on the card page; returns the card's id. */
async function enroll() {
  const returnUrl = 'http://127.0.0.1:4567/';
  const { json } = await buyer.own.post('/api/v1/widgets/session/self', { orgId: 'org-1', returnUrl });
  const done = await buyer.own.form('/cards/setup', {
    sessionToken: json.sessionToken, returnUrl, state: '0'.repeat(32), network: 'sandbox', provider: 'stripe',
    number: '4242 4242 4242 4242', expiry: '12 / 34', limit: '20', days: '7', action: 'go',
  });
  return new URL(done.headers.get('location')).searchParams.get('paymentMethodId');
}

test('what a model used, in Helicone\'s form', () => {
  const { observability } = seller;
  assert.deepEqual([observability.calculateImageUsage(9).total_tokens, observability.calculateVideoUsage().completion_tokens,
    observability.calculateSongUsage(3).total_tokens, observability.calculateDummySongUsage().total_tokens], [9, 1, 3, 6]);
  const payload = observability.createHeliconePayload({ model: 'm', inputData: { q: 1 }, temperature: 0 });
  assert.deepEqual([payload.temperature, payload.top_p, payload.messages[0].content], [0, 1, '{"q":1}']);
  const answer = observability.createHeliconeResponse({ idPrefix: 'x', model: 'm', resultData: { a: 1 }, usage: sdk.calculateVideoUsage() });
  assert.deepEqual([answer.id.startsWith('x-'), answer.choices[0].message.content, answer.usage.total_tokens], [true, '{"a":1}', 1]);
});

/** Methods that need a page, or that `payments.fetch` and its tests call: see api.test.mjs and tests/browser. */
const OF_BUYERS = ['plans.waitForCredits', 'plans.checkout', 'plans.checkoutReturned', 'delegation.setupCard', 'delegation.cardReturned'];

test('every method was called here', () => {
  const all = Object.keys(seller.payments).flatMap((part) =>
    Object.getOwnPropertyNames(Object.getPrototypeOf(seller.payments[part])).filter((name) => name !== 'constructor').map((name) => `${part}.${name}`));
  assert.ok(all.length > 60, `${all.length}`);
  assert.deepEqual(all.filter((name) => !called.has(name) && !OF_BUYERS.includes(name) && !/^x402\.|\.(ask|session)$/.test(name)), ['mpp.fetch', 'observability.withHeliconeLogging', 'observability.withAsyncLogger'], 'those have files of their own: mpp-fetch.test.mjs, observability.test.mjs');
});
