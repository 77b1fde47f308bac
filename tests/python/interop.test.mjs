// The official Python client on one side and ours on the other: whoever buys and whoever sells, it is the same protocol.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PRICES, newAccount, startDemoServers } from '../../scripts/lib/demo-servers.mjs';
import { runProgram, skip } from './service.mjs';

let servers;
before(async () => { servers = skip ? undefined : await startDemoServers(); });
after(() => servers?.stop());

test('the official client pays our paywall', { skip }, async () => {
  const { sandbox, origin, paywall, planId, agentId } = servers;
  const account = await newAccount(sandbox.url, 'A buyer in Python');
  const served = origin.calls().length;
  const saw = await runProgram('buyer.py', sandbox, { NVM_API_KEY: account.nvmApiKey, PAYWALL: paywall.url });
  const price = PRICES['POST /ask'];
  assert.equal(saw.bare, 402);
  assert.deepEqual([saw.offer.planId, saw.offer.extra.agentId, saw.offer.extra.credits], [planId, agentId, String(price)]);
  assert.deepEqual([saw.paid, saw.answer], [200, '7,919 is prime.']);
  assert.deepEqual([saw.receipt.success, saw.receipt.creditsRedeemed, saw.receipt.remainingBalance], [true, String(price), String(100 - price)]);
  assert.equal(saw.again, 200, 'a token of version 2 is good for more than one request');
  assert.ok([400, 402].includes(saw.spoilt), `half a token: ${saw.spoilt}`);
  assert.deepEqual([saw.before, saw.after], [100, 100 - 2 * price]);
  assert.equal(origin.calls().length - served, 2, 'only what was paid reached the origin');
});
