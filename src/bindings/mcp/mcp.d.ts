// The types of `payments-wasm/mcp`: MCP servers and clients that are paid for.
import type { FetchOptions, Payments, Receipt, Spend } from './index.js';
import type { PaymentContext, PaywallOptions } from './paywall.js';

/** The price of a call of a tool, resource or prompt: whole credits, or a function of the call. 0 is free of charge. */
export type McpCredits = number | bigint | ((call: McpCall) => number | bigint | Promise<number | bigint>);

/** A call, as a price function sees it. */
export interface McpCall {
  /** The name of the tool or prompt, or the URI of the resource. */
  name: string;
  /** The arguments of the call. */
  args: Record<string, unknown>;
  /** The result; only where the price has a `maxAmount`. */
  result?: Record<string, unknown>;
  /** The HTTP request that the call came in; for a price by the result also the name of the tool and the logical URL. */
  request: Request & { toolName?: string; logicalUrl?: string };
}

/** The argument of a price function, under the official name. */
export type CreditsContext = McpCall;

/** A price. */
export interface McpPrice {
  /** Default 1. */
  credits?: McpCredits;
  /** Another plan than that of the server. */
  planId?: string;
  /** Another agent than that of the server. */
  agentId?: string;
  /**
   * With a function: the most that a call costs. It is verified before the call, and the function is called with the result. `payments.mcp` takes the
   * plan's own maximum where it is missing; `mcpPaywall` then calls the function before the call.
   */
  maxAmount?: number | bigint;
  /** Accepted because the official SDK has it: content that was not paid for is never delivered. */
  onRedeemError?: 'ignore' | 'propagate';
}

/** Prices by name; `*` is for all others. */
export type McpPrices = Record<string, McpPrice | McpCredits>;

/** Options of a gate in front of an MCP server: those of the paywall without routes, and prices. */
export interface McpPaywallOptions extends Omit<PaywallOptions, 'routes' | 'unlisted'> {
  /** The plan whose credits pay. */
  planId: string;
  /** The agent that is paid for. */
  agentId?: string;
  /** Prices by name. */
  tools?: McpPrices;
  /** Prices by URI, or by URI template (`report://{day}`). */
  resources?: McpPrices;
  /** Prices by name. */
  prompts?: McpPrices;
  /** Says if a call of something that has no price is refused (`deny`) or passed unpaid (`pass`). */
  unlisted: 'deny' | 'pass';
  /** The name of the server in logical URLs, `mcp://<serverName>/tools/<name>`. */
  serverName?: string;
  /** `true` answers requests without a bearer with 401, and serves the documents by which a client logs its user in at Nevermined. Default: neither. */
  oauth?: boolean | McpOauth;
  /** The address that clients use, where it is not that of their requests. */
  baseUrl?: string;
}

/** Login at Nevermined. */
export interface McpOauth {
  /** `false` serves the documents, and asks nobody for a bearer. */
  required?: boolean;
  /** The web app of an environment of its own. Default: its backend. */
  frontend?: string;
}

/** The fetch handler of an MCP server. */
export type McpServerHandler = (request: Request, more: { paymentContext?: PaymentContext; env?: unknown; ctx?: unknown }) => Response | Promise<Response>;

/** A fetch handler. Listing is free of charge, and so is everything that is no call. */
export interface McpHandler {
  (request: Request, env?: unknown, context?: unknown): Promise<Response>;
  /** Reports a wrong option now, not with the first request. */
  ready(env?: unknown): Promise<void>;
  /** Ends the timers of a state in memory. */
  close(): Promise<void>;
}

/**
 * Puts a gate in front of an MCP server: its fetch handler, or its URL. The server answers a call in the response to its POST (Streamable HTTP). A result of a paid
 * call that comes on another stream is not given out: the client gets an error whose `data.code` is `mcp_result_elsewhere`.
 */
export function mcpPaywall(handler: string | McpServerHandler, options: McpPaywallOptions): McpHandler;

/** Returns what was paid for a result of a wrapped client; undefined for any other. */
export function paymentOf(result: object): { receipt?: Receipt; spend: Spend } | undefined;

/** Options of the buyer: those of `payments.fetch`. */
export interface McpClientOptions extends FetchOptions {
  /** The address of the server: the origin that consent is about. Default: that of the client's transport. */
  url?: string;
}

/** Options of `connect`. */
export interface McpConnectOptions extends FetchOptions {
  /** The OAuth provider of the official SDK, for servers that want an authorization. */
  authProvider?: object;
  /** The code with which a person comes back from the login that `authProvider` sent them to. */
  authorizationCode?: string;
  /** Headers of every request. */
  headers?: Record<string, string>;
  /** How the client introduces itself. */
  clientInfo?: { name: string; version: string };
}

/** Facts of a server. */
export interface McpConfig {
  /** The plan whose credits pay. Default: the only plan of the agent. */
  planId?: string;
  /** The agent that is paid for. */
  agentId?: string;
  /** The name of the server. */
  serverName?: string;
  /** The version that the server states. */
  version?: string;
  /** A text about the server, which `GET /` gives. */
  description?: string;
  /** Challenges of MPP beside the offers of x402. A price by the result does not go with it. */
  mpp?: PaywallOptions['mpp'];
}

/** Options of `start`: those of the gate too. */
export interface McpStartOptions extends Partial<McpPaywallOptions>, McpConfig {
  /** Default 0: a free port. */
  port?: number;
  /** Default 127.0.0.1. */
  host?: string;
  /** Default `{ required: false }`; `false` serves no documents. */
  oauth?: boolean | McpOauth;
}

/** A client of `@modelcontextprotocol/sdk`. */
interface McpClientLike { request(...given: never[]): Promise<unknown> }

/**
 * Buying and selling over MCP.
 *
 * Errors beside those of `payments.fetch`: `mcp_unauthorized` (the server wants an authorization), `mcp_not_loaded` (the official SDK is not
 * there), `config_invalid` and `validation` (an option).
 */
export class Mcp {
  /** `payments` buys; `selling` gives the options of the gate. A seller alone needs no `payments`. */
  constructor(payments: Payments | undefined, selling?: () => { nvmApiKey?: string; environment?: string; backend?: string });

  /** A client that pays for tools, resources and prompts as `payments.fetch` does; it has all members of `client`. */
  wrap<C extends McpClientLike>(client: C, options?: McpClientOptions): C;
  /** Connects to an MCP server over HTTP, and wraps the client. It is a `Client` of the official SDK. */
  connect(url: string | URL, options?: McpConnectOptions): Promise<any>;
  /** Returns what was paid for a result. */
  paymentOf(result: object): { receipt?: Receipt; spend: Spend } | undefined;

  /** Says what is sold, for what is registered. */
  configure(config: McpConfig): void;
  /** Registers a tool with its price. */
  registerTool(name: string, config: McpToolConfig, handler: McpToolHandler, options?: McpPrice): void;
  /** Registers a resource, or a template of resources, with its price. */
  registerResource(name: string, uri: string, config: McpResourceConfig, handler: McpResourceHandler, options?: McpPrice): void;
  /** Registers a prompt with its price. */
  registerPrompt(name: string, config: McpPromptConfig, handler: McpPromptHandler, options?: McpPrice): void;
  /**
   * The paid form of a handler for a server of the official SDK: `(args, extra) => …` of a tool or prompt, `(uri, variables, extra) => …` of a resource.
   * The payment is read from the call (`_meta["x402/payment"]`) or from its headers. A tool that was not paid returns a result with `isError` and the
   * offer; a resource or prompt throws an error with the code -32003 and the offer as its `data`.
   */
  withPaywall(handler: (...given: any[]) => unknown, options?: McpPaidHandlerOptions): (...given: any[]) => Promise<any>;
  /** A server of the official SDK (`McpServer`), with methods that register paid handlers. */
  attach(server: { registerTool: any; registerResource: any; registerPrompt: any }): McpRegistrar;
  /** A fetch handler with what is registered, for every runtime. */
  handler(options?: Partial<McpPaywallOptions> & McpConfig): McpHandler;
  /** Serves what is registered in Node: `POST /mcp`, `GET /health`, `GET /`, and the documents of OAuth with `POST /register`. */
  start(options?: McpStartOptions): Promise<McpServing>;
}

/** Options of `withPaywall`. */
export interface McpPaidHandlerOptions extends McpPrice {
  /** Default `tool`. */
  kind?: 'tool' | 'resource' | 'prompt';
  /** The name in the logical URL, `mcp://<serverName>/<kind>s/<name>`. Default `unnamed`. */
  name?: string;
}

/** Registers paid handlers with an `McpServer`. */
export interface McpRegistrar {
  /** As `McpServer.registerTool`, with a price. */
  registerTool(name: string, config: object, handler: (...given: any[]) => unknown, options?: McpPrice): any;
  /** As `McpServer.registerResource`, with a price. */
  registerResource(name: string, uri: any, config: object, handler: (...given: any[]) => unknown, options?: McpPrice): any;
  /** As `McpServer.registerPrompt`, with a price. */
  registerPrompt(name: string, config: object, handler: (...given: any[]) => unknown, options?: McpPrice): any;
}

/** The payment, as the last argument of a handler; undefined where the call is free of charge. */
export interface McpPaywallContext {
  /** The verification: the platform's id of the request, who pays, and the logical URL. The token is not in it. */
  authResult: { requestId?: string; agentId?: string; planId: string; subscriberAddress?: string; logicalUrl: string; agentRequest?: object };
  /** The most that the call costs, in credits. */
  credits: bigint;
  /** The plan that pays. */
  planId: string;
  /** The payer. */
  subscriberAddress?: string;
  /** The platform's facts about the agent's request. */
  agentRequest?: object;
  /** The same, where older versions have it. */
  extra: { agentRequest?: object };
}

/** A server that was started. */
export interface McpServing {
  /** Its address, and the names of what it has. */
  info: { name: string; version: string; description?: string; baseUrl: string; port: number; tools: string[]; resources: string[]; prompts: string[] };
  /** The server of `node:http`. */
  server: object;
  /** Ends it. */
  stop(): Promise<void>;
}

/** The facts that a handler is told of its call. */
export interface McpExtra {
  /** Fires when the client gives the call up. */
  signal: AbortSignal;
  /** The payment; absent where the call is free of charge. */
  paymentContext?: PaymentContext;
  [name: string]: unknown;
}

/** A tool as it is listed. */
export interface McpToolConfig {
  /** A name for people. */
  title?: string;
  /** A text that says what the tool does. */
  description?: string;
  /** JSON Schema, a schema of zod's, or an object of such. Arguments are checked by schemas of zod's. */
  inputSchema?: object;
  /** The schema of `structuredContent`, in the same forms. */
  outputSchema?: object;
  /** Hints of the protocol. */
  annotations?: object;
}

/** A resource as it is listed. */
export interface McpResourceConfig {
  /** A name for people. */
  title?: string;
  /** A text that says what the resource holds. */
  description?: string;
  /** Its media type. */
  mimeType?: string;
}

/** A prompt as it is listed. */
export interface McpPromptConfig {
  /** A name for people. */
  title?: string;
  /** A text that says what the prompt is for. */
  description?: string;
  /** Its arguments. */
  arguments?: { name: string; description?: string; required?: boolean }[];
}

/** Does the work of a tool, and gives its result. */
export type McpToolHandler = (args: any, extra: McpExtra, context?: McpPaywallContext) => object | Promise<object>;
/** Reads a resource. `variables` are those of its template. */
export type McpResourceHandler = (uri: URL, variables: Record<string, string>, extra: McpExtra, context?: McpPaywallContext) => object | Promise<object>;
/** Gives the messages of a prompt. */
export type McpPromptHandler = (args: Record<string, string>, extra: McpExtra, context?: McpPaywallContext) => object | Promise<object>;

/** `payments.mcp`: the same, loaded at its first use. Every method but `handler`, `withPaywall` and `attach` resolves once it is loaded; calls keep their order. */
export interface McpPart {
  /** See `Mcp.wrap`. */
  wrap<C extends McpClientLike>(client: C, options?: McpClientOptions): Promise<C>;
  /** See `Mcp.connect`. */
  connect: Mcp['connect'];
  /** See `Mcp.paymentOf`. */
  paymentOf(result: object): Promise<ReturnType<Mcp['paymentOf']>>;
  /** See `Mcp.configure`. */
  configure(...given: Parameters<Mcp['configure']>): Promise<void>;
  /** See `Mcp.registerTool`. */
  registerTool(...given: Parameters<Mcp['registerTool']>): Promise<void>;
  /** See `Mcp.registerResource`. */
  registerResource(...given: Parameters<Mcp['registerResource']>): Promise<void>;
  /** See `Mcp.registerPrompt`. */
  registerPrompt(...given: Parameters<Mcp['registerPrompt']>): Promise<void>;
  /** See `Mcp.withPaywall`. */
  withPaywall: Mcp['withPaywall'];
  /** See `Mcp.attach`. */
  attach: Mcp['attach'];
  /** See `Mcp.handler`; a fetch handler at once, without `ready` and `close`. */
  handler(...given: Parameters<Mcp['handler']>): (request: Request, env?: unknown, context?: unknown) => Promise<Response>;
  /** See `Mcp.start`. */
  start: Mcp['start'];
}
