// The public types of `payments-wasm/langchain`. The types of LangChain are not imported, so that projects without them compile.
import type { Payments, X402PaymentRequired } from './index.js';
import type { PaywallOptions, Settlement } from './paywall.js';

/** The argument of a price function of a tool. */
export interface CreditsContext {
  /** The arguments of the call. */
  args: any;
  /** The result of the call. */
  result: any;
}

/** A price in credits that is known once the tool has answered. */
export type CreditsCallable = (context: CreditsContext) => number | bigint | Promise<number | bigint>;

/** Options of a paid tool: the official ones, and those of the gate. */
export interface RequiresPaymentOptions extends Omit<PaywallOptions, 'routes' | 'unlisted'> {
  /** The seller's instance: its API key verifies and settles. */
  payments: Payments;
  /** The plan whose credits pay. */
  planId: string;
  /** The agent that is paid for. */
  agentId?: string;
  /** The network that is asked for, in CAIP-2; by default that of the plan's scheme in the environment. */
  network?: string;
  /**
   * Credits of a call, by default 1. A function is called after the tool; the buyer is verified for the most that the plan allows for a call, or
   * for `most`, and never charged more. The result of a call whose price is no whole number is withheld, and nothing is charged.
   */
  credits?: number | bigint | CreditsCallable | { by: CreditsCallable; most: number | string };
}

/** A call that was not paid. */
export class PaymentRequiredError extends Error {
  /** Made by `requiresPayment`. */
  constructor(message: string, paymentRequired?: X402PaymentRequired, more?: { code?: string; receipt?: Settlement });
  /** The offer that a token can be made for; missing where another payment would not help. */
  paymentRequired: X402PaymentRequired | undefined;
  /** The gate's code: `payment_required`, `settlement_refused`, `facilitator_unreachable`, … */
  code: string;
  /** The receipt of a payment that was refused. */
  receipt: Settlement | undefined;
}

/** The implementation of a tool that is paid for. */
export interface PaidTool<Args, Result> {
  (args: Args, config?: any, ...others: any[]): Promise<Result>;
  /** Rejects with a `PaywallError` where an option is wrong. */
  ready(): Promise<void>;
  /** Stops the timers of a state in memory. */
  close(): Promise<void>;
}

/**
 * Makes the implementation of a tool paid: `tool(requiresPayment((args) => …, { payments, planId, credits: 1 }), { name, schema })`. The access token is
 * `config.configurable.payment_token`, which the tool itself does not get. The call is verified before the tool runs and settled before its result is
 * returned; a tool that throws costs nothing. `config.configurable` then has `payment_context` and `payment_settlement`.
 *
 * Throws `PaymentRequiredError` where there is no payment or it was refused, and what the tool throws.
 */
export function requiresPayment<Args = any, Result = any>(tool: (args: Args, config?: any, ...others: any[]) => Result | Promise<Result>, options: RequiresPaymentOptions): PaidTool<Args, Result>;

/**
 * Returns the receipt of the last paid call in this process; undefined where that call was not settled. With calls side by side use
 * `config.configurable.payment_settlement` or the hook `onAfterSettle`.
 */
export function lastSettlement(): Settlement | undefined;

/**
 * Makes an agent of LangGraph (`createReactAgent`) whose paid tools throw `PaymentRequiredError` to the caller of `agent.invoke`. Other options go to
 * `createReactAgent`. Needs the package `@langchain/langgraph`.
 */
export function createPaidReactAgent(model: any, tools: readonly any[], options?: Record<string, unknown>): Promise<any>;
