// The hooks and options of the official Express middleware (contract 9.1), as its documentation has them; where it lets a
// buyer off, or makes one pay twice, the rules of money hold instead.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AGENT, PAYER, PLAN, json, readHeader, token } from '../workerd/harness.mjs';
import { facilitator, gated, captureLog } from './harness.mjs';

test('the documented example: routes by method and path, a price each, 1 credit where none is said', async () => {
  const { ask, requests } = gated({ routes: { 'POST /ask': { planId: PLAN }, 'POST /generate': { planId: PLAN, credits: 5 }, 'GET /status/:id': { planId: PLAN, credits: 0 } } });
  const price = async (path, init) => readHeader((await ask(path, { paid: false, ...init })).headers.get('payment-required')).accepts[0].extra.credits;
  assert.deepEqual([await price('/ask'), await price('/generate'), await price('/status/7', { method: 'GET' })], ['1', '5', '0']);
  assert.equal(requests.length, 0);
  const answer = await ask('/generate');
  assert.deepEqual(await answer.json(), { answer: 42 });
  assert.equal(readHeader(answer.headers.get('payment-response')).creditsRedeemed, '5');
  const free = await ask('/status/7', { method: 'GET' });
  assert.equal(free.status, 200);
  assert.deepEqual(facilitator.calls.map(({ call, body }) => [call, body.maxAmount]), [['verify', '5'], ['settle', '5'], ['verify', '0']]);
});

test('the handler finds its paymentContext, the token nowhere else', async () => {
  facilitator.verify = (response) => json(response, 200, { isValid: true, payer: PAYER, agentRequestId: 'req-2', agentRequest: { agentRequestId: 'req-3', agentName: 'A' } });
  const { ask, requests } = gated({ routes: { 'POST /ask': { planId: PLAN, credits: 2, agentId: AGENT } } });
  await ask('/ask', { body: 'why?' }, { SOME: 'binding' }, undefined);
  const [{ request, paymentContext, env }] = requests;
  const { paymentRequired, ...rest } = paymentContext;
  assert.deepEqual(rest, {
    token: token(), credits: 2n, creditsToSettle: 2, verified: true, payer: PAYER, planId: PLAN, agentId: AGENT, route: 'POST /ask',
    agentRequestId: 'req-3', agentRequest: { agentRequestId: 'req-3', agentName: 'A' },
  });
  assert.equal(paymentRequired.accepts[0].planId, PLAN);
  assert.deepEqual(env, { SOME: 'binding' });
  assert.equal(request.headers.get('payment-signature'), null);
  assert.equal(request.headers.get('x-payment-payer'), PAYER);
  assert.equal(await request.text(), 'why?');
});

test('an open route has no paymentContext', async () => {
  const { ask, requests } = gated();
  assert.equal((await ask('/health', { method: 'GET' })).status, 200);
  assert.equal(requests[0].paymentContext, undefined);
});

test('hooks are called in turn, with the arguments of the official ones', async () => {
  const calls = [];
  const note = (name) => async (...given) => { calls.push([name, ...given]); };
  const { ask, gate } = gated({ onBeforeVerify: note('before'), onAfterVerify: note('after'), onAfterSettle: note('settled') }, () => { calls.push(['handler']); return new Response('x'); });
  const request = new Request('https://shop.example/ask', { method: 'POST', headers: { 'payment-signature': token() } });
  await gate(request);
  assert.deepEqual(calls.map(([name]) => name), ['before', 'after', 'handler', 'settled']);
  const [before, after, , settled] = calls;
  // One request for all of them: the one that the handler gets.
  assert.ok([before, after, settled].every(([, given]) => given === before[1] && given.url === request.url));
  assert.equal(before[2].accepts[0].planId, PLAN);
  assert.deepEqual([after[2].isValid, after[2].agentRequestId], [true, 'req-1']);
  assert.deepEqual([settled[2], settled[3].creditsRedeemed, settled[3].success], [2, '2', true]);
  calls.length = 0;
  await ask('/ask', { paid: false });
  await ask('/health', { method: 'GET' });
  assert.deepEqual(calls, [['handler']]);
});

test('hooks are told of every payment, also of one that is believed since it was verified a moment ago', async () => {
  const calls = [];
  let refused;
  const note = (name) => (request, given) => {
    calls.push([name, given.isValid, given.payer ?? given.accepts?.[0].planId]);
    if (refused === name) throw new Error('not any more');
  };
  const { ask, requests } = gated({ verifyCacheSeconds: 60, onBeforeVerify: note('before'), onAfterVerify: note('after') });
  for (let round = 0; round < 3; round++) assert.equal((await ask()).status, 200);
  assert.deepEqual([facilitator.count('verify'), facilitator.count('settle')], [1, 3]);
  assert.deepEqual(calls, Array(3).fill([['before', undefined, PLAN], ['after', true, PAYER]]).flat());
  for (refused of ['before', 'after']) {
    const answer = await ask();
    assert.deepEqual([answer.status, (await answer.json()).code], [402, 'payment_denied']);
  }
  assert.deepEqual([requests.length, facilitator.count('settle')], [3, 3]);
  refused = undefined;
  assert.equal((await ask()).status, 200);
});

for (const [name, calls] of [['onBeforeVerify', []], ['onAfterVerify', ['verify']]]) {
  test(`${name} that throws refuses the payment, in its own words`, async () => {
    const { ask, requests } = gated({ [name]: () => { throw new Error('not you: “no” \u0007'); } });
    const answer = await ask();
    assert.equal(answer.status, 402);
    const { code, message } = await answer.json();
    assert.deepEqual([code, message], ['payment_denied', 'not you: “no” \u0007']);
    assert.equal(readHeader(answer.headers.get('payment-response')).success, false);
    assert.ok(answer.headers.get('payment-required'));
    assert.deepEqual(facilitator.calls.map(({ call }) => call), calls);
    assert.equal(requests.length, 0);
  });
}

test('onAfterSettle that throws is logged; what was paid for is delivered', async () => {
  const { ask } = gated({ onAfterSettle: () => { throw new Error('my database'); } });
  let answer;
  const said = await captureLog(async () => { answer = await ask(); });
  assert.equal(answer.status, 200);
  assert.ok(answer.headers.get('payment-response'));
  assert.match(said, /onAfterSettle: my database/);
});

test('onAfterSettle is not called where nothing was settled', async () => {
  const settled = [];
  const { ask } = gated({ onAfterSettle: (...given) => settled.push(given) }, () => new Response('no', { status: 500 }));
  assert.equal((await ask()).status, 500);
  facilitator.settle = (response) => json(response, 402, { code: 'BCK.X402.0007', message: 'no' });
  assert.deepEqual(settled, []);
  assert.equal(facilitator.count('settle'), 0);
});

test('onPaymentError takes the answer over; the offer stays, and no cache keeps it', async () => {
  const errors = [];
  const { ask } = gated({
    allowedOrigins: ['https://app.example'],
    onPaymentError: (error, request, response) => {
      errors.push([error.name, error.code, error.status, new URL(request.url).pathname, response.status]);
      return new Response('<h1>Pay</h1>', { status: 402, headers: { 'content-type': 'text/html', 'cache-control': 'public' } });
    },
  });
  const answer = await ask('/ask', { paid: false, headers: { origin: 'https://app.example' } });
  assert.deepEqual(errors, [['PaywallError', 'payment_missing', 402, '/ask', 402]]);
  assert.equal(await answer.text(), '<h1>Pay</h1>');
  assert.equal(answer.headers.get('content-type'), 'text/html');
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.equal(answer.headers.get('access-control-allow-origin'), 'https://app.example');
  assert.equal(readHeader(answer.headers.get('payment-required')).accepts[0].planId, PLAN);
});

test('onPaymentError that gives nothing, or throws, leaves the answer as it is', async () => {
  for (const onPaymentError of [() => {}, async () => { throw new Error('x'); }]) {
    const { ask } = gated({ onPaymentError });
    await captureLog(async () => {
      const answer = await ask('/ask', { paid: false });
      assert.deepEqual([answer.status, (await answer.json()).code], [402, 'payment_missing']);
    });
  }
});

test('a platform that is down is a 503, whatever hooks there are: never a 402 that would make a buyer pay again', async () => {
  const errors = [];
  const { ask, requests } = gated({ onPaymentError: (error) => { errors.push(error.code); }, onAfterVerify: () => { errors.push('verified'); } });
  facilitator.verify = (response) => json(response, 500, { message: 'down' });
  const answer = await ask();
  assert.equal(answer.status, 503);
  assert.deepEqual(errors, ['facilitator_unavailable']);
  assert.equal(requests.length, 0);
});

for (const [tokenHeader, headers] of [
  ['X-Token', { 'x-token': token() }],
  [['x-first', 'x-second'], { 'x-second': token() }],
  [['x-first', 'payment-signature'], { 'payment-signature': token() }],
]) {
  test(`tokenHeader ${tokenHeader}: the token comes in there, and goes no further`, async () => {
    const { ask, requests } = gated({ tokenHeader, allowedOrigins: ['*'] });
    const missing = await ask('/ask', { paid: false });
    assert.match((await missing.json()).message, new RegExp(`in ${[tokenHeader].flat()[0].toLowerCase()} header`));
    assert.equal((await ask('/ask', { paid: false, headers })).status, 200);
    assert.deepEqual([...requests[0].request.headers.keys()].filter((name) => name in headers), []);
    const preflight = await ask('/ask', {
      paid: false, method: 'OPTIONS', headers: { origin: 'https://a.example', 'access-control-request-method': 'POST', 'access-control-request-headers': Object.keys(headers)[0] },
    });
    assert.ok(preflight.headers.get('access-control-allow-headers').includes(Object.keys(headers)[0]));
  });
}

test('with a tokenHeader of one\'s own, payment-signature is no token', async () => {
  const { ask } = gated({ tokenHeader: 'x-token' });
  assert.equal((await ask()).status, 402);
});
