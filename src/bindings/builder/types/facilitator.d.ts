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
