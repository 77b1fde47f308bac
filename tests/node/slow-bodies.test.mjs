// Bodies that never end, a byte at a time: what holds no goods is not waited for, before money and after it. The rows run at
// once, since each of them takes as long as patience does.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Payments } from '../../target/dist/subscriber/index.js';
import * as builder from '../../target/dist/subscriber/builder.js';
import { need, offerOf, startPlatform, startSeller } from './harness.mjs';

/** The time for a body that holds an offer or a reason, and the allowance for a slow machine, in milliseconds. */
const PATIENCE = 10_000;
const SLACK = 8_000;
/** How many answers of a seller one fetch may have to read. */
const ANSWERS = 2;

const drips = new Set();
after(() => drips.forEach(clearInterval));
/** An answer whose body goes on for ever: a letter of it each tenth of a second. */
function drip(response, status, headers = {}, first = '') {
  response.writeHead(status, headers).write(first || ' ');
  const timer = setInterval(() => response.write(' '), 100);
  drips.add(timer);
  response.on('close', () => { clearInterval(timer); });
  response.on('error', () => {});
}

let platform;
const seller = await startSeller((one, response) => {
  if (one.url === '/bare') return drip(response, 402, { 'content-type': 'application/json' }, '{"x402Version":2,');
  if (!one.token) return need(response, offerOf(platform.planId));
  if (one.url === '/goods') return response.writeHead(200).end('done');
  drip(response, 402, { 'content-type': 'text/html' }, '<p>no');
});
/** A platform of which each call drips once it is told to. */
const slow = await startSeller((one, response) => drip(response, 200, { 'content-type': 'application/json' }, '{"accessToken":"'));
before(async () => { platform = await startPlatform(); });
after(async () => {
  drips.forEach(clearInterval);
  await Promise.all([seller.stop(), slow.stop(), platform.stop()]);
});

/** How long a promise took to settle, and with what. */
async function settled(promise) {
  const from = performance.now();
  let timer;
  const late = new Promise((_, fail) => { timer = setTimeout(() => fail(new Error('it hangs')), ANSWERS * PATIENCE + SLACK); });
  const end = await Promise.race([promise.then((value) => ({ value }), (error) => ({ error })), late]);
  clearTimeout(timer);
  return { ...end, ms: performance.now() - from };
}

/** A `fetch` that knows of no signal. */
const deaf = (input) => fetch(input instanceof Request ? new Request(input, { signal: null }) : input);

test('what holds no goods is not waited for beyond ten seconds', { timeout: 60_000 }, async (t) => {
  const p = await platform.buyer();
  const key = p.account.nvmApiKey;
  const dripping = { nvmApiKey: key, environment: 'custom', backend: slow.url, delegationConfig: { delegationId: 'd-1' }, approve: () => true, timeoutMs: 1000 };
  const strange = await Payments.getInstance(dripping);
  const unheard = await Payments.getInstance({ ...dripping, fetch: deaf });
  const selling = await builder.Payments.getInstance({ nvmApiKey: key, environment: 'custom', backend: slow.url, timeoutMs: 1000, fetch: deaf });
  // A refusal in which no offer is to be found: this one's body is the reason, or nothing.
  const rows = {
    'an offer, before money': p.fetch(`${seller.url}/bare`),
    'a refusal, after money': p.fetch(`${seller.url}/refused`, { method: 'POST', body: '{}' }),
    'the terms of a quote': p.quote(`${seller.url}/bare`),
    'a mint': strange.fetch(`${seller.url}/goods`),
    'a mint, by a fetch that knows of no signal': unheard.fetch(`${seller.url}/goods`),
    'a call of the platform': strange.plans.getPlan('1'),
    'a call of the platform, by a fetch that knows of no signal': unheard.plans.getPlan('1'),
    'a call of who sells': selling.plans.getPlan('1'),
  };
  const ends = await Promise.all(Object.values(rows).map(settled));
  for (const [at, name] of Object.keys(rows).entries()) {
    await t.test(name, () => {
      const { value, error, ms } = ends[at];
      assert.ok(ms < ANSWERS * PATIENCE + SLACK);
      if (/platform|mint|sells/.test(name)) assert.equal(error?.code, 'platform_timeout', String(error ?? value));
    });
  }
  assert.ok(seller.requests.filter(({ token, url }) => token && url === '/refused').length >= 1, 'it was paid for');
  assert.ok(seller.requests.filter(({ token, url }) => token && url === '/goods').length === 0);
});
