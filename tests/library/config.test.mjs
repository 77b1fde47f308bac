// The configuration as one document, as the Worker has it: given, from a function, from KV; and that it may change while the
// gate runs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PLAN, readHeader } from '../workerd/harness.mjs';
import { facilitator, gated, captureLog } from './harness.mjs';

const paid = (credits, more) => ({ planId: PLAN, credits, scheme: 'nvm:erc4337', ...more });
const document = (more = {}) => ({ routes: { 'POST /ask': paid(3) }, unlisted: 'deny', ...more });
/** Nothing but the key and where the platform is, which are no document's. */
const bare = { routes: undefined, unlisted: undefined, openRoutes: undefined };
const price = async (ask, path = '/ask', ...rest) => {
  const answer = await ask(path, { paid: false }, ...rest);
  return answer.status === 402 ? readHeader(answer.headers.get('payment-required')).accepts[0].extra.credits : answer.status;
};
/** A document that may change; `reads` is how often it was read. */
function changing(found) {
  const source = { found, reads: 0, failing: false };
  source.read = async () => {
    source.reads += 1;
    if (source.failing) throw new Error('KV is away');
    return source.found;
  };
  return source;
}
/** Time that passes when the test says so. */
function clock(test) {
  let now = Date.now();
  test.mock.method(Date, 'now', () => now);
  return (ms) => { now += ms; };
}
const settled = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

test('a document that is given: an object, a text, a variable of the Worker; it comes before options and variables', async () => {
  for (const config of [document(), JSON.stringify(document())]) {
    const { ask } = gated({ ...bare, config });
    assert.equal(await price(ask), '3');
    assert.equal(await price(ask, '/other'), 404);
  }
  const variables = { CONFIG: document(), ROUTES: { 'POST /ask': paid(9) }, UNLISTED: 'pass' };
  assert.equal(await price(gated(bare).ask, '/ask', variables), '3');
  assert.equal(await price(gated({ ...bare, config: document() }).ask, '/ask', { CONFIG: document({ routes: { 'POST /ask': paid(8) } }) }), '3');
  // Options fill in members that the document lacks.
  const { ask } = gated({ config: { routes: { 'POST /ask': paid(4) } } });
  assert.equal(await price(ask), '4');
  assert.equal((await ask('/health', { method: 'GET' })).status, 200);
});

test('what is wrong in it closes the gate, and is named as it stands there', async () => {
  for (const [config, key] of [
    [document({ unlisted: 'maybe' }), 'unlisted'], [document({ routes: { 'POST /ask': { planId: PLAN } } }), 'routes["POST /ask"].credits'],
    [document({ timeoutMs: 0 }), 'timeoutMs'], [document({ nvmApiKey: 'x' }), 'nvmApiKey'], ['{"routes":', 'config'], [7, 'config'], [{ routes: {} }, 'unlisted'],
  ]) {
    const { gate, ask, requests } = gated({ ...bare, config });
    await captureLog(async () => {
      const error = await gate.ready().catch((error) => error);
      assert.deepEqual([error.code, error.key], ['config_invalid', key]);
      const answer = await ask();
      assert.deepEqual([answer.status, (await answer.json()).key], [500, key]);
    });
    assert.equal(requests.length + facilitator.calls.length, 0);
  }
});

for (const [what, given] of [
  ['a function', (source) => [{ ...bare, config: (env) => source.read(env) }]],
  ['KV', (source) => [{ ...bare, config: { get: (key) => (key === 'paywall' ? source.read() : null) } }]],
  ['KV, bound as CONFIG', (source) => [bare, { CONFIG: { get: async (key) => (key === 'paywall' ? source.read() : null) } }]],
]) {
  test(`${what}: it is read when it is first needed, again every five seconds behind an answer, and changes the gate`, async (context) => {
    const goes = clock(context);
    const source = changing(JSON.stringify(document()));
    const [options, env] = given(source);
    const { ask } = gated(options);
    assert.equal(source.reads, 0);
    const now = () => price(ask, '/ask', env);
    assert.deepEqual([await now(), await now(), source.reads], ['3', '3', 1]);
    source.found = JSON.stringify(document({ routes: { 'POST /ask': paid(5) } }));
    goes(4_999);
    assert.deepEqual([await now(), source.reads], ['3', 1]);
    goes(1);
    const said = await captureLog(async () => {
      assert.equal(await now(), '3', 'nobody waits for it');
      await settled();
      assert.deepEqual([await now(), source.reads], ['5', 2]);
      // A wrong document is refused and reported once; the old one stays. An unreadable one changes nothing.
      source.found = JSON.stringify(document({ unlisted: 'maybe' }));
      for (let round = 0; round < 3; round++) {
        goes(5_000);
        await now();
        await settled();
      }
      source.failing = true;
      goes(5_000);
      await now();
      await settled();
      assert.deepEqual([await now(), source.reads], ['5', 6]);
    });
    assert.equal(said.match(/"event":"config_changed"/g).length, 1);
    assert.equal(said.match(/"event":"config_refused"/g).length, 1);
    assert.match(said, /"key":"unlisted"/);
    assert.match(said, /KV is away/);
  });
}

test('one that cannot be read, or is wrong, closes the gate until it is put right', async () => {
  const source = changing(document({ unlisted: 'maybe' }));
  const { ask, requests } = gated({ ...bare, config: source.read });
  await captureLog(async () => {
    assert.equal((await (await ask()).json()).key, 'unlisted');
    source.failing = true;
    const answer = await ask();
    assert.deepEqual([answer.status, (await answer.json()).key], [500, 'config']);
    assert.equal(requests.length, 0);
    Object.assign(source, { failing: false, found: document() });
    assert.equal((await ask()).status, 200);
  });
});

test('what must be true once, and prices that are functions, stay when the document changes', async (context) => {
  const goes = clock(context);
  const by = { 'POST /ask': { planId: PLAN, credits: () => 2 } };
  const free = { perDay: 1, by: 'address' };
  const source = changing({ routes: { 'POST /ask': paid({ by: 'handler', most: 9 }, { free }) }, unlisted: 'deny' });
  const { ask, gate } = gated({ routes: by, state: 'memory', config: source.read, address: () => '192.0.2.1' });
  await captureLog(async () => {
    assert.equal((await ask('/ask', { paid: false })).status, 200, 'the one that is free');
    assert.equal(await price(ask), '2');
    source.found = { ...source.found, open: ['GET /new'] };
    goes(5_000);
    await ask('/new', { method: 'GET', paid: false });
    await settled();
    assert.equal((await ask('/new', { method: 'GET', paid: false })).status, 200);
    assert.equal(await price(ask), '2', 'and it was the only one');
  });
  await gate.close();
});
