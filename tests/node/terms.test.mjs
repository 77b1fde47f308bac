// Terms, choice, single-use tokens and the books, against a real sandbox and a real paywall.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newAccount } from '../../scripts/lib/demo-servers.mjs';
import { Payments } from '../../target/dist/subscriber/index.js';
import { buyer, calls, forget, price, question, servers } from './demo-buyer.mjs';

test('a quote says what it costs and pays nothing', async () => {
  const { paywall, planId, agentId } = servers;
  for (const [credits, payable, balance] of [[true, 'now', 100n], [false, 'after-purchase', 0n]]) {
    const payments = await buyer({ approve: () => assert.fail('nobody is asked') }, { credits });
    await forget();
    const { response, offers } = await payments.quote(`${paywall.url}/ask`, question);
    assert.equal(response.status, 402);
    assert.equal(offers.length, 1);
    const [offer] = offers;
    assert.deepEqual(
      [offer.planId, offer.agentId, offer.credits, offer.planName, offer.planCredits, offer.balance, offer.payable],
      [planId, agentId, price, 'Oracle credits', 100n, balance, payable],
    );
    assert.deepEqual([offer.price.amount, offer.price.isCrypto], [5_000_000n, true]);
    assert.deepEqual([await calls('/permissions'), await calls('/order'), await calls('/settle')], [0, 0, 0]);
    const free = await payments.quote(`${paywall.url}/health`);
    assert.deepEqual([free.response.status, free.offers], [200, []]);
  }
});

test('wrapFetch is a fetch: it gives the response, and what is not to be paid passes', async () => {
  const { paywall } = servers;
  // The plan lets a seller take ten credits at a time.
  const payments = await buyer({ policy: { maxCreditsTotal: 20, origins: [paywall.url] } });
  const tokensSent = [];
  const paid = payments.wrapFetch((request) => { tokensSent.push(request.headers.has('payment-signature')); return fetch(request); });
  const response = await paid(`${paywall.url}/ask`, question);
  assert.ok(response instanceof Response);
  assert.equal((await response.json()).answer.includes('2'), true);
  assert.deepEqual(tokensSent, [false, true]);
  assert.equal((await paid(`${paywall.url}/health`)).status, 200);
  await paid(`${paywall.url}/ask`, question);
  const refused = await paid(`${paywall.url}/ask`, question);
  assert.deepEqual([refused.status, payments.paymentOf(refused).error.code], [402, 'budget_exceeded']);
  assert.equal(payments.spend.credits, 20n);
});

test('the books: totals, by origin and plan, and as text', async () => {
  const { paywall, planId } = servers;
  const payments = await buyer({ approve: () => ({ approve: true, remember: true }) });
  assert.deepEqual([payments.spend.credits, payments.spend.receipts], [0n, []]);
  for (const _ of [1, 2]) await payments.fetch(`${paywall.url}/ask?q=${encodeURIComponent('=a,"b"')}`, question);
  const { spend } = payments;
  assert.deepEqual([spend.credits, spend.inLastHour, spend.inLastDay], [price * 2n, price * 2n, price * 2n]);
  assert.deepEqual(spend.byOrigin, [{ name: paywall.url, credits: price * 2n }]);
  assert.deepEqual(spend.byPlan, [{ name: planId, credits: price * 2n }]);
  const [first] = spend.receipts;
  assert.equal(spend.receipts.length, 2);
  assert.deepEqual([first.method, first.outcome, first.creditsSettled, first.origin], ['POST', 'settled', price, paywall.url]);
  assert.ok(first.at instanceof Date && Math.abs(first.at - Date.now()) < 60_000);
  assert.match(first.transaction, /^0x/);

  const json = JSON.parse(payments.exportReceipts());
  assert.deepEqual([json.length, json[0].creditsSettled, json[0].planId], [2, String(price), planId]);
  const lines = payments.exportReceipts('csv').split('\r\n');
  assert.equal(lines.length, 4);
  assert.equal(lines[0].split(',')[0], 'at');
  assert.ok(lines[1].includes(`,${planId},`));
  assert.throws(() => payments.exportReceipts('xml'), { code: 'validation' });
});

test('single-use tokens, minted ahead: a warm request is one round trip', async () => {
  const { paywall, origin } = servers;
  const payments = await buyer({ approve: () => ({ approve: true, remember: true }), tokenVersion: 3, prefetch: 2 });
  await forget();
  const first = await payments.fetch(`${paywall.url}/ask`, question);
  assert.deepEqual([first.response.status, first.spend.requests, first.spend.mints], [200, 2, 1]);
  for (let tries = 0; await calls('/permissions') < 3 && tries < 1000; tries++) await new Promise((done) => setTimeout(done, 20));
  const served = origin.calls().length;
  const second = await payments.fetch(`${paywall.url}/ask`, question);
  assert.deepEqual([second.response.status, second.spend.requests, second.spend.mints], [200, 1, 0]);
  assert.equal(origin.calls().length - served, 1);
  const many = await Promise.all(Array.from({ length: 8 }, () => payments.fetch(`${paywall.url}/ask`, question)));
  assert.deepEqual(new Set(many.map(({ response }) => response.status)), new Set([200]));
  assert.equal(payments.spend.credits, price * 10n);
});

test('options that are wrong are named', async () => {
  const { sandbox } = servers;
  const { nvmApiKey } = await newAccount(sandbox.url, 'Somebody');
  for (const [name, value] of [['tokenVersion', 4], ['prefetch', -1], ['select', 'first'], ['policy', { maxCreditsPerHour: 'x' }]]) {
    const options = { nvmApiKey, environment: 'custom', backend: sandbox.url, [name]: value };
    assert.throws(() => Payments.getInstance(options), { code: 'validation', message: new RegExp(`^(policy\\.)?${name === 'policy' ? 'maxCreditsPerHour' : name} must be `) });
  }
});
