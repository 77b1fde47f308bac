// The fixed words and numbers of the API, with the official TypeScript SDK's names.
const { freeze } = Object;

/** Roles that may redeem the credits of a plan. There is no 3. */
export const PlanRedemptionType = freeze({ ONLY_GLOBAL_ROLE: 0, ONLY_OWNER: 1, ONLY_PLAN_ROLE: 2, ONLY_SUBSCRIBER: 4 });

/** How a price is fixed. No call sends it. */
export const PlanPriceType = freeze({ FIXED_PRICE: 0, FIXED_FIAT_PRICE: 1, SMART_CONTRACT_PRICE: 2 });

/** Types of credits. No call sends it. */
export const PlanCreditsType = freeze({ EXPIRABLE: 0, FIXED: 1, DYNAMIC: 2 });

/** The currencies of plans. */
export const Currency = freeze({ USD: 'USD', EUR: 'EUR', USDC: 'USDC', EURC: 'EURC' });

/** Results of a part of a task. */
export const AgentTaskStatus = freeze({ SUCCESS: 'SUCCESS', FAILED: 'FAILED', PENDING: 'PENDING' });

/** Roles of a member of an organization. */
export const OrganizationMemberRole = freeze({ Admin: 'Admin', Member: 'Member', Client: 'Client' });

/** Subscription levels of an organization. */
export const OrganizationType = freeze({ Premium: 'Premium', Enterprise: 'Enterprise', Lapsed: 'Lapsed', Other: 'Other' });

/** Events in an organization. */
export const OrganizationActivityEventType = freeze({
  MemberInvited: 'member.invited', MemberJoined: 'member.joined', MemberRoleChanged: 'member.role_changed', MemberDeactivated: 'member.deactivated',
  MemberReactivated: 'member.reactivated', MemberRemoved: 'member.removed', InvitationRevoked: 'invitation.revoked',
  InvitationExpired: 'invitation.expired', AgentCreated: 'agent.created', PlanCreated: 'plan.created', PlanPurchased: 'plan.purchased',
  CustomerAdded: 'customer.added', CustomerBlocked: 'customer.blocked', CustomerUnblocked: 'customer.unblocked',
  SubscriptionUpgraded: 'subscription.upgraded', SubscriptionDowngraded: 'subscription.downgraded', SubscriptionCanceled: 'subscription.canceled',
  SubscriptionLapsed: 'subscription.lapsed', WebhookDelivered: 'webhook.delivered', WebhookFailed: 'webhook.failed',
});
