// Tokens of one use, and permissions that are listed and taken back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSandbox } from './start.mjs';
import { client, decode, offer } from './client.mjs';

let sandbox, anyone, seller, ada, plan;
before(async () => {
  sandbox = await startSandbox();
  anyone = client(sandbox.url);
  [seller, ada] = [await anyone.open('Seller'), await anyone.open('Ada')];
  plan = await seller.plan();
  await ada.order(plan);
});
after(() => sandbox?.stop());

const permission = async (more = {}) => {
  const body = { accepted: { ...offer(plan), extra: {} }, delegationConfig: { delegationId: await ada.delegation() }, ...more };
  const { status, json, text } = await ada.post('/api/v1/x402/permissions', body);
  assert.equal(status, 201, text);
  return json;
};
const settle = (token, { url = '/ask', httpVerb, path = 'settle' } = {}) => seller.post(`/api/v1/x402/${path}`, {
  paymentRequired: { x402Version: 2, resource: { url }, accepts: [{ ...offer(plan), extra: { version: '1', ...(httpVerb && { httpVerb }) } }], extensions: {} },
  x402AccessToken: token, maxAmount: '1',
});

test('a single-use token has a nonce and its resource, a reusable one no nonce', async () => {
  const once = decode((await permission({ tokenVersion: 3, resource: { url: '/ask', description: 'Ask' } })).accessToken);
  assert.match(once.payload.authorization.nonce, /^0x[0-9a-f]+$/);
  assert.deepEqual(once.resource, { url: '/ask', description: 'Ask' });
  for (const tokenVersion of [undefined, 2]) {
    assert.equal(decode((await permission({ tokenVersion })).accessToken).payload.authorization.nonce, undefined);
  }
  assert.equal((await ada.post('/api/v1/x402/permissions', { accepted: offer(plan), delegationConfig: { delegationId: await ada.delegation() }, tokenVersion: 4 })).status, 400);
});

test('it is good for its resource and verb only, and for one settle', async () => {
  const accepted = { ...offer(plan), extra: { httpVerb: 'POST' } };
  const { accessToken } = await permission({ tokenVersion: 3, accepted, resource: { url: 'https://shop.example/ask' } });
  for (const path of ['verify', 'settle']) {
    for (const [name, bound] of [
      ['another path', { url: 'https://shop.example/other', httpVerb: 'POST' }],
      ['another origin', { url: 'https://evil.example/ask', httpVerb: 'POST' }],
      ['another verb', { url: 'https://shop.example/ask', httpVerb: 'DELETE' }],
    ]) {
      const { status, json } = await settle(accessToken, { ...bound, path });
      assert.deepEqual([status, json.code], [400, 'BCK.X402.0013'], `${path}: ${name}`);
    }
  }
  const bound = { url: 'https://shop.example/ask?q=1', httpVerb: 'POST' };
  for (let look = 0; look < 2; look++) assert.equal((await settle(accessToken, { ...bound, path: 'verify' })).json.isValid, true);
  assert.equal((await settle(accessToken, bound)).json.success, true);
  for (const path of ['verify', 'settle']) {
    const { status, json } = await settle(accessToken, { ...bound, path });
    assert.deepEqual([status, json.code], [402, 'BCK.X402.0059']);
  }
});

test('one that names an agent names its resource', async () => {
  const { json: agent } = await seller.post('/api/v1/protocol/agents', { metadataAttributes: { name: 'A' }, agentApiAttributes: {}, plans: [plan] });
  const body = { accepted: { ...offer(plan), extra: { agentId: agent.data.agentId } }, delegationConfig: { delegationId: await ada.delegation() }, tokenVersion: 3 };
  const refused = await ada.post('/api/v1/x402/permissions', body);
  assert.deepEqual([refused.status, refused.json.code], [400, 'BCK.X402.0012']);
  assert.equal((await ada.post('/api/v1/x402/permissions', { ...body, resource: { url: '/ask' } })).status, 201);
});

test('the platform may come to mint tokens of one use unasked', async () => {
  await anyone.post('/sandbox/settings', { tokenVersion: 3 });
  try {
    const { accessToken } = await permission();
    assert.ok(decode(accessToken).payload.authorization.nonce);
    assert.equal((await settle(accessToken, { url: '/anything' })).status, 200);
    assert.equal((await settle(accessToken)).json.code, 'BCK.X402.0059');
    assert.equal(decode((await permission({ tokenVersion: 2 })).accessToken).payload.authorization.nonce, undefined, 'who asks for 2 gets 2');
  } finally {
    await anyone.post('/sandbox/settings', { tokenVersion: 2 });
  }
});

test('permissions are listed, newest first, without their tokens, and to their buyer only', async () => {
  const eve = await anyone.open('Eve');
  assert.deepEqual((await eve.get('/api/v1/x402/permissions')).json, { permissions: [], totalResults: 0, page: 1, offset: 10 });
  const { permissionHash, accessToken } = await permission({ tokenVersion: 3, resource: { url: '/ask' } });
  const { json } = await ada.get('/api/v1/x402/permissions?page=1&offset=2');
  assert.deepEqual([json.permissions.length, json.offset, json.permissions[0].permissionHash], [2, 2, permissionHash]);
  const { json: one, text } = await ada.get(`/api/v1/x402/permissions/${permissionHash}`);
  const { status, planId, tokenVersion, scheme, holder } = one;
  assert.deepEqual({ status, planId, tokenVersion, scheme, holder }, { status: 'Active', planId: plan, tokenVersion: 3, scheme: 'nvm:erc4337', holder: ada.address });
  assert.ok(!text.includes(accessToken));
  await settle(accessToken);
  assert.equal((await ada.get(`/api/v1/x402/permissions/${permissionHash}`)).json.status, 'Used');
  for (const method of ['GET', 'DELETE']) {
    const { status, json: refused } = await eve.call(method, `/api/v1/x402/permissions/${permissionHash}`);
    assert.deepEqual([status, refused.code], [404, 'BCK.X402.0015'], method);
    assert.equal((await anyone.call(method, `/api/v1/x402/permissions/${permissionHash}`)).status, 401);
  }
  assert.equal((await ada.get('/api/v1/x402/permissions?planId=7')).json.totalResults, 0);
});

test('a permission that is taken back pays nothing any more, and is taken back once', async () => {
  const { permissionHash, accessToken } = await permission();
  assert.equal((await settle(accessToken)).status, 200);
  assert.deepEqual((await ada.del(`/api/v1/x402/permissions/${permissionHash}`)).json, { success: true, permissionHash });
  for (const path of ['verify', 'settle']) {
    const { status, json } = await settle(accessToken, { path });
    assert.deepEqual([status, json.code], [402, 'BCK.X402.0005']);
  }
  const again = await ada.del(`/api/v1/x402/permissions/${permissionHash}`);
  assert.deepEqual([again.status, again.json.code], [400, 'BCK.X402.0016']);
  assert.equal((await ada.get(`/api/v1/x402/permissions/${permissionHash}`)).json.status, 'Revoked');
});
