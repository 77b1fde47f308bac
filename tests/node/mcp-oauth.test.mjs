// OAuth of an MCP server: the official client finds by the documents of our server that its user logs in at Nevermined, registers, comes back with a code, and
// pays by the token that it gets for it. The platform is the sandbox.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { UnauthorizedError, discoverAuthorizationServerMetadata, discoverOAuthProtectedResourceMetadata } from '@modelcontextprotocol/sdk/client/auth.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Mcp, mcpPaywall } from '../../target/dist/subscriber/mcp.js';
import { startPlatform } from './harness.mjs';

let platform;
let agentId;
before(async () => {
  platform = await startPlatform();
  const { json } = await platform.seller.post('/api/v1/protocol/agents', { metadataAttributes: { name: 'Weather' }, agentApiAttributes: {}, plans: [platform.planId] });
  ({ agentId } = json.data);
});
after(() => platform.stop());

const BACK = 'http://127.0.0.1:4567/callback';

/** A server of ours with a paid and a free tool; `oauth` as in the options. */
async function serve(options) {
  const seller = new Mcp(undefined, () => ({ nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url }));
  seller.configure({ planId: platform.planId, agentId, serverName: 'weather' });
  seller.registerTool('today', {}, async (args, { paymentContext }) => ({ content: [{ type: 'text', text: `sunny for ${paymentContext.payer}` }] }), { credits: 2n });
  seller.registerTool('free', {}, async () => ({ content: [{ type: 'text', text: 'free' }] }), { credits: 0n });
  return seller.start({ log: false, ...options });
}

/** A provider of the official SDK, as an application has it. `allow` is what the person does: it gives the code that the browser comes back with. */
function person() {
  const kept = {};
  const provider = {
    redirectUrl: BACK,
    clientMetadata: { client_name: 'An agent', redirect_uris: [BACK], grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] },
    clientInformation: () => kept.client, saveClientInformation: (client) => { kept.client = client; },
    tokens: () => kept.tokens, saveTokens: (tokens) => { kept.tokens = tokens; },
    codeVerifier: () => kept.verifier, saveCodeVerifier: (verifier) => { kept.verifier = verifier; },
    redirectToAuthorization: (url) => { kept.url = url; },
  };
  const allow = async () => {
    assert.equal(`${kept.url.origin}${kept.url.pathname}`, `${platform.sandbox.url}/oauth/authorize`);
    const body = new URLSearchParams({ ...Object.fromEntries(kept.url.searchParams), limit: '20', name: 'Ada', action: 'new' });
    const answer = await fetch(kept.url.origin + kept.url.pathname, { method: 'POST', body, redirect: 'manual' });
    return new URL(answer.headers.get('location')).searchParams.get('code');
  };
  return { provider, kept, allow };
}

test('the official client logs its user in and pays by the token', async () => {
  const { info, stop } = await serve({ oauth: true });
  try {
    const url = new URL(`${info.baseUrl}/mcp`);
    const { provider, kept, allow } = person();
    const transport = new StreamableHTTPClientTransport(url, { authProvider: provider });
    await assert.rejects(new Client({ name: 'test', version: '1.0.0' }).connect(transport), UnauthorizedError);
    assert.deepEqual([kept.client.client_id, kept.url.searchParams.get('resource'), kept.url.searchParams.get('client_id')], [agentId, url.href, agentId]);
    await transport.finishAuth(await allow());
    const client = new Client({ name: 'test', version: '1.0.0' });
    await client.connect(new StreamableHTTPClientTransport(url, { authProvider: provider }));
    assert.equal((await client.callTool({ name: 'free' })).content[0].text, 'free');
    const result = await client.callTool({ name: 'today' });
    assert.match(result.content[0].text, /^sunny for 0x/);
    assert.deepEqual([result._meta['x402/payment-response'].creditsRedeemed, result._meta['nevermined/credits'].remainingBalance], ['2', '98']);
    await client.close();
  } finally {
    await stop();
  }
});

test('our client takes the provider of the official SDK, and comes back with the code', async () => {
  const { info, stop } = await serve({ oauth: true });
  try {
    const mcp = new Mcp(await platform.buyer({ approve: () => assert.fail('the token of the login pays') }));
    const { provider, allow } = person();
    const url = `${info.baseUrl}/mcp`;
    await assert.rejects(mcp.connect(url), { code: 'mcp_unauthorized' });
    await assert.rejects(mcp.connect(url, { authProvider: provider }), (error) => error.code === 'mcp_unauthorized' && /authorizationCode/.test(error.hint) && error.cause instanceof UnauthorizedError);
    await assert.rejects(mcp.connect(url, { authProvider: provider, authorizationCode: 'another' }), (error) => error.code !== 'mcp_unauthorized');
    await assert.rejects(mcp.connect(url, { authProvider: provider }), { code: 'mcp_unauthorized' });
    const client = await mcp.connect(url, { authProvider: provider, authorizationCode: await allow() });
    const result = await client.callTool({ name: 'today' });
    // The token of the login paid, and not the buyer.
    assert.deepEqual([result._meta['x402/payment-response'].creditsRedeemed, mcp.paymentOf(result).spend.outcome], ['2', 'none']);
    await client.close();
    // The provider keeps the tokens.
    const again = await mcp.connect(url, { authProvider: provider });
    assert.match((await again.callTool({ name: 'today' })).content[0].text, /^sunny/);
    await again.close();
  } finally {
    await stop();
  }
});

test('the documents are those of the standards, for the address that clients use', async () => {
  const { info, stop } = await serve({ baseUrl: 'https://weather.example/' });
  const local = `http://127.0.0.1:${info.port}`;
  try {
    const inside = (input) => fetch(String(input).replace('https://weather.example', local));
    const resource = await discoverOAuthProtectedResourceMetadata('https://weather.example/mcp', {}, inside);
    assert.deepEqual([resource.resource, resource.authorization_servers, resource.scopes_supported.includes('mcp:tools')], ['https://weather.example/mcp', ['https://weather.example'], true]);
    const server = await discoverAuthorizationServerMetadata('https://weather.example', { fetchFn: inside });
    assert.deepEqual([server.issuer, server.authorization_endpoint, server.token_endpoint, server.registration_endpoint, server.code_challenge_methods_supported], [
      'https://weather.example', `${platform.sandbox.url}/oauth/authorize`, `${platform.sandbox.url}/oauth/token`, 'https://weather.example/register', ['S256'],
    ]);
    const open = await (await fetch(`${local}/.well-known/openid-configuration`)).json();
    const { issuer } = await (await fetch(`${platform.sandbox.url}/.well-known/openid-configuration`)).json();
    assert.deepEqual([open.issuer, open.userinfo_endpoint], [issuer, `${platform.sandbox.url}/oauth/userinfo`]);
    // Without `oauth: true` nobody is asked for a bearer.
    const client = new Client({ name: 'test', version: '1.0.0' });
    await client.connect(new StreamableHTTPClientTransport(new URL(`${local}/mcp`)));
    assert.equal((await client.callTool({ name: 'today' })).isError, true);
    await client.close();
  } finally {
    await stop();
  }
  const none = await serve({ oauth: false });
  assert.equal((await fetch(`${none.info.baseUrl}/.well-known/oauth-authorization-server`)).status, 404);
  await none.stop();
});

/** A gate in front of another server, without an agent; what it passes on is answered with 200. */
const gateOf = (more = {}) => mcpPaywall(() => Response.json({}), {
  nvmApiKey: platform.seller.key, environment: 'sandbox', planId: platform.planId, state: 'memory', log: false, unlisted: 'deny', oauth: true, ...more,
});

test('a request without a bearer is told where to get one, on any path', async () => {
  const gate = gateOf({ allowedOrigins: ['https://page.example'] });
  for (const [path, authorization, about] of [
    ['/mcp', undefined, '/mcp'], ['/mcp', 'Basic abc', '/mcp'], ['/mcp', 'Bearer ', '/mcp'], ['/', undefined, ''], ['/a/b', undefined, '/a/b'],
  ]) {
    const answer = await gate(new Request(`http://shop.localhost${path}`, { method: 'POST', headers: { origin: 'https://page.example', ...(authorization && { authorization }) } }));
    assert.deepEqual([answer.status, answer.headers.get('www-authenticate')], [401, `Bearer resource_metadata="http://shop.localhost/.well-known/oauth-protected-resource${about}"`]);
    assert.match(answer.headers.get('access-control-expose-headers'), /www-authenticate/);
  }
  assert.equal((await gate(new Request('http://shop.localhost/mcp', { method: 'POST', headers: { authorization: 'bearer x' } }))).status, 200);
  const { authorization_endpoint: place } = await (await gate(new Request('http://shop.localhost/.well-known/oauth-authorization-server'))).json();
  assert.equal(place, 'https://nevermined.app/oauth/authorize');
});

test('a registration is answered with a name and kept nowhere; a wrong one is refused', async () => {
  const gate = gateOf();
  const register = async (body) => {
    const answer = await gate(new Request('http://shop.localhost/register', { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }));
    return [answer.status, await answer.json()];
  };
  const [status, made] = await register({ redirect_uris: [BACK, 'cursor://example.mcp/callback', 'https://claude.example/back'], client_name: 'A client', token_endpoint_auth_method: 'client_secret_post' });
  assert.deepEqual([status, made.redirect_uris.length, made.client_name, made.token_endpoint_auth_method, made.client_secret], [201, 3, 'A client', 'none', undefined]);
  assert.match(made.client_id, /^nvm-mcp-client-\d+-[0-9a-f]{16}$/);
  for (const [name, body, error] of [
    ['no JSON', '{', 'invalid_client_metadata'], ['a list', [], 'invalid_client_metadata'], ['too large', { redirect_uris: [BACK], client_name: 'x'.repeat(70_000) }, 'invalid_client_metadata'],
    ['no address', {}, 'invalid_redirect_uri'], ['none in the list', { redirect_uris: [] }, 'invalid_redirect_uri'], ['a script', { redirect_uris: ['javascript:alert(1)'] }, 'invalid_redirect_uri'],
    ['http elsewhere', { redirect_uris: ['http://elsewhere.example/back'] }, 'invalid_redirect_uri'], ['a fragment', { redirect_uris: [`${BACK}#x`] }, 'invalid_redirect_uri'],
    ['no text', { redirect_uris: [7] }, 'invalid_redirect_uri'],
  ]) {
    const [refused, said] = await register(body);
    assert.deepEqual([refused, said.error], [400, error], name);
  }
});
