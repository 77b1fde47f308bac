// A subscriber's calls beside fetch, against a real sandbox: plans, agents, delegations, permissions, helpers.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newAccount, startDemoServers } from '../../scripts/lib/demo-servers.mjs';
import * as sdk from '../../target/dist/subscriber/page.js';

const { Payments, PaymentsError, SessionExpired } = sdk;
let servers;
let options;
let payments;

before(async () => {
  servers = await startDemoServers();
  const { nvmApiKey } = await newAccount(servers.sandbox.url, 'A subscriber');
  options = { nvmApiKey, environment: 'custom', backend: servers.sandbox.url };
  payments = await Payments.getInstance(options);
});
after(() => servers?.stop());

const delegate = (more) => payments.delegation.createDelegation({
  provider: 'erc4337', spendingLimitCents: 500, durationSecs: 600, currency: 'usdc', ...more,
});

/** An instance whose platform answers what it is told; what it was asked is in `requests`. */
async function played(answers, more = {}) {
  const requests = [];
  const instance = await Payments.getInstance({
    ...options, ...more,
    fetch: async (request) => {
      requests.push(request);
      const answer = answers[Math.min(requests.length, answers.length) - 1];
      if (answer instanceof Error) throw answer;
      const { status = 200, body = {}, headers = {} } = answer;
      return new Response(status === 204 ? null : typeof body === 'string' ? body : JSON.stringify(body), { status, headers });
    },
  });
  return { instance, requests };
}

test('plans and agents are read', async () => {
  const { planId, agentId } = servers;
  assert.equal((await payments.plans.getPlan(planId)).id, planId);
  assert.equal((await payments.plans.getPlan(BigInt(planId))).id, planId, 'an id that was read as a bigint');
  assert.equal((await payments.agents.getAgent(agentId)).id, agentId);
  const { agents } = await payments.plans.getAgentsAssociatedToAPlan(planId, { page: 1, offset: 5 });
  assert.deepEqual(agents.map(({ id }) => id), [agentId]);
  const { plans } = await payments.agents.getAgentPlans(agentId);
  assert.deepEqual(plans.map(({ planId: id, id: other }) => id ?? other), [planId]);
  assert.deepEqual((await payments.plans.getPlans()).plans, [], 'a subscriber has published none');
  const seller = await Payments.getInstance({ ...options, nvmApiKey: servers.seller.nvmApiKey });
  assert.equal((await seller.plans.getPlans(1, 10, 'created', 'asc')).plans.length, 1);
});

test('delegations are made, listed and revoked', async () => {
  const { delegationId } = await delegate();
  const { delegations } = await payments.delegation.listDelegations({ accessible: true });
  assert.ok(delegations.some((one) => one.delegationId === delegationId));
  const power = await payments.delegation.getPurchasingPower();
  assert.ok(power.byCurrency.usdc >= 500 && power.currency === 'usdc' && power.totalRemainingBudgetCents === power.byCurrency.usdc);
  await payments.delegation.revokeDelegation(delegationId);
  const left = (await payments.delegation.listDelegations()).delegations.find((one) => one.delegationId === delegationId);
  assert.ok(!left || left.status !== 'Active');
});

test('a token is of the delegation that is named: by its id, by its API key, as configured', async () => {
  const accessToken = Buffer.from('{"accepted":{},"payload":{"authorization":{"from":"0xme"}}}').toString('base64url');
  for (const [own, given, sent] of [
    [undefined, { delegationId: 'd-1' }, { delegationId: 'd-1' }],
    [undefined, { apiKeyId: 'k-1' }, { apiKeyId: 'k-1' }],
    [{ apiKeyId: 'k-1' }, undefined, { apiKeyId: 'k-1' }],
    [{ apiKeyId: 'k-1' }, { delegationId: 'd-1' }, { delegationId: 'd-1' }],
    [{ delegationId: 'd-1' }, { apiKeyId: 'k-1' }, { apiKeyId: 'k-1' }],
    [undefined, { delegationId: 'd-1', apiKeyId: 'k-1' }, { delegationId: 'd-1', apiKeyId: 'k-1' }],
    [{ delegationId: 'd-1', apiKeyId: 'k-1' }, undefined, { delegationId: 'd-1', apiKeyId: 'k-1' }],
  ]) {
    const { instance, requests } = await played([{ body: { accessToken } }], { delegationConfig: own });
    await instance.x402.getX402AccessToken('1', undefined, { delegationConfig: given });
    assert.deepEqual((await requests[0].json()).delegationConfig, sent);
  }
  const { instance } = await played([{ body: { accessToken } }]);
  await assert.rejects(instance.x402.getX402AccessToken('1', undefined, { delegationConfig: { apiKeyId: '' } }), { code: 'validation', message: /apiKeyId/ });
});

test('permissions are listed, read and revoked', async () => {
  const { delegationId } = await delegate();
  const minted = await payments.x402.getX402AccessToken(servers.planId, servers.agentId, { delegationConfig: { delegationId } });
  const payload = await sdk.decodeAccessToken(minted.accessToken);
  assert.equal(payload.accepted.planId, servers.planId);
  assert.equal(await sdk.encodeAccessToken(payload), minted.accessToken, 'what is decoded is encoded as it was');
  if (!minted.permissionHash) return;
  const listed = await payments.x402.listPermissions({ page: 1, offset: 10 });
  assert.ok(JSON.stringify(listed).includes(minted.permissionHash));
  assert.ok(await payments.x402.getPermission(minted.permissionHash));
  await payments.x402.revokePermission(minted.permissionHash);
});

test('a trial is had once, and a plan for a time says when it is held', async () => {
  const zero = `0x${'0'.repeat(40)}`;
  const register = async (isTrialPlan, durationSecs) => {
    const answer = await fetch(`${servers.sandbox.url}/api/v1/protocol/plans`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${servers.seller.nvmApiKey}`, 'nevermined-version': '1.1' },
      body: JSON.stringify({
        metadataAttributes: { name: 'A plan', dateCreated: new Date().toISOString(), isTrialPlan },
        priceConfig: {
          tokenAddress: zero, amounts: [], receivers: [], contractAddress: zero, feeController: zero, externalPriceAddress: zero,
          templateAddress: zero, isCrypto: true,
        },
        creditsConfig: {
          isRedemptionAmountFixed: false, redemptionType: 4, onchainMirror: false, durationSecs: String(durationSecs),
          amount: durationSecs ? '1' : '10', minAmount: '1', maxAmount: '1',
        },
        nonce: String(Math.random()).slice(2), isTrialPlan, accessLimit: durationSecs ? 'time' : 'credits',
      }),
    });
    return (await answer.json()).planId;
  };
  const trial = await register(true, 0);
  assert.equal((await payments.plans.orderPlan(trial)).success, true);
  await assert.rejects(payments.plans.orderPlan(trial), (error) => error instanceof PaymentsError && /^BCK\./.test(error.code) && error.status >= 400 && !error.retryable);
  assert.equal((await payments.plans.getPlanBalance(trial)).balance, 10n);
  const week = await register(false, Number(sdk.ONE_WEEK_DURATION));
  await payments.plans.orderPlan(week);
  const held = await payments.plans.waitForCredits(week);
  assert.ok(held.balance >= 1n && held.isSubscriber, JSON.stringify(held, (_, one) => String(one)));
});

test('an account in its own words, and in an organization’s name', async () => {
  assert.equal(payments.getEnvironmentName(), 'custom');
  assert.match(payments.getAccountAddress(), /^0x/);
  const { instance, requests } = await played([{ body: { delegations: [] } }]);
  instance.setOrganizationId('org-1');
  await instance.delegation.listDelegations();
  await instance.plans.getPlan('1');
  instance.setOrganizationId(undefined);
  await instance.delegation.listDelegations();
  assert.deepEqual(requests.map(({ headers }) => headers.get('x-current-org-id')), ['org-1', null, null]);
  assert.throws(() => instance.setOrganizationId('a\r\nb'), { code: 'validation' });
});

test('the body of a payload carries bigints as texts, and is required', async () => {
  const { instance, requests } = await played([{ body: { delegationId: 'd' } }]);
  await instance.delegation.createDelegation({ provider: 'stripe', spendingLimitCents: 5n, currency: 'usd' });
  assert.deepEqual(await requests[0].json(), { provider: 'stripe', spendingLimitCents: '5', currency: 'usd' });
  await instance.delegation.updatePaymentMethod('pm_1', { alias: 'mine', allowedApiKeyIds: null });
  assert.equal(requests[1].method, 'PATCH');
  assert.deepEqual(await requests[1].json(), { alias: 'mine', allowedApiKeyIds: null });
  await assert.rejects(instance.delegation.createDelegation(), { code: 'validation' });
  await assert.rejects(instance.plans.getPlan('../x'), { code: 'validation', message: /planId/ });
});

test('only calls that are as good twice as once are sent again', async () => {
  const busy = { status: 503, body: { code: 'BCK.COMMON.0029' } };
  const recovered = await played([busy, new TypeError('gone'), { body: { id: '1' } }]);
  assert.equal((await recovered.instance.plans.getPlan('1')).id, '1');
  assert.equal(recovered.requests.length, 3);
  assert.equal(new Set(recovered.requests.map(({ headers }) => headers.get('x-correlation-id'))).size, 1, 'one call, one id');

  const down = await played([busy]);
  await assert.rejects(down.instance.plans.getPlan('1'), { code: 'BCK.COMMON.0029', status: 503, retryable: true });
  assert.equal(down.requests.length, 3);

  const ordered = await played([busy]);
  await assert.rejects(ordered.instance.plans.orderPlan('1'), { name: 'OutcomeUnknown', code: 'purchase_outcome_unknown', status: 503, retryable: false });
  assert.equal(ordered.requests.length, 1, 'an order is never repeated by itself');
  for (const [answer, what, expected] of [
    [new TypeError('gone'), (plans) => plans.orderPlan('1'), { name: 'OutcomeUnknown', code: 'purchase_outcome_unknown', retryable: false }],
    [{ status: 400, body: { code: 'BCK.PROTOCOL.0012', retryable: true } }, (plans) => plans.orderPlan('1'), { code: 'BCK.PROTOCOL.0012', retryable: true }],
    [{ status: 429 }, (plans) => plans.orderPlan('1'), { code: 'http_429', retryable: true }],
    [busy, (plans) => plans.orderFiatPlan('1'), { code: 'BCK.COMMON.0029', retryable: false }],
    [new TypeError('gone'), (plans) => plans.orderFiatPlan('1'), { code: 'network_error', retryable: false }],
  ]) {
    const { instance } = await played([answer]);
    await assert.rejects(what(instance.plans), expected);
  }

  const later = await played([{ status: 429, headers: { 'retry-after': '60' } }]);
  await assert.rejects(later.instance.plans.getPlan('1'), { code: 'http_429', retryable: true });
  assert.equal(later.requests.length, 1, 'a minute is for the caller to wait');

  const refused = await played([{ status: 404, body: { code: 'BCK.PROTOCOL.0003', message: 'no such plan' } }]);
  await assert.rejects(refused.instance.plans.getPlan('1'), (error) => {
    assert.ok(error instanceof PaymentsError && !(error instanceof SessionExpired));
    assert.equal(error.docsUrl, 'https://docs.nevermined.app/docs/development-guide/api-errors/codes');
    assert.equal(error.correlationId, refused.requests[0].headers.get('x-correlation-id'), 'the platform names none: the one that was sent');
    return true;
  });
  assert.equal(refused.requests.length, 1);
});

test('a key that the platform refuses ends the session, and says so once', async () => {
  const reasons = [];
  const { instance } = await played([{ status: 401, body: { code: 'BCK.AUTH.0001', message: 'no' } }], {
    onSessionExpired: (reason) => reasons.push(reason),
  });
  const errors = await Promise.all([instance.plans.orderPlan('1'), instance.delegation.listDelegations()].map((one) => one.catch((error) => error)));
  for (const error of errors) assert.ok(error instanceof SessionExpired && error instanceof PaymentsError, error);
  await new Promise((done) => setTimeout(done));
  assert.deepEqual([instance.isLoggedIn, reasons], [false, ['refused']]);
  await assert.rejects(instance.plans.orderPlan('1'), { code: 'not_logged_in' });
});

test('a key that has ended is not sent', async () => {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const nvmApiKey = `local:${part({})}.${part({ sub: `0x${'1'.repeat(40)}`, exp: 1 })}.c2ln`;
  const reasons = [];
  const { instance, requests } = await played([{}], { nvmApiKey, onSessionExpired: (reason) => reasons.push(reason) });
  await assert.rejects(instance.plans.orderPlan('1'), (error) => error instanceof SessionExpired && error.code === 'session_expired');
  await new Promise((done) => setTimeout(done));
  assert.deepEqual([requests.length, instance.isLoggedIn, reasons], [0, false, ['expired']]);
});

test('a key that has ended by a clock that may be fast is sent: the platform decides', async () => {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const HOUR = 3600;
  for (const [ended, sent] of [[-HOUR, true], [1, true], [2 * HOUR, true], [48 * HOUR, true], [8 * 24 * HOUR, false]]) {
    const nvmApiKey = `local:${part({})}.${part({ sub: `0x${'1'.repeat(40)}`, exp: Math.floor(Date.now() / 1000) - ended })}.c2ln`;
    const { instance, requests } = await played([{ body: { delegations: [] } }], { nvmApiKey });
    const code = await instance.delegation.listDelegations().then(() => undefined, (error) => error.code);
    assert.deepEqual([requests.length, instance.isLoggedIn, code], sent ? [1, true, undefined] : [0, false, 'session_expired'], `${ended} s ago`);
  }
});

test('credits are waited for, with progress, until there are enough, or an abort', async () => {
  const balance = (held) => ({ body: { planId: '1', balance: held } });
  const { instance } = await played([balance('0'), balance('1'), balance('5')]);
  const progress = [];
  const held = await instance.plans.waitForCredits('1', { min: 5, onProgress: ({ balance: now }) => progress.push(now) });
  assert.deepEqual([held.balance, progress], [5n, [0n, 1n]]);

  const never = await played([balance('0')]);
  await assert.rejects(never.instance.plans.waitForCredits('1', { timeoutMs: 300 }), { code: 'credits_timeout', retryable: true });
  const stop = new AbortController();
  const waiting = never.instance.plans.waitForCredits('1', { signal: stop.signal });
  const before = Date.now();
  setTimeout(() => stop.abort(new Error('enough')), 50);
  await assert.rejects(waiting, (error) => error.name === 'AbortError' && error.code === 'aborted' && error.cause === stop.signal.reason);
  assert.ok(Date.now() - before < 5000, 'at once');
  await assert.rejects(never.instance.plans.waitForCredits('1', { min: 'many' }), { code: 'validation' });
});

test('a card checkout has a link, and outside a page it is the caller’s to open', async () => {
  const { instance, requests } = await played([{ body: { result: { checkoutLink: 'https://pay.example/1', paymentStatus: 'unpaid' } } }]);
  const { result } = await instance.plans.orderFiatPlan('1');
  assert.equal(result.checkoutLink, 'https://pay.example/1');
  assert.equal(await requests[0].text(), '{"sessionType":"embedded","planId":"1"}');
  for (const call of [() => instance.plans.checkout('1'), () => instance.delegation.setupCard()]) {
    await assert.rejects(call(), { code: 'browser_only' });
  }
});

test('offers are built as the official SDK builds them', async () => {
  const bare = { x402Version: 2, resource: { url: '' }, accepts: [{ scheme: 'nvm:erc4337', network: 'eip155:84532', planId: '1', extra: { version: '1' } }], extensions: {} };
  const text = async (...given) => JSON.stringify(await sdk.buildPaymentRequired(...given));
  assert.equal(await text('1'), JSON.stringify(bare));
  assert.equal(
    await text('12345', { endpoint: '/ask', agentId: '678', httpVerb: 'POST', description: 'd', mimeType: 'application/json' }),
    '{"x402Version":2,"resource":{"url":"/ask","description":"d","mimeType":"application/json"},"accepts":[{"scheme":"nvm:erc4337","network":"eip155:84532","planId":"12345","extra":{"version":"1","agentId":"678","httpVerb":"POST"}}],"extensions":{}}',
  );
  assert.equal(JSON.parse(await text('1', { environment: 'staging_live' })).accepts[0].network, 'eip155:8453');
  assert.equal(JSON.parse(await text('1', { scheme: 'nvm:card-delegation' })).accepts[0].network, 'stripe');
  assert.equal(JSON.parse(await text('1', { scheme: 'nvm:card-delegation', network: 'visa' })).accepts[0].network, 'visa');
  const several = await sdk.buildPaymentRequiredForPlans(['1', '2'], { agentId: '3' });
  assert.deepEqual(several.accepts.map(({ planId, extra }) => [planId, extra.agentId]), [['1', '3'], ['2', '3']]);
  assert.equal((await sdk.buildPaymentRequiredForPlans([])).accepts[0].planId, '');
});

test('tokens are decoded as UTF-8', async () => {
  const payload = { x402Version: 2, resource: { url: '/ünï ☃' }, payload: {} };
  const token = await sdk.encodeAccessToken(payload);
  assert.match(token, /^[\w-]+$/);
  assert.deepEqual(await sdk.decodeAccessToken(token), payload);
  assert.deepEqual(await sdk.decodeAccessToken(Buffer.from(JSON.stringify(payload)).toString('base64')), payload);
  for (const junk of ['', '!!', 'AAAA', undefined, 7]) assert.equal(await sdk.decodeAccessToken(junk), null);
});

test('scheme and network are a plan’s own', async () => {
  const card = { registry: { price: { isCrypto: false } }, metadata: { plan: { fiatPaymentProvider: 'braintree' } } };
  const { instance, requests } = await played([{ body: card }]);
  assert.equal(await sdk.resolveScheme(instance, '1'), 'nvm:card-delegation');
  assert.equal(await sdk.resolveNetwork(instance, '1'), 'braintree');
  assert.equal(await sdk.resolveScheme(instance, '1', 'nvm:erc4337'), 'nvm:erc4337');
  assert.equal(requests.length, 1, 'the plan is read once');
  assert.equal(await sdk.resolveScheme(payments, servers.planId), 'nvm:erc4337');
  assert.equal(await sdk.resolveNetwork(payments, servers.planId), undefined);
  await assert.rejects(sdk.resolveScheme(payments, '404'), PaymentsError);
});

test('a program on this machine logs in by a listener of its own', async () => {
  const { url, state } = await Payments.loginUrl({ callbackUrl: 'http://127.0.0.1:4000/callback', backend: servers.sandbox.url });
  assert.equal(url, `${servers.sandbox.url}/auth/cli?callback_url=${encodeURIComponent(`http://127.0.0.1:4000/callback?nvmState=${state}`)}`);
  assert.match(state, /^[0-9a-f]{32}$/);
  assert.match((await Payments.loginUrl({ callbackUrl: 'http://localhost:1/', environment: 'staging_live' })).url, /^https:\/\/nevermined\.dev\/auth\/cli\?/);
  const back = (query) => Payments.readCallback(`/callback?${query}`, state);
  assert.equal(await back(`nvm_api_key=local%3Aa.b.c&nvmState=${state}`), 'local:a.b.c');
  assert.equal(await back('favicon'), undefined);
  for (const planted of ['nvm_api_key=local%3Aa.b.c', 'nvm_api_key=local%3Aa.b.c&nvmState=x', 'nvm_api_key=k&nvmState=']) {
    await assert.rejects(back(planted), { code: 'login_state_mismatch' });
  }
  for (const callbackUrl of ['https://app.example/', 'http://localhost.app.example/', 'http://localhost@app.example/', 'x', undefined]) {
    await assert.rejects(Payments.loginUrl({ callbackUrl, backend: servers.sandbox.url }), { code: 'validation' });
  }
});

test('errors of two copies of the package are one another’s', async () => {
  const other = await import('../../target/dist/subscriber/page.js?copy=2').then(() => import('../../target/dist/subscriber/core.js?copy=2'));
  const error = new other.SessionExpired('m', { code: 'session_expired', retryable: false });
  assert.ok(error instanceof SessionExpired && error instanceof PaymentsError && error instanceof Error);
  assert.ok(!(error instanceof sdk.PaymentRefused) && !(new Error('x') instanceof PaymentsError) && !(null instanceof PaymentsError));
  assert.equal(error.name, 'SessionExpired');
});

test('the constants are the protocol’s', () => {
  assert.deepEqual([sdk.ONE_DAY_DURATION, sdk.ONE_WEEK_DURATION, sdk.ONE_MONTH_DURATION, sdk.ONE_YEAR_DURATION], [86400n, 604800n, 2629746n, 31557600n]);
  for (const name of ['ZeroAddress', 'EURC_TOKEN_ADDRESS', 'EURC_TOKEN_ADDRESS_TESTNET', 'USDC_TOKEN_ADDRESS', 'USDC_TOKEN_ADDRESS_TESTNET']) {
    assert.match(sdk[name], /^0x[0-9a-fA-F]{40}$/);
  }
});
