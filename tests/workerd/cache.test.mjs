// Cached verifications, and several plans for one route, in the real Worker (rules 17 and 23).
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { PAYER, PLAN, json, readHeader, startAll, token } from './harness.mjs';

const ROUTES = {
  'GET /paid': { planId: PLAN, credits: 2 },
  'GET /other': { planId: PLAN, credits: 2 },
  'GET /any': { credits: 3, plans: [{ planId: PLAN, credits: 1 }, { planId: PLAN, network: 'stripe' }, { planId: '1002', network: 'braintree', credits: 4 }] },
};
let all;
before(async () => {
  all = await startAll({ state: true, instances: 2, vars: { VERIFY_CACHE_SECONDS: '60', TIMEOUT_MS: '2000' }, routes: { routes: ROUTES, unlisted: 'deny' } });
});
beforeEach(() => all.reset());
after(() => all.stop());

let payers = 0;
/** Somebody new who holds so many credits: their token, and a facilitator that keeps count. */
function payer(held) {
  const from = `0x${(++payers).toString(16).padStart(40, '0')}`;
  let left = held;
  all.facilitator.verify = (response, { maxAmount }) => json(response, 200, { isValid: left >= Number(maxAmount), payer: from, agentRequestId: 'r' });
  all.facilitator.settle = (response, { maxAmount }) => {
    if (left < Number(maxAmount)) return json(response, 402, { code: 'BCK.CREDITS.0003', message: 'too little' });
    left -= Number(maxAmount);
    json(response, 200, { success: true, transaction: '0x1', network: 'n', creditsRedeemed: maxAmount, remainingBalance: String(left) });
  };
  return { token: token({ from }), burned: () => held - left };
}
const paid = (path, sent, instance = 0) => fetch(all.paywall.urls[instance] + path, { headers: { 'payment-signature': sent } });

test('rule 23: an isolate believes what it has verified; another verifies for itself', async () => {
  const one = payer(1000);
  for (let index = 0; index < 4; index++) assert.equal((await paid('/paid', one.token)).status, 200);
  assert.deepEqual([all.facilitator.count('verify'), all.facilitator.count('settle'), one.burned()], [1, 4, 8]);
  assert.deepEqual(all.origin.calls.map(({ headers }) => headers['x-payment-request-id']), ['r', undefined, undefined, undefined]);
  assert.equal((await paid('/paid', one.token, 1)).status, 200);
  assert.equal(all.facilitator.count('verify'), 2);
  assert.equal((await paid('/other', one.token)).status, 200);
  assert.equal(all.facilitator.count('verify'), 3, 'another route');
});

test('rule 23: fifty at once get no more than is held, and nothing goes out unpaid', async () => {
  const one = payer(21);
  const first = await paid('/paid', one.token);
  assert.equal(first.status, 200);
  const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => paid('/paid', one.token, index % 2)));
  const served = answers.filter(({ status }) => status === 200).length;
  assert.deepEqual([...new Set(answers.map(({ status }) => status))].sort(), [200, 402]);
  assert.deepEqual([served, one.burned()], [9, 20]);
  assert.equal((await paid('/paid', one.token)).status, 402);
});

test('rule 23: a yes does not survive a refused settlement', async () => {
  const one = payer(1000);
  assert.equal((await paid('/paid', one.token)).status, 200);
  assert.equal((await paid('/other', one.token)).status, 200);
  const { settle } = all.facilitator;
  all.facilitator.settle = (response) => json(response, 402, { code: 'BCK.X402.0005', message: 'revoked' });
  assert.equal((await paid('/paid', one.token)).status, 402);
  all.facilitator.settle = settle;
  const before = all.facilitator.count('verify');
  for (const path of ['/paid', '/other']) assert.equal((await paid(path, one.token)).status, 200);
  assert.equal(all.facilitator.count('verify') - before, 2);
});

test('rule 17: each plan is an entry, the token says which it pays by, and one that is not offered is refused', async () => {
  const offer = readHeader((await all.get('/any')).headers.get('payment-required'));
  assert.deepEqual(offer.accepts.map(({ planId, scheme, network, extra }) => [planId, scheme, network, extra.credits]), [
    [PLAN, 'nvm:erc4337', 'eip155:84532', '1'], [PLAN, 'nvm:card-delegation', 'stripe', '3'], ['1002', 'nvm:card-delegation', 'braintree', '4'],
  ]);
  for (const [planId, scheme, credits] of [[PLAN, 'nvm:erc4337', '1'], [PLAN, 'nvm:card-delegation', '3'], ['1002', 'nvm:card-delegation', '4']]) {
    all.reset();
    assert.equal((await all.paid('/any', { headers: { 'payment-signature': token({ planId, scheme }) } })).status, 200);
    assert.equal(all.facilitator.calls.find(({ call }) => call === 'settle').body.maxAmount, credits);
    const { headers } = all.origin.calls[0];
    assert.deepEqual([headers['x-payment-plan'], headers['x-payment-credits'], headers['x-payment-payer']], [planId, credits, PAYER]);
  }
  all.reset();
  for (const [planId, scheme] of [['1003', 'nvm:erc4337'], ['1002', 'nvm:erc4337']]) {
    const answer = await all.paid('/any', { headers: { 'payment-signature': token({ planId, scheme }) } });
    assert.deepEqual([answer.status, (await answer.json()).code], [402, 'payment_for_another_plan']);
  }
  assert.deepEqual([all.facilitator.calls.length, all.origin.calls.length], [0, 0]);
});
