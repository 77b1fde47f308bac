/**
 * The class of all errors. The platform's own codes are `BCK.*`, and `http_<status>` where it named none. The package's:
 *
 * Arguments: `validation` (the message names the field), `invalid_request`, `body_not_replayable`, `browser_only`.
 *
 * Consent; nothing was paid: `consent_required` (no `approve`, and no policy names the origin), `consent_denied`,
 * `wallet_refused` (the `wallet` did not sign an amount), `approve_failed`, `approve_reentered` (`approve` called a `fetch` that would ask it the same question: give that one
 * an `approve` or a policy of its own), `budget_exceeded`, `insufficient_credits`, `purchase_not_allowed`,
 * `purchase_pending`, `delegation_required`.
 *
 * Seller: `malformed_offer`, `no_payable_offer`, `payment_refused`, `insecure_target`, `resource_mismatch` (the offer
 * names another host), `ambiguous_redirect`, `redirected_while_paying`.
 *
 * Unknown outcomes: `outcome_unknown`, `purchase_outcome_unknown`. Other errors of purchases: `order_refused`,
 * `credits_timeout`, `checkout_cancelled`, `checkout_closed`, `card_cancelled`, `card_state_mismatch`,
 * `return_url_not_allowed`.
 *
 * Session: `not_logged_in`, `session_ended`, `session_expired`, `login_state_mismatch`, `login_bad_key`,
 * `login_account_mismatch`, `popup_blocked`, `popup_closed`, `storage_unavailable`.
 *
 * Transport: `network_error`, `garbled_answer`, `aborted` (the error's `name` is `AbortError`, its `cause` the reason);
 * `wasm_load_failed`: a part of the package could not be loaded, the hint says why, and the next call tries again.
 *
 * Sellers: `settlement_outcome_unknown` (an `OutcomeUnknown`: the credits may have been burned), `contract_unknown` (the
 * deployment names no such contract), `mpp_malformed`, `spend_outcome_unknown` (see `mpp.fetch`), `dependency_missing`;
 * `part_not_loaded`: a page called a method of sellers that its script does not have: import from `payments-wasm/builder`.
 */
export class PaymentsError extends Error {
  /** The package makes them; a program looks at them. */
  protected constructor();
  /** For programs: stays the same from version to version. */
  readonly code: string;
  /** Remedy, where there is one. */
  readonly hint?: string;
  /** The HTTP status, where there was an answer; 408 where the platform's did not come in time. */
  readonly status?: number;
  /** For support to find the request by: the platform's, or the one that was sent. */
  readonly correlationId?: string;
  /** The same call may succeed later, and costs nothing twice. */
  readonly retryable: boolean;
  /** Where the code is explained. */
  readonly docsUrl?: string;
  /** Spend, on errors of `fetch`, including errors before anything is sent. */
  readonly spend?: Spend;
  /** The seller's last answer, readable, on errors of `fetch`. */
  readonly response?: Response;
  /** For logs: what is above, credits as digits, without the answer. */
  toJSON(): Record<string, unknown>;
}

// Error classes to branch on. `instanceof` holds between copies of the package.

/** The seller refused the payment, twice or for good. */
export class PaymentRefused extends PaymentsError {}
/** Whoever was asked said no. Nothing was spent. */
export class ConsentDenied extends PaymentsError {}
/** A limit of the policy stands against it. */
export class BudgetExceeded extends PaymentsError {}
/**
 * A payment or an order was sent and nobody said what came of it. Where `spend.payment` is set, `FetchOptions.resume` goes on
 * with it; else look at the balance before trying again.
 */
export class OutcomeUnknown extends PaymentsError {}
/** The session ended: log in again. */
export class SessionExpired extends PaymentsError {}
/** The 402 carries no offer that can be read; `response` is as it came. */
export class MalformedOffer extends PaymentsError {}
