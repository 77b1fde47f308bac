// A sandbox, a paywall in front of an origin, buyers that pay it as fast as it goes, and the books: what was delivered, what
// receipts and journal say, what the ledger says. For the tests that break things under load.
import assert from 'node:assert/strict';
import { Agent, get } from 'node:http';
import { startPaywall, startSandbox } from '../../scripts/lib/start.mjs';
import { client } from '../sandbox/client.mjs';
import { readHeader, shard } from './harness.mjs';

export const PRICE = 3;
export const GRANTED = 1_000_000;
/** How long the gate waits for the platform, where a test does not say. */
export const TIMEOUT_MS = 1500;
/** Where buyers are told that it is, wherever it is started. */
const PUBLIC_URL = 'https://paid.example';
const SOLD = 'worth paying for';
/** How an entry stands that is not at its end. */
const OPEN = ['settling', 'delivering', 'unknown', 'owed'];

/** The platform with a seller's plan. `gate(options)` starts a paywall; `buyers(n, url)` opens accounts, every other single-use. */
export async function market({ origin, timeoutMs = TIMEOUT_MS }) {
  const sandbox = await startSandbox({ vars: { SANDBOX_FAULTS: '1' } });
  const seller = await client(sandbox.url).open('Seller');
  const plan = await seller.plan({ credits: { amount: String(GRANTED), minAmount: '1', maxAmount: '10' } });
  const gates = [];
  const admin = client(sandbox.url);
  const open = async (index) => {
    const buyer = await client(sandbox.url).open(`Buyer ${index}`);
    await buyer.order(plan);
    const delegationId = await buyer.delegation();
    const once = index % 2 === 0;
    const mint = () => buyer.token(plan, once
      ? { delegationId, tokenVersion: 3, resource: { url: `${PUBLIC_URL}/paid` }, extra: { httpVerb: 'GET' } } : { delegationId });
    const name = `buyer ${index}, ${once ? 'single-use' : 'reusable'}`;
    return { buyer, name, once, mint, token: once ? undefined : await mint(), answers: [], lost: 0 };
  };
  return {
    plan,
    async gate(options = {}) {
      const gate = await startPaywall({
        binding: 'origin', api: sandbox.url, key: seller.key, state: true,
        vars: { TIMEOUT_MS: String(timeoutMs), PUBLIC_URL, LOG: 'off' },
        routes: { routes: { 'GET /paid': { planId: plan, credits: PRICE } }, unlisted: 'deny' },
        beside: [
          { name: 'origin', modules: [{ type: 'ESModule', path: 'origin.js', contents: origin }] },
          {
            name: 'reader', modules: [{ type: 'ESModule', path: 'reader.js', contents: READER }],
            unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
            durableObjects: { STATE: { className: 'PaywallState', useSQLite: true, scriptName: 'paywall' } },
          },
        ],
        ...options,
      });
      gates.push(gate);
      return { ...gate, reader: (await gate.miniflare.unsafeGetDirectURL('reader')).origin };
    },
    /** Buyers that have bought once, before all goes wrong: what they hold is known then, however slow this machine is. */
    async buyers(count, url) {
      const buyers = [];
      while (buyers.length < count) {
        const one = await open(buyers.length);
        await pay([one], 1, { url: () => url, atOnce: 1 });
        // A purchase that was too slow for a known result cannot begin the test; another one takes its place.
        if (one.answers[0].redeemed === PRICE) buyers.push(one);
      }
      return buyers;
    },
    async faults(faults) {
      const set = await admin.post('/sandbox/faults', faults);
      assert.equal(set.status, 201, set.text);
    },
    well: () => admin.del('/sandbox/faults'),
    stop: () => Promise.all([...gates.map((gate) => gate.stop()), sandbox.stop()]),
  };
}

// Idle connections end on this side, before the other's end crosses a request.
const agent = new Agent({ keepAlive: true, maxSockets: 256, timeout: 2000 });
export const hangUp = () => agent.destroy();

/**
 * One request over a connection that is kept: as cheap as can be, since there are many. Where this machine is too slow to end an
 * idle one in time, the other side's end may cross the request: it goes out `again` then. Had it been served after all, the
 * books would show a delivery that nobody saw.
 */
const ask = (url, token, again) => new Promise((resolve, reject) => {
  const request = get(`${url}/paid`, { agent, headers: { 'payment-signature': token } }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk) => { text += chunk; });
    response.on('end', () => resolve({ status: response.statusCode, receipt: response.headers['payment-response'], text }));
    response.on('error', reject);
  });
  request.on('error', (error) => {
    const crossed = again && request.reusedSocket && error.code === 'ECONNRESET' && !request.res;
    return crossed ? ask(url, token, false).then(resolve, reject) : reject(error);
  });
});

/**
 * A mint, again where its connection was ended as it was being used: it is the test's own, and nothing is lost by it. Of many
 * connections that idled together several may have ended, so it is not tried twice only.
 */
async function patiently(mint, tries = 8) {
  try {
    return await mint();
  } catch (error) {
    if (error.message !== 'fetch failed') throw error;
    if (tries === 1) throw error.cause ?? error;
    await new Promise((resolve) => setTimeout(resolve, 100 * (9 - tries)));
    return patiently(mint, tries - 1);
  }
}

/**
 * Has the buyers ask, so many at once, until `count` requests have been made. `url(index)` says whom; nothing makes the
 * request wait. What is cut off is the buyer's `lost`, where `cut` allows it.
 */
export async function pay(buyers, count, { url, atOnce = 64, cut = false }) {
  let next = 0;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (next < count) {
      const index = next++;
      const one = buyers[index % buyers.length];
      const token = one.token ?? await patiently(one.mint);
      try {
        const { status, receipt, text } = await ask(await url(index), token, !cut);
        assert.equal(text.includes(SOLD), status === 200, `${status} ${text}`);
        one.answers.push({ status, redeemed: receipt && status === 200 ? Number(readHeader(receipt).creditsRedeemed) : undefined });
      } catch (error) {
        if (!cut || error.code === 'ERR_ASSERTION') throw error;
        one.lost++;
      }
    }
  }));
}

/** The entries of each buyer, when the reconcilers have come to their end. */
export async function journals(gate, buyers, rounds = 720) {
  let all;
  for (let round = 0; round < rounds; round++) {
    all = await Promise.all(buyers.map(({ buyer }) => journal(gate, buyer.address)));
    if (!all.flat().some(({ status }) => OPEN.includes(status))) break;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return all;
}

/** All entries of a payer. */
async function journal({ reader }, payer) {
  const response = await fetch(`${reader}/${shard('payer', payer)}`, { signal: AbortSignal.timeout(30_000) });
  assert.equal(response.status, 200);
  return response.json();
}

/** Reads a journal where it is: miniflare's own way to an object from outside stands still under so much of it. */
const READER = `export default {
  async fetch(request, env) {
    const object = env.STATE.get(env.STATE.idFromName(new URL(request.url).pathname.slice(1)));
    const entries = [];
    for (;;) {
      const command = { do: 'journal', after: entries.at(-1)?.id };
      const response = await object.fetch('http://state/', { method: 'POST', body: JSON.stringify(command) });
      const page = (await response.json()).entries;
      if (page.length === 0) return Response.json(entries);
      entries.push(...page);
    }
  },
};`;

/**
 * Holds what the buyers got against the journal, and both against the ledger, each buyer to the credit; the sums of all.
 * `cut` says that answers may have been cut off on their way, so that a delivery may be one that nobody saw.
 */
export async function audit({ plan, buyers, entries, cut = false }) {
  const sums = {
    requests: 0, delivered: 0, receipts: 0, journal: 0, burned: 0, unpaid: 0, unresolved: 0, released: 0, refused: 0, down: 0, failed: 0, lost: 0,
  };
  const kinds = { once: { ...sums }, reusable: { ...sums } };
  for (const [index, { buyer, name, once, answers, lost }] of buyers.entries()) {
    const mine = entries[index];
    const of = (...statuses) => mine.filter(({ status }) => statuses.includes(status));
    const credits = (some) => some.reduce((sum, { credits: amount }) => sum + Number(amount), 0);
    const count = (...statuses) => answers.filter(({ status }) => statuses.includes(status)).length;
    const burned = GRANTED - Number(await buyer.balance(plan));
    const receipts = answers.reduce((sum, { redeemed = 0 }) => sum + redeemed, 0);
    const settled = credits(of('settled'));
    assert.deepEqual(of(...OPEN), [], `${name}: all came to an end`);

    // To the credit: what the ledger says was burned is what the journal says, receipts being a part of it. What became of
    // a reusable token that nobody answered for is not known, and is not asked for a second time.
    if (once) assert.deepEqual(of('unresolved'), [], `${name}: all is known`);
    const doubted = burned - settled;
    assert.ok(doubted >= 0 && doubted <= credits(of('unresolved')), `${name}: ${burned} burned, ${settled} settled`);
    // A receipt is handed over before its entry is closed: where the gate dies between the two, the entry of a reusable token
    // ends unresolved, and is among the doubted.
    assert.ok(receipts <= burned, `${name}: ${receipts} in receipts, ${burned} burned`);
    // Nothing was delivered that is not paid for.
    const delivered = mine.filter((entry) => entry.delivered);
    const unpaid = delivered.filter(({ status }) => status !== 'settled' && status !== 'unresolved');
    assert.deepEqual(unpaid, [], `${name}: unpaid`);
    if (cut) assert.ok(of('settled', 'unresolved').length >= count(200), `${name}: deliveries`);
    else assert.equal(delivered.length, count(200), `${name}: deliveries`);
    // A settled response was delivered, unless it was cut off.
    const undelivered = of('settled', 'unresolved').length - count(200);
    assert.ok(undelivered <= lost, `${name}: ${undelivered} burned for nothing, ${lost} cut off`);
    assert.ok(of('released', 'refused').every((entry) => !entry.delivered), `${name}: released`);
    // No token was burned for twice.
    const nonces = of('settled').map(({ nonce }) => nonce).filter(Boolean);
    assert.equal(new Set(nonces).size, nonces.length, `${name}: twice`);
    assert.equal(settled, of('settled').length * PRICE, `${name}: each once`);

    for (const sum of [sums, kinds[once ? 'once' : 'reusable']]) {
      sum.requests += answers.length + lost; sum.delivered += count(200); sum.receipts += receipts; sum.journal += burned - receipts;
      sum.burned += burned; sum.unpaid += credits(unpaid); sum.unresolved += of('unresolved').length;
      sum.released += of('released').length; sum.refused += count(402); sum.down += count(503);
      sum.failed += answers.length - count(200, 402, 503); sum.lost += lost;
    }
  }
  return { all: sums, ...kinds };
}
