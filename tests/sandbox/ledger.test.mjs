// The ledger as a dashboard reads it: every credit, every cent and every limit is a posting between two accounts, and the check
// adds them up.
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { after, before, test } from 'node:test';
import { BY_CARD, client, decode, encode, offer } from './client.mjs';
import { inOrder, startSandbox } from './start.mjs';

let sandbox, seller;
before(async () => {
  sandbox = await startSandbox();
  seller = await client(sandbox.url).open('Seller');
});
after(() => sandbox?.stop());

const postings = async (query) => (await client(sandbox.url).get(`/sandbox/ledger?${query}`)).json;
const accounts = async (query) => (await client(sandbox.url).get(`/sandbox/ledger/accounts?${query}`)).json.accounts;
const of = ({ kind, amount, from, to }) => [kind, amount, from.kind, to.kind];

test('an order and a settle, as postings', async () => {
  const ada = await client(sandbox.url).open('Ada');
  const plan = await seller.plan();
  const { txHash } = (await ada.order(plan)).json;
  const settled = (await seller.settle(plan, await ada.token(plan), '3')).json;
  const bought = await postings(`entry=${txHash}&sortOrder=asc`);
  assert.deepEqual(bought.postings.map(of), [
    ['fund', '10000000', 'outside', 'buyer'], ['pay', '10000000', 'buyer', 'seller'], ['issue', '100', 'issued', 'held'],
  ]);
  assert.deepEqual(bought.postings.map(({ unit }) => unit.split(':')[0]), ['money', 'money', 'credits']);
  assert.equal(bought.postings[1].to.owner, seller.address.toLowerCase());
  assert.equal(bought.postings[2].to.owner, ada.address.toLowerCase());
  const burned = await postings(`entry=${settled.transaction}`);
  assert.deepEqual([burned.totalResults, burned.postings.map(of)], [1, [['burn', '3', 'held', 'burned']]]);
  assert.match(burned.postings[0].at, /^\d{4}-.*Z$/);
  const balances = Object.fromEntries((await accounts(`planId=${plan}`)).map(({ kind, balance }) => [kind, balance]));
  assert.deepEqual(balances, { issued: '100', held: '97', burned: '3' });
  await inOrder(sandbox.url);
});

test('postings come in pages, newest first, and are found by what they are', async () => {
  const ada = await client(sandbox.url).open('Ada');
  const plan = await seller.plan();
  await ada.order(plan);
  const token = await ada.token(plan);
  for (let index = 0; index < 5; index++) await seller.settle(plan, token, '1');
  const page = async (number) => postings(`planId=${plan}&kind=burn&offset=2&page=${number}`);
  const pages = [await page(1), await page(2), await page(3)];
  assert.deepEqual(pages.map(({ totalResults, postings: found }) => [totalResults, found.length]), [[5, 2], [5, 2], [5, 1]]);
  const ids = pages.flatMap(({ postings: found }) => found.map(({ id }) => id));
  assert.deepEqual(ids, [...ids].sort((a, b) => b - a));
  assert.equal(new Set(ids).size, 5);
  const [held] = await accounts(`planId=${plan}&kind=held`);
  assert.equal((await postings(`account=${held.id}`)).totalResults, 6, 'what came and what went');
  assert.equal((await postings(`owner=${ada.address}&planId=${plan}`)).totalResults, 6);
});

test('a delegation\'s limit is an account that is drawn on, and given back when it ends', async () => {
  const ada = await client(sandbox.url).open('Ada');
  const plan = await seller.plan();
  const delegationId = await ada.delegation({ spendingLimitCents: 2500 });
  const on = async () => Object.fromEntries((await accounts(`delegationId=${delegationId}`)).map(({ kind, balance }) => [kind, balance]));
  assert.deepEqual(await on(), { limit: '2500', free: '2500' });
  const token = await ada.token(plan, { delegationId });
  assert.ok((await seller.settle(plan, token, '5')).json.orderTx);
  assert.deepEqual(await on(), { limit: '2500', free: '1500', reserved: '0', spent: '1000' });
  const listed = await postings(`delegationId=${delegationId}&sortOrder=asc`);
  assert.deepEqual(listed.postings.map(of), [
    ['delegate', '2500', 'limit', 'free'], ['reserve', '1000', 'free', 'reserved'], ['charge', '1000', 'reserved', 'spent'],
  ]);
  await ada.del(`/api/v1/delegation/${delegationId}`);
  assert.deepEqual(await on(), { limit: '1000', free: '0', reserved: '0', spent: '1000' });
  await inOrder(sandbox.url);
});

test('off-plan orders are in it: paid, refunded, disputed', async () => {
  const anyone = client(sandbox.url);
  const org = (await anyone.post('/sandbox/organizations', { name: 'Shop' })).json;
  const shop = client(sandbox.url, { nvmApiKey: org.nvmApiKey });
  const { orderId } = (await shop.post('/api/v1/orders', { amountMinor: 3437 })).json;
  const then = (body) => anyone.post(`/sandbox/orders/${orderId}`, body);
  await then({ action: 'pay' });
  await then({ action: 'refund', amountMinor: 437 });
  await then({ action: 'dispute' });
  const listed = await postings(`entry=${orderId}&sortOrder=asc`);
  assert.deepEqual(listed.postings.map(of), [
    ['fund', '3437', 'outside', 'buyer'], ['pay', '3437', 'buyer', 'seller'], ['refund', '437', 'seller', 'buyer'],
    ['return', '437', 'buyer', 'outside'], ['dispute', '3000', 'seller', 'disputed'],
  ]);
  await inOrder(sandbox.url);
});

test('many calls at once are many calls, each whole', async () => {
  const ada = await client(sandbox.url).open('Ada');
  const plan = await seller.plan({ credits: { amount: '5' } });
  const token = await ada.token(plan, { delegationId: await ada.delegation({ spendingLimitCents: 4000 }) });
  const results = await Promise.all(Array.from({ length: 60 }, (_, index) => [
    () => seller.settle(plan, token, '1'), () => ada.order(plan), () => ada.post('/api/v1/protocol/plans/burn', { planId: plan, creditsAmount: '2' }),
  ][index % 3]()));
  assert.ok(results.every(({ status }) => [200, 201, 402].includes(status)), results.map(({ status }) => status).join());
  const burned = results.filter(({ status, json }) => status === 200 && json.success).length + 2 * results.filter(({ json }) => json.data?.creditsBurned).length;
  const issued = 5 * (results.filter(({ status, json }) => status === 201 && !json.data).length + results.filter(({ json }) => json.orderTx).length);
  assert.equal(Number(await ada.balance(plan)), issued - burned);
  await inOrder(sandbox.url);
});

test('a token whose signature is not its payer\'s is refused, and so is a card token that others signed', async () => {
  const [ada, eve] = [await client(sandbox.url).open('Ada'), await client(sandbox.url).open('Eve')];
  const plan = await seller.plan();
  await ada.order(plan);
  const [hers, evil] = [decode(await ada.token(plan)), decode(await eve.token(plan))];
  const forged = {
    'her name over another\'s signature': { ...evil, payload: { ...evil.payload, authorization: { ...evil.payload.authorization, from: ada.address } } },
    'her token with another\'s signature': { ...hers, payload: { ...hers.payload, signature: evil.payload.signature } },
    'another plan': { ...hers, accepted: { ...hers.accepted, planId: '7' } },
    'a session key more': { ...hers, payload: { ...hers.payload, authorization: { ...hers.payload.authorization, sessionKeys: [...hers.payload.authorization.sessionKeys, { id: 'order', data: `0x${'11'.repeat(32)}` }] } } },
    'no signature to speak of': { ...hers, payload: { ...hers.payload, signature: '0x1234' } },
  };
  for (const [name, token] of Object.entries(forged)) {
    for (const call of [seller.verify, seller.settle]) {
      const { status, json } = await call(plan, encode(token), '1');
      assert.deepEqual([status, json.code], [402, 'BCK.X402.0005'], name);
    }
  }
  assert.equal(await ada.balance(plan), '100');

  const cards = await seller.plan(BY_CARD);
  const accepted = { ...offer(cards), scheme: 'nvm:card-delegation', network: 'stripe', extra: {} };
  const delegationId = await ada.delegation({ provider: 'stripe', currency: 'usd' });
  const minted = await ada.post('/api/v1/x402/permissions', { accepted, delegationConfig: { delegationId } });
  const token = decode(minted.json.accessToken);
  const paid = (document) => ({
    paymentRequired: { x402Version: 2, resource: { url: '/ask' }, accepts: [{ ...accepted, extra: {} }], extensions: {} },
    x402AccessToken: encode(document), maxAmount: '1',
  });
  const [head, claims] = token.payload.token.split('.');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const other = sign('sha256', Buffer.from(`${head}.${claims}`), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url');
  const more = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(claims, 'base64url')), exp: 4_102_444_800 })).toString('base64url');
  for (const [name, jwt] of [['another\'s key', `${head}.${claims}.${other}`], ['more time', `${head}.${more}.${token.payload.token.split('.')[2]}`],
    ['no signature', `${Buffer.from('{"alg":"none"}').toString('base64url')}.${more}.`]]) {
    const { status, json } = await seller.post('/api/v1/x402/settle', paid({ ...token, payload: { ...token.payload, token: jwt } }));
    assert.deepEqual([status, json.code], [402, 'BCK.X402.0005'], name);
  }
  assert.equal((await seller.post('/api/v1/x402/settle', paid(token))).json.success, true, 'the token itself is good');
  await inOrder(sandbox.url);
});
