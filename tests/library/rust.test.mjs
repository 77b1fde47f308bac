// The gate in a Worker of somebody's own, in Rust: the crate of tests/rust-worker, built as its author would, in workerd.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import { repoPath } from '../../scripts/lib/run.mjs';
import { startPaywall } from '../../scripts/lib/start.mjs';
import { PAYER, PLAN, SELLER_KEY, once, readHeader, startFacilitator, token } from '../workerd/harness.mjs';
import { builtWorker } from './rust-build.mjs';

let facilitator;
let worker;

before(async () => {
  const options = await builtWorker('rust-worker');
  facilitator = await startFacilitator();
  const routes = {
    'POST /ask': { planId: PLAN, credits: { by: 'handler', most: 9 } },
    'POST /once': { planId: PLAN, credits: 1, singleUse: true },
  };
  worker = await startPaywall({
    api: facilitator.url, key: SELLER_KEY, routes: { routes: { ...routes, 'POST /one': { planId: PLAN, credits: 1 } }, open: ['GET /health'], unlisted: 'deny' },
    state: true, options,
  });
}, { timeout: 20 * 60_000 });
beforeEach(() => facilitator.reset());
after(async () => { await worker?.stop(); await facilitator?.stop(); });

const ask = (path, headers = {}, body = 'why?') => fetch(worker.url + path, { method: 'POST', body, headers });

test('docs/rust.md shows this very Worker', () => {
  const source = readFileSync(repoPath('tests/rust-worker/src/lib.rs'), 'utf8').replace(/^\/\/!.*\n\n/, '');
  assert.ok(readFileSync(repoPath('docs/rust.md'), 'utf8').includes(source));
});

test('an open route is the handler\'s, what is not listed is nobody\'s', async () => {
  assert.equal(await (await fetch(`${worker.url}/health`)).text(), 'everything is fine');
  assert.equal((await fetch(`${worker.url}/other`)).status, 404);
});

test('the handler is asked when it is paid for, and knows by whom', async () => {
  assert.equal((await ask('/one')).status, 402);
  const answer = await ask('/one', { 'payment-signature': token() });
  assert.equal(await answer.text(), `why? for 1 credits of ${PLAN} by ${PAYER}: 42`);
  assert.equal(readHeader(answer.headers.get('payment-response')).creditsRedeemed, '1');
  assert.deepEqual(facilitator.calls.map(({ call }) => call), ['verify', 'settle']);
});

test('a function says the price', async () => {
  const offered = await ask('/ask', {}, 'one two three four five six seven');
  assert.equal(readHeader(offered.headers.get('payment-required')).accepts[0].extra.credits, '7');
  const answer = await ask('/ask', { 'payment-signature': token() }, 'one two three four five six seven');
  assert.equal(answer.status, 200);
  assert.deepEqual(facilitator.calls.map(({ body }) => body.maxAmount), ['7', '7']);
  assert.equal((await ask('/ask', { 'payment-signature': token() }, 'word '.repeat(10))).status, 500);
  assert.equal(facilitator.calls.length, 2);
});

test('a handler that fails costs nothing', async () => {
  const answer = await ask('/one', { 'payment-signature': token() }, 'fail');
  assert.equal(answer.status, 502);
  assert.equal(facilitator.count('settle'), 0);
});

test('the Durable Object comes with the crate: a single-use token is served once', async () => {
  const single = once();
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask('/once', { 'payment-signature': single })));
  assert.deepEqual(answers.map(({ status }) => status).filter((status) => status === 200), [200]);
  assert.equal(facilitator.count('settle'), 1);
});

test('an unknown outcome is reconciled by the object\'s alarm', async () => {
  facilitator.settle = (response) => response.destroy();
  const answer = await ask('/once', { 'payment-signature': once({ from: `0x${'e'.repeat(40)}` }) });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('payment-response'), null);
  facilitator.settle = undefined;
  for (let round = 0; round < 600 && !/settlement_reconciled/.test(worker.said()); round++) await new Promise((done) => setTimeout(done, 100));
  assert.match(worker.said(), /settlement_reconciled/);
});
