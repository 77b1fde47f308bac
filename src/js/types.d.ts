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
  /** How long a call of the platform may take, in milliseconds. Default 30000. */
  timeoutMs?: number;
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
  /** Where the key is kept between page loads. Default `memory`: nowhere. */
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

/** The one class of errors. `code` is stable; the platform's own `BCK.*` where it named one. */
export class PaymentsError extends Error {
  readonly code: string;
  readonly hint?: string;
  /** The HTTP status, where there was an answer. */
  readonly status?: number;
  /** For support to find the request by. */
  readonly correlationId?: string;
  /** The same call may succeed later, and costs nothing twice. */
  readonly retryable: boolean;
  /** What was spent, on errors of `fetch`. */
  readonly spend?: Spend;
  /** The seller's last answer, readable, on errors of `fetch`. */
  readonly response?: Response;
}

export class Payments {
  private constructor();

  /** For Node, Deno, Bun, Workers and agents. */
  static getInstance(options: PaymentOptions): Promise<Payments>;

  /**
   * For a page. Takes a login that has come back out of the address bar and uses it, if this page asked for it;
   * otherwise `loginError` says why not.
   */
  static getBrowserInstance(options: BrowserOptions): Promise<Payments>;

  readonly isLoggedIn: boolean;
  readonly environmentName: EnvironmentName;
  /** Why a login that came back with this page load was not used. */
  readonly loginError?: PaymentsError;
  /** The account (wallet) address of the key. */
  getAccountAddress(): string | undefined;

  /** Goes to the login page; only in a page. */
  connect(): void;
  /** Forgets key, tokens and agreements; fetches under way end with `session_ended`. */
  logout(): void;

  /**
   * `fetch`, with money: a 402 is read, consented to, and paid. Rejects with a `PaymentsError` that says what was
   * spent.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit, options?: FetchOptions): Promise<PaidResponse>;

  readonly plans: {
    getPlan(planId: string): Promise<Plan>;
    /** Of the key's own account, unless `account` is an address. */
    getPlanBalance(planId: string, account?: string): Promise<PlanBalance>;
    /** Buys a crypto, free or trial plan. */
    orderPlan(planId: string): Promise<NvmAPIResult>;
    /** Waits until at least `min` credits (default 1) are held; by default 60000 ms at most. */
    waitForCredits(
      planId: string,
      options?: { min?: CreditsInput; signal?: AbortSignal; timeoutMs?: number },
    ): Promise<PlanBalance>;
  };

  readonly delegation: {
    createDelegation(payload: CreateDelegationPayload): Promise<{ delegationId: string; delegationToken?: string }>;
    /** As the platform answers; money in cents, as strings. */
    listDelegations(): Promise<{ delegations: Record<string, unknown>[]; [member: string]: unknown }>;
  };

  readonly x402: {
    getX402AccessToken(
      planId: string,
      agentId?: string,
      tokenOptions?: X402TokenOptions,
    ): Promise<{ accessToken: string; [member: string]: unknown }>;
  };
}

/** Loads the WebAssembly ahead of need, or from a source of one's own. Calling it is never necessary. */
export default function init(source?: BufferSource | Response | Promise<Response> | WebAssembly.Module): Promise<void>;
