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
