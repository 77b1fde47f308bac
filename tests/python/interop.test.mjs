// The official Python client on one side and ours on the other: whoever buys and whoever sells, it is the same protocol.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { PRICES, freePort, newAccount, startStage } from '../../scripts/lib/stage.mjs';
import { at, run } from '../../scripts/lib/run.mjs';
import { Payments } from '../../target/dist/subscriber/index.js';

const { PYTHON } = process.env;
const skip = PYTHON ? false : 'Python is not installed';

let stage;
before(async () => { stage = skip ? undefined : await startStage(); });
after(() => stage?.stop());

const environment = (more) => ({ NVM_BACKEND_URL: stage.sandbox.url, NVM_FRONTEND_URL: stage.sandbox.url, PYTHONUNBUFFERED: '1', ...more });

test('our paid fetch pays a route behind the official PaymentMiddleware', { skip }, async (t) => {
  const { sandbox, seller, planId, agentId } = stage;
  const port = await freePort();
  const service = spawn(PYTHON, [at('tests/python/seller.py')], {
    env: { ...process.env, ...environment({ NVM_API_KEY: seller.nvmApiKey, PLAN: planId, AGENT: agentId, PORT: String(port) }) },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  t.after(() => service.kill());
  const url = `http://127.0.0.1:${port}`;
  await ready(`${url}/free`, service);

  const account = await newAccount(sandbox.url, 'A buyer from the other house');
  const options = { nvmApiKey: account.nvmApiKey, environment: 'custom', backend: sandbox.url };
  const { delegationId } = await (await Payments.getInstance(options)).delegation.createDelegation({
    provider: 'erc4337', spendingLimitCents: 1000, durationSecs: 600, currency: 'usdc',
  });
  const offers = [];
  const payments = await Payments.getInstance({
    ...options, delegationConfig: { delegationId },
    async approve(offer, context) {
      offers.push(offer);
      await context.balance();
      return { approve: true, purchase: true, remember: true };
    },
  });
  const ask = (question) => payments.fetch(`${url}/ask`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ question }),
  });

  const first = await ask('is it paid?');
  assert.equal(first.response.status, 200);
  assert.deepEqual(await first.response.json(), { answer: 'IS IT PAID?', served: 1 });
  assert.equal(first.receipt.success, true);
  assert.equal(first.receipt.creditsRedeemed, 3n);
  assert.equal(first.receipt.remainingBalance, 97n);
  assert.match(first.receipt.transaction, /^0x/);
  assert.deepEqual([first.spend.outcome, first.spend.requests, first.spend.mints, first.spend.purchases.length], ['settled', 2, 1, 1]);
  assert.deepEqual([offers.length, offers[0].planId, offers[0].agentId, offers[0].credits], [1, planId, agentId, undefined]);

  const second = await ask('and again?');
  assert.deepEqual([second.response.status, second.spend.requests, second.spend.mints], [200, 1, 0]);
  assert.equal((await payments.plans.getPlanBalance(planId)).balance, 94n);
  assert.deepEqual(await (await fetch(`${url}/free`)).json(), { served: 2 });
});

test('the official client pays our paywall', { skip }, async () => {
  const { sandbox, origin, paywall, planId, agentId } = stage;
  const account = await newAccount(sandbox.url, 'A buyer in Python');
  const served = origin.calls().length;
  const { stdout } = await run(PYTHON, [at('tests/python/buyer.py')], {
    env: environment({ NVM_API_KEY: account.nvmApiKey, PAYWALL: paywall.url }), timeout: 60_000,
  });
  const saw = JSON.parse(stdout.trim().split('\n').at(-1));
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

/** Waits until a service answers, or ends. */
async function ready(url, service) {
  for (let tries = 0; tries < 1200; tries++) {
    if (service.exitCode !== null) throw new Error(`the Python service ended with ${service.exitCode}`);
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error('the Python service does not answer');
}
