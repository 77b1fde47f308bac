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
