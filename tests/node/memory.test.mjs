// Rule 13: what stands in the memory of the wasm is looked through, byte by byte. After a logout neither the key nor a token is
// there, nor a part of one; and where a key is kept for as long as a gate or a seller lives, it stands there and nowhere else.
import assert from 'node:assert/strict';
import { test, after, before } from 'node:test';

/** The memories of all wasm of ours that is started from here on; Node reads HTTP with some of its own. */
const memories = [];
const started = (instance) => {
  if (instance.exports.llhttp_execute) return instance;
  for (const value of Object.values(instance.exports)) if (value instanceof WebAssembly.Memory) memories.push(value);
  return instance;
};
const { instantiate, Instance } = WebAssembly;
WebAssembly.instantiate = async (...given) => {
  const made = await instantiate(...given);
  started(made.instance ?? made);
  return made;
};
WebAssembly.Instance = new Proxy(Instance, { construct: (target, given) => started(new target(...given)) });

const { startPlatform, startSeller, need, offerOf, pause } = await import('./harness.mjs');
const { newAccount } = await import('../../scripts/lib/demo-servers.mjs');
const { client } = await import('../sandbox/client.mjs');
const { Payments } = await import('../../target/dist/subscriber/index.js');
const builder = await import('../../target/dist/subscriber/builder.js');
const { paywall } = await import('../../target/dist/subscriber/paywall.js');

const WINDOW = 24;

/** The parts of a secret, each of WINDOW letters. */
const windows = (secret) => Array.from({ length: Math.floor(secret.length / WINDOW) }, (_, at) => secret.slice(at * WINDOW, (at + 1) * WINDOW));
/** The part that only the holder of the key knows: its signature, after the last dot. */
const signature = (key) => key.slice(key.lastIndexOf('.') + 1);
/** The parts of a token that another token does not have. */
const own = (token, other) => windows(token).filter((part) => !other.includes(part));
/** How often a text stands in the memories. */
const times = (text) => memories.reduce((sum, { buffer }) => {
  const bytes = Buffer.from(buffer);
  for (let at = bytes.indexOf(text, 0, 'latin1'); at >= 0; at = bytes.indexOf(text, at + 1, 'latin1')) sum += 1;
  return sum;
}, 0);
const found = (parts) => parts.filter((part) => times(part) > 0);
/** Freed memory is overwritten in a moment, and stays so. */
async function gone(parts, name) {
  for (let tries = 0; found(parts).length > 0 && tries < 100; tries += 1) await pause(20);
  assert.deepEqual(found(parts), [], name);
}

let platform;
let hold;
const seller = await startSeller(async (one, response) => {
  if (one.url === '/held' && one.token) return hold?.(response);
  if (!one.token) return need(response, offerOf(platform.planId));
  response.writeHead(200, { 'payment-response': await platform.settle(one.token) }).end('done');
});
before(async () => { platform = await startPlatform(); });
after(async () => {
  await seller.stop();
  await platform.stop();
});

test('after logout neither the key nor a token is in the memory of the wasm', async () => {
  const waits = [];
  const p = await platform.buyer({
    async fetch(...given) {
      const response = await fetch(...given);
      for (const { heard, until } of waits.filter(({ path }) => response.url.endsWith(path))) {
        heard();
        await until;
      }
      return response;
    },
  });
  /** From now on the mint's answer is held back: when there is one, and what lets it go. */
  const slow = () => {
    let heard;
    let go;
    const asked = new Promise((done) => { heard = done; });
    waits.push({ path: '/x402/permissions', heard, until: new Promise((done) => { go = done; }) });
    return [asked, go];
  };
  const key = p.account.nvmApiKey;
  assert.ok(signature(key).length >= 2 * WINDOW, 'there is a signature to be looked for');
  await p.fetch(`${seller.url}/ask`, { method: 'POST', body: '{}' });
  await p.fetch(`${seller.url}/ask`, { method: 'POST', body: '{}' });
  await p.fetch(`${seller.url}/once`, { method: 'POST', body: '{}' }, { tokenVersion: 3, prefetch: 2 });
  await p.plans.getPlanBalance(platform.planId);
  await p.x402.getX402AccessToken(platform.planId, undefined, {});
  const tokens = [...new Set(seller.requests.map(({ token }) => token).filter(Boolean))];
  assert.equal(tokens.length, 2);
  assert.equal(times(key), 0, 'the key is in JavaScript only');
  assert.deepEqual(found(own(tokens[0], tokens[1])), own(tokens[0], tokens[1]), 'a token is found while it is there');
  // A request with a token that nobody answers, a mint on its way, and a call of the platform.
  const waiting = new Promise((done) => { hold = done; });
  const held = p.fetch(`${seller.url}/held`, { method: 'POST', body: '{}' }, { tokenVersion: 3 }).catch((error) => error.code);
  await waiting;
  const [asked, answered] = slow();
  const minting = p.fetch(`${seller.url}/ask`, { method: 'PUT', body: '{}' }, { tokenVersion: 3 }).catch((error) => error.code);
  const listing = p.delegation.listDelegations().catch(() => {});
  await asked;
  p.logout();
  assert.deepEqual([await held, await minting], ['session_ended', 'session_ended']);
  assert.deepEqual(found(windows(signature(key))), [], 'the key, while the platform has not answered');
  answered();
  await listing;
  const all = [...new Set(seller.requests.map(({ token }) => token).filter(Boolean))];
  assert.equal(all.length, 3);
  await gone(windows(signature(key)), 'the key');
  for (const token of all) {
    const parts = own(token, all.find((one) => one !== token));
    assert.ok(parts.length > 0);
    await gone(parts, 'a token');
    const { payload } = JSON.parse(Buffer.from(token, 'base64url'));
    await gone(windows(payload.signature), 'the signature in a token');
  }
});

test('a token that is refused, used up or ended leaves nothing while the session goes on', async () => {
  const p = await platform.buyer();
  const before = seller.requests.length;
  for (let calls = 0; calls < 3; calls += 1) await p.fetch(`${seller.url}/once`, { method: 'POST', body: '{}' }, { tokenVersion: 3 });
  const tokens = seller.requests.slice(before).map(({ token }) => token).filter(Boolean);
  assert.equal(new Set(tokens).size, 3);
  for (const [at, token] of tokens.entries()) await gone(own(token, tokens[(at + 1) % 3]), 'a token');
  p.logout();
});

test('a key that is refused, that another takes the place of, or that the platform ends is gone', async () => {
  const account = await newAccount(platform.sandbox.url, 'A buyer');
  const bad = `${account.nvmApiKey}\u00e9`;
  await assert.rejects(async () => Payments.getInstance({ nvmApiKey: bad, environment: 'custom', backend: platform.sandbox.url }));
  await gone(windows(signature(account.nvmApiKey)), 'with a letter behind it that is none of a key');
  let over;
  const ended = new Promise((done) => { over = done; });
  const forged = account.nvmApiKey.replace(/.{8}$/, 'AAAAAAAA');
  const p = await Payments.getInstance({ nvmApiKey: forged, environment: 'custom', backend: platform.sandbox.url, onSessionExpired: over });
  await p.delegation.listDelegations().catch(() => {});
  if (p.isLoggedIn) p.logout();
  else await ended;
  await gone(windows(signature(forged)), 'a key that was ended');
});

test('the key of who sells stands in memory once, however many calls were made', async () => {
  const { key } = await client(platform.sandbox.url).open('Another seller');
  const payments = await builder.Payments.getInstance({ nvmApiKey: key, environment: 'custom', backend: platform.sandbox.url });
  for (let calls = 0; calls < 5; calls += 1) await payments.agents.getAgents();
  for (const part of windows(signature(key))) assert.equal(times(part), 1);
});

test('a gate makes no more copies of its key in memory, and keeps no token of a request that is over', async () => {
  const own2 = await client(platform.sandbox.url).open('A seller with a gate');
  const planId = await own2.plan();
  const gate = paywall(() => new Response('sold'), {
    nvmApiKey: own2.key, environment: 'custom', backend: platform.sandbox.url, unlisted: 'deny', log: false, routes: { 'POST /ask': { planId, credits: 1 } },
  });
  await gate.ready();
  const copies = windows(signature(own2.key)).map(times);
  const buyer = await client(platform.sandbox.url).open('A buyer');
  await buyer.order(planId);
  const tokens = [await buyer.token(planId), await buyer.token(planId)];
  for (const token of [...tokens, ...tokens]) {
    const answer = await gate(new Request('https://shop.example/ask', { method: 'POST', headers: { 'payment-signature': token } }));
    assert.deepEqual([answer.status, await answer.text()], [200, 'sold']);
  }
  await gone(own(tokens[0], tokens[1]), 'a token');
  await gone(own(tokens[1], tokens[0]), 'a token');
  assert.deepEqual(windows(signature(own2.key)).map(times), copies);
  await gate.close();
});
