// The requests and mints of a call, counted by a seller and a platform with ready-made answers.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { repoPath } from '../../scripts/lib/run.mjs';
import { startProgram } from '../../scripts/bench/servers.mjs';
import { Payments } from '../../target/dist/subscriber/index.js';

let seller;
before(async () => { seller = await startProgram(process.execPath, [repoPath('scripts/bench/fixtures/seller.mjs')]); });
after(() => seller.stop());

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const buyer = () => Payments.getInstance({
  nvmApiKey: `local:${part({ alg: 'none' })}.${part({ sub: `0x${'2'.repeat(40)}` })}.c2ln`, environment: 'custom', backend: seller.url,
  delegationConfig: { delegationId: 'd-1' }, policy: { origins: ['*'] },
});
const pay = async (payments) => (await payments.fetch(`${seller.url}/ask`, { method: 'POST', body: '{}' })).response.text();

/** The requests and mints of some work. */
async function counted(work) {
  const counts = async () => (await fetch(`${seller.url}/counts`)).json();
  const first = await counts();
  await work();
  const last = await counts();
  return { requests: last.requests - first.requests, mints: last.mints - first.mints };
}

test('a first call is three requests, and each one after it is one', async () => {
  const payments = buyer();
  assert.deepEqual(await counted(() => pay(payments)), { requests: 3, mints: 1 });
  assert.deepEqual(await counted(() => pay(payments)), { requests: 1, mints: 0 });
});

test('a thousand first calls at once are one mint', async () => {
  const payments = buyer();
  const { requests, mints } = await counted(() => Promise.all(Array.from({ length: 1000 }, () => pay(payments))));
  assert.deepEqual({ requests, mints }, { requests: 2001, mints: 1 });
});
