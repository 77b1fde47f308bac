// The sandbox keeps its data when it is started again with the same data folder.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startSandbox } from '../../scripts/lib/start.mjs';
import { client } from './client.mjs';

test('state survives a restart, and only where there is a folder for it', async () => {
  const data = await mkdtemp(join(tmpdir(), 'sandbox-'));
  try {
    let sandbox = await startSandbox({ data });
    const seller = await client(sandbox.url).open('Seller');
    const ada = await client(sandbox.url).open('Ada');
    const plan = await seller.plan();
    await ada.order(plan);
    const token = await ada.token(plan, { delegationId: await ada.delegation({ durationSecs: 7200 }) });
    await seller.settle(plan, token, '2');
    await ada.wait(3600);
    await sandbox.stop();

    sandbox = await startSandbox({ data });
    const again = client(sandbox.url, { nvmApiKey: ada.key, accountAddress: ada.address });
    assert.equal(await again.balance(plan), '98');
    assert.equal((await again.get('/sandbox/clock')).json.offsetMs, 3_600_000, 'the clock goes on where it was');
    assert.equal((await again.settle(plan, token, '3')).json.remainingBalance, '95');
    assert.match((await again.get('/login?returnUrl=http://a.example/')).text, /Ada/);
    assert.equal((await again.post('/sandbox/reset')).status, 204);
    assert.equal((await again.get(`/api/v1/protocol/plans/${plan}`)).status, 404);
    assert.equal((await again.settle(plan, token, '3')).json.code, 'BCK.X402.0005');
    await sandbox.stop();

    sandbox = await startSandbox();
    assert.equal((await client(sandbox.url).get(`/api/v1/protocol/plans/${plan}`)).status, 404);
    await sandbox.stop();
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});
