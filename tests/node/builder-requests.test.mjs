// Requests of `payments-wasm/builder` and its reading of responses, with a scripted platform.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutcomeUnknown, Payments, PaymentsError, SessionExpired } from '../../target/dist/subscriber/builder.js';

const ME = `0x${'1'.repeat(40)}`;
const BACKEND = 'https://api.example/nevermined';
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const key = (claims) => `local:${part({ alg: 'none' })}.${part({ sub: ME, o11y: 'sk-helicone-x', ...claims })}.c2ln`;
const KEY = key();
const json = (body, init) => new Response(JSON.stringify(body), init);

/** A seller and the requests that went out; `answers` are used up one by one, the last one stays. */
async function selling(answers, options = {}) {
  const sent = [];
  const fetch = async (request) => {
    const { method, url, redirect } = request;
    sent.push({ method, url, redirect, headers: Object.fromEntries(request.headers), body: await request.clone().text() });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return answer instanceof Function ? answer(request) : answer.clone();
  };
  return { sent, payments: await Payments.getInstance({ nvmApiKey: KEY, environment: 'custom', backend: `${BACKEND}/`, fetch, ...options }) };
}

/** A platform that does not answer until it is given up. */
const silent = ({ signal }) => new Promise((_, reject) => { signal.addEventListener('abort', () => reject(signal.reason)); });
const broken = () => Promise.reject(new TypeError('fetch failed'));
const offer = { x402Version: 2, resource: { url: '/ask' }, accepts: [], extensions: {} };
const settle = { paymentRequired: offer, x402AccessToken: 't', maxAmount: 1n };
const verified = json({ isValid: true });

test('the key goes to the platform, in one header, and not where it is not asked for', async () => {
  const { sent, payments } = await selling([json([])]);
  await payments.organizations.getMyMemberships();
  const [{ method, url, redirect, headers, body }] = sent;
  assert.deepEqual([method, url, redirect, body], ['GET', `${BACKEND}/api/v1/organizations/my-memberships`, 'manual', '']);
  const { 'x-correlation-id': correlation, ...others } = headers;
  assert.match(correlation, /^[0-9a-f]{32}$/);
  assert.deepEqual(others, {
    accept: 'application/json', authorization: `Bearer ${KEY}`, 'content-type': 'application/json', 'nevermined-version': '1.1',
  });
  const open = await selling([json({ id: 'o' })], { organizationId: 'org-1' });
  await open.payments.orders.getOrder('o');
  assert.deepEqual(Object.keys(open.sent[0].headers).sort(), ['accept', 'content-type', 'nevermined-version', 'x-correlation-id']);
});

test('the prefix of a key says where it goes', async () => {
  for (const [prefix, environment, origin, helicone] of [
    ['sandbox', 'sandbox', 'https://api.sandbox.nevermined.app', 'https://helicone.nevermined.dev'],
    ['live-staging', 'staging_live', 'https://api.live.nevermined.dev', 'https://helicone.nevermined.dev'],
    ['local', 'custom', BACKEND, 'http://localhost:8585'],
  ]) {
    const { sent, payments } = await selling([json([])], { nvmApiKey: KEY.replace('local', prefix) });
    await payments.organizations.getMyMemberships();
    assert.deepEqual([payments.environmentName, sent[0].url, payments.observability.heliconeBaseUrl],
      [environment, `${origin}/api/v1/organizations/my-memberships`, `${helicone}/jawn/v1/gateway/oai/v1`]);
  }
  const own = await selling([], { helicone: 'https://observer.example/' });
  assert.equal(own.payments.observability.heliconeBaseUrl, 'https://observer.example/jawn/v1/gateway/oai/v1');
});

test('an organization is named by the instance, or for one call', async () => {
  const { sent, payments } = await selling([json({ planId: '1' })], { organizationId: 'org-1' });
  const register = (options) => payments.plans.registerPlan(
    { name: 'n' }, payments.plans.getFreePriceConfig(), payments.plans.getFixedCreditsConfig(1n), undefined, undefined, options);
  await register();
  await register({ organizationId: 'org-2' });
  payments.setOrganizationId(undefined);
  await register();
  assert.deepEqual(sent.map(({ headers }) => headers['x-current-org-id']), ['org-1', 'org-2', undefined]);
  assert.equal((await register({ organizationId: 'x\ny: z' }).catch((error) => error)).code, 'validation');
  assert.equal(sent.length, 3);
  const nonces = sent.map(({ body }) => JSON.parse(body).nonce);
  assert.ok(nonces.every((nonce) => /^\d{20,39}$/.test(nonce)) && new Set(nonces).size === 3, String(nonces));
});

test('only what is as good twice as once is sent again', async () => {
  const busy = () => new Response('', { status: 503 });
  const calls = {
    read: (payments) => payments.plans.getPlan('1'),
    verify: (payments) => payments.facilitator.verifyPermissions(settle),
    redeem: (payments) => payments.mpp.settleCredential({ credential: 'Payment x', resource: '/', httpVerb: 'GET' }),
    settle: (payments) => payments.facilitator.settlePermissions(settle),
    mint: (payments) => payments.plans.mintPlanCredits('1', 1n, ME),
    order: (payments) => payments.orders.createOrder({ amountMinor: 100 }),
    keyed: (payments) => payments.orders.createOrder({ amountMinor: 100, idempotencyKey: 'k' }),
  };
  const ends = await Promise.all(Object.entries(calls).map(async ([name, call]) => {
    const { sent, payments } = await selling([busy]);
    const error = await call(payments).catch((error) => error);
    return [name, sent.length, error.code, error instanceof OutcomeUnknown, error.retryable];
  }));
  assert.deepEqual(ends, [
    ['read', 3, 'http_503', false, true],
    ['verify', 3, 'http_503', false, true],
    ['redeem', 3, 'settlement_outcome_unknown', true, false],
    ['settle', 1, 'settlement_outcome_unknown', true, false],
    ['mint', 1, 'outcome_unknown', true, false],
    ['order', 1, 'http_503', false, false],
    ['keyed', 3, 'http_503', false, true],
  ]);
  const { sent, payments } = await selling([broken, busy, verified]);
  assert.equal((await payments.facilitator.verifyPermissions(settle)).isValid, true);
  assert.equal(new Set(sent.map(({ headers }) => headers['x-correlation-id'])).size, 1, 'it is one call');
});

test('a simulation that is not known yet is asked for again', async () => {
  const unknown = json({ code: 'BCK.PROTOCOL.0044', message: 'not yet' }, { status: 404 });
  const { sent, payments } = await selling([unknown, json({ success: true, creditsToRedeem: '3' })]);
  assert.equal((await payments.requests.finishSimulationRequest('r')).creditsToRedeem, '3');
  assert.equal(sent.length, 2);
});

test('silence is told apart: what moves something may have happened', async (t) => {
  // A fetch of our own keeps no connection, and so nothing keeps the process.
  const alive = setInterval(() => {}, 1000);
  t.after(() => clearInterval(alive));
  for (const [answer, timeoutMs, plain] of [[broken, 30_000, 'network_error'], [silent, 20, 'platform_timeout'], [new Response(new Uint8Array([0xff])), 30_000, 'network_error']]) {
    const { payments } = await selling([answer], { timeoutMs });
    const of = (promise) => promise.then(() => assert.fail('it resolved'), (error) => [error.code, error.retryable, error instanceof OutcomeUnknown]);
    assert.deepEqual(await of(payments.facilitator.settlePermissions(settle)), ['settlement_outcome_unknown', false, true]);
    assert.deepEqual(await of(payments.plans.orderPlan('1')), ['purchase_outcome_unknown', false, true]);
    assert.deepEqual(await of(payments.plans.burnCredits('1', 1)), ['outcome_unknown', false, true]);
    assert.deepEqual(await of(payments.organizations.createMember('u')), [plain, false, false]);
    assert.deepEqual(await of(payments.contracts.getDeploymentInfo()), [plain, true, false]);
  }
  const { payments } = await selling([json({ success: 'perhaps' })]);
  assert.ok(await payments.facilitator.settlePermissions(settle).catch((error) => error) instanceof OutcomeUnknown, 'nor is it known from what cannot be read');
});

test('what the platform says of a no is in the error, and no secret is', async () => {
  const said = { code: 'BCK.X402.0005', message: 'no', hint: 'mint another', correlationId: 'c-1', docsUrl: 'https://docs.example/x' };
  const { payments } = await selling([json(said, { status: 402 })]);
  const error = await payments.facilitator.settlePermissions({ ...settle, x402AccessToken: 'hush' }).catch((error) => error);
  assert.ok(error instanceof PaymentsError && !(error instanceof OutcomeUnknown));
  const { code, message, hint, status, correlationId, docsUrl, retryable } = error;
  assert.deepEqual([code, message, hint, status, docsUrl, retryable], ['BCK.X402.0005', 'no', 'mint another', 402, 'https://docs.example/x', false]);
  assert.match(correlationId, /^[0-9a-f]{32}$/, 'what was sent, where the answer has no header');
  const shown = `${error.stack}${JSON.stringify(error)}`;
  assert.ok(!shown.includes('hush') && !shown.includes('c2ln'));
  const mute = await selling([new Response(new Uint8Array([0xff]), { status: 402 })]);
  assert.equal((await mute.payments.facilitator.settlePermissions(settle).catch((error) => error)).code, 'http_402', 'a no is one in any words');
  const refused = await selling([json({}, { status: 401 })]);
  assert.ok(await refused.payments.organizations.getMembers().catch((error) => error) instanceof SessionExpired);
});

test('a key that has ended is not sent', async () => {
  const { sent, payments } = await selling([json({ id: '1' })], { nvmApiKey: key({ exp: 1 }) });
  const error = await payments.plans.mintPlanCredits('1', 1n, ME).catch((error) => error);
  assert.deepEqual([error.code, error instanceof SessionExpired, sent.length], ['session_expired', true, 0]);
  assert.equal((await payments.plans.getPlan('1')).id, '1', 'what needs no key goes on');
});

test('a redirect is not followed, and an answer that is too large is none', async () => {
  const away = await selling([new Response(null, { status: 307, headers: { location: 'https://evil.example/' } })]);
  assert.equal((await away.payments.plans.mintPlanCredits('1', 1n, ME).catch((error) => error)).code, 'http_307');
  assert.equal(away.sent.length, 1);
  const large = await selling([new Response('x'.repeat(256 * 1024 + 1))]);
  assert.equal((await large.payments.plans.getPlan('1').catch((error) => error)).code, 'network_error');
  const html = await selling([new Response('<html>')]);
  assert.equal((await html.payments.plans.getPlan('1').catch((error) => error)).code, 'garbled_answer');
  const nothing = await selling([new Response(null, { status: 204 })]);
  assert.equal(await nothing.payments.delegation.revokeDelegation('d'), undefined);
});

test('options and arguments of the wrong kind are named, and nothing is sent', async () => {
  for (const [options, field] of [
    [{ nvmApiKey: undefined }, 'nvmApiKey'], [{ nvmApiKey: 'x' }, 'nvmApiKey'], [{ environment: 'production' }, 'environment'], [{ backend: undefined }, 'backend'],
    [{ backend: 'http://api.example' }, 'backend'], [{ backend: 7 }, 'backend'], [{ timeoutMs: 0 }, 'timeoutMs'], [{ timeoutMs: 1.5 }, 'timeoutMs'], [{ fetch: 'x' }, 'fetch'],
    [{ organizationId: 'a b' }, 'organizationId'], [{ helicone: 'x' }, 'helicone'],
  ]) {
    const error = await selling([], options).catch((error) => error);
    assert.deepEqual([error.code, error.message.split(' ')[0]], ['validation', field], error.message);
  }
  assert.throws(() => Payments.getInstance(), { code: 'validation', message: 'nvmApiKey is missing' });
  const { sent, payments } = await selling([json({})]);
  for (const [call, field] of [
    [() => payments.facilitator.settlePermissions(null), 'paymentRequired'],
    [() => payments.facilitator.settlePermissions({ ...settle, marginPercent: Number.NaN }), 'marginPercent'],
    [() => payments.mpp.issueChallenge(), 'planId'],
    [() => payments.orders.createOrder({ amountMinor: 34.37 }), 'amountMinor'],
    [() => payments.plans.registerPlan({ name: 'n' }, { amounts: [2 ** 60], receivers: [ME] }, {}), 'priceConfig.amounts'],
    [() => payments.plans.getPlan('../1'), 'planId'],
    [() => payments.plans.getPlan({}), 'planId'],
    [() => payments.plans.getPlan(2 ** 60), 'planId'],
    [() => payments.plans.getPlans(1.5), 'page'],
    [() => payments.plans.orderFiatPlan({}), 'planId'],
    [() => payments.agents.addPlanToAgent('1', '2/plan/3'), 'agentId'],
    [() => payments.agents.registerAgent({ name: 'n' }, {}, '1'), 'paymentPlans'],
    [() => payments.organizations.getOrganizationActivity(''), 'orgId'],
    [() => payments.delegation.createDelegation({ provider: 'erc4337', spendingLimitCents: 10.5, durationSecs: 60, currency: 'usdc' }), 'spendingLimitCents'],
    [() => payments.delegation.updatePaymentMethod('pm_1'), 'options'],
  ]) {
    const error = await call().catch((error) => error);
    assert.deepEqual([error.code, error.message.split(' ')[0]], ['validation', field], error.message);
  }
  assert.equal(sent.length, 0);
});

test('what is given stays as it is', async () => {
  const { sent, payments } = await selling([json({ planId: '1' })]);
  const freeze = (value) => {
    if (typeof value === 'object' && value) Object.values(Object.freeze(value)).forEach(freeze);
    return value;
  };
  const metadata = freeze({ name: 'n', tags: ['a'], dateCreated: new Date(0), nothing: null });
  const price = freeze(payments.plans.getFiatPriceConfig(1_000_000n, ME));
  const credits = freeze(payments.plans.getDynamicCreditsConfig('100', 1, 5n));
  await payments.plans.registerCreditsTrialPlan(metadata, price, credits);
  const body = JSON.parse(sent[0].body);
  assert.deepEqual(body.metadataAttributes, { name: 'n', tags: ['a'], dateCreated: '1970-01-01T00:00:00.000Z', nothing: null, isTrialPlan: true });
  assert.deepEqual([body.priceConfig.amounts, body.creditsConfig.amount, body.creditsConfig.maxAmount, body.currency], [['1000000'], '100', '5', 'USD']);
  assert.deepEqual(payments.plans.setOnchainMirror(credits), { ...credits, onchainMirror: true });
  assert.deepEqual(payments.plans.setRedemptionType(credits, 1), { ...credits, redemptionType: 1 });
});
