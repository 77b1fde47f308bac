// MCP, with the official client and the official server: our gate sells the tools of an unmodified server, our client pays them, and the
// receipts stand where the protocol has them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { startPlatform } from './harness.mjs';
import { ADDRESS, connect, shout } from './mcp-client.mjs';
import { Mcp, mcpPaywall } from '../../target/dist/subscriber/mcp.js';

let platform;
before(async () => { platform = await startPlatform(); });
after(() => platform.stop());

const options = (more = {}) => ({
  nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url, planId: platform.planId, state: 'memory', log: false,
  unlisted: 'deny', tools: { shout: 2, count: 0, fail: 2, measure: { credits: ({ args }) => args.text.length }, used: { credits: ({ result }) => result.structuredContent.length, maxAmount: 10 } },
  resources: { 'report://today': 3, 'report://{day}/part': 1 }, prompts: { greet: 1 }, ...more,
});

/** The official server, as its documentation has it, behind the gate; `json` makes it answer with JSON in place of a stream. */
function sell({ json = false, ...more } = {}) {
  const recorded = { calls: [], sent: [] };
  const serve = async (request) => {
    const server = new McpServer({ name: 'loud', version: '1.0.0' });
    const say = (text) => ({ content: [{ type: 'text', text }] });
    server.registerTool('shout', { description: 'Says it louder', inputSchema: { text: z.string() } }, async ({ text }, extra) => {
      recorded.calls.push(text);
      await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data: 'working' } });
      return say(text.toUpperCase());
    });
    server.registerTool('count', {}, async () => say(String(recorded.calls.length)));
    server.registerTool('hidden', {}, async () => say('unlisted'));
    server.registerTool('fail', {}, async () => ({ isError: true, content: [{ type: 'text', text: 'out of order' }] }));
    server.registerTool('measure', { inputSchema: { text: z.string() } }, async ({ text }) => say(text));
    server.registerTool('used', { inputSchema: { length: z.number() }, outputSchema: { length: z.number() } }, async ({ length }) => ({ ...say('used'), structuredContent: { length } }));
    server.registerResource('today', 'report://today', {}, async (uri) => ({ contents: [{ uri: uri.href, text: 'all well' }] }));
    server.registerPrompt('greet', { argsSchema: { name: z.string() } }, async ({ name }) => ({ messages: [{ role: 'user', content: { type: 'text', text: `Greet ${name}` } }] }));
    server.server.registerCapabilities({ logging: {} });
    if (request.method !== 'POST') return new Response(null, { status: 405 });
    recorded.sent.push({ headers: Object.fromEntries(request.headers), body: await request.clone().json() });
    const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: json });
    await server.connect(transport);
    return transport.handleRequest(request);
  };
  return { ...recorded, recorded, gate: mcpPaywall(serve, options(more)) };
}

for (const json of [false, true]) {
  test(`a tool is paid in band, with the receipt in _meta: ${json ? 'JSON' : 'a stream'}`, async () => {
    const { gate, recorded } = sell({ json });
    const payments = await platform.buyer();
    const asked = [];
    const messages = [];
    const mcp = new Mcp(payments);
    const client = await connect(gate);
    client.setNotificationHandler((await import('@modelcontextprotocol/sdk/types.js')).LoggingMessageNotificationSchema, ({ params }) => messages.push(params.data));
    const wrapped = mcp.wrap(client, { approve: (offer) => asked.push(offer) > 0 });
    assert.equal((await wrapped.listTools()).tools.length, 6);
    const result = await wrapped.callTool(shout('hello'));
    assert.equal(result.content[0].text, 'HELLO');
    const receipt = result._meta['x402/payment-response'];
    assert.deepEqual([receipt.success, receipt.creditsRedeemed, receipt.payer], [true, '2', payments.account.accountAddress]);
    assert.equal(result._meta['nevermined/credits'].txHash, receipt.transaction);
    const { spend, receipt: own } = mcp.paymentOf(result);
    assert.deepEqual([spend.outcome, spend.requests, spend.creditsSettled, own.creditsRedeemed], ['settled', 2, 2n, 2n]);
    assert.deepEqual([asked.length, asked[0].origin, asked[0].credits, asked[0].planId], [1, 'http://localhost:4321', 2n, platform.planId]);
    assert.equal(await payments.held(), 98n);
    assert.deepEqual(messages, json ? [] : ['working']);
    // The server behind the gate sees no payment.
    assert.ok(!JSON.stringify(recorded.sent).includes('x402/payment'));
    // The terms are known now: one call, and the offer is asked about again.
    assert.equal((await wrapped.callTool(shout('again'))).content[0].text, 'AGAIN');
    assert.deepEqual([asked.length, asked[1].remembered, await payments.held(), recorded.calls.length], [2, true, 96n, 2]);
  });
}

test('a client that does not pay hears the price, and nothing is run', async () => {
  const { gate, recorded } = sell();
  const client = await connect(gate);
  const result = await client.callTool(shout('for free'));
  assert.equal(result.isError, true);
  const { x402Version, error, accepts: [offer] } = result.structuredContent;
  assert.deepEqual([x402Version, error, offer.planId, offer.extra.credits], [2, 'payment required', platform.planId, '2']);
  assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent);
  await assert.rejects(client.readResource({ uri: 'report://today' }), (thrown) => thrown.code === -32003 && thrown.data.accepts[0].planId === platform.planId);
  await assert.rejects(client.callTool({ name: 'hidden' }), /hidden is not offered here/);
  assert.deepEqual([recorded.calls, (await client.callTool({ name: 'count' })).content[0].text], [[], '0']);
});

test('resources and prompts are paid for, by their templates too', async () => {
  const { gate } = sell();
  const payments = await platform.buyer();
  const mcp = new Mcp(payments);
  const client = mcp.wrap(await connect(gate));
  assert.equal((await client.readResource({ uri: 'report://today' })).contents[0].text, 'all well');
  const prompt = await client.getPrompt({ name: 'greet', arguments: { name: 'Ada' } });
  assert.deepEqual([prompt.messages[0].content.text, mcp.paymentOf(prompt).spend.creditsSettled], ['Greet Ada', 1n]);
  assert.equal(await payments.held(), 96n);
  // The template has a price, and the server has no such resource: nothing is charged for the error.
  await assert.rejects(client.readResource({ uri: 'report://monday/part' }), /not found/i);
  assert.equal(await payments.held(), 96n);
});

test('a tool that fails is not charged, and its answer is the tool\'s own', async () => {
  const { gate } = sell();
  const payments = await platform.buyer();
  const mcp = new Mcp(payments);
  const result = await mcp.wrap(await connect(gate)).callTool({ name: 'fail' });
  assert.deepEqual([result.isError, result.content[0].text, result._meta?.['x402/payment-response']], [true, 'out of order', undefined]);
  assert.deepEqual([mcp.paymentOf(result).spend.creditsSettled, await payments.held()], [undefined, 100n]);
});

test('a price is a function of the arguments, or of the result up to a maximum', async () => {
  const { gate } = sell();
  const payments = await platform.buyer();
  const mcp = new Mcp(payments);
  const client = mcp.wrap(await connect(gate));
  // The client knows the output schema: an offer in the place of the result is none of its errors.
  await client.listTools();
  const cost = async (name, args) => {
    const result = await client.callTool({ name, arguments: args });
    return mcp.paymentOf(result).spend.creditsSettled;
  };
  assert.equal(await cost('measure', { text: 'abc' }), 3n);
  assert.equal(await cost('measure', { text: 'abcde' }), 5n);
  assert.equal(await cost('used', { length: 4 }), 4n);
  assert.equal(await payments.held(), 88n);
});

test('the consent, the limits and the errors are those of fetch', async () => {
  const { gate, recorded } = sell();
  const payments = await platform.buyer({ approve: undefined });
  const mcp = new Mcp(payments);
  const client = await connect(gate);
  await assert.rejects(mcp.wrap(client).callTool(shout('x')), (thrown) => thrown.code === 'consent_required' && thrown.spend.outcome === 'none');
  await assert.rejects(mcp.wrap(client, { approve: () => false }).callTool(shout('x')), { code: 'consent_denied' });
  const policy = { origins: ['http://localhost:4321'], maxCreditsTotal: 15n };
  const limited = mcp.wrap(client, { policy });
  const first = await limited.callTool(shout('x'));
  assert.deepEqual([mcp.paymentOf(first).spend.singleUse, mcp.paymentOf(first).spend.creditsSettled], [true, 2n]);
  // A limit counts the most that the plan allows: ten a call.
  await assert.rejects(limited.callTool(shout('y')), { code: 'budget_exceeded' });
  assert.deepEqual([recorded.calls, await payments.held()], [['x'], 98n]);
  assert.throws(() => mcp.wrap({ request() {} }), { code: 'validation' });
});

test('a call that gets no answer fails as the official client fails; one that was paid is unknown', async () => {
  const { gate } = sell();
  const payments = await platform.buyer();
  const mcp = new Mcp(payments);
  let broken = 'none';
  const client = await connect(gate, async (url, init) => {
    const call = init.body?.includes('tools/call');
    const paid = init.body?.includes('x402/payment');
    if (call && (broken === 'all' || (broken === 'paid' && paid))) throw new TypeError('the connection broke');
    return gate(new Request(url, init));
  });
  const wrapped = mcp.wrap(client);
  broken = 'all';
  await assert.rejects(wrapped.callTool(shout('x')), /the connection broke/);
  broken = 'paid';
  await assert.rejects(wrapped.callTool(shout('x')), (thrown) => thrown.code === 'outcome_unknown' && thrown.spend.outcome === 'unknown');
  broken = 'none';
  assert.equal((await wrapped.callTool(shout('x'))).content[0].text, 'X');
});

test('a batch is paid message by message', async () => {
  const { gate, recorded } = sell({ json: true });
  const payments = await platform.buyer();
  const { accessToken } = await payments.x402.getX402AccessToken(platform.planId);
  const payment = JSON.parse(Buffer.from(accessToken, 'base64url'));
  const call = (id, text, meta) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { ...shout(text), ...(meta && { _meta: meta }) } });
  const post = async (body, headers = {}) => gate(new Request(ADDRESS, {
    method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers }, body: JSON.stringify(body),
  }));
  const answers = await (await post([
    call(1, 'paid', { 'x402/payment': payment }), call(2, 'unpaid'), { jsonrpc: '2.0', id: 3, method: 'tools/list' }, { jsonrpc: '2.0', method: 'notifications/initialized' },
    call(4, 'paid too', { 'x402/payment': payment }),
  ])).json();
  assert.deepEqual(answers.map(({ id }) => id), [1, 2, 3, 4]);
  assert.deepEqual([answers[0].result.content[0].text, answers[0].result._meta['x402/payment-response'].success], ['PAID', true]);
  assert.deepEqual([answers[1].result.isError, answers[1].result.structuredContent.error], [true, 'payment required']);
  assert.equal(answers[2].result.tools.length, 6);
  assert.deepEqual([recorded.calls, await payments.held()], [['paid', 'paid too'], 96n]);
  // A bearer that is an access token pays as well, as Nevermined's clients send it.
  const { result } = await (await post(call(5, 'bearer'), { authorization: `Bearer ${accessToken}` })).json();
  assert.deepEqual([result.content[0].text, await payments.held()], ['BEARER', 94n]);
  const last = recorded.sent.at(-1);
  assert.deepEqual([last.headers.authorization, last.body.params._meta], [undefined, undefined]);
});

test('what is no payment is none: a replay on another route, a payment that is no object, a broken body', async () => {
  const { gate, recorded } = sell({ json: true });
  const payments = await platform.buyer();
  const other = await platform.seller.plan();
  await payments.own.order(other);
  const { accessToken } = await payments.x402.getX402AccessToken(other);
  const foreign = JSON.parse(Buffer.from(accessToken, 'base64url'));
  const post = (body) => gate(new Request(ADDRESS, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }, body }));
  for (const [payment, error] of [
    [foreign, /another plan/], ['text', /payment required/], [[1], /payment required/], [null, /payment required/],
    [{ x402Version: 2 }, /does not hold an x402 access token/], [{ ...foreign, x: 'x'.repeat(70_000) }, /payment required/],
  ]) {
    const response = await post(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { ...shout('x'), _meta: { 'x402/payment': payment } } }));
    const { result } = await response.json();
    assert.deepEqual([response.status, result.isError], [200, true]);
    assert.match(result.structuredContent.error, error);
  }
  assert.equal((await post('{')).status, 400);
  assert.deepEqual(recorded.calls, []);
});

test('a message that a server may read as a paid call is refused, and one of any content type is read', async (t) => {
  // A server that is not strict: it reads every body, knows members by any case, and runs what has no id.
  const ran = [];
  const lax = async (request) => {
    const sent = JSON.parse(await request.text(), (_, value) => (value?.constructor === Object ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key.toLowerCase(), one])) : value));
    for (const { id, method, params } of [sent].flat()) {
      if (/^\s*(tools\/call|resources\/read)\s*$/i.test(method)) ran.push(String(params?.name ?? new URL(params.uri).href));
      return Response.json({ jsonrpc: '2.0', id, result: { content: [] } });
    }
    return new Response(null, { status: 202 });
  };
  const gate = mcpPaywall(lax, options({ unlisted: 'pass', tools: { shout: 2, free: 0 } }));
  t.after(() => gate.close());
  const post = (body, type = 'application/json') => gate(new Request(ADDRESS, { method: 'POST', headers: { 'content-type': type }, body: typeof body === 'string' ? body : JSON.stringify(body) }));
  const call = (more) => ({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'shout' }, ...more });
  const read = (uri) => call({ method: 'resources/read', params: { uri } });
  for (const body of [
    call({ id: undefined }), [call({ id: undefined })], [call({ method: 'tools/list' }), call({ id: undefined })], call({ method: 'Tools/call' }), call({ method: ' tools/call' }),
    call({ method: 'tools/list', Method: 'tools/call' }), '{"jsonrpc":"2.0","id":1,"METHOD":"tools/call","params":{"name":"shout"}}', call({ params: { name: 'free', Name: 'shout' } }),
    call({ params: undefined, Params: { name: 'shout' } }), call({ method: 'x', 'param\u017f': { name: 'shout' } }), call({ params: { name: ['shout'] } }), read('REPORT://today'), read('report://to\tday'), read(' report://today'),
  ]) {
    const answer = await post(body);
    assert.deepEqual([answer.status, (await answer.json()).error?.code], [400, -32600], JSON.stringify(body));
  }
  for (const type of ['text/plain', 'text/plain;application/json', 'application/x-www-form-urlencoded', 'application/vnd.api+json']) {
    const { result } = await (await post(call({}), type)).json();
    assert.equal(result.isError, true, type);
  }
  assert.deepEqual(ran, [], 'nothing ran unpaid');
  for (const body of [call({ params: { name: 'free' } }), call({ id: undefined, params: { name: 'free' } }), call({ params: { name: 'other', arguments: { Name: 'x' } } }), read('report://tomorrow')]) assert.equal((await post(body)).status, 200, JSON.stringify(body));
  assert.deepEqual(ran, ['free', 'free', 'other', 'report://tomorrow']);
  const form = mcpPaywall(async (request) => new Response(await request.text()), options());
  assert.equal(await (await form(new Request(ADDRESS, { method: 'POST', body: new URLSearchParams({ a: '1' }) }))).text(), 'a=1', 'what is no JSON is passed on');
  // A body without end is not kept.
  let given = 0;
  const endless = new ReadableStream({ pull(controller) { given += 65_536; controller.enqueue(new Uint8Array(65_536).fill(32)); } });
  assert.equal((await form(new Request(ADDRESS, { method: 'POST', headers: { 'content-type': 'application/json' }, body: endless, duplex: 'half' }))).status, 413);
  assert.ok(given < 6 * 1024 * 1024, String(given));
});

test('payments.mcp sells what is registered, in Node and as a handler', async () => {
  const payments = await platform.buyer();
  const seller = new Mcp(payments, () => ({ nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url }));
  seller.configure({ planId: platform.planId, serverName: 'weather' });
  seller.registerTool('get_weather', { title: 'Weather', inputSchema: z.object({ city: z.string() }) }, async ({ city }, { paymentContext }) => ({
    content: [{ type: 'text', text: `${city}: sunny for ${paymentContext.payer}` }],
  }), { credits: 1n });
  seller.registerTool('plain', { inputSchema: { type: 'object', properties: { x: { type: 'number' } } } }, async ({ x }) => ({ content: [{ type: 'text', text: String(x + 1) }] }), { credits: 0n });
  seller.registerResource('today', 'weather://today/{city}', {}, async (uri, { city }) => ({ contents: [{ uri: uri.href, text: city }] }), { credits: 2n });
  seller.registerPrompt('ask', { arguments: [{ name: 'city', required: true }] }, async ({ city }) => ({ messages: [{ role: 'user', content: { type: 'text', text: city } }] }), { credits: 1n });
  const { info, stop } = await seller.start({ log: false });
  try {
    const mcp = new Mcp(payments);
    const client = await mcp.connect(`${info.baseUrl}/mcp`);
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map(({ name, inputSchema }) => [name, Object.keys(inputSchema.properties)]), [['get_weather', ['city']], ['plain', ['x']]]);
    const result = await client.callTool({ name: 'get_weather', arguments: { city: 'Lisbon' } });
    assert.equal(result.content[0].text, `Lisbon: sunny for ${payments.account.accountAddress}`);
    assert.equal((await client.callTool({ name: 'plain', arguments: { x: 1 } })).content[0].text, '2');
    assert.equal((await client.readResource({ uri: 'weather://today/Porto' })).contents[0].text, 'Porto');
    assert.equal((await client.getPrompt({ name: 'ask', arguments: { city: 'Faro' } })).messages[0].content.text, 'Faro');
    assert.equal(await payments.held(), 96n);
    await assert.rejects(client.callTool({ name: 'get_weather', arguments: { city: 7 } }), /Invalid arguments/);
    assert.equal(await payments.held(), 96n, 'an error costs nothing');
    assert.equal((await (await fetch(`${info.baseUrl}/health`)).json()).status, 'ok');
    await client.close();
  } finally {
    await stop();
  }
});

test('a server whose every request is sold by HTTP is paid by header', async () => {
  const { paywall } = await import('../../target/dist/subscriber/paywall.js');
  const { toNodeListener } = await import('../../target/dist/subscriber/paywall.node.js');
  const { createServer } = await import('node:http');
  const serve = async (request) => {
    const server = new McpServer({ name: 'whole', version: '1.0.0' });
    server.registerTool('hello', {}, async () => ({ content: [{ type: 'text', text: 'hello' }] }));
    const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
    await server.connect(transport);
    return transport.handleRequest(request);
  };
  const gate = paywall(serve, {
    nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url, state: 'memory', log: false, unlisted: 'deny',
    routes: { 'POST /mcp': { planId: platform.planId, credits: 1 } },
  });
  const server = createServer({ maxHeaderSize: 64 * 1024 }, toNodeListener(gate));
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  try {
    const payments = await platform.buyer();
    const client = await new Mcp(payments).connect(`http://127.0.0.1:${server.address().port}/mcp`);
    assert.equal((await client.callTool({ name: 'hello' }, CallToolResultSchema)).content[0].text, 'hello');
    // The handshake, its notification and the call.
    assert.equal(await payments.held(), 97n);
    await client.close();
  } finally {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    await gate.close();
  }
});

test('payments.mcp has it all at its first use, and calls keep their order', async () => {
  const { Payments } = await import('../../target/dist/subscriber/index.js');
  const seller = Payments.getInstance({ nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url });
  seller.mcp.configure({ planId: platform.planId, serverName: 'late' });
  seller.mcp.registerTool('hello', {}, async () => ({ content: [{ type: 'text', text: 'hello' }] }), { credits: 3n });
  const handler = seller.mcp.handler({ state: 'memory', log: false });
  const payments = await platform.buyer();
  const client = await payments.mcp.wrap(await connect(handler));
  const result = await client.callTool({ name: 'hello' });
  assert.equal(result.content[0].text, 'hello');
  const { receipt } = await payments.mcp.paymentOf(result);
  assert.deepEqual([receipt.creditsRedeemed, await payments.held()], [3n, 97n]);
  await assert.rejects(seller.mcp.registerTool('', {}, () => {}), { code: 'validation' });
});

test('a page of an allowed origin may send what pays, and no other page may', async () => {
  const { gate } = sell({ allowedOrigins: ['https://app.example'] });
  const preflight = (origin) => gate(new Request(ADDRESS, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } }), {}, { waitUntil() {} });
  const { status, headers } = await preflight('https://app.example');
  assert.deepEqual([status, headers.get('access-control-allow-origin')], [204, 'https://app.example']);
  assert.deepEqual(headers.get('access-control-allow-headers').split(', '), [
    'accept', 'authorization', 'content-type', 'last-event-id', 'mcp-protocol-version', 'mcp-session-id', 'payment-signature',
  ]);
  assert.equal((await preflight('https://elsewhere.example')).headers.get('access-control-allow-origin'), null);
});
