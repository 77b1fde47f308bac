// The official MCP client in front of a gate in this process.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

export const ADDRESS = 'http://localhost:4321/mcp';

/** The official client in front of a gate in this process. */
export async function connect(gate, fetch = (url, init) => gate(new Request(url, init))) {
  const client = new Client({ name: 'test', version: '1.0.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL(ADDRESS), { fetch }));
  return client;
}

/** A call of the tool that says it louder. */
export const shout = (text) => ({ name: 'shout', arguments: { text } });
