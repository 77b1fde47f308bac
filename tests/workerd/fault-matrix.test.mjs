// The fault matrix: many requests through two instances that share the Durable Object, while verify, origin and settle fail
// in every way, one in twenty each. Nothing is burned twice, and the ledger is what receipts and journal say (rules 19, 21 and
// 24). With single-use tokens nothing is delivered that is not paid for; with reusable ones only what the journal says is
// unresolved, since the platform never said what became of it.
//
// FAULT_REQUESTS is how many; `npm run fault-matrix` makes it 10,000.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TIMEOUT_MS, audit, hangUp, journals, market, pay } from './ledger-check.mjs';

const REQUESTS = Number(process.env.FAULT_REQUESTS ?? 2000);
const SLOW_MS = TIMEOUT_MS + 700;
const KINDS = [{ kind: 'drop' }, { kind: 'lose-answer' }, { kind: 'garble' }, { kind: 'status', status: 503 },
  { kind: 'status', status: 500, code: 'BCK.X402.0009' }, { kind: 'latency', ms: SLOW_MS }];

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

let shop;
before(async () => { shop = await market({ origin: ORIGIN }); });
after(() => { hangUp(); return shop?.stop(); });

test(`${REQUESTS} requests, one in twenty of each kind of fault, two instances`, { timeout: 1_500_000 }, async () => {
  const gate = await shop.gate({ instances: 2 });
  const buyers = await shop.buyers(24, gate.url);
  await shop.faults(['verify', 'settle'].flatMap((call) =>
    KINDS.map((kind, index) => ({ ...kind, match: { path: `x402/${call}$` }, probability: 0.05, seed: index + (call === 'settle' ? 100 : 1) }))));
  const began = Date.now();
  await pay(buyers, REQUESTS, { url: (index) => gate.urls[index % 2] });
  const paid = Date.now();
  await shop.well();
  const sums = await audit({ plan: shop.plan, buyers, entries: await journals(gate, buyers) });
  const seconds = (from, to) => Math.round((to - from) / 100) / 10;
  console.log(JSON.stringify({ ...sums, seconds: { requests: seconds(began, paid), reconciled: seconds(paid, Date.now()) } }));
  const { all, once, reusable } = sums;
  assert.equal(all.requests, REQUESTS + buyers.length);
  assert.deepEqual([once.unpaid, once.unresolved, reusable.unpaid], [0, 0, 0]);
  assert.ok(all.journal > 0 && all.refused > 0 && all.down > 0 && all.failed > 0, 'every way was gone');
  assert.ok(REQUESTS < 500 || (reusable.unresolved > 0 && once.journal > 0), 'every way was gone');
});
