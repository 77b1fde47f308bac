// MCP servers as the official documentation has them: agents without a plan, prices by the result, contexts of handlers.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { z } from 'zod';
import { startPlatform } from './harness.mjs';
import { ADDRESS, connect, shout } from './mcp-client.mjs';
import { Mcp } from '../../target/dist/subscriber/mcp.js';

let platform;
before(async () => { platform = await startPlatform(); });
after(() => platform.stop());

/** An instance of a seller, and an agent with one plan. */
async function sellerOf(prices = {}) {
  const { Payments } = await import('../../target/dist/subscriber/node.js');
  const seller = Payments.getInstance({ nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url });
  const { planId } = await seller.plans.registerCreditsPlan({ name: 'MCP' }, seller.plans.getFreePriceConfig(), seller.plans.getDynamicCreditsConfig(100n, 1n, 20n));
  const { agentId } = await seller.agents.registerAgent({ name: 'An MCP server' }, { endpoints: [], authType: 'none' }, [planId]);
  const payments = await platform.buyer();
  await payments.plans.orderPlan(planId);
  return { seller, planId, agentId, payments, held: async () => BigInt((await payments.plans.getPlanBalance(planId)).balance), ...prices };
}

test('as the official documentation has it: an agent without a plan, prices by the result, and the payment as the last argument', async () => {
  const { seller, planId, agentId, payments, held } = await sellerOf();
  const contexts = [];
  seller.mcp.configure({ agentId, serverName: 'weather' });
  seller.mcp.registerTool('weather.today', { inputSchema: z.object({ city: z.string() }) }, async ({ city }, extra, context) => {
    contexts.push(context);
    return { content: [{ type: 'text', text: city.repeat(3) }] };
  }, { credits: (ctx) => BigInt(ctx.result.content[0].text.length) });
  seller.mcp.registerResource('data', 'weather://now', {}, async (uri, variables, extra, context) => {
    contexts.push(context);
    return { contents: [{ uri: uri.href, text: 'sunny' }] };
  }, { credits: 2n });
  const { info, stop } = await seller.mcp.start({ port: 0, log: false });
  try {
    const client = await payments.mcp.connect(`${info.baseUrl}/mcp`);
    const before = await held();
    assert.equal((await client.callTool({ name: 'weather.today', arguments: { city: 'Rome' } })).content[0].text, 'RomeRomeRome');
    assert.equal(await held(), before - 12n);
    await client.readResource({ uri: 'weather://now' });
    assert.equal(await held(), before - 14n);
    assert.deepEqual(contexts.map(({ planId: plan, credits, authResult }) => [plan, credits, authResult.agentId, authResult.logicalUrl.startsWith('mcp://weather/')]), [
      [planId, 20n, agentId, true], [planId, 2n, agentId, true],
    ]);
    assert.ok(contexts.every(({ authResult, subscriberAddress }) => authResult.requestId && subscriberAddress === payments.getAccountAddress() && !('token' in authResult)));
    await client.close();
  } finally {
    await stop();
  }
});

test('an agent with two plans, or none, has to name the one that pays', async () => {
  const { seller, planId } = await sellerOf();
  const { agentId } = await seller.agents.registerAgent({ name: 'Two' }, { endpoints: [], authType: 'none' }, [planId, platform.planId]);
  seller.mcp.registerTool('hello', {}, async () => ({ content: [] }), { credits: 1n });
  await assert.rejects(seller.mcp.start({ agentId, log: false }), { code: 'config_invalid', message: /planId must name the plan that pays, because the agent has 2/ });
  await assert.rejects(seller.mcp.start({ log: false }), { code: 'config_invalid', message: /planId/ });
});

test('attach and withPaywall: handlers of an official server are paid in band, and free ones are not', async () => {
  const { seller, agentId, payments, held } = await sellerOf();
  seller.mcp.configure({ agentId, serverName: 'attached' });
  let ran = 0;
  const serve = async (request) => {
    const server = new McpServer({ name: 'attached', version: '1.0.0' });
    const registrar = seller.mcp.attach(server);
    registrar.registerTool('shout', { inputSchema: { text: z.string() } }, async ({ text }, extra, { credits }) => {
      ran += 1;
      return { content: [{ type: 'text', text: `${text.toUpperCase()} for ${credits}` }] };
    }, { credits: 3n });
    registrar.registerTool('none', {}, async () => ({ content: [{ type: 'text', text: 'no arguments' }] }), { credits: 1n });
    registrar.registerTool('fail', {}, async () => { throw new Error('out of order'); }, { credits: 3n });
    registrar.registerTool('free', {}, async () => ({ content: [{ type: 'text', text: 'free' }] }), { credits: 0n });
    registrar.registerResource('now', 'report://now', {}, async (uri) => ({ contents: [{ uri: uri.href, text: 'all well' }] }), { credits: 2n });
    server.registerPrompt('greet', { argsSchema: { name: z.string() } }, seller.mcp.withPaywall(
      async ({ name }) => ({ messages: [{ role: 'user', content: { type: 'text', text: name } }] }), { kind: 'prompt', name: 'greet', credits: 1n },
    ));
    const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
    await server.connect(transport);
    return transport.handleRequest(request);
  };
  const plain = await connect(serve);
  const unpaid = await plain.callTool(shout('x'));
  assert.deepEqual([unpaid.isError, unpaid.structuredContent.x402Version, unpaid.structuredContent.resource.url], [true, 2, 'mcp://attached/tools/shout']);
  await assert.rejects(plain.readResource({ uri: 'report://now' }), ({ code, data }) => code === -32003 && data.accepts.length === 1);
  assert.equal((await plain.callTool({ name: 'free' })).content[0].text, 'free');
  assert.equal(ran, 0);

  const before = await held();
  const client = new Mcp(payments).wrap(await connect(serve), { url: ADDRESS });
  assert.equal((await client.callTool(shout('loud'))).content[0].text, 'LOUD for 3');
  assert.equal(await held(), before - 3n);
  assert.equal((await client.callTool({ name: 'none' })).content[0].text, 'no arguments');
  assert.equal((await client.readResource({ uri: 'report://now' })).contents[0].text, 'all well');
  assert.equal((await client.getPrompt({ name: 'greet', arguments: { name: 'Ana' } })).messages[0].content.text, 'Ana');
  assert.equal(await held(), before - 7n);
  assert.match((await client.callTool({ name: 'fail' })).content[0].text, /out of order/);
  assert.equal(await held(), before - 7n, 'a handler that throws costs nothing');
  // By header, as Nevermined's clients send it.
  const { accessToken } = await payments.x402.getX402AccessToken((await plain.callTool(shout('x'))).structuredContent.accepts[0].planId, agentId);
  const byHeader = await connect((request) => serve(new Request(request, { headers: { ...Object.fromEntries(request.headers), authorization: `Bearer ${accessToken}` } })), (url, init) => serve(new Request(url, { ...init, headers: { ...Object.fromEntries(new Headers(init.headers)), authorization: `Bearer ${accessToken}` } })));
  assert.equal((await byHeader.callTool(shout('header'))).content[0].text, 'HEADER for 3');
  assert.equal(await held(), before - 10n);
});
