// OAuth as MCP servers advertise it: a person allows, a code comes back, and a token that pays (RFC 6749, 7636, 8707).
import assert from 'node:assert/strict';
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { after, before, test } from 'node:test';
import { startSandbox } from './start.mjs';
import { BY_CARD, client, decode, led } from './client.mjs';

const BACK = 'http://127.0.0.1:4567/callback?x=1';
let sandbox, anyone, seller, plan, agent;
before(async () => {
  sandbox = await startSandbox();
  anyone = client(sandbox.url);
  seller = await anyone.open('Seller');
  plan = await seller.plan();
  agent = await register('Oracle <b>', [plan]);
});
after(() => sandbox?.stop());

const register = async (name, plans) =>
  (await seller.post('/api/v1/protocol/agents', { metadataAttributes: { name }, agentApiAttributes: {}, plans })).json.data.agentId;

/** A client's authorization request, and the verifier of its challenge. */
function ask(more = {}) {
  const verifier = randomBytes(32).toString('base64url');
  const request = {
    response_type: 'code', client_id: agent, redirect_uri: BACK, state: 's t+', code_challenge_method: 'S256',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'), ...more,
  };
  for (const name of Object.keys(request)) if (request[name] === undefined) delete request[name];
  return { request, verifier };
}
const page = (request) => anyone.get(`/oauth/authorize?${new URLSearchParams(request)}`);
const allow = (request, more = {}) => anyone.form('/oauth/authorize', { ...request, limit: '20', name: 'Ada', action: 'new', ...more });
const redeem = (request, code, verifier, more = {}) => {
  const fields = { grant_type: 'authorization_code', code, client_id: request.client_id, redirect_uri: request.redirect_uri, code_verifier: verifier, ...more };
  for (const name of Object.keys(fields)) if (fields[name] === undefined) delete fields[name];
  return anyone.form('/oauth/token', fields);
};
const grant = async (more, form) => {
  const { request, verifier } = ask(more);
  const answer = led(await allow(request, form));
  return { request, verifier, ...answer, tokens: (await redeem(request, answer.code, verifier)).json };
};
const whose = (token) => anyone.call('GET', '/oauth/userinfo', undefined, { authorization: `Bearer ${token}` });

test('the page says who asks for what, and lets a person choose', async () => {
  const ada = await anyone.open('Grace <i>');
  const { status, text, headers } = await page(ask().request);
  assert.equal(status, 200);
  for (const part of ['http://127.0.0.1:4567', 'Oracle &lt;b&gt;', 'Hundred questions', '$10.00', 'Grace &lt;i&gt;', `value="${ada.address}"`, 'name="limit"', 'Deny']) {
    assert.ok(text.includes(part), part);
  }
  assert.ok(!/<script|src=|@import|url\(|<b>|<i>/i.test(text));
  assert.match(headers.get('content-security-policy'), /default-src 'none'/);
});

test('a code becomes an access token that pays, an identity and a way to go on', async () => {
  const ada = await anyone.open('Ada Lovelace');
  const { state, x, tokens } = await grant({ nonce: 'n-1' }, { name: '', account: ada.address, action: '' });
  assert.deepEqual([state, x], ['s t+', '1']);
  assert.deepEqual([tokens.token_type, tokens.scope], ['Bearer', 'openid profile credits mcp:read mcp:write mcp:tools']);
  assert.ok(Math.abs(tokens.expires_in - 30 * 86_400) < 600);
  const { accepted, payload } = decode(tokens.access_token);
  assert.deepEqual([accepted.planId, accepted.extra.agentId, payload.authorization.from], [plan, agent, ada.address]);

  const verified = await seller.verify(plan, tokens.access_token, '2');
  assert.deepEqual([verified.json.isValid, verified.json.payer], [true, ada.address]);
  const settled = await seller.settle(plan, tokens.access_token, '2');
  assert.deepEqual([settled.json.creditsRedeemed, settled.json.remainingBalance], ['2', '98'], 'bought by the way, and paid');
  const { json: spent } = await ada.get('/api/v1/delegation');
  assert.deepEqual(spent.delegations.map(({ planId, spendingLimitCents, amountSpentCents }) => [planId, spendingLimitCents, amountSpentCents]), [[plan, '2000', '1000']]);

  const [header, body, signature] = tokens.id_token.split('.');
  const { json: keys } = await anyone.get('/.well-known/jwks.json');
  const key = createPublicKey({ key: keys.keys.find(({ kid }) => kid === decode(header).kid), format: 'jwk' });
  assert.ok(verify('sha256', `${header}.${body}`, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')));
  const { iss, sub, aud, nonce, name } = decode(body);
  assert.deepEqual([iss, sub, aud, nonce, name], [sandbox.url, ada.address, agent, 'n-1', 'Ada Lovelace']);

  const { status, json } = await whose(tokens.access_token);
  assert.deepEqual([status, json], [200, { sub: ada.address, name: 'Ada Lovelace' }]);
});

test('a refresh token is good once, and brings another token of the same allowance', async () => {
  const { request, tokens } = await grant();
  const refresh = (token, more) => anyone.form('/oauth/token', { grant_type: 'refresh_token', refresh_token: token, client_id: request.client_id, ...more });
  const second = await refresh(tokens.refresh_token, { scope: 'mcp:tools' });
  assert.equal(second.status, 200, second.text);
  assert.deepEqual([second.json.scope, second.json.id_token], ['mcp:tools', undefined]);
  assert.notEqual(second.json.access_token, tokens.access_token);
  assert.equal((await seller.verify(plan, second.json.access_token, '1')).json.isValid, true);
  const nameless = await whose(second.json.access_token);
  assert.deepEqual([nameless.status, nameless.headers.get('www-authenticate')], [403, 'Bearer error="insufficient_scope", scope="openid"']);

  for (const [name, fields, error] of [
    ['more than was allowed', { scope: 'openid admin' }, 'invalid_scope'],
    ['another client', { client_id: 'x' }, 'invalid_grant'],
  ]) {
    const { status, json } = await refresh(second.json.refresh_token, fields);
    assert.deepEqual([status, json.error], [400, error], name);
  }
  const replayed = await refresh(tokens.refresh_token);
  assert.deepEqual([replayed.status, replayed.json.error, replayed.json.code], [400, 'invalid_grant', 'BCK.OAUTH.0004']);
  assert.equal((await refresh(second.json.refresh_token)).status, 400, 'who replays loses all of it');
  for (const token of [tokens.access_token, second.json.access_token]) {
    assert.equal((await seller.verify(plan, token, '1')).status, 402);
    assert.equal((await whose(token)).status, 401);
  }
});

test('a code that is replayed takes back what came of it', async () => {
  const { request, verifier, code, tokens } = await grant();
  assert.equal((await whose(tokens.access_token)).status, 200);
  const { status, json } = await redeem(request, code, verifier);
  assert.deepEqual([status, json.error, json.code], [400, 'invalid_grant', 'BCK.OAUTH.0004']);
  assert.ok(json.error_description && json.correlationId && json.hint);
  assert.equal((await whose(tokens.access_token)).status, 401);
});

test('what is not of the code brings nothing, and leaves the code good', async () => {
  const { request, verifier } = ask({ resource: 'http://127.0.0.1:5001/mcp' });
  const { code } = led(await allow(request));
  for (const [name, more, error, no] of [
    ['no grant type', { grant_type: undefined }, 'invalid_request', '0002'],
    ['another grant type', { grant_type: 'password' }, 'unsupported_grant_type', '0002'],
    ['no code', { code: undefined }, 'invalid_request', '0002'],
    ['another code', { code: 'x' }, 'invalid_grant', '0004'],
    ['no verifier', { code_verifier: undefined }, 'invalid_request', '0002'],
    ['the challenge as verifier', { code_verifier: request.code_challenge }, 'invalid_grant', '0004'],
    ['another client', { client_id: 'x' }, 'invalid_grant', '0002'],
    ['no client', { client_id: undefined }, 'invalid_grant', '0002'],
    ['another way back', { redirect_uri: 'http://127.0.0.1:4567/callback' }, 'invalid_grant', '0002'],
    ['another resource', { resource: 'http://127.0.0.1:5002/mcp' }, 'invalid_target', '0005'],
  ]) {
    const { status, json } = await redeem(request, code, verifier, more);
    assert.deepEqual([status, json.error, json.code], [400, error, `BCK.OAUTH.${no}`], name);
  }
  assert.equal((await redeem(request, code, verifier, { resource: request.resource })).status, 200);

  const late = ask();
  const { code: old } = led(await allow(late.request));
  await anyone.wait(301);
  assert.equal((await redeem(late.request, old, late.verifier)).json.code, 'BCK.OAUTH.0004', 'five minutes are over');
  await anyone.post('/sandbox/clock', { reset: true });
});

test('an app that asks wrongly is told so; one with no safe way back is not followed', async () => {
  const none = await register('Free of charge', []);
  for (const [name, more, error] of [
    ['another flow', { response_type: 'token' }, 'unsupported_response_type'],
    ['no challenge', { code_challenge: undefined }, 'invalid_request'],
    ['half a challenge', { code_challenge: 'abc' }, 'invalid_request'],
    ['a plain challenge', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['no method, which is plain', { code_challenge_method: undefined }, 'invalid_request'],
    ['an unknown scope', { scope: 'openid admin' }, 'invalid_scope'],
    ['an agent without plans', { client_id: none }, 'invalid_request'],
    ["a plan that is not the agent's", { plan_id: await seller.plan() }, 'invalid_request'],
  ]) {
    for (const answer of [await page(ask(more).request), await allow(ask(more).request)]) {
      assert.equal(answer.status, 303, name);
      const { error: actual, state, code } = led(answer);
      assert.deepEqual([actual, state, code], [error, 's t+', undefined], name);
    }
  }
  for (const [name, more, status] of [
    ['nowhere', { redirect_uri: undefined }, 400],
    ['a script', { redirect_uri: 'javascript:alert(1)' }, 400],
    ['a fragment', { redirect_uri: `${BACK}#top` }, 400],
    ['nobody', { client_id: undefined }, 400],
    ['an agent that is none', { client_id: '7' }, 404],
  ]) {
    for (const answer of [await page(ask(more).request), await allow(ask(more).request)]) {
      assert.deepEqual([answer.status, answer.headers.get('location')], [status, null], name);
    }
  }
});

test('a person may say no, and what they typed wrongly allows nothing', async () => {
  const { request } = ask();
  assert.deepEqual(led(await allow(request, { action: 'cancel' })), { x: '1', error: 'access_denied', error_description: 'It was not allowed', state: 's t+' });
  const ada = await anyone.open('Careful');
  for (const [fields, reason] of [
    [{ limit: 'all' }, 'The limit is an amount'],
    [{ limit: '0' }, 'The limit is an amount'],
    [{ days: '0' }, 'number of days'],
    [{ account: `0x${'0'.repeat(40)}` }, 'Pick an account'],
    [{ account: '', name: '' }, 'Pick an account'],
    [{ plan: '7' }, 'not among those on offer'],
  ]) {
    const { status, text, headers } = await allow(request, { name: '', account: ada.address, ...fields });
    assert.deepEqual([status, text.includes(reason), headers.get('location')], [400, true, null], reason);
  }
  assert.equal((await ada.get('/api/v1/delegation')).json.totalResults, 0);
});

test('a client of no agent asks for any plan, by card too', async () => {
  const byCard = await seller.plan(BY_CARD);
  const client_id = 'nvm-mcp-client-1700000000-ab';
  assert.ok((await page(ask({ client_id }).request)).text.includes(byCard));
  const { tokens } = await grant({ client_id, plan_id: byCard, redirect_uri: 'cursor://example.mcp/callback' });
  const { accepted, payload } = decode(tokens.access_token);
  assert.deepEqual([accepted.scheme, accepted.network, accepted.planId, accepted.extra], ['nvm:card-delegation', 'stripe', byCard, {}]);
  assert.equal(payload.token.split('.').length, 3);
});

test('userinfo wants a token that came of a code', async () => {
  const ada = await anyone.open('Ada');
  const bare = await anyone.get('/oauth/userinfo');
  assert.deepEqual([bare.status, bare.headers.get('www-authenticate')], [401, 'Bearer']);
  for (const token of ['x', ada.key, await ada.token(plan)]) {
    const { status, headers } = await whose(token);
    assert.deepEqual([status, headers.get('www-authenticate')], [401, 'Bearer error="invalid_token"']);
  }
});

test('a revoked delegation ends what is refreshed from it', async () => {
  const ada = await anyone.open('Ada');
  const { request, tokens } = await grant({}, { name: '', account: ada.address });
  const [{ delegationId }] = (await ada.get('/api/v1/delegation')).json.delegations;
  await ada.del(`/api/v1/delegation/${delegationId}`);
  const { status, json } = await anyone.form('/oauth/token', { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id: request.client_id });
  assert.deepEqual([status, json.error], [400, 'invalid_grant']);
});

test('the sandbox says where all of it is', async () => {
  for (const name of ['oauth-authorization-server', 'openid-configuration']) {
    const { json } = await anyone.get(`/.well-known/${name}`);
    assert.equal(json.issuer, sandbox.url);
    for (const path of ['authorize', 'token', 'userinfo']) assert.ok(Object.values(json).includes(`${sandbox.url}/oauth/${path}`), path);
    assert.equal(json.jwks_uri, `${sandbox.url}/.well-known/jwks.json`);
    assert.deepEqual(json.code_challenge_methods_supported, ['S256']);
  }
});
