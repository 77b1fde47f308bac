// The configuration as one document: in a variable, or in KV, where it may change while the gate runs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IMPLEMENTATION } from '../library/implementations.mjs';
import { PLAN, startAll } from './harness.mjs';

/** The option that is missing from an empty configuration, as the Worker names it and as the library does. */
const MISSING = IMPLEMENTATION === 'worker' ? 'UNLISTED' : 'unlisted';

const without = { ROUTES: undefined, OPEN_ROUTES: undefined, UNLISTED: undefined };
const paid = { planId: PLAN, credits: 1, scheme: 'nvm:erc4337' };
const document = (more = {}) => JSON.stringify({ routes: { 'GET /paid': paid }, unlisted: 'deny', ...more });
/** A paywall with an empty namespace, and what puts a document into it. */
async function start() {
  const all = await startAll({ state: true, vars: { ...without, LOG: 'off' }, options: { kvNamespaces: ['CONFIG'] } });
  const namespace = await all.paywall.miniflare.getKVNamespace('CONFIG', 'paywall');
  return { ...all, put: (text) => (text === undefined ? namespace.delete('paywall') : namespace.put('paywall', text)) };
}
/** The keys that were refused, of what the Worker printed. */
const refused = (said) => said.split('\n').filter((line) => line.includes('"config_refused"')).map((line) => JSON.parse(line).key);
const status = async (all, path) => (await all.get(path)).status;
async function until(done, what) {
  for (let round = 0; round < 600; round++) {
    if (await done()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(what);
}

test('KV: it is closed until there is a configuration, and changes with it', async () => {
  const all = await start();
  try {
    const empty = await all.get('/paid');
    assert.deepEqual([empty.status, (await empty.json()).key], [500, MISSING]);
    await all.put(document({ unlisted: 'maybe' }));
    const wrong = await all.get('/paid');
    assert.deepEqual([wrong.status, (await wrong.json()).key], [500, 'unlisted']);
    // Put right there, it opens: nothing has to be deployed.
    await all.put(document());
    assert.deepEqual([await status(all, '/paid'), await status(all, '/new')], [402, 404]);
    assert.equal((await all.paid('/paid')).status, 200);

    await all.put(document({ open: ['GET /new'] }));
    await until(async () => (await status(all, '/new')) === 200, 'the change is taken');
    assert.match(all.paywall.said(), /"event":"config_changed"/);
    assert.equal(await status(all, '/paid'), 402);

    for (const [text, key] of [['{"routes":', 'CONFIG'], [document({ routes: { 'GET /paid': { planId: PLAN } } }), 'routes["GET /paid"].credits'], [undefined, MISSING]]) {
      await all.put(text);
      await until(async () => {
        assert.deepEqual([await status(all, '/paid'), await status(all, '/new')], [402, 200], 'the old one stays');
        return refused(all.paywall.said()).includes(key);
      }, `${key} is said`);
    }
    await all.put(document({ routes: { 'GET /paid': { ...paid, credits: 7 } } }));
    await until(async () => (await (await all.get('/paid')).json()).accepts[0].extra.credits === '7', 'the price is another');
    // It is read every few seconds, not with every request.
    assert.equal(await status(all, '/new'), 404);
  } finally { await all.stop(); }
});

test('a variable: the document with all that is not secret', async () => {
  for (const CONFIG of [document({ timeoutMs: 1000, log: 'off' }), { routes: { 'GET /paid': paid }, unlisted: 'deny' }]) {
    const all = await startAll({ vars: { ...without, CONFIG } });
    try {
      assert.deepEqual([await status(all, '/paid'), await status(all, '/new')], [402, 404]);
    } finally { await all.stop(); }
  }
  const all = await startAll({ vars: { ...without, CONFIG: document({ routes: { 'GET /paid': { planId: PLAN, credits: -1 } } }) } });
  try {
    const wrong = await all.get('/paid');
    assert.deepEqual([wrong.status, (await wrong.json()).key], [500, 'routes["GET /paid"].credits']);
  } finally { await all.stop(); }
});
