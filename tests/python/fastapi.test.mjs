// The official FastAPI middleware sells, by x402 and by MPP: to our paid fetch, and to the official client's own.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newAccount } from '../../scripts/lib/demo-servers.mjs';
import { newBuyer, runProgram, skip, startMarket, startService } from './service.mjs';

let market, sandbox, plan, agent, card, service;
before(async () => {
  if (skip) return;
  market = await startMarket();
  sandbox = market.sandbox;
  plan = await market.plan();
  card = await market.plan({ isCrypto: false, amounts: ['5000000'], currency: 'USD' });
  agent = await market.agent([plan]);
  service = await startService('seller.py', sandbox, { NVM_API_KEY: market.seller.nvmApiKey, PLAN: plan, AGENT: agent, CARD: card });
});
after(async () => {
  await service?.stop();
  await market?.stop();
});

const consent = { approve: true, purchase: true, remember: true };
const asking = (question) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ question }) });
const served = async () => (await (await fetch(`${service.url}/free`)).json()).served;
const held = async ({ payments }, planId = plan) => (await payments.plans.getPlanBalance(planId)).balance;

test('our paid fetch pays a route, buys what it needs for it, and shows the receipt', { skip }, async () => {
  const offers = [];
  const buyer = await newBuyer(sandbox, {
    async approve(offer, context) {
      offers.push(offer);
      await context.balance();
      return consent;
    },
  });
  const before = await served();
  const first = await buyer.payments.fetch(`${service.url}/ask`, asking('is it paid?'));
  assert.equal(first.response.status, 200);
  assert.deepEqual(await first.response.json(), { answer: 'IS IT PAID?', served: before + 1 });
  const { success, creditsRedeemed, remainingBalance, transaction } = first.receipt;
  assert.deepEqual([success, creditsRedeemed, remainingBalance], [true, 3n, 97n]);
  assert.match(transaction, /^0x/);
  assert.deepEqual([first.spend.outcome, first.spend.requests, first.spend.mints, first.spend.purchases.length], ['settled', 2, 1, 1]);
  assert.deepEqual([offers.length, offers[0].planId, offers[0].agentId, offers[0].credits], [1, plan, agent, undefined]);
  assert.equal(await held(buyer), 97n);

  const second = await buyer.payments.fetch(`${service.url}/ask`, asking('and again?'));
  assert.deepEqual([second.response.status, second.spend.requests, second.spend.mints], [200, 1, 0]);
  assert.equal(await held(buyer), 94n);
  assert.equal(await served(), before + 2);
});

test('each kind of route takes what it says, at the sandbox as on the receipt', { skip }, async () => {
  const buyer = await newBuyer(sandbox, { approve: () => consent });
  let left = 100n;
  for (const [name, path, request, credits] of [
    ['a price that is worked out', '/words', asking('four words they are'), 4n],
    ['a path with a parameter', '/reports/7', { method: 'GET' }, 2n],
    ['an address with a query', '/reports/8?year=2026', { method: 'GET' }, 2n],
    ['a route that speaks MPP too', '/mpp', asking('either way'), 2n],
    ['one that binds its body', '/bound', asking('three words here'), 3n],
  ]) {
    const { response, receipt, spend } = await buyer.payments.fetch(service.url + path, request);
    left -= credits;
    assert.deepEqual([response.status, receipt?.creditsRedeemed, receipt?.remainingBalance, spend.outcome], [200, credits, left, 'settled'], name);
    assert.equal(await held(buyer), left, name);
  }
  const failed = await buyer.payments.fetch(`${service.url}/fails`, asking('well?'));
  assert.deepEqual([failed.response.status, failed.receipt, await held(buyer)], [500, undefined, left], 'nothing for an answer that failed');
});

test('a plan that is sold by card is paid by card', { skip }, async () => {
  const buyer = await newBuyer(sandbox, { terms: { provider: 'stripe', currency: 'usd' }, approve: () => consent });
  const { response, receipt } = await buyer.payments.fetch(`${service.url}/card`, asking('by card?'));
  assert.deepEqual([response.status, receipt.network, receipt.creditsRedeemed], [200, 'stripe', 2n]);
  assert.equal(await held(buyer, card), 98n);
});

test('single-use tokens are bound to the route, and each pays once', { skip }, async () => {
  const buyer = await newBuyer(sandbox, { tokenVersion: 3, approve: () => consent });
  for (const left of [97n, 94n]) {
    const { response, spend } = await buyer.payments.fetch(`${service.url}/ask`, asking('once?'));
    assert.deepEqual([response.status, spend.mints, await held(buyer)], [200, 1, left]);
  }
});

test('who has nothing to pay with is not served', { skip }, async () => {
  const before = await served();
  const poor = await newBuyer(sandbox, { terms: { spendingLimitCents: 1 }, approve: () => ({ approve: true }) });
  for (const path of ['/ask', '/mpp']) {
    const refused = await poor.payments.fetch(service.url + path, asking('free?')).catch((error) => error);
    // The text of a seller who refuses a token is not the platform's result: the credits may have been taken.
    assert.deepEqual([refused.code, refused.status, refused.spend?.outcome], ['payment_refused', 402, 'unknown'], String(refused));
    assert.deepEqual([await held(poor), await served()], [0n, before]);
  }
});

test('the official client pays its own middleware, by x402 and by MPP, and the sandbox keeps the books', { skip }, async () => {
  const account = await newAccount(sandbox.url, 'A buyer in Python');
  const before = await served();
  const saw = await runProgram('mpp_buyer.py', sandbox, { NVM_API_KEY: account.nvmApiKey, SERVICE: service.url, PLAN: plan, AGENT: agent });
  for (const [name, [status, left]] of Object.entries({
    'MPP': [200, 98], 'MPP by hand': [200, 96], 'the same credential': [402, 96], 'one without a challenge': [402, 96], 'a body that is bound': [200, 93],
    'another body': [402, 93], 'its own body': [200, 91], 'for another route': [402, 91], 'x402 on an MPP route': [200, 89], 'x402': [200, 86],
  })) assert.deepEqual([saw[name].status, saw[name].balance], [status, left], name);
  assert.deepEqual([saw.MPP.paid, saw.MPP.receipt.status, saw.MPP.receipt.method], [true, 'success', 'nevermined']);
  assert.deepEqual([saw['the same credential'].code, saw['one without a challenge'].code, saw['another body'].code], ['BCK.MPP.0003', 'BCK.MPP.0003', 'BCK.MPP.0005']);
  assert.equal(saw.x402.receipt.creditsRedeemed, '3');
  assert.equal(await served() - before, 6, 'one answer for each payment');
});
