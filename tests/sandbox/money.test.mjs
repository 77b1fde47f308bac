// Credits are taken once, in whole, and never more than was agreed to, however calls fall together.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSandbox } from './start.mjs';
import { DOLLAR, client, decode, encode, planBody } from './client.mjs';

let sandbox, seller;
before(async () => {
  sandbox = await startSandbox();
  seller = await client(sandbox.url).open('Seller');
});
after(() => sandbox?.stop());

const buyer = (name) => client(sandbox.url).open(name);
const count = (results, status) => results.filter((result) => result.status === status).length;

test('the whole way: order, delegation, token, verify, settle, balance', async () => {
  const ada = await buyer('Ada');
  const plan = await seller.plan();
  assert.equal(await ada.balance(plan), '0');
  assert.equal((await ada.order(plan)).json.success, true);
  assert.equal(await ada.balance(plan), '100');
  const token = await ada.token(plan);
  const verified = await seller.verify(plan, token, '2');
  assert.deepEqual([verified.status, verified.json.isValid, verified.json.payer], [200, true, ada.address]);
  const settled = await seller.settle(plan, token, '2');
  assert.equal(settled.status, 200);
  assert.match(settled.json.transaction, /^0x[0-9a-f]{64}$/);
  const { success, payer, network, creditsRedeemed, remainingBalance, orderTx } = settled.json;
  assert.deepEqual({ success, payer, network, creditsRedeemed, remainingBalance, orderTx }, {
    success: true, payer: ada.address, network: 'eip155:84532', creditsRedeemed: '2', remainingBalance: '98', orderTx: undefined,
  });
  assert.equal(await ada.balance(plan), '98');
});

test('a facilitator call needs no key', async () => {
  const ada = await buyer('Ada');
  const plan = await seller.plan();
  await ada.order(plan);
  const anyone = client(sandbox.url);
  assert.equal((await anyone.verify(plan, await ada.token(plan), '1')).json.isValid, true);
  assert.equal((await anyone.settle(plan, await ada.token(plan), '1')).json.success, true);
});

test('sixty settles at once take sixty credits, and none twice', async () => {
  const ada = await buyer('Ada');
  const plan = await seller.plan();
  await ada.order(plan);
  const token = await ada.token(plan);
  const results = await Promise.all(Array.from({ length: 60 }, () => seller.settle(plan, token, '1')));
  assert.equal(count(results, 200), 60);
  assert.equal(await ada.balance(plan), '40');
  const left = new Set(results.map(({ json }) => json.remainingBalance));
  assert.equal(left.size, 60, 'each saw a balance of its own');
});

test('settles at once buy no more than the delegation allows', async () => {
  const ada = await buyer('Ada');
  const plan = await seller.plan({ credits: { amount: '5' } });
  // 25.00: two orders of 10.00, so ten credits, whatever comes in.
  const token = await ada.token(plan, { delegationId: await ada.delegation({ spendingLimitCents: 2500 }) });
  const results = await Promise.all(Array.from({ length: 20 }, () => seller.settle(plan, token, '1')));
  assert.deepEqual([count(results, 200), count(results, 402)], [10, 10]);
  assert.equal(results.filter(({ json }) => json.orderTx).length, 2);
  assert.ok(results.filter(({ status }) => status === 402).every(({ json }) => json.code === 'BCK.CREDITS.0003'));
  const [delegation] = (await ada.get('/api/v1/delegation')).json.delegations;
  assert.deepEqual([delegation.amountSpentCents, delegation.remainingBudgetCents, delegation.transactionCount], ['2000', '500', 2]);
  assert.equal(await ada.balance(plan), '0');
});

test('a single-use token buys once, however many try at once', async () => {
  const ada = await buyer('Ada');
  const plan = await seller.plan();
  await ada.order(plan);
  const token = await ada.token(plan, { tokenVersion: 3, resource: { url: '/ask' } });
  const results = await Promise.all(Array.from({ length: 20 }, () => seller.settle(plan, token, '1')));
  assert.equal(count(results, 200), 1);
  assert.ok(results.filter(({ status }) => status !== 200).every(({ status, json }) => status === 402 && json.code === 'BCK.X402.0059'));
  assert.equal(await ada.balance(plan), '99');
  assert.equal((await seller.verify(plan, token, '1')).json.code, 'BCK.X402.0059');
});

test('what fails halfway leaves nothing', async () => {
  const maker = await buyer('Maker');
  const { status } = await maker.post('/api/v1/protocol/agents/plans', { plan: planBody(maker.address), agent: { metadataAttributes: {} } });
  assert.equal(status, 400);
  assert.equal((await maker.get('/api/v1/protocol/plans')).json.total, 0, 'the plan went with the agent');

  const ada = await buyer('Ada');
  const plan = await seller.plan();
  const token = await ada.token(plan, { delegationId: await ada.delegation({ spendingLimitCents: 999 }) });
  assert.equal((await seller.settle(plan, token, '1')).json.code, 'BCK.CREDITS.0003');
  const [delegation] = (await ada.get('/api/v1/delegation')).json.delegations;
  assert.deepEqual([delegation.amountSpentCents, delegation.transactionCount], ['0', 0]);
  assert.equal(await ada.balance(plan), '0');
});

test('why a verify says no', async () => {
  const plan = await seller.plan();
  const cases = [
    ['its limit', { delegationConfig: { spendingLimitCents: 999 } }, /spending limit/],
    ['its currency', { delegationConfig: { currency: 'eurc' } }, /currency/],
    ['its provider', { delegationConfig: { provider: 'stripe', currency: 'usd' } }, /cannot pay this kind of plan/],
  ];
  for (const [name, { delegationConfig }, reason] of cases) {
    const ada = await buyer('Ada');
    const token = await ada.token(plan, { delegationId: await ada.delegation(delegationConfig) });
    const { status, json } = await seller.verify(plan, token, '1');
    assert.deepEqual([status, json.isValid, json.payer], [200, false, ada.address], name);
    assert.match(json.invalidReason, reason);
    assert.match(json.invalidReason, /^Insufficient credits/);
  }
});

test('a delegation that has expired pays nothing, and neither does its token', async () => {
  const ada = await buyer('Ada');
  const plan = await seller.plan();
  await ada.order(plan);
  const delegationId = await ada.delegation({ durationSecs: 3600 });
  const token = await ada.token(plan, { delegationId });
  assert.equal((await seller.settle(plan, token, '1')).status, 200);
  await ada.wait(3601);
  for (const call of [seller.verify, seller.settle]) {
    const { status, json } = await call(plan, token, '1');
    assert.deepEqual([status, json.code], [402, 'BCK.X402.0005']);
  }
  await assert.rejects(ada.token(plan, { delegationId }), /BCK\.DELEGATION\.0002/);
  assert.equal(await ada.balance(plan), '99');
});

test('a delegation that is revoked takes its tokens with it', async () => {
  const ada = await buyer('Ada');
  const plan = await seller.plan();
  await ada.order(plan);
  const delegationId = await ada.delegation();
  const token = await ada.token(plan, { delegationId });
  assert.equal((await seller.call('DELETE', `/api/v1/delegation/${delegationId}`)).status, 404, 'not by another');
  assert.equal((await seller.verify(plan, token, '1')).json.isValid, true);
  assert.equal((await ada.call('DELETE', `/api/v1/delegation/${delegationId}`)).status, 200);
  assert.equal((await seller.settle(plan, token, '1')).json.code, 'BCK.X402.0005');
  assert.equal((await ada.get('/api/v1/delegation')).json.delegations[0].status, 'Revoked');
  await assert.rejects(ada.token(plan, { delegationId }), /BCK\.DELEGATION\.0002/);
});

test('a single-use token is good for its resource only', async () => {
  const ada = await buyer('Ada');
  const plan = await seller.plan();
  await ada.order(plan);
  const other = await ada.token(plan, { tokenVersion: 3, resource: { url: '/other' } });
  assert.equal((await seller.settle(plan, other, '1')).json.code, 'BCK.X402.0013');
  const reusable = await ada.token(plan, { resource: { url: '/other' } });
  assert.equal((await seller.settle(plan, reusable, '1')).status, 200);
});

test('credits that are given for a time are taken first, and go when it is over', async () => {
  const ada = await buyer('Ada');
  const plan = await seller.plan();
  await ada.order(plan);
  const body = { planId: plan, creditsAmount: 10, creditsReceiver: ada.address, creditsDuration: 3600 };
  assert.equal((await seller.post('/api/v1/protocol/plans/mintExpirable', body)).json.success, true);
  assert.equal(await ada.balance(plan), '110');
  await seller.settle(plan, await ada.token(plan), '3');
  assert.equal(await ada.balance(plan), '107');
  await ada.wait(3601);
  assert.equal(await ada.balance(plan), '100');
});

test('amounts beyond a machine number stay exact', async () => {
  const ada = await buyer('Ada');
  const huge = (2n ** 200n + 1n).toString();
  const plan = await seller.plan({ price: { amounts: [], receivers: [] }, credits: { amount: huge, maxAmount: huge } });
  await ada.order(plan);
  const { json } = await seller.settle(plan, await ada.token(plan), (2n ** 200n).toString());
  assert.deepEqual([json.creditsRedeemed, json.remainingBalance], [(2n ** 200n).toString(), '1']);
});

test('a price of a part of a cent is charged as one, and many of them together', async () => {
  const ada = await buyer('Ada');
  const plan = await seller.plan({ price: { amounts: ['4000'] }, credits: { amount: '1', maxAmount: '10' } });
  const token = await ada.token(plan);
  assert.equal((await seller.settle(plan, token, '3')).json.remainingBalance, '0');
  const [delegation] = (await ada.get('/api/v1/delegation')).json.delegations;
  assert.deepEqual([delegation.amountSpentCents, delegation.transactionCount], ['2', 1]);
});

test('a token is good for what was issued and nothing else', async () => {
  const ada = await buyer('Ada');
  const [plan, other] = [await seller.plan(), await seller.plan()];
  await ada.order(plan);
  await ada.order(other);
  const token = await ada.token(plan);
  const good = decode(token);
  const change = (edit) => {
    const copy = structuredClone(good);
    edit(copy);
    return encode(copy);
  };
  const cases = [
    ['as it is', token, 200],
    ['keys in another order', encode({ payload: good.payload, accepted: good.accepted, extensions: {}, x402Version: 2 }), 200],
    ['nulls added', change((t) => { t.resource = null; t.accepted.extra.agentId = null; }), 200],
    ['an extension added', change((t) => { t.extensions.note = 'x'; }), 200],
    ['padded', Buffer.from(JSON.stringify(good)).toString('base64'), 200],
    ['another plan in it', change((t) => { t.accepted.planId = other; }), 402],
    ['another payer in it', change((t) => { t.payload.authorization.from = seller.address; }), 402],
    ['a nonce added', change((t) => { t.payload.authorization.nonce = '0x1'; }), 402],
    ['a session key changed', change((t) => { t.payload.authorization.sessionKeys[0].data = '0x00'; }), 402],
    ['a resource added', change((t) => { t.resource = { url: '/other' }; }), 402],
    ['another signature', change((t) => { t.payload.signature = '0x' + '1'.repeat(130); }), 402],
    ['no signature', change((t) => { delete t.payload.signature; }), 400],
    ['truncated', token.slice(0, -10), 400],
    ['empty', '', 400],
    ['text', 'hello', 400],
    ['JSON that is not base64', JSON.stringify(good), 400],
    ['an array', encode([good]), 400],
    ['huge', 'A'.repeat(60_000), 400],
  ];
  for (const [name, text, status] of cases) {
    const { status: actual, json } = await seller.verify(plan, text, '1');
    assert.equal(actual, status, `${name}: ${JSON.stringify(json)}`);
    if (status === 402) assert.equal(json.code, 'BCK.X402.0005', name);
    if (status === 400) assert.equal(json.code, 'BCK.X402.0010', name);
  }
  assert.equal((await seller.settle(other, token, '1')).json.code, 'BCK.X402.0013');
  assert.equal(await ada.balance(plan), '100');
});

test('a delegation may be opened by the way, as older clients do', async () => {
  const ada = await buyer('Ada');
  const plan = await seller.plan();
  const body = {
    accepted: { scheme: 'nvm:erc4337', network: 'eip155:84532', planId: plan, extra: {} },
    delegationConfig: { spendingLimitCents: 1000, durationSecs: 60, currency: 'usdc' },
  };
  const { status, json } = await ada.post('/api/v1/x402/permissions', body);
  assert.equal(status, 201);
  assert.ok((await seller.settle(plan, json.accessToken, '1')).json.orderTx);
  assert.equal((await seller.post('/api/v1/x402/permissions', { ...body, delegationConfig: {} })).json.code, 'BCK.X402.0030');
});

test('a card plan: a checkout brings credits once', async () => {
  const ada = await buyer('Ada');
  const plan = await seller.plan({ price: { isCrypto: false, amounts: [String(5 * DOLLAR)], currency: 'USD' } });
  const { json } = await ada.post('/api/v1/fiat/stripe/payment', { sessionType: 'embedded', planId: plan });
  assert.equal(json.result.paymentStatus, 'unpaid');
  const path = new URL(json.result.checkoutLink).pathname;
  assert.match((await ada.get(path)).text, /5\.00 USD/);
  await Promise.all(Array.from({ length: 5 }, () => ada.call('POST', path)));
  assert.equal(await ada.balance(plan), '100');
  assert.equal((await ada.get('/checkout/cs_sandbox_0')).status, 404);
});
