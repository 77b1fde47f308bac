// An MCP server of what was registered, over the official SDK: `payments.mcp.handler()` for every runtime, `payments.mcp.start()` in Node.
// It keeps no sessions: each request has a server of its own, so that it runs in isolates too.

import { contextOf } from './messages.js';
import { CAPABILITY } from './mpp.js';

/** Makes the fetch handler of an MCP server. `sdk` gives the modules of `@modelcontextprotocol/sdk`. */
export function createServerHandler(sdk, { serverName, version, registered, mpp }) {
  return async (request, { paymentContext } = {}) => {
    // There is no stream of the server's own, and no session to end.
    if (request.method !== 'POST') return new Response(null, { status: 405, headers: { allow: 'POST' } });
    const { Server, Transport, types, zod } = await sdk();
    const server = new Server({ name: serverName, version }, { capabilities: { ...capabilities(registered), ...(mpp && { experimental: CAPABILITY }) } });
    serve(server, registered, { types, zod, paymentContext });
    const transport = new Transport({ sessionIdGenerator: undefined });
    await server.connect(transport);
    return transport.handleRequest(request, paymentContext && { authInfo: { token: '', clientId: paymentContext.payer ?? '', scopes: [], extra: { paymentContext } } });
  };
}

const capabilities = ({ tools, resources, prompts }) => ({
  ...(tools.size && { tools: {} }), ...(resources.size && { resources: {} }), ...(prompts.size && { prompts: {} }),
});

function serve(server, { tools, resources, prompts }, { types, zod, paymentContext }) {
  const extra = (more) => ({ ...more, paymentContext });
  const context = contextOf(paymentContext);
  const invalid = (message) => new types.McpError(types.ErrorCode.InvalidParams, message);
  if (tools.size) {
    server.setRequestHandler(types.ListToolsRequestSchema, () => ({
      tools: [...tools].map(([name, { config }]) => tool(name, config, zod)),
    }));
    server.setRequestHandler(types.CallToolRequestSchema, async ({ params }, more) => {
      const found = tools.get(params.name);
      if (!found) throw invalid(`Tool ${params.name} not found`);
      const args = await checked(found.config.inputSchema, params.arguments ?? {}, zod, (message) => invalid(`Invalid arguments for tool ${params.name}: ${message}`));
      try {
        return await found.handler(args, extra(more), context);
      } catch (error) {
        return { isError: true, content: [{ type: 'text', text: String(error?.message ?? error) }] };
      }
    });
  }
  if (resources.size) {
    server.setRequestHandler(types.ListResourcesRequestSchema, () => ({
      resources: [...resources].filter(([, { uri }]) => !isTemplate(uri)).map(([name, { uri, config }]) => ({ name, uri, ...described(config) })),
    }));
    server.setRequestHandler(types.ListResourceTemplatesRequestSchema, () => ({
      resourceTemplates: [...resources].filter(([, { uri }]) => isTemplate(uri)).map(([name, { uri, config }]) => ({ name, uriTemplate: uri, ...described(config) })),
    }));
    server.setRequestHandler(types.ReadResourceRequestSchema, async ({ params }, more) => {
      for (const { uri, handler } of resources.values()) {
        const variables = match(uri, params.uri);
        if (variables) return handler(new URL(params.uri), variables, extra(more), context);
      }
      throw invalid(`Resource ${params.uri} not found`);
    });
  }
  if (prompts.size) {
    server.setRequestHandler(types.ListPromptsRequestSchema, () => ({
      prompts: [...prompts].map(([name, { config }]) => ({ name, ...described(config), ...(config.arguments && { arguments: config.arguments }) })),
    }));
    server.setRequestHandler(types.GetPromptRequestSchema, async ({ params }, more) => {
      const found = prompts.get(params.name);
      if (!found) throw invalid(`Prompt ${params.name} not found`);
      return found.handler(params.arguments ?? {}, extra(more), context);
    });
  }
}

const described = ({ title, description, mimeType }) => ({ ...(title && { title }), ...(description && { description }), ...(mimeType && { mimeType }) });

function tool(name, { inputSchema, outputSchema, annotations, ...config }, zod) {
  const schema = (given) => (isZod(given) ? zod.toJsonSchemaCompat(zod.normalizeObjectSchema(given)) : given);
  return {
    name, ...described(config), inputSchema: schema(inputSchema) ?? { type: 'object' },
    ...(outputSchema && { outputSchema: schema(outputSchema) }), ...(annotations && { annotations }),
  };
}

/** A schema of zod's, or an object of such: what has a `type` of its own is JSON Schema. */
function isZod(schema) {
  if (typeof schema !== 'object' || schema === null) return false;
  const is = (one) => typeof one?.safeParse === 'function' || one?._zod !== undefined;
  return is(schema) || (typeof schema.type !== 'string' && Object.values(schema).some(is));
}

async function checked(schema, args, zod, fail) {
  if (!isZod(schema)) return args;
  const { success, data, error } = await zod.safeParseAsync(zod.normalizeObjectSchema(schema), args);
  if (!success) throw fail(zod.getParseErrorMessage(error));
  return data;
}

export const isTemplate = (uri) => uri.includes('{');

/** The variables of a URI by a template (`weather://today/{city}`); undefined where it is none of it. */
export function match(template, uri) {
  const names = [];
  const parts = template.split(/\{(\w+)\}/);
  const pattern = parts.map((part, index) => {
    if (index % 2 === 0) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    names.push(part);
    return '([^/?#]+)';
  }).join('');
  const found = new RegExp(`^${pattern}$`).exec(uri);
  if (!found) return undefined;
  try {
    return Object.fromEntries(names.map((name, index) => [name, decodeURIComponent(found[index + 1])]));
  } catch {
    return undefined;
  }
}
