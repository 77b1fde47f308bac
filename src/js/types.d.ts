// The public types of payments-wasm. Names are those of the official TypeScript SDK wherever it has one.

/** A deployment of Nevermined's. With `custom` its addresses are given as options. */
export type EnvironmentName = 'sandbox' | 'live' | 'staging_sandbox' | 'staging_live' | 'custom';

/** Whole credits: a `bigint`, a decimal string, or a whole number. */
export type CreditsInput = bigint | string | number;

/** What every instance takes. A wrong option is refused with `validation`, and the message names it. */
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
  /** How long each step of a `fetch` may take. */
  timeouts?: StepTimeouts;
  /**
   * The session ended though nobody called `logout`: the key's own date has passed, the platform refused the key (401), or
   * another tab logged out. Key, tokens and agreements are gone; what was under way rejects with `SessionExpired`.
   */
  onSessionExpired?: (reason: 'expired' | 'refused' | 'logged_out_elsewhere') => void;
  /** Somebody is logged in, or nobody, though nothing was asked of this instance: after the above, and when another tab logs in. */
  onSessionChange?: (isLoggedIn: boolean) => void;
  /** The delegation that tokens are minted from. */
  delegationConfig?: DelegationConfig;
  /** Asked before anything is paid. A limit of `policy` holds whatever it answers. */
  approve?: Approve;
  /** Chooses among several offers: one of them, or its place. Without it: what is held, then the price, then order. */
  select?: (offers: Offer[]) => Offer | number | undefined | Promise<Offer | number | undefined>;
  /** What may be spent without asking, and limits that always hold. */
  policy?: SpendPolicy;
  /**
   * Keeps the budget beyond this page: totals, the limits of `policy` that they stand against, what is about to be spent,
   * orders under way, and `spend.receipts`. With `session` it survives a reload of the tab; with `local` the tabs of this
   * origin share it too, and together never exceed it. Instances with the same `name` (default `default`) have the same
   * budget. No key and no token is kept.
   *
   * Rejects with `storage_unavailable` where it cannot be kept: it needs Web Locks, and `sessionStorage` or IndexedDB that
   * may be written. Should the storage fail later, a fetch rejects with the same code before it pays. A tab that dies has
   * spent what it had sent; what it was about to spend is let go. Kept totals that cannot be read count as everything: each
   * limit stands against each payment, until another `name` is used. Whoever clears the site's data begins anew.
   *
   * Without it the budget is this instance's and is gone with it; a page (`getBrowserInstance`) then still keeps its orders
   * under way in `sessionStorage`, so that it does not buy twice when it is loaded again in the middle of a purchase.
   */
  budget?: { storage: 'session' | 'local'; name?: string };
  /** 3 asks for single-use tokens, bound to resource and method; a platform may answer with others. Default 2. */
  tokenVersion?: 2 | 3;
  /** How many single-use tokens are minted ahead, so that the next request is one round trip; at most 16. Default 0. */
  prefetch?: number;
  /** Told what happens, as it happens. */
  onEvent?: (event: PaymentEvent) => void;
}

/**
 * How long each step of a `fetch` may take, in milliseconds. A body is never cut off once its head is there, but for that of
 * a 402, which is read for its terms.
 */
export interface StepTimeouts {
  /**
   * Each request to the seller, until its head is there. Default: as long as it takes, as with `fetch` itself. Rejects with
   * `send_timeout`; where a token had gone out, it is an `OutcomeUnknown`, and `spend.outcome` is `unknown`.
   */
  send?: number;
  /**
   * Each thing that the platform is asked for on the way: a token, a balance, an order. Default: as long as its calls may
   * take (`timeoutMs`). Rejects with `platform_timeout`; for an order with `purchase_outcome_unknown`, as it may go through.
   * What others wait for too goes on.
   */
  platform?: number;
  /** The answer of `approve` or `select`. Default: as long as it takes. Rejects with `approve_timeout`. */
  approve?: number;
  /** The credits of an order that went through. Default 60000. Rejects with `credits_timeout`. */
  credits?: number;
}

/** What `Payments.getInstance` takes. */
export interface PaymentOptions extends CommonOptions {
  /** `<prefix>:<jwt>`. Kept in memory only, never logged, never put into a URL. */
  nvmApiKey: string;
}

/** What `Payments.getBrowserInstance` takes. */
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

/** Decides about one offer; may show a dialog. One that throws ends the fetch with `approve_failed`, and nothing is paid. */
export type Approve = (offer: Offer, context: ConsentContext) => Approval | Promise<Approval>;

/** `true` allows this one payment, from credits that are held or that the delegation tops up. */
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
      /** In its place: the delegation that belongs to the API key of this id. */
      apiKeyId?: string;
    };

/** What is asked for a resource. */
export interface Offer {
  /** The plan whose credits pay: a uint256 in decimal digits. */
  planId: string;
  /** The agent that is paid for, where the seller names one. */
  agentId?: string;
  /** Paid from credits in a wallet's name, or from a card. Others are skipped: they are never offered here. */
  scheme: 'nvm:erc4337' | 'nvm:card-delegation';
  /** A chain in CAIP-2 (`eip155:84532`), or the provider that charges the card (`stripe`). */
  network: string;
  /** The price of this request in credits, where the seller says it. */
  credits?: bigint;
  /** The origin that asks, and the only one that a token will be sent to. */
  origin: string;
  /** What was requested. */
  url: string;
  /** What is sold, in the seller's own words. */
  resource: { url: string; description?: string; mimeType?: string };
  /** Known from an earlier answer: nothing has been requested yet. */
  remembered: boolean;
  /** An earlier payment of the same may have been taken: this is one more (see `FetchOptions.resume`). */
  again: boolean;
}

/** What an `approve` callback may look at before it answers; each costs one request. */
export interface ConsentContext {
  /** `GET /api/v1/protocol/plans/:planId`: name and price. */
  plan(): Promise<Plan>;
  /** The buyer's own balance. Having been read, it also decides whether a purchase is needed. */
  balance(): Promise<PlanBalance>;
  /** Fires when the answer is of no use any more: aborted, timed out, logged out. */
  readonly signal: AbortSignal;
}

/**
 * What is paid without asking, where `origins` names the seller, and limits that hold whatever `approve` says.
 *
 * Limits on credits count, for each token that is sent, the most that the plan lets the seller take, as the platform states
 * it: of a fixed plan its amount, of a dynamic one its maximum, of a plan that sells time nothing. An offer's own price counts
 * where it is higher. Nothing that a seller says afterwards lowers the count. Where a limit is set, single-use tokens are
 * asked for (`tokenVersion: 3`): a reusable token can be settled again by whoever holds it, so with one the limits bound
 * what is presented.
 */
export interface SpendPolicy {
  /** Of one call of `fetch`, all its tokens together. */
  maxCreditsPerRequest?: CreditsInput;
  /** Over the last 60 minutes, to the minute. */
  maxCreditsPerHour?: CreditsInput;
  /** Over the last 24 hours, to the minute. */
  maxCreditsPerDay?: CreditsInput;
  /** Over the life of the instance, or of its `budget`. */
  maxCreditsTotal?: CreditsInput;
  /** Only these plans, by id; absent or empty: any. The same for the lists below. */
  plans?: string[];
  /**
   * The sellers' origins: `https://api.example`, or `*` for all of them. Without `approve` nothing is paid where this is absent
   * or empty (`consent_required`); with `approve` an empty list allows any.
   */
  origins?: string[];
  /** Only these: `eip155:84532`, `stripe`, … */
  networks?: string[];
  /** Only these: `nvm:erc4337`, `nvm:card-delegation`. */
  schemes?: string[];
  /**
   * `true`: buy the plan where the platform says that the balance does not suffice; it needs `plans` or `maxPrice` beside it
   * (`purchase_not_allowed`). Not set: do not; but the platform may buy from the delegation when it settles, within the
   * delegation's own limit, which the limits here do not count. `false`: nothing is sent that the credits held do not cover.
   */
  purchase?: boolean;
  /** Orders in the last 60 minutes. Where no limit on purchases is set and nobody was asked: 1. */
  maxPurchasesPerHour?: number;
  /** Orders in the last 24 hours. */
  maxPurchasesPerDay?: number;
  /** Orders over the life of the instance, or of its `budget`. */
  maxPurchasesTotal?: number;
  /**
   * The most that one order may cost, by the platform's price of the plan: `amount` in millionths of `currency` (`USDC`, `EURC`,
   * `USD`, `EUR`, or the address of another token, then in its smallest unit). `{ amount: 5_000_000n, currency: 'USDC' }` is
   * five dollars.
   */
  maxPrice?: { amount: CreditsInput; currency: string };
  /**
   * What limits count at the origins that `origins` names one by one: `most` (default) or the offer's own `price`, for sellers
   * that are trusted to settle no more than they ask.
   */
  count?: 'most' | 'price';
}

/** The delegation to pay from: by its id, or by the id of the API key that it belongs to. */
export type DelegationConfig = { delegationId: string } | { apiKeyId: string };

/** Instead of what the instance has (see `CommonOptions`), whose limits hold all the same. */
export interface FetchOptions {
  /** The delegation to pay from. */
  delegationConfig?: DelegationConfig;
  /** Asked instead of the instance's. */
  approve?: Approve;
  /** Chooses instead of the instance's. */
  select?: CommonOptions['select'];
  /** What this call may spend without asking. */
  policy?: SpendPolicy;
  /** 2 for reusable tokens, 3 for single-use ones. */
  tokenVersion?: 2 | 3;
  /** How many single-use tokens are minted ahead. */
  prefetch?: number;
  /** Sends the requests to the seller. */
  fetch?: typeof fetch;
  /** How long each step may take; what is not given is the instance's. */
  timeouts?: StepTimeouts;
  /**
   * Goes on after an outcome that is not known: the error (or the result) of an earlier `fetch` of the same method and URL
   * whose `spend.payment` is set. Give the same body, and a signal that has not fired.
   *
   * A single-use token is presented once more, counts once, and can be burned once only. With a reusable one it is another
   * payment: `approve` is asked with `offer.again`, whatever was agreed to before (without `approve` the policy decides), and
   * it counts. An equal balance would not prove that nothing was or will be burned.
   *
   * Rejects with `not_resumable` where there is nothing to go on with: a payment can be gone on with once, and until logout.
   */
  resume?: { readonly spend?: Spend };
}

/** The terms of a resource, and the answer that came with them: a 402, or what is free. */
export interface Quote {
  /** As it came, its body unread. */
  response: Response;
  /** What can be paid, in the seller's order; empty where nothing is to be paid, or nothing can be. */
  offers: QuotedOffer[];
  /** Of the asking, which costs nothing: how many requests went out. */
  spend: Spend;
}

/** An offer with what the platform says of its plan. What could not be learned is left out. */
export interface QuotedOffer extends Offer {
  /** As the seller called it. */
  planName?: string;
  /** Of the plan, in millionths of the currency; a token's address stands for its currency. */
  price?: { amount: bigint; currency?: string; isCrypto: boolean; tokenAddress?: string };
  /** What the plan grants when it is bought. */
  planCredits?: bigint;
  /** How long what it grants is good, in seconds, where it ends. */
  planSeconds?: number;
  /** What is held of it, in credits. */
  balance?: bigint;
  /**
   * `now`: the credits suffice. `after-purchase`: they do not, or it could not be learned. `after-login`: nobody is logged
   * in.
   */
  payable: 'now' | 'after-purchase' | 'after-login';
}

/** What this instance has spent, in credits; with a `budget`, what all who share it have. */
export interface SpendTotals {
  /** The most that the tokens which were sent can have cost: what limits count. */
  credits: bigint;
  /** What sellers' receipts say was taken, of the last 1000 payments: their word, not the platform's. */
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
  /** The last 1000 payments, the oldest first. */
  receipts: PaymentRecord[];
}

/** One payment that was sent, for the books. */
export interface PaymentRecord {
  /** When it ended. */
  at: Date;
  /** Of the request: `POST`. */
  method: string;
  /** What was paid for. */
  url: string;
  /** Who was paid. */
  origin: string;
  /** Whose credits. */
  planId: string;
  /** `nvm:erc4337` or `nvm:card-delegation`. */
  scheme: string;
  /** A chain in CAIP-2, or who charges the card. */
  network: string;
  /** What came of it. */
  outcome: Spend['outcome'];
  /** The most that its tokens can have cost, in credits. */
  creditsPresented: bigint;
  /** Credits that the receipt says were taken: the seller's word. */
  creditsSettled?: bigint;
  /** Of the settlement, where there is one. */
  transaction?: string;
}

/** What `payments.fetch` resolves to. A response that asked for no payment is here too, with a `spend` of nothing. */
export interface PaidResponse {
  /** The seller's response, untouched: same object, same streaming body. */
  response: Response;
  /** The receipt, where one came and could be read. */
  receipt?: Receipt;
  /** What it cost. */
  spend: Spend;
}

/** What came of a settlement (`payment-response`). */
export interface Receipt {
  /** Whether the platform took the credits. */
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

/** What one `fetch` did with money, whatever came of it. */
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
  /** Whether the token that was sent last can be presented once only. */
  singleUse: boolean;
  /**
   * Plans that were bought on the way. `confirmed` says that the platform said so; it is false where an order's answer did not
   * come, and of what only the seller's receipt names (`receipt.orderTx`).
   */
  purchases: { planId: string; txHash?: string; confirmed: boolean }[];
  /** The receipt, where one came and could be read. */
  receipt?: Receipt;
  /** Of an `unknown` outcome that can be gone on with: see `FetchOptions.resume`. */
  payment?: number;
}

interface EventOfFetch {
  /** The number of the `fetch`, from 1: what belongs together. */
  fetch: number;
  /** What is requested. */
  url: string;
}

interface EventOfOffer extends EventOfFetch {
  /** The plan of the offer. */
  planId: string;
  /** The price of the request in credits, where the seller says it. */
  credits?: bigint;
}

/** What happens on the way of a `fetch`, as it happens. None carries a key or a token. */
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
  /** Whether the payment was taken is not known. */
  | (EventOfOffer & { type: 'unknown' });

/** A plan as the platform describes it; members beyond these are there too. */
export interface Plan {
  /** A uint256 in decimal digits. */
  id: string;
  /** What the seller wrote. */
  metadata?: { main?: { name?: string; description?: string; [member: string]: unknown }; plan?: Record<string, unknown>; [member: string]: unknown };
  /** What it costs and grants; amounts are in millionths of the currency, credits whole. */
  registry?: { owner?: string; price?: Record<string, unknown>; credits?: Record<string, unknown>; [member: string]: unknown };
  [member: string]: unknown;
}

/** An agent as the platform describes it; members beyond these are there too. */
export interface Agent {
  /** A uint256 in decimal digits. */
  id: string;
  [member: string]: unknown;
}

/** What an account holds of a plan. */
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
  /** Whether anything is held. */
  isSubscriber: boolean;
  /** In the plan's currency; for showing, not for computing. */
  pricePerCredit: number;
}

/** What the platform answers to an order. */
export interface NvmAPIResult {
  /** Whether it was made. */
  success: boolean;
  /** The transaction, where there is one. */
  txHash?: string;
  /** For a person. */
  message?: string;
  [member: string]: unknown;
}

/** Which part of a list, and in what order. */
export interface PaginationOptions {
  /** From 1. */
  page?: number;
  /** How many entries a page has. */
  offset?: number;
  /** A member of the entries: `created`, … */
  sortBy?: string;
  /** Default `desc`. */
  sortOrder?: 'asc' | 'desc';
}

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
  /** Who charges it. */
  provider?: 'stripe' | 'braintree' | 'visa' | 'vgs' | 'erc4337';
  /** `active`, … */
  status?: string;
  /** The API keys that may use it; `null` for all. */
  allowedApiKeyIds?: string[] | null;
}

/** A delegation; money in cents of `currency`, as decimal strings. Members beyond these are there too. */
export interface DelegationSummary {
  /** What `delegationConfig` takes. */
  delegationId: string;
  /** `erc4337` or who charges the card. */
  provider: string;
  /** The card, or the wallet's address; `null` where it needs none. */
  providerPaymentMethodId: string | null;
  /** `Active`, `Revoked`, … */
  status: string;
  /** What it may spend in all. */
  spendingLimitCents: string;
  /** What it has spent. */
  amountSpentCents: string;
  /** What it has left. */
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

/** What may still be spent. */
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

/** What a card checkout is (Stripe's); times in seconds since 1970. */
export interface StripeCheckoutResult {
  /** Where a person pays. */
  checkoutLink: string;
  /** Of the checkout. */
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

/** How long to wait for credits, and who is told. */
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

/** What `plans.checkout` takes. Without `min`: more than were held before. */
export interface CheckoutOptions extends JourneyOptions, WaitOptions {}

/** What `delegation.setupCard` takes. */
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
  /** The card, where one was added. */
  paymentMethodId?: string;
  /** What `delegationConfig` takes, where one was made. */
  delegationId?: string;
}

/** What an offer says beside its plans; what is absent or empty is left out. */
export interface PaymentRequiredOptions {
  /** What is sold: the URL or path. */
  endpoint?: string;
  /** The agent that is paid for. */
  agentId?: string;
  /** `POST`, … */
  httpVerb?: string;
  /** Default: the scheme's in the environment. */
  network?: string;
  /** For a person. */
  description?: string;
  /** Of the answer. */
  mimeType?: string;
  /** Default `nvm:erc4337`. */
  scheme?: 'nvm:erc4337' | 'nvm:card-delegation';
  /** Default: as `sandbox`. */
  environment?: EnvironmentName;
}

/** The x402 document of a 402. */
export interface X402PaymentRequired {
  /** The version of x402. */
  x402Version: 2;
  /** What is sold. */
  resource: { url: string; description?: string; mimeType?: string };
  /** The ways to pay, any of which will do. */
  accepts: { scheme: string; network: string; planId: string; extra: { version: string; agentId?: string; httpVerb?: string } }[];
  /** Of x402; empty. */
  extensions: Record<string, unknown>;
}

/** What may be spent, from what, and for how long. */
export interface CreateDelegationPayload {
  /** `erc4337` pays from the wallet; the others from a card. */
  provider: 'erc4337' | 'stripe' | 'braintree';
  /** In cents of `currency`. */
  spendingLimitCents: number;
  /** For how long, from now. */
  durationSecs: number;
  /** Of the limit. */
  currency: 'usd' | 'eur' | 'usdc' | 'eurc';
  /** The card; see `listPaymentMethods`. */
  providerPaymentMethodId?: string;
  /** Only for this plan. */
  planId?: string;
  /** Braintree only. */
  merchantAccountId?: string;
  /** How often at the most. */
  maxTransactions?: number;
  /** Only by this API key. */
  apiKeyId?: string;
}

/** What a token is made for and from. */
export interface X402TokenOptions {
  /** Default `nvm:erc4337`. See `resolveScheme`. */
  scheme?: 'nvm:erc4337' | 'nvm:card-delegation';
  /** Default: the scheme's in the environment. See `resolveNetwork`. */
  network?: string;
  /** Default: the instance's. */
  delegationConfig?: DelegationConfig;
}

/**
 * The class of all errors. The platform's own codes are `BCK.*`, and `http_<status>` where it named none. The package's:
 *
 * Of what was given: `validation` (the message names the field), `invalid_request`, `body_not_replayable`, `browser_only`.
 *
 * Of consent, nothing being paid: `consent_denied`, `approve_failed`, `budget_exceeded`, `insufficient_credits`,
 * `delegation_required`.
 *
 * Of the seller: `malformed_offer`, `no_payable_offer`, `payment_refused`, `insecure_target`, `ambiguous_redirect`,
 * `redirected_while_paying`.
 *
 * Of an outcome that is not known: `outcome_unknown`, `purchase_outcome_unknown`. Of purchases besides: `order_refused`,
 * `credits_timeout`, `checkout_cancelled`, `checkout_closed`, `card_cancelled`, `card_state_mismatch`, `return_url_not_allowed`.
 *
 * Of the session: `unauthorized` (nobody is logged in), `session_ended`, `session_expired`, `login_state_mismatch`,
 * `login_bad_key`, `login_account_mismatch`, `popup_blocked`, `popup_closed`, `storage_unavailable`.
 *
 * Of the way: `network_error`, `garbled_answer`, `aborted` (the error's `name` is `AbortError`, its `cause` the reason).
 */
export class PaymentsError extends Error {
  /** The package makes them; a program looks at them. */
  protected constructor();
  /** For programs: stays the same from version to version. */
  readonly code: string;
  /** What to do about it, where there is something. */
  readonly hint?: string;
  /** The HTTP status, where there was an answer; 408 where the platform's did not come in time. */
  readonly status?: number;
  /** For support to find the request by: the platform's, or the one that was sent. */
  readonly correlationId?: string;
  /** The same call may succeed later, and costs nothing twice. */
  readonly retryable: boolean;
  /** Where the code is explained. */
  readonly docsUrl?: string;
  /** What was spent, on errors of `fetch`, those included that end it before anything is sent. */
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

  /** Whether there is a key that is not known to have ended. */
  readonly isLoggedIn: boolean;
  /** The environment that calls go to. */
  readonly environmentName: EnvironmentName;
  /** The same, by the official SDK's name. */
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
   *
   * A plan is ordered once: while an order is under way, of this instance or of this page before a reload, its credits are
   * waited for. If they do not come in a minute it rejects with `credits_timeout`, and so does each fetch that needs them for
   * a day; one of another page or tab rejects with `purchase_pending`. `plans.orderPlan` orders again all the same.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit, options?: FetchOptions): Promise<PaidResponse>;

  /**
   * Sends the request without paying, and says what it would cost. Asks nobody, and mints and orders nothing. Rejects as
   * `fetch` does where the request cannot be sent, and with `MalformedOffer`.
   */
  quote(input: RequestInfo | URL, init?: RequestInit): Promise<Quote>;

  /**
   * A `fetch` for other clients (OpenAI's SDK, ky, ...), over another `fetch` if one is given; gives the response alone.
   *
   * It behaves as `fetch` does under clients that retry: a no and a refusal resolve with the seller's 402; what failed before
   * any money rejects with a `TypeError`, an abort with the signal's reason. Where the outcome of a payment is unknown, the same
   * method, URL and body within ten minutes is not paid again: with a single-use token that very token is presented once
   * more, with a reusable one the earlier outcome comes again. So clients that retry want `tokenVersion: 3`.
   */
  wrapFetch(fetch?: typeof globalThis.fetch): typeof globalThis.fetch;

  /** Receipt, spend and error of a response that `wrapFetch` gave; undefined for any other. */
  paymentOf(response: Response): { receipt?: Receipt; spend: Spend; error?: PaymentsError } | undefined;

  /** What this instance has spent since it was made. */
  readonly spend: SpendTotals;
  /** The last 1000 payments as text: JSON with credits as digits, or CSV (RFC 4180). Throws `validation` for another format. */
  exportReceipts(format?: 'json' | 'csv'): string;

  /** Plans: what is for sale, what is held, and how to buy. */
  readonly plans: {
    /** `GET /api/v1/protocol/plans/:planId`. Needs no login. */
    getPlan(planId: string | bigint): Promise<Plan>;
    /** `GET /api/v1/protocol/plans`: one's own, by default the first 100, newest first; with an organization all of its. */
    getPlans(page?: number, offset?: number, sortBy?: string, sortOrder?: 'asc' | 'desc', options?: { organizationId?: string }): Promise<Paginated & { plans: Plan[] }>;
    /** `GET …/plans/:planId/agents`: what it gives access to, by default the first 10. Needs no login. */
    getAgentsAssociatedToAPlan(planId: string | bigint, pagination?: PaginationOptions): Promise<Paginated & { agents: Agent[] }>;
    /** `GET …/plans/:planId/balance/:address`: of the key's own account, unless `account` is an address. */
    getPlanBalance(planId: string | bigint, account?: string): Promise<PlanBalance>;
    /**
     * `POST …/plans/:planId/order`: buys a crypto, free or trial plan; a trial once only. Never repeated by itself: where no
     * answer came that says what happened it rejects with an `OutcomeUnknown` (`purchase_outcome_unknown`): look at the
     * balance first.
     */
    orderPlan(planId: string | bigint): Promise<NvmAPIResult>;
    /** `POST /api/v1/fiat/stripe/payment`: begins a card checkout, and charges nothing: `result.checkoutLink` is for a person to open. */
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

  /** Agents: what plans give access to. */
  readonly agents: {
    /** `GET /api/v1/protocol/agents/:agentId`. Needs no login. */
    getAgent(agentId: string | bigint): Promise<Agent>;
    /** `GET …/agents/:agentId/plans`: those that give access to it, by default the first 10. Needs no login. */
    getAgentPlans(agentId: string | bigint, pagination?: PaginationOptions): Promise<Paginated & { plans: Plan[] }>;
  };

  /** What may be spent, and from which cards. */
  readonly delegation: {
    /** `POST /api/v1/delegation/create`. Nothing is charged by it. Never repeated by itself. */
    createDelegation(payload: CreateDelegationPayload): Promise<{ delegationId: string; delegationToken?: string }>;
    /** `GET /api/v1/delegation`. `accessible`: those that the key in use may spend from, as long as something is left. */
    listDelegations(options?: { accessible?: boolean }): Promise<{ delegations: DelegationSummary[]; totalResults: number; page: number; offset: number }>;
    /**
     * `DELETE /api/v1/delegation/:delegationId`: nothing is paid from it any more. In the documentation only; no official SDK
     * calls it.
     */
    revokeDelegation(delegationId: string): Promise<unknown>;
    /** `GET /api/v1/payment-methods`: cards, and the wallet. `accessible`: those that the key in use may pay with. */
    listPaymentMethods(options?: { accessible?: boolean; provider?: string }): Promise<PaymentMethodSummary[]>;
    /** `PATCH /api/v1/payment-methods/:id`: a name of one's own, and which API keys may use it (`null`: all). */
    updatePaymentMethod(paymentMethodId: string, changes: { alias?: string; allowedApiKeyIds?: string[] | null }): Promise<PaymentMethodSummary>;
    /** What is left to spend: `listPaymentMethods` and `listDelegations` added up. */
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

  /** Tokens by hand; `payments.fetch` does this by itself. */
  readonly x402: {
    /**
     * `POST /api/v1/x402/permissions`: an access token, for the header `payment-signature`. Rejects with `validation` without
     * a delegation.
     */
    getX402AccessToken(
      planId: string | bigint,
      agentId?: string,
      tokenOptions?: X402TokenOptions,
    ): Promise<{ accessToken: string; permissionHash?: string; [member: string]: unknown }>;
    /** What stands behind a token that was minted. The hosted platform documents these three, and no official SDK calls them. */
    getPermission(permissionHash: string): Promise<Record<string, unknown>>;
    /** One's own, a page of them. */
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
/** The other way: compact JSON in UTF-8, base64url without padding. */
export function encodeAccessToken(payload: Record<string, unknown>): Promise<string>;
/** How a plan is paid for: by card where it says that its price is not in crypto. Rejects where it cannot be read. */
export function resolveScheme(payments: Payments, planId: string, explicitScheme?: string): Promise<string>;
/** The provider that charges the card, where the plan names one. */
export function resolveNetwork(payments: Payments, planId: string, explicitNetwork?: string): Promise<string | undefined>;

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
export default function init(source?: BufferSource | Response | Promise<Response> | WebAssembly.Module): Promise<void>;
