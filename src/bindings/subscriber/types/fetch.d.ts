/** The terms of a resource, and the answer that came with them: a 402, or what is free. */
export interface Quote {
  /** As it came, its body unread. */
  response: Response;
  /** Payable offers, in the seller's order; empty if the resource is free or none can be paid. */
  offers: QuotedOffer[];
  /** Spend of the quote, which costs nothing: the number of requests. */
  spend: Spend;
}

/** An offer with what the platform says of its plan. What could not be learned is left out. */
export interface QuotedOffer extends Offer {
  /** As the seller called it. */
  planName?: string;
  /** Price of the plan, in millionths of the currency; a token's address stands for its currency. */
  price?: { amount: bigint; currency?: string; isCrypto: boolean; tokenAddress?: string };
  /** Credits that a purchase of the plan adds. */
  planCredits?: bigint;
  /** How long what it grants is good, in seconds, where it ends. */
  planSeconds?: number;
  /** Balance of the plan, in credits. */
  balance?: bigint;
  /**
   * `now`: the credits suffice. `after-purchase`: they do not, or it could not be learned. `after-login`: nobody is logged
   * in.
   */
  payable: 'now' | 'after-purchase' | 'after-login';
}

/** Credits that this instance has spent; with a `budget`, the total of all instances that share it. */
export interface SpendTotals {
  /** The most that the tokens which were sent can have cost: what limits count. */
  credits: bigint;
  /** Credits settled according to sellers' receipts, over the last 1000 payments. The platform has not confirmed them.
   * */
  creditsSettled: bigint;
  /** Orders that were sent. */
  purchases: bigint;
  /** Spent in the last hour, and about to be. */
  inLastHour: bigint;
  /** The same for the last 24 hours. */
  inLastDay: bigint;
  /** `credits` by seller: `name` is its origin. */
  byOrigin: { name: string; credits: bigint }[];
  /** `credits` by plan: `name` is its id. */
  byPlan: { name: string; credits: bigint }[];
  /** Amounts sent, by currency. */
  amounts: AssetAmount[];
  /** The last 1000 payments, the oldest first. */
  receipts: PaymentRecord[];
}

/** One payment that was sent, for the books. */
export interface PaymentRecord {
  /** When it ended. */
  at: Date;
  /** Method of the request: `POST`. */
  method: string;
  /** URL of the paid resource. */
  url: string;
  /** Origin that was paid. */
  origin: string;
  /** The plan whose credits paid. Absent where an amount paid. */
  planId?: string;
  /** Chain and asset, where an amount paid. */
  currency?: string;
  /** The amount in atomic units, where one paid. */
  amount?: bigint;
  /** `nvm:erc4337`, `nvm:card-delegation` or `exact`. */
  scheme: string;
  /** A chain in CAIP-2, or who charges the card. */
  network: string;
  /** Outcome of the payment. */
  outcome: Spend['outcome'];
  /** The most that its tokens can have cost, in credits. Absent where an amount paid. */
  creditsPresented?: bigint;
  /** Credits that the receipt says were taken: the seller's word. */
  creditsSettled?: bigint;
  /** Transaction of the settlement, if there is one. */
  transaction?: string;
}

/** Result of `payments.fetch`. A response that asked for no payment is included, with a `spend` of nothing. */
export interface PaidResponse {
  /** The seller's response, untouched: same object, same streaming body. */
  response: Response;
  /** The receipt, where one came and could be read. */
  receipt?: Receipt;
  /** Cost of the fetch. */
  spend: Spend;
}

/** Result of a settlement (`payment-response`). */
export interface Receipt {
  /** True if the platform took the credits. */
  success: boolean;
  /** Empty where there is none. */
  transaction: string;
  /** A chain in CAIP-2, or who charges the card. */
  network: string;
  /** The account that paid. */
  payer?: string;
  /** Credits that were taken. */
  creditsRedeemed?: bigint;
  /** Credits of the plan that are left. */
  remainingBalance?: bigint;
  /** The transaction of an automatic top-up. */
  orderTx?: string;
  /** Why not, where it failed. */
  errorReason?: string;
}

/** Effects of one `fetch` on money, whatever its result. */
export interface Spend {
  /**
   * `none`: no token was sent. `settled`: a receipt says that it was taken. `unknown`: a token was sent and no receipt says so;
   * it may have been taken, whatever the status of the answer is.
   */
  outcome: 'none' | 'settled' | 'unknown';
  /** Requests to the seller. */
  requests: number;
  /** Tokens minted; one that several fetches waited for is booked on one of them. */
  mints: number;
  /** The most that the tokens which were sent can have cost, in credits. */
  creditsPresented: bigint;
  /** Credits that the receipt says were taken: the seller's word. */
  creditsSettled?: bigint;
  /** Amounts sent, by currency. */
  amounts: AssetAmount[];
  /** True if the last sent token can be presented only once. */
  singleUse: boolean;
  /**
   * Plans that were bought on the way. `confirmed` says that the platform said so; it is false where an order's answer did not
   * come, and of what only the seller's receipt names (`receipt.orderTx`).
   */
  purchases: { planId: string; txHash?: string; confirmed: boolean }[];
  /** The receipt, where one came and could be read. */
  receipt?: Receipt;
  /** Id with which an `unknown` outcome can be resumed: see `FetchOptions.resume`. */
  payment?: number;
}

interface EventOfFetch {
  /** The number of the `fetch`, from 1: what belongs together. */
  fetch: number;
  /** URL of the request. */
  url: string;
}

interface EventOfOffer extends EventOfFetch {
  /** The plan of the offer. Absent where an amount pays. */
  planId?: string;
  /** The price of the request in credits, where the seller says it. */
  credits?: bigint;
  /** The price in atomic units of the asset, where an amount pays. */
  amount?: bigint;
}

/** Events during a `fetch`, as they happen. No event carries a key or a token. */
export type PaymentEvent =
  /** The request goes out without a token. */
  | (EventOfFetch & { type: 'request' })
  /** The terms are known, and are to be agreed to. */
  | (EventOfOffer & { type: 'offer'; offer: Offer })
  /** They were agreed to, by somebody or by the policy. */
  | (EventOfOffer & { type: 'consent' })
  /** An order of the plan goes out, or its credits are there. */
  | (EventOfOffer & { type: 'order'; state: 'sent' })
  | (EventOfOffer & { type: 'order'; state: 'done'; txHash?: string })
  /** A token was minted; where several wait for it, told of one of them. */
  | (EventOfOffer & { type: 'mint'; singleUse: boolean })
  /** The request goes out with a token. */
  | (EventOfOffer & { type: 'paid' })
  /** The answer came with a receipt of its payment. */
  | (EventOfOffer & { type: 'receipt'; receipt: Receipt })
  /** The seller refused the payment; once, it is tried with a fresh token. */
  | (EventOfOffer & { type: 'refused' })
  /** It is unknown if the payment was taken. */
  | (EventOfOffer & { type: 'unknown' });
