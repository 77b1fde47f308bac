// Properties of every response of the sandbox.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSandbox } from './start.mjs';
import { client, planBody } from './client.mjs';

let sandbox, anyone, account;
before(async () => {
  sandbox = await startSandbox();
  anyone = client(sandbox.url);
  account = await anyone.open('Ada');
});
after(() => sandbox?.stop());

test('a preflight is answered for any path, with what the contract lists', async () => {
  for (const path of ['/', '/api/v1/x402/settle', '/nowhere', '/login']) {
    const { status, headers, text } = await anyone.call('OPTIONS', path, undefined, {
      origin: 'http://page.example', 'access-control-request-method': 'PUT', 'access-control-request-headers': 'authorization',
    });
    assert.equal(status, 204);
    assert.equal(text, '');
    assert.equal(headers.get('access-control-allow-origin'), '*');
    const allowed = headers.get('access-control-allow-headers').split(', ');
    for (const name of ['authorization', 'content-type', 'nevermined-version', 'x-current-org-id', 'x-correlation-id']) {
      assert.ok(allowed.includes(name), name);
    }
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      assert.ok(headers.get('access-control-allow-methods').split(', ').includes(method), method);
    }
    assert.ok(Number(headers.get('access-control-max-age')) > 0);
  }
});

test('every answer can be read across origins, refusals too', async () => {
  for (const [method, path] of [['GET', '/'], ['GET', '/nowhere'], ['GET', '/api/v1/protocol/plans'], ['GET', '/login']]) {
    const { headers } = await anyone.call(method, path);
    assert.equal(headers.get('access-control-allow-origin'), '*', path);
    const exposed = headers.get('access-control-expose-headers');
    for (const name of ['x-correlation-id', 'payment-required', 'payment-response']) assert.ok(exposed.includes(name), name);
    assert.equal(headers.get('cache-control'), 'no-store');
  }
});

test('a correlation id comes back, and is made where there is none or it is no good', async () => {
  const sent = await anyone.call('GET', '/nowhere', undefined, { 'x-correlation-id': 'my-id-1' });
  assert.equal(sent.headers.get('x-correlation-id'), 'my-id-1');
  assert.equal(sent.json.correlationId, 'my-id-1');
  for (const id of [undefined, 'x'.repeat(129), 'with space']) {
    const { headers } = await anyone.call('GET', '/', undefined, id && { 'x-correlation-id': id });
    assert.match(headers.get('x-correlation-id'), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

test('an unknown route is a 404 in the envelope', async () => {
  for (const [method, path] of [['GET', '/nowhere'], ['PATCH', '/'], ['GET', '/api/v2/protocol/plans'], ['DELETE', '/api/v1/protocol/plans']]) {
    const { status, json } = await anyone.call(method, path);
    assert.equal(status, 404);
    assert.equal(json.code, 'SANDBOX.NOT_FOUND');
    for (const name of ['message', 'category', 'retryable', 'correlationId', 'httpStatus']) assert.ok(name in json, name);
  }
});

test('a doubled slash and HEAD do not matter', async () => {
  assert.equal((await account.get('//api/v1/protocol/plans')).status, 200);
  const head = await anyone.call('HEAD', '/');
  assert.deepEqual([head.status, head.text], [200, '']);
});

test('what needs a key refuses without a good one', async () => {
  const payload = (claims) => Buffer.from(JSON.stringify(claims)).toString('base64url');
  const expired = `local:e30.${payload({ sub: account.address, exp: 1000 })}.x`;
  for (const key of ['', 'x', 'local:abc', 'local:a.b.c', expired, `local:e30.${payload({ sub: 'ada' })}.x`]) {
    for (const [method, path] of [['GET', '/api/v1/protocol/plans'], ['POST', '/api/v1/x402/permissions'], ['GET', '/api/v1/delegation']]) {
      const { status, json } = await anyone.call(method, path, undefined, { authorization: `Bearer ${key}` });
      assert.deepEqual([status, json.code], [401, 'BCK.AUTH.0002'], `${key} ${path}`);
    }
  }
  const stranger = `sandbox-staging:e30.${payload({ sub: '0x' + 'AB'.repeat(20) })}.whatever`;
  const { status } = await anyone.call('GET', '/api/v1/protocol/plans', undefined, { authorization: `Bearer ${stranger}` });
  assert.equal(status, 200, 'any key that names an account will do');
});

test('nonsense is refused with a 4xx that says why, and nothing breaks', async () => {
  const good = planBody(account.address);
  const plan = await account.plan();
  const cases = [
    ['not JSON', '/api/v1/protocol/plans', '{'],
    ['an array', '/api/v1/protocol/plans', '[]'],
    ['a string', '/api/v1/protocol/plans', '"x"'],
    ['nothing', '/api/v1/protocol/plans', undefined],
    ['deep nesting', '/api/v1/protocol/plans', '['.repeat(50_000)],
    ['too much', '/api/v1/protocol/plans', `{"a":"${'x'.repeat(300_000)}"}`],
    ['no name', '/api/v1/protocol/plans', { ...good, metadataAttributes: {} }],
    ['a price of text', '/api/v1/protocol/plans', planBody(account.address, { price: { amounts: ['ten'] } })],
    ['a price that is no list', '/api/v1/protocol/plans', planBody(account.address, { price: { amounts: '1' } })],
    ['credits upside down', '/api/v1/protocol/plans', planBody(account.address, { credits: { minAmount: 9, maxAmount: 1 } })],
    ['credits beyond a uint256', '/api/v1/protocol/plans', planBody(account.address, { credits: { amount: '9'.repeat(78) } })],
    ['an access limit of its own', '/api/v1/protocol/plans', { ...good, accessLimit: 'sometimes' }],
    ['an agent without attributes', '/api/v1/protocol/agents', {}],
    ['an agent on no such plan', '/api/v1/protocol/agents', { metadataAttributes: { name: 'a' }, agentApiAttributes: {}, plans: ['9'] }],
    ['an order of a name', '/api/v1/protocol/plans/did:nv:1/order', undefined],
    ['an order of no plan', '/api/v1/protocol/plans/9/order', undefined],
    ['a delegation without currency', '/api/v1/delegation/create', { provider: 'erc4337', spendingLimitCents: 1, durationSecs: 1 }],
    ['a delegation of floats', '/api/v1/delegation/create', { provider: 'erc4337', spendingLimitCents: 1.5, durationSecs: 1, currency: 'usd' }],
    ['a delegation by pigeon', '/api/v1/delegation/create', { provider: 'pigeon', spendingLimitCents: 1, durationSecs: 1, currency: 'usd' }],
    ['a token for nothing', '/api/v1/x402/permissions', {}],
    ['a token without delegation', '/api/v1/x402/permissions', { accepted: { planId: plan } }],
    ['a token of another scheme', '/api/v1/x402/permissions', { accepted: { planId: plan, scheme: 'exact' }, delegationConfig: { delegationId: 'x' } }],
    ['a verify of nothing', '/api/v1/x402/verify', {}],
    ['a settle of nothing', '/api/v1/x402/settle', {}],
    ['a settle of numbers', '/api/v1/x402/settle', { x402AccessToken: 7, paymentRequired: 8 }],
    ['minting to nobody', '/api/v1/protocol/plans/mint', { planId: plan, amount: 1, creditsReceiver: 'bob' }],
    ['minting less than nothing', '/api/v1/protocol/plans/mint', { planId: plan, amount: -1, creditsReceiver: account.address }],
  ];
  for (const [name, path, body] of cases) {
    const { status, json } = await account.post(path, body);
    assert.ok(status >= 400 && status < 500, `${name}: ${status} ${JSON.stringify(json)}`);
    assert.ok(json.code && json.message, name);
  }
  assert.equal((await anyone.get('/')).status, 200);
});

test('pages of a list', async () => {
  const seller = await anyone.open('Seller');
  for (let index = 0; index < 5; index++) await seller.plan();
  for (const [query, page, size, length] of [['', 1, 10, 5], ['?page=2&offset=2', 2, 2, 2], ['?page=3&pageSize=2', 3, 2, 1], ['?page=9', 9, 10, 0]]) {
    const { json } = await seller.get(`/api/v1/protocol/plans${query}`);
    assert.deepEqual([json.total, json.page, json.offset, json.plans.length], [5, page, size, length], query);
  }
});

test('an organization sees what was published into it', async () => {
  const [seller, other] = [await anyone.open('Seller'), await anyone.open('Other')];
  const { orgId } = (await anyone.post('/sandbox/organizations', { name: 'Guild', admin: seller.address })).json;
  const { json } = await seller.call('POST', '/api/v1/protocol/plans', planBody(seller.address), { 'x-current-org-id': orgId });
  assert.equal((await anyone.get(`/api/v1/protocol/plans/${json.planId}`)).json.orgId, orgId);
  await anyone.call('PATCH', `/sandbox/organizations/${orgId}/members/${other.address}`, { role: 'Member' });
  assert.equal((await other.get(`/api/v1/protocol/plans?orgId=${orgId}`)).json.total, 1);
  const refused = await account.get(`/api/v1/protocol/plans?orgId=${orgId}`);
  assert.deepEqual([refused.status, refused.json.code], [403, 'BCK.ORGANIZATIONS.0009']);
  const into = (org) => account.call('POST', '/api/v1/protocol/plans', planBody(account.address), { 'x-current-org-id': org });
  assert.equal((await into(orgId)).json.code, 'BCK.ORGANIZATIONS.0009', 'nobody publishes into an organization of others');
  assert.equal((await into('org-0')).json.code, 'BCK.ORGANIZATIONS.0011');
});

test('the log of calls counts what tests want counted', async () => {
  await anyone.call('DELETE', '/sandbox/calls');
  await anyone.get('/');
  await anyone.get('/nowhere');
  await anyone.call('OPTIONS', '/');
  await anyone.get('/sandbox/calls');
  const { json } = await anyone.get('/sandbox/calls');
  assert.deepEqual(json.map(({ method, path, status }) => [method, path, status]), [['GET', '/', 200], ['GET', '/nowhere', 404]]);
  assert.ok(json.every(({ at }) => !Number.isNaN(Date.parse(at))));
});

test('legal documents can be read and agreed to', async () => {
  const { json } = await anyone.get('/api/v1/legal-documents/manifest');
  assert.equal(json.documents.terms.current, '1.0.0');
  const body = { consents: [{ documentType: 'terms', version: '1.0.0' }] };
  const { status, json: consent } = await account.post('/api/v1/legal-documents/me/consents', body);
  assert.deepEqual([status, consent.recorded], [201, 1]);
});
