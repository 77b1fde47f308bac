// The public types of those who sell, and the functions, fixed values and classes of the official SDK that need no instance. They follow the types of
// `src/bindings/subscriber/types.d.ts` in one file.

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

/** A report of what `payments.mpp.fetch` did with money, whatever the outcome. */
export interface MppSpendReport {
  /** Credentials that were sent: 1 or 2. */
  credentialsPresented: number;
  /** The credits of all their challenges, in decimal digits: the most that may have been taken. */
  creditsPresented?: string;
  /** The challenge of the last one. */
  challengeId?: string;
}

/** The result of `payments.mpp.fetch`. */
export interface MppFetchResult {
  /** The last answer: the paid one, where a payment was made. */
  response: Response;
  /** The receipt, if one came and could be read. */
  receipt?: MppReceipt;
  /** True if the receipt does not state a failure. A stream's answer may be paid and have no receipt. */
  settled: boolean;
  /** True if the answer is a success and settled. */
  paid: boolean;
  /** Credentials that were sent: 0, 1 or 2. */
  credentialsPresented: number;
  /** The credits of all their challenges, in decimal digits. */
  creditsPresented?: string;
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

/** Plans: what is for sale, what is held, and how to buy. */
export class PlansAPI {
  private constructor();
  /** The part of an instance with those options, or of the instance that gave `payments.options`. */
  static getInstance(options: PaymentOptions | Payments): PlansAPI;
  /** `GET /api/v1/protocol/plans/:planId`. Needs no login. */
  getPlan(planId: string | bigint): Promise<Plan>;
  /** `GET /api/v1/protocol/plans`: one's own, by default the first 100, newest first; with an organization all of its. */
  getPlans(page?: number, offset?: number, sortBy?: string, sortOrder?: 'asc' | 'desc', organization?: OrganizationOptions | string): Promise<Paginated & { plans: Plan[] }>;
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
  checkoutReturned(options?: ReturnOptions): Promise<PlanBalance | undefined>;
  /** Waits until at least `min` credits are held. Rejects with `credits_timeout` (retryable) or `aborted`. */
  waitForCredits(planId: string | bigint, options?: WaitOptions): Promise<PlanBalance>;
  /**
   * `POST /api/v1/protocol/plans`. Without a nonce: 128 random bits. Without a limit: `time` where the credits end, else
   * `credits`. Never repeated by itself.
   */
  registerPlan(planMetadata: PlanMetadata, priceConfig: PlanPriceConfig | Promise<PlanPriceConfig>, creditsConfig: PlanCreditsConfig, nonce?: Amount, accessLimit?: 'credits' | 'time', organization?: OrganizationOptions | string): Promise<{ planId: string; [member: string]: unknown }>;
  /** A plan by credits: without an end, and with no more at the least than at the most; else `validation`. */
  registerCreditsPlan(planMetadata: PlanMetadata, priceConfig: PlanPriceConfig | Promise<PlanPriceConfig>, creditsConfig: PlanCreditsConfig, organization?: OrganizationOptions | string): Promise<{ planId: string; [member: string]: unknown }>;
  /** A plan by time: with an end, and no fixed credits; else `validation`. */
  registerTimePlan(planMetadata: PlanMetadata, priceConfig: PlanPriceConfig | Promise<PlanPriceConfig>, creditsConfig: PlanCreditsConfig, organization?: OrganizationOptions | string): Promise<{ planId: string; [member: string]: unknown }>;
  /** A plan by credits that each account buys once. */
  registerCreditsTrialPlan(planMetadata: PlanMetadata, priceConfig: PlanPriceConfig | Promise<PlanPriceConfig>, creditsConfig: PlanCreditsConfig, organization?: OrganizationOptions | string): Promise<{ planId: string; [member: string]: unknown }>;
  /** A plan by time that each account buys once. */
  registerTimeTrialPlan(planMetadata: PlanMetadata, priceConfig: PlanPriceConfig | Promise<PlanPriceConfig>, creditsConfig: PlanCreditsConfig, organization?: OrganizationOptions | string): Promise<{ planId: string; [member: string]: unknown }>;
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
  getPayAsYouGoPriceConfig(amount: Amount, receiver: string, tokenAddress?: string, templateAddress?: string): Promise<PlanPriceConfig>;
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
}

/** Agents: what plans give access to. */
export class AgentsAPI {
  private constructor();
  /** The part of an instance with those options, or of the instance that gave `payments.options`. */
  static getInstance(options: PaymentOptions | Payments): AgentsAPI;
  /** `GET /api/v1/protocol/agents/:agentId`. Needs no login. */
  getAgent(agentId: string | bigint): Promise<Agent>;
  /** `GET …/agents/:agentId/plans`: those that give access to it, by default the first 10. Needs no login. */
  getAgentPlans(agentId: string | bigint, pagination?: PaginationOptions): Promise<Paginated & { plans: Plan[] }>;
  /** `POST /api/v1/protocol/agents`. Never repeated by itself. */
  registerAgent(agentMetadata: AgentMetadata, agentApi: AgentAPIAttributes | undefined, paymentPlans: (string | bigint)[], organization?: OrganizationOptions | string): Promise<{ agentId: string }>;
  /** `POST /api/v1/protocol/agents/plans`: both at once. Never repeated by itself. */
  registerAgentAndPlan(agentMetadata: AgentMetadata, agentApi: AgentAPIAttributes | undefined, planMetadata: PlanMetadata, priceConfig: PlanPriceConfig | Promise<PlanPriceConfig>, creditsConfig: PlanCreditsConfig, accessLimit?: 'credits' | 'time', organization?: OrganizationOptions | string): Promise<{ agentId: string; planId: string; txHash?: string }>;
  /** `GET /api/v1/protocol/agents`: one's own, by default the first 100, newest first; with an organization all of its. */
  getAgents(page?: number, offset?: number, sortBy?: string, sortOrder?: 'asc' | 'desc', organization?: OrganizationOptions | string): Promise<Paginated & { agents: Agent[] }>;
  /** `PUT …/agents/:agentId`: describes it anew. */
  updateAgentMetadata(agentId: string | bigint, agentMetadata: Partial<AgentMetadata>, agentApi?: AgentAPIAttributes): Promise<NvmAPIResult>;
  /** `POST …/agents/:agentId/plan/:planId`. The plan comes first. */
  addPlanToAgent(planId: string | bigint, agentId: string | bigint): Promise<NvmAPIResult>;
  /** `DELETE …/agents/:agentId/plan/:planId`. The plan comes first. */
  removePlanFromAgent(planId: string | bigint, agentId: string | bigint): Promise<NvmAPIResult>;
}

/** Delegations, and the cards that they spend from. */
export class DelegationAPI {
  private constructor();
  /** The part of an instance with those options, or of the instance that gave `payments.options`. */
  static getInstance(options: PaymentOptions | Payments): DelegationAPI;
  /** `POST /api/v1/delegation/create`. Nothing is charged by it. Never repeated by itself. */
  createDelegation(payload: CreateDelegationPayload): Promise<{ delegationId: string; delegationToken?: string }>;
  /** `GET /api/v1/delegation`. `accessible`: those that the key in use may spend from, as long as something is left. */
  listDelegations(options?: DelegationListOptions): Promise<{ delegations: DelegationSummary[]; totalResults: number; page: number; offset: number }>;
  /**
   * `DELETE /api/v1/delegation/:delegationId`: nothing is paid from it any more. In the documentation only; no official SDK
   * calls it.
   */
  revokeDelegation(delegationId: string): Promise<unknown>;
  /** `GET /api/v1/payment-methods`: cards, and the wallet. `accessible`: those that the key in use may pay with. */
  listPaymentMethods(options?: PaymentMethodListOptions): Promise<PaymentMethodSummary[]>;
  /** `PATCH /api/v1/payment-methods/:id`: a name of one's own, and which API keys may use it (`null`: all). */
  updatePaymentMethod(paymentMethodId: string, changes: PaymentMethodChanges): Promise<PaymentMethodSummary>;
  /** The sum of what may still be spent, from `listPaymentMethods` and `listDelegations`. */
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
}

/** Tokens by hand; `payments.fetch` does this by itself. */
export class X402TokenAPI {
  private constructor();
  /** The part of an instance with those options, or of the instance that gave `payments.options`. */
  static getInstance(options: PaymentOptions | Payments): X402TokenAPI;
  /**
   * `POST /api/v1/x402/permissions`: an access token, for the header `payment-signature`. Without a delegation in the options or the instance it is of the
   * only active one that the key may spend from; if there are several or none, it rejects with `delegation_required`.
   */
  getX402AccessToken(planId: string | bigint, agentId?: string | bigint, tokenOptions?: X402TokenOptions): Promise<{ accessToken: string; permissionHash?: string; [member: string]: unknown }>;
  /** Details of a minted token. The hosted platform documents these three calls, and no official SDK makes them. */
  getPermission(permissionHash: string): Promise<Record<string, unknown>>;
  /** One's own, a page of them. */
  listPermissions(pagination?: Pick<PaginationOptions, 'page' | 'offset'>): Promise<Record<string, unknown>>;
  /** Its token pays nothing from then on. */
  revokePermission(permissionHash: string): Promise<unknown>;
}

/** Verifies and settles tokens. */
export class FacilitatorAPI {
  private constructor();
  /** The part of an instance with those options, or of the instance that gave `payments.options`. */
  static getInstance(options: PaymentOptions | Payments): FacilitatorAPI;
  /** `POST /api/v1/x402/verify`. Burns nothing. */
  verifyPermissions(params: VerifyPermissionsParams): Promise<VerifyPermissionsResult>;
  /**
   * `POST /api/v1/x402/settle`: burns the credits. Never repeated by itself. Without an amount the platform takes the most
   * that the plan has for a request.
   */
  settlePermissions(params: SettlePermissionsParams): Promise<SettlePermissionsResult>;
}

/** Requests to one's agents. */
export class AgentRequestsAPI {
  private constructor();
  /** The part of an instance with those options, or of the instance that gave `payments.options`. */
  static getInstance(options: PaymentOptions | Payments): AgentRequestsAPI;
  /** `POST …/agents/simulate/start`: a request that costs nothing. */
  startSimulationRequest(options?: { pricePerCredit?: number; batch?: boolean; agentName?: string; planName?: string }): Promise<StartAgentRequest>;
  /** `POST …/agents/simulate/finish`: what it would have cost. Asked up to three times, a second apart, while the platform has not heard of it (404). */
  finishSimulationRequest(agentRequestId: string, marginPercent?: number, batch?: boolean): Promise<{ success: boolean; creditsToRedeem: string | number; [member: string]: unknown }>;
  /** `POST /api/v1/protocol/agent-sub-tasks`: books a part of a request. */
  trackAgentSubTask(task: TrackAgentSubTaskDto): Promise<NvmAPIResult>;
}

/** Organizations; most of it is for their admins. */
export class OrganizationsAPI {
  private constructor();
  /** The part of an instance with those options, or of the instance that gave `payments.options`. */
  static getInstance(options: PaymentOptions | Payments): OrganizationsAPI;
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
}

/** Where the platform's contracts are. */
export class ContractsAPI {
  private constructor();
  /** The part of an instance with those options, or of the instance that gave `payments.options`. */
  static getInstance(options: PaymentOptions | Payments): ContractsAPI;
  /** `GET /`, without the key; asked once for each instance. */
  getDeploymentInfo(): Promise<DeploymentInfo>;
  /** One of its addresses. Rejects with `contract_unknown`. */
  getContractAddress(contractName: string): Promise<string>;
  /** Address of the template with which pay-as-you-go plans are made. */
  getPayAsYouGoTemplateAddress(): Promise<string>;
}

/** Charges of any amount, which a buyer's browser confirms with Stripe.js; no plan, no account. */
export class OrdersAPI {
  private constructor();
  /** The part of an instance with those options, or of the instance that gave `payments.options`. */
  static getInstance(options: PaymentOptions | Payments): OrdersAPI;
  /** `POST /api/v1/orders`, with an organization's own key; the header of an organization does not do. */
  createOrder(options: CreateOrderOptions): Promise<CreateOrderResult>;
  /** `GET /api/v1/orders/:orderId`, without the key. */
  getOrder(orderId: string): Promise<Order>;
}

/** The Machine Payments Protocol, the seller's side of it. Experimental on the platform. */
export class MppAPI {
  private constructor();
  /** The part of an instance with those options, or of the instance that gave `payments.options`. */
  static getInstance(options: PaymentOptions | Payments): MppAPI;
  /** `POST /api/v1/mpp/challenge`: the value of `WWW-Authenticate`; another each time. Rejects with `BCK.MPP.0002` where it is switched off. */
  issueChallenge(params: IssueMppChallengeParams): Promise<{ challenge: string; id: string; [member: string]: unknown }>;
  /** `POST /api/v1/mpp/verify`. Burns nothing. */
  verifyCredential(params: RedeemMppParams): Promise<VerifyPermissionsResult>;
  /** `POST /api/v1/mpp/settle`: burns what the challenge says, once, however often it is called. */
  settleCredential(params: RedeemMppParams): Promise<MppSettleResult>;
  /** `POST /api/v1/mpp/permissions`: a buyer's token, good on the MPP routes only. */
  getMppAccessToken(planId: string | bigint, agentId: string | bigint | undefined, tokenOptions: MppTokenOptions): Promise<{ accessToken: string; [member: string]: unknown }>;
  /**
   * Pays an endpoint that challenges with MPP, from a delegation. The plain request goes first; at most two challenges are answered. Rejects with
   * `validation`, `budget_exceeded` or `body_not_replayable` before anything is minted, with an `MppError` where the seller refuses, and with an
   * `MppSpendOutcomeUnknownError` where the connection broke after a credential was sent: see `mppSpendOf`.
   */
  fetch(input: string | URL | Request, init: RequestInit | undefined, options: MppFetchOptions): Promise<MppFetchResult>;
}

/**
 * The address and headers with which Helicone books a call to a language model on an agent's request. They work with
 * any client. Nothing is sent from here.
 */
export class ObservabilityAPI {
  private constructor();
  /** The part of an instance with those options, or of the instance that gave `payments.options`. */
  static getInstance(options: PaymentOptions | Payments): ObservabilityAPI;
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
  /**
   * Runs `operation` and logs its payload, result and usage with Helicone (`POST …/v1/trace/custom/v1/log`). Resolves with what `resultExtractor` makes of
   * the result. A log that fails is told on the console.
   */
  withHeliconeLogging<Internal, Extracted>(agentName: string, payloadConfig: HeliconePayloadConfig, operation: () => Promise<Internal>, resultExtractor: (result: Internal) => Extracted, usageCalculator: (result: Internal) => HeliconeUsage, responseIdPrefix: string, startAgentRequest: StartAgentRequest, customProperties?: Record<string, string>): Promise<Extracted>;
  /**
   * Traces the calls of the given modules (`{ openAI: OpenAI }`) to Helicone once `init` is called. Node only; needs `@traceloop/node-server-sdk`,
   * `@opentelemetry/api` and `@opentelemetry/exporter-trace-otlp-http`, else `init` throws `dependency_missing`.
   */
  withAsyncLogger(providers: Record<string, unknown>, startAgentRequest: StartAgentRequest, customProperties?: Record<string, string>): { init(): void };
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

/** The offer of a 402 for one plan. The plan may be a member of the options. */
export function buildPaymentRequired(planId: string, options?: PaymentRequiredOptions): X402PaymentRequired;
export function buildPaymentRequired(options: PaymentRequiredOptions & { planId: string }): X402PaymentRequired;
/** The same for several plans. */
export function buildPaymentRequiredForPlans(planIds: string[], options?: PaymentRequiredOptions): X402PaymentRequired;
/** How a plan is paid for: by card if it says that its price is not in crypto. The plan is read once in five minutes. Rejects if it cannot be read. */
export function resolveScheme(payments: Payments, planId: string | bigint, explicitScheme?: string): Promise<string>;
/** The provider that charges the card, if the plan names one. The plan is read once in five minutes. */
export function resolveNetwork(payments: Payments, planId: string | bigint, explicitNetwork?: string): Promise<string | undefined>;
/** A way to pay. */
export type X402SchemeType = 'nvm:erc4337' | 'nvm:card-delegation';
/** The networks of each scheme. */
export const X402_SCHEME_NETWORKS: Readonly<Record<X402SchemeType, readonly string[]>>;
/** True for a scheme of Nevermined. */
export function isValidScheme(scheme: unknown): scheme is X402SchemeType;
/** The network of a scheme in an environment; without one, that of `sandbox`. */
export function getDefaultNetwork(scheme: X402SchemeType, environment?: EnvironmentName): string;

/** The payload of an access token; `null` for text that is no token. Its members are what the token says, unverified. */
export function decodeAccessToken(accessToken: string): Record<string, any> | null;
/** The other way: compact JSON in UTF-8, base64url without padding. */
export function encodeAccessToken(payload: Record<string, unknown>): string;
/** The version of an access token. */
export type X402TokenVersion = 2 | 3;
/** 3 for a single-use token, which has a nonce, else 2; `null` for text that is no token. Takes a token or its payload. */
export function detectAccessTokenVersion(token: string | Record<string, unknown>): X402TokenVersion | null;
/** True for a token that can be presented once. */
export function isSingleUseAccessToken(token: string | Record<string, unknown>): boolean;
/** The platform's code for a single-use token that was presented before. */
export const X402_TOKEN_ALREADY_USED_CODE: 'BCK.X402.0059';
/** True for the error of a token that was presented before. */
export function isAccessTokenAlreadyUsed(error: unknown): boolean;

/** The addresses of an environment. */
export interface EnvironmentInfo {
  /** The web app. */
  frontend: string;
  /** The app with the card pages. */
  embed: string;
  /** The REST API. */
  backend: string;
  /** The proxy of older agents. */
  proxy: string;
  /** Helicone. */
  heliconeUrl: string;
}
/** The addresses of each environment; those of `custom` are read from the variables `NVM_BACKEND_URL`, … each time. */
export const Environments: Readonly<Record<EnvironmentName, EnvironmentInfo>>;
/** The environment that the prefix of a key names; `custom` for any other. */
export function getEnvironmentFromApiKey(nvmApiKey: string): EnvironmentName;
/** `Nevermined-Version`. */
export const API_VERSION_HEADER: string;
/** The version of the API that this package speaks. */
export const LOCKED_API_VERSION: string;
/** `X-Current-Org-Id`: the organization in whose name a call is made. */
export const CURRENT_ORG_ID_HEADER: string;
/** A random number of so many bits (128), rounded up to whole bytes. */
export function getRandomBigInt(bits?: number): bigint;
/** True for `0x` and 40 hexadecimal digits. */
export function isEthereumAddress(address: string | undefined): boolean;

/** Any failure that MPP names. */
export class MppError extends PaymentsError {}
/** `BCK.MPP.0002`: MPP is switched off there. */
export class MppNotConfiguredError extends MppError {}
/** `BCK.MPP.0003`: forged, replayed, of another plan, or not covered. */
export class MppCredentialRejectedError extends MppError {}
/** `BCK.MPP.0004`: ask for a new challenge. */
export class MppChallengeExpiredError extends MppError {}
/** `BCK.MPP.0005`: the body is not the one of the challenge. */
export class MppBodyDigestMismatchError extends MppError {}
/** `settlement_outcome_unknown`: the credits may have been burned. */
export class MppSettlementOutcomeUnknownError extends MppError {}
/** `spend_outcome_unknown`: a credential was sent, and no answer came. */
export class MppSpendOutcomeUnknownError extends MppError {}
/** The code of `MppSettlementOutcomeUnknownError`. */
export const MPP_SETTLEMENT_OUTCOME_UNKNOWN_CODE: 'settlement_outcome_unknown';
/** The code of `MppSpendOutcomeUnknownError`. */
export const MPP_SPEND_OUTCOME_UNKNOWN_CODE: 'spend_outcome_unknown';
/** True if a fresh credential for the new challenge of the same answer may succeed. */
export function isRetryableMppCode(code: string | undefined): boolean;
/** The spend of an error of `payments.mpp.fetch`; `undefined` if no credential was sent. */
export function mppSpendOf(error: unknown): MppSpendReport | undefined;
/** Whole credits as decimal digits. Throws `validation` for anything else. */
export function normalizeCredits(credits: Amount): string;

/** The card that `delegationConfig` makes a delegation of; deprecated in the official SDK. */
export type CardDelegationConfig = TokenDelegation;
