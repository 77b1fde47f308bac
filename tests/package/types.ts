// A consumer's file, compiled by tests/package/types.test.mjs: the names that the README uses, as a user would write them.
import init, { Payments, PaymentsError } from 'payments-wasm';
import type { Approval, Offer, PaidResponse, PaymentOptions, Receipt, Spend } from 'payments-wasm';

const options: PaymentOptions = {
  nvmApiKey: 'sandbox:a.b.c',
  environment: 'custom',
  backend: 'http://127.0.0.1:1',
  approve: (offer: Offer): Approval => (offer.credits ?? 0n) <= 5n,
  policy: { maxCreditsPerRequest: 5n, maxCreditsTotal: '100', purchase: false },
  onEvent: (event) => console.log(event.type),
};

export async function agent(): Promise<Receipt | undefined> {
  await init();
  const payments = await Payments.getInstance(options);
  const { delegationId } = await payments.delegation.createDelegation({
    provider: 'erc4337', spendingLimitCents: 100, durationSecs: 60, currency: 'usdc',
  });
  const paid: PaidResponse = await payments.fetch('https://example.com/ask', { method: 'POST' }, {
    delegationConfig: { delegationId },
  });
  const spend: Spend = paid.spend;
  const settled: bigint | undefined = spend.creditsSettled;
  const response: Response = paid.response;
  console.log(await response.text(), settled, spend.outcome === 'unknown');
  const { balance } = await payments.plans.getPlanBalance('1');
  const more: bigint = balance + 1n;
  await payments.plans.orderPlan('1');
  const { accessToken } = await payments.x402.getX402AccessToken('1', '2', { delegationConfig: { delegationId } });
  console.log(more, accessToken.length);
  return paid.receipt;
}

export async function page(): Promise<void> {
  const payments = await Payments.getBrowserInstance({ returnUrl: 'https://example.com/', environment: 'sandbox', storage: 'session' });
  if (!payments.isLoggedIn) payments.connect();
  try {
    await payments.fetch(new URL('https://example.com/stream'));
  } catch (error) {
    if (error instanceof PaymentsError) console.log(error.code, error.message, error.hint, error.retryable, error.spend?.outcome);
  }
  payments.logout();
}

// @ts-expect-error the key is not optional
void Payments.getInstance({});
