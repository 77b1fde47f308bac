// The paywall in workerd: what is asked, what is forwarded, what is delivered (money rules 17, 19, 21, 25).
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { AGENT, PAYER, PLAN, SELLER_KEY, readHeader, startAll, token } from './harness.mjs';

let all;
before(async () => { all = await startAll(); });
beforeEach(() => all.reset());
after(() => all.stop());

test('an open route is free, for HEAD too', async () => {
  const answer = await all.get('/health');
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('payment-response'), null);
  assert.equal((await answer.json()).path, '/health');
  assert.equal((await all.get('/health', { method: 'HEAD' })).status, 200);
  assert.equal(all.facilitator.calls.length, 0);
});

test('without a token: 402 with the offer in header and body, nothing else is asked', async () => {
  const answer = await all.get('/ask', { method: 'POST', body: '{}' });
  assert.equal(answer.status, 402);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.equal(answer.headers.get('content-type'), 'application/json');
  const offer = readHeader(answer.headers.get('payment-required'));
  assert.deepEqual(offer, {
    x402Version: 2,
    resource: { url: `${all.paywall.url}/ask`, description: 'An answer' },
    accepts: [{
      scheme: 'nvm:erc4337', network: 'eip155:84532', planId: PLAN,
      extra: { version: '1', agentId: AGENT, httpVerb: 'POST', credits: '2' },
    }],
    extensions: {},
  });
  const body = await answer.json();
  assert.deepEqual(body, {
    ...offer, error: 'Payment Required', code: 'payment_missing',
    message: 'Missing x402 payment token. Send token in payment-signature header.',
  });
  assert.equal(all.facilitator.calls.length + all.origin.calls.length, 0);
});

test('with a token: verified, forwarded, settled, delivered with a receipt', async () => {
  const answer = await all.paid('/ask?q=a%20b&x=%2F', {
    method: 'POST', body: '{"question":"?"}',
    headers: { 'content-type': 'application/json', 'x-mine': 'kept', 'x-payment-payer': 'forged', 'X_Payment_Plan': 'forged' },
  });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('cache-control'), 'private');
  assert.deepEqual(readHeader(answer.headers.get('payment-response')), {
    success: true, payer: PAYER, transaction: '0xabc', network: 'eip155:84532', creditsRedeemed: '2', remainingBalance: '98',
  });
  assert.deepEqual(await answer.json(), { path: '/ask', body: '{"question":"?"}', secret: 'worth paying for' });

  const [verify, settle] = all.facilitator.calls;
  assert.deepEqual([verify.call, settle.call, all.facilitator.calls.length], ['verify', 'settle', 2]);
  assert.equal(verify.headers.authorization, `Bearer ${SELLER_KEY}`);
  assert.equal(verify.body.x402AccessToken, token());
  assert.equal(verify.body.maxAmount, '2');
  assert.equal(verify.body.paymentRequired.accepts[0].planId, PLAN);
  assert.deepEqual(settle.body, { ...verify.body, agentRequestId: 'req-1' });

  const [call] = all.origin.calls;
  assert.equal(call.url, '/ask?q=a%20b&x=%2F');
  assert.equal(call.headers.host, new URL(all.origin.url).host);
  const headers = Object.fromEntries(Object.entries(call.headers).filter(([name]) => /payment|mine/.test(name)));
  assert.deepEqual(headers, {
    'x-mine': 'kept', 'x-payment-payer': PAYER, 'x-payment-plan': PLAN, 'x-payment-agent': AGENT,
    'x-payment-credits': '2', 'x-payment-request-id': 'req-1',
  });
});
