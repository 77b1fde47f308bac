// `payments-wasm/builder` in a page: its wasm, its requests across origins, its numbers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { client } from '../sandbox/client.mjs';
import { context, sandbox, site } from './static-server.mjs';

test('somebody sells from a page', async () => {
  const account = await client(sandbox.url).open('A seller');
  const page = await context.newPage();
  await page.goto(`${site.url}/app`);
  const result = await page.evaluate(async ([backend, nvmApiKey]) => {
    const { OutcomeUnknown, Payments, PaymentsError } = await import('/pkg/builder.js');
    const payments = await Payments.getInstance({ nvmApiKey, environment: 'custom', backend, timeoutMs: 60_000 });
    const { plans } = payments;
    const me = payments.getAccountAddress();
    const price = await plans.getPayAsYouGoPriceConfig(1_000_000n, me);
    const { planId } = await plans.registerPlan({ name: 'Ünï' }, price, plans.getDynamicCreditsConfig(100n, 1n, 5n));
    await plans.mintPlanCredits(planId, 2n ** 60n + 1n, me);
    const { balance } = await plans.getPlanBalance(planId);
    const { plans: listed } = await plans.getPlans();
    const error = await plans.burnCredits(planId, 2n ** 61n).catch((error) => error);
    return {
      balance: String(balance), names: listed.map(({ metadata }) => metadata.main.name), code: error.code,
      kinds: [error instanceof PaymentsError, error instanceof OutcomeUnknown], correlated: typeof error.correlationId,
    };
  }, [sandbox.url, account.key]);
  assert.deepEqual(result, {
    balance: String(2n ** 60n + 1n), names: ['Ünï'], code: 'BCK.CREDITS.0003', kinds: [true, false], correlated: 'string',
  });
});
