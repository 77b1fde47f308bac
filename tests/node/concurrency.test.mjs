// Many fetches at once with the npm package in Node, against a real sandbox and a real paywall.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newAccount, startDemoServers } from '../../scripts/lib/demo-servers.mjs';
import { startPaywall } from '../../scripts/lib/start.mjs';
import { Payments } from '../../target/dist/subscriber/index.js';

let servers;
let paywall;

before(async () => {
  servers = await startDemoServers();
  const { origin, sandbox, seller, planId, agentId } = servers;
  // At one credit each the plan's hundred credits pay for a hundred requests, and for not one more.
  const routes = { 'POST /ask': { planId, agentId, credits: 1 } };
  paywall = await startPaywall({ origin: origin.url, api: sandbox.url, key: seller.nvmApiKey, routes });
});

after(async () => {
  await paywall?.stop();
  await servers?.stop();
});

test('a hundred first fetches at once: one order, one mint, a hundred answers', async () => {
  const { sandbox, origin, planId } = servers;
  const { nvmApiKey, accountAddress } = await newAccount(sandbox.url, 'A busy agent');
  const options = { nvmApiKey, environment: 'custom', backend: sandbox.url };
  const { delegationId } = await (await Payments.getInstance(options)).delegation.createDelegation({
    provider: 'erc4337', spendingLimitCents: 500, durationSecs: 600, currency: 'usdc',
  });
  const payments = await Payments.getInstance({
    ...options, delegationConfig: { delegationId },
    async approve(offer, context) {
      await context.balance();
      return { approve: true, purchase: true, remember: true };
    },
  });
  await fetch(`${sandbox.url}/sandbox/calls`, { method: 'DELETE' });
  const served = origin.calls().length;

  const questions = Array.from({ length: 100 }, (_, i) => `What is ${i} + 1?`);
  const answers = await Promise.all(questions.map(async (question) => {
    const { response, receipt, spend } = await payments.fetch(`${paywall.url}/ask`, { method: 'POST', body: JSON.stringify({ question }) });
    return { status: response.status, said: await response.json(), receipt, spend };
  }));

  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  answers.forEach(({ said }, i) => assert.equal(said.question, questions[i], 'each fetch gets its own answer'));
  const calls = await (await fetch(`${sandbox.url}/sandbox/calls`)).json();
  const count = (path) => calls.filter((call) => call.method === 'POST' && path.test(call.path)).length;
  assert.equal(count(/\/x402\/permissions$/), 1, 'mints');
  assert.equal(count(/\/order$/), 1, 'orders');
  assert.equal(count(/\/x402\/settle$/), 100, 'settlements');
  assert.equal(origin.calls().length - served, 100, 'requests that reached the origin');
  assert.equal(answers.reduce((sum, { spend }) => sum + spend.mints, 0), 1, 'the mint is booked once');
  assert.equal(answers.flatMap(({ spend }) => spend.purchases).length, 1, 'the purchase is booked once');
  assert.equal(answers.reduce((sum, { receipt }) => sum + receipt.creditsRedeemed, 0n), 100n);
  const { balance } = await payments.plans.getPlanBalance(planId, accountAddress);
  assert.equal(balance, 0n);
});
