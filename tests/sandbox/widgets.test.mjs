// Widget sessions of an organization's own site: an init token that its server signs, and what the session may do.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { startSandbox } from './start.mjs';
import { client, encode, led } from './client.mjs';

const SITE = 'https://shop.example';
let sandbox, anyone, org, key;
before(async () => {
  sandbox = await startSandbox();
  anyone = client(sandbox.url);
  org = (await anyone.post('/sandbox/organizations', { name: 'Shop' })).json;
  key = (await issue({ name: 'Production', allowedOrigins: [SITE, 'http://localhost:5173'] })).json;
});
after(() => sandbox?.stop());

const issue = (body, id = org.orgId) => anyone.post(`/sandbox/organizations/${id}/widget-keys`, body);
const soon = () => Math.floor(Date.now() / 1000) + 300;
function sign(claims, secret = key.secretKey, header = { alg: 'HS256', typ: 'JWT' }) {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}
const initToken = (more = {}) => sign({ sub: 'visitor-1', orgId: org.orgId, exp: soon(), ...more });
const open = (body) => anyone.post('/api/v1/widgets/session', { parentOrigin: SITE, ...body });
const validate = (token, url) => anyone.call('GET', '/api/v1/widgets/session/validate', undefined, {
  authorization: `Bearer ${token}`, ...(url && { 'x-nvm-widget-return-url': url }),
});

test('a visitor of the site gets a session, and always the same account', async () => {
  const first = await open({ initToken: initToken() });
  assert.equal(first.status, 201, first.text);
  assert.match(first.json.sessionToken, /^wst_/);
  assert.ok(Math.abs(Date.parse(first.json.expiresAt) - Date.now() - 2 * 3_600_000) < 600_000);
  const again = await anyone.call('POST', '/api/v1/widgets/session', { parentOrigin: 'http://localhost:5173' }, { authorization: `Bearer ${initToken()}` });
  assert.deepEqual([again.status, again.json.userWallet], [201, first.json.userWallet]);
  assert.notEqual(again.json.sessionToken, first.json.sessionToken);
  assert.notEqual((await open({ initToken: initToken({ sub: 'visitor-2' }) })).json.userWallet, first.json.userWallet);

  const elsewhere = (await anyone.post('/sandbox/organizations', { name: 'Other shop' })).json;
  const other = (await issue({ allowedOrigins: [SITE] }, elsewhere.orgId)).json;
  const same = await open({ initToken: sign({ sub: 'visitor-1', orgId: elsewhere.orgId, exp: soon() }, other.secretKey) });
  assert.notEqual(same.json.userWallet, first.json.userWallet, "another organization's visitor is another");
});

test('the session pays by card on the site, and nowhere else', async () => {
  const { json: { sessionToken, userWallet } } = await open({ initToken: initToken({ sub: 'payer' }) });
  assert.deepEqual([(await validate(sessionToken, `${SITE}/account`)).json.userWallet, (await validate(sessionToken, `${SITE}/account`)).json.isReturnUrlAllowed], [userWallet, true]);
  assert.equal((await validate(sessionToken, 'https://evil.example/')).json.code, 'BCK.WIDGET_SESSION.0012');
  const fields = { sessionToken, state: 'ab', number: '4242424242424242', expiry: '12/34', limit: '20', action: 'go' };
  assert.equal((await anyone.form('/cards/setup', { ...fields, returnUrl: 'https://evil.example/' })).status, 403);
  const { paymentMethodId, delegationId, state } = led(await anyone.form('/cards/setup', { ...fields, returnUrl: `${SITE}/account` }));
  assert.ok(paymentMethodId && delegationId && state === 'ab');
  const more = await anyone.call('POST', '/api/v1/delegation/create', { provider: 'erc4337', spendingLimitCents: 100, durationSecs: 60, currency: 'usdc' }, { authorization: `Bearer ${sessionToken}` });
  assert.equal(more.status, 201);
});

test('what is no init token of the organization opens nothing', async () => {
  const idle = (await anyone.post('/sandbox/organizations', { name: 'No keys' })).json;
  for (const [name, token, no, origin = SITE] of [
    ['nothing', undefined, '0001'],
    ['garbage', 'a.b.c', '0001'],
    ['another secret', sign({ sub: 'v', orgId: org.orgId, exp: soon() }, 'wsk_other'), '0001'],
    ['another algorithm', sign({ sub: 'v', orgId: org.orgId, exp: soon() }, key.secretKey, { alg: 'none' }), '0001'],
    ['claims that were changed', initToken().replace(/\.[^.]+\./, `.${encode({ sub: 'boss', orgId: org.orgId, exp: soon() })}.`), '0001'],
    ['an hour late', initToken({ exp: soon() - 3600 }), '0001'],
    ['nobody', initToken({ sub: undefined }), '0007'],
    ['of no organization', initToken({ orgId: undefined }), '0007'],
    ['for ever', initToken({ exp: undefined }), '0007'],
    ['of an organization without keys', initToken({ orgId: idle.orgId }), '0002'],
    ['from another site', initToken(), '0012', 'https://evil.example'],
    ['from the same site without TLS', initToken(), '0012', 'http://shop.example'],
    ['from no site', initToken(), '0012', undefined],
  ]) {
    const { status, json } = await anyone.post('/api/v1/widgets/session', { initToken: token, ...(name !== 'from no site' && { parentOrigin: origin }) });
    assert.deepEqual([status, json.code], [no === '0012' ? 403 : 401, `BCK.WIDGET_SESSION.${no}`], name);
  }
});

test('a key that is revoked ends its sessions, and signs no more', async () => {
  const spare = (await issue({ allowedOrigins: [SITE] })).json;
  const token = () => sign({ sub: 'v', orgId: org.orgId, exp: soon() }, spare.secretKey);
  const { json: { sessionToken } } = await open({ initToken: token() });
  assert.equal((await validate(sessionToken)).status, 200);
  assert.equal((await anyone.del(`/sandbox/organizations/${org.orgId}/widget-keys/${spare.widgetKeyId}`)).status, 204);
  assert.equal((await validate(sessionToken)).json.code, 'BCK.WIDGET_SESSION.0011');
  assert.equal((await open({ initToken: token() })).json.code, 'BCK.WIDGET_SESSION.0001');
  assert.equal((await validate('wst_none')).json.code, 'BCK.WIDGET_SESSION.0005');
  assert.equal((await anyone.del(`/sandbox/organizations/${org.orgId}/widget-keys/none`)).status, 404);
});

test('a key names the origins of its sites, and at least one', async () => {
  for (const allowedOrigins of [undefined, [], 'https://a.example', ['https://a.example/'], ['https://a.example/shop'], ['*'], [7]]) {
    assert.equal((await issue({ allowedOrigins })).status, 400, JSON.stringify(allowedOrigins));
  }
  assert.equal((await issue({ allowedOrigins: [SITE] }, 'org-none')).status, 404);
});
