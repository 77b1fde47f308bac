// The paywall with the sandbox for a facilitator: credits are burned as the route says, and a buyer without any gets
// nothing.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { startPaywall, startSandbox } from '../../scripts/lib/start.mjs';
import { client } from '../sandbox/client.mjs';
import { readHeader, startOrigin } from './harness.mjs';

let sandbox, origin, paywall, seller, plan;
before(async () => {
  [sandbox, origin] = await Promise.all([startSandbox(), startOrigin()]);
  seller = await client(sandbox.url).open('Seller');
  plan = await seller.plan();
  const routes = { 'POST /ask': { planId: plan, credits: 2 }, 'GET /dear': { planId: plan, credits: 5 } };
  paywall = await startPaywall({ origin: origin.url, api: sandbox.url, key: seller.key, routes: { routes, open: ['GET /health'], unlisted: 'deny' } });
});
beforeEach(() => origin.reset());
after(() => Promise.all([paywall?.stop(), sandbox?.stop(), origin?.stop()]));

const buyer = async ({ order = true } = {}) => {
  const account = await client(sandbox.url).open('Buyer');
  if (order) await account.order(plan);
  return account;
};
const ask = (token, path = '/ask', method = 'POST') =>
  fetch(paywall.url + path, { method, headers: token === undefined ? {} : { 'payment-signature': token } });

test('a token made for the offer of the 402 pays: exactly the credits of the route', async () => {
  const ada = await buyer();
  const unpaid = await ask();
  assert.equal(unpaid.status, 402);
  const { accepts: [offer] } = readHeader(unpaid.headers.get('payment-required'));
  assert.deepEqual([offer.planId, offer.extra.credits], [plan, '2']);
  const token = await ada.token(offer.planId);
  for (const left of ['98', '96', '94']) {
    const paid = await ask(token);
    assert.equal(paid.status, 200);
    const receipt = readHeader(paid.headers.get('payment-response'));
    assert.deepEqual([receipt.success, receipt.payer, receipt.creditsRedeemed, receipt.remainingBalance], [true, ada.address, '2', left]);
    assert.equal(await ada.balance(plan), left);
  }
  assert.equal(origin.calls.at(-1).headers['x-payment-payer'], ada.address);
  assert.ok(origin.calls.at(-1).headers['x-payment-request-id']);
});

test('an answer that is no success costs nothing', async () => {
  const ada = await buyer();
  origin.answer = (request, response) => { response.writeHead(422); response.end(); };
  assert.equal((await ask(await ada.token(plan))).status, 422);
  assert.equal(await ada.balance(plan), '100');
});

test('tokens that are not good are refused with an offer, and the origin is not called', async () => {
  const ada = await buyer();
  const other = await seller.plan();
  const good = await ada.token(plan);
  const forged = JSON.parse(Buffer.from(good, 'base64url'));
  forged.payload.signature = '0xforged';
  for (const token of ['rubbish', good.slice(0, 50), await ada.token(other), Buffer.from(JSON.stringify(forged)).toString('base64url')]) {
    const response = await ask(token);
    assert.equal(response.status, 402);
    assert.ok(response.headers.get('payment-required'));
    assert.match((await response.json()).code, /^(BCK\.|payment_)/);
  }
  assert.equal(origin.calls.length, 0);
  assert.equal(await ada.balance(plan), '100');
});

test('twenty at once take what they cost, no more and no less', async () => {
  const ada = await buyer();
  const token = await ada.token(plan);
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => (index % 2 ? ask(token) : ask(token, '/dear', 'GET'))));
  assert.deepEqual(answers.map(({ status }) => status), Array(20).fill(200));
  assert.equal(await ada.balance(plan), String(100 - 10 * 2 - 10 * 5));
});
