// The public types of `payments-wasm/paywall`. Names are those of the official Express middleware wherever it has one.

import type { EnvironmentName, X402PaymentRequired } from './index.js';

// Where Hono is installed, `c.get('paymentContext')` has its type; where it is not, there is nothing to add to.
// @ts-ignore
declare module 'hono' {
  interface ContextVariableMap {
    /** The payment, for what is behind `honoPaywall`. */
    paymentContext: PaymentContext | undefined;
  }
}

/** A word of a configuration. TypeScript knows those of a JSON file as texts only; another word is refused by name at the start. */
export type Word<Known extends string> = Known | (string & {});

/**
 * Puts a gate around a fetch handler. The handler is called only where a request is paid for, open, free of charge or passed;
 * what it answers with a 2xx is settled, and delivered with a receipt. A URL in the place of the handler is an origin that
 * requests are forwarded to.
 *
 * The result is a fetch handler: `export default { fetch: paywall(…) }` in a Worker, `Deno.serve(paywall(…))`,
 * `Bun.serve(paywall(…))`, and with `toNodeListener` of `payments-wasm/paywall/node` a listener of `node:http`.
 *
 * With options that are wrong every request is answered with a 500 that names the option, and nothing goes further;
 * `ready()` says it before there is a request. Throws a `PaywallError` where a hook is no function.
 */
export function paywall<Env = unknown, Context = unknown>(handler: PaidHandler<Env, Context> | string, options: PaywallOptions): Paywall<Env, Context>;

/**
 * The gate as a middleware of Hono: `app.use(honoPaywall({ … }))` before the routes. What comes behind it in the chain is the
 * handler; it finds the payment as `c.get('paymentContext')`. Paths are those of the request, whatever the app is mounted at; one
 * in another spelling than its canonical one is refused with 400, since Hono has chosen the handler by it. Headers that were
 * set before stay on each answer.
 */
export function honoPaywall(options: PaywallOptions): HonoPaywall;

/** A middleware of Hono. */
export interface HonoPaywall {
  (c: any, next: () => Promise<void>): Promise<void>;
  /** As that of `Paywall`. */
  ready(env?: unknown): Promise<void>;
  /** As that of `Paywall`. */
  close(): Promise<void>;
}

/** Answers a request that may be answered. */
export type PaidHandler<Env = unknown, Context = unknown> =
  (request: Request, more: HandlerContext<Env, Context>) => Response | Promise<Response>;

/** A handler of one request. */
export type ChainHandler = (request: Request, more: { paymentContext: PaymentContext | undefined }) => Response | Promise<Response>;

/** Second argument of a handler. */
export interface HandlerContext<Env = unknown, Context = unknown> {
  /** The payment; nothing where the request is open, passed, free of charge without a token, or paid for by an access pass. */
  paymentContext: PaymentContext | undefined;
  /** Environment of the call: the Worker's bindings, or the server's facts about the connection. */
  env: Env;
  /** The Worker's context. */
  ctx: Context;
}

/** A payment, as the official middleware's handlers find it in `req.paymentContext`. */
export interface PaymentContext {
  /** The x402 access token: a secret. */
  token: string;
  /** The offer that the payment is verified against. */
  paymentRequired: X402PaymentRequired;
  /** The most that is settled, in credits; a `bigint` beyond what a number holds exactly. */
  creditsToSettle: number;
  /** The same, always exact. */
  credits: bigint;
  /** Always true in a handler. */
  verified: boolean;
  /** The platform's facts about the agent's request, for its observability. */
  agentRequest?: { agentRequestId?: string; [member: string]: unknown };
  /** The platform's id of this request. */
  agentRequestId?: string;
  /** The payer, as the platform names it. */
  payer?: string;
  /** The plan that pays. */
  planId: string;
  /** The agent, where the route names one. */
  agentId?: string;
  /** The route, as the options have it. */
  route: string;
}

/** A gate around a handler. */
export interface Paywall<Env = unknown, Context = unknown> {
  (request: Request, env?: Env, ctx?: Context): Promise<Response>;
  /**
   * Answers one request with another handler than its own. Whoever brings it has chosen it by the path as it came, so one in
   * another spelling than its canonical one is refused with 400.
   */
  serve(request: Request, env: Env | undefined, ctx: Context | undefined, handler: ChainHandler): Promise<Response>;
  /** Reads the options now. Rejects with a `PaywallError` of code `config_invalid` whose `key` is the option that is wrong. */
  ready(env?: Env): Promise<void>;
  /** Stops the timers of a state in memory, and with it what it had still to look into. */
  close(): Promise<void>;
}

/**
 * Options of a gate. An option that is not given is read from the Worker's variable with the name in brackets, so that
 * the same configuration serves the library and the deployed Worker. Of a process's variables only those that begin
 * with `NVM_`, and `METRICS_TOKEN`, are read.
 */
export interface PaywallOptions {
  // options of the gate
  /** Other variables of the Worker by their names in camel case. One that there is none of is refused. */
  [option: string]: unknown;
}

/** The configuration but secrets and functions, by the names of `payments-wasm/paywall.schema.json`. */
export interface ConfigDocument {
  /** Paid routes. A price is required. */
  routes?: Record<string, RouteConfig>;
  /** Routes that are free of charge. */
  open?: string[];
  /** Treatment of a request that no route lists. */
  unlisted?: Word<'deny' | 'pass'>;
  /** Other options of the schema. */
  [key: string]: unknown;
}

/** A KV namespace. */
export interface ConfigNamespace {
  /** The text of a key. */
  get(key: string): Promise<string | null>;
}

/** Price of a route, and the plans that pay for it. docs/paywall-config.md explains it. */
export interface RouteConfig {
  // members of route
  /** Other members of a route. */
  [key: string]: unknown;
}

/** An amount of an asset on an EVM chain or on Solana: the scheme `exact` of x402. */
export interface ExactConfig {
  /** The scheme. */
  scheme: Word<'exact'>;
  /** The chain: `eip155:8453`. */
  network: string;
  /** The price in atomic units of the asset. */
  amount: string | number | bigint;
  /** The contract of the asset, or its mint on Solana. */
  asset: string;
  /** The recipient. On Solana the owner: its associated account of the asset receives, and has to exist. */
  payTo: string;
  /** The decimals of a token on Solana, which the payer signs for: a payment with others is refused before the facilitator is asked. */
  decimals?: number;
  /** Name and version of the asset's EIP-712 domain, needed on EVM chains. On Solana `feePayer` may be given; without it, it is the one that the facilitator names. */
  extra?: { name?: string; version?: string; feePayer?: string; [member: string]: unknown };
  /** The facilitator that verifies and settles: https, or http on this machine. */
  facilitator: string;
  /** How long an authorization is to hold, in seconds, from 10 to 3600. Default 300. */
  maxTimeoutSeconds?: number;
}

/** One of several plans of a route. */
export interface PlanConfig {
  // members of plan
}

/**
 * Credits: a number, a function of the request, or an object that says how they are found. A function is asked once, before
 * verification, and gets the request that the handler gets, whose body it may read to `maxBodyBytes` (413 beyond that); one that
 * throws, or gives no whole number, is a 500, and nothing is charged.
 */
export type Price = PlanPrice | PriceFunction | { by: PriceFunction; most: number | string };

/** Price for each of several plans; a function is the route's price, whatever plan pays. */
export type PlanPrice = number | bigint | string
  | { by: 'query' | 'header'; name: string; each: number; most: number | string; base?: number; per?: number }
  | { by: 'origin'; name: string; most: number | string }
  | { by: 'byte' | 'event'; each: number; most: number | string; base?: number; per?: number }
  | { by: 'token'; member: string; each: number; most: number | string; base?: number; per?: number }
  | { by: string & {}; most: number | string; name?: string; member?: string; each?: number; base?: number; per?: number };

/** Says what a request costs, in credits. */
export type PriceFunction = (request: Request) => number | bigint | Promise<number | bigint>;

/** The platform's answer to a verification. */
export interface Verification {
  /** True, where a hook sees it. */
  isValid: boolean;
  /** Whose token it is. */
  payer?: string;
  /** The network that is settled on. */
  network?: string;
  /** The platform's id of this request. */
  agentRequestId?: string;
  /** The platform's facts about the agent's request, for its observability. */
  agentRequest?: { agentRequestId?: string; [member: string]: unknown };
  /** Other members of the response. */
  [member: string]: unknown;
}

/** The platform's receipt. */
export interface Settlement {
  /** True, where a hook sees it. */
  success: boolean;
  /** The credits that were burned, decimal. */
  creditsRedeemed?: string;
  /** Remaining balance, decimal. */
  remainingBalance?: string;
  /** The transaction. */
  transaction?: string;
  /** The payer. */
  payer?: string;
  /** Where. */
  network?: string;
  /** Other members of the response. */
  [member: string]: unknown;
}

/** An error of a payment, or of the options. */
export class PaywallError extends Error {
  /** An error of these facts. */
  constructor(message: string, facts: { code: string; status?: number; key?: string; hint?: string; retryable?: boolean; cause?: unknown });
  /** Stable: `payment_missing`, `facilitator_timeout`, `config_invalid`, `wasm_load_failed`, … */
  code: string;
  /** The status that the request is answered with. */
  status?: number;
  /** The option that is wrong. */
  key?: string;
  /** Remedy. */
  hint: string;
  /** Where its code is explained. */
  docsUrl: string;
}

/** A binding to a Durable Object class. */
export interface DurableNamespace {
  /** The id of the object of that name. */
  idFromName(name: string): any;
  /** The object. */
  get(id: any): any;
}

/**
 * The Durable Object class of the state, with SQLite: exported by the Worker's own module, and bound as `PAYWALL_STATE` with
 * `new_sqlite_classes`. In its Worker `paywall()` has to be called where the module starts, since its alarm settles by it, of
 * several by the last.
 */
export class PaywallState {
  /** Made by the runtime. */
  constructor(context: any, env: any);
  /** Handles the gate's calls to the object. */
  fetch(request: Request): Promise<Response>;
  /** Looks into settlements whose end is not known. */
  alarm(): Promise<void>;
}

/**
 * Loads the WebAssembly ahead of need, or from a source of one's own, where a bundler leaves the package's file behind: its bytes, a response, or a
 * module. Calling it is never necessary elsewhere.
 */
export default function init(source?: WasmSource): Promise<void>;

/** The WebAssembly: its address, its bytes, a response that brings it or a promise of one, or a `WebAssembly.Module`. */
export type WasmSource = string | URL | ArrayBuffer | ArrayBufferView | Response | Promise<Response> | object;
