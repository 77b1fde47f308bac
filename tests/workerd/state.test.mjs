// Facts that must be true once, with the Durable Object: single-use tokens, rates, allowances, the journal (rules 21
// and 24).
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { PAYER, PLAN, json, once, readHeader, shard, startAll, token } from './harness.mjs';

const ROUTES = {
  'GET /paid': { planId: PLAN, credits: 1 },
  'GET /once': { planId: PLAN, credits: 1, singleUse: true },
  'GET /rated': { planId: PLAN, credits: 1, limit: { requests: 3, seconds: 3600, by: 'payer' } },
  'GET /crowd': { planId: PLAN, credits: 1, limit: { requests: 3, seconds: 3600, by: 'address' } },
  'GET /gift': { planId: PLAN, credits: 1, free: { perDay: 2, by: 'address' } },
  'GET /after': { planId: PLAN, credits: 4, settle: 'after-delivery' },
  'GET /end': { planId: PLAN, credits: 4, settle: 'at-end-of-stream' },
  'GET /taste': { planId: PLAN, credits: 1, free: { perDay: 2, by: 'payer' } },
};
const METRICS_TOKEN = '0123456789abcdef';
let all;
before(async () => {
  all = await startAll({ state: true, instances: 2, vars: { TIMEOUT_MS: '5000', METRICS_TOKEN, ADDRESS_HEADER: 'cf-connecting-ip' }, routes: { routes: ROUTES, unlisted: 'deny' } });
});
beforeEach(() => all.reset());
after(() => all.stop());

const journal = async (payer = PAYER) => {
  const object = await all.paywall.object(shard('payer', payer));
  const response = await object.fetch('http://state/', { method: 'POST', body: JSON.stringify({ do: 'journal' }) });
  return (await response.json()).entries;
};
/** The entry of a payer, once it has come to its end. */
const closed = async (payer) => {
  for (let round = 0; round < 1000; round++) {
    const [entry] = await journal(payer);
    if (entry && entry.status !== 'settling') return entry;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail('not closed');
};
let payers = 0;
const payer = () => `0x${(++payers).toString(16).padStart(40, '0')}`;
/** A facilitator that says of everybody that they are who their token says. */
const known = (response, { x402AccessToken }) => {
  const { from } = JSON.parse(Buffer.from(x402AccessToken, 'base64url')).payload.authorization;
  json(response, 200, { isValid: true, payer: from, agentRequestId: 'req-1' });
};

test('rule 24: a single-use token presented 100 times at once to two instances is served once', async () => {
  const token = once();
  const presented = Array.from({ length: 100 }, async (_, index) => {
    const response = await fetch(`${all.paywall.urls[index % 2]}/paid`, { headers: { 'payment-signature': token } });
    return { status: response.status, body: await response.json() };
  });
  const answers = await Promise.all(presented);
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  assert.equal(all.facilitator.count('settle'), 1);
  assert.equal(all.origin.calls.length, 1);
  const refused = answers.filter(({ status }) => status !== 200);
  assert.deepEqual([...new Set(refused.map(({ status, body }) => `${status} ${body.code}`))], ['402 payment_token_used']);
});

test('rule 24: a token is what it decodes to, however it is spelled', async () => {
  const from = payer();
  const nonce = '0xAbCd';
  const spelled = [once({ from, nonce }), once({ from, nonce: '0xabcd' }), once({ from, nonce, more: 1 }),
    Buffer.from(once({ from, nonce }), 'base64url').toString('base64')];
  all.facilitator.verify = known;
  const statuses = [];
  for (const token of spelled) statuses.push((await all.paid('/paid', { headers: { 'payment-signature': token } })).status);
  assert.deepEqual(statuses, [200, 402, 402, 402]);
});

test('rule 24: a token whose work failed is free again, and so is one whose settlement was not tried', async () => {
  all.facilitator.verify = known;
  const from = payer();
  const token = once({ from });
  const paid = () => all.paid('/paid', { headers: { 'payment-signature': token } });
  all.origin.answer = (request, response) => { response.writeHead(500); response.end(); };
  assert.equal((await paid()).status, 500);
  all.origin.answer = undefined;
  all.facilitator.settle = (response) => json(response, 429, {});
  assert.equal((await eventually(paid, 503)).status, 503);
  all.facilitator.settle = undefined;
  assert.equal((await eventually(paid, 200)).status, 200);
  assert.equal((await paid()).status, 402);
});

test('a route that takes single-use tokens only refuses others with an offer', async () => {
  const answer = await all.paid('/once');
  assert.equal(answer.status, 402);
  assert.equal((await answer.json()).code, 'payment_not_single_use');
  assert.equal((await all.paid('/once', { headers: { 'payment-signature': once() } })).status, 200);
});

test('rule 21: a settle of a single-use token that was not answered is sent again, and burns once', async () => {
  all.facilitator.verify = known;
  const from = payer();
  let sent = 0;
  all.facilitator.settle = (response) => {
    if (++sent === 1) return response.destroy();
    json(response, 402, { code: 'BCK.X402.0059', message: 'used' });
  };
  const answer = await all.paid('/paid', { headers: { 'payment-signature': once({ from }) } });
  assert.equal(answer.status, 200);
  const receipt = readHeader(answer.headers.get('payment-response'));
  assert.deepEqual([receipt.success, receipt.creditsRedeemed, receipt.transaction], [true, '1', '']);
  assert.equal((await closed(from)).status, 'settled');
});

test('rule 21: what nobody answered is delivered, journalled, and settled by the alarm', async () => {
  all.facilitator.verify = known;
  const from = payer();
  all.facilitator.settle = (response) => response.destroy();
  const answer = await all.paid('/paid', { headers: { 'payment-signature': once({ from }) } });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('payment-response'), null);
  const entry = await closed(from);
  assert.deepEqual([entry.status, entry.delivered, entry.again], ['unknown', true, undefined]);
  all.facilitator.settle = undefined;
  for (let round = 0; round < 600 && (await closed(from)).status !== 'settled'; round++) await new Promise((resolve) => setTimeout(resolve, 100));
  const settled = await closed(from);
  assert.deepEqual([settled.status, settled.receipt.creditsRedeemed], ['settled', '1']);
  assert.match(all.paywall.said(), /settlement_reconciled/);
});

test('rule 21: a reusable token is not settled twice: what became of it is for the seller to look into, in the journal', async () => {
  const from = payer();
  all.facilitator.verify = (response) => json(response, 200, { isValid: true, payer: from });
  all.facilitator.settle = (response) => response.destroy();
  assert.equal((await all.paid('/paid')).status, 200);
  const before = all.facilitator.count('settle');
  for (let round = 0; round < 1200 && (await closed(from)).status === 'unknown'; round++) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal((await closed(from)).status, 'unresolved');
  assert.deepEqual([before, all.facilitator.count('settle')], [1, 1]);
  const ask = (headers) => all.get('/.well-known/payments/journal', { headers });
  assert.equal((await ask({})).status, 401);
  const bearer = { authorization: `Bearer ${METRICS_TOKEN}` };
  const listed = await eventually(async () => {
    const answer = await ask(bearer);
    const { entries } = await answer.json();
    return { status: entries.some(({ payer: one }) => one === from) ? answer.status : 0, entries };
  }, 200);
  const [found] = listed.entries.filter(({ payer: one }) => one === from);
  assert.deepEqual([found.status, found.delivered, found.credits, found.why], ['unresolved', true, '1', 'facilitator_unreachable']);
  assert.ok(!JSON.stringify(listed.entries).includes('x402AccessToken'));
  assert.match(all.paywall.said(), /settlement_unresolved/);
  assert.match(await (await all.get('/.well-known/payments/metrics', { headers: bearer })).text(), /paywall_unresolved_total\{.*\} 1/);
});

test('rule 19: sixty at once over two instances, with credits for one: no more than one answer goes out unpaid', async () => {
  for (const path of ['/after', '/end']) {
    all.reset();
    const from = payer();
    let held = 4;
    all.facilitator.verify = (response) => json(response, 200, { isValid: held >= 4, payer: from, agentRequestId: 'r' });
    all.facilitator.settle = async (response, { maxAmount }) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (held < Number(maxAmount)) return json(response, 402, { code: 'BCK.CREDITS.0003', message: 'too little' });
      held -= Number(maxAmount);
      json(response, 200, { success: true, transaction: '0x1', network: 'n', creditsRedeemed: maxAmount, remainingBalance: String(held) });
    };
    const answers = await Promise.all(Array.from({ length: 60 }, async (_, index) => {
      const response = await fetch(all.paywall.urls[index % 2] + path, { headers: { 'payment-signature': token({ from }) } });
      return { status: response.status, body: await response.text(), receipt: response.headers.get('payment-response') };
    }));
    const served = answers.filter(({ status }) => status === 200).length;
    assert.ok(served >= 1 && served <= 2, `${path}: ${served} served`);
    assert.equal(held, 0);
    for (const { status, receipt } of answers) assert.ok(status === 200 || readHeader(receipt).success === false, `${path} ${status}`);
    const next = await fetch(all.paywall.urls[0] + path, { headers: { 'payment-signature': token({ from }) } });
    assert.equal(next.status, 402);
  }
});

test('rule 19: what was refused after delivery is owed, and paid for with the next request', async () => {
  const from = payer();
  all.facilitator.verify = known;
  all.facilitator.settle = (response) => json(response, 402, { code: 'BCK.CREDITS.0003', message: 'too little' });
  const after = () => fetch(all.paywall.urls[1] + '/after', { headers: { 'payment-signature': token({ from }) } });
  assert.equal((await after()).status, 200);
  const refused = await eventually(after, 402);
  assert.equal((await refused.json()).code, 'payment_owed');
  assert.equal(refused.headers.get('payment-required'), null);
  all.facilitator.settle = undefined;
  assert.equal((await eventually(after, 200)).status, 200);
  const paid = await eventually(async () => {
    const entries = await journal(from);
    return { status: entries.every(({ status }) => status === 'settled') ? 200 : 0, entries };
  }, 200);
  assert.deepEqual(paid.entries.map(({ status, rounds }) => [status, rounds > 0]), [['settled', true], ['settled', false]]);
});

test('too many: 429 with retry-after, before anything is reserved, counted over both instances', async () => {
  all.facilitator.verify = known;
  const from = payer();
  const answers = [];
  for (let index = 0; index < 5; index++) {
    answers.push(await fetch(`${all.paywall.urls[index % 2]}/rated`, { headers: { 'payment-signature': once({ from }) } }));
  }
  assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200, 429, 429]);
  const wait = Number(answers[4].headers.get('retry-after'));
  assert.ok(wait >= 1 && wait <= 1200, `${wait}`);
  assert.equal(readHeader(answers[4].headers.get('payment-response')).success, false);
  assert.equal((await answers[4].json()).code, 'rate_limited');
  all.reset();
  const crowd = [];
  for (let index = 0; index < 5; index++) crowd.push((await all.get('/crowd', { headers: { 'cf-connecting-ip': `203.0.113.${index}` } })).status);
  assert.deepEqual(crowd, [402, 402, 402, 429, 429]);
  assert.equal((await all.get('/crowd', { headers: { 'cf-connecting-ip': '203.0.114.1' } })).status, 402);
  assert.equal(all.facilitator.calls.length, 0);
});

test('in a workerd of one\'s own no client says its address: a header that the seller has not named is nobody\'s', async () => {
  const own = await startAll({ state: true, routes: { routes: ROUTES, unlisted: 'deny' } });
  try {
    const gifts = [];
    for (let index = 0; index < 20; index++) {
      const address = `203.${index}.113.1`;
      gifts.push((await own.get('/gift', { headers: { 'cf-connecting-ip': address, 'x-forwarded-for': address, 'x-real-ip': address } })).status);
    }
    assert.deepEqual(gifts.filter((status) => status !== 402), [200, 200]);
  } finally {
    await own.stop();
  }
});

test('a few a day are free of charge, by address without a token and by payer with one', async () => {
  const headers = { 'cf-connecting-ip': '198.51.100.7' };
  const gifts = [];
  for (let index = 0; index < 3; index++) gifts.push(await fetch(`${all.paywall.urls[index % 2]}/gift`, { headers }));
  assert.deepEqual(gifts.map(({ status }) => status), [200, 200, 402]);
  assert.equal(readHeader(gifts[0].headers.get('payment-response')).creditsRedeemed, '0');
  assert.equal(all.facilitator.calls.length, 0);
  assert.equal(all.origin.calls[0].headers['x-payment-credits'], '0');

  all.facilitator.verify = known;
  const from = payer();
  const taste = () => all.paid('/taste', { headers: { 'payment-signature': once({ from }) } });
  all.origin.answer = (request, response) => { response.writeHead(404); response.end(); };
  assert.equal((await taste()).status, 404);
  all.origin.answer = undefined;
  const redeemed = [];
  for (let index = 0; index < 3; index++) {
    const answer = await eventually(taste, 200);
    redeemed.push(readHeader(answer.headers.get('payment-response')).creditsRedeemed);
  }
  assert.deepEqual(redeemed, ['0', '0', '1']);
  assert.equal(all.facilitator.count('settle'), 1);
});

async function eventually(ask, status) {
  for (let round = 0; round < 500; round++) {
    const answer = await ask();
    if (answer.status === status) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return ask();
}
