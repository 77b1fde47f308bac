// The public types of payments-wasm. Names are those of the official TypeScript SDK wherever it has one.
import type { McpPart } from './mcp.js';

/** A deployment of Nevermined's. With `custom` its addresses are given as options. */
export type EnvironmentName = 'sandbox' | 'live' | 'staging_sandbox' | 'staging_live' | 'custom';

/** Whole credits: a `bigint`, a decimal string, or a whole number. */
export type CreditsInput = bigint | string | number;

// options: CommonOptions

// options: BudgetOptions

// options: StepTimeouts

// options: PaymentOptions

// options: BrowserOptions

/** Decides about one offer; may show a dialog. One that throws ends the fetch with `approve_failed`, and nothing is paid. */
export type Approve = (offer: Offer, context: ConsentContext) => Approval | Promise<Approval>;

// options: ApprovalAnswer

/** `true` allows this one payment, from credits that are held or that the delegation tops up. */
export type Approval = boolean | ApprovalAnswer;

// options: AmountLimit

/** A wallet that pays amounts (x402 `exact`). The package holds no private key. */
export type Wallet = Eip1193Provider | TypedDataSigner | SolanaSigner;

/** A wallet as pages find it in `window.ethereum`. */
export interface Eip1193Provider {
  /** Asked for `eth_requestAccounts`, `eth_chainId`, `wallet_switchEthereumChain` and `eth_signTypedData_v4`. */
  request(call: { method: string; params?: any }): Promise<any>;
}

/** A signer of EIP-712 typed data, as viem's accounts are. */
export interface TypedDataSigner {
  /** The address that pays. */
  address: string;
  /** Resolves to the signature, `0x` and hexadecimal digits. */
  signTypedData(typedData: any): Promise<string>;
}

/** A signer of Solana transactions. */
export interface SolanaSigner {
  /** Makes and signs the transaction that pays the only entry of `accepts`; resolves to it in base64. */
  signSolanaPayment(paymentRequired: any): Promise<string>;
}

/** `payments.a2a`, loaded at its first use. */
export interface A2aPart {
  /**
   * A `fetch` for a client of A2A agents, as its `fetchImpl`: a message for which an agent asks a payment is paid for in band
   * (`x402.payment.*` metadata), or by header where the agent answers 402. Options are those of `payments.fetch`.
   */
  fetch(options?: FetchOptions): Promise<typeof fetch>;
  /** The card of an agent, with the extensions that say how it is paid. */
  buildPaymentAgentCard(card: object, payment: object): Promise<any>;
  /** A fetch handler of an agent that is paid for: see `payments-wasm/a2a`, whose class `A2a` has the types. */
  handler(options: object): Promise<(request: Request, env?: unknown, context?: unknown) => Promise<Response>>;
  /** Serves an agent in Node: see `payments-wasm/a2a`. Rejects with `a2a_not_loaded` where the official SDK is not there. */
  start(options: object): Promise<{ server: any; close(): Promise<void>; info: { baseUrl: string; port: number } }>;
}

/** An amount of an asset. */
export interface AssetAmount {
  /** Chain and asset: `eip155:8453:0x…`. */
  currency: string;
  /** In atomic units of the asset. */
  amount: bigint;
}

/** Payment that a seller asks for a resource: credits of a plan, or an amount of an asset. */
export interface Offer {
  /** The plan whose credits pay: a uint256 in decimal digits. Absent where an amount pays (`exact`). */
  planId?: string;
  /** The agent that is paid for, where the seller names one. */
  agentId?: string;
  /** Paid from credits in a wallet's name, from a card, or with an amount of an asset. Others are skipped: they are never offered here. */
  scheme: 'nvm:erc4337' | 'nvm:card-delegation' | 'exact';
  /** The dialect, where it is no x402 offer of a plan: MPP, or x402 with an amount. */
  dialect?: 'mpp' | 'exact';
  /** The price in atomic units of the asset, where an amount pays. */
  amount?: bigint;
  /** Chain and asset, where an amount pays: `eip155:8453:0x…`. */
  currency?: string;
  /** The asset, as the seller names it. */
  asset?: string;
  /** The recipient of an amount. */
  payTo?: string;
  /** A chain in CAIP-2 (`eip155:84532`), or the provider that charges the card (`stripe`). */
  network: string;
  /** The price of this request in credits, where the seller says it. */
  credits?: bigint;
  /** The origin that asks, and the only one that a token will be sent to. */
  origin: string;
  /** URL of the request. */
  url: string;
  /** The sold resource, as the seller describes it. */
  resource: { url: string; description?: string; mimeType?: string };
  /** Known from an earlier answer: nothing has been requested yet. */
  remembered: boolean;
  /** An earlier payment of the same may have been taken: this is one more (see `FetchOptions.resume`). */
  again: boolean;
}

/** Reads that an `approve` callback may make before it answers; each costs one request. */
export interface ConsentContext {
  /** `GET /api/v1/protocol/plans/:planId`: name and price. */
  plan(): Promise<Plan>;
  /** The buyer's own balance. Having been read, it also decides whether a purchase is needed. */
  balance(): Promise<PlanBalance>;
  /** Fires when the answer is of no use any more: aborted, timed out, logged out. */
  readonly signal: AbortSignal;
}

// options: MaxPrice

// options: SpendPolicy

// options: DelegationConfig

// options: FetchOptions

// options: QuoteOptions
