// The sandbox of a test file. It is in memory; where SANDBOX_RESTARTS is set it has a data folder instead, and after each test it
// is stopped and started again over it, at the same port: the tests are the same, and so must be what they see.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'node:test';
import { startSandbox as start } from '../../scripts/lib/start.mjs';

const RESTARTS = Boolean(process.env.SANDBOX_RESTARTS);
const kept = new Set();

export async function startSandbox(options = {}) {
  if (!RESTARTS || options.data) return start(options); // a folder of the test's own is restarted by the test
  const data = mkdtempSync(join(tmpdir(), 'sandbox-'));
  let sandbox = await start({ ...options, data });
  const { url } = sandbox;
  const one = {
    async again() {
      await sandbox.stop();
      sandbox = await start({ ...options, data, port: Number(new URL(url).port) });
      await inOrder(url, options.vars?.SANDBOX_SECRET);
    },
  };
  kept.add(one);
  return {
    url,
    async stop() {
      kept.delete(one);
      await sandbox.stop();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

if (RESTARTS) afterEach(() => Promise.all([...kept].map((one) => one.again())));

/** Fails where the ledger does not add up. */
export async function inOrder(url, secret) {
  const response = await fetch(`${url}/sandbox/ledger/check`, { headers: secret ? { authorization: `Bearer ${secret}` } : {} });
  const json = await response.json();
  assert.equal(response.status, 200, JSON.stringify(json));
  assert.deepEqual(json.invariants.filter(({ ok }) => !ok), [], 'the ledger adds up');
  assert.equal(json.ok, true);
}
