// The fault matrix: many requests through two instances that share the Durable Object, while verify, origin and settle fail
// in every way, one in twenty each. Nothing is delivered that is not paid for or written down, nothing is burned twice, and
// the ledger is what receipts and journal say, to the credit (rules 19, 21 and 24).
//
// FAULT_REQUESTS is how many; 10,000 take about a minute and a half.
import assert from 'node:assert/strict';
import { Agent, get } from 'node:http';
import { after, before, test } from 'node:test';
import { startPaywall, startSandbox } from '../../scripts/lib/start.mjs';
import { client } from '../sandbox/client.mjs';
import { readHeader, shard } from './kit.mjs';

const REQUESTS = Number(process.env.FAULT_REQUESTS ?? 10_000);
const AT_ONCE = 128;
const BUYERS = 24;
const PRICE = 3;
const GRANTED = 1_000_000;
/** Longer than the gate waits. */
const TIMEOUT_MS = 1500;
const SLOW_MS = 2200;
const KINDS = [{ kind: 'drop' }, { kind: 'lose-answer' }, { kind: 'garble' }, { kind: 'status', status: 503 },
  { kind: 'status', status: 500, code: 'BCK.X402.0009' }, { kind: 'latency', ms: SLOW_MS }];

let sandbox, paywall, seller, plan;
before(async () => {
  sandbox = await startSandbox({ vars: { SANDBOX_FAULTS: '1' } });
  seller = await client(sandbox.url).open('Seller');
  plan = await seller.plan({ credits: { amount: String(GRANTED), minAmount: '1', maxAmount: '10' } });
  paywall = await startPaywall({
    binding: 'origin', api: sandbox.url, key: seller.key, state: true, instances: 2, vars: { TIMEOUT_MS: String(TIMEOUT_MS) },
    routes: { routes: { 'GET /paid': { planId: plan, credits: PRICE } }, unlisted: 'deny' },
    beside: [{ name: 'origin', modules: [{ type: 'ESModule', path: 'origin.js', contents: ORIGIN }] }],
  });
});
after(() => {
  agent.destroy();
  return Promise.all([paywall?.stop(), sandbox?.stop()]);
});

/** The origin and its own faults: it fails, breaks off, knows nothing, or is slow. In workerd, since it is asked often. */
const ORIGIN = `export default {
  async fetch() {
    const chance = Math.random();
    if (chance < 0.05) return new Response('sorry', { status: 500 });
    if (chance < 0.1) throw new Error('broken off');
    if (chance < 0.15) return new Response(null, { status: 404 });
    if (chance < 0.2) await new Promise((resolve) => setTimeout(resolve, 300));
    return new Response('worth paying for');
  },
};`;

/** One request over a connection that is kept: as cheap as can be, since there are many. */
// Idle connections end on this side, before the other's end crosses a request.
const agent = new Agent({ keepAlive: true, maxSockets: 2 * AT_ONCE, timeout: 2000 });
const ask = (url, token) => new Promise((resolve, reject) => {
  get(`${url}/paid`, { agent, headers: { 'payment-signature': token, host: new URL(paywall.url).host } }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk) => { text += chunk; });
    response.on('end', () => resolve({ status: response.statusCode, receipt: response.headers['payment-response'], text }));
    response.on('error', reject);
  }).on('error', reject);
});

test(`${REQUESTS} requests, one in twenty of each kind of fault, two instances`, { timeout: 280_000 }, async () => {
  const buyers = await Promise.all(Array.from({ length: BUYERS }, async (_, index) => {
    const buyer = await client(sandbox.url).open(`Buyer ${index}`);
    await buyer.order(plan);
    const delegationId = await buyer.delegation();
    const once = index % 2 === 0;
    const mint = () => buyer.token(plan, once
      ? { delegationId, tokenVersion: 3, resource: { url: `${paywall.url}/paid` }, extra: { httpVerb: 'GET' } } : { delegationId });
    return { buyer, once, mint, token: once ? undefined : await mint(), delivered: 0, redeemed: 0, refused: 0, down: 0, failed: 0 };
  }));
  const faults = ['verify', 'settle'].flatMap((call) =>
    KINDS.map((kind, index) => ({ ...kind, match: { path: `x402/${call}$` }, probability: 0.05, seed: index + (call === 'settle' ? 100 : 1) })));
  const set = await client(sandbox.url).post('/sandbox/faults', faults);
  assert.equal(set.status, 201, set.text);

  let next = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next < REQUESTS) {
      const index = next++;
      const one = buyers[index % BUYERS];
      const token = one.token ?? await one.mint();
      const answer = await ask(paywall.urls[index % 2], token);
      const sold = answer.text.includes('worth paying for');
      assert.equal(sold, answer.status === 200, `${answer.status} ${answer.text}`);
      if (sold) {
        one.delivered++;
        if (answer.receipt) one.redeemed += Number(readHeader(answer.receipt).creditsRedeemed);
      } else if (answer.status === 402) one.refused++;
      else if (answer.status === 503) one.down++;
      else one.failed++;
    }
  }));
  await client(sandbox.url).del('/sandbox/faults');

  // The reconcilers come to their end.
  const open = ['settling', 'delivering', 'unknown', 'owed'];
  let journals;
  for (let round = 0; round < 120; round++) {
    journals = await Promise.all(buyers.map(({ buyer }) => journal(buyer.address)));
    if (!journals.flat().some(({ stands }) => open.includes(stands))) break;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const sums = { delivered: 0, redeemed: 0, burned: 0, unresolved: 0, reconciled: 0, released: 0, refused: 0, down: 0, failed: 0 };
  for (const [index, { buyer, once, ...one }] of buyers.entries()) {
    const entries = journals[index];
    const name = `buyer ${index}, ${once ? 'single-use' : 'reusable'}`;
    const of = (...stands) => entries.filter((entry) => stands.includes(entry.stands));
    const credits = (some) => some.reduce((sum, { credits: amount }) => sum + Number(amount), 0);
    assert.deepEqual(of(...open), [], name);
    const burned = GRANTED - Number(await buyer.balance(plan));
    const settled = credits(of('settled'));
    const unresolved = of('unresolved');

    // Each delivery is paid for, or is the seller's to look into.
    const delivered = entries.filter((entry) => entry.delivered);
    assert.equal(delivered.length, one.delivered, `${name}: deliveries`);
    assert.ok(delivered.every(({ stands }) => stands === 'settled' || (stands === 'unresolved' && !once)), `${name}: unpaid`);
    // What is settled was delivered, and nothing else was.
    assert.ok(of('settled').every((entry) => entry.delivered), `${name}: burned for nothing`);
    assert.ok(of('released', 'refused').every((entry) => !entry.delivered), name);
    // No token was burned for twice.
    const nonces = of('settled').map(({ nonce }) => nonce).filter(Boolean);
    assert.equal(new Set(nonces).size, nonces.length, `${name}: twice`);
    if (once) {
      assert.deepEqual(unresolved, [], name);
      assert.equal(burned, settled, `${name}: ledger = receipts + journal`);
    } else {
      // Of a token that can be used again nobody can ask the platform whether it was burned for: each is in the journal.
      assert.equal(settled, one.redeemed, `${name}: receipts`);
      assert.ok(burned >= settled && burned <= settled + credits(unresolved), `${name}: ${settled} <= ${burned} <= ${settled + credits(unresolved)}`);
      assert.equal((burned - settled) % PRICE, 0);
    }
    sums.delivered += one.delivered; sums.redeemed += one.redeemed; sums.burned += burned; sums.unresolved += credits(unresolved);
    sums.reconciled += once ? settled - one.redeemed : 0;
    sums.released += of('released').length; sums.refused += one.refused; sums.down += one.down; sums.failed += one.failed;
  }
  console.log(JSON.stringify(sums));
  assert.ok(sums.reconciled > 0 && sums.unresolved > 0 && sums.refused > 0 && sums.down > 0 && sums.failed > 0, 'every way was gone');
});

/** All entries of a payer. */
async function journal(payer) {
  const object = await paywall.object(shard('payer', payer));
  const entries = [];
  for (;;) {
    const command = { do: 'journal', after: entries.at(-1)?.visit };
    const page = (await (await object.fetch('http://state/', { method: 'POST', body: JSON.stringify(command) })).json()).entries;
    if (page.length === 0) return entries;
    entries.push(...page);
  }
}
