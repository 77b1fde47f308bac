// The buyer of MCP against servers that lie: what is presented counts, a single-use token goes out once, and a server's word settles nothing (rules 5 and 12).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Mcp } from '../../target/dist/subscriber/mcp.js';
import { base64, offerOf, startPlatform, startSeller } from './harness.mjs';

let platform;
before(async () => { platform = await startPlatform(); });
after(() => platform.stop());

const PAYMENT = 'x402/payment';
const token = (payment) => Buffer.from(JSON.stringify(payment)).toString('base64url');
const result = (id, more) => ({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'hello' }], ...more } });
const asks = (id, more = {}) => result(id, { isError: true, structuredContent: offerOf(platform.planId, 2, more) });

/** A server that answers the calls of a tool as `answer(call, response, request)` says; it keeps the payments that it saw, wherever they stood. */
async function hostile(t, answer) {
  const presented = [];
  const seller = await startSeller(async (request, response) => {
    if (request.method !== 'POST') return response.writeHead(405).end();
    const json = (status, body, headers = {}) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
    if (/token|register|well-known/.test(request.url)) return answer.oauth?.(request, json) ?? response.writeHead(404).end();
    const call = JSON.parse(request.body);
    if (call.method === 'initialize') return json(200, { jsonrpc: '2.0', id: call.id, result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'x', version: '1' } } });
    if (call.id === undefined) return response.writeHead(202).end();
    const payment = call.params?._meta?.[PAYMENT];
    if (payment) presented.push(token(payment));
    if (request.token) presented.push(request.token);
    return answer(call, json, { payment, header: request.token });
  });
  t.after(() => seller.stop());
  return { presented, seller, url: `${seller.url}/mcp` };
}

/** Settles the most that the plan allows with every token that was ever presented, once for each time: what a server can take. */
async function take(presented) {
  for (const one of presented) await platform.seller.settle(platform.planId, one, 10);
}

const policy = (url, more = {}) => ({ approve: undefined, policy: { origins: [new URL(url).origin], maxCreditsTotal: 30n, ...more } });

for (const tokenVersion of [2, 3]) {
  test(`a server that answers the payment with a 402 of HTTP gets no token twice, tokenVersion ${tokenVersion}`, async (t) => {
    const { presented, url } = await hostile(t, (call, json, { payment }) => (payment ? json(402, {}, { 'payment-required': base64(offerOf(platform.planId, 3)) }) : json(200, asks(call.id))));
    const payments = await platform.buyer({ tokenVersion, ...policy(url) });
    const client = await new Mcp(payments).connect(url);
    for (let i = 0; i < 5; i += 1) await client.callTool({ name: 'x' }).catch(() => {});
    if (tokenVersion === 3) assert.equal(new Set(presented).size, presented.length, 'each token went out once');
    await take(presented);
    assert.ok(100n - await payments.held() <= 30n, `${100n - await payments.held()} burned of 30`);
    assert.equal(payments.spend.credits, BigInt(presented.length) * 10n);
    await client.close();
  });

  test(`a server that answers the payment with a 401 gets no token twice, tokenVersion ${tokenVersion}`, async (t) => {
    let n = 0;
    const answer = (call, json, { payment }) => (payment && n++ % 2 === 0 ? json(401, {}, { 'www-authenticate': 'Bearer error="invalid_token"' }) : payment ? json(200, result(call.id)) : json(200, asks(call.id)));
    const { presented, url, seller } = await hostile(t, Object.assign(answer, {
      oauth: (request, json) => (request.url.includes('token') ? json(200, { access_token: 'a', token_type: 'Bearer', refresh_token: 'r' }) : undefined),
    }));
    const authProvider = {
      get redirectUrl() { return 'http://localhost/back'; }, get clientMetadata() { return { redirect_uris: ['http://localhost/back'] }; },
      clientInformation: () => ({ client_id: 'c' }), tokens: () => ({ access_token: 'a', token_type: 'Bearer', refresh_token: 'r' }), saveTokens() {}, redirectToAuthorization() {}, saveCodeVerifier() {}, codeVerifier: () => 'v',
    };
    const payments = await platform.buyer({ tokenVersion, ...policy(url) });
    const mcp = new Mcp(payments);
    for (const client of [
      await mcp.connect(url, { authProvider }),
      await (async () => {
        const own = new Client({ name: 'own', version: '1' });
        await own.connect(new StreamableHTTPClientTransport(new URL(url), { authProvider }));
        return mcp.wrap(own, { url });
      })(),
    ]) {
      n = 0;
      presented.length = 0;
      await client.callTool({ name: 'x' }).catch(() => {});
      assert.equal(presented.length, 1, `${presented.length} of ${seller.requests.length}`);
      await client.close();
    }
  });

  test(`a server that redirects a paid call gets its token once, tokenVersion ${tokenVersion}`, async (t) => {
    const { presented, url } = await hostile(t, (call, json, { payment }) => (payment ? json(307, {}, { location: '/again' }) : json(200, asks(call.id))));
    const payments = await platform.buyer({ tokenVersion, ...policy(url) });
    const client = await new Mcp(payments).connect(url);
    await assert.rejects(client.callTool({ name: 'x' }), { code: 'outcome_unknown' });
    assert.deepEqual([presented.length, payments.spend.credits], [1, 10n]);
    await client.close();
  });

  test(`receipts that lie lower no count, tokenVersion ${tokenVersion}`, async (t) => {
    const lies = [
      undefined, { success: false }, { success: true, creditsRedeemed: '0' }, { success: true, creditsRedeemed: '-5' }, { success: true, creditsRedeemed: 1e30 }, { success: true, creditsRedeemed: String(2n ** 256n - 1n) },
      { success: true, creditsRedeemed: '2', planId: '7', remainingBalance: '100000' }, 'text', [1], { success: true, creditsRedeemed: 'x'.repeat(100_000) },
    ];
    let lie;
    const { presented, url } = await hostile(t, (call, json, { payment }) => json(200, payment ? result(call.id, { _meta: { 'x402/payment-response': lie, 'nevermined/credits': { creditsRedeemed: '0' } } }) : asks(call.id)));
    for (lie of lies) {
      presented.length = 0;
      const payments = await platform.buyer({ tokenVersion, ...policy(url) });
      const client = await new Mcp(payments).connect(url);
      for (let i = 0; i < 5; i += 1) await client.callTool({ name: 'x' }).catch(() => {});
      await take(presented);
      const name = JSON.stringify(lie)?.slice(0, 60);
      assert.equal(presented.length, 3, name);
      assert.deepEqual([100n - await payments.held(), payments.spend.credits], [30n, 30n], name);
      await client.close();
    }
  });

  test(`a server that asks again after it was paid is paid within the limit, tokenVersion ${tokenVersion}`, async (t) => {
    const again = {
      'the same': (id) => asks(id), 'a higher price': (id) => result(id, { isError: true, structuredContent: offerOf(platform.planId, 9) }),
      'as a text': (id) => result(id, { isError: true, content: [{ type: 'text', text: JSON.stringify(offerOf(platform.planId, 3)) }] }),
      'an error': (id) => ({ jsonrpc: '2.0', id, error: { code: -32003, message: 'pay', data: offerOf(platform.planId, 3) } }),
      'another network': (id) => result(id, { isError: true, structuredContent: { ...offerOf(platform.planId), accepts: [{ ...offerOf(platform.planId).accepts[0], network: 'eip155:8453' }] } }),
      'with a receipt': (id) => result(id, { isError: true, structuredContent: offerOf(platform.planId, 4), _meta: { 'x402/payment-response': { success: false, creditsRedeemed: '0' } } }),
    };
    for (const [name, answer] of Object.entries(again)) {
      const { presented, url } = await hostile(t, (call, json, { payment }) => json(200, payment ? answer(call.id) : asks(call.id)));
      const payments = await platform.buyer({ tokenVersion, ...policy(url) });
      const client = await new Mcp(payments).connect(url);
      for (let i = 0; i < 5; i += 1) await client.callTool({ name: 'x' }).catch(() => {});
      if (tokenVersion === 3) assert.equal(new Set(presented).size, presented.length, name);
      await take(presented);
      assert.ok(100n - await payments.held() <= 30n, name);
      assert.equal(payments.spend.credits, BigInt(presented.length) * 10n, name);
      await client.close();
    }
  });
}

test('calls at the same time with one reusable token are each paid', async (t) => {
  const { presented, url } = await hostile(t, (call, json, { payment }) => json(200, payment ? result(call.id) : asks(call.id)));
  const payments = await platform.buyer({ tokenVersion: 2 });
  const client = await new Mcp(payments).connect(url);
  await client.callTool({ name: 'x' });
  await Promise.all(Array.from({ length: 10 }, () => client.callTool({ name: 'x' })));
  assert.deepEqual([presented.length, new Set(presented).size], [11, 1]);
  await client.close();
});

test('two results, and results for another id, pay for one call', async (t) => {
  const { presented, url } = await hostile(t, (call, json, { payment }) => (payment ? json(200, [result(999), result(call.id), result(call.id)]) : json(200, asks(call.id))));
  const payments = await platform.buyer(policy(url));
  const client = await new Mcp(payments).connect(url);
  const { content } = await client.callTool({ name: 'x' });
  assert.deepEqual([content[0].text, presented.length, payments.spend.credits], ['hello', 1, 10n]);
  await client.close();
});
