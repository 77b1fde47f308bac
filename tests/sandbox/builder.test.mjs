// Sellers' calls beside payments: describe, list, grant and take back credits, limit endpoints, charge a margin on the
// cost of a request.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSandbox } from './start.mjs';
import { client, offer, planBody } from './client.mjs';

let sandbox, seller, ada;
before(async () => {
  sandbox = await startSandbox();
  seller = await client(sandbox.url).open('Seller');
  ada = await client(sandbox.url).open('Ada');
});
after(() => sandbox?.stop());

const refused = ({ status, json }, expected, code) => assert.deepEqual([status, json?.code], [expected, code]);
const agentOf = async (plans, endpoints, more = {}) => {
  const body = { metadataAttributes: { name: 'Oracle' }, agentApiAttributes: { endpoints, ...more }, plans };
  return (await seller.post('/api/v1/protocol/agents', body)).json.data.agentId;
};

test('a plan is described anew by its owner, and what it sells stays', async () => {
  const plan = await seller.plan();
  const change = { metadataAttributes: { name: 'Other', isTrialPlan: true }, priceConfig: { amounts: ['1'] } };
  refused(await ada.call('PUT', `/api/v1/protocol/plans/${plan}`, change), 401, 'BCK.PROTOCOL.0017');
  assert.equal((await seller.call('PUT', `/api/v1/protocol/plans/${plan}`, change)).json.success, true);
  const { json } = await ada.get(`/api/v1/protocol/plans/${plan}`);
  assert.equal(json.metadata.main.name, 'Other');
  assert.deepEqual(json.registry.price.amounts, ['10000000']);
  assert.equal(json.metadata.plan.isTrialPlan, false);
});

test('listing is switched, and switching it to what it is says so', async () => {
  const plan = await seller.plan();
  const agent = await agentOf([plan]);
  for (const [kind, id, code] of [['plans', plan, 'BCK.PROTOCOL.0019'], ['agents', agent, 'BCK.PROTOCOL.0018']]) {
    const path = `/api/v1/protocol/${kind}/${id}`;
    const same = await seller.call('PUT', `${path}/list/true`);
    assert.deepEqual([same.status, same.json.code], [200, code]);
    assert.equal((await seller.call('PUT', `${path}/list/false`)).json.code, undefined);
    assert.equal((await ada.get(path)).json.isListed, false);
    assert.equal((await ada.call('PUT', `${path}/list/true`)).status, 401);
    assert.equal((await seller.call('PUT', `${path}/list/maybe`)).status, 400);
  }
});

test('credits are minted above nothing, burned by their holder, and never more than there are', async () => {
  const plan = await seller.plan();
  const mint = (amount) => seller.post('/api/v1/protocol/plans/mint', { planId: plan, amount, creditsReceiver: ada.address });
  refused(await mint(0), 400, 'BCK.CREDITS.0001');
  assert.equal((await mint('10')).json.success, true);
  const burn = (creditsAmount, who = ada) => who.post('/api/v1/protocol/plans/burn', { planId: plan, creditsAmount });
  refused(await burn('0'), 400, 'BCK.CREDITS.0002');
  refused(await burn('11'), 402, 'BCK.CREDITS.0003');
  refused(await burn('1', seller), 402, 'BCK.CREDITS.0003');
  refused(await burn('-1'), 400, 'BCK.COMMON.0026');
  const burned = await burn(4);
  assert.equal(burned.json.success, true);
  assert.match(burned.json.txHash, /^0x[0-9a-f]{64}$/);
  assert.equal(await ada.balance(plan), '6');
});

test('credits are redeemed by whom the plan allows, within its bounds', async () => {
  const redeem = (plan, who, amount = '2', more = {}) =>
    who.post('/api/v1/protocol/plans/redeem', { agentRequestId: 'r', planId: plan, redeemFrom: ada.address, amount, ...more });
  const owners = await seller.plan({ credits: { redemptionType: 1 } });
  await ada.order(owners);
  refused(await redeem(owners, ada), 403, 'BCK.AUTH.0003');
  assert.equal((await redeem(owners, seller)).json.data.remainingBalance, '98');
  assert.equal((await redeem(owners, seller, '9')).json.data.creditsRedeemed, '5', 'no more than the plan has for a request');
  refused(await redeem(owners, seller, '2', { redeemFrom: seller.address }), 403, 'BCK.PROTOCOL.0011');

  const subscribers = await seller.plan();
  await ada.order(subscribers);
  refused(await redeem(subscribers, seller), 403, 'BCK.AUTH.0003');
  assert.equal((await redeem(subscribers, ada)).json.success, true);
  const { agentRequestId } = (await seller.verify(subscribers, await ada.token(subscribers), '2')).json;
  assert.equal((await redeem(subscribers, seller, '2', { agentRequestId })).json.data.remainingBalance, '96', 'a request of hers was verified');
  const elsewhere = (await seller.verify(owners, await ada.token(owners), '2')).json.agentRequestId;
  refused(await redeem(subscribers, seller, '2', { agentRequestId: elsewhere }), 403, 'BCK.AUTH.0003');

  const nobodys = await seller.plan({ credits: { redemptionType: 0 } });
  await ada.order(nobodys);
  refused(await redeem(nobodys, seller), 403, 'BCK.AUTH.0003');
  const strange = await seller.post('/api/v1/protocol/plans', planBody(seller.address, { credits: { redemptionType: 3 } }));
  refused(strange, 403, 'BCK.PROTOCOL.0010');
});

test('a token that names its resource is good at the endpoints of its agent', async () => {
  const plan = await seller.plan();
  await ada.order(plan);
  const endpoints = [{ POST: 'https://a.example/agents/:id/tasks' }, { GET: 'https://a.example/files/(.*)' }, { verb: 'POST', url: 'https://a.example/lost' }];
  const agent = await agentOf([plan], endpoints, { openEndpoints: ['https://a.example/health'] });
  const verify = async (url, httpVerb, tokenVersion = 2) => {
    const token = await ada.token(plan, { extra: { agentId: agent, ...(httpVerb && { httpVerb }) }, ...(url && { resource: { url } }), tokenVersion });
    const accepts = [{ ...offer(plan), extra: { version: '1', agentId: agent, ...(httpVerb && { httpVerb }) } }];
    return seller.post('/api/v1/x402/verify', { paymentRequired: { x402Version: 2, resource: { url }, accepts, extensions: {} }, x402AccessToken: token });
  };
  for (const [url, verb, matching] of [
    ['https://a.example/agents/7/tasks', 'POST', 'https://a.example/agents/:id/tasks'],
    ['https://a.example/agents/7/tasks?x=1', 'POST', 'https://a.example/agents/:id/tasks'],
    ['/agents/7/tasks', 'POST', 'https://a.example/agents/:id/tasks'],
    ['https://a.example/files/a/b.csv', 'GET', 'https://a.example/files/(.*)'],
    ['https://a.example/files/a', undefined, 'https://a.example/files/(.*)'],
    ['https://a.example/health', 'GET', 'https://a.example/health'],
  ]) {
    const { status, json } = await verify(url, verb);
    assert.deepEqual([status, json.isValid, json.urlMatching, json.agentRequest?.urlMatching], [200, true, matching, matching], `${verb} ${url}`);
  }
  for (const [url, verb] of [
    ['https://a.example/agents/7/tasks', 'GET'], ['https://a.example/agents/7/8/tasks', 'POST'], ['https://b.example/agents/7/tasks', 'POST'],
    ['https://a.example/lost', 'POST'], ['https://aXexample/files/a', 'GET'], ['/', 'POST'],
  ]) {
    refused(await verify(url, verb), 403, 'BCK.PROTOCOL.0031');
  }
  assert.equal((await verify(undefined, 'POST')).json.isValid, true, 'a token that names no resource is good for all');
  refused(await verify('https://a.example/other', 'POST', 3), 403, 'BCK.PROTOCOL.0031');
});

test('an agent that leaves the plan takes its tokens with it', async () => {
  const plan = await seller.plan();
  await ada.order(plan);
  const agent = await agentOf([plan]);
  const token = await ada.token(plan, { extra: { agentId: agent } });
  assert.equal((await seller.verify(plan, token, '1')).json.isValid, true);
  await seller.del(`/api/v1/protocol/agents/${agent}/plan/${plan}`);
  refused(await seller.verify(plan, token, '1'), 400, 'BCK.X402.0003');
  refused(await seller.settle(plan, token, '1'), 400, 'BCK.X402.0003');
});

const settle = (plan, token, more) => seller.post('/api/v1/x402/settle', {
  paymentRequired: { x402Version: 2, resource: { url: '/ask' }, accepts: [{ ...offer(plan), extra: {} }], extensions: {} }, x402AccessToken: token, ...more,
});
const track = (agentRequestId, creditsToRedeem, more = {}, who = seller) =>
  who.post('/api/v1/protocol/agent-sub-tasks', { agentRequestId, creditsToRedeem, tag: null, description: null, status: null, ...more });

test('a settle by margin takes what was tracked, once, with the margin on top', async () => {
  const plan = await seller.plan({ credits: { maxAmount: '50' } });
  await ada.order(plan);
  const token = await ada.token(plan);
  const begin = async () => (await seller.verify(plan, token, '1')).json.agentRequestId;
  const id = await begin();
  refused(await settle(plan, token, { agentRequestId: id, marginPercent: 0.2 }), 404, 'BCK.PROTOCOL.0044');
  assert.equal((await track(id, 3)).json.success, true);
  assert.equal((await track(id, '4', { tag: 'search', status: 'SUCCESS' })).json.success, true);
  const first = await settle(plan, token, { agentRequestId: id, marginPercent: 0.2 });
  assert.equal(first.json.creditsRedeemed, '9', '7 and a fifth, a part being a whole');
  refused(await settle(plan, token, { agentRequestId: id, marginPercent: 0.2 }), 404, 'BCK.PROTOCOL.0044');
  assert.equal(await ada.balance(plan), '91');

  const ids = [await begin(), await begin()];
  for (const one of ids) await track(one, 10);
  const batch = await settle(plan, token, { agentRequestId: ids[0], marginPercent: 0, batch: true });
  assert.equal(batch.json.creditsRedeemed, '20', 'a batch is all that is open');
});

test('what a margin may not go with', async () => {
  const plan = await seller.plan();
  const fixed = await seller.plan({ credits: { isRedemptionAmountFixed: true, minAmount: '1', maxAmount: '1' } });
  for (const id of [plan, fixed]) await ada.order(id);
  const token = await ada.token(plan);
  const { agentRequestId } = (await seller.verify(plan, token, '1')).json;
  await track(agentRequestId, 1);
  refused(await settle(plan, token, { agentRequestId, marginPercent: 0.2, maxAmount: '2' }), 403, 'BCK.PROTOCOL.0042');
  assert.equal((await settle(plan, token, { agentRequestId, marginPercent: 11 })).status, 400);
  refused(await settle(fixed, await ada.token(fixed), { agentRequestId, marginPercent: 0.2 }), 403, 'BCK.PROTOCOL.0043');
  assert.equal(await ada.balance(plan), '100');
});

test('sub-tasks are of a request there is, by whom it is for', async () => {
  const plan = await seller.plan();
  await ada.order(plan);
  const agent = await agentOf([plan]);
  const token = await ada.token(plan, { extra: { agentId: agent } });
  const { agentRequestId } = (await seller.verify(plan, token, '1')).json;
  refused(await track('nothing', 1), 404, 'BCK.PROTOCOL.0037');
  refused(await track(agentRequestId, 1, {}, ada), 401, 'BCK.PROTOCOL.0016');
  refused(await track(agentRequestId, 1, { status: 'MAYBE' }), 400, 'BCK.AGENT.0001');
  refused(await track(agentRequestId, -1), 400, 'BCK.COMMON.0026');
  assert.equal((await track(agentRequestId, 0)).status, 201);
});

test('a simulation is begun and reckoned', async () => {
  const start = (body = {}) => seller.post('/api/v1/protocol/agents/simulate/start', body);
  const finish = (agentRequestId, more = {}) => seller.post('/api/v1/protocol/agents/simulate/finish', { agentRequestId, ...more });
  const { json } = await start();
  for (const name of ['agentRequestId', 'agentName', 'agentId', 'balance', 'urlMatching', 'verbMatching', 'batch']) assert.ok(name in json, name);
  assert.deepEqual((await finish(json.agentRequestId, { marginPercent: 0.2, batch: false })).json, { agentRequestId: json.agentRequestId, creditsToRedeem: 6, success: true });
  const cheap = (await start({ pricePerCredit: 0.001, agentName: 'Oracle', planName: 'Plan', batch: true })).json;
  assert.deepEqual([cheap.agentName, cheap.balance.planName, cheap.batch], ['Oracle', 'Plan', true]);
  assert.equal((await finish(cheap.agentRequestId)).json.creditsToRedeem, 50);
  refused(await finish('nothing'), 404, 'BCK.PROTOCOL.0044');
  assert.equal((await start({ pricePerCredit: 0 })).status, 400);
});

test('an account that has not agreed to the terms waits, where the sandbox is set to', async () => {
  const eve = await client(sandbox.url).open('Eve');
  const plan = await seller.plan();
  await seller.post('/sandbox/settings', { legalConsent: true });
  try {
    const { status, json } = await eve.order(plan);
    assert.deepEqual([status, json.code, json.category], [412, 'BCK.LEGAL_DOCS.0004', 'business']);
    assert.equal((await eve.get(`/api/v1/protocol/plans/${plan}`)).status, 200);
    await eve.post('/api/v1/legal-documents/me/consents', { consents: [{ documentType: 'terms', version: '0.9' }] });
    assert.equal((await eve.order(plan)).status, 412, 'to what is current');
    await eve.post('/api/v1/legal-documents/me/consents', { consents: [{ documentType: 'terms', version: '1.0.0' }] });
    assert.equal((await eve.order(plan)).status, 201);
  } finally {
    await seller.post('/sandbox/settings', { legalConsent: false });
  }
});
