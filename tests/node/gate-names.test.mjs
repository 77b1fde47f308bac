// Payments that have names, the x402 extension `payment-identifier`: what is sent again under its name gets the answer that was paid for, and is not paid for
// twice; another request or another payment under that name is a conflict.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { appendPaymentIdentifierToExtensions, PAYMENT_IDENTIFIER } from '@x402/extensions/payment-identifier';
import { paywall } from '../../target/dist/subscriber/paywall.js';
import { base64, startPlatform } from './harness.mjs';

let platform;
before(async () => { platform = await startPlatform(); });
after(() => platform.stop());

const ORIGIN = 'http://shop.localhost';
const decoded = (header) => JSON.parse(Buffer.from(header, 'base64').toString());

function sell(more = {}, handler) {
  const { seller, planId, sandbox } = platform;
  const requests = [];
  const gate = paywall(async (request) => {
    requests.push(await request.text());
    return handler ? handler(request) : Response.json({ answer: requests.length });
  }, {
    nvmApiKey: seller.key, environment: 'custom', backend: sandbox.url, state: 'memory', unlisted: 'deny', log: false, paymentIdentifier: true,
    routes: { 'POST /ask': { planId, credits: 2 } }, ...more,
  });
  return { gate, requests, ask: async (token, body = 'a question', path = '/ask') => gate(new Request(ORIGIN + path, { method: 'POST', body, ...(token && { headers: { 'payment-signature': token } }) })) };
}

/** A token that can be used again, with a name; `id` as the published package writes it into the offer's own extension. */
async function token(shop, payments, id) {
  const { extensions } = decoded((await shop.ask()).headers.get('payment-required'));
  const { accessToken } = await payments.x402.getX402AccessToken(platform.planId, undefined, { delegationConfig: { delegationId: await payments.own.delegation() } });
  if (id !== undefined) appendPaymentIdentifierToExtensions(extensions, id);
  return { plain: accessToken, named: base64({ ...decoded(accessToken), extensions }) };
}

const NAME = 'pay_0123456789abcdef';

test('a request that is sent again gets the answer that was paid for', async () => {
  const shop = sell();
  const payments = await platform.buyer();
  const { named } = await token(shop, payments, NAME);
  const first = await shop.ask(named);
  assert.deepEqual([first.status, await first.json()], [200, { answer: 1 }]);
  for (const again of [1, 2]) {
    const answer = await shop.ask(named);
    assert.deepEqual([answer.status, await answer.json(), again > 0], [200, { answer: 1 }, true]);
    assert.equal(answer.headers.get('payment-response'), first.headers.get('payment-response'));
  }
  assert.deepEqual([shop.requests.length, await payments.held()], [1, 98n]);
  await shop.gate.close();
});

test('another request, or another payment, under the same name is a conflict', async () => {
  const shop = sell();
  const payments = await platform.buyer();
  const { named } = await token(shop, payments, NAME);
  assert.equal((await shop.ask(named)).status, 200);
  const { named: other } = await token(shop, await platform.buyer(), NAME);
  for (const answer of [await shop.ask(named, 'another question'), await shop.ask(named, 'a question', '/ask?q=1'), await shop.ask(other)]) {
    assert.deepEqual([answer.status, (await answer.json()).code], [409, 'payment_identifier_conflict']);
  }
  assert.deepEqual([shop.requests.length, await payments.held()], [1, 98n]);
  await shop.gate.close();
});

test('of requests at the same time one is paid for', async () => {
  const shop = sell();
  const payments = await platform.buyer();
  const { named } = await token(shop, payments, NAME);
  const answers = await Promise.all(Array.from({ length: 4 }, () => shop.ask(named)));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  for (const { status } of answers.filter(({ status }) => status !== 200)) assert.equal(status, 409);
  assert.deepEqual([shop.requests.length, await payments.held()], [1, 98n]);
  await shop.gate.close();
});

test('a name is free again where nothing was charged', async () => {
  let fails = true;
  const shop = sell({}, () => (fails ? new Response('no', { status: 500 }) : new Response('yes')));
  const payments = await platform.buyer();
  const { named } = await token(shop, payments, NAME);
  assert.equal((await shop.ask(named)).status, 500);
  fails = false;
  assert.equal((await shop.ask(named)).status, 200);
  assert.deepEqual([shop.requests.length, await payments.held()], [2, 98n]);
  await shop.gate.close();
});

test('an answer that is too large to be kept is not paid for twice', async () => {
  const shop = sell({}, () => new Response('x'.repeat(200_000)));
  const payments = await platform.buyer();
  const { named } = await token(shop, payments, NAME);
  const first = await shop.ask(named);
  assert.equal((await first.text()).length, 200_000);
  let answer;
  // Notes are written behind the answer.
  do answer = await shop.ask(named); while ((await answer.clone().json()).code === 'payment_in_progress');
  assert.deepEqual([answer.status, (await answer.json()).code, answer.headers.get('payment-response')], [409, 'payment_answer_gone', first.headers.get('payment-response')]);
  assert.deepEqual([shop.requests.length, await payments.held()], [1, 98n]);
  await shop.gate.close();
});

test('it does not go without a state, nor with verifications that are remembered', async () => {
  for (const more of [{ state: false }, { verifyCacheSeconds: 5 }]) {
    await assert.rejects(sell(more).gate.ready(), (error) => error.code === 'config_invalid' && error.key === 'paymentIdentifier', JSON.stringify(more));
  }
});

test('names that cannot be one, and payments without one where it is required, are refused', async () => {
  const shop = sell({ paymentIdentifier: 'required' });
  const payments = await platform.buyer();
  const bare = await shop.ask();
  assert.deepEqual(decoded(bare.headers.get('payment-required')).extensions[PAYMENT_IDENTIFIER].info, { required: true });
  const { plain } = await token(shop, payments);
  const named = (id) => base64({ ...decoded(plain), extensions: { [PAYMENT_IDENTIFIER]: { info: { required: true, id } } } });
  for (const [one, code] of [
    [plain, 'payment_identifier_missing'], [named('short'), 'payment_identifier_invalid'], [named('x'.repeat(129)), 'payment_identifier_invalid'],
    [named('with spaces in it ...'), 'payment_identifier_invalid'], [named(1234567890123456), 'payment_identifier_invalid'],
  ]) {
    const answer = await shop.ask(one);
    assert.deepEqual([answer.status, (await answer.json()).code], [400, code]);
  }
  assert.equal((await shop.ask(named(NAME))).status, 200);
  assert.equal(await payments.held(), 98n);
  await shop.gate.close();
});
