// workerd is killed in the middle of many settlements and started again over the same folder: no entry of the journal is
// lost, nothing that was delivered is unpaid, nothing is charged twice (rules 21 and 24).
//
// RESTART_REQUESTS is how many; `npm run fault-matrix` makes it 1,000.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { audit, hangUp, journals, market, pay } from './ledger-check.mjs';

const REQUESTS = Number(process.env.RESTART_REQUESTS ?? 300);
const ORIGIN = `export default { fetch: () => new Response('worth paying for') };`;
const data = mkdtempSync(join(tmpdir(), 'paywall-'));

let shop;
// The platform is slow on purpose; that this machine is slow too is no fault of it.
before(async () => { shop = await market({ origin: ORIGIN, timeoutMs: 5000 }); });
after(async () => { hangUp(); await shop?.stop(); rmSync(data, { recursive: true, force: true }); });

test(`workerd is killed in the middle of ${REQUESTS} settlements, and started again`, { timeout: 600_000 }, async () => {
  let gate = await shop.gate({ data });
  const buyers = await shop.buyers(12, gate.url);
  // Some settles take their time before they are done, some after: whenever it dies, some are on their way.
  await shop.faults([{ kind: 'latency', ms: 300, match: { path: 'x402/settle$' }, probability: 0.5, seed: 1 },
    { kind: 'lose-answer', match: { path: 'x402/settle$' }, probability: 0.05, seed: 2 }]);
  const delivered = () => buyers.flatMap(({ answers }) => answers).filter(({ status }) => status === 200).length;
  const first = delivered();
  let atKill;
  let restarted;
  const url = async (index) => {
    // miniflare ends workerd by SIGKILL: nothing of it has the time to put anything in order.
    if (index === Math.floor(REQUESTS / 2)) {
      atKill = delivered();
      restarted = gate.stop().then(async () => { gate = await shop.gate({ data }); });
    }
    if (restarted) await restarted;
    return gate.url;
  };
  await pay(buyers, REQUESTS, { url, atOnce: 48, cut: true });
  await shop.well();
  const sums = await audit({ plan: shop.plan, buyers, entries: await journals(gate, buyers), cut: true });
  console.log(JSON.stringify(sums));
  assert.equal(sums.all.requests, REQUESTS + buyers.length);
  assert.ok(sums.all.lost > 0, 'it was killed while requests were on their way');
  // How many there are is for the machine to say: some before it was killed, and some after.
  assert.ok(atKill > first && sums.all.delivered > atKill, `${first}, ${atKill} and ${sums.all.delivered} delivered`);
});
