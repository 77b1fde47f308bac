// `payments.mcp`: buying and selling over MCP. Loaded when it is first used; what sells is in `payments-wasm/mcp`.
import { lazily, problem } from './core.js';
import { mostOf } from '../../paywall/js/of_payments.js';
import { paymentOf, paysInBand, wrapClient } from './client.js';
import { contextOf } from './messages.js';
import { CAPABILITY } from './mpp.js';

export { paymentOf, wrapClient };

/** The parts that `payments-wasm/mcp` has handed over. */
let parts;
export function provide(given) { parts = given; }

/**
 * The parts that need the official SDK. A bundler must not look for it: only `payments-wasm/mcp` names it. `load` imports that; the entries for Node have
 * one, and elsewhere the program imports it.
 */
async function whole(load) {
  if (parts) return parts;
  try {
    if (!load) throw new Error('only the entries for Node import it by themselves');
    await load();
    // A program in one file has a copy of this module, and what was imported handed its parts to the package's own.
    if (!parts) throw new Error('the program is bundled');
  } catch (cause) {
    throw problem('mcp_not_loaded', `payments-wasm/mcp cannot be loaded: ${cause?.message ?? cause}`,
      "install @modelcontextprotocol/sdk, and in a bundled program import 'payments-wasm/mcp'", { cause });
  }
  return parts;
}

/** The method of the calls of each kind of handler, and the parameter that names the handler. */
const KINDS = { tool: ['tools/call', 'name'], resource: ['resources/read', 'uri'], prompt: ['prompts/get', 'name'] };
/** Headers of a call that the gate reads. */
const HEADERS = ['payment-signature', 'authorization', 'x-correlation-id', 'user-agent'];

/** Options that are not those of `payments.fetch`. */
const text = (value, name) => {
  if (value !== undefined && typeof value !== 'string') throw problem('validation', `${name} must be a string`);
  return value;
};

export class Mcp {
  #buyer;
  #seller;
  #load;
  #config = { serverName: 'mcp-server', version: '1.0.0' };
  #registered = { tools: new Map(), resources: new Map(), prompts: new Map() };

  /** `buyer` is the instance of `Payments`, `seller` gives the options of the gate: key, environment, backend; `load` imports what needs the official SDK. */
  constructor(buyer, seller = () => ({}), load = lazily.mcp) {
    this.#buyer = buyer;
    this.#seller = seller;
    this.#load = load;
  }

  // --- buyer -----------------------------------------------------------------------------------------

  /** A client of the official SDK that pays. `options` are those of `payments.fetch`, and `url`. */
  wrap(client, { url, ...options } = {}) {
    return wrapClient(client, { buyer: this.#buyer, url: text(url, 'url'), options });
  }

  /** Connects to an MCP server over HTTP. A server that asks for payments by HTTP is paid as well. */
  async connect(url, { authProvider, authorizationCode, headers, clientInfo, ...options } = {}) {
    const { sdk } = await whole(this.#load);
    const { Client, StreamableHTTPClientTransport, UnauthorizedError } = await sdk.client();
    const buyer = this.#buyer;
    const transport = new StreamableHTTPClientTransport(new URL(url), {
      ...(authProvider && { authProvider }), ...(headers && { requestInit: { headers } }),
      fetch: async (input, init) => (paysInBand(transport, init) ? (options.fetch ?? fetch)(input, init) : (await buyer.fetch(input, init, options)).response),
    });
    const client = new Client(clientInfo ?? { name: 'payments-wasm', version: '1.0.0' }, { capabilities: { experimental: CAPABILITY } });
    try {
      if (authorizationCode !== undefined) await transport.finishAuth(authorizationCode);
      await client.connect(transport);
    } catch (cause) {
      if (authProvider ? !(cause instanceof UnauthorizedError) : cause?.code !== 401) throw cause;
      throw authProvider
        ? problem('mcp_unauthorized', 'the person was sent to log in, who comes back with a code', 'call connect again with `authorizationCode`', { cause })
        : problem('mcp_unauthorized', 'the MCP server wants an authorization before it says anything', 'give an `authProvider` of the official SDK, or `headers: { authorization }`', { cause });
    }
    return wrapClient(client, { buyer, url, options });
  }

  /** Returns what was paid for a result: `{ receipt, spend }`. */
  paymentOf(result) { return paymentOf(result); }

  // --- seller ----------------------------------------------------------------------------------------

  configure(config) {
    Object.assign(this.#config, config);
  }

  registerTool(name, config, handler, options) { this.#register('tools', name, { config: config ?? {}, handler, options }); }
  registerResource(name, uri, config, handler, options) { this.#register('resources', name, { uri, config: config ?? {}, handler, options }); }
  registerPrompt(name, config, handler, options) { this.#register('prompts', name, { config: config ?? {}, handler, options }); }

  #register(kind, name, entry) {
    if (typeof name !== 'string' || name === '') throw problem('validation', 'name must be a string');
    if (typeof entry.handler !== 'function') throw problem('validation', `the handler of ${name} must be a function`);
    if (kind === 'resources' && typeof entry.uri !== 'string') throw problem('validation', `the uri of ${name} must be a string`);
    this.#registered[kind].set(name, entry);
  }

  /** A fetch handler with what is registered, at any path. It may be called at once; it loads with its first request. */
  handler(options) {
    let made;
    const make = async () => (await this.#make(options)).gate;
    const handler = async (...given) => (await (made ??= make()))(...given);
    return Object.assign(handler, {
      ready: async (env) => (await (made ??= make())).ready(env),
      close: async () => (await made)?.close(),
    });
  }

  /** The paid form of a handler for a server of the official SDK: see the types. */
  withPaywall(handler, { kind = 'tool', name = 'unnamed', ...price } = {}) {
    if (typeof handler !== 'function') throw problem('validation', 'handler must be a function');
    if (!Object.hasOwn(KINDS, kind)) throw problem('validation', `kind must be one of ${Object.keys(KINDS).join(', ')}`);
    const [method, parameter] = KINDS[kind];
    let made;
    const make = () => this.#gate(() => new Response(null, { status: 404 }), { state: 'memory' }, { [`${kind}s`]: [[name, price]] });
    return async (...given) => {
      const extra = given.at(-1);
      const args = given.at(-2) instanceof URL ? {} : given.at(-2);
      const headers = new Headers();
      for (const header of HEADERS) {
        const [value] = [extra?.requestInfo?.headers?.[header]].flat();
        if (value) headers.set(header, value);
      }
      const gate = await (made ??= make().catch((error) => {
        made = undefined;
        throw error;
      }));
      const message = { jsonrpc: '2.0', id: 0, method, params: { [parameter]: name, arguments: args, _meta: extra?._meta } };
      let failed;
      const { result, error } = await gate.call(message, { headers, signal: extra?.signal }, async (payment) => {
        try {
          return { result: await handler(...given, contextOf(payment)) };
        } catch (reason) {
          failed = { reason };
          return { error: reason };
        }
      });
      if (failed) throw failed.reason;
      if (error) throw Object.assign(new Error(error.message), { code: error.code, data: error.data });
      return result;
    };
  }

  /** A server of the official SDK whose tools, resources and prompts are paid for. */
  attach(server) {
    const register = (kind, before) => (name, ...given) => server[`register${kind}`](
      name, ...given.slice(0, before), this.withPaywall(given[before], { kind: kind.toLowerCase(), name, ...given[before + 1] }),
    );
    return { registerTool: register('Tool', 1), registerResource: register('Resource', 2), registerPrompt: register('Prompt', 1) };
  }

  /** The gate in front of a handler, with prices by kind: lists of a name and its price. */
  async #gate(handler, options, registered) {
    const { mcpPaywall } = await whole(this.#load);
    const { planId: _, agentId, serverName, version, description, ...gateOptions } = { ...this.#config, ...options };
    const planId = await this.#plan({ ...this.#config, ...options });
    const prices = async ([kind, entries]) => [kind, Object.fromEntries(await Promise.all(entries.map(async ([name, price]) => [name, await this.#price(price, planId)])))];
    const byKind = Object.fromEntries(await Promise.all(Object.entries(registered).map(prices)));
    return mcpPaywall(handler, { ...this.#seller(), unlisted: 'deny', ...gateOptions, planId, agentId, serverName, ...byKind });
  }

  /** The plan that pays: the one that is named, or the only one of the agent. */
  async #plan({ planId, agentId }) {
    if (planId) return planId;
    const { plans } = agentId && this.#buyer ? await this.#buyer.agents.getAgentPlans(agentId) : { plans: [] };
    if (plans.length === 1) return plans[0].id ?? plans[0].planId;
    throw problem('config_invalid', `planId must name the plan that pays${plans.length > 1 ? `, because the agent has ${plans.length}` : ''}`,
      'payments.mcp.configure({ planId, agentId, serverName })');
  }

  /** A price by the result is verified for the most that the plan takes for a call. */
  async #price({ credits, maxAmount, ...price } = {}, planId) {
    if (typeof credits !== 'function' || maxAmount !== undefined) return { ...price, ...(credits !== undefined && { credits }), ...(maxAmount !== undefined && { maxAmount }) };
    if (!this.#buyer) throw problem('config_invalid', 'maxAmount must say the most that a call costs, where credits is a function and there is no instance of Payments to read the plan with');
    return { ...price, credits, maxAmount: await mostOf(this.#buyer, { planId: price.planId ?? planId }) };
  }

  async #make(options) {
    const { createServerHandler, sdk, listen, isOauthPath } = await whole(this.#load);
    const { tools, resources, prompts } = this.#registered;
    const { serverName, version, description, mpp } = { ...this.#config, ...options };
    const server = createServerHandler(sdk.server, { serverName, version, registered: this.#registered, mpp });
    const prices = (entries) => [...entries].map(([of, { options: own }]) => [of, own]);
    const gate = await this.#gate(server, options, {
      tools: prices(tools), prompts: prices(prompts), resources: [...resources.values()].map(({ uri, options: own }) => [uri, own]),
    });
    return { gate, about: { name: serverName, version, ...(description && { description }) }, listen, isOauthPath };
  }

  /** Serves what is registered in Node: `POST /mcp`, `GET /health`, `GET /`. */
  async start({ port = 0, host = '127.0.0.1', oauth = { required: false }, ...options } = {}) {
    const { gate, about: named, listen, isOauthPath } = await this.#make({ state: 'memory', oauth, ...options });
    await gate.ready();
    const { tools, resources, prompts } = this.#registered;
    const about = { ...named, tools: [...tools.keys()], resources: [...resources.keys()], prompts: [...prompts.keys()] };
    const server = await listen(async (request, env, context) => {
      const { pathname } = new URL(request.url);
      if (pathname === '/mcp' || (oauth && isOauthPath(pathname))) return gate(request, env, context);
      if (pathname === '/health') return Response.json({ status: 'ok', service: named.name });
      if (pathname === '/') return Response.json({ ...about, endpoints: { mcp: '/mcp', health: '/health' } });
      return Response.json({ error: 'Not Found' }, { status: 404 });
    }, { port, host });
    const info = { ...about, baseUrl: options.baseUrl ?? `http://${host}:${server.address().port}`, port: server.address().port };
    const stop = async () => {
      server.closeAllConnections?.();
      await new Promise((done) => server.close(done));
      await gate.close();
    };
    return { info, server, stop };
  }
}
