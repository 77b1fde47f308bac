// The public types of those who sell, and the functions, fixed values and classes of the official SDK that need no instance. They follow the types of
// those who pay in one file, `index.d.ts`.

/**
 * Whole credits or money: a `bigint`, a decimal string, or a number that is a safe integer. Any other number is refused with
 * `validation`, and the message names it: it may have been another before it was given.
 */
export type Amount = CreditsInput;

// options: MppFetchOptions

// options: TokenResource

// options: TokenDelegation

/** Price of a plan. Amounts are sent as decimal digits. */
export interface PlanPriceConfig {
  /** The token that is paid with; the zero address for the native one, and for fiat. */
  tokenAddress: string;
  /** Amount for each receiver: of a token in its smallest unit, of fiat in millionths (1000000 is $1.00, the minimum).
   * */
  amounts: Amount[];
  /** Receivers of the payment; one for each amount. */
  receivers: string[];
  /** The zero address. */
  contractAddress: string;
  /** The zero address. */
  feeController: string;
  /** The zero address. */
  externalPriceAddress: string;
  /** The zero address, but for a plan that is paid as one goes. */
  templateAddress: string;
  /** False where it is paid by card. A free plan is true. */
  isCrypto: boolean;
  /** `USD`, `EUR`, `USDC` or `EURC`. */
  currency?: string;
}

/** Credits that a plan grants and that a request burns. Amounts are sent as decimal digits. */
export interface PlanCreditsConfig {
  /** True if each request burns the same amount. */
  isRedemptionAmountFixed: boolean;
  /** Roles that may redeem: see `PlanRedemptionType`. */
  redemptionType: number;
  /** True if burns are repeated on chain. False: the platform's database is the ledger. */
  onchainMirror: boolean;
  /** How long what is bought is good, in seconds; 0 for good. */
  durationSecs: Amount;
  /** Credits that a purchase brings. */
  amount: Amount;
  /** The least that a request takes. */
  minAmount: Amount;
  /** The most that a request takes. */
  maxAmount: Amount;
  /** A contract of one's own that keeps the credits. */
  nftAddress?: string;
}

/** Description of an agent. */
export interface AgentMetadata {
  /** How people know it. */
  name: string;
  /** Purpose of the agent. */
  description?: string;
  /** Author of the agent. */
  author?: string;
  /** Under what terms. */
  license?: string;
  /** Tags for search. */
  tags?: string[];
  /** How it is built in. */
  integration?: string;
  /** Where it can be tried. */
  sampleLink?: string;
  /** Description of its API. */
  apiDescription?: string;
  /** ISO 8601, or a `Date`. */
  dateCreated?: string | Date;
  [member: string]: unknown;
}

/** Description of a plan. */
export interface PlanMetadata extends AgentMetadata {
  /** Bought once by each account. The trial methods set it, in a copy. */
  isTrialPlan?: boolean;
}

/** Where an agent is, and how the platform gets in. */
export interface AgentAPIAttributes {
  /** Paid endpoints: `{ POST: 'https://api.example/agents/:id/tasks' }`, patterns of path-to-regexp. Default: any. */
  endpoints?: Record<string, string>[];
  /** Free endpoints. */
  openEndpoints?: string[];
  /** An OpenAPI document, an MCP manifest or an A2A card. */
  agentDefinitionUrl?: string;
  /** How it knows its callers. */
  authType?: 'none' | 'basic' | 'oauth' | 'bearer';
  /** With `basic`. */
  username?: string;
  /** With `basic`. */
  password?: string;
  /** With `oauth` and `bearer`. */
  token?: string;
  [member: string]: unknown;
}
