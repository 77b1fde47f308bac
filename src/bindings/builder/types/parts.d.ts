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
   * Pays an endpoint that challenges with MPP, from a delegation. The plain request goes first; at most two challenges are answered. Each request is
   * as it was given at the call. Rejects with `body_not_replayable` (a stream of more than 1 MiB) before anything is sent, with `validation` or
   * `budget_exceeded` before anything is minted, with an `MppError` where the seller refuses, and with an
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
