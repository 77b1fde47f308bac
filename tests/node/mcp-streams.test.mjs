// Results of MCP that come on another stream than that of their call: over the old transport (HTTP+SSE), to a GET that goes on where a POST's stream broke, or in
// the answer to another POST with the same id. The gate gives out no result there that nobody paid for (rule 16). Servers and clients are the official ones.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { InMemoryEventStore } from '@modelcontextprotocol/sdk/examples/shared/inMemoryEventStore.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { z } from 'zod';
import { mcpPaywall } from '../../target/dist/subscriber/mcp.js';
import { toNodeListener } from '../../target/dist/subscriber/paywall.node.js';
import { moment, startPlatform } from './harness.mjs';
import { ADDRESS } from './mcp-client.mjs';

let platform;
before(async () => { platform = await startPlatform(); });
after(() => platform.stop());

const options = () => ({
  nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url, planId: platform.planId, state: 'memory', log: false, unlisted: 'deny',
  tools: { shout: 2, dear: 9, free: 0 },
});
const VERSION = '2025-11-25';
const say = (text) => ({ content: [{ type: 'text', text }] });
const SECRET = /SECRET/;

/** A server of the official SDK with a tool that waits for `go`. */
function loud(started, go, cancelled = moment()) {
  const server = new McpServer({ name: 'loud', version: '1.0.0' });
  const work = (name) => async ({ text }, extra) => {
    extra.signal.addEventListener('abort', () => cancelled.come(name));
    started[name]?.come();
    await go[name];
    return say(text.toUpperCase());
  };
  for (const name of ['shout', 'dear', 'free']) server.registerTool(name, { inputSchema: { text: z.string() } }, work(name));
  return server;
}

/** A server with sessions whose streams can be resumed, behind a gate. */
function sessions({ json = false, go = {}, started = {}, cancelled } = {}) {
  const transports = new Map();
  const serve = async (request) => {
    const known = transports.get(request.headers.get('mcp-session-id'));
    if (known) return known.handleRequest(request);
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(), eventStore: new InMemoryEventStore(), enableJsonResponse: json, onsessioninitialized: (id) => { transports.set(id, transport); },
    });
    await loud(started, go, cancelled).connect(transport);
    return transport.handleRequest(request);
  };
  return mcpPaywall(serve, options());
}

const headersOf = (session) => ({ 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'mcp-protocol-version': VERSION, ...(session && { 'mcp-session-id': session }) });
const post = (gate, session, body, more = {}) => gate(new Request(ADDRESS, { method: 'POST', headers: headersOf(session), body: typeof body === 'string' ? body : JSON.stringify(body), ...more }));
const call = (id, name, text, payment) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: { text }, ...(payment && { _meta: { 'x402/payment': payment } }) } });

/** A session by hand: its id. */
async function open(gate) {
  const hello = await post(gate, undefined, { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: VERSION, capabilities: {}, clientInfo: { name: 'by hand', version: '1' } } });
  await hello.text();
  const session = hello.headers.get('mcp-session-id');
  await (await post(gate, session, { jsonrpc: '2.0', method: 'notifications/initialized' })).text();
  return session;
}

async function buyer() {
  const payments = await platform.buyer();
  return { payments, payment: await platform.payment(payments) };
}

/** Reads a stream until `found` matches, or its end: its text. */
async function readTo(response, found) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!found.test(text)) {
    const { done, value } = await reader.read();
    if (done) break;
    text += value;
  }
  return { text, reader };
}

test('a client that drops the stream of its call and goes on by GET gets no result that it did not pay for', async (t) => {
  const go = { shout: moment() };
  const gate = sessions({ go });
  t.after(() => gate.close());
  const { payments, payment } = await buyer();
  const session = await open(gate);
  const stream = await post(gate, session, call(7, 'shout', 'secret', payment));
  const { text, reader } = await readTo(stream, /id: \S+\n/);
  const [, cursor] = /id: (\S+)\n/.exec(text);
  await reader.cancel();
  go.shout.come();
  const resumed = await gate(new Request(ADDRESS, { headers: { ...headersOf(session), 'last-event-id': cursor } }));
  const said = (await readTo(resumed, /"id":7/)).text;
  assert.doesNotMatch(said, SECRET);
  assert.match(said, /another stream/);
  assert.equal(await payments.held(), 100n);
});

test('a client that drops the stream of its call before the result is not charged', async (t) => {
  const go = { shout: moment() };
  const gate = sessions({ go });
  t.after(() => gate.close());
  const { payments, payment } = await buyer();
  const session = await open(gate);
  const { reader } = await readTo(await post(gate, session, call(1, 'shout', 'secret', payment)), /id: \S+\n/);
  await reader.cancel();
  go.shout.come();
  assert.match(await (await post(gate, session, call(2, 'shout', 'secret', payment))).text(), SECRET);
  assert.equal(await payments.held(), 98n);
});

test('a call with the id of another call, free or cheap, does not get the result of that one', async (t) => {
  for (const json of [false, true]) {
    for (const other of ['free', 'shout']) {
      const [go, started] = [{ dear: moment(), [other]: moment() }, { dear: moment(), [other]: moment() }];
      const gate = sessions({ json, go, started });
      t.after(() => gate.close());
      const { payments, payment } = await buyer();
      const session = await open(gate);
      const first = post(gate, session, call(5, 'dear', 'secret', payment)).then((answer) => answer.text());
      await started.dear;
      const second = post(gate, session, call(5, other, 'cheap', payment)).then((answer) => answer.text());
      await started[other];
      go.dear.come();
      assert.match(await first, SECRET);
      go[other].come();
      assert.match(await second, /CHEAP/);
      assert.doesNotMatch(await second, SECRET);
      assert.equal(await payments.held(), other === 'free' ? 91n : 89n, `${json} ${other}`);
    }
  }
});

test('over HTTP+SSE, where results come on the stream of a GET, what is free of charge goes on, and a paid call is an error that says why', async (t) => {
  const transports = new Map();
  const started = { shout: moment() };
  const behind = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://x');
    if (request.method === 'GET') {
      const transport = new SSEServerTransport('/messages', response);
      transports.set(transport.sessionId, transport);
      await loud(started, {}).connect(transport);
    } else if (pathname === '/messages') await transports.get(searchParams.get('sessionId')).handlePostMessage(request, response);
  });
  await new Promise((done) => behind.listen(0, '127.0.0.1', done));
  const ask = (request) => {
    const { pathname, search } = new URL(request.url);
    return fetch(`http://127.0.0.1:${behind.address().port}${pathname}${search}`, request);
  };
  const gate = mcpPaywall(ask, options());
  const front = createServer(toNodeListener((request, env, context) => gate(request, env, context)));
  await new Promise((done) => front.listen(0, '127.0.0.1', done));
  const { payments, payment } = await buyer();
  const client = new Client({ name: 'test', version: '1.0.0' });
  t.after(async () => {
    await client.close();
    for (const server of [front, behind]) { server.closeAllConnections(); server.close(); }
    await gate.close();
  });
  await client.connect(new SSEClientTransport(new URL(`http://127.0.0.1:${front.address().port}/sse`)));
  assert.equal((await client.callTool({ name: 'free', arguments: { text: 'hello' } })).content[0].text, 'HELLO');
  const unpaid = client.callTool({ name: 'shout', arguments: { text: 'secret' } });
  await assert.rejects(unpaid, /./);
  const paid = client.callTool({ name: 'shout', arguments: { text: 'secret' }, _meta: { 'x402/payment': payment } });
  await assert.rejects(paid, /another stream/);
  assert.equal(await payments.held(), 100n);
});

test('a client that cancels a paid call ends the work of the server, and pays nothing', async (t) => {
  const [go, started, cancelled] = [{ shout: moment() }, { shout: moment() }, moment()];
  const gate = sessions({ go, started, cancelled });
  t.after(() => gate.close());
  const { payments, payment } = await buyer();
  const session = await open(gate);
  const stream = await post(gate, session, call(3, 'shout', 'secret', payment));
  await started.shout;
  const other = await open(gate);
  const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 3 } };
  // A session cancels its own calls alone.
  assert.equal((await post(gate, other, cancel)).status, 202);
  assert.equal((await post(gate, session, cancel)).status, 202);
  assert.equal(await cancelled, 'shout');
  go.shout.come();
  await stream.body.cancel();
  assert.equal(await payments.held(), 100n);
});

test('a paid call in a session that the server does not know has the status of the server, so that a client opens another one', async (t) => {
  const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: () => crypto.randomUUID() });
  await loud({}, {}).connect(transport);
  const gate = mcpPaywall((request) => transport.handleRequest(request), options());
  t.after(() => gate.close());
  const { payments, payment } = await buyer();
  await open(gate);
  const lost = await post(gate, 'another', call(3, 'shout', 'secret', payment));
  const { id, error } = await lost.json();
  assert.deepEqual([lost.status, id, error.message], [404, 3, 'Session not found']);
  assert.equal(await payments.held(), 100n);
});

test('a server that wants a login says so for a paid call too', async (t) => {
  const gate = mcpPaywall(() => Response.json({ error: 'invalid_token' }, { status: 401, headers: { 'www-authenticate': 'Bearer resource_metadata="https://mcp.example/meta"' } }), options());
  t.after(() => gate.close());
  const { payments, payment } = await buyer();
  const answer = await post(gate, undefined, call(4, 'shout', 'secret', payment));
  assert.deepEqual([answer.status, answer.headers.get('www-authenticate')], [401, 'Bearer resource_metadata="https://mcp.example/meta"']);
  assert.equal(await payments.held(), 100n);
});
