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
