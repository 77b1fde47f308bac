// The seller's own code in a Worker in Rust: hooks, prices that read the body, and a handler that panics. The Worker is that of tests/rust-handlers.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { startPaywall } from '../../scripts/lib/start.mjs';
import { PLAN, SELLER_KEY, once, readHeader, startFacilitator, token } from '../workerd/harness.mjs';
import { builtWorker } from './rust-build.mjs';

let facilitator;
let worker;

before(async () => {
  const options = await builtWorker('rust-handlers');
  facilitator = await startFacilitator();
  const routes = {
    'POST /ask': { planId: PLAN, credits: 1 },
    'POST /words': { planId: PLAN, credits: { by: 'handler', most: 9 } },
    'POST /once': { planId: PLAN, credits: 1, singleUse: true },
    'POST /panic': { planId: PLAN, credits: 1 },
    'POST /slow': { planId: PLAN, credits: 1 },
  };
  worker = await startPaywall({
    api: facilitator.url, key: SELLER_KEY, routes: { routes, open: ['GET /health'], unlisted: 'deny' }, state: true, options,
    vars: { UPSTREAM: 'http://127.0.0.1:1', MAX_BODY_BYTES: '1000', TIMEOUT_MS: '5000' },
  });
}, { timeout: 20 * 60_000 });
beforeEach(() => facilitator.reset());
after(async () => { await worker?.stop(); await facilitator?.stop(); });

const ask = (path, headers = {}, body = 'why?') => fetch(worker.url + path, { method: 'POST', body, headers });
const paid = (path, headers = {}, body = undefined) => ask(path, { 'payment-signature': token({ from: `0x${crypto.randomUUID().replaceAll('-', '').padEnd(40, '0')}` }), ...headers }, body);

test('hooks are called in turn', async () => {
  assert.equal((await paid('/ask', { 'x-name': 'turn' })).status, 200);
  const lines = worker.said().split('\n').filter((line) => line.includes('hook turn')).map((line) => line.replace(/.*hook turn /, ''));
  assert.deepEqual(lines, ['before POST /ask 1', 'after POST /ask 1', 'settled POST /ask 1']);
});

for (const [when, verifies] of [['before', 0], ['after', 1]]) {
  test(`a hook refuses a payment ${when} the verify: 402 with its words, and nothing is charged`, async () => {
    const answer = await paid('/ask', { 'x-refuse': when });
    assert.equal(answer.status, 402);
    assert.match((await answer.json()).message, new RegExp(`refused ${when}`));
    assert.deepEqual([facilitator.count('verify'), facilitator.count('settle')], [verifies, 0]);
  });
}

test('the seller answers a 402 in its own words, and it stays payable', async () => {
  const answer = await ask('/ask', { 'x-name': 'words' });
  assert.equal(answer.status, 402);
  assert.equal(await answer.text(), 'please pay: payment_missing');
  assert.equal(readHeader(answer.headers.get('payment-required')).accepts[0].planId, PLAN);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
});

test('a price reads the body, up to the limit, and the handler has all of it', async () => {
  const offered = await ask('/words', {}, 'one two three');
  assert.equal(readHeader(offered.headers.get('payment-required')).accepts[0].extra.credits, '3');
  const answer = await paid('/words', {}, 'one two three');
  assert.equal(await answer.text(), 'one two three');
  assert.deepEqual(facilitator.calls.map(({ body }) => body.maxAmount), ['3', '3']);
  assert.equal((await paid('/words', {}, 'x'.repeat(1001))).status, 413);
});

test('a handler that panics is answered at once, and so are the requests beside it; the next one is served', async () => {
  const began = Date.now();
  const single = once({ from: `0x${'d'.repeat(40)}` });
  const slow = Array.from({ length: 3 }, () => paid('/slow'));
  await new Promise((done) => { const look = () => (facilitator.count('verify') >= 3 ? done() : setTimeout(look, 5)); look(); });
  const answers = await Promise.all([paid('/panic'), ...slow]);
  assert.ok(Date.now() - began < 8_000, 'nobody waits for the handler of /slow, which takes ten seconds');
  const bodies = await Promise.all(answers.map(async (answer) => `${answer.status} ${await answer.text()}`));
  for (const body of bodies) assert.match(body, /^500 \{.*"code":"worker_panicked"/, `${bodies.join('\n')}\n${worker.said()}`);
  assert.equal(facilitator.count('settle'), 0);
  assert.match(worker.said(), /Rust panic: .*the handler of \/panic/s);
  assert.equal((await paid('/ask')).status, 200);
  // The object of the state is made again too.
  assert.equal((await ask('/once', { 'payment-signature': single })).status, 200);
  assert.equal((await ask('/once', { 'payment-signature': single })).status, 402);
});
