// A consumer's file, compiled by tests/package/types.test.mjs: the names that the documentation uses, as a user would write them.
import init, {
  BudgetExceeded, ConsentDenied, MalformedOffer, ONE_DAY_DURATION, OutcomeUnknown, PaymentRefused, Payments, PaymentsError, SessionExpired,
  USDC_TOKEN_ADDRESS, ZeroAddress, buildPaymentRequired, buildPaymentRequiredForPlans, decodeAccessToken, encodeAccessToken, resolveNetwork,
  resolveScheme,
} from 'payments-wasm';
import {
  Payments as Selling, PlanRedemptionType, PaymentsError as SellingError, getDynamicCreditsConfig, getERC20PriceConfig, setRedemptionType,
} from 'payments-wasm/builder';
import type { PlanCreditsConfig, PlanPriceConfig, SettlePermissionsResult, StartAgentRequest } from 'payments-wasm/builder';
import { PaywallError, PaywallState, honoPaywall, paywall } from 'payments-wasm/paywall';
import type { HandlerContext, PaymentContext } from 'payments-wasm/paywall';
import { toNodeListener } from 'payments-wasm/paywall/node';
import type {
  Approval, CardResult, ConsentContext, DelegationSummary, FetchOptions, MaxPrice, Offer, PaidResponse, PaymentEvent, PaymentMethodSummary, PaymentOptions,
  PaymentRecord, PlanBalance, PurchasingPower, Quote, Receipt, Spend, SpendTotals, StepTimeouts,
  X402PaymentRequired,
} from 'payments-wasm';

const gate = paywall(
  async (request: Request, { paymentContext, env }: HandlerContext<{ KEY: string }>): Promise<Response> => {
    const paid: PaymentContext | undefined = paymentContext;
    const credits: number = paid?.creditsToSettle ?? 0;
    return new Response(`${request.url} ${env.KEY} ${credits} ${paid?.credits === 2n}`);
  },
  {
    nvmApiKey: 'sandbox:a.b.c', unlisted: 'deny', state: 'memory', tokenHeader: ['payment-signature', 'x-token'],
    routes: {
      'POST /ask': { planId: '1', credits: async (request) => (await request.text()).length },
      'GET /capped': { planId: '1', credits: { by: () => 3n, most: 5 } },
      'GET /stream': { planId: '1', credits: { by: 'event', each: 1, most: 9 }, settle: 'at-end-of-stream', receipt: 'event' },
      'GET /two': { plans: [{ planId: '1', credits: 1 }, { planId: '2', credits: { by: 'query', name: 'n', each: 1, most: 5 } }] },
    },
    onBeforeVerify: (request, offer) => console.log(request.url, offer.accepts.length),
    onAfterVerify: async (_, verification) => { if (verification.payer === '0x0') throw new Error('not you'); },
    onAfterSettle: (_, creditsUsed, settlement) => console.log(creditsUsed + 1, settlement.creditsRedeemed),
    onPaymentError: (error: PaywallError) => (error.code === 'payment_missing' ? new Response('pay', { status: 402 }) : undefined),
  },
);
export const answered: Promise<Response> = gate(new Request('http://a/'), { KEY: 'x' });
export const listener = toNodeListener(gate as (request: Request) => Promise<Response>);
export const middleware: (c: unknown, next: () => Promise<void>) => Promise<void> = honoPaywall({ unlisted: 'pass' });
// As TypeScript knows a JSON file: its words are texts.
const json = {
  routes: { 'POST /ask': { planId: '1', credits: 2, settle: 'after-delivery', limit: { requests: 5, seconds: 60, by: 'payer' } }, 'GET /n': { planId: '1', credits: { by: 'query', name: 'n', each: 1, most: 5 } } },
  openRoutes: ['GET /health'], unlisted: 'deny', environment: 'sandbox', allowedOrigins: [],
};
export const fromJson = paywall(() => new Response(), json);
export default { fetch: gate, PaywallState };

const options: PaymentOptions = {
  nvmApiKey: 'sandbox:a.b.c',
  environment: 'custom',
  backend: 'http://127.0.0.1:1',
  approve: (offer: Offer): Approval => (offer.credits ?? 0n) <= 5n,
  policy: { origins: ['https://example.com'], maxCreditsPerRequest: 5n, maxCreditsTotal: '100', purchase: false },
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
  const payments = await Payments.getBrowserInstance({ returnUrl: 'https://example.com/', environment: 'sandbox', storage: 'session', budget: { storage: 'local' } });
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

export async function steps(payments: Payments): Promise<string> {
  const timeouts: StepTimeouts = { send: 5000, approve: 60_000 };
  try {
    const { response } = await payments.fetch('https://example.com/ask', {}, { timeouts });
    return await response.text();
  } catch (error) {
    if (!(error instanceof OutcomeUnknown) || error.spend?.payment === undefined) throw error;
    return (await payments.fetch('https://example.com/ask', {}, { resume: error })).response.text();
  }
}

export function describe(event: PaymentEvent): string {
  switch (event.type) {
    case 'request': return `${event.fetch} ${event.url}`;
    case 'offer': return event.offer.again ? event.planId ?? event.offer.currency ?? '' : event.offer.origin;
    case 'order': return event.state === 'done' ? event.txHash ?? '' : 'ordered';
    case 'mint': return String(event.singleUse);
    case 'receipt': return String(event.receipt.creditsRedeemed ?? event.credits ?? 0n);
    case 'consent': case 'paid': case 'refused': case 'unknown': return event.planId ?? '';
  }
}

/** Whoever asks for terms, chooses, pays through another client, and keeps books. */
export async function shop(payments: Payments): Promise<string> {
  const quote: Quote = await payments.quote(new Request('https://example.com/ask'), { method: 'POST' });
  for (const offer of quote.offers) {
    const cents: bigint | undefined = offer.price && offer.price.amount / 10_000n;
    const plain: Offer = offer;
    console.log(plain.planId, offer.planName, cents, offer.price?.currency, offer.planCredits, offer.balance, offer.payable === 'now');
  }
  const maxPrice: MaxPrice = { amount: 5_000_000n, currency: 'USDC' };
  const options: FetchOptions = {
    select: (offers) => offers.find(({ scheme }) => scheme === 'nvm:card-delegation') ?? 0,
    approve: async (offer: Offer, context: ConsentContext): Promise<Approval> => {
      const [plan, { balance }] = await Promise.all([context.plan(), context.balance()]);
      console.log(plan.metadata?.main?.name, context.signal.aborted);
      return { approve: true, purchase: balance < (offer.credits ?? 1n), remember: true, delegationId: 'd' };
    },
    policy: {
      maxCreditsPerHour: 5, maxCreditsPerDay: '9', plans: ['1'], origins: ['*'], networks: [], schemes: [], count: 'price',
      purchase: true, maxPrice, maxPurchasesPerHour: 1, maxPurchasesPerDay: 2, maxPurchasesTotal: 3,
    },
    tokenVersion: 3, prefetch: 2, fetch,
  };
  const { response, spend } = await payments.fetch('https://example.com/ask', {}, options);
  const purchases: { planId: string; confirmed: boolean }[] = spend.purchases;
  const paid: typeof fetch = payments.wrapFetch();
  const again: Response = await payments.wrapFetch(paid)('https://example.com/ask');
  const payment: { receipt?: Receipt; spend: Spend; error?: PaymentsError } | undefined = payments.paymentOf(again);
  const totals: SpendTotals = payments.spend;
  const [first]: PaymentRecord[] = totals.receipts;
  console.log(response.ok, purchases, again.status, payment?.spend.singleUse, totals.creditsSettled, totals.purchases, totals.byOrigin[0]?.credits, totals.inLastDay, first?.at.getTime(), first?.creditsSettled);
  return payments.exportReceipts('csv') + payments.exportReceipts();
}

export async function cards(payments: Payments): Promise<CardResult | undefined> {
  const methods: PaymentMethodSummary[] = await payments.delegation.listPaymentMethods({ accessible: true, provider: 'stripe' });
  const card = methods[0] && (await payments.delegation.updatePaymentMethod(methods[0].id, { alias: 'mine', allowedApiKeyIds: null }));
  const { delegations } = await payments.delegation.listDelegations({ accessible: true });
  const cents: string[] = delegations.map((one: DelegationSummary) => one.remainingBudgetCents);
  const power: PurchasingPower = await payments.delegation.getPurchasingPower();
  await payments.delegation.revokeDelegation('d');
  console.log(card?.last4, cents, power.totalRemainingBudgetCents);
  const left: void = await payments.delegation.setupCard({ orgId: 'o', paymentMethodId: 'pm', returnUrl: '/' });
  return left ?? payments.delegation.cardReturned();
}

export async function tokens(payments: Payments): Promise<X402PaymentRequired> {
  const network: string | undefined = await resolveNetwork(payments, '1');
  const { accessToken, permissionHash = '' } = await payments.x402.getX402AccessToken(1n, undefined, { scheme: 'nvm:card-delegation', ...(network && { network }) });
  const again: string = await encodeAccessToken((await decodeAccessToken(accessToken)) ?? {});
  console.log(again, await payments.x402.getPermission(permissionHash), await payments.x402.listPermissions({ page: 1, offset: 5 }), USDC_TOKEN_ADDRESS, ZeroAddress);
  const held: PlanBalance = await payments.plans.waitForCredits('1', { min: '5', timeoutMs: 1, signal: AbortSignal.timeout(1), onProgress: ({ balance }) => balance });
  const { total, plans } = await payments.plans.getPlans(1, 5, 'created', 'asc', { organizationId: 'o' });
  const { id } = await payments.agents.getAgent('2');
  console.log(held.balance, total, plans[0]?.registry?.owner, id, payments.getEnvironmentName() === 'live', payments.getAccountAddress(), payments.loginError?.code);
  return buildPaymentRequiredForPlans(['1', '2'], { scheme: 'nvm:card-delegation', environment: 'live' });
}

export function branch(error: unknown): string | undefined {
  if (error instanceof PaymentRefused || error instanceof SessionExpired) return error.docsUrl;
  if (error instanceof OutcomeUnknown || error instanceof MalformedOffer) return error.response?.statusText;
  if (error instanceof ConsentDenied || error instanceof BudgetExceeded) return error.spend?.outcome;
  return undefined;
}

// @ts-expect-error an error is looked at, not made
void new PaymentsError();
// @ts-expect-error a popup resolves to a balance, a redirect to nothing
export const never = async (payments: Payments) => (await payments.plans.checkout('1', { mode: 'redirect' })).balance;

// @ts-expect-error the key is not optional
void Payments.getInstance({});

export async function seller(offer: X402PaymentRequired, token: string): Promise<SettlePermissionsResult> {
  const selling = await Selling.getInstance({ nvmApiKey: 'sandbox:a.b.c', organizationId: 'org-1' });
  const me = selling.getAccountAddress() ?? ZeroAddress;
  const price: PlanPriceConfig = getERC20PriceConfig(10_000_000n, USDC_TOKEN_ADDRESS, me);
  const credits: PlanCreditsConfig = setRedemptionType(getDynamicCreditsConfig('100', 1, 5n), PlanRedemptionType.ONLY_OWNER);
  const { planId } = await selling.plans.registerCreditsPlan({ name: 'n', dateCreated: new Date() }, price, credits, { organizationId: 'org-2' });
  const { agentId } = await selling.agents.registerAgent({ name: 'a' }, { endpoints: [{ POST: 'https://a/b' }], authType: 'none' }, [planId, 2n]);
  const customer = await selling.organizations.onboardCustomer('a@a.example');
  if (!customer.consentRequired) console.log(customer.nvmApiKey);
  const { agentRequest }: { agentRequest?: StartAgentRequest } = await selling.facilitator.verifyPermissions({ paymentRequired: offer, x402AccessToken: token, maxAmount: 2n });
  if (agentRequest) console.log(selling.observability.withOpenAI('sk', agentRequest).baseURL, agentId);
  // @ts-expect-error a fraction of what? An amount is no object
  selling.plans.mintPlanCredits(planId, {}, me).catch((error: SellingError) => console.log(error.code));
  return selling.facilitator.settlePermissions({ paymentRequired: offer, x402AccessToken: token, marginPercent: 0.2 });
}
