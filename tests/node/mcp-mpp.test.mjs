// MPP inside MCP: challenges in errors and results, credentials and receipts in `_meta`. Our gate sells to the client of mppx, our client buys of the server of mppx,
// each over the official SDK and unmodified.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { Challenge, Credential, Method, Receipt, z } from 'mppx';
import { McpClient } from 'mppx/mcp/client';
import { Mppx, Transport } from 'mppx/server';
import { Mcp } from '../../target/dist/subscriber/mcp.js';
import { startPlatform } from './harness.mjs';

let platform;
before(async () => { platform = await startPlatform(); });
after(() => platform.stop());

const ADDRESS = 'http://localhost:4321/mcp';
const CREDENTIAL = 'org.paymentauth/credential';
const CHALLENGES = 'org.paymentauth/payment-required';
const RECEIPT = 'org.paymentauth/receipt';

const charge = Method.from({
  name: 'nevermined', intent: 'charge',
  schema: { credential: { payload: z.object({ accessToken: z.string() }) }, request: z.object({ planId: z.string(), credits: z.string() }) },
});

/** The part that sells over MCP in a test: `payments.mcp` with MPP. */
function sell(more = {}) {
  const seller = new Mcp(undefined, () => ({ nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url }));
  const calls = [];
  seller.configure({ planId: platform.planId, serverName: 'loud', mpp: true, ...more });
  seller.registerTool('shout', {}, async ({ text }, { paymentContext, _meta }) => {
    calls.push([text, paymentContext.payer, _meta]);
    if (text === 'fail') throw new Error('out of order');
    return { content: [{ type: 'text', text: text.toUpperCase() }] };
  }, { credits: 2n });
  seller.registerTool('dear', {}, async () => ({ content: [{ type: 'text', text: 'dear' }] }), { credits: 5n });
  seller.registerResource('today', 'report://today', {}, async (uri) => ({ contents: [{ uri: uri.href, text: 'all well' }] }), { credits: 3n });
  return { gate: seller.handler({ state: 'memory', log: false }), calls };
}

/** The official client in front of a fetch handler in this process. */
async function connect(serve) {
  const client = new Client({ name: 'test', version: '1.0.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL(ADDRESS), { fetch: (url, init) => serve(new Request(url, init)) }));
  return client;
}

const shout = (text) => ({ name: 'shout', arguments: { text } });

/** A token for MPP, and the method of mppx that pays with it. */
async function methodOf(payments) {
  const mint = async () => (await payments.mpp.getMppAccessToken(platform.planId, undefined, { delegationConfig: { delegationId: await payments.own.delegation() } })).accessToken;
  const method = Method.toClient(charge, { createCredential: async ({ challenge }) => Credential.serialize({ challenge, payload: { accessToken: await mint() } }) });
  return { method, mint };
}

test('the client of mppx pays a tool of ours, and reads its receipt', async () => {
  const { gate, calls } = sell();
  const payments = await platform.buyer();
  const { method } = await methodOf(payments);
  const asked = [];
  const client = await connect(gate);
  assert.deepEqual(client.getServerCapabilities().experimental, { payment: { methods: ['nevermined'], intents: ['charge'] } });
  const wrapped = McpClient.wrap(client, { methods: [method], onPaymentRequired: ({ request, ...challenge }) => asked.push([challenge.method, request]) > 0 });
  for (const round of [1n, 2n]) {
    const { content, receipt, _meta } = await wrapped.callTool(shout('hello'));
    assert.deepEqual([content[0].text, receipt.status, receipt.method, await payments.held()], ['HELLO', 'success', 'nevermined', 100n - 2n * round]);
    assert.ok(receipt.challengeId && receipt.reference && _meta['x402/payment-response'].success);
  }
  assert.deepEqual(asked, Array(2).fill(['nevermined', { planId: platform.planId, credits: '2' }]));
  assert.deepEqual(calls.map(([text, payer, meta]) => [text, payer, meta?.[CREDENTIAL]]), Array(2).fill(['hello', payments.account.accountAddress, undefined]));
});

test('one answer has the offer of x402 and the challenges: a result for tools, an error for resources', async () => {
  const { gate, calls } = sell();
  const client = await connect(gate);
  const result = await client.callTool(shout('x'));
  const { challenges } = result._meta[CHALLENGES];
  assert.deepEqual([result.isError, result.structuredContent.accepts[0].planId, challenges.length], [true, platform.planId, 1]);
  assert.deepEqual(Challenge.Schema.parse(challenges[0]).request, { planId: platform.planId, credits: '2' });
  await assert.rejects(client.readResource({ uri: 'report://today' }), ({ code, data }) => {
    assert.deepEqual([code, data.httpStatus, data.x402.accepts[0].planId, data.challenges[0].request.credits], [-32042, 402, platform.planId, '3']);
    return data.problem.type === 'https://paymentauth.org/problems/payment-required';
  });
  assert.deepEqual(calls, []);
});

test('a credential pays for one call of one tool, and a handler that fails leaves it good', async () => {
  const { gate, calls } = sell();
  const payments = await platform.buyer();
  const { mint } = await methodOf(payments);
  const client = await connect(gate);
  const challengeOf = async (call) => (await client.callTool(call))._meta[CHALLENGES].challenges[0];
  const [challenge, accessToken] = [await challengeOf(shout('one')), await mint()];
  const paid = (call, credential) => client.callTool({ ...call, _meta: { [CREDENTIAL]: credential } });
  const credential = { challenge, payload: { accessToken } };
  const refused = (code) => (thrown) => {
    assert.deepEqual([thrown.code, thrown.data.code, thrown.data.challenges.length, thrown.data.x402.accepts.length], [-32043, code, 1, 1]);
    return true;
  };
  await assert.rejects(paid({ name: 'dear' }, credential), refused('BCK.MPP.0004'));
  assert.match((await paid(shout('fail'), credential)).content[0].text, /out of order/);
  assert.equal(await payments.held(), 100n);
  // The members of the request may come back in another order.
  const turned = { ...challenge, request: Object.fromEntries(Object.entries(challenge.request).reverse()) };
  const result = await paid(shout('one'), { ...credential, challenge: turned });
  assert.deepEqual([result.content[0].text, result._meta[RECEIPT].challengeId, await payments.held()], ['ONE', challenge.id, 98n]);
  await assert.rejects(paid(shout('one'), credential), refused('BCK.MPP.0003'));
  for (const [name, forged] of [
    ['a cheaper price', { ...credential, challenge: { ...challenge, request: { ...challenge.request, credits: '1' } } }],
    ['another id', { ...credential, challenge: { ...challenge, id: 'x'.repeat(43) } }], ['no payload', { challenge }], ['no challenge', { payload: { accessToken } }],
    ['a request that is no object', { ...credential, challenge: { ...challenge, request: 7 } }], ['a large one', { ...credential, source: 'x'.repeat(40_000) }],
    ['another method', { ...credential, challenge: { ...challenge, method: 'tempo' } }],
  ]) {
    await assert.rejects(paid(shout('one'), forged), ({ code, data }) => code === -32043 && /^BCK\.MPP\.000[34]$/.test(data.code), name);
  }
  assert.equal((await paid(shout('one'), 'text')).isError, true, 'what is no object is none');
  for (const member of ['x402/payment', CREDENTIAL]) {
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"shout","_meta":{"${member}":{"challenge":{},"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}}}}`;
    const answer = await gate(new Request(ADDRESS, { method: 'POST', headers: { 'content-type': 'application/json' }, body }));
    assert.deepEqual([answer.status, (await answer.json()).error.code], [400, -32700], member);
  }
  assert.deepEqual([calls.map(([text]) => text), await payments.held()], [['fail', 'one'], 98n]);
});

test('challenges that cannot be read are none: the answer is the result of the tool, and nothing is paid', async () => {
  const payments = await platform.buyer();
  const mcp = new Mcp(payments);
  const request = { planId: platform.planId, credits: '2' };
  const whole = { id: 'i', realm: 'r', method: 'nevermined', intent: 'charge', request };
  const answering = async (data) => mcp.wrap({ request: async () => ({ content: [], _meta: { [CHALLENGES]: data } }), callTool(...given) { return this.request({ method: 'tools/call', params: given[0] }); } }, { url: ADDRESS });
  for (const [name, challenge] of [
    ['a line break in a value', { ...whole, id: 'a\r\nb' }], ['an id that is no text', { ...whole, id: 7 }], ['no object', 'Payment'], ['a large one', { ...whole, realm: 'x'.repeat(40_000) }],
    ['another method', { ...whole, method: 'tempo' }],
  ]) {
    const client = await answering({ challenges: [challenge] });
    assert.equal(mcp.paymentOf(await client.callTool(shout('x'))).spend.outcome, 'none', name);
  }
  for (const [name, challenge] of [
    ['no realm', { ...whole, realm: undefined }], ['a price that is none', { ...whole, request: { ...request, credits: '-2' } }], ['an empty request', { ...whole, request: {} }],
    ['an end that is no time', { ...whole, expires: 'soon' }], ['a padded request', { ...whole, request: 'e30=' }],
  ]) {
    const client = await answering({ challenges: [challenge] });
    await assert.rejects(client.callTool(shout('x')), (error) => error.code === 'malformed_offer' && error.spend.outcome === 'none', name);
  }
});

test('our client pays a challenge of our gate where the seller has no x402', async () => {
  const { gate, calls } = sell();
  /** The gate as a seller of MPP alone: what x402 reads is taken out of its answers. */
  const alone = async (request) => {
    const response = await gate(request);
    const text = (await response.text()).replaceAll('x402Version', 'other').replaceAll('"x402"', '"y"');
    return new Response(text || null, { status: response.status, headers: response.headers });
  };
  const asked = [];
  const payments = await platform.buyer({ approve: (offer) => asked.push(offer) > 0 });
  const mcp = new Mcp(payments);
  const client = mcp.wrap(await connect(alone), { url: ADDRESS });
  for (const text of ['one', 'two']) {
    const result = await client.callTool(shout(text));
    const { receipt, spend } = mcp.paymentOf(result);
    assert.deepEqual([result.content[0].text, receipt.success, receipt.creditsRedeemed, spend.outcome], [text.toUpperCase(), true, 2n, 'settled']);
  }
  assert.equal((await client.readResource({ uri: 'report://today' })).contents[0].text, 'all well');
  assert.deepEqual([asked.map(({ dialect, origin, credits }) => [dialect, origin, credits]), await payments.held()], [
    [['mpp', 'http://localhost:4321', 2n], ['mpp', 'http://localhost:4321', 2n], ['mpp', 'http://localhost:4321', 3n]], 93n,
  ]);
  assert.equal(calls.length, 2);
});

/** The server of mppx over the official SDK, unmodified: its challenges are its own, and a token of the plan pays. */
function sellByMppx({ change = (answer) => answer } = {}) {
  const verified = [];
  const method = Method.toServer(charge, {
    async verify({ credential }) {
      const { accepted } = JSON.parse(Buffer.from(credential.payload.accessToken, 'base64url'));
      assert.equal(accepted.planId, platform.planId);
      verified.push(credential.challenge.request);
      return Receipt.from({ method: 'nevermined', reference: `call-${verified.length}`, status: 'success', timestamp: new Date().toISOString() });
    },
  });
  const payment = Mppx.create({ methods: [method], realm: 'loud.example', secretKey: 'a secret of the test, of 32 letters', transport: Transport.mcpSdk() });
  const serve = async (request) => {
    const server = new McpServer({ name: 'mppx', version: '1.0.0' });
    server.registerTool('shout', {}, async (extra) => {
      const result = await payment['nevermined/charge']({ planId: platform.planId, credits: '2' })(extra);
      if (result.status === 402) throw change(result.challenge);
      return result.withReceipt({ content: [{ type: 'text', text: 'LOUD' }] });
    });
    const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
    await server.connect(transport);
    return transport.handleRequest(request);
  };
  return { serve, verified };
}

test('our client pays a tool of the server of mppx, after consent', async () => {
  const { serve, verified } = sellByMppx();
  const asked = [];
  const payments = await platform.buyer({ approve: (offer) => asked.push(offer) > 0 });
  const mcp = new Mcp(payments);
  const client = mcp.wrap(await connect(serve), { url: ADDRESS });
  const result = await client.callTool({ name: 'shout' });
  const { receipt, spend } = mcp.paymentOf(result);
  assert.deepEqual([result.content[0].text, receipt.success, receipt.transaction, spend.outcome], ['LOUD', true, 'call-1', 'settled']);
  assert.deepEqual([asked.map(({ dialect, credits, planId }) => [dialect, credits, planId]), verified], [[['mpp', 2n, platform.planId]], [{ planId: platform.planId, credits: '2' }]]);
  const denied = mcp.wrap(await connect(serve), { url: ADDRESS, approve: () => false });
  await assert.rejects(denied.callTool({ name: 'shout' }), { code: 'consent_denied' });
  assert.equal(verified.length, 1);
});
