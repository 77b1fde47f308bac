// A hundred fetches at once over five gates, with whatever can fail failing now and then: the platform by its fault switch,
// the way to the gates by a seeded chance. What was minted, ordered, burned and counted has to add up to the credit.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startPaywall } from '../../scripts/lib/start.mjs';
import { pause, startPlatform, startSeller } from './harness.mjs';

const PRICE = 2n;
/**
 * The credits of a plan: more than all its calls can take at once and be owed beside. Calls under way are subtracted from a
 * balance that may have been read after they were settled, so a buyer near the end of its credits may rightly buy again.
 */
const SIZE = 400n;
const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1e9));

let platform;
let origin;
let gates;
let plans;

before(async () => {
  platform = await startPlatform({ SANDBOX_FAULTS: '1' });
  origin = await startSeller((request, response) => response.end(`answer to ${request.body}`));
  // Five origins: two pairs share a plan, one has its own.
  plans = await Promise.all([1, 2, 3].map(() => platform.seller.plan({ credits: { amount: String(SIZE), maxAmount: '10' } })));
  const at = [plans[0], plans[0], plans[1], plans[1], plans[2]];
  gates = await Promise.all(at.map((planId) => startPaywall({
    origin: origin.url, api: platform.sandbox.url, key: platform.seller.key, routes: { 'POST /ask': { planId, credits: Number(PRICE) } },
  })));
});
after(async () => {
  await Promise.all([...(gates ?? []).map((gate) => gate.stop()), origin?.stop()]);
  await platform?.stop();
});

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function chances(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const CALLS = {
  mint: { method: 'POST', path: 'x402/permissions$' }, order: { method: 'POST', path: 'order$' },
  verify: { method: 'POST', path: 'x402/verify$' }, settle: { method: 'POST', path: 'x402/settle$' },
};

test('a hundred fetches over five origins, with failures: all is counted to the credit', async (t) => {
  t.diagnostic(`CHAOS_SEED=${seed}`);
  const chance = chances(seed);
  const number = () => Math.floor(chance() * 2 ** 31);
  const fault = (match, kind, probability, more) => ({ match: CALLS[match], kind, probability, seed: number(), ...more });
  const faults = [
    ...Object.keys(CALLS).map((call) => fault(call, 'latency', 0.3, { ms: 40 })),
    fault('mint', 'status', 0.3, { times: 2 }), fault('mint', 'drop', 0.2, { times: 1 }), fault('mint', 'garble', 0.2, { times: 1 }),
    fault('mint', 'lose-answer', 0.2, { times: 1 }),
    // Orders that were made: whether one that was not is made anew is for a person to say.
    fault('order', 'lose-answer', 0.5), fault('order', 'garble', 0.3),
    fault('verify', 'status', 0.05), fault('verify', 'drop', 0.03), fault('verify', 'garble', 0.03),
    fault('settle', 'lose-answer', 0.06), fault('settle', 'garble', 0.04), fault('settle', 'status', 0.04), fault('settle', 'drop', 0.04),
  ];
  const set = await fetch(`${platform.sandbox.url}/sandbox/faults`, { method: 'POST', body: JSON.stringify(faults) });
  assert.equal(set.status, 201, await set.text());

  /**
   * Outcomes of paid requests, seen from outside: never sent, broken off by a busy machine, answered without a receipt,
   * refused, and responses that got lost, with a receipt that says yes or no.
   */
  const way = { sent: 0, refused: 0, lost: 0, broke: 0, silent: 0, lostSettled: 0, lostUnsettled: 0 };
  const broken = () => new TypeError('the connection is gone');
  const approve = async (offer, context) => {
    // A buyer that cannot read the balance now refuses to buy, not to pay.
    const held = await context.balance().catch(() => undefined);
    return { approve: true, purchase: held !== undefined, remember: !offer.again };
  };
  const payments = await platform.buyer({
    async fetch(request) {
      const toGate = gates.some(({ url }) => request.url.startsWith(url));
      const drawn = toGate ? chance() : 1;
      const paid = toGate && request.headers.has('payment-signature');
      way.sent += paid ? 1 : 0;
      if (drawn < 0.05) {
        way.lost += paid ? 1 : 0;
        throw broken();
      }
      const response = await fetch(request).catch((error) => { way.broke += paid ? 1 : 0; throw error; });
      const receipt = paid && response.headers.get('payment-response');
      if (paid && !receipt) way.silent++;
      const settled = receipt && JSON.parse(Buffer.from(receipt, 'base64')).success;
      if (drawn >= 0.12) {
        if (receipt && !settled) way.refused++;
        return response;
      }
      if (receipt) way[settled ? 'lostSettled' : 'lostUnsettled']++;
      await response.body?.cancel();
      throw broken();
    },
  }, { credits: false });

  /** The behaviour of an application: it retries where it may, and continues where the outcome is unknown. */
  const outcomes = [];
  async function ask(url, body) {
    let resume;
    for (let tries = 0; tries < 20; tries++) {
      let askedAgain = false;
      const outcome = await payments.fetch(url, { method: 'POST', body }, { resume, approve: (offer, context) => {
        askedAgain ||= offer.again;
        return approve(offer, context);
      } }).catch((error) => error);
            outcomes.push({ url, ...outcome.spend, askedAgain, code: outcome.code });
      if (outcome.response?.ok && !outcome.code) return assert.equal(await outcome.response.text(), `answer to ${body}`);
      resume = outcome.spend.payment ? outcome : undefined;
      const mayRepeat = resume || outcome.retryable || !outcome.code || ['purchase_outcome_unknown', 'garbled_answer', 'payment_refused'].includes(outcome.code);
      assert.ok(mayRepeat, `${outcome.code}: ${outcome.message}`);
      await pause(5 + 20 * tries);
    }
    assert.fail(`no answer after many tries: ${outcomes.at(-1).code}`);
  }
  const begun = Date.now();
  await Promise.all(Array.from({ length: 100 }, (_, i) => ask(`${gates[i % 5].url}/ask`, `question ${i}`)));
  assert.ok(Date.now() - begun < 35_000, `${Date.now() - begun} ms`);

  const log = await (await fetch(`${platform.sandbox.url}/sandbox/calls`)).json();
  await fetch(`${platform.sandbox.url}/sandbox/faults`, { method: 'DELETE' });
  const calls = (kind) => log.filter(({ method, path }) => method === CALLS[kind].method && new RegExp(CALLS[kind].path).test(path));
  const struck = (kind, ...names) => calls(kind).filter(({ fault: name = '' }) => names.some((one) => name.split(', ').includes(one))).length;
  const failed = ['status', 'drop', 'garble', 'lose-answer'];
  t.diagnostic(JSON.stringify({ way, ms: Date.now() - begun, ...Object.fromEntries(Object.keys(CALLS).map((kind) => [kind, [calls(kind).length, struck(kind, ...failed)]])) }));

  assert.ok(struck('settle', ...failed) + struck('verify', ...failed) + way.lost + way.lostSettled > 5, 'enough went wrong');
  assert.equal(calls('mint').length - struck('mint', ...failed), 5, 'one mint for each token key, beside those that failed');
  assert.equal(outcomes.reduce((sum, { mints }) => sum + mints, 0), 5, 'and each is booked once');
  for (const plan of plans) {
    const orders = calls('order').filter(({ path }) => path.includes(`/${plan}/`)).length;
    assert.equal(orders, 1, 'no plan is ordered twice');
  }

  // The buyer's knowledge matches the facts that can be seen from outside.
  const unknown = outcomes.filter(({ outcome, requests }) => outcome === 'unknown' && requests > 0).length;
  assert.equal(unknown, way.silent + way.refused + way.lost + way.broke + way.lostSettled + way.lostUnsettled, 'each unknown outcome has its cause');

  // The budget: each token that was presented, whatever became of it.
  const settled = outcomes.reduce((sum, { creditsSettled = 0n }) => sum + creditsSettled, 0n);
  assert.equal(payments.spend.credits, PRICE * BigInt(way.sent), 'the budget');

  // The ledger: what was told, and what was burned and got lost on the way. Of what broke by itself only the ledger can say.
  const balances = await Promise.all(plans.map((plan) => payments.own.balance(plan)));
  const burned = SIZE * BigInt(plans.length) - balances.reduce((sum, one) => sum + BigInt(one), 0n);
  const untold = struck('settle', 'garble', 'lose-answer') + way.lostSettled;
  const byItself = way.broke + Math.max(0, way.silent - struck('settle', ...failed));
  t.diagnostic(JSON.stringify({ burned: String(burned), settled: String(settled), counted: String(payments.spend.credits), unknown, untold, byItself, again: outcomes.filter(({ askedAgain }) => askedAgain).length }));
  const more = burned - settled - PRICE * BigInt(untold);
  assert.ok(more >= 0n && more <= PRICE * BigInt(byItself), `the ledger burned ${more} more than can be`);
  assert.ok(burned <= payments.spend.credits, 'no more was burned than is counted');
  const { receipts, byOrigin, byPlan } = payments.spend;
  const sum = (list, member) => list.reduce((total, one) => total + one[member], 0n);
  assert.equal(sum(byOrigin, 'credits'), payments.spend.credits);
  assert.equal(sum(byPlan, 'credits'), payments.spend.credits);
  assert.equal(sum(receipts.filter(({ outcome }) => outcome === 'settled'), 'creditsSettled'), settled);
});
