// `payments-wasm/mcp`: what sells over MCP, and the modules of `@modelcontextprotocol/sdk` for both sides. Importing it is all that a
// bundled program needs; in Node `payments.mcp` finds it by itself.
import { paywall } from 'payments-wasm/paywall';
import { createMcpGate } from './gate.js';
import { provide } from './mcp_client.js';
import { problem } from './core.js';
import { listen } from './listen.js';
import { isOauthPath } from './oauth.js';
import { createServerHandler } from './server.js';

const sdk = {
  async client() {
    const [{ Client }, { StreamableHTTPClientTransport }, { UnauthorizedError }] = await Promise.all([
      import('@modelcontextprotocol/sdk/client/index.js'), import('@modelcontextprotocol/sdk/client/streamableHttp.js'), import('@modelcontextprotocol/sdk/client/auth.js'),
    ]);
    return { Client, StreamableHTTPClientTransport, UnauthorizedError };
  },
  async server() {
    const [{ Server }, { WebStandardStreamableHTTPServerTransport: Transport }, types, compat, json] = await Promise.all([
      import('@modelcontextprotocol/sdk/server/index.js'), import('@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'),
      import('@modelcontextprotocol/sdk/types.js'), import('@modelcontextprotocol/sdk/server/zod-compat.js'),
      import('@modelcontextprotocol/sdk/server/zod-json-schema-compat.js'),
    ]);
    return { Server, Transport, types, zod: { ...compat, ...json } };
  },
};

/** A gate in front of an MCP server: see the types. */
export const mcpPaywall = createMcpGate(paywall, problem);

export { Mcp, paymentOf } from './mcp_client.js';

provide({ sdk, mcpPaywall, createServerHandler, listen, isOauthPath });
