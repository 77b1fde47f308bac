// `payments.mcp`: buying and selling over MCP. Loaded when it is first used; what sells is in `payments-wasm/mcp`.
import { lazily, problem } from './core.js';
import { paymentOf, wrapClient } from './client.js';

export { paymentOf, wrapClient };

/** The parts that `payments-wasm/mcp` has handed over. */
let parts;
export function provide(given) { parts = given; }

/** The parts that need the official SDK. A bundler must not look for it: only `payments-wasm/mcp` names it. */
async function whole() {
  if (parts) return parts;
  try {
    // Only the entry for Node has it: elsewhere the program imports it.
    await lazily.mcp();
  } catch (cause) {
    throw problem('mcp_not_loaded', `payments-wasm/mcp cannot be loaded: ${cause?.message ?? cause}`,
      "install @modelcontextprotocol/sdk, and in a bundled program import 'payments-wasm/mcp'", { cause });
  }
  return parts;
}

/** Options that are not those of `payments.fetch`. */
const text = (value, name) => {
  if (value !== undefined && typeof value !== 'string') throw problem('validation', `${name} must be a string`);
  return value;
};

export class Mcp {
  #buyer;
  #seller;
  #config = { serverName: 'mcp-server', version: '1.0.0' };
  #registered = { tools: new Map(), resources: new Map(), prompts: new Map() };

  /** `buyer` is the instance of `Payments`, `seller` gives the options of the gate: key, environment, backend. */
  constructor(buyer, seller = () => ({})) {
    this.#buyer = buyer;
    this.#seller = seller;
  }

  // --- buyer -----------------------------------------------------------------------------------------

  /** A client of the official SDK that pays. `options` are those of `payments.fetch`, and `url`. */
  wrap(client, { url, ...options } = {}) {
    return wrapClient(client, { buyer: this.#buyer, url: text(url, 'url'), options });
  }

  /** Connects to an MCP server over HTTP. A server that asks for payments by HTTP is paid as well. */
  async connect(url, { authProvider, headers, clientInfo, ...options } = {}) {
    const { sdk } = await whole();
    const { Client, StreamableHTTPClientTransport } = await sdk.client();
    const buyer = this.#buyer;
    const transport = new StreamableHTTPClientTransport(new URL(url), {
      ...(authProvider && { authProvider }), ...(headers && { requestInit: { headers } }),
      fetch: async (input, init) => (await buyer.fetch(input, init, options)).response,
    });
    const client = new Client(clientInfo ?? { name: 'payments-wasm', version: '1.0.0' });
    try {
      await client.connect(transport);
    } catch (error) {
      if (error?.code !== 401 || authProvider) throw error;
      throw problem('mcp_unauthorized', 'the MCP server wants an authorization before it says anything',
        'give an `authProvider` of the official SDK, or `headers: { authorization }`', { cause: error });
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

  async #make(options) {
    const { mcpPaywall, createServerHandler, sdk, listen } = await whole();
    const { planId, agentId, serverName, version, ...gateOptions } = { ...this.#config, ...options };
    if (!planId) throw problem('config_invalid', 'planId must name the plan that pays', 'payments.mcp.configure({ planId, agentId, serverName })');
    const { tools, resources, prompts } = this.#registered;
    const prices = (entries) => Object.fromEntries([...entries].map(([name, { options: own }]) => [name, { ...own }]));
    const server = createServerHandler(sdk.server, { serverName, version, registered: this.#registered });
    const gate = mcpPaywall(server, {
      ...this.#seller(), unlisted: 'deny', ...gateOptions, planId, agentId, serverName, tools: prices(tools), prompts: prices(prompts),
      resources: Object.fromEntries([...resources.values()].map(({ uri, options: own }) => [uri, { ...own }])),
    });
    return { gate, serverName, version, listen };
  }

  /** Serves what is registered in Node: `POST /mcp`, `GET /health`, `GET /`. */
  async start({ port = 0, host = '127.0.0.1', baseUrl, ...options } = {}) {
    const { gate, serverName, version, listen } = await this.#make({ state: 'memory', ...options });
    await gate.ready();
    const { tools, resources, prompts } = this.#registered;
    const about = { name: serverName, version, tools: [...tools.keys()], resources: [...resources.keys()], prompts: [...prompts.keys()] };
    const server = await listen(async (request, env, context) => {
      const { pathname } = new URL(request.url);
      if (pathname === '/mcp') return gate(request, env, context);
      if (pathname === '/health') return Response.json({ status: 'ok', service: serverName });
      if (pathname === '/') return Response.json({ ...about, endpoints: { mcp: '/mcp', health: '/health' } });
      return Response.json({ error: 'Not Found' }, { status: 404 });
    }, { port, host });
    const info = { ...about, baseUrl: baseUrl ?? `http://${host}:${server.address().port}`, port: server.address().port };
    const stop = async () => {
      server.closeAllConnections?.();
      await new Promise((done) => server.close(done));
      await gate.close();
    };
    return { info, server, stop };
  }
}
