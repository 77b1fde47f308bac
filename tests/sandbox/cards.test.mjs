// Cards: added on a page, allowed to pay, charged when credits are short, taken back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSandbox } from './start.mjs';
import { BY_CARD, client, led } from './client.mjs';

let sandbox, anyone, seller, plan;
before(async () => {
  sandbox = await startSandbox();
  anyone = client(sandbox.url);
  seller = await anyone.open('Seller');
  plan = await seller.plan(BY_CARD);
});
after(() => sandbox?.stop());

const BACK = 'http://127.0.0.1:4567/callback?x=1';
const STATE = '0123456789abcdef0123456789abcdef';
const CARD = { number: '4242 4242 4242 4242', expiry: '12 / 34' };

const session = async (account, returnUrl = BACK) => {
  const { status, json, text } = await account.post('/api/v1/widgets/session/self', { orgId: 'org-1', returnUrl });
  assert.equal(status, 201, text);
  return json;
};
const methods = async (account, query = '') => (await account.get(`/api/v1/payment-methods${query}`)).json;
const cardOffer = { scheme: 'nvm:card-delegation', network: 'stripe', planId: undefined };
const token = async (account, delegationConfig) => {
  const accepted = { ...cardOffer, planId: plan, extra: {} };
  return account.post('/api/v1/x402/permissions', { accepted, delegationConfig });
};
const settle = (x402AccessToken, maxAmount = '5', call = 'settle') => seller.post(`/api/v1/x402/${call}`, {
  paymentRequired: { x402Version: 2, resource: { url: '/ask' }, accepts: [{ ...cardOffer, planId: plan, extra: {} }], extensions: {} }, x402AccessToken, maxAmount,
});
const cardPage = ({ sessionToken }, more = {}) => ({ sessionToken, returnUrl: BACK, state: STATE, network: 'sandbox', ...more });
const query = (fields) => `?${new URLSearchParams(fields)}`;

test('a session is for its account, for two hours, and leads to this machine', async () => {
  const ada = await anyone.open('Ada');
  const opened = await session(ada);
  assert.deepEqual([opened.userWallet, opened.isReturnUrlAllowed], [ada.address, true]);
  assert.equal((await session(ada, 'https://app.example/')).isReturnUrlAllowed, false);
  const validate = (bearer, url) => anyone.call('GET', '/api/v1/widgets/session/validate', undefined, {
    authorization: `Bearer ${bearer}`, ...(url && { 'x-nvm-widget-return-url': url }),
  });
  const valid = await validate(opened.sessionToken, BACK);
  assert.deepEqual([valid.status, valid.json.userWallet, valid.json.isReturnUrlAllowed], [200, ada.address, true]);
  assert.equal((await validate(opened.sessionToken, 'https://evil.example/')).json.code, 'BCK.WIDGET_SESSION.0012');
  assert.deepEqual([(await validate('wst_x')).status, (await validate(ada.key)).status], [401, 401]);
  for (const body of [{}, { returnUrl: 'javascript:alert(1)' }]) assert.equal((await ada.post('/api/v1/widgets/session/self', body)).status, 400);
  assert.equal((await anyone.post('/api/v1/widgets/session/self', { returnUrl: BACK })).status, 401);
  await anyone.wait(7201);
  assert.equal((await validate(opened.sessionToken)).json.code, 'BCK.WIDGET_SESSION.0005');
  assert.equal((await anyone.get(`/cards/setup${query(cardPage(opened))}`)).status, 401);
  await anyone.wait(-7201);
});

test('setup: a card and what it may pay, in one page, then credits from it', async () => {
  const ada = await anyone.open('Ada');
  const opened = cardPage(await session(ada), { provider: 'stripe' });
  const { status, text, headers } = await anyone.get(`/cards/setup${query(opened)}`);
  assert.equal(status, 200);
  for (const part of ['http://127.0.0.1:4567', '4242 4242 4242 4242', `value="${STATE}"`, 'Cancel', 'name="limit"']) assert.ok(text.includes(part), part);
  assert.ok(!/<script|src=|@import|url\(/i.test(text));
  assert.match(headers.get('content-security-policy'), /frame-ancestors 'none'/);
  const done = await anyone.form('/cards/setup', { ...opened, ...CARD, limit: '12.50', days: '7', action: 'go' });
  assert.equal(done.status, 303);
  const { paymentMethodId, delegationId, state, x } = led(done);
  assert.deepEqual([state, x], [STATE, '1']);
  const card = (await methods(ada)).find(({ id }) => id === paymentMethodId);
  assert.deepEqual([card.brand, card.last4, card.provider, card.status, card.allowedApiKeyIds], ['visa', '4242', 'stripe', 'active', null]);
  const { json: delegation } = await ada.get(`/api/v1/delegation/${delegationId}`);
  assert.deepEqual([delegation.providerPaymentMethodId, delegation.spendingLimitCents, delegation.currency, delegation.status], [paymentMethodId, '1250', 'usd', 'Active']);
  assert.ok(Math.abs(Date.parse(delegation.expiresAt) - Date.now() - 7 * 86_400_000) < 5_000);

  const { json } = await token(ada, { delegationId });
  const first = await settle(json.accessToken);
  assert.deepEqual([first.status, first.json.network, first.json.remainingBalance], [200, 'stripe', '95']);
  for (let index = 0; index < 39; index++) await settle(json.accessToken);
  assert.equal(await ada.balance(plan), '0');
  assert.equal((await settle(json.accessToken)).json.code, 'BCK.CREDITS.0003', '12.50 buys two plans of 5.00');
  const { json: paid } = await ada.get(`/api/v1/delegation/${delegationId}/transactions`);
  assert.equal(paid.totalResults, 2);
  assert.deepEqual(paid.transactions.map(({ amountCents, currency, planId }) => [amountCents, currency, planId]), Array(2).fill(['500', 'usd', plan]));
  assert.equal(paid.transactions[1].txHash, first.json.orderTx);
});

test('enroll and delegate, each by itself', async () => {
  const ada = await anyone.open('Ada');
  const opened = cardPage(await session(ada));
  const enrolled = led(await anyone.form('/cards/enroll', { ...opened, provider: 'braintree', ...CARD, action: 'go' }));
  assert.deepEqual(Object.keys(enrolled), ['x', 'paymentMethodId', 'state']);
  const { paymentMethodId } = enrolled;
  assert.equal((await methods(ada, '?provider=braintree'))[0].id, paymentMethodId);
  const page = await anyone.get(`/cards/delegate${query({ ...opened, paymentMethodId })}`);
  assert.ok(page.text.includes('visa ···· 4242') && !page.text.includes('name="number"'));
  const done = led(await anyone.form('/cards/delegate', { ...opened, paymentMethodId, limit: '20', days: '30', planId: plan, currency: 'eur', action: 'go' }));
  assert.deepEqual(Object.keys(done), ['x', 'delegationId', 'state']);
  const { json: delegation } = await ada.get(`/api/v1/delegation/${done.delegationId}`);
  assert.deepEqual([delegation.provider, delegation.planId, delegation.currency], ['braintree', plan, 'eur']);
  assert.equal((await anyone.form('/cards/delegate', { ...opened, paymentMethodId: 'pm_none', limit: '20', action: 'go' })).status, 404);
});

test('a page that does not know where back to, or for whom, is no page', async () => {
  const ada = await anyone.open('Ada');
  const opened = cardPage(await session(ada));
  for (const [name, change, status, page = 'setup'] of [
    ['another origin', { returnUrl: 'http://127.0.0.1:9/callback' }, 403],
    ['the open web', { returnUrl: 'https://evil.example/' }, 403],
    ['a script', { returnUrl: 'javascript:alert(1)' }, 403],
    ['no session', { sessionToken: 'wst_none' }, 401],
    ['a pigeon', { provider: 'pigeon' }, 400],
    ['an endless state', { state: 'a'.repeat(300) }, 400],
    ['no such page', {}, 404, 'burn'],
  ]) {
    const fields = { ...opened, ...change };
    assert.equal((await anyone.get(`/cards/${page}${query(fields)}`)).status, status, name);
    const post = await anyone.form(`/cards/${page}`, { ...fields, ...CARD, limit: '5', action: 'go' });
    assert.deepEqual([post.status, post.headers.get('location')], [status, null], name);
  }
  const hosted = cardPage(await session(ada, 'https://app.example/'), { returnUrl: 'https://app.example/' });
  assert.equal((await anyone.get(`/cards/setup${query(hosted)}`)).status, 403, 'a session of one\'s own stays on this machine');
  assert.equal((await methods(ada)).length, 2, 'nothing was added');
});

test('cancelling leads back with the state and no ids', async () => {
  const ada = await anyone.open('Ada');
  const back = await anyone.form('/cards/setup', { ...cardPage(await session(ada)), action: 'cancel' });
  assert.deepEqual(led(back), { x: '1', error: 'cancelled', state: STATE });
});

test('a card that is declined, or a limit that is none, is said on the page and keeps nothing', async () => {
  const ada = await anyone.open('Ada');
  const opened = cardPage(await session(ada));
  for (const [fields, reason] of [
    [{ ...CARD, number: '4000 0000 0000 0002', limit: '5' }, 'Your card was declined.'],
    [{ ...CARD, number: '1234', limit: '5' }, 'This is not a card number.'],
    [{ ...CARD, limit: 'all' }, 'The limit is an amount'],
    [{ ...CARD, limit: '0' }, 'The limit is an amount'],
    [{ ...CARD, limit: '5', days: '0' }, 'number of days'],
  ]) {
    const { status, text } = await anyone.form('/cards/setup', { ...opened, ...fields, action: 'go' });
    assert.deepEqual([status, text.includes(reason), text.includes(`value="${STATE}"`)], [402, true, true], reason);
  }
  assert.equal((await methods(ada)).length, 2);
  assert.equal((await ada.get('/api/v1/delegation')).json.totalResults, 0);
});

test('a card that is enrolled and then declines fails the top-up, not the credits there are', async () => {
  const ada = await anyone.open('Ada');
  const done = led(await anyone.form('/cards/setup', { ...cardPage(await session(ada)), number: '4000 0000 0000 0341', expiry: '12/34', limit: '50', action: 'go' }));
  const { json } = await token(ada, { delegationId: done.delegationId });
  assert.equal((await settle(json.accessToken, '5', 'verify')).json.isValid, true, 'the bank is not asked yet');
  const refused = await settle(json.accessToken);
  assert.deepEqual([refused.status, refused.json.code], [402, 'BCK.CREDITS.0003']);
  assert.match(refused.json.message, /card was declined/);
  assert.equal((await ada.get(`/api/v1/delegation/${done.delegationId}`)).json.amountSpentCents, '0');
  await seller.post('/api/v1/protocol/plans/mint', { planId: plan, amount: 5, creditsReceiver: ada.address });
  assert.equal((await settle(json.accessToken)).status, 200);
});

test('intents: what the page does, over HTTP', async () => {
  const ada = await anyone.open('Ada');
  const { sessionToken } = await session(ada);
  const post = (path, body) => anyone.call('POST', path, body, { authorization: `Bearer ${sessionToken}` });
  const { status, json: intent } = await post('/api/v1/delegation/setup-intent', { provider: 'stripe' });
  assert.equal(status, 201);
  assert.ok(intent.clientSecret.startsWith(intent.setupIntentId));
  const body = { setupIntentId: intent.setupIntentId, card: { number: '4242424242424242', expMonth: 12, expYear: 2034 }, alias: 'Mine' };
  const declined = await post('/api/v1/delegation/finalize-enrollment', { ...body, card: { ...body.card, number: '4000000000000002' } });
  assert.equal(declined.status, 402);
  const { json: enrolled } = await post('/api/v1/delegation/finalize-enrollment', body);
  assert.equal((await methods(ada)).find(({ id }) => id === enrolled.paymentMethodId).alias, 'Mine');
  assert.equal((await post('/api/v1/delegation/finalize-enrollment', body)).status, 400, 'once');
  const created = await post('/api/v1/delegation/create', { provider: 'stripe', providerPaymentMethodId: enrolled.paymentMethodId, spendingLimitCents: 500, durationSecs: 60, currency: 'usd' });
  assert.equal((await ada.get(`/api/v1/delegation/${created.json.delegationId}`)).json.status, 'Active');
});

test('a card has a name, keys that may use it, and an end that its delegations share', async () => {
  const ada = await anyone.open('Ada');
  const [card, wallet] = await methods(ada);
  assert.deepEqual([card.last4, wallet.type, wallet.id], ['4242', 'crypto_wallet', ada.address]);
  const patch = (id, body) => ada.call('PATCH', `/api/v1/payment-methods/${id}`, body);
  const keyId = JSON.parse(Buffer.from(ada.key.split('.')[1], 'base64url')).jti;
  assert.equal((await patch(card.id, { alias: 'Office' })).json.alias, 'Office');
  assert.deepEqual((await patch(card.id, { allowedApiKeyIds: ['0xother'] })).json.allowedApiKeyIds, ['0xother']);
  assert.deepEqual((await methods(ada, '?accessible=true')).map(({ type }) => type), ['crypto_wallet']);
  await patch(card.id, { allowedApiKeyIds: [keyId] });
  assert.equal((await methods(ada, '?accessible=true'))[0].alias, 'Office');
  assert.equal((await patch(card.id, { allowedApiKeyIds: null })).json.allowedApiKeyIds, null);
  assert.equal((await patch(card.id, { allowedApiKeyIds: 'all' })).status, 400);
  assert.equal((await patch(wallet.id, { alias: 'x' })).json.code, 'BCK.DELEGATION.0001');
  assert.equal((await seller.call('PATCH', `/api/v1/payment-methods/${card.id}`, {})).status, 404, 'not by another');

  const delegationId = await ada.delegation({ provider: 'stripe', currency: 'usd', providerPaymentMethodId: card.id });
  const { json } = await token(ada, { delegationId });
  assert.equal((await settle(json.accessToken)).status, 200);
  assert.equal((await ada.del(`/api/v1/payment-methods/${card.id}`)).status, 200);
  assert.deepEqual((await methods(ada)).map(({ id }) => id), [ada.address]);
  assert.equal((await settle(json.accessToken)).json.code, 'BCK.X402.0005');
  assert.equal((await ada.get(`/api/v1/delegation/${delegationId}`)).json.status, 'Revoked');
  assert.equal((await ada.del(`/api/v1/payment-methods/${card.id}`)).json.code, 'BCK.DELEGATION.0001');
});

test('a delegation: active, exhausted, revoked; and for another key as good as none', async () => {
  const ada = await anyone.open('Ada');
  const delegationId = await ada.delegation({ provider: 'stripe', currency: 'usd', maxTransactions: 1 });
  const status = async () => (await ada.get(`/api/v1/delegation/${delegationId}`)).json.status;
  assert.equal(await status(), 'Active');
  const { json } = await token(ada, { delegationId });
  await settle(json.accessToken);
  assert.equal(await status(), 'Exhausted');
  assert.equal((await settle(json.accessToken)).status, 200, 'the credits it bought are left');
  await ada.del(`/api/v1/delegation/${delegationId}`);
  assert.equal(await status(), 'Revoked');
  for (const path of [`/api/v1/delegation/${delegationId}`, `/api/v1/delegation/${delegationId}/transactions`]) {
    assert.equal((await seller.get(path)).json.code, 'BCK.DELEGATION.0002');
  }

  const other = client(sandbox.url, (await anyone.post(`/sandbox/accounts/${ada.address}/keys`)).json);
  const keyOf = ({ key }) => JSON.parse(Buffer.from(key.split('.')[1], 'base64url')).jti;
  const bound = await ada.delegation({ provider: 'stripe', currency: 'usd', apiKeyId: keyOf(other) });
  assert.equal((await token(ada, { delegationId: bound })).json.code, 'BCK.DELEGATION.0002');
  assert.equal((await token(other, { delegationId: bound })).status, 201);
  assert.equal((await token(other, { apiKeyId: keyOf(other) })).status, 201, 'a key may name itself instead');
  assert.equal((await token(ada, { apiKeyId: keyOf(ada) })).json.code, 'BCK.DELEGATION.0002');
  const ids = async (account) => (await account.get('/api/v1/delegation?accessible=true')).json.delegations.map(({ delegationId: id }) => id);
  assert.ok((await ids(other)).includes(bound) && !(await ids(ada)).includes(bound));

  const [over, ended, kept] = [await ada.delegation({ durationSecs: 60 }), await ada.delegation(), await ada.delegation()];
  const usable = await ids(ada);
  assert.ok(usable.includes(over) && usable.includes(ended));
  assert.equal((await ada.del(`/api/v1/delegation/${ended}`)).status < 300, true);
  await ada.wait(61);
  const left = await ids(ada);
  assert.ok(left.includes(kept) && !left.includes(over) && !left.includes(ended), 'what is over is nothing to pay from');
  const every = (await ada.get('/api/v1/delegation')).json.delegations.map(({ delegationId: id }) => id);
  assert.ok(every.includes(over) && every.includes(ended), 'and still listed');
});

test('a charge that the bank refuses is written down, and takes nothing from what may be spent', async () => {
  const ada = await anyone.open('Ada');
  const opened = cardPage(await session(ada));
  const { paymentMethodId } = led(await anyone.form('/cards/enroll', { ...opened, ...CARD, number: '4000 0000 0000 0341', action: 'go' }));
  const delegationId = await ada.delegation({ provider: 'stripe', currency: 'usd', spendingLimitCents: 1000, providerPaymentMethodId: paymentMethodId });
  const { accessToken } = (await token(ada, { delegationId })).json;
  for (let tries = 0; tries < 3; tries++) {
    const { status, json } = await settle(accessToken);
    assert.deepEqual([status, json.code, /declined/.test(json.message)], [402, 'BCK.CREDITS.0003', true]);
  }
  const { json } = await ada.get(`/api/v1/delegation/${delegationId}`);
  assert.deepEqual([json.status, json.amountSpentCents, json.transactionCount], ['Active', '0', 0]);
  const { transactions, totalResults } = (await ada.get(`/api/v1/delegation/${delegationId}/transactions`)).json;
  assert.equal(totalResults, 3);
  for (const { status, amountCents, txHash } of transactions) assert.deepEqual([status, amountCents, txHash], ['Failed', '500', null]);
  assert.equal(await ada.balance(plan), '0');
});
