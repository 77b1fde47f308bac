// The public types of payments-wasm. Names are those of the official TypeScript SDK wherever it has one.
import type { McpPart } from './mcp.js';

/** A deployment of Nevermined's. With `custom` its addresses are given as options. */
export type EnvironmentName = 'sandbox' | 'live' | 'staging_sandbox' | 'staging_live' | 'custom';

/** Whole credits: a `bigint`, a decimal string, or a whole number. */
export type CreditsInput = bigint | string | number;

// options: CommonOptions

// options: BudgetOptions

// options: StepTimeouts

// options: PaymentOptions

// options: BrowserOptions

/** Decides about one offer; may show a dialog. One that throws ends the fetch with `approve_failed`, and nothing is paid. */
export type Approve = (offer: Offer, context: ConsentContext) => Approval | Promise<Approval>;

// options: ApprovalAnswer

/** `true` allows this one payment, from credits that are held or that the delegation tops up. */
export type Approval = boolean | ApprovalAnswer;

// options: AmountLimit

/** A wallet that pays amounts (x402 `exact`). The package holds no private key. */
export type Wallet = Eip1193Provider | TypedDataSigner | SolanaSigner;

/** A wallet as pages find it in `window.ethereum`. */
export interface Eip1193Provider {
  /** Asked for `eth_requestAccounts`, `eth_chainId`, `wallet_switchEthereumChain` and `eth_signTypedData_v4`. */
  request(call: { method: string; params?: any }): Promise<any>;
}

/** A signer of EIP-712 typed data, as viem's accounts are. */
export interface TypedDataSigner {
  /** The address that pays. */
  address: string;
  /** Resolves to the signature, `0x` and hexadecimal digits. */
  signTypedData(typedData: any): Promise<string>;
}

/** A signer of Solana transactions. */
export interface SolanaSigner {
  /** Makes and signs the transaction that pays the only entry of `accepts`; resolves to it in base64. */
  signSolanaPayment(paymentRequired: any): Promise<string>;
}

/** `payments.a2a`, loaded at its first use. */
export interface A2aPart {
  /**
   * A `fetch` for a client of A2A agents, as its `fetchImpl`: a message for which an agent asks a payment is paid for in band
   * (`x402.payment.*` metadata), or by header where the agent answers 402. Options are those of `payments.fetch`.
   */
  fetch(options?: FetchOptions): Promise<typeof fetch>;
  /** The card of an agent, with the extensions that say how it is paid. */
  buildPaymentAgentCard(card: object, payment: object): Promise<any>;
  /** A fetch handler of an agent that is paid for: see `payments-wasm/a2a`, whose class `A2a` has the types. */
  handler(options: object): Promise<(request: Request, env?: unknown, context?: unknown) => Promise<Response>>;
  /** Serves an agent in Node: see `payments-wasm/a2a`. Rejects with `a2a_not_loaded` where the official SDK is not there. */
  start(options: object): Promise<{ server: any; close(): Promise<void>; info: { baseUrl: string; port: number } }>;
}

/** An amount of an asset. */
export interface AssetAmount {
  /** Chain and asset: `eip155:8453:0x…`. */
  currency: string;
  /** In atomic units of the asset. */
  amount: bigint;
}

/** Payment that a seller asks for a resource: credits of a plan, or an amount of an asset. */
export interface Offer {
  /** The plan whose credits pay: a uint256 in decimal digits. Absent where an amount pays (`exact`). */
  planId?: string;
  /** The agent that is paid for, where the seller names one. */
  agentId?: string;
  /** Paid from credits in a wallet's name, from a card, or with an amount of an asset. Others are skipped: they are never offered here. */
  scheme: 'nvm:erc4337' | 'nvm:card-delegation' | 'exact';
  /** The dialect, where it is no x402 offer of a plan: MPP, or x402 with an amount. */
  dialect?: 'mpp' | 'exact';
  /** The price in atomic units of the asset, where an amount pays. */
  amount?: bigint;
  /** Chain and asset, where an amount pays: `eip155:8453:0x…`. */
  currency?: string;
  /** The asset, as the seller names it. */
  asset?: string;
  /** The recipient of an amount. */
  payTo?: string;
  /** A chain in CAIP-2 (`eip155:84532`), or the provider that charges the card (`stripe`). */
  network: string;
  /** The price of this request in credits, where the seller says it. */
  credits?: bigint;
  /** The origin that asks, and the only one that a token will be sent to. */
  origin: string;
  /** URL of the request. */
  url: string;
  /** The sold resource, as the seller describes it. */
  resource: { url: string; description?: string; mimeType?: string };
  /** Known from an earlier answer: nothing has been requested yet. */
  remembered: boolean;
  /** An earlier payment of the same may have been taken: this is one more (see `FetchOptions.resume`). */
  again: boolean;
}

/** Reads that an `approve` callback may make before it answers; each costs one request. */
export interface ConsentContext {
  /** `GET /api/v1/protocol/plans/:planId`: name and price. */
  plan(): Promise<Plan>;
  /** The buyer's own balance. Having been read, it also decides whether a purchase is needed. */
  balance(): Promise<PlanBalance>;
  /** Fires when the answer is of no use any more: aborted, timed out, logged out. */
  readonly signal: AbortSignal;
}

// options: MaxPrice

// options: SpendPolicy

// options: DelegationConfig

// options: FetchOptions

// options: QuoteOptions

/** The terms of a resource, and the answer that came with them: a 402, or what is free. */
export interface Quote {
  /** As it came, its body unread. */
  response: Response;
  /** Payable offers, in the seller's order; empty if the resource is free or none can be paid. */
  offers: QuotedOffer[];
  /** Spend of the quote, which costs nothing: the number of requests. */
  spend: Spend;
}

/** An offer with what the platform says of its plan. What could not be learned is left out. */
export interface QuotedOffer extends Offer {
  /** As the seller called it. */
  planName?: string;
  /** Price of the plan, in millionths of the currency; a token's address stands for its currency. */
  price?: { amount: bigint; currency?: string; isCrypto: boolean; tokenAddress?: string };
  /** Credits that a purchase of the plan adds. */
  planCredits?: bigint;
  /** How long what it grants is good, in seconds, where it ends. */
  planSeconds?: number;
  /** Balance of the plan, in credits. */
  balance?: bigint;
  /**
   * `now`: the credits suffice. `after-purchase`: they do not, or it could not be learned. `after-login`: nobody is logged
   * in.
   */
  payable: 'now' | 'after-purchase' | 'after-login';
}

/** Credits that this instance has spent; with a `budget`, the total of all instances that share it. */
export interface SpendTotals {
  /** The most that the tokens which were sent can have cost: what limits count. */
  credits: bigint;
  /** Credits settled according to sellers' receipts, over the last 1000 payments. The platform has not confirmed them.
   * */
  creditsSettled: bigint;
  /** Orders that were sent. */
  purchases: bigint;
  /** Spent in the last hour, and about to be. */
  inLastHour: bigint;
  /** The same for the last 24 hours. */
  inLastDay: bigint;
  /** `credits` by seller: `name` is its origin. */
  byOrigin: { name: string; credits: bigint }[];
  /** `credits` by plan: `name` is its id. */
  byPlan: { name: string; credits: bigint }[];
  /** Amounts sent, by currency. */
  amounts: AssetAmount[];
  /** The last 1000 payments, the oldest first. */
  receipts: PaymentRecord[];
}

/** One payment that was sent, for the books. */
export interface PaymentRecord {
  /** When it ended. */
  at: Date;
  /** Method of the request: `POST`. */
  method: string;
  /** URL of the paid resource. */
  url: string;
  /** Origin that was paid. */
  origin: string;
  /** The plan whose credits paid. Absent where an amount paid. */
  planId?: string;
  /** Chain and asset, where an amount paid. */
  currency?: string;
  /** The amount in atomic units, where one paid. */
  amount?: bigint;
  /** `nvm:erc4337`, `nvm:card-delegation` or `exact`. */
  scheme: string;
  /** A chain in CAIP-2, or who charges the card. */
  network: string;
  /** Outcome of the payment. */
  outcome: Spend['outcome'];
  /** The most that its tokens can have cost, in credits. Absent where an amount paid. */
  creditsPresented?: bigint;
  /** Credits that the receipt says were taken: the seller's word. */
  creditsSettled?: bigint;
  /** Transaction of the settlement, if there is one. */
  transaction?: string;
}

/** Result of `payments.fetch`. A response that asked for no payment is included, with a `spend` of nothing. */
export interface PaidResponse {
  /** The seller's response, untouched: same object, same streaming body. */
  response: Response;
  /** The receipt, where one came and could be read. */
  receipt?: Receipt;
  /** Cost of the fetch. */
  spend: Spend;
}

/** Result of a settlement (`payment-response`). */
export interface Receipt {
  /** True if the platform took the credits. */
  success: boolean;
  /** Empty where there is none. */
  transaction: string;
  /** A chain in CAIP-2, or who charges the card. */
  network: string;
  /** The account that paid. */
  payer?: string;
  /** Credits that were taken. */
  creditsRedeemed?: bigint;
  /** Credits of the plan that are left. */
  remainingBalance?: bigint;
  /** The transaction of an automatic top-up. */
  orderTx?: string;
  /** Why not, where it failed. */
  errorReason?: string;
}

/** Effects of one `fetch` on money, whatever its result. */
export interface Spend {
  /**
   * `none`: no token was sent. `settled`: a receipt says that it was taken. `unknown`: a token was sent and no receipt says so;
   * it may have been taken, whatever the status of the answer is.
   */
  outcome: 'none' | 'settled' | 'unknown';
  /** Requests to the seller. */
  requests: number;
  /** Tokens minted; one that several fetches waited for is booked on one of them. */
  mints: number;
  /** The most that the tokens which were sent can have cost, in credits. */
  creditsPresented: bigint;
  /** Credits that the receipt says were taken: the seller's word. */
  creditsSettled?: bigint;
  /** Amounts sent, by currency. */
  amounts: AssetAmount[];
  /** True if the last sent token can be presented only once. */
  singleUse: boolean;
  /**
   * Plans that were bought on the way. `confirmed` says that the platform said so; it is false where an order's answer did not
   * come, and of what only the seller's receipt names (`receipt.orderTx`).
   */
  purchases: { planId: string; txHash?: string; confirmed: boolean }[];
  /** The receipt, where one came and could be read. */
  receipt?: Receipt;
  /** Id with which an `unknown` outcome can be resumed: see `FetchOptions.resume`. */
  payment?: number;
}

interface EventOfFetch {
  /** The number of the `fetch`, from 1: what belongs together. */
  fetch: number;
  /** URL of the request. */
  url: string;
}

interface EventOfOffer extends EventOfFetch {
  /** The plan of the offer. Absent where an amount pays. */
  planId?: string;
  /** The price of the request in credits, where the seller says it. */
  credits?: bigint;
  /** The price in atomic units of the asset, where an amount pays. */
  amount?: bigint;
}

/** Events during a `fetch`, as they happen. No event carries a key or a token. */
export type PaymentEvent =
  /** The request goes out without a token. */
  | (EventOfFetch & { type: 'request' })
  /** The terms are known, and are to be agreed to. */
  | (EventOfOffer & { type: 'offer'; offer: Offer })
  /** They were agreed to, by somebody or by the policy. */
  | (EventOfOffer & { type: 'consent' })
  /** An order of the plan goes out, or its credits are there. */
  | (EventOfOffer & { type: 'order'; state: 'sent' })
  | (EventOfOffer & { type: 'order'; state: 'done'; txHash?: string })
  /** A token was minted; where several wait for it, told of one of them. */
  | (EventOfOffer & { type: 'mint'; singleUse: boolean })
  /** The request goes out with a token. */
  | (EventOfOffer & { type: 'paid' })
  /** The answer came with a receipt of its payment. */
  | (EventOfOffer & { type: 'receipt'; receipt: Receipt })
  /** The seller refused the payment; once, it is tried with a fresh token. */
  | (EventOfOffer & { type: 'refused' })
  /** It is unknown if the payment was taken. */
  | (EventOfOffer & { type: 'unknown' });

/** A plan as the platform describes it; members beyond these are there too. */
export interface Plan {
  /** A uint256 in decimal digits. */
  id: string;
  /** Description by the seller. */
  metadata?: { main?: { name?: string; description?: string; [member: string]: unknown }; plan?: Record<string, unknown>; [member: string]: unknown };
  /** Price and credits; amounts are in millionths of the currency, credits are whole. */
  registry?: { owner?: string; price?: Record<string, unknown>; credits?: Record<string, unknown>; [member: string]: unknown };
  [member: string]: unknown;
}

/** An agent as the platform describes it; members beyond these are there too. */
export interface Agent {
  /** A uint256 in decimal digits. */
  id: string;
  [member: string]: unknown;
}

/** Balance of an account for a plan. */
export interface PlanBalance {
  /** The plan. */
  planId: string;
  /** As the seller called it. */
  planName: string;
  /** `credits`, `time`, … */
  planType: string;
  /** Whose balance it is. */
  holderAddress: string;
  /** Whole credits. The platform sends digits; here they are a `bigint`. */
  balance: bigint;
  /** The contract that keeps the credits. */
  creditsContract: string;
  /** True if the account holds credits. */
  isSubscriber: boolean;
  /** In the plan's currency; for showing, not for computing. */
  pricePerCredit: number;
}

/** Response of the platform to an order. */
export interface NvmAPIResult {
  /** True if the order was made. */
  success: boolean;
  /** The transaction, where there is one. */
  txHash?: string;
  /** For a person. */
  message?: string;
  [member: string]: unknown;
}

// options: PaginationOptions

// options: OrganizationOptions

// options: DelegationListOptions

// options: PaymentMethodListOptions

// options: PaymentMethodChanges

/** A list as the platform answers it: `plans` or `agents`, and where in it one is. */
export interface Paginated {
  /** Entries in all. */
  total: number;
  /** From 1. */
  page: number;
  /** How many entries a page has. */
  offset: number;
  [member: string]: unknown;
}

/** A card, or the account's wallet (`provider: 'erc4337'`). */
export interface PaymentMethodSummary {
  /** `pm_…`, `vat_…`, or an address. */
  id: string;
  /** `card`, `crypto_wallet`, … */
  type: string;
  /** `visa`, … */
  brand: string;
  /** The last four digits. */
  last4: string;
  /** 1 to 12; 0 for a wallet. */
  expMonth: number;
  /** Four digits; 0 for a wallet. */
  expYear: number;
  /** A name of one's own. */
  alias?: string | null;
  /** Provider that charges it. */
  provider?: 'stripe' | 'braintree' | 'visa' | 'vgs' | 'erc4337';
  /** `active`, … */
  status?: string;
  /** The API keys that may use it; `null` for all. */
  allowedApiKeyIds?: string[] | null;
}

/** A delegation; money in cents of `currency`, as decimal strings. Members beyond these are there too. */
export interface DelegationSummary {
  /** Id of the delegation, for `delegationConfig`. */
  delegationId: string;
  /** `erc4337` or who charges the card. */
  provider: string;
  /** The card, or the wallet's address; `null` where it needs none. */
  providerPaymentMethodId: string | null;
  /** `Active`, `Revoked`, … */
  status: string;
  /** Total spending limit. */
  spendingLimitCents: string;
  /** Amount spent so far. */
  amountSpentCents: string;
  /** Amount left. */
  remainingBudgetCents: string;
  /** `usd`, `eur`, `usdc` or `eurc`. */
  currency: string;
  /** How often it has paid. */
  transactionCount: number;
  /** ISO 8601. */
  expiresAt: string;
  /** ISO 8601. */
  createdAt: string;
  /** The key that may use it; `null` for all. */
  apiKeyId: string | null;
  [member: string]: unknown;
}

/** Amount that may still be spent. */
export interface PurchasingPower {
  /** Cards and wallet that this key may use. */
  cards: PaymentMethodSummary[];
  /** Delegations that this key may use. */
  delegations: DelegationSummary[];
  /** Cents that active delegations have left, by currency: cents of one are not cents of another. */
  byCurrency: Record<string, number>;
  /** The first of those currencies, and its cents. The official SDK sums all currencies here. */
  currency: string;
  /** Cents of `currency` that are left. */
  totalRemainingBudgetCents: number;
}

/** Card checkout (Stripe's); times in seconds since 1970. */
export interface StripeCheckoutResult {
  /** Where a person pays. */
  checkoutLink: string;
  /** Id of the checkout session. */
  stripeCheckoutSessionId: string;
  /** The platform's own. */
  clientReferenceId: string;
  /** `unpaid`, `paid`, … */
  paymentStatus: string;
  /** When the link was made. */
  linkCreatedAt: number;
  /** When it stops working. */
  linkExpiresAt: number;
}

// options: WaitOptions

// options: ReturnOptions

// options: JourneyOptions

// options: ConnectOptions

// options: CheckoutOptions

// options: CardOptions

/** Result of a card page. */
export interface CardResult {
  /** The card, where one was added. */
  paymentMethodId?: string;
  /** Id of the new delegation, for `delegationConfig`, if one was made. */
  delegationId?: string;
}

// options: LoginUrlOptions

// options: PaymentRequiredOptions

/** The x402 document of a 402. */
export interface X402PaymentRequired {
  /** The version of x402. */
  x402Version: 2;
  /** The sold resource. */
  resource: { url: string; description?: string; mimeType?: string };
  /** The ways to pay, any of which will do. */
  accepts: { scheme: string; network: string; planId: string; extra: { version: string; agentId?: string; httpVerb?: string } }[];
  /** Extensions of x402; empty. */
  extensions: Record<string, unknown>;
}

// options: CreateDelegationPayload

// options: X402TokenOptions

/**
 * The class of all errors. The platform's own codes are `BCK.*`, and `http_<status>` where it named none. The package's:
 *
 * Arguments: `validation` (the message names the field), `invalid_request`, `body_not_replayable`, `browser_only`.
 *
 * Consent; nothing was paid: `consent_required` (no `approve`, and no policy names the origin), `consent_denied`,
 * `wallet_refused` (the `wallet` did not sign an amount), `approve_failed`, `approve_reentered` (`approve` called a `fetch` that would ask it the same question: give that one
 * an `approve` or a policy of its own), `budget_exceeded`, `insufficient_credits`, `purchase_not_allowed`,
 * `purchase_pending`, `delegation_required`.
 *
 * Seller: `malformed_offer`, `no_payable_offer`, `payment_refused`, `insecure_target`, `resource_mismatch` (the offer
 * names another host), `ambiguous_redirect`, `redirected_while_paying`.
 *
 * Unknown outcomes: `outcome_unknown`, `purchase_outcome_unknown`. Other errors of purchases: `order_refused`,
 * `credits_timeout`, `checkout_cancelled`, `checkout_closed`, `card_cancelled`, `card_state_mismatch`,
 * `return_url_not_allowed`.
 *
 * Session: `not_logged_in`, `session_ended`, `session_expired`, `login_state_mismatch`, `login_bad_key`,
 * `login_account_mismatch`, `popup_blocked`, `popup_closed`, `storage_unavailable`.
 *
 * Transport: `network_error`, `garbled_answer`, `aborted` (the error's `name` is `AbortError`, its `cause` the reason);
 * `wasm_load_failed`: a part of the package could not be loaded, the hint says why, and the next call tries again.
 *
 * Sellers: `settlement_outcome_unknown` (an `OutcomeUnknown`: the credits may have been burned), `contract_unknown` (the
 * deployment names no such contract), `mpp_malformed`, `spend_outcome_unknown` (see `mpp.fetch`), `dependency_missing`;
 * `part_not_loaded`: a page called a method of sellers that its script does not have: import from `payments-wasm/builder`.
 */
export class PaymentsError extends Error {
  /** The package makes them; a program looks at them. */
  protected constructor();
  /** For programs: stays the same from version to version. */
  readonly code: string;
  /** Remedy, where there is one. */
  readonly hint?: string;
  /** The HTTP status, where there was an answer; 408 where the platform's did not come in time. */
  readonly status?: number;
  /** For support to find the request by: the platform's, or the one that was sent. */
  readonly correlationId?: string;
  /** The same call may succeed later, and costs nothing twice. */
  readonly retryable: boolean;
  /** Where the code is explained. */
  readonly docsUrl?: string;
  /** Spend, on errors of `fetch`, including errors before anything is sent. */
  readonly spend?: Spend;
  /** The seller's last answer, readable, on errors of `fetch`. */
  readonly response?: Response;
  /** For logs: what is above, credits as digits, without the answer. */
  toJSON(): Record<string, unknown>;
}

// Error classes to branch on. `instanceof` holds between copies of the package.

/** The seller refused the payment, twice or for good. */
export class PaymentRefused extends PaymentsError {}
/** Whoever was asked said no. Nothing was spent. */
export class ConsentDenied extends PaymentsError {}
/** A limit of the policy stands against it. */
export class BudgetExceeded extends PaymentsError {}
/**
 * A payment or an order was sent and nobody said what came of it. Where `spend.payment` is set, `FetchOptions.resume` goes on
 * with it; else look at the balance before trying again.
 */
export class OutcomeUnknown extends PaymentsError {}
/** The session ended: log in again. */
export class SessionExpired extends PaymentsError {}
/** The 402 carries no offer that can be read; `response` is as it came. */
export class MalformedOffer extends PaymentsError {}

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
