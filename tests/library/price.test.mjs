// Prices that a function says, and the ways that a handler settles by.
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'node:test';
import { PLAN, json, once, readHeader, token } from '../workerd/harness.mjs';
import { facilitator, gated, captureLog } from './harness.mjs';

const priced = (credits, more) => ({ routes: { 'POST /ask': { planId: PLAN, credits, ...more } } });

test('credits: a function of the request, which may read the body; asked once, and offered, verified and settled', async () => {
  let asked = 0;
  const { ask, requests } = gated(priced(async (request) => { asked++; return (await request.text()).length; }));
  const offered = await ask('/ask', { paid: false, body: 'four' });
  assert.equal(readHeader(offered.headers.get('payment-required')).accepts[0].extra.credits, '4');
  const answer = await ask('/ask', { body: 'seven!!' });
  assert.equal(answer.status, 200);
  assert.equal(asked, 2);
  assert.equal(await requests[0].request.text(), 'seven!!');
  assert.deepEqual(facilitator.calls.map(({ body }) => body.maxAmount), ['7', '7']);
});

test('a bigint is a price, and 0 is verified but free', async () => {
  for (const [price, calls] of [[3n, ['verify', 'settle']], [0, ['verify']]]) {
    facilitator.reset();
    const { ask } = gated(priced(() => price));
    assert.equal((await ask()).status, 200);
    assert.deepEqual(facilitator.calls.map(({ call }) => call), calls);
    assert.equal(facilitator.calls[0].body.maxAmount, String(price));
  }
});

for (const [what, credits] of Object.entries({
  'throws': () => { throw new Error('x'); }, 'rejects': async () => { throw new Error('x'); }, 'gives a fraction': () => 1.5, 'gives a negative number': () => -1,
  'gives NaN': () => NaN, 'gives nothing': () => {}, 'gives a text': () => '2', 'gives more than it may': { by: () => 9, most: 8 },
})) {
  test(`a price function that ${what}: 500, nobody is asked and nothing is charged`, async () => {
    const { ask, requests } = gated(priced(credits));
    await captureLog(async () => {
      const answer = await ask();
      assert.deepEqual([answer.status, (await answer.json()).code], [500, 'price_failed']);
    });
    assert.equal(requests.length + facilitator.calls.length, 0);
  });
}

test('credits by what the handler says in a header, which the buyer does not see', async () => {
  const { ask } = gated(priced({ by: 'origin', name: 'x-credits', most: 9 }), () => new Response('x', { headers: { 'x-credits': '4' } }));
  const answer = await ask();
  assert.equal(answer.headers.get('x-credits'), null);
  assert.deepEqual(facilitator.calls.map(({ body }) => body.maxAmount), ['9', '4']);
});

test('at-end-of-stream: the first event is there while the handler still writes, the last is the receipt', async () => {
  let go;
  const more = new Promise((resolve) => { go = resolve; });
  const text = new TextEncoder();
  const { ask } = gated(priced({ by: 'event', each: 2, most: 50 }, { settle: 'at-end-of-stream', receipt: 'event', unbounded: true }), () => new Response(new ReadableStream({
    async start(controller) {
      controller.enqueue(text.encode('data: one\n\n'));
      await more;
      controller.enqueue(text.encode('data: two\n\n'));
      controller.close();
    },
  }), { headers: { 'content-type': 'text/event-stream' } }));
  const settled = [];
  const answer = await ask();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader.read()).value, 'data: one\n\n');
  assert.equal(facilitator.count('settle'), 0);
  go();
  let rest = '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) rest += part.value;
  assert.match(rest, /^data: two\n\nevent: payment-response\ndata: \{.*"creditsRedeemed":"4".*\}\n\n$/);
  assert.deepEqual(settled, []);
});

test('after-delivery: the answer does not wait, waitUntil does, onAfterSettle hears of it; the receipt is at its URL', async () => {
  const { gate, ask } = gated({ ...priced(2, { settle: 'after-delivery' }), state: 'memory', onAfterSettle: (...given) => heard.push(given[1]) });
  const heard = [];
  const waits = [];
  let settle;
  facilitator.settle = (response, { maxAmount }) => { settle = () => json(response, 200, { success: true, creditsRedeemed: maxAmount }); };
  await captureLog(async () => {
    const answer = await ask('/ask', {}, {}, { waitUntil: (work) => waits.push(work) });
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), { answer: 42 });
    for (let round = 0; round < 1500 && !settle; round++) await pause(20);
    settle();
    await Promise.all(waits);
    assert.deepEqual(heard, [2]);
    const url = answer.headers.get('payment-receipt-url');
    const receipt = await gate(new Request(url));
    assert.equal(receipt.status, 200);
    assert.match(await receipt.text(), /"creditsRedeemed":"2"/);
  });
  await gate.close();
});

test('in memory: a single-use token presented 50 times at once is served once', async () => {
  const { gate, requests } = gated({ state: 'memory' });
  const single = once();
  await captureLog(async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () =>
      gate(new Request('https://shop.example/ask', { method: 'POST', headers: { 'payment-signature': single } }))));
    assert.deepEqual(answers.map(({ status }) => status).filter((status) => status === 200), [200]);
  });
  assert.deepEqual([requests.length, facilitator.count('settle')], [1, 1]);
  await gate.close();
});

test('in memory: a settlement that nobody answered is reconciled while the process lives', async () => {
  const { gate } = gated({ state: 'memory', timeoutMs: 300 });
  facilitator.settle = (response) => response.destroy();
  const request = () => new Request('https://shop.example/ask', { method: 'POST', headers: { 'payment-signature': once() } });
  const said = await captureLog(async (lines) => {
    const answer = await gate(request());
    assert.deepEqual([answer.status, answer.headers.get('payment-response')], [200, null]);
    facilitator.settle = undefined;
    for (let round = 0; round < 300 && !lines.join().includes('settlement_reconciled'); round++) await pause(100);
  });
  assert.match(said, /settlement_reconciled/);
  await gate.close();
});

test('rates and allowances by address, as the server names it', async () => {
  const { gate } = gated({ ...priced(1, { limit: { requests: 2, seconds: 60, by: 'address' } }), state: 'memory' });
  const ask = (hostname) => gate(new Request('https://shop.example/ask', { method: 'POST', headers: { 'payment-signature': token(), 'cf-connecting-ip': '9.9.9.9' } }), { remoteAddr: { hostname } });
  await captureLog(async () => {
    const statuses = [];
    for (const address of ['10.1.1.1', '10.1.1.2', '10.1.1.3', '10.2.1.1']) statuses.push((await ask(address)).status);
    // One network is one address; a header is not believed.
    assert.deepEqual(statuses, [200, 200, 429, 200]);
  });
  await gate.close();
});
