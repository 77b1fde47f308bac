// A consumer's file, compiled by tests/package/types.test.mjs: the names that the README uses, as a user would write them.
import init, {
  ONE_DAY_DURATION, PaymentRefused, Payments, PaymentsError, SessionExpired, buildPaymentRequired, decodeAccessToken, resolveScheme,
} from 'payments-wasm';
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

export async function buy(): Promise<void> {
  const payments = await Payments.getBrowserInstance({
    returnUrl: '/', storage: 'local', onSessionExpired: (reason) => console.log(reason === 'expired'), onSessionChange: (loggedIn) => console.log(loggedIn),
  });
  await payments.connect({ mode: 'popup', signal: AbortSignal.timeout(1000) });
  payments.setOrganizationId('org');
  const balance: bigint = (await payments.plans.checkout('1', { mode: 'popup', min: 5, onProgress: (now) => console.log(now.balance) })).balance;
  const left: void = await payments.plans.checkout(1n);
  const back: bigint | undefined = (await payments.plans.checkoutReturned({ timeoutMs: 1000 }))?.balance;
  const link: string = (await payments.plans.orderFiatPlan('1')).result.checkoutLink;
  const { paymentMethodId } = await payments.delegation.setupCard({ mode: 'popup', provider: 'visa' });
  const { byCurrency } = await payments.delegation.getPurchasingPower();
  const { agents } = await payments.plans.getAgentsAssociatedToAPlan('1', { page: 1, offset: 5 });
  const { plans } = await payments.agents.getAgentPlans('2');
  await payments.x402.revokePermission('0xab');
  const offer = await buildPaymentRequired('1', { agentId: '2', httpVerb: 'POST' });
  const scheme: string = await resolveScheme(payments, '1');
  const token = await decodeAccessToken('x');
  const { url, state } = await Payments.loginUrl({ callbackUrl: 'http://127.0.0.1:1/', environment: 'sandbox' });
  const key: string | undefined = await Payments.readCallback(url, state);
  const day: bigint = ONE_DAY_DURATION;
  console.log(balance, left, back, link, paymentMethodId, byCurrency['usd'], agents[0]?.id, plans[0]?.id, offer.accepts[0]?.extra.agentId, scheme, token, key, day);
}

export function branch(error: unknown): string | undefined {
  if (error instanceof PaymentRefused || error instanceof SessionExpired) return error.docsUrl;
  return undefined;
}

// @ts-expect-error the key is not optional
void Payments.getInstance({});
