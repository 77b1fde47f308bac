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
