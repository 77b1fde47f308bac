// The types of `payments-wasm/a2a`: agents that are paid for over A2A.
import type { FetchOptions, Payments } from './index.js';
import type { PaymentContext, PaywallOptions } from './paywall.js';

/** Price and plans of an agent, as its card says them (`urn:nevermined:payment`). */
export interface PaymentMetadata {
  /** `fixed`: each message costs `credits`. `dynamic`: it costs what the agent says it used (`metadata.creditsUsed`), `credits` at the most. */
  paymentType: 'fixed' | 'dynamic';
  /** The price, or the most of it. */
  credits: number;
  /** The agent that is paid for. */
  agentId: string;
  /** The plan that pays. */
  planId?: string;
  /** Several plans, instead of one. */
  planIds?: string[];
  /** For people. */
  costDescription?: string;
  /** Other members. */
  [member: string]: unknown;
}

/** Returns the card with the extensions that say how the agent is paid. */
export function buildPaymentAgentCard<Card extends object>(card: Card, payment: PaymentMetadata): Card;

/** Options of a gate in front of an agent: those of the paywall without routes, and a price. */
export interface A2aPaywallOptions extends Omit<PaywallOptions, 'routes' | 'unlisted'> {
  /** The plan whose credits pay. */
  planId?: string;
  /** Several plans, instead of one. */
  planIds?: string[];
  /** The agent that is paid for. */
  agentId?: string;
  /** The price of a message: credits, or a function of the JSON-RPC call. Default 1. With `maxAmount` a function gets the `result` too. */
  credits?: number | bigint | ((call: any) => number | bigint | Promise<number | bigint>);
  /** The most that a message costs: it is verified, and settled is what the agent says it used (`metadata.creditsUsed`), or what `credits` says of the result. */
  maxAmount?: number | bigint;
  /** Artifacts of a stream go out as they come, before the settlement, and nothing bounds what is lost if that is refused. Default: they wait for it. */
  unbounded?: boolean;
}

/**
 * The fetch handler of an agent. `report(credits)` says what a message used. `delivery` says if what the agent makes of a message may go out by other ways than its
 * answer: it is settled, its state costs nothing (and artifacts stay), or neither.
 */
export type AgentHandler = (request: Request, more: {
  paymentContext?: PaymentContext; report?: (credits: number | bigint) => void; delivery?: Promise<'paid' | 'free' | 'unpaid'>; env?: unknown; ctx?: unknown;
}) => Response | Promise<Response>;

/** A fetch handler. */
export interface A2aHandler {
  (request: Request, env?: unknown, context?: unknown): Promise<Response>;
  /** Reports a wrong option now, not with the first request. */
  ready(env?: unknown): Promise<void>;
  /** Ends the timers of a state in memory. */
  close(): Promise<void>;
}

/** Puts a gate in front of an agent: its fetch handler, or its URL. */
export function a2aPaywall(handler: string | AgentHandler, options: A2aPaywallOptions): A2aHandler;

/** Options of an agent: those of the gate, and of `@a2a-js/sdk`. */
export interface A2aAgentOptions extends Partial<A2aPaywallOptions> {
  /** The card, of `buildPaymentAgentCard`. */
  agentCard: object;
  /** The executor of `@a2a-js/sdk`. */
  executor: { execute(context: any, eventBus: any): Promise<void>; cancelTask(taskId: string, eventBus: any): Promise<void> };
  /** The store of tasks. Default: in memory. */
  taskStore?: object;
  /** The store of push addresses. Default: in memory, where the card has push notifications. */
  pushNotificationStore?: object;
  /** The sender of push notifications. Default: that of the SDK. */
  pushNotificationSender?: object;
  /** The path that messages are sent to. Default `/`. */
  basePath?: string;
  /** Serve the card at `/.well-known/agent-card.json` and `/.well-known/agent.json`. Default true. */
  exposeAgentCard?: boolean;
}

/** Options of `start`. */
export interface A2aStartOptions extends A2aAgentOptions {
  /** Default 0: a free port. */
  port?: number;
  /** Default 127.0.0.1. */
  host?: string;
  /** Serve `GET /health`. Default true. */
  exposeDefaultRoutes?: boolean;
}

/**
 * Buying and selling over A2A.
 *
 * Errors beside those of `payments.fetch`: `a2a_not_loaded` (the official SDK is not there), `config_invalid` and `validation` (an option).
 */
export class A2a {
  /** `payments` buys; `selling` gives the options of the gate. A seller alone needs no `payments`. */
  constructor(payments: Payments | undefined, selling?: () => { nvmApiKey?: string; environment?: string; backend?: string });
  /** A `fetch` for a client of A2A agents, as its `fetchImpl`. */
  fetch(options?: FetchOptions): typeof fetch;
  /** The card of an agent, with the extensions that say how it is paid. */
  buildPaymentAgentCard<Card extends object>(card: Card, payment: PaymentMetadata): Promise<Card>;
  /** A fetch handler of an agent that is paid for, for every runtime. */
  handler(options: A2aAgentOptions): A2aHandler;
  /** Serves an agent in Node. */
  start(options: A2aStartOptions): Promise<{ server: any; close(): Promise<void>; info: { baseUrl: string; port: number } }>;
}
