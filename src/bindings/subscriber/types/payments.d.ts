/** One buyer: a key, or a page on which somebody may log in. Its methods reject, or throw, with a `PaymentsError`. */
export class Payments {
  private constructor();

  /** For Node, Deno, Bun, Workers and agents. It is there at once; throws `validation`. The WebAssembly is loaded by the first call that needs it. */
  static getInstance(options: PaymentOptions): Payments;

  /**
   * For a page. Takes a login that has come back out of the address bar and uses it, if this page asked for it;
   * otherwise `loginError` says why not. A page load remembers what it brought until somebody logs out: an instance that is made
   * again is logged in too.
   */
  static getBrowserInstance(options: BrowserOptions): Payments;

  /**
   * For a program with a listener on this machine: where a person logs in, and the state that has to come back there.
   * `callbackUrl` is `http` to localhost, 127.0.0.1 or [::1]. Nothing is kept: give `state` to `readCallback`.
   */
  static loginUrl(options: LoginUrlOptions): Promise<{ url: string; state: string }>;

  /**
   * The key that a request to that listener brought (its URL, or path and query); `undefined` where it is of something
   * else. Rejects with `login_state_mismatch` for a key that was planted: answer 400 and go on listening.
   */
  static readCallback(url: string, state: string): Promise<string | undefined>;

  /**
   * Loads ahead of need what the first call would load; with a `budget`, takes it up, so that `spend` has it. Rejects as that
   * call would. Calling it is never necessary.
   */
  ready(): Promise<Payments>;

  /** True if there is a key that is not known to have ended. */
  readonly isLoggedIn: boolean;
  /** The environment that calls go to. */
  readonly environmentName: EnvironmentName;
  /** The same, by the official SDK's name. */
  getEnvironmentName(): EnvironmentName;
  /** In whose name calls with the key are made from now on; `undefined` for one's own. Throws `validation`. */
  setOrganizationId(organizationId: string | undefined): void;
  /** In whose name calls with the key are made, if in anybody's. */
  getOrganizationId(): string | undefined;
  /** Why a login that came back with this page load was not used. */
  readonly loginError?: PaymentsError;
  /** The account (wallet) address of the key. */
  getAccountAddress(): string | undefined;

  /** Goes to the login page; only in a page. */
  connect(options?: ConnectOptions & { mode?: 'redirect' }): void;
  /**
   * Opens the login page in a window, from a click, and resolves when somebody has logged in there. The window comes back to
   * `returnUrl`, which has to be of this origin and make an instance: that hands the key over and closes. Throws
   * `popup_blocked`; rejects with `popup_closed`, `aborted` or `login_state_mismatch`.
   */
  connect(options: ConnectOptions & { mode: 'popup' }): Promise<void>;
  /** Forgets key, tokens and agreements; fetches under way end with `session_ended`. */
  logout(): void;

  /**
   * `fetch`, with money: a 402 is read, consented to, and paid. Rejects with a `PaymentsError` that says what was
   * spent.
   *
   * A plan is ordered once: while an order is under way, of this instance or of this page before a reload, its credits are
   * waited for. If they do not come in a minute it rejects with `credits_timeout`, and so does each fetch that needs them for
   * a day; one of another page or tab rejects with `purchase_pending`. `plans.orderPlan` orders again all the same.
   */
  fetch(input: string | URL | Request, init?: RequestInit, options?: FetchOptions): Promise<PaidResponse>;

  /**
   * Sends the request without paying, and says what it would cost. Asks nobody, and mints and orders nothing. Rejects as
   * `fetch` does where the request cannot be sent, and with `MalformedOffer`.
   */
  quote(input: string | URL | Request, init?: RequestInit, options?: QuoteOptions): Promise<Quote>;

  /**
   * A `fetch` for other clients (OpenAI's SDK, ky, ...), over another `fetch` if one is given; gives the response alone.
   *
   * It behaves as `fetch` does under clients that retry: a no and a refusal resolve with the seller's 402; what failed before
   * any money rejects with a `TypeError`, an abort with the signal's reason. Where the outcome of a payment is unknown, the same
   * method, URL and body within ten minutes is not paid again: with a single-use token that very token is presented once
   * more, with a reusable one, or a token that was refused, the earlier outcome comes again. So clients that retry want
   * `tokenVersion: 3`. Equal requests that are under way at once, and not aborted, are paid for one by one. `fetch` pays anew.
   */
  wrapFetch(fetch?: typeof globalThis.fetch): typeof globalThis.fetch;

  /** Receipt, spend and error of a response that `wrapFetch` gave; undefined for any other. */
  paymentOf(response: Response): { receipt?: Receipt; spend: Spend; error?: PaymentsError } | undefined;

  /** Credits spent since this instance was made. */
  readonly spend: SpendTotals;
  /** The last 1000 payments as text: JSON with credits as digits, or CSV (RFC 4180). Throws `validation` for another format. */
  exportReceipts(format?: 'json' | 'csv'): string;

  /** This instance, for `DelegationAPI.getInstance(payments.options)` and its like. It shows no key. */
  readonly options: Payments;

  /** For logs: no key. */
  toJSON(): { environmentName: EnvironmentName; isLoggedIn: boolean; accountAddress?: string };

  /** Plans: what is for sale, what is held, and how to buy. */
  readonly plans: PlansAPI;

  /** Agents: what plans give access to. */
  readonly agents: AgentsAPI;

  /** Delegations, and the cards that they spend from. */
  readonly delegation: DelegationAPI;

  /** Tokens by hand; `payments.fetch` does this by itself. */
  readonly x402: X402TokenAPI;

  /** Verifies and settles tokens. */
  readonly facilitator: FacilitatorAPI;

  /** Requests to one's agents. */
  readonly requests: AgentRequestsAPI;

  /** Organizations; most of it is for their admins. */
  readonly organizations: OrganizationsAPI;

  /** Where the platform's contracts are. */
  readonly contracts: ContractsAPI;

  /** Charges of any amount, which a buyer's browser confirms with Stripe.js; no plan, no account. */
  readonly orders: OrdersAPI;

  /** Buying and selling over MCP; it needs the official SDK, `@modelcontextprotocol/sdk`. */
  readonly mcp: McpPart;

  /** Buying from agents over A2A. */
  readonly a2a: A2aPart;

  /** The Machine Payments Protocol, the seller's side of it. Experimental on the platform. */
  readonly mpp: MppAPI;

  /**
   * The address and headers with which Helicone books a call to a language model on an agent's request. They work with
   * any client. Nothing is sent from here.
   */
  readonly observability: ObservabilityAPI;
}

/** A day, in seconds, as time plans count it. */
export const ONE_DAY_DURATION: bigint;
/** Seven days, in seconds. */
export const ONE_WEEK_DURATION: bigint;
/** A twelfth of a mean year, in seconds. */
export const ONE_MONTH_DURATION: bigint;
/** A mean year, in seconds. */
export const ONE_YEAR_DURATION: bigint;
/** Stands for no address, and for the native token. */
export const ZeroAddress: string;
/** EURC on Base: six decimals. */
export const EURC_TOKEN_ADDRESS: string;
/** EURC on Base Sepolia: six decimals. */
export const EURC_TOKEN_ADDRESS_TESTNET: string;
/** USDC on Base: six decimals. */
export const USDC_TOKEN_ADDRESS: string;
/** USDC on Base Sepolia: six decimals. */
export const USDC_TOKEN_ADDRESS_TESTNET: string;

/** Loads the WebAssembly ahead of need, or from a source of one's own. Calling it is never necessary. */
export default function init(source?: WasmSource, sellers?: WasmSource): Promise<void>;

/** The WebAssembly: its address, its bytes, a response that brings it or a promise of one, or a `WebAssembly.Module`. */
export type WasmSource = string | URL | ArrayBuffer | ArrayBufferView | Response | Promise<Response> | object;
