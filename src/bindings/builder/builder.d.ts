// The public types of `payments-wasm/builder`. Names and argument orders are those of the official TypeScript SDK; what only the
// Python SDK has is here by its name in camel case.
import type {
  Agent, CreateDelegationPayload, CreditsInput, DelegationSummary, EnvironmentName, NvmAPIResult, Paginated, PaginationOptions,
  PaymentMethodSummary, Plan, PlanBalance, PurchasingPower, StripeCheckoutResult, X402PaymentRequired,
} from './index.js';

export {
  EURC_TOKEN_ADDRESS, EURC_TOKEN_ADDRESS_TESTNET, ONE_DAY_DURATION, ONE_MONTH_DURATION, ONE_WEEK_DURATION, ONE_YEAR_DURATION, OutcomeUnknown,
  PaymentsError, SessionExpired, USDC_TOKEN_ADDRESS, USDC_TOKEN_ADDRESS_TESTNET, ZeroAddress,
} from './index.js';

/**
 * Whole credits or money: a `bigint`, a decimal string, or a number that is a safe integer. Any other number is refused with
 * `validation`, and the message names it: it may have been another before it was given.
 */
export type Amount = CreditsInput;

// options: BuilderOptions

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

/** Where something is published. */
export interface PublishOptions {
  /** In whose name, for this call only (`X-Current-Org-Id`); without it, in the instance's. */
  organizationId?: string;
}

/** Parameters of `facilitator.verifyPermissions`. */
export interface VerifyPermissionsParams {
  /** The offer from the 402 response. */
  paymentRequired: X402PaymentRequired;
  /** The token as it came in `payment-signature`. */
  x402AccessToken: string;
  /** The most credits that the request can cost; 0 is one. */
  maxAmount?: Amount;
}

/** Parameters of `facilitator.settlePermissions`. */
export interface SettlePermissionsParams extends VerifyPermissionsParams {
  /** Request id from the verify response: the request that is booked. */
  agentRequestId?: string;
  /** To be burned with others later, in one transaction. */
  batch?: boolean;
  /** 0 to 10, for a plan priced by what a request came to, and a margin: 0.2 is a fifth. Not with `agentRequestId` and `maxAmount` at once. */
  marginPercent?: number;
}

/** Result of a verification. */
export interface VerifyPermissionsResult {
  /** True if the token would pay. */
  isValid: boolean;
  /** Why not. */
  invalidReason?: string;
  /** Whose token it is. */
  payer?: string;
  /** Where it would be settled: a chain in CAIP-2, or who charges the card. */
  network?: string;
  /** To be handed on to settle. */
  agentRequestId?: string;
  /** The endpoint of the agent that it was for. */
  urlMatching?: string;
  /** The request, for `observability`. */
  agentRequest?: StartAgentRequest;
  [member: string]: unknown;
}

/** Result of a settlement. Credits are decimal digits, as in the official SDKs. */
export interface SettlePermissionsResult {
  /** True if the credits were burned. */
  success: boolean;
  /** Why not. */
  errorReason?: string;
  /** Address of the payer. */
  payer?: string;
  /** Empty where there is none. */
  transaction: string;
  /** A chain in CAIP-2, or who charged the card. */
  network: string;
  /** Credits that were taken. */
  creditsRedeemed?: string;
  /** Credits of the plan that are left. */
  remainingBalance?: string;
  /** The transaction of an automatic top-up. */
  orderTx?: string;
  [member: string]: unknown;
}

/** A request to an agent, as the platform books it. */
export interface StartAgentRequest {
  /** Id by which the request is settled and observed. */
  agentRequestId: string;
  /** As its seller called it. */
  agentName: string;
  /** Id of the agent. */
  agentId: string;
  /** Balance of the payer, with `balance` in decimal digits. */
  balance: Omit<PlanBalance, 'balance'> & { balance: string };
  /** The endpoint that it is for. */
  urlMatching: string;
  /** Its method. */
  verbMatching: string;
  /** True if the credits are burned later, in a batch. */
  batch: boolean;
  [member: string]: unknown;
}

/** A part of a task, for the books. */
export interface TrackAgentSubTaskDto {
  /** The request that it belongs to. */
  agentRequestId: string;
  /** Credits that it came to. Default 0. */
  creditsToRedeem?: Amount;
  /** Tag for search. */
  tag?: string;
  /** For people. */
  description?: string;
  /** See `AgentTaskStatus`. */
  status?: 'SUCCESS' | 'FAILED' | 'PENDING';
}

/** Role of a member of an organization. */
export type OrganizationRole = 'Admin' | 'Member' | 'Client';

/** A member who was enrolled. */
export interface CreateUserResponse {
  /** A key of their own: a secret. */
  nvmApiKey: string;
  /** User id on the platform. */
  userId: string;
  /** The account. */
  userWallet: string;
  /** True if the user was a member before. */
  alreadyMember?: boolean;
  [member: string]: unknown;
}

/** A customer who was taken on, or who is asked first: then nothing is told of them. */
export type CustomerOnboardingResponse =
  | { consentRequired: true }
  | { consentRequired: false; nvmApiKey: string; userId: string; userWallet: string; isCustomer?: boolean; customerRecorded?: boolean };

/** A member. */
export interface OrganizationMember {
  /** Id of the membership. */
  id: string;
  /** User id on the platform. */
  userId: string;
  /** The organization. */
  orgId: string;
  /** The account. */
  userAddress: string;
  /** Role in the organization. */
  role: OrganizationRole;
  /** True if the user is still a member. */
  isActive: boolean;
  /** ISO 8601. */
  createdAt: string;
  /** ISO 8601. */
  updatedAt: string;
  [member: string]: unknown;
}

/** An organization that one belongs to. */
export interface MyMembership {
  /** Organization id, for `setOrganizationId`. */
  orgId: string;
  /** Its name. */
  orgName: string;
  /** Role of the caller. */
  role: OrganizationRole;
  /** `Premium`, `Enterprise`, `Lapsed` or `Other`. */
  orgType: string;
  /** True if the caller may do what only admins may. */
  isAdmin: boolean;
  /** True if the organization ever paid. */
  hasSubscriptionHistory: boolean;
  [member: string]: unknown;
}

/** Which events, and which page of them. */
export interface OrganizationActivityFilters {
  /** `plan.created`, `member.joined`, …: one or several. */
  eventType?: string | string[];
  /** User id of the actor. */
  actorUserId?: string;
  /** Not before, ISO 8601. */
  from?: string;
  /** Not after, ISO 8601. */
  to?: string;
  /** From 1. */
  page?: number;
  /** How many, at most 200. */
  limit?: number;
}

/** Something that happened in an organization. */
export interface OrganizationActivityEvent {
  /** Id of the event. */
  id: string;
  /** `plan.created`, … */
  eventType: string;
  /** User id of the actor; `null` for the platform. */
  actorUserId: string | null;
  /** Object of the event. */
  subject: { kind: string; id: string; [member: string]: unknown };
  /** More of it. */
  metadata: Record<string, unknown> | null;
  /** ISO 8601. */
  occurredAt: string;
  [member: string]: unknown;
}

/** Where an admin connects with Stripe; times in seconds since 1970. */
export interface StripeAccountConnectResult {
  /** For a person to open. */
  stripeAccountLink: string;
  /** `acct_…` */
  stripeAccountId: string;
  /** User id on the platform. */
  userId: string;
  /** Two letters. */
  userCountryCode: string;
  /** When the link was made. */
  linkCreatedAt: number;
  /** When it stops working. */
  linkExpiresAt: number;
  [member: string]: unknown;
}

/** Where the platform's contracts are. */
export interface DeploymentInfo {
  /** Version of the deployment. */
  version?: string;
  /** Id of the chain. */
  chainId?: number;
  /** Addresses by name. */
  contracts: Record<string, string>;
  [member: string]: unknown;
}

/** Status of an order. */
export type OrderStatus = 'requires_payment' | 'paid' | 'refunded' | 'partially_refunded' | 'disputed' | 'failed';

/** Parameters of `orders.createOrder`. */
export interface CreateOrderOptions {
  /** In cents; $1.00 at the least. */
  amountMinor: Amount;
  /** Default `usd`, and no other yet. */
  currency?: string;
  /** For people, up to 1024 letters. */
  description?: string;
  /** A number of one's own, up to 255 letters. */
  buyerRef?: string;
  /** The same key again gives the same order, up to 255 letters. With one, the call is repeated where no answer comes. */
  idempotencyKey?: string;
  /** Kept as they are. */
  lineItems?: Record<string, unknown>[];
  /** Kept as it is. */
  metadata?: Record<string, unknown>;
  /** Default `automatic`, and no other yet. */
  captureMode?: string;
  /** Default `stripe`, and no other yet. */
  paymentProvider?: string;
}

/** An order that was made. */
export interface CreateOrderResult {
  /** Nobody guesses it: whoever knows it may read the order. */
  orderId: string;
  /** Status of the order. */
  status: OrderStatus;
  /** Secret with which the buyer's browser confirms the payment, while the order can be paid. */
  clientSecret?: string;
  [member: string]: unknown;
}

/** An order as its buyer may see it. */
export interface Order {
  /** Id of the order. */
  id: string;
  /** In cents. */
  amountMinor: number;
  /** `usd` */
  currency: string;
  /** Status of the order. */
  status: OrderStatus;
  /** Refunded amount, in cents. */
  amountRefundedMinor: number;
  /** For people. */
  description: string | null;
  /** The seller's own number. */
  buyerRef: string | null;
  /** Stripe's. */
  paymentIntentId: string | null;
  /** Until when it can be paid, ISO 8601. */
  expiresAt: string | null;
  /** Secret with which the buyer's browser confirms the payment, while the order can be paid. */
  clientSecret?: string;
  [member: string]: unknown;
}

/** Parameters of an MPP challenge. */
export interface IssueMppChallengeParams {
  /** Whose credits. */
  planId: string | bigint;
  /** How many. They are sealed, and burned as they are. */
  credits: Amount;
  /** The sold resource, as the request names it: path and query. */
  resource: string;
  /** The method. */
  httpVerb: string;
  /** The agent. */
  agentId?: string | bigint;
  /** `sha-256=<base64>`: for one body only. */
  digest?: string;
  /** For people. */
  description?: string;
}

/** A buyer's answer to a challenge. */
export interface RedeemMppParams {
  /** The `Payment …` value of `Authorization`. */
  credential: string;
  /** As in the challenge. */
  resource: string;
  /** As in the challenge. */
  httpVerb: string;
  /** Digest of the received body, if the challenge was for one. */
  bodyDigest?: string;
}

/** Options of a token for MPP. It is bound to its challenge, so nothing of version 3 is allowed here. */
export interface MppTokenOptions {
  /** Default `nvm:erc4337`. */
  scheme?: 'nvm:erc4337' | 'nvm:card-delegation';
  /** Default: the environment's for that scheme. */
  network?: string;
  /** The delegation that it spends from. */
  delegationConfig: { delegationId: string } | { apiKeyId: string };
}

/** A settlement with what the seller sends on. */
export interface MppSettleResult extends SettlePermissionsResult {
  /** The value of the header `Payment-Receipt`. */
  paymentReceipt?: string;
}

/** A challenge, taken apart. */
export interface MppChallenge {
  /** A seal over all the rest: it names the payment. */
  id: string;
  /** The seller's realm. */
  realm: string;
  /** How it is paid. */
  method: string;
  /** The intent of the challenge. */
  intent: string;
  /** The requested payment, credits in decimal digits. */
  request: { planId: string; credits: string; agentId?: string };
  /** The same as it came: it goes back byte for byte. */
  requestEncoded: string;
  /** Until when, ISO 8601. */
  expires?: string;
  /** `sha-256=<base64>`: for one body only. */
  digest?: string;
  /** The seller's own; it goes back as it came. */
  opaque?: string;
  /** For people. */
  description?: string;
}

/** Content of the header `Payment-Receipt`. It is not signed. */
export interface MppReceipt {
  /** How it was paid. */
  method: string;
  /** The transaction. */
  reference: string;
  /** `success`, … */
  status: string;
  /** ISO 8601. */
  timestamp: string;
}

/** Usage of a model call. */
export interface HeliconeUsage {
  /** Tokens in. */
  prompt_tokens: number;
  /** Tokens out, or what stands for them. */
  completion_tokens: number;
  /** Both. */
  total_tokens: number;
  /** Details of the input tokens. */
  prompt_tokens_details?: { cached_tokens: number; audio_tokens: number };
  /** Details of the output tokens. */
  completion_tokens_details?: { reasoning_tokens: number; audio_tokens: number; accepted_prediction_tokens: number; rejected_prediction_tokens: number };
}

/** Description of a model call, for Helicone. */
export interface HeliconePayloadConfig {
  /** Its name. */
  model: string;
  /** Input: JSON. */
  inputData: unknown;
  /** Default 1. */
  temperature?: number;
  /** Default 1. */
  top_p?: number;
  /** Default 0. */
  frequency_penalty?: number;
  /** Default 0. */
  presence_penalty?: number;
  /** Default 1. */
  n?: number;
  /** Default false. */
  stream?: boolean;
}

/** Response of a model call, for Helicone. */
export interface HeliconeResponseConfig {
  /** Before the time, in the id. */
  idPrefix: string;
  /** Its name. */
  model: string;
  /** Output: JSON. */
  resultData: unknown;
  /** Usage of the call. */
  usage: HeliconeUsage;
  /** Default: made of the time. */
  systemFingerprint?: string;
}

/** Options for making an OpenAI client. */
export interface OpenAIConfiguration {
  /** The caller's own. */
  apiKey: string;
  /** Helicone's gateway. */
  baseURL: string;
  /** Headers that book the call on the agent's request. Helicone's key is among them. */
  defaultHeaders: Record<string, string>;
}

/** Options for making a `ChatOpenAI` of LangChain. */
export interface ChatOpenAIConfiguration {
  /** Name of the model. */
  model: string;
  /** The caller's own. */
  apiKey: string;
  /** Where, and with what. */
  configuration: { baseURL: string; defaultHeaders: Record<string, string> };
}

/**
 * One seller. Its methods reject with a `PaymentsError`:
 *
 * - `validation`: an argument is missing or wrong, and the message names it. Nothing was sent.
 * - `BCK.*`: the platform's own codes, with `status`, `hint`, `docsUrl` and `correlationId` where it says them; `http_…` where
 *   it names none.
 * - `session_expired` (a `SessionExpired`): the key has ended. Nothing was sent.
 * - `network_error`, `platform_timeout`: no answer came, or none in time. What reads, and what is as good twice as once, has
 *   been tried three times by then.
 * - `settlement_outcome_unknown`, `purchase_outcome_unknown`, `outcome_unknown` (each an `OutcomeUnknown`): the call moves
 *   credits or money, it was sent, and nobody knows what came of it. It was not sent again; look at the balance first.
 *   `mpp.settleCredential` may be called again: a challenge is burned once.
 * - `garbled_answer`: a yes that could not be understood.
 * - `contract_unknown`: the deployment names no such contract.
 * - `mpp_malformed`: a header of MPP is there and broken.
 */
export class Payments {
  private constructor();

  /** For Node, Deno, Bun, Workers and pages. Throws `validation`; the WebAssembly is loaded by the first call. */
  static getInstance(options: BuilderOptions): Payments;

  /** The environment that calls go to. */
  readonly environmentName: EnvironmentName;
  /** The same, by the official SDK's name. */
  getEnvironmentName(): EnvironmentName;
  /** The account (wallet) address of the key. */
  getAccountAddress(): string | undefined;
  /** For logs: no key. */
  toJSON(): { environmentName: EnvironmentName; accountAddress?: string };
  /** In whose name calls with the key are made, if in anybody's. */
  getOrganizationId(): string | undefined;
  /** In whose name calls with the key are made from now on; `undefined` for one's own. Throws `validation`. */
  setOrganizationId(organizationId: string | undefined): void;

  /** Plans: what is for sale. */
  readonly plans: {
    /**
     * `POST /api/v1/protocol/plans`. Without a nonce: 128 random bits. Without a limit: `time` where the credits end, else
     * `credits`. Never repeated by itself.
     */
    registerPlan(planMetadata: PlanMetadata, priceConfig: PlanPriceConfig, creditsConfig: PlanCreditsConfig, nonce?: Amount, accessLimit?: 'credits' | 'time', options?: PublishOptions): Promise<{ planId: string; [member: string]: unknown }>;
    /** A plan by credits: without an end, and with no more at the least than at the most; else `validation`. */
    registerCreditsPlan(planMetadata: PlanMetadata, priceConfig: PlanPriceConfig, creditsConfig: PlanCreditsConfig, options?: PublishOptions): Promise<{ planId: string; [member: string]: unknown }>;
    /** A plan by time: with an end, and no fixed credits; else `validation`. */
    registerTimePlan(planMetadata: PlanMetadata, priceConfig: PlanPriceConfig, creditsConfig: PlanCreditsConfig, options?: PublishOptions): Promise<{ planId: string; [member: string]: unknown }>;
    /** A plan by credits that each account buys once. */
    registerCreditsTrialPlan(planMetadata: PlanMetadata, priceConfig: PlanPriceConfig, creditsConfig: PlanCreditsConfig, options?: PublishOptions): Promise<{ planId: string; [member: string]: unknown }>;
    /** A plan by time that each account buys once. */
    registerTimeTrialPlan(planMetadata: PlanMetadata, priceConfig: PlanPriceConfig, creditsConfig: PlanCreditsConfig, options?: PublishOptions): Promise<{ planId: string; [member: string]: unknown }>;
    /** `GET /api/v1/protocol/plans/:planId`, without the key. */
    getPlan(planId: string | bigint): Promise<Plan>;
    /** `GET /api/v1/protocol/plans`: one's own, by default the first 100, newest first; with an organization all of its. */
    getPlans(page?: number, offset?: number, sortBy?: string, sortOrder?: 'asc' | 'desc', options?: PublishOptions): Promise<Paginated & { plans: Plan[] }>;
    /** `GET …/plans/:planId/agents`, by default the first 10, without the key. */
    getAgentsAssociatedToAPlan(planId: string | bigint, pagination?: PaginationOptions): Promise<Paginated & { agents: Agent[] }>;
    /** `GET …/plans/:planId/balance/:address`, without the key: of the key's own account, unless `account` is an address. */
    getPlanBalance(planId: string | bigint, account?: string): Promise<PlanBalance>;
    /** `POST …/plans/:planId/order`: buys a crypto, free or trial plan for the key's own account. */
    orderPlan(planId: string | bigint): Promise<NvmAPIResult>;
    /** `POST /api/v1/fiat/stripe/payment`: begins a card checkout, and charges nothing. */
    orderFiatPlan(planId: string | bigint): Promise<{ result: StripeCheckoutResult }>;
    /** `POST …/plans/mint`: gives credits away; the plan's owner only. */
    mintPlanCredits(planId: string | bigint, creditsAmount: Amount, creditsReceiver: string): Promise<NvmAPIResult>;
    /** `POST …/plans/mintExpirable`: the same, good for so many seconds. Default 0: for good. */
    mintPlanExpirable(planId: string | bigint, creditsAmount: Amount, creditsReceiver: string, creditsDuration?: Amount): Promise<NvmAPIResult>;
    /** `POST …/plans/burn`: burns credits of the key's own account. */
    burnCredits(planId: string | bigint, creditsAmount: Amount): Promise<NvmAPIResult>;
    /** `POST …/plans/redeem`: takes credits of `redeemFrom` for a request, as the plan's redemption type allows. */
    redeemCredits(agentRequestId: string, planId: string | bigint, redeemFrom: string, creditsAmount: Amount): Promise<NvmAPIResult>;
    /** See the function of that name. */
    getFiatPriceConfig: typeof getFiatPriceConfig;
    /** See the function of that name. */
    getCryptoPriceConfig: typeof getCryptoPriceConfig;
    /** See the function of that name. */
    getERC20PriceConfig: typeof getERC20PriceConfig;
    /** See the function of that name. */
    getEURCPriceConfig: typeof getEURCPriceConfig;
    /** See the function of that name. */
    getFreePriceConfig: typeof getFreePriceConfig;
    /** See the function of that name. */
    getNativeTokenPriceConfig: typeof getNativeTokenPriceConfig;
    /** The function of that name with the platform's own template, which is asked for once (`GET /`). */
    getPayAsYouGoPriceConfig(amount: Amount, receiver: string, tokenAddress?: string): Promise<PlanPriceConfig>;
    /** See the function of that name. */
    getExpirableDurationConfig: typeof getExpirableDurationConfig;
    /** See the function of that name. */
    getNonExpirableDurationConfig: typeof getNonExpirableDurationConfig;
    /** See the function of that name. */
    getFixedCreditsConfig: typeof getFixedCreditsConfig;
    /** See the function of that name. */
    getDynamicCreditsConfig: typeof getDynamicCreditsConfig;
    /** See the function of that name. */
    getPayAsYouGoCreditsConfig: typeof getPayAsYouGoCreditsConfig;
    /** See the function of that name. */
    setRedemptionType: typeof setRedemptionType;
    /** See the function of that name. */
    setOnchainMirror: typeof setOnchainMirror;
  };

  /** Agents: what plans give access to. */
  readonly agents: {
    /** `POST /api/v1/protocol/agents`. Never repeated by itself. */
    registerAgent(agentMetadata: AgentMetadata, agentApi: AgentAPIAttributes, paymentPlans: (string | bigint)[], options?: PublishOptions): Promise<{ agentId: string }>;
    /** `POST /api/v1/protocol/agents/plans`: both at once. Never repeated by itself. */
    registerAgentAndPlan(agentMetadata: AgentMetadata, agentApi: AgentAPIAttributes, planMetadata: PlanMetadata, priceConfig: PlanPriceConfig, creditsConfig: PlanCreditsConfig, accessLimit?: 'credits' | 'time', options?: PublishOptions): Promise<{ agentId: string; planId: string; txHash?: string }>;
    /** `GET /api/v1/protocol/agents/:agentId`, without the key. */
    getAgent(agentId: string | bigint): Promise<Agent>;
    /** `GET /api/v1/protocol/agents`: one's own, by default the first 100, newest first; with an organization all of its. */
    getAgents(page?: number, offset?: number, sortBy?: string, sortOrder?: 'asc' | 'desc', options?: PublishOptions): Promise<Paginated & { agents: Agent[] }>;
    /** `GET …/agents/:agentId/plans`, by default the first 10, without the key. */
    getAgentPlans(agentId: string | bigint, pagination?: PaginationOptions): Promise<Paginated & { plans: Plan[] }>;
    /** `PUT …/agents/:agentId`: describes it anew. */
    updateAgentMetadata(agentId: string | bigint, agentMetadata: AgentMetadata, agentApi: AgentAPIAttributes): Promise<NvmAPIResult>;
    /** `POST …/agents/:agentId/plan/:planId`. The plan comes first. */
    addPlanToAgent(planId: string | bigint, agentId: string | bigint): Promise<NvmAPIResult>;
    /** `DELETE …/agents/:agentId/plan/:planId`. The plan comes first. */
    removePlanFromAgent(planId: string | bigint, agentId: string | bigint): Promise<NvmAPIResult>;
  };

  /** Verifies and settles tokens. */
  readonly facilitator: {
    /** `POST /api/v1/x402/verify`. Burns nothing. */
    verifyPermissions(params: VerifyPermissionsParams): Promise<VerifyPermissionsResult>;
    /**
     * `POST /api/v1/x402/settle`: burns the credits. Never repeated by itself. Without an amount the platform takes the most
     * that the plan has for a request.
     */
    settlePermissions(params: SettlePermissionsParams): Promise<SettlePermissionsResult>;
  };

  /** Requests to one's agents. */
  readonly requests: {
    /** `POST …/agents/simulate/start`: a request that costs nothing. */
    startSimulationRequest(options?: { pricePerCredit?: number; batch?: boolean; agentName?: string; planName?: string }): Promise<StartAgentRequest>;
    /** `POST …/agents/simulate/finish`: what it would have cost. Asked up to three times, a second apart, while the platform has not heard of it (404). */
    finishSimulationRequest(agentRequestId: string, marginPercent?: number, batch?: boolean): Promise<{ success: boolean; creditsToRedeem: string | number; [member: string]: unknown }>;
    /** `POST /api/v1/protocol/agent-sub-tasks`: books a part of a request. */
    trackAgentSubTask(task: TrackAgentSubTaskDto): Promise<NvmAPIResult>;
  };

  /** Organizations; most of it is for their admins. */
  readonly organizations: {
    /** `POST /api/v1/organizations/account`: enrols a member, and gives their key. */
    createMember(userId: string, userEmail?: string, userRole?: OrganizationRole): Promise<CreateUserResponse>;
    /** The same route: takes a customer on, who is no member. An account of somebody else's is asked first. */
    onboardCustomer(email: string): Promise<CustomerOnboardingResponse>;
    /** `POST /api/v1/organizations/members`, by default the first 100. */
    getMembers(role?: OrganizationRole, isActive?: boolean, page?: number, offset?: number): Promise<{ members: OrganizationMember[]; total: number }>;
    /** `GET /api/v1/organizations/my-memberships`: where one belongs; empty where nowhere. */
    getMyMemberships(): Promise<MyMembership[]>;
    /** `GET /api/v1/organizations/:orgId/activity`: what happened there, newest first. */
    getOrganizationActivity(orgId: string, filters?: OrganizationActivityFilters): Promise<{ items: OrganizationActivityEvent[]; total: number }>;
    /** `POST /api/v1/fiat/stripe/account`: a link on which an admin lets the organization be paid by card. */
    connectStripeAccount(userEmail: string, userCountryCode: string, returnUrl: string): Promise<StripeAccountConnectResult>;
  };

  /** Where the platform's contracts are. */
  readonly contracts: {
    /** `GET /`, without the key; asked once for each instance. */
    getDeploymentInfo(): Promise<DeploymentInfo>;
    /** One of its addresses. Rejects with `contract_unknown`. */
    getContractAddress(contractName: string): Promise<string>;
    /** Address of the template with which pay-as-you-go plans are made. */
    getPayAsYouGoTemplateAddress(): Promise<string>;
  };

  /** Charges of any amount, which a buyer's browser confirms with Stripe.js; no plan, no account. */
  readonly orders: {
    /** `POST /api/v1/orders`, with an organization's own key; the header of an organization does not do. */
    createOrder(options: CreateOrderOptions): Promise<CreateOrderResult>;
    /** `GET /api/v1/orders/:orderId`, without the key. */
    getOrder(orderId: string): Promise<Order>;
  };

  /** The Machine Payments Protocol, the seller's side of it. Experimental on the platform. */
  readonly mpp: {
    /** `POST /api/v1/mpp/challenge`: the value of `WWW-Authenticate`; another each time. Rejects with `BCK.MPP.0002` where it is switched off. */
    issueChallenge(params: IssueMppChallengeParams): Promise<{ challenge: string; id: string; [member: string]: unknown }>;
    /** `POST /api/v1/mpp/verify`. Burns nothing. */
    verifyCredential(params: RedeemMppParams): Promise<VerifyPermissionsResult>;
    /** `POST /api/v1/mpp/settle`: burns what the challenge says, once, however often it is called. */
    settleCredential(params: RedeemMppParams): Promise<MppSettleResult>;
    /** `POST /api/v1/mpp/permissions`: a buyer's token, good on the MPP routes only. */
    getMppAccessToken(planId: string | bigint, agentId: string | bigint | undefined, tokenOptions: MppTokenOptions): Promise<{ accessToken: string; [member: string]: unknown }>;
  };

  /** Delegations, and the cards that they spend from. */
  readonly delegation: {
    /** `POST /api/v1/delegation/create`. Nothing is charged by it. Never repeated by itself. */
    createDelegation(payload: CreateDelegationPayload): Promise<{ delegationId: string; delegationToken?: string }>;
    /** `GET /api/v1/delegation`. `accessible`: those that the key in use may spend from, as long as something is left. */
    listDelegations(options?: { accessible?: boolean }): Promise<{ delegations: DelegationSummary[]; totalResults: number; page: number; offset: number }>;
    /** `DELETE /api/v1/delegation/:delegationId`. In the documentation only; no official SDK calls it. */
    revokeDelegation(delegationId: string): Promise<unknown>;
    /** `GET /api/v1/payment-methods`: cards, and the wallet. `accessible`: those that the key in use may pay with. */
    listPaymentMethods(options?: { accessible?: boolean; provider?: string }): Promise<PaymentMethodSummary[]>;
    /** The sum of what may still be spent, from `listPaymentMethods` and `listDelegations`. */
    getPurchasingPower(): Promise<PurchasingPower>;
    /** `PATCH /api/v1/payment-methods/:id`: a name of one's own, and which API keys may use it (`null`: all). */
    updatePaymentMethod(paymentMethodId: string, changes: { alias?: string; allowedApiKeyIds?: string[] | null }): Promise<PaymentMethodSummary>;
  };

  /**
   * The address and headers with which Helicone books a call to a language model on an agent's request. They work with
   * any client. Nothing is sent from here.
   */
  readonly observability: {
    /** Helicone's gateway for clients of OpenAI's API. */
    readonly heliconeBaseUrl: string;
    /** `Helicone-Auth`, a secret, from the API key; and a `Helicone-Property-…` for each thing that is known, and each of one's own. */
    getHeliconeHeaders(agentRequest: StartAgentRequest, customProperties?: Record<string, string>): Record<string, string>;
    /** For `new OpenAI(…)`. */
    withOpenAI(apiKey: string, agentRequest: StartAgentRequest, customProperties?: Record<string, string>): OpenAIConfiguration;
    /** For `new ChatOpenAI(…)` of LangChain's. */
    withLangchain(model: string, apiKey: string, agentRequest: StartAgentRequest, customProperties?: Record<string, string>): ChatOpenAIConfiguration;
    /** See the function of that name. */
    calculateImageUsage: typeof calculateImageUsage;
    /** See the function of that name. */
    calculateVideoUsage: typeof calculateVideoUsage;
    /** See the function of that name. */
    calculateSongUsage: typeof calculateSongUsage;
    /** See the function of that name. */
    calculateDummySongUsage: typeof calculateDummySongUsage;
    /** See the function of that name. */
    createHeliconePayload: typeof createHeliconePayload;
    /** See the function of that name. */
    createHeliconeResponse: typeof createHeliconeResponse;
  };
}

/** A price in fiat: millionths of the currency, so 1000000 is $1.00. Throws `validation`, as each of these does. */
export function getFiatPriceConfig(amount: Amount, receiver: string, currency?: string): PlanPriceConfig;
/** A price in a token, or without one in the native token: its smallest units. */
export function getCryptoPriceConfig(amount: Amount, receiver: string, tokenAddress?: string): PlanPriceConfig;
/** The same with a token. The token comes second, the receiver third. */
export function getERC20PriceConfig(amount: Amount, tokenAddress: string, receiver: string): PlanPriceConfig;
/** A price in EURC, on Base where no address is given. Six decimals. */
export function getEURCPriceConfig(amount: Amount, receiver: string, eurcAddress?: string): PlanPriceConfig;
/** A price in the chain's own token: its smallest units. */
export function getNativeTokenPriceConfig(amount: Amount, receiver: string): PlanPriceConfig;
/** Nothing. */
export function getFreePriceConfig(): PlanPriceConfig;
/** A price that is paid as one goes; the template is the deployment's `PayAsYouGoTemplate`. */
export function getPayAsYouGoPriceConfig(amount: Amount, receiver: string, tokenAddress: string | undefined, templateAddress: string): PlanPriceConfig;
/** Good for so many seconds, whatever is asked. */
export function getExpirableDurationConfig(durationOfPlan: Amount): PlanCreditsConfig;
/** Good for good, one credit. */
export function getNonExpirableDurationConfig(): PlanCreditsConfig;
/** So many credits, and so many for each request, by default one. */
export function getFixedCreditsConfig(creditsGranted: Amount, creditsPerRequest?: Amount): PlanCreditsConfig;
/** So many credits, and between so few and so many for each request, by default one. */
export function getDynamicCreditsConfig(creditsGranted: Amount, minCreditsPerRequest?: Amount, maxCreditsPerRequest?: Amount): PlanCreditsConfig;
/** One credit for one payment. */
export function getPayAsYouGoCreditsConfig(): PlanCreditsConfig;
/** A copy with another redemption type. */
export function setRedemptionType(creditsConfig: PlanCreditsConfig, redemptionType: number): PlanCreditsConfig;
/** A copy whose burns are repeated on chain, or not. */
export function setOnchainMirror(creditsConfig: PlanCreditsConfig, onchainMirror?: boolean): PlanCreditsConfig;

/** Roles that may redeem the credits of a plan. There is no 3. */
export const PlanRedemptionType: { readonly ONLY_GLOBAL_ROLE: 0; readonly ONLY_OWNER: 1; readonly ONLY_PLAN_ROLE: 2; readonly ONLY_SUBSCRIBER: 4 };
/** How a price is fixed. No call sends it. */
export const PlanPriceType: { readonly FIXED_PRICE: 0; readonly FIXED_FIAT_PRICE: 1; readonly SMART_CONTRACT_PRICE: 2 };
/** Types of credits. No call sends it. */
export const PlanCreditsType: { readonly EXPIRABLE: 0; readonly FIXED: 1; readonly DYNAMIC: 2 };
/** The currencies of plans. */
export const Currency: { readonly USD: 'USD'; readonly EUR: 'EUR'; readonly USDC: 'USDC'; readonly EURC: 'EURC' };
/** Results of a part of a task. */
export const AgentTaskStatus: { readonly SUCCESS: 'SUCCESS'; readonly FAILED: 'FAILED'; readonly PENDING: 'PENDING' };
/** Roles of a member of an organization. */
export const OrganizationMemberRole: { readonly Admin: 'Admin'; readonly Member: 'Member'; readonly Client: 'Client' };
/** Subscription levels of an organization. */
export const OrganizationType: { readonly Premium: 'Premium'; readonly Enterprise: 'Enterprise'; readonly Lapsed: 'Lapsed'; readonly Other: 'Other' };
/** Events in an organization. */
export const OrganizationActivityEventType: Readonly<Record<
  | 'MemberInvited' | 'MemberJoined' | 'MemberRoleChanged' | 'MemberDeactivated' | 'MemberReactivated' | 'MemberRemoved' | 'InvitationRevoked'
  | 'InvitationExpired' | 'AgentCreated' | 'PlanCreated' | 'PlanPurchased' | 'CustomerAdded' | 'CustomerBlocked' | 'CustomerUnblocked'
  | 'SubscriptionUpgraded' | 'SubscriptionDowngraded' | 'SubscriptionCanceled' | 'SubscriptionLapsed' | 'WebhookDelivered' | 'WebhookFailed',
  string
>>;

/** The challenge of a `WWW-Authenticate` header, which may name other schemes too; `null` where there is none that could be paid. Throws `mpp_malformed` for one that is broken. */
export function parseChallengeHeader(header: string): MppChallenge | null;
/** The value of a buyer's `Authorization` header. */
export function buildCredentialHeader(challenge: MppChallenge, payload: { accessToken: string }): string;
/** The challenge that a credential answers: a payment is known by it, whatever letters it comes in. `null` where it is none. */
export function extractCredentialChallengeId(credential: string): string | null;
/** The `Payment` scheme out of a header that names several; `null` where it names none. */
export function extractPaymentScheme(header: string): string | null;
/** Reads a `Payment-Receipt` header. Throws `mpp_malformed`. */
export function parseReceiptHeader(header: string): MppReceipt;

/** Usage of an image, in pixels. */
export function calculateImageUsage(pixels: number): HeliconeUsage;
/** Usage of a video: one. */
export function calculateVideoUsage(): HeliconeUsage;
/** Usage of a song. */
export function calculateSongUsage(tokens: number): HeliconeUsage;
/** Usage of a placeholder song: six. */
export function calculateDummySongUsage(): HeliconeUsage;
/** A call of a model in Helicone's form. */
export function createHeliconePayload(config: HeliconePayloadConfig): Record<string, unknown>;
/** The response in Helicone's form, with the current time. */
export function createHeliconeResponse(config: HeliconeResponseConfig): Record<string, unknown>;

/**
 * Loads the WebAssembly ahead of need, or from a source of one's own, where a bundler leaves the package's file behind: its bytes, a response, or a
 * module. Calling it is never necessary elsewhere.
 */
export default function init(source?: WasmSource): Promise<void>;

/** The WebAssembly: its address, its bytes, a response that brings it or a promise of one, or a `WebAssembly.Module`. */
export type WasmSource = string | URL | ArrayBuffer | ArrayBufferView | Response | Promise<Response> | object;
