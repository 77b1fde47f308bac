// The process that holds the books is killed (SIGKILL) in the middle of settles, again and again, and started anew over the same
// folder: what was answered is on the books, once, and nothing is there by half.
//
// Counts: `kills` are processes killed while settles were pending; `underWay` are settles that were sent and not
// answered when their process died; `unanswered` are those of them that the ledger has; `answered` were answered
// before. KILLS sets the number of kills; `npm run crash-test` sets it to 1,000.
import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startWorkerd } from '../../scripts/lib/workerd-process.mjs';
import { request, wire } from '../../scripts/lib/load.mjs';
import { forget } from '../../src/cli/temporary-folder.js';
import { client, offer } from './client.mjs';

const KILLS = Number(process.env.KILLS ?? 15);
const LANES = 12;
/** So many kills over one folder, and then a fresh one: the books are read whole after each kill. */
const FOLDER = 25;
const RESOURCE = { url: '/ask' };

/** Numbers that look like chance and are the same in each run (mulberry32). */
function chance(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

test(`the sandbox is killed ${KILLS} times in the middle of settles`, { timeout: 3_600_000 }, async () => {
  const pick = chance(20261120);
  const sums = { kills: 0, underWay: 0, answered: 0, unanswered: 0 };
  while (sums.kills < KILLS) {
    const data = mkdtempSync(join(tmpdir(), 'sandbox-kills-'));
    let sandbox;
    try {
      sandbox = await startWorkerd({ data });
      const shop = await open(sandbox.url);
      for (let kill = 0; kill < FOLDER && sums.kills < KILLS; kill++) {
        const round = await settleUntilKilled(sandbox, shop, pick);
        assert.deepEqual(await sandbox.ended, { code: null, signal: 'SIGKILL' });
        sandbox = await startWorkerd({ data });
        sums.unanswered += await hold(sandbox.url, shop, round);
        sums.kills++;
        sums.underWay += round.underWay;
        sums.answered += round.answered.length;
      }
    } finally {
      await sandbox?.stop();
      forget(data);
    }
  }
  console.log(JSON.stringify(sums));
  assert.equal(sums.kills, KILLS);
  assert.ok(sums.underWay >= KILLS, 'each was killed while a settle was under way');
});

/** A seller with a plan of credits and one by the request, and a buyer in each lane: every third pays by the request. */
async function open(url) {
  const seller = await client(url).open('Seller');
  const credits = await seller.plan({ credits: { amount: '1000000000' } });
  const perRequest = await seller.plan({ price: { amounts: ['10000'] }, credits: { amount: '1', minAmount: '1', maxAmount: '1' } });
  const lanes = await Promise.all(Array.from({ length: LANES }, async (_, index) => {
    const buyer = await client(url).open(`Buyer ${index}`);
    const plan = index % 3 === 2 ? perRequest : credits;
    if (plan === credits) await buyer.order(plan);
    const delegationId = await buyer.delegation({ spendingLimitCents: 1_000_000, durationSecs: 86_400 });
    const once = index % 3 === 1;
    const mint = { accepted: { ...offer(plan), extra: {} }, delegationConfig: { delegationId }, ...(once && { tokenVersion: 3, resource: RESOURCE }) };
    return { plan, once, mint, key: buyer.key, delegationId, token: once ? undefined : await buyer.token(plan, { delegationId }) };
  }));
  return { seller, lanes, recorded: new Map() };
}

/** Settles in all lanes, and kills the process at some answer or other. What came back, and what was under way. */
async function settleUntilKilled(sandbox, { seller, lanes }, pick) {
  const wires = lanes.map(() => wire(sandbox.url));
  const round = { answered: [], underWay: 0, maybe: [] };
  let until = 1 + pick(60);
  let dead = false;
  const settled = () => {
    if (--until > 0 || dead) return;
    dead = true;
    sandbox.kill();
  };
  await Promise.all(lanes.map(async (lane, index) => {
    const { send } = wires[index];
    for (let turn = 0; ; turn++) {
      let under = false;
      const amount = String(1 + ((turn + index) % 5));
      let token = lane.token;
      try {
        if (lane.once) {
          const minted = await send(request(sandbox.url, 'POST', '/api/v1/x402/permissions', { body: lane.mint, headers: { authorization: `Bearer ${lane.key}` } }));
          assert.equal(minted.status, 201, minted.body);
          token = JSON.parse(minted.body).accessToken;
        }
        const bytes = request(sandbox.url, 'POST', '/api/v1/x402/settle', { body: paid(lane.plan, token, amount), headers: { authorization: `Bearer ${seller.key}` } });
        under = true;
        const answer = await send(bytes);
        assert.equal(answer.status, 200, answer.body);
        const receipt = JSON.parse(answer.body);
        round.answered.push({ tx: receipt.transaction, amount: receipt.creditsRedeemed });
        settled();
      } catch (error) {
        if (error.code === 'ERR_ASSERTION') throw error;
        if (under) {
          round.underWay++;
          round.maybe.push({ lane, token });
        }
        return;
      }
    }
  }));
  for (const { end } of wires) end();
  return round;
}

const paid = (planId, x402AccessToken, maxAmount) => ({
  paymentRequired: { x402Version: 2, resource: RESOURCE, accepts: [{ ...offer(planId), extra: { version: '1' } }], extensions: {} },
  x402AccessToken, maxAmount,
});

/** Holds the books against what was answered; how many settles are on them that nobody was told of. */
async function hold(url, { seller, lanes, recorded }, { answered, underWay, maybe }) {
  const anyone = client(url);
  const check = (await anyone.get('/sandbox/ledger/check')).json;
  assert.ok(check.ok, JSON.stringify(check.invariants.filter(({ ok }) => !ok)));
  const burned = new Map();
  for (let page = 1; ; page++) {
    const { postings } = (await anyone.get(`/sandbox/ledger?kind=burn&offset=200&page=${page}`)).json;
    for (const { entry, amount } of postings) {
      assert.ok(!burned.has(entry), `${entry} is on the books twice`);
      burned.set(entry, amount);
    }
    if (postings.length < 200) break;
  }
  for (const [tx, amount] of recorded) assert.equal(burned.get(tx), amount, `${tx} is still there`);
  for (const { tx, amount } of answered) assert.equal(burned.get(tx), amount, `${tx} was answered and is on the books`);
  const known = new Set([...recorded.keys(), ...answered.map(({ tx }) => tx)]);
  const more = [...burned.keys()].filter((tx) => !known.has(tx));
  assert.ok(more.length <= underWay, `${more.length} settles that nobody was told of, ${underWay} were under way`);
  for (const [tx, amount] of burned) recorded.set(tx, amount);
  // A single-use token whose settle was under way is good still, or was used: never both.
  for (const { lane, token } of maybe.filter((one) => one.lane.once)) {
    const again = await client(url, { nvmApiKey: seller.key }).post('/api/v1/x402/settle', paid(lane.plan, token, '1'));
    if (again.status === 200) recorded.set(again.json.transaction, '1');
    else assert.deepEqual([again.status, again.json.code], [402, 'BCK.X402.0059'], again.text);
    const third = await client(url, { nvmApiKey: seller.key }).post('/api/v1/x402/settle', paid(lane.plan, token, '1'));
    assert.deepEqual([third.status, third.json.code], [402, 'BCK.X402.0059']);
  }
  // A pay-as-you-go charge is booked on the delegation as often as credits were burned.
  const [lane] = lanes.filter((one) => !one.once && one.token).slice(-1);
  const { json } = await client(url, { nvmApiKey: lane.key }).get(`/api/v1/delegation/${lane.delegationId}`);
  assert.equal(Number(json.amountSpentCents), json.transactionCount);
  return more.length;
}
