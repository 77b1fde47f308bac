// The official MCP server sells its tools: to the official MCP client with tokens of ours and of the official client's, and
// to whoever comes by the OAuth that it advertises.
import assert from 'node:assert/strict';
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { after, before, test } from 'node:test';
import { newAccount } from '../../scripts/lib/demo-servers.mjs';
import { Mcp } from '../../target/dist/subscriber/mcp.js';
import { newBuyer, runProgram, skip, startMarket, startService } from './service.mjs';

const SCOPES = ['openid', 'profile', 'credits', 'mcp:read', 'mcp:write', 'mcp:tools'];
let market, sandbox, plan, agent, service;
before(async () => {
  if (skip) return;
  market = await startMarket();
  sandbox = market.sandbox;
  plan = await market.plan();
  agent = await market.agent([plan], 'Loud');
  service = await serve(agent);
});
after(async () => {
  await service?.stop();
  await market?.stop();
});

const serve = (AGENT) => startService('mcp_server.py', sandbox, { NVM_API_KEY: market.seller.nvmApiKey, PLAN: plan, AGENT });

/** Results of steps with the official MCP client; `account` mints its own tokens, `holder` is the account whose balance
 * is read. */
const walk = (steps, { account, holder = account.accountAddress, at = service }) => runProgram('mcp_client.py', sandbox, {
  NVM_API_KEY: account.nvmApiKey, PLAN: plan, AGENT: agent, SERVICE: at.url, HOLDER: holder, STEPS: JSON.stringify(steps),
});
const shout = (text) => ({ tool: 'shout', arguments: { text } });

/** Checks what a paid call came to. */
function paid(result, { text, balance, holder, credits = '2' }) {
  assert.deepEqual([result.isError, result.text, result.balance], [false, text, balance]);
  const { success, payer, transaction, creditsRedeemed, remainingBalance } = result.meta['x402/payment-response'];
  assert.deepEqual([success, payer, creditsRedeemed, remainingBalance], [true, holder, credits, String(balance)]);
  assert.equal(result.meta['nevermined/credits'].txHash, transaction);
  assert.match(transaction, /^0x/);
}

test('tokens of the official client pay for tools and prompts, in the header and in the call', { skip }, async () => {
  const account = await newAccount(sandbox.url, 'A buyer in Python');
  const saw = await walk([
    { name: 'list', token: 'own' },
    { name: 'header', token: 'own', ...shout('by header') },
    { name: 'in band', token: 'own', inBand: true, ...shout('in band') },
    { name: 'free', token: 'own', tool: 'count' },
    { name: 'prompt', token: 'own', prompt: 'greet', arguments: { name: 'Ada' } },
  ], { account });
  const holder = account.accountAddress;
  assert.deepEqual([saw.list.tools, saw.list.balance], [['shout', 'count'], 0], 'to look is free');
  paid(saw.header, { text: 'BY HEADER', balance: 98, holder });
  paid(saw['in band'], { text: 'IN BAND', balance: 96, holder });
  assert.deepEqual([saw.free.text, saw.free.balance, saw.free.meta['x402/payment-response']], ['run 2 times', 96, undefined]);
  assert.deepEqual([saw.prompt.text, saw.prompt.balance], ['Greet Ada', 95]);
});

test('a token of our SDK pays as well, and a single-use one pays once', { skip }, async () => {
  const buyer = await newBuyer(sandbox);
  const { accessToken } = await buyer.payments.x402.getX402AccessToken(plan, agent);
  const resource = { url: 'mcp://loud/tools/shout?text=once' };
  const once = await fetch(`${sandbox.url}/api/v1/x402/permissions`, {
    method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${buyer.nvmApiKey}` },
    body: JSON.stringify({
      accepted: { scheme: 'nvm:erc4337', network: 'eip155:84532', planId: plan, extra: {} },
      delegationConfig: { delegationId: buyer.delegationId }, tokenVersion: 3, resource,
    }),
  });
  const { accessToken: single } = await once.json();
  const saw = await walk([
    { name: 'header', token: accessToken, ...shout('by header') },
    { name: 'in band', token: accessToken, inBand: true, ...shout('in band') },
    { name: 'single', token: single, inBand: true, ...shout('once') },
    { name: 'again', token: single, inBand: true, ...shout('once') },
  ], { account: buyer });
  const holder = buyer.accountAddress;
  paid(saw.header, { text: 'BY HEADER', balance: 98, holder });
  paid(saw['in band'], { text: 'IN BAND', balance: 96, holder });
  paid(saw.single, { text: 'ONCE', balance: 94, holder });
  assert.deepEqual([saw.again.isError, saw.again.balance], [true, 94]);
  assert.equal((await buyer.payments.plans.getPlanBalance(plan)).balance, 94n);
});

test('who does not pay hears what it costs, and nothing is run', { skip }, async () => {
  const account = await newAccount(sandbox.url, 'A buyer with nothing');
  const saw = await walk([
    { name: 'before', token: 'own', tool: 'count' },
    { name: 'no token', token: 'nothing', ...shout('for free') },
    { name: 'a prompt', token: 'nothing', prompt: 'greet', arguments: { name: 'Eve' } },
    { name: 'count', token: 'own', tool: 'count' },
  ], { account });
  const { accepts: [offer], error, resource } = saw['no token'].structured;
  assert.deepEqual([saw['no token'].isError, error, offer.planId, offer.extra.agentId, offer.network], [true, 'payment required', plan, agent, 'eip155:84532']);
  assert.equal(resource.url, 'mcp://loud/tools/shout?text=for+free');
  assert.match(saw['a prompt'].error.message, /^Payment required/);
  assert.deepEqual([saw.count.text, saw.count.balance], [saw.before.text, 0]);
  const bare = await fetch(`${service.url}/mcp`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' });
  assert.equal(bare.status, 401);
});

/** The OAuth that a server advertises, walked as a client and a person would: what it says, and the tokens. */
async function authorize(at, { plan_id } = {}) {
  const get = async (path) => (await fetch(at.url + path)).json();
  const resource = await get('/.well-known/oauth-protected-resource/mcp');
  assert.deepEqual([resource.resource, resource.authorization_servers], [`${at.url}/mcp`, [at.url]]);
  const [server, oidc] = [await get('/.well-known/oauth-authorization-server'), await get('/.well-known/openid-configuration')];
  const redirect_uri = 'http://127.0.0.1:4567/callback';
  const registered = await (await fetch(server.registration_endpoint, {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_name: 'A client', redirect_uris: [redirect_uri], token_endpoint_auth_method: 'client_secret_post' }),
  })).json();

  const verifier = randomBytes(32).toString('base64url');
  const request = new URLSearchParams({
    response_type: 'code', client_id: registered.client_id, redirect_uri, state: 'xyz', scope: registered.scope, resource: resource.resource,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256', ...(plan_id && { plan_id }),
  });
  const page = await fetch(`${server.authorization_endpoint}?${request}`);
  assert.equal(page.status, 200);
  const html = await page.text();
  // The person: the form as it stands, as a new account.
  const form = new URLSearchParams([...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, name, value]) => [name, value.replaceAll('&amp;', '&')]));
  for (const [name, value] of Object.entries({ plan, limit: '20', days: '7', name: 'Ada', action: 'new' })) form.set(name, value);
  const back = await fetch(server.authorization_endpoint, { method: 'POST', body: form, redirect: 'manual' });
  const answer = new URL(back.headers.get('location'));
  assert.deepEqual([back.status, answer.origin + answer.pathname, answer.searchParams.get('state')], [303, redirect_uri, 'xyz']);

  const tokens = await fetch(server.token_endpoint, { method: 'POST', body: new URLSearchParams({
    grant_type: 'authorization_code', code: answer.searchParams.get('code'), redirect_uri, client_id: registered.client_id,
    client_secret: registered.client_secret, code_verifier: verifier, resource: resource.resource,
  }) });
  assert.equal(tokens.status, 200);
  return { server, oidc, registered, html, tokens: await tokens.json() };
}

test('the OAuth that it advertises ends with a token that pays', { skip }, async () => {
  const { server, oidc, registered, html, tokens } = await authorize(service);
  assert.deepEqual([server.issuer, registered.client_id], [sandbox.url, agent]);
  assert.deepEqual(server.scopes_supported, SCOPES);
  assert.ok(html.includes('Loud') && html.includes('Questions'));
  assert.deepEqual([tokens.token_type, tokens.scope], ['Bearer', SCOPES.join(' ')]);

  const who = await (await fetch(oidc.userinfo_endpoint, { headers: { authorization: `Bearer ${tokens.access_token}` } })).json();
  assert.equal(who.name, 'Ada');
  const [header, body, signature] = tokens.id_token.split('.');
  const { keys } = await (await fetch(oidc.jwks_uri)).json();
  const key = createPublicKey({ key: keys.find(({ kid }) => kid === JSON.parse(Buffer.from(header, 'base64url')).kid), format: 'jwk' });
  assert.ok(verify('sha256', `${header}.${body}`, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')));
  const { iss, aud, sub } = JSON.parse(Buffer.from(body, 'base64url'));
  assert.deepEqual([iss, aud, sub], [oidc.issuer, agent, who.sub]);

  const account = await newAccount(sandbox.url, 'Somebody else');
  const refreshed = await (await fetch(server.token_endpoint, { method: 'POST', body: new URLSearchParams({
    grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id: agent,
  }) })).json();
  const saw = await walk([
    { name: 'first', token: tokens.access_token, ...shout('allowed') },
    { name: 'refreshed', token: refreshed.access_token, ...shout('still') },
  ], { account, holder: who.sub });
  paid(saw.first, { text: 'ALLOWED', balance: 98, holder: who.sub });
  paid(saw.refreshed, { text: 'STILL', balance: 96, holder: who.sub });
});

test('a server without an agent sells by its plan alone, over OAuth too', { skip }, async (t) => {
  const alone = await serve('');
  t.after(() => alone.stop());
  const { registered, tokens, oidc } = await authorize(alone, { plan_id: plan });
  assert.match(registered.client_id, /^nvm-mcp-client-/);
  const who = await (await fetch(oidc.userinfo_endpoint, { headers: { authorization: `Bearer ${tokens.access_token}` } })).json();
  const account = await newAccount(sandbox.url, 'Somebody else');
  const saw = await walk([{ name: 'paid', token: tokens.access_token, ...shout('by plan') }], { account, holder: who.sub, at: alone });
  paid(saw.paid, { text: 'BY PLAN', balance: 98, holder: who.sub });
});

test('our client pays for its tools in band, with and without a limit', { skip }, async () => {
  const buyer = await newBuyer(sandbox, { approve: () => true });
  const mcp = new Mcp(buyer.payments);
  await assert.rejects(mcp.connect(`${service.url}/mcp`), { code: 'mcp_unauthorized' });
  // The server wants some bearer before it says anything; what pays is in the call.
  const headers = { authorization: 'Bearer in-band' };
  const client = await mcp.connect(`${service.url}/mcp`, { headers });
  const result = await client.callTool({ name: 'shout', arguments: { text: 'hello' } });
  const { spend, receipt } = mcp.paymentOf(result);
  assert.deepEqual([result.content[0].text, spend.outcome, receipt.creditsRedeemed], ['HELLO', 'settled', 2n]);
  // Its offer names the arguments: another call has terms of its own.
  assert.equal((await client.callTool({ name: 'shout', arguments: { text: 'again' } })).content[0].text, 'AGAIN');
  await client.close();

  const policy = { origins: [new URL(service.url).origin], maxCreditsTotal: 35n };
  const limited = await mcp.connect(`${service.url}/mcp`, { headers, approve: undefined, policy });
  const once = await limited.callTool({ name: 'shout', arguments: { text: 'once' } });
  assert.deepEqual([once.content[0].text, mcp.paymentOf(once).spend.singleUse], ['ONCE', true]);
  assert.equal((await limited.callTool({ name: 'shout', arguments: { text: 'twice' } })).content[0].text, 'TWICE');
  // The first call counted 2, by its receipt; each of the others the 10 that the plan allows at most.
  await assert.rejects(limited.callTool({ name: 'shout', arguments: { text: 'thrice' } }), { code: 'budget_exceeded' });
  await limited.close();
  assert.equal((await buyer.payments.plans.getPlanBalance(plan)).balance, 92n);
});

test('the official client pays our server, in band and by bearer', { skip }, async () => {
  const seller = new Mcp(undefined, () => ({ nvmApiKey: market.seller.nvmApiKey, environment: 'custom', backend: sandbox.url }));
  seller.configure({ planId: plan, agentId: agent, serverName: 'loud' });
  seller.registerTool('shout', {}, async ({ text }) => ({ content: [{ type: 'text', text: text.toUpperCase() }] }), { credits: 2n });
  seller.registerPrompt('greet', {}, async ({ name }) => ({ messages: [{ role: 'user', content: { type: 'text', text: `Greet ${name}` } }] }), { credits: 1n });
  const { info, stop } = await seller.start({ log: false });
  try {
    const account = await newAccount(sandbox.url, 'A buyer in Python');
    const saw = await walk([
      { name: 'list', token: 'nothing' },
      { name: 'no token', token: 'nothing', ...shout('for free') },
      { name: 'header', token: 'own', ...shout('by header') },
      { name: 'in band', token: 'own', inBand: true, ...shout('in band') },
      { name: 'prompt', token: 'own', prompt: 'greet', arguments: { name: 'Ada' } },
    ], { account, at: { url: info.baseUrl } });
    const holder = account.accountAddress;
    assert.deepEqual(saw.list.tools, ['shout']);
    const { accepts: [offer], error, resource } = saw['no token'].structured;
    assert.deepEqual([saw['no token'].isError, error, offer.planId, resource.url], [true, 'payment required', plan, 'mcp://loud/tools/shout']);
    paid(saw.header, { text: 'BY HEADER', balance: 98, holder });
    paid(saw['in band'], { text: 'IN BAND', balance: 96, holder });
    assert.deepEqual([saw.prompt.text, saw.prompt.balance], ['Greet Ada', 95]);
  } finally {
    await stop();
  }
});
