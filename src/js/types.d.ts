// The public types of payments-wasm. Names are those of the official TypeScript SDK wherever it has one.

/** A deployment of Nevermined's. With `custom` its addresses are given as options. */
export type EnvironmentName = 'sandbox' | 'live' | 'staging_sandbox' | 'staging_live' | 'custom';

/** Whole credits: a `bigint`, a decimal string, or a whole number. */
export type CreditsInput = bigint | string | number;

export interface CommonOptions {
  /** Used where the API key's prefix names no environment; a prefix that does, wins. Default `custom`. */
  environment?: EnvironmentName;
  /** Origin of the REST API, with `environment: 'custom'`. HTTPS, or HTTP on this machine. */
  backend?: string;
  /** Origin of the web app with the login page; default: the backend's. */
  frontend?: string;
  /** Origin of the app with the card pages; default: the backend's. */
  embed?: string;
  /** Called instead of the platform's `fetch`, for everything. */
  fetch?: (request: Request) => Promise<Response>;
  /** How long a call of the platform may take, in milliseconds, its repetitions included. Default 30000. */
  timeoutMs?: number;
  /**
   * The session ended though nobody called `logout`: the key's own date has passed, the platform refused the key (401), or
   * another tab logged out. Key, tokens and agreements are gone; what was under way rejects with `SessionExpired`.
   */
  onSessionExpired?: (reason: 'expired' | 'refused' | 'logged_out_elsewhere') => void;
  /** Somebody is logged in, or nobody, though nothing was asked of this instance: after the above, and when another tab logs in. */
  onSessionChange?: (isLoggedIn: boolean) => void;
  /** The delegation that tokens are minted from. */
  delegationConfig?: { delegationId: string };
  /** Asked before anything is paid. A limit of `policy` holds whatever it answers. */
  approve?: Approve;
  /** Chooses among several offers: one of them, or its place. Without it: what is held, then the price, then order. */
  select?: (offers: Offer[]) => Offer | number | undefined | Promise<Offer | number | undefined>;
  /** What may be spent without asking, and limits that always hold. */
  policy?: SpendPolicy;
  /** 3 asks for single-use tokens, bound to resource and method; a platform may answer with others. Default 2. */
  tokenVersion?: 2 | 3;
  /** How many single-use tokens are minted ahead, so that the next request is one round trip; at most 16. Default 0. */
  prefetch?: number;
  /** Told what happens, as it happens. */
  onEvent?: (event: PaymentEvent) => void;
}

export interface PaymentOptions extends CommonOptions {
  /** `<prefix>:<jwt>`. Kept in memory only, never logged, never put into a URL. */
  nvmApiKey: string;
}

export interface BrowserOptions extends CommonOptions {
  /** Where the login page sends people back to; relative URLs are resolved against the page. */
  returnUrl: string;
  /** A key that is known already. */
  nvmApiKey?: string;
  /**
   * Where the key is kept between page loads. Default `memory`: nowhere. With `local`, tabs of one origin share logins and
   * logouts. Checkout and card pages by redirect need `session` or `local`, as the page is left.
   */
  storage?: 'memory' | 'session' | 'local';
}

export type Approve = (offer: Offer, context: ConsentContext) => Approval | Promise<Approval>;

/** `true` allows this one payment from credits that are held or that the delegation tops up. */
export type Approval =
  | boolean
  | {
      approve: boolean;
      /** Buy the plan if the credits do not suffice. */
      purchase?: boolean;
      /**
       * The same plan at the same origin for the same credits or fewer needs no further question in this session, as
       * long as the credits suffice: to buy again is asked again.
       */
      remember?: boolean;
      /** The delegation to pay from, instead of the configured one. */
      delegationId?: string;
    };

/** What is asked for a resource. */
export interface Offer {
  planId: string;
  agentId?: string;
  scheme: 'nvm:erc4337' | 'nvm:card-delegation';
  /** A chain in CAIP-2 (`eip155:84532`), or the provider that charges the card (`stripe`). */
  network: string;
  /** The price of this request in credits, where the seller says it. */
  credits?: bigint;
  /** The origin that asks, and the only one that a token will be sent to. */
  origin: string;
  url: string;
  resource: { url: string; description?: string; mimeType?: string };
  /** Known from an earlier answer: nothing has been requested yet. */
  remembered: boolean;
}

/** What an `approve` callback may look at before it answers; each costs one request. */
export interface ConsentContext {
  plan(): Promise<Plan>;
  /** The buyer's own balance. Having been read, it also decides whether a purchase is needed. */
  balance(): Promise<PlanBalance>;
  readonly signal: AbortSignal;
}

/** Without `approve`, what this allows is paid; an offer that states no price breaks any limit on credits. */
export interface SpendPolicy {
  maxCreditsPerRequest?: CreditsInput;
  /** Over the last 60 minutes, to the minute. */
  maxCreditsPerHour?: CreditsInput;
  /** Over the last 24 hours, to the minute. */
  maxCreditsPerDay?: CreditsInput;
  /** Over the life of the instance. */
  maxCreditsTotal?: CreditsInput;
  plans?: string[];
  origins?: string[];
  networks?: string[];
  schemes?: string[];
  /** Buy the plan if the credits do not suffice. */
  purchase?: boolean;
}

/** Instead of what the instance has (see `CommonOptions`), whose limits hold all the same. */
export interface FetchOptions {
  delegationConfig?: { delegationId: string };
  approve?: Approve;
  select?: CommonOptions['select'];
  policy?: SpendPolicy;
  tokenVersion?: 2 | 3;
  prefetch?: number;
  /** Sends the requests to the seller. */
  fetch?: typeof fetch;
}

/** The terms of a resource, and the answer that came with them: a 402, or what is free. */
export interface Quote {
  response: Response;
  /** What can be paid, in the seller's order; empty where nothing is to be paid, or nothing can be. */
  offers: QuotedOffer[];
}

export interface QuotedOffer extends Offer {
  planName?: string;
  /** Of the plan, in millionths of the currency; a token's address stands for its currency. */
  price?: { amount: bigint; currency?: string; isCrypto: boolean; tokenAddress?: string };
  /** What the plan grants when it is bought. */
  planCredits?: bigint;
  /** What is held of it, in credits. */
  balance?: bigint;
  payable: 'now' | 'after-purchase' | 'after-login';
}

/** What this instance has spent, in credits. */
export interface SpendTotals {
  /** On the wire or settled. */
  credits: bigint;
  /** Spent in the last hour, and about to be. */
  inLastHour: bigint;
  inLastDay: bigint;
  byOrigin: { name: string; credits: bigint }[];
  byPlan: { name: string; credits: bigint }[];
  /** The last 1000 payments, the oldest first. */
  receipts: PaymentRecord[];
}

export interface PaymentRecord {
  at: Date;
  method: string;
  url: string;
  origin: string;
  planId: string;
  scheme: string;
  network: string;
  outcome: Spend['outcome'];
  creditsPresented: bigint;
  creditsSettled?: bigint;
  transaction?: string;
}

export interface PaidResponse {
  /** The seller's response, untouched: same object, same streaming body. */
  response: Response;
  /** The receipt, where one came and could be read. */
  receipt?: Receipt;
  spend: Spend;
}

/** What came of a settlement (`payment-response`). */
export interface Receipt {
  success: boolean;
  /** Empty where there is none. */
  transaction: string;
  network: string;
  payer?: string;
  creditsRedeemed?: bigint;
  remainingBalance?: bigint;
  /** The transaction of an automatic top-up. */
  orderTx?: string;
  errorReason?: string;
}

/** What one `fetch` did with money, whatever came of it. */
export interface Spend {
  /** `unknown`: a token was sent and nobody said what came of it. */
  outcome: 'none' | 'settled' | 'unknown';
  /** Requests to the seller. */
  requests: number;
  /** Tokens minted; one that several fetches waited for is booked on one of them. */
  mints: number;
  creditsPresented: bigint;
  creditsSettled?: bigint;
  purchases: { planId: string; txHash?: string; confirmed: boolean }[];
  receipt?: Receipt;
}

export interface PaymentEvent {
  type: 'request' | 'offer' | 'consent' | 'order' | 'mint' | 'paid' | 'receipt' | 'refused' | 'unknown';
  url: string;
  planId?: string;
  credits?: bigint;
  /** Of an `order`. */
  state?: 'sent' | 'done';
  txHash?: string;
}

/** A plan as the platform describes it; members beyond these are there too. */
export interface Plan {
  id: string;
  metadata?: { main?: { name?: string; description?: string }; plan?: Record<string, unknown> };
  registry?: { owner?: string; price?: Record<string, unknown>; credits?: Record<string, unknown> };
  [member: string]: unknown;
}

/** An agent as the platform describes it; members beyond these are there too. */
export interface Agent {
  id: string;
  [member: string]: unknown;
}

export interface PlanBalance {
  planId: string;
  planName: string;
  planType: string;
  holderAddress: string;
  balance: bigint;
  creditsContract: string;
  isSubscriber: boolean;
  pricePerCredit: number;
}

export interface NvmAPIResult {
  success: boolean;
  txHash?: string;
  message?: string;
  [member: string]: unknown;
}

/** Which part of a list, and in what order. */
export interface PaginationOptions {
  /** From 1. */
  page?: number;
  /** How many entries a page has. */
  offset?: number;
  sortBy?: string;
  sortOrder?: 'asc' | 'desc';
}

/** A list as the platform answers it: `plans` or `agents`, and where in it one is. */
export interface Paginated {
  total: number;
  page: number;
  offset: number;
  [member: string]: unknown;
}

/** A card, or the account's wallet (`provider: 'erc4337'`). */
export interface PaymentMethodSummary {
  id: string;
  type: string;
  brand: string;
  last4: string;
  expMonth: number;
  expYear: number;
  alias?: string | null;
  provider?: 'stripe' | 'braintree' | 'visa' | 'vgs' | 'erc4337';
  status?: string;
  /** The API keys that may use it; `null` for all. */
  allowedApiKeyIds?: string[] | null;
}

/** A delegation; money in cents of `currency`, as decimal strings. */
export interface DelegationSummary {
  delegationId: string;
  provider: string;
  providerPaymentMethodId: string;
  /** `Active`, `Revoked`, … */
  status: string;
  spendingLimitCents: string;
  amountSpentCents: string;
  remainingBudgetCents: string;
  currency: string;
  transactionCount: number;
  expiresAt: string;
  createdAt: string;
  apiKeyId: string | null;
}

/** What may still be spent. */
export interface PurchasingPower {
  cards: PaymentMethodSummary[];
  delegations: DelegationSummary[];
  /** Cents that active delegations have left, by currency: cents of one are not cents of another. */
  byCurrency: Record<string, number>;
  /** The first of those currencies, and its cents. The official SDK sums all currencies here. */
  currency: string;
  totalRemainingBudgetCents: number;
}

/** What a card checkout is (Stripe's); times in seconds since 1970. */
export interface StripeCheckoutResult {
  checkoutLink: string;
  stripeCheckoutSessionId: string;
  clientReferenceId: string;
  paymentStatus: string;
  linkCreatedAt: number;
  linkExpiresAt: number;
}

export interface WaitOptions {
  /** Default 1. */
  min?: CreditsInput;
  /** Ends the waiting at once, with an error named `AbortError` whose `cause` is the signal's reason. */
  signal?: AbortSignal;
  /** In milliseconds. Default 60000. */
  timeoutMs?: number;
  /** Told each balance that is not enough yet. */
  onProgress?: (balance: PlanBalance) => void;
}

/** How a page elsewhere is gone to. */
export interface JourneyOptions {
  /** `redirect` (the default) leaves the page; `popup` opens a window, and has to be called from a click. */
  mode?: 'redirect' | 'popup';
  /** Where it leads back to; default: the instance's. With a popup, a page of this origin that makes an instance. */
  returnUrl?: string;
  /** Of a popup: closes it. */
  signal?: AbortSignal;
}

export interface CheckoutOptions extends JourneyOptions, WaitOptions {}

export interface CardOptions extends JourneyOptions {
  /** The organization in whose name; needed by members of several. */
  orgId?: string;
  /** Default `stripe`. */
  provider?: 'stripe' | 'braintree' | 'visa';
  /** A card that is there already: only a delegation is made. */
  paymentMethodId?: string;
}

/** What a card page made. */
export interface CardResult {
  paymentMethodId?: string;
  delegationId?: string;
}

/** What an offer says beside its plans; what is absent or empty is left out. */
export interface PaymentRequiredOptions {
  endpoint?: string;
  agentId?: string;
  httpVerb?: string;
  /** Default: the scheme's in the environment. */
  network?: string;
  description?: string;
  mimeType?: string;
  /** Default `nvm:erc4337`. */
  scheme?: 'nvm:erc4337' | 'nvm:card-delegation';
  /** Default: as `sandbox`. */
  environment?: EnvironmentName;
}

/** The x402 document of a 402. */
export interface X402PaymentRequired {
  x402Version: 2;
  resource: { url: string; description?: string; mimeType?: string };
  accepts: { scheme: string; network: string; planId: string; extra: { version: string; agentId?: string; httpVerb?: string } }[];
  extensions: Record<string, unknown>;
}

export interface CreateDelegationPayload {
  provider: 'erc4337' | 'stripe' | 'braintree';
  /** In cents of `currency`. */
  spendingLimitCents: number;
  durationSecs: number;
  currency: 'usd' | 'eur' | 'usdc' | 'eurc';
  providerPaymentMethodId?: string;
  planId?: string;
  merchantAccountId?: string;
  maxTransactions?: number;
  apiKeyId?: string;
}

export interface X402TokenOptions {
  scheme?: 'nvm:erc4337' | 'nvm:card-delegation';
  network?: string;
  delegationConfig?: { delegationId: string };
}

/** The class of all errors. `code` is stable; the platform's own `BCK.*` where it named one. */
export class PaymentsError extends Error {
  readonly code: string;
  /** What to do about it, where there is something. */
  readonly hint?: string;
  /** The HTTP status, where there was an answer. */
  readonly status?: number;
  /** For support to find the request by: the platform's, or the one that was sent. */
  readonly correlationId?: string;
  /** The same call may succeed later, and costs nothing twice. */
  readonly retryable: boolean;
  /** Where the code is explained. */
  readonly docsUrl?: string;
  /** What was spent, on errors of `fetch`. */
  readonly spend?: Spend;
  /** The seller's last answer, readable, on errors of `fetch`. */
  readonly response?: Response;
}

// What a caller branches on. `instanceof` holds between copies of the package.

/** The seller refused the payment, twice or for good. */
export class PaymentRefused extends PaymentsError {}
/** Whoever was asked said no. Nothing was spent. */
export class ConsentDenied extends PaymentsError {}
/** A limit of the policy stands against it. */
export class BudgetExceeded extends PaymentsError {}
/** A payment or an order was sent and nobody said what came of it: look at the balance before trying again. */
export class OutcomeUnknown extends PaymentsError {}
/** The session ended: log in again. */
export class SessionExpired extends PaymentsError {}
/** The 402 carries no offer that can be read; `response` is as it came. */
export class MalformedOffer extends PaymentsError {}

export class Payments {
  private constructor();

  /** For Node, Deno, Bun, Workers and agents. */
  static getInstance(options: PaymentOptions): Promise<Payments>;

  /**
   * For a page. Takes a login that has come back out of the address bar and uses it, if this page asked for it;
   * otherwise `loginError` says why not.
   */
  static getBrowserInstance(options: BrowserOptions): Promise<Payments>;

  /**
   * For a program with a listener on this machine: where a person logs in, and the state that has to come back there.
   * `callbackUrl` is `http` to localhost, 127.0.0.1 or [::1]. Nothing is kept: give `state` to `readCallback`.
   */
  static loginUrl(options: Pick<CommonOptions, 'environment' | 'backend' | 'frontend'> & { callbackUrl: string }): Promise<{ url: string; state: string }>;

  /**
   * The key that a request to that listener brought (its URL, or path and query); `undefined` where it is of something
   * else. Rejects with `login_state_mismatch` for a key that was planted: answer 400 and go on listening.
   */
  static readCallback(url: string, state: string): Promise<string | undefined>;

  readonly isLoggedIn: boolean;
  readonly environmentName: EnvironmentName;
  getEnvironmentName(): EnvironmentName;
  /** In whose name calls with the key are made from now on; `undefined` for one's own. Throws `validation`. */
  setOrganizationId(organizationId: string | undefined): void;
  /** Why a login that came back with this page load was not used. */
  readonly loginError?: PaymentsError;
  /** The account (wallet) address of the key. */
  getAccountAddress(): string | undefined;

  /** Goes to the login page; only in a page. */
  connect(options?: { mode?: 'redirect' }): void;
  /**
   * Opens the login page in a window, from a click, and resolves when somebody has logged in there. The window comes back to
   * `returnUrl`, which has to be of this origin and make an instance: that hands the key over and closes. Throws
   * `popup_blocked`; rejects with `popup_closed`, `aborted` or `login_state_mismatch`.
   */
  connect(options: { mode: 'popup'; signal?: AbortSignal }): Promise<void>;
  /** Forgets key, tokens and agreements; fetches under way end with `session_ended`. */
  logout(): void;

  /**
   * `fetch`, with money: a 402 is read, consented to, and paid. Rejects with a `PaymentsError` that says what was
   * spent.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit, options?: FetchOptions): Promise<PaidResponse>;

  /** Sends the request without paying, and says what it would cost. */
  quote(input: RequestInfo | URL, init?: RequestInit): Promise<Quote>;

  /** A `fetch` for other clients, with the manners of `payments.fetch` over another `fetch`; gives the response. */
  wrapFetch(fetch?: typeof globalThis.fetch): typeof globalThis.fetch;

  readonly spend: SpendTotals;
  /** The last 1000 payments as text. */
  exportReceipts(format?: 'json' | 'csv'): string;

  readonly plans: {
    getPlan(planId: string | bigint): Promise<Plan>;
    /** One's own, by default the first 100, newest first; with an organization all of its. */
    getPlans(page?: number, offset?: number, sortBy?: string, sortOrder?: 'asc' | 'desc', options?: { organizationId?: string }): Promise<Paginated & { plans: Plan[] }>;
    /** By default the first 10. */
    getAgentsAssociatedToAPlan(planId: string | bigint, pagination?: PaginationOptions): Promise<Paginated & { agents: Agent[] }>;
    /** Of the key's own account, unless `account` is an address. */
    getPlanBalance(planId: string | bigint, account?: string): Promise<PlanBalance>;
    /** Buys a crypto, free or trial plan; a trial once only. Never repeated by itself. */
    orderPlan(planId: string | bigint): Promise<NvmAPIResult>;
    /** Begins a card checkout, and charges nothing: `result.checkoutLink` is for a person to open. */
    orderFiatPlan(planId: string | bigint): Promise<{ result: StripeCheckoutResult }>;
    /**
     * Takes a person to the card checkout of a plan. By popup it resolves when `min` credits are held (default: more than
     * before), and rejects with `checkout_cancelled`, `checkout_closed`, `popup_blocked`, `credits_timeout` (15 minutes) or
     * `aborted`. By redirect the page is left: after the return call `checkoutReturned`.
     *
     * The hosted checkout has no place for a way back; `returnUrl` is put into its address, and where it is not heeded the
     * person comes back by themselves.
     */
    checkout(planId: string | bigint, options: CheckoutOptions & { mode: 'popup' }): Promise<PlanBalance>;
    checkout(planId: string | bigint, options?: CheckoutOptions): Promise<void>;
    /**
     * After a checkout by redirect: waits for its credits. `undefined` where none was under way; rejects with
     * `checkout_cancelled` or `credits_timeout`. A reload goes on where it was, and buys nothing again.
     */
    checkoutReturned(options?: Omit<WaitOptions, 'min'>): Promise<PlanBalance | undefined>;
    /** Waits until at least `min` credits are held. Rejects with `credits_timeout` (retryable) or `aborted`. */
    waitForCredits(planId: string | bigint, options?: WaitOptions): Promise<PlanBalance>;
  };

  readonly agents: {
    getAgent(agentId: string | bigint): Promise<Agent>;
    /** The plans that give access to it; by default the first 10. */
    getAgentPlans(agentId: string | bigint, pagination?: PaginationOptions): Promise<Paginated & { plans: Plan[] }>;
  };

  readonly delegation: {
    createDelegation(payload: CreateDelegationPayload): Promise<{ delegationId: string; delegationToken?: string }>;
    /** `accessible`: those that the key in use may spend from. */
    listDelegations(options?: { accessible?: boolean }): Promise<{ delegations: DelegationSummary[]; totalResults: number; page: number; offset: number }>;
    revokeDelegation(delegationId: string): Promise<unknown>;
    listPaymentMethods(options?: { accessible?: boolean; provider?: string }): Promise<PaymentMethodSummary[]>;
    updatePaymentMethod(paymentMethodId: string, changes: { alias?: string; allowedApiKeyIds?: string[] | null }): Promise<PaymentMethodSummary>;
    getPurchasingPower(): Promise<PurchasingPower>;
    /**
     * Takes a person to the page on which a card is added and may be spent from. By popup it resolves with what was made; by
     * redirect the page is left: after the return call `cardReturned`. Rejects with `return_url_not_allowed` where the
     * platform does not lead back there: with a key of one's own it does to this machine only, so a page on the web needs a
     * widget session of its organization's.
     */
    setupCard(options: CardOptions & { mode: 'popup' }): Promise<CardResult>;
    setupCard(options?: CardOptions): Promise<void>;
    /**
     * After the card page by redirect: what it made; `undefined` where nothing has come back. Rejects with
     * `card_cancelled`, or `card_state_mismatch` for what this page did not ask for.
     */
    cardReturned(): Promise<CardResult | undefined>;
  };

  readonly x402: {
    getX402AccessToken(
      planId: string | bigint,
      agentId?: string,
      tokenOptions?: X402TokenOptions,
    ): Promise<{ accessToken: string; permissionHash?: string; [member: string]: unknown }>;
    /** What stands behind a token that was minted. The hosted platform documents these three, and no official SDK calls them. */
    getPermission(permissionHash: string): Promise<Record<string, unknown>>;
    listPermissions(pagination?: Pick<PaginationOptions, 'page' | 'offset'>): Promise<Record<string, unknown>>;
    /** Its token pays nothing from then on. */
    revokePermission(permissionHash: string): Promise<unknown>;
  };
}

/** The offer of a 402 for one plan, as the official SDK builds it. */
export function buildPaymentRequired(planId: string, options?: PaymentRequiredOptions): Promise<X402PaymentRequired>;
/** The same for several plans. */
export function buildPaymentRequiredForPlans(planIds: string[], options?: PaymentRequiredOptions): Promise<X402PaymentRequired>;
/** The payload of an access token; `null` for what is none. */
export function decodeAccessToken(accessToken: string): Promise<Record<string, unknown> | null>;
export function encodeAccessToken(payload: Record<string, unknown>): Promise<string>;
/** How a plan is paid for: by card where it says that its price is not in crypto. Rejects where it cannot be read. */
export function resolveScheme(payments: Payments, planId: string, explicitScheme?: string): Promise<string>;
/** The provider that charges the card, where the plan names one. */
export function resolveNetwork(payments: Payments, planId: string, explicitNetwork?: string): Promise<string | undefined>;

/** Durations of time plans, in seconds. */
export const ONE_DAY_DURATION: bigint;
export const ONE_WEEK_DURATION: bigint;
export const ONE_MONTH_DURATION: bigint;
export const ONE_YEAR_DURATION: bigint;
export const ZeroAddress: string;
/** Token addresses on Base, and on Base Sepolia. */
export const EURC_TOKEN_ADDRESS: string;
export const EURC_TOKEN_ADDRESS_TESTNET: string;
export const USDC_TOKEN_ADDRESS: string;
export const USDC_TOKEN_ADDRESS_TESTNET: string;

/** Loads the WebAssembly ahead of need, or from a source of one's own. Calling it is never necessary. */
export default function init(source?: BufferSource | Response | Promise<Response> | WebAssembly.Module): Promise<void>;
