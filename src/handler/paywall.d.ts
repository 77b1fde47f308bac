// The public types of `payments-wasm/paywall`. Names are those of the official Express middleware wherever it has one.

import type { EnvironmentName, X402PaymentRequired } from './index.js';

/**
 * Puts a gate around a fetch handler. The handler is called only where a request is paid for, open, free of charge or passed;
 * what it answers with a 2xx is settled, and delivered with a receipt. A URL in the place of the handler is an origin that
 * requests are forwarded to.
 *
 * What it gives is a fetch handler itself: `export default { fetch: paywall(…) }` in a Worker, `Deno.serve(paywall(…))`,
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

/** What a handler is given beside the request. */
export interface HandlerContext<Env = unknown, Context = unknown> {
  /** The payment; nothing where the request is open, passed, free of charge without a token, or paid for by an access pass. */
  paymentContext: PaymentContext | undefined;
  /** What the gate was called with: the Worker's bindings, or what the server says of the connection. */
  env: Env;
  /** The Worker's context. */
  ctx: Context;
}

/** A payment, as the official middleware's handlers find it in `req.paymentContext`. */
export interface PaymentContext {
  /** The x402 access token: a secret. */
  token: string;
  /** What was offered, and what the payment is verified against. */
  paymentRequired: X402PaymentRequired;
  /** The most that is settled, in credits; a `bigint` beyond what a number holds exactly. */
  creditsToSettle: number;
  /** The same, always exact. */
  credits: bigint;
  /** Always true in a handler. */
  verified: boolean;
  /** What the platform says of the agent's request, for its observability. */
  agentRequest?: { agentRequestId?: string; [member: string]: unknown };
  /** What the platform calls this request. */
  agentRequestId?: string;
  /** Who pays: the platform's word. */
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
 * What a gate is told. What is not given is read from the Worker's variables by the name in brackets, so that the same
 * configuration serves the library and the Worker that is deployed as it is; of a process only those that begin with `NVM_`,
 * and `METRICS_TOKEN`.
 */
export interface PaywallOptions {
  /** What is sold, by method and path: `"POST /ask"`, `"GET /reports/:id"`, `"GET /data/*rest"`. [`ROUTES`] */
  routes?: Record<string, RouteConfig>;
  /** What happens to a request that no route lists: refused with 404, or passed unpaid. It has to be chosen. [`UNLISTED`] */
  unlisted?: 'deny' | 'pass';
  /** Routes that are free of charge, like `"GET /health"`. [`OPEN_ROUTES`] */
  openRoutes?: string[];
  /** The seller's key: a secret. [`NVM_API_KEY`] */
  nvmApiKey?: string;
  /** The deployment of the platform; a key whose prefix names one wins. [`NVM_ENVIRONMENT`] */
  environment?: EnvironmentName;
  /** Where the platform is, with `environment: 'custom'`. [`NVM_API_URL`] */
  backend?: string;
  /**
   * All that is not secret as one document, of the same schema as the Worker's (`payments-wasm/paywall.schema.json`): what it says comes
   * before the other options and the variables. As an object or a text it is read once. A function that gives it, or a KV
   * namespace with the key `paywall`, is asked again every five seconds while nobody waits: a new document that is wrong is
   * refused, and the old one stays. Default: the variable, or the binding to a namespace, `CONFIG` of a Worker. [`CONFIG`]
   */
  config?: ConfigDocument | string | ConfigNamespace
    | ((env: unknown) => ConfigDocument | string | null | undefined | Promise<ConfigDocument | string | null | undefined>);
  /** The header that a token comes in, or several, the first that is there. Default `payment-signature`. [`TOKEN_HEADER`] */
  tokenHeader?: string | string[];
  /**
   * What must be true once: single-use tokens, the journal of settlements, rates, allowances, receipts.
   *
   * In a Worker a Durable Object namespace of the class `PaywallState`, or the name of the binding to it; default the binding
   * `PAYWALL_STATE`, where there is one. On a server of one process `'memory'`: it holds in this process only, and is gone
   * with it, receipts and what is owed too. Without a state, routes that need one are refused; `false` wants none.
   */
  state?: 'memory' | DurableNamespace | (string & {}) | false;
  /**
   * Called before a token is verified, or believed since it was a moment ago. One that throws refuses the payment: 402 with its message, and nothing is charged.
   * Hooks and price functions see the request that the handler gets: the canonical path, without the token and without
   * `x-payment-*` of the client's. They may read its body to `maxBodyBytes`; it is the handler's all the same. Where several hooks
   * read it, each reads a `request.clone()`, and none after the handler was asked.
   */
  onBeforeVerify?: (request: Request, paymentRequired: X402PaymentRequired) => void | Promise<void>;
  /**
   * Called when a token is verified, with the platform's answer; for a verification that is remembered (`verifyCacheSeconds`)
   * with what is known of it, `isValid` and `payer`. One that throws refuses the payment.
   */
  onAfterVerify?: (request: Request, verification: Verification) => void | Promise<void>;
  /** Called when credits were burned, before the answer is delivered where the route settles then. One that throws is logged. */
  onAfterSettle?: (request: Request, creditsUsed: number, settlement: Settlement) => void | Promise<void>;
  /**
   * Called where a request is not served for want of a payment (402), or because it cannot be looked into (503), with the
   * answer that it gets. A `Response` that it returns goes out instead, with the offer and what keeps it out of caches.
   */
  onPaymentError?: (error: PaywallError, request: Request, response: Response) => Response | void | Promise<Response | void>;
  /** The header in which a proxy in front of the gate says the client's address; of a list its last member counts. [`ADDRESS_HEADER`] */
  addressHeader?: string;
  /** How much of a body price functions and hooks may read, in bytes; beyond it a price is a 413. Default 1 MiB. [`MAX_BODY_BYTES`] */
  maxBodyBytes?: number;
  /** The client's address, for rates and allowances by address. Default: what the runtime says of the connection, never a header that a client can send. */
  address?: (request: Request, env: unknown) => string | undefined;
  /**
   * What `payments-wasm/paywall/page` exports: with it a person who comes with a browser gets a page to log in, to buy and to
   * go on, in the place of JSON. `page` says how it looks.
   */
  pageScripts?: { PAGE_FILES: string; PAGE_CONTENT: Record<string, string> };
  /** The 402 page: on where there are scripts, off, or how it looks and what it says; the README has its keys. [`PAGE`] */
  page?: 'on' | 'off' | { name?: string; lang?: string; logo?: string; accent?: string; accentDark?: string; texts?: Record<string, string>; storage?: 'memory' | 'session' };
  /** Access passes: the sets of routes that one payment opens for a while; the README has their keys. [`PASSES`] */
  passes?: unknown;
  /** The keys that passes are signed with, the newest first: secrets. [`PASS_KEYS`] */
  passKeys?: unknown;
  /** Passes that do not count any more. [`REVOKED_PASSES`] */
  revokedPasses?: unknown;
  /** Where buyers reach this service, if it is not where they ask it. [`PUBLIC_URL`] */
  publicUrl?: string;
  /** Origins of pages that may pay across origins, or `['*']`. Default none. [`ALLOWED_ORIGINS`] */
  allowedOrigins?: string[];
  /** Whether such a page may send cookies. [`ALLOW_CREDENTIALS`] */
  allowCredentials?: boolean;
  /** Headers that such a page may send beside the usual ones, in lower case. [`ALLOWED_HEADERS`] */
  allowedHeaders?: string[];
  /** Whether a public page may call this service in a private network. [`ALLOW_PRIVATE_NETWORK`] */
  allowPrivateNetwork?: boolean;
  /** How long a browser may remember a preflight, in seconds. Default 600. [`CORS_MAX_AGE`] */
  corsMaxAge?: number;
  /** How long a call of the platform may take, in milliseconds. Default 10000. [`TIMEOUT_MS`] */
  timeoutMs?: number;
  /** How long the handler may take until its answer begins, in milliseconds. Default 60000. [`ORIGIN_TIMEOUT_MS`] */
  originTimeoutMs?: number;
  /** For how long a positive verification is believed, in seconds, to 60. Default 0, not at all. [`VERIFY_CACHE_SECONDS`] */
  verifyCacheSeconds?: number;
  /** Whether each request is a line of JSON in the log. Default true. [`LOG`] */
  log?: boolean;
  /** Whether an answer says in `server-timing` what it waited for. Default true. [`SERVER_TIMING`] */
  serverTiming?: boolean;
  /**
   * What has to be said to read the counters at `/.well-known/payments/metrics` and the journal at
   * `/.well-known/payments/journal`: a secret. [`METRICS_TOKEN`]
   */
  metricsToken?: string;
  /** Other variables of the Worker by their names in camel case. One that there is none of is refused. */
  [option: string]: unknown;
}

/** The configuration but secrets and functions, by the names of `payments-wasm/paywall.schema.json`. */
export interface ConfigDocument {
  /** What is sold. A price has to be said. */
  routes?: Record<string, RouteConfig>;
  /** Routes that are free of charge. */
  open?: string[];
  /** What happens to a request that no route lists. */
  unlisted?: 'deny' | 'pass';
  /** What else the schema has. */
  [key: string]: unknown;
}

/** A KV namespace. */
export interface ConfigNamespace {
  /** The text of a key. */
  get(key: string): Promise<string | null>;
}

/** What a route costs, and how it can be paid. The README has a table of it. */
export interface RouteConfig {
  /** The plan that pays for it. */
  planId?: string;
  /** Several plans, one entry each in the offer. */
  plans?: PlanConfig[];
  /** The price; 1 where nothing is said. */
  credits?: Price;
  /** The agent that is named in the offer. */
  agentId?: string;
  /** How it is paid; default: as the plan says. */
  scheme?: 'nvm:erc4337' | 'nvm:card-delegation';
  /** Where it is paid; default: as the plan says. */
  network?: string;
  /** What is sold, for people. */
  description?: string;
  /** What it is answered with. */
  mimeType?: string;
  /** When it is settled. Default `before-delivery`. */
  settle?: 'before-delivery' | 'after-delivery' | 'at-end-of-stream';
  /**
   * How many answers a payer may have of a plan that are delivered and not settled, where they are settled after delivery:
   * from 1 to 1000. Default 1. Beyond it a request waits some seconds, then is answered 429.
   */
  maxOpen?: number;
  /** Any number of them. A route that is settled after delivery has to say so where there is no state. */
  unbounded?: boolean;
  /** How the buyer gets to read the receipt. */
  receipt?: 'header' | 'url' | 'event';
  /** How often it may be asked for; beyond it a 429. */
  limit?: { requests: number; seconds: number; by: 'payer' | 'address' };
  /** How much of it is free of charge. */
  free?: { perDay: number; by: 'payer' | 'address' };
  /** Whether only single-use tokens are taken. Recommended: what became of their settlements is always found out. */
  singleUse?: boolean;
  /** Handed on to settle, from 0 to 10: a margin on what a request really cost. The sandbox takes 0.2 for a fifth. */
  marginPercent?: number;
  /** Handed on to settle: to be burned with others, later. */
  batch?: boolean;
  /** What else the gate reads of a route. */
  [key: string]: unknown;
}

/** One of several plans of a route. */
export interface PlanConfig {
  /** The plan. */
  planId: string;
  /** Its price; default: the route's. */
  credits?: PlanPrice;
  /** The agent; default: the route's. */
  agentId?: string;
  /** How it is paid; default: as the plan says. */
  scheme?: 'nvm:erc4337' | 'nvm:card-delegation';
  /** Where it is paid; default: as the plan says. */
  network?: string;
}

/**
 * Credits: a number, a function of the request, or an object that says how they are found. A function is asked once, before
 * verification, and gets the request that the handler gets, whose body it may read to `maxBodyBytes` (413 beyond that); one that
 * throws, or gives no whole number, is a 500, and nothing is charged.
 */
export type Price = PlanPrice | PriceFunction | { by: PriceFunction; most: number | string };

/** What can be said of each of several plans; a function is the route's, whatever plan pays. */
export type PlanPrice = number | bigint | string
  | { by: 'query' | 'header'; name: string; each: number; most: number | string; base?: number; per?: number }
  | { by: 'origin'; name: string; most: number | string }
  | { by: 'byte' | 'event'; each: number; most: number | string; base?: number; per?: number }
  | { by: 'token'; member: string; each: number; most: number | string; base?: number; per?: number };

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
  /** What the platform calls this request. */
  agentRequestId?: string;
  /** What it says of the agent's request, for its observability. */
  agentRequest?: { agentRequestId?: string; [member: string]: unknown };
  /** What else it says. */
  [member: string]: unknown;
}

/** The platform's receipt. */
export interface Settlement {
  /** True, where a hook sees it. */
  success: boolean;
  /** The credits that were burned, decimal. */
  creditsRedeemed?: string;
  /** What is left, decimal. */
  remainingBalance?: string;
  /** The transaction. */
  transaction?: string;
  /** Who paid. */
  payer?: string;
  /** Where. */
  network?: string;
  /** What else it says. */
  [member: string]: unknown;
}

/** What went wrong with a payment, or with the options. */
export class PaywallError extends Error {
  /** An error of these facts. */
  constructor(message: string, facts: { code: string; status?: number; key?: string; hint?: string; retryable?: boolean; cause?: unknown });
  /** Stable: `payment_missing`, `facilitator_timeout`, `config_invalid`, `wasm_load_failed`, … */
  code: string;
  /** The status that the request is answered with. */
  status?: number;
  /** The option that is wrong. */
  key?: string;
  /** What to do about it, where there is something. */
  hint?: string;
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
  /** What an object is asked by the gate. */
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
