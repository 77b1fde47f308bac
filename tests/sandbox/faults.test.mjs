// An injected fault looks to a client like the real fault, and none occurs unless it is requested.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Miniflare, NoOpLog } from 'miniflare';
import { startSandbox } from './start.mjs';
import { client } from './client.mjs';

let sandbox, anyone;
before(async () => {
  sandbox = await startSandbox({ vars: { SANDBOX_FAULTS: '1' } });
  anyone = client(sandbox.url);
});
after(() => sandbox?.stop());
beforeEach(() => Promise.all([anyone.del('/sandbox/faults'), anyone.del('/sandbox/calls')]));

const fail = async (...faults) => {
  const { status, text } = await anyone.post('/sandbox/faults', faults);
  assert.equal(status, 201, text);
};
const log = async () => (await anyone.get('/sandbox/calls')).json.map(({ method, path, status, fault }) => [method, path, status, fault]);

test('without the variable there is no switch', async () => {
  const other = await startSandbox();
  try {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const { status, json } = await client(other.url).call(method, '/sandbox/faults', method === 'POST' ? [] : undefined);
      assert.deepEqual([status, json.code], [404, 'SANDBOX.NOT_FOUND']);
    }
  } finally {
    await other.stop();
  }
});

test('an order that is dropped was never made; one whose answer is lost was', async () => {
  const seller = await anyone.open('Seller');
  const plan = await seller.plan();
  const ada = await anyone.open('Ada');
  await anyone.del('/sandbox/calls');
  await fail({ match: { method: 'POST', path: '^/api/v1/protocol/plans/\\d+/order$' }, kind: 'drop', times: 1 });
  await assert.rejects(ada.order(plan), (error) => error instanceof TypeError && error.message === 'fetch failed');
  assert.equal(await ada.balance(plan), '0');
  await anyone.del('/sandbox/faults');
  await fail({ match: { path: '/api/v1/protocol/plans/' + plan + '/order' }, kind: 'lose-answer', times: 1 });
  await assert.rejects(ada.order(plan), TypeError);
  assert.equal(await ada.balance(plan), '100');
  assert.equal((await ada.order(plan)).status, 201, 'once is once');
  const orders = (await log()).filter(([, path]) => path.endsWith('/order')).map(([, , status, fault]) => [status, fault]);
  assert.deepEqual(orders, [[0, 'drop'], [201, 'lose-answer'], [201, undefined]]);
});

test('a hundred at once, some dropped and some lost: what was made is what the ledger says', async () => {
  const seller = await anyone.open('Seller');
  const plan = await seller.plan({ credits: { amount: '1' } });
  const ada = await anyone.open('Ada');
  await anyone.del('/sandbox/calls');
  const match = { path: 'order$' };
  await fail({ match, kind: 'latency', ms: 20, probability: 0.5, seed: 1 }, { match, kind: 'drop', probability: 0.2, seed: 2 }, { match, kind: 'lose-answer', probability: 0.2, seed: 3 });
  const answers = await Promise.allSettled(Array.from({ length: 100 }, () => ada.order(plan)));
  const made = (await log()).filter(([, , status]) => status === 201);
  const heard = answers.filter(({ status }) => status === 'fulfilled').length;
  assert.equal(await ada.balance(plan), String(made.length));
  assert.equal(heard, made.filter(([, , , fault]) => !fault?.includes('lose')).length);
  assert.ok(heard < made.length && made.length < 100);
});

test('in another Worker a lost answer is a rejected fetch as well', async () => {
  await fail({ match: { path: '/' }, kind: 'drop' });
  const script = `export default { async fetch(request) {
    try { return new Response('answered ' + (await fetch(new URL(request.url).searchParams.get('to'))).status); }
    catch { return new Response('rejected'); }
  } }`;
  const worker = new Miniflare({ modules: true, script, compatibilityDate: '2026-04-01', log: new NoOpLog(), cf: false, handleRuntimeStdio: () => {} });
  try {
    const answer = await worker.dispatchFetch(`http://worker/?to=${encodeURIComponent(sandbox.url)}`);
    assert.equal(await answer.text(), 'rejected');
  } finally {
    await worker.dispose();
  }
});

test('a status is answered in the envelope, and nothing is done', async () => {
  await fail({ match: { path: '/api/' }, kind: 'status', status: 503, retryAfterSecs: 7, times: 1 }, { kind: 'status', status: 429, code: 'BCK.COMMON.0029', times: 1 });
  const first = await anyone.get('/api/v1/legal-documents/manifest');
  assert.deepEqual([first.status, first.json.code, first.json.retryable, first.headers.get('retry-after')], [503, 'BCK.COMMON.0029', true, '7']);
  assert.equal(first.headers.get('x-correlation-id'), first.json.correlationId);
  const second = await anyone.get('/');
  assert.deepEqual([second.status, second.json.code, second.headers.get('retry-after')], [429, 'BCK.COMMON.0029', null]);
  assert.equal((await anyone.get('/')).status, 200);
});

test('a garbled answer is half of one, and what it answered was done', async () => {
  const seller = await anyone.open('Seller');
  const plan = await seller.plan();
  const ada = await anyone.open('Ada');
  await fail({ match: { path: `/api/v1/protocol/plans/${plan}/order` }, kind: 'garble' });
  const response = await fetch(`${sandbox.url}/api/v1/protocol/plans/${plan}/order`, { method: 'POST', headers: { authorization: `Bearer ${ada.key}` } });
  assert.ok(response.ok);
  const text = await response.text();
  assert.ok(text.startsWith('{'));
  assert.throws(() => JSON.parse(text), SyntaxError);
  assert.equal(await ada.balance(plan), '100');
});

test('a wait is a wait, alone or before what else goes wrong', async () => {
  await fail({ kind: 'latency', ms: 300 }, { match: { path: '/nowhere' }, kind: 'status', status: 500 });
  const timed = async (path) => {
    const from = performance.now();
    const { status } = await anyone.get(path);
    return [status, performance.now() - from >= 290];
  };
  assert.deepEqual(await Promise.all([timed('/'), timed('/nowhere')]), [[200, true], [500, true]]);
  assert.deepEqual((await log()).map(([, path, , fault]) => [path, fault]).sort(), [['/', 'latency'], ['/nowhere', 'latency, status']]);
});

test('chance is the same with the same seed, and is counted', async () => {
  const run = async (seed) => {
    await anyone.del('/sandbox/faults');
    await fail({ kind: 'status', status: 500, probability: 0.5, seed });
    const failures = [];
    for (let index = 0; index < 40; index++) failures.push((await anyone.get('/')).status === 500);
    const [{ seen: calls, struck }] = (await anyone.get('/sandbox/faults')).json;
    assert.deepEqual([calls, struck], [40, failures.filter(Boolean).length]);
    return failures.join();
  };
  const first = await run(7);
  assert.equal(await run(7), first);
  assert.notEqual(await run(8), first);
  await anyone.del('/sandbox/faults');
  await fail({ kind: 'status', probability: 0.5 });
  assert.ok(Number.isSafeInteger((await anyone.get('/sandbox/faults')).json[0].seed), 'a seed that was not named is told');
});

test('a fault that makes no sense is refused, and the switch itself never fails', async () => {
  for (const fault of [{}, { kind: 'fire' }, { kind: 'drop', probability: 2 }, { kind: 'status', status: 200 }, { kind: 'drop', match: { path: '(' } }, { kind: 'drop', matches: {} }, 7]) {
    assert.equal((await anyone.post('/sandbox/faults', [fault])).status, 400, JSON.stringify(fault));
  }
  await fail({ kind: 'drop' });
  assert.equal((await anyone.get('/sandbox/faults')).status, 200);
  assert.equal((await anyone.del('/sandbox/faults')).status, 204);
  assert.equal((await anyone.get('/')).status, 200);
});
