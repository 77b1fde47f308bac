// Organizations: who is in them, what happened there, and the charges that only they may make.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSandbox } from './start.mjs';
import { client, planBody } from './client.mjs';

let sandbox, anyone, admin, org;
before(async () => {
  sandbox = await startSandbox();
  anyone = client(sandbox.url);
  org = (await anyone.post('/sandbox/organizations', { name: 'Guild' })).json;
  admin = client(sandbox.url, org);
});
after(() => sandbox?.stop());

const refused = ({ status, json }, expected, code) => assert.deepEqual([status, json?.code], [expected, code]);
const as = ({ hash, userWallet }) => client(sandbox.url, { nvmApiKey: hash, accountAddress: userWallet });

test('who belongs to what', async () => {
  const { json } = await admin.get('/api/v1/organizations/my-memberships');
  assert.deepEqual(json, [{ orgId: org.orgId, orgName: 'Guild', role: 'Admin', orgType: 'Premium', isAdmin: true, hasSubscriptionHistory: true }]);
  const nobody = await anyone.open('Nobody');
  assert.deepEqual((await nobody.get('/api/v1/organizations/my-memberships')).json, []);
  refused(await nobody.post('/api/v1/organizations/members', {}), 403, 'BCK.AUTH.0006');
});

test('a member is enrolled once, gets a key that works, and runs nothing', async () => {
  const enrol = (body) => admin.post('/api/v1/organizations/account', body);
  const { walletResult } = (await enrol({ uniqueExternalId: 'u-1', email: 'ada@a.example', role: 'Member' })).json;
  assert.deepEqual([walletResult.alreadyMember, walletResult.hash], [false, walletResult.nvmApiKey]);
  const member = as(walletResult);
  assert.equal((await member.get('/api/v1/organizations/my-memberships')).json[0].role, 'Member');
  const again = (await enrol({ uniqueExternalId: 'u-1' })).json.walletResult;
  assert.deepEqual([again.alreadyMember, again.userWallet], [true, walletResult.userWallet]);
  refused(await member.post('/api/v1/organizations/account', { uniqueExternalId: 'u-2' }), 403, 'BCK.AUTH.0007');
  refused(await enrol({ uniqueExternalId: 'u-3', email: 'ADA@a.example' }), 409, 'BCK.COMMON.0027');
  assert.equal((await enrol({})).status, 400);
  assert.equal((await enrol({ uniqueExternalId: 'u-4', role: 'King' })).status, 400);

  const list = async (body) => (await admin.post('/api/v1/organizations/members', body)).json;
  assert.deepEqual((await list({ page: 1, offset: 100 })).members.map(({ role, isActive }) => [role, isActive]), [['Admin', true], ['Member', true]]);
  assert.deepEqual([(await list({ role: 'Member' })).totalResults, (await list({ page: 2, offset: 1 })).members.length], [1, 1]);
  await anyone.call('PATCH', `/sandbox/organizations/${org.orgId}/members/${member.address}`, { isActive: false });
  assert.equal((await list({ isActive: false })).members[0].userAddress, member.address);
  assert.deepEqual((await member.get('/api/v1/organizations/my-memberships')).json, []);
});

test('a customer is taken on, or asked first', async () => {
  const onboard = (email) => admin.post('/api/v1/organizations/account', { email, as: 'customer' });
  const fresh = await onboard('bob@b.example');
  assert.equal(fresh.status, 201);
  const { isCustomer, customerRecorded, hash } = fresh.json.walletResult;
  assert.deepEqual([isCustomer, customerRecorded], [true, true]);
  assert.equal((await as(fresh.json.walletResult).get('/api/v1/delegation')).status, 200);
  const back = (await onboard('bob@b.example')).json.walletResult;
  assert.deepEqual([back.customerRecorded, back.userWallet === fresh.json.walletResult.userWallet, back.hash !== hash], [false, true, true]);

  const { json: eve } = await anyone.post('/sandbox/accounts', { name: 'Eve', email: 'eve@e.example' });
  const pending = await onboard('eve@e.example');
  assert.deepEqual([pending.status, pending.json], [202, { walletResult: { consentRequired: true } }], 'and nothing is told of her');
  await anyone.post(`/sandbox/organizations/${org.orgId}/customers/${eve.accountAddress}`);
  assert.equal((await onboard('eve@e.example')).json.walletResult.userWallet, eve.accountAddress);
});

test('what happened is told to members, in pages, by kind, and while it is paid for', async () => {
  const seller = await anyone.open('Seller');
  await anyone.call('PATCH', `/sandbox/organizations/${org.orgId}/members/${seller.address}`, {});
  const { planId } = (await seller.post('/api/v1/protocol/plans', planBody(seller.address))).json;
  await seller.order(planId);
  const feed = async (query = '', who = seller) => who.get(`/api/v1/organizations/${org.orgId}/activity${query}`);
  const { items, total } = (await feed()).json;
  assert.equal(total, items.length);
  assert.deepEqual(items.slice(0, 3).map(({ eventType }) => eventType), ['plan.purchased', 'plan.created', 'member.joined']);
  assert.deepEqual([items[1].subject.kind, items[1].subject.id, items[1].actorUserId], ['plan', planId, seller.address.toLowerCase()]);
  assert.deepEqual((await feed('?eventType=plan.created,agent.created')).json.items.map(({ eventType }) => eventType), ['plan.created']);
  assert.equal((await feed('?eventType=plan')).json.total, 0);
  assert.equal((await feed('?page=2&limit=1')).json.items[0].id, items[1].id);
  assert.equal((await feed(`?actorUserId=${seller.address}`)).json.total, 1);
  assert.equal((await feed('?from=2099-01-01T00:00:00Z')).json.total, 0);
  assert.equal((await feed('?from=soon')).status, 400);
  refused(await feed('', await anyone.open('Stranger')), 403, 'BCK.ORGANIZATIONS.0009');
  await anyone.call('PATCH', `/sandbox/organizations/${org.orgId}`, { type: 'Lapsed' });
  assert.equal((await feed()).status, 403);
  await anyone.call('PATCH', `/sandbox/organizations/${org.orgId}`, { type: 'Premium' });
});

test('an account is connected with Stripe', async () => {
  const connect = (body) => admin.post('/api/v1/fiat/stripe/account', body);
  const { status, json } = await connect({ userEmail: 'a@a.example', userCountryCode: 'es', returnUrl: 'http://a.example/back' });
  assert.equal(status, 201);
  assert.deepEqual([json.stripeAccountLink, json.userCountryCode], ['http://a.example/back', 'ES']);
  assert.ok(json.stripeAccountId.startsWith('acct_') && json.linkExpiresAt > json.linkCreatedAt);
  for (const bad of [{}, { userEmail: 'a', userCountryCode: 'Spain', returnUrl: 'http://a.example' }, { userEmail: 'a', userCountryCode: 'ES', returnUrl: 'javascript:1' }]) {
    refused(await connect(bad), 400, 'BCK.STRIPE.0007');
  }
});

const order = (body, who = admin) => who.post('/api/v1/orders', { amountMinor: 3437, currency: 'usd', ...body });
const act = (id, body) => anyone.post(`/sandbox/orders/${id}`, body);

test('an order is made with the organization\'s own key, read by whoever knows it, and paid once', async () => {
  const { status, json } = await order({ description: 'Cart', buyerRef: 'b', metadata: { Some_Key: 1 } });
  assert.equal(status, 201);
  assert.equal(json.status, 'requires_payment');
  const read = (await anyone.get(`/api/v1/orders/${json.orderId}`)).json;
  assert.deepEqual([read.amountMinor, read.currency, read.description, read.clientSecret], [3437, 'usd', 'Cart', json.clientSecret]);
  assert.ok(!('orgId' in read) && read.amountRefundedMinor === 0);
  const paid = (await act(json.orderId, { action: 'pay' })).json;
  assert.deepEqual([paid.status, paid.clientSecret], ['paid', undefined]);
  assert.equal((await act(json.orderId, { action: 'pay' })).status, 409);
  assert.equal((await act(json.orderId, { action: 'refund', amountMinor: 437 })).json.status, 'partially_refunded');
  refused(await act(json.orderId, { action: 'refund', amountMinor: 3001 }), 400, 'BCK.ORDER.0001');
  assert.deepEqual([(await act(json.orderId, { action: 'refund' })).json.amountRefundedMinor], [3437]);
  refused(await anyone.get('/api/v1/orders/nothing'), 404, 'BCK.ORDER.0002');
});

test('the same order twice is one, and a key is good for one amount', async () => {
  const [one, two] = await Promise.all([order({ idempotencyKey: 'k' }), order({ idempotencyKey: 'k', description: 'ignored' })]);
  assert.equal(one.json.orderId, two.json.orderId);
  refused(await order({ idempotencyKey: 'k', amountMinor: 3438 }), 409, 'BCK.ORDER.0007');
});

test('what is no order', async () => {
  const person = await anyone.open('Person');
  refused(await order({}, person), 403, 'BCK.ORDER.0003');
  const { json } = await anyone.post(`/sandbox/accounts/${org.accountAddress}/keys`, {});
  const personal = client(sandbox.url, { ...json });
  const headed = await personal.call('POST', '/api/v1/orders', { amountMinor: 100, currency: 'usd' }, { 'x-current-org-id': org.orgId });
  refused(headed, 403, 'BCK.ORDER.0003');
  for (const bad of [{ amountMinor: 99 }, { currency: 'eur' }, { captureMode: 'manual' }, { buyerRef: 'x'.repeat(256) }]) refused(await order(bad), 400, 'BCK.ORDER.0001');
});

test('an order that nobody pays is over after a day', async () => {
  const { orderId } = (await order({})).json;
  await anyone.wait(86_401);
  const { status, clientSecret } = (await anyone.get(`/api/v1/orders/${orderId}`)).json;
  assert.deepEqual([status, clientSecret], ['failed', undefined]);
  assert.equal((await act(orderId, { action: 'pay' })).status, 409);
});
