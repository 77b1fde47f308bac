// `payments.plans.orderPlan` beside a fetch that may buy the same plan: one of both orders (rule 3).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { need, offerOf, startPlatform, startSeller } from './harness.mjs';

let platform;
let seller;
before(async () => {
  platform = await startPlatform();
  seller = await startSeller(async ({ token }, response) => (token
    ? response.writeHead(200, { 'payment-response': await platform.settle(token) }).end('the answer') : need(response, offerOf(platform.planId))));
});
after(async () => {
  await seller?.stop();
  await platform?.stop();
});

/** A buyer without credits, whose orders are answered by `order`; `begun` resolves when the first is on its way. */
async function buyerWhose(order) {
  let begin;
  const begun = new Promise((resolve) => { begin = resolve; });
  const sent = [];
  const by = async (request) => {
    if (!request.url.endsWith('/order')) return fetch(request);
    sent.push(request.url);
    begin();
    return order(request, sent.length);
  };
  const payments = await platform.buyer({ fetch: by, approve: () => ({ approve: true, purchase: true }), timeouts: { credits: 1_000 } }, { credits: false });
  return { payments, begun, sent, pay: () => payments.fetch(`${seller.url}/ask`), byHand: () => payments.plans.orderPlan(platform.planId) };
}

test('an order by hand that is on its way: a fetch waits for its credits and orders nothing', async () => {
  let asked;
  const isAsked = new Promise((resolve) => { asked = resolve; });
  const { payments, begun, sent, byHand } = await buyerWhose(async (request) => { await isAsked; return fetch(request); });
  const ordered = byHand();
  await begun;
  const paid = payments.fetch(`${seller.url}/ask`, undefined, { approve: () => { asked(); return { approve: true, purchase: true }; } });
  assert.equal((await ordered).success, true);
  const { response, spend } = await paid;
  assert.deepEqual([response.status, sent.length, spend.purchases.every(({ confirmed }) => !confirmed), await payments.held()], [200, 1, true, 98n]);
});

test('one that was answered, and whose credits are on their way, keeps a fetch from ordering', async () => {
  const { sent, pay, byHand } = await buyerWhose(async () => Response.json({ success: true, txHash: '0x1' }));
  await byHand();
  const error = await pay().catch((one) => one);
  assert.deepEqual([error.code, sent.length], ['credits_timeout', 1]);
});

test('one that the platform refused keeps nobody from ordering', async () => {
  const { payments, sent, pay, byHand } = await buyerWhose((request, count) => (count === 1 ? Response.json({ code: 'BCK.X.0001', message: 'no' }, { status: 403 }) : fetch(request)));
  assert.equal((await byHand().catch((one) => one)).code, 'BCK.X.0001');
  assert.deepEqual([(await pay()).response.status, sent.length, await payments.held()], [200, 2, 98n]);
});

test('one that nobody answered keeps a fetch from ordering, and another by hand goes out all the same', async () => {
  const { sent, pay, byHand } = await buyerWhose((request, count) => (count === 1 ? Promise.reject(new TypeError('lost')) : fetch(request)));
  assert.equal((await byHand().catch((one) => one)).code, 'purchase_outcome_unknown');
  assert.equal((await pay().catch((one) => one)).code, 'credits_timeout');
  assert.equal((await byHand()).success, true);
  assert.deepEqual([(await pay()).response.status, sent.length], [200, 2]);
});
