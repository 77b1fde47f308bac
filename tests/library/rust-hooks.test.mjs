// The seller's own code in a Worker in Rust: hooks, prices that read the body, and a handler that panics. The Worker is that of tests/rust-handlers.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { startPaywall } from '../../scripts/lib/start.mjs';
import { PLAN, SELLER_KEY, once, readHeader, startFacilitator, token } from '../workerd/harness.mjs';
import { builtHandlers } from './rust-build.mjs';

let facilitator;
let worker;
let options;

before(async () => {
  options = await builtHandlers();
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
    // The state looks into a lost request after the time limits of origin and settle, and asks once no settle can be late: in a minute here.
    vars: { UPSTREAM: 'http://127.0.0.1:1', MAX_BODY_BYTES: '1000', TIMEOUT_MS: '2500', ORIGIN_TIMEOUT_MS: '12000' },
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

test('a handler that panics is answered at once, and so are the requests of other buyers beside it; the next one is served', async () => {
  const began = Date.now();
  const single = once({ from: `0x${'d'.repeat(40)}` });
  const settling = once({ from: `0x${'c'.repeat(40)}` });
  // Nobody hears of the first settle of one buyer, whose handler is done; three others wait for their handler.
  let settled;
  const sent = new Promise((resolve) => { settled = resolve; });
  facilitator.settle = () => settled();
  const beside = [ask('/once', { 'payment-signature': settling }), ...Array.from({ length: 3 }, () => paid('/slow'))];
  await sent;
  await new Promise((done) => { const look = () => (facilitator.count('verify') >= 4 ? done() : setTimeout(look, 5)); look(); });
  facilitator.settle = undefined;
  const answers = await Promise.all([paid('/panic'), ...beside]);
  assert.ok(Date.now() - began < 8_000, 'nobody waits for the handler of /slow, which takes ten seconds');
  const bodies = await Promise.all(answers.map(async (answer) => `${answer.status} ${await answer.text()}`));
  for (const body of bodies) assert.match(body, /^500 \{.*"code":"worker_panicked"/, `${bodies.join('\n')}\n${worker.said()}`);
  assert.match(worker.said(), /Rust panic: .*the handler of \/panic/s);
  // Buyers who waited for a handler are not charged. The outcome of the settle that was sent is found out by the object's alarm.
  const settles = facilitator.calls.filter(({ call }) => call === 'settle').map(({ body }) => body.x402AccessToken);
  assert.deepEqual([...new Set(settles)], [settling]);
  assert.equal((await paid('/ask')).status, 200);
  // The object of the state is made again too.
  assert.equal((await ask('/once', { 'payment-signature': single })).status, 200);
  assert.equal((await ask('/once', { 'payment-signature': single })).status, 402);
  await waitFor(() => /settlement_reconciled/.test(worker.said()), () => worker.said());
});

/** Waits for something that comes by itself; what was said instead is in the error. */
async function waitFor(happened, said) {
  for (let round = 0; round < 900 && !happened(); round++) await new Promise((done) => setTimeout(done, 100));
  assert.ok(happened(), said());
}

test('routes in the code: paid, and settled by an object that does not see the code', async () => {
  const coded = await startPaywall({
    api: facilitator.url, key: SELLER_KEY, routes: { routes: undefined }, state: true,
    options: { ...options, bindings: { NVM_API_KEY: SELLER_KEY, NVM_ENVIRONMENT: 'custom', NVM_API_URL: facilitator.url, ROUTES_IN_CODE: 'yes', UPSTREAM: 'http://127.0.0.1:1' } },
  });
  try {
    const post = (path, token) => fetch(coded.url + path, { method: 'POST', body: 'why?', headers: token ? { 'payment-signature': token } : {} });
    assert.equal((await fetch(`${coded.url}/health`)).status, 200);
    assert.equal((await fetch(`${coded.url}/other`)).status, 404);
    assert.equal(readHeader((await post('/ask')).headers.get('payment-required')).accepts[0].extra.credits, '2');
    assert.equal((await post('/ask', token())).status, 200);
    facilitator.settle = (response) => response.destroy();
    assert.equal((await post('/once', once())).status, 200);
    facilitator.settle = undefined;
    await waitFor(() => /settlement_reconciled/.test(coded.said()), () => coded.said());
  } finally {
    await coded.stop();
  }
});
