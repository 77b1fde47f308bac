// The dashboard's content and actions: the log with its messages, the state, keys, credits, delegations.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { startSandbox } from './start.mjs';
import { client } from './client.mjs';

let sandbox, anyone;
before(async () => {
  sandbox = await startSandbox({ vars: { SANDBOX_FAULTS: '1', SANDBOX_COMMAND: 'run me' } });
  anyone = client(sandbox.url);
});
after(() => sandbox?.stop());
beforeEach(() => anyone.post('/sandbox/reset'));

const watch = async (query = '') => (await anyone.get(`/sandbox/watch${query}`)).json;
const state = async () => (await anyone.get('/sandbox/state')).json;

test('a call is told with who called, what was said and by which correlation id', async () => {
  const seller = await anyone.open('Seller');
  const plan = await seller.plan();
  const before = await watch();
  const { json } = await seller.call('GET', '/api/v1/protocol/plans?page=2', undefined, { 'x-correlation-id': 'mine-1' });
  await seller.post('/api/v1/x402/verify', { x402AccessToken: 'nonsense' });
  const { calls, cursor, more } = await watch(`?after=${before.cursor}`);
  assert.deepEqual(calls.map(({ method, path, status }) => [method, path, status]), [['GET', '/api/v1/protocol/plans', 200], ['POST', '/api/v1/x402/verify', calls[1].status]]);
  assert.deepEqual([calls[0].query, calls[0].correlationId, calls[0].account, calls[0].request], ['page=2', 'mine-1', seller.address, undefined]);
  assert.deepEqual(JSON.parse(calls[0].response), json);
  const refused = JSON.parse(calls[1].response);
  assert.match(refused.code, /^BCK\./);
  assert.deepEqual([refused.correlationId, calls[1].request], [calls[1].correlationId, '{"x402AccessToken":"nonsense"}']);
  assert.deepEqual([cursor, more], [calls[1].id, false]);
  assert.deepEqual((await watch(`?after=${cursor}`)).calls, []);
  assert.deepEqual((await watch(`?before=${calls[1].id}`)).calls.map(({ id }) => id).at(-1), calls[0].id);
  assert.ok(plan);
});

test('keys and tokens are told by their ends, cards and what people type not at all', async () => {
  const seller = await anyone.open('Seller');
  const plan = await seller.plan();
  const ada = await anyone.open('Ada');
  const token = await ada.token(plan);
  await ada.order(plan);
  await seller.settle(plan, token, '2');
  const { json: session } = await ada.post('/api/v1/widgets/session/self', { returnUrl: 'http://127.0.0.1:1/' });
  const { json: intent } = await ada.post('/api/v1/delegation/setup-intent', {});
  await ada.post('/api/v1/delegation/finalize-enrollment', { setupIntentId: intent.setupIntentId, card: { number: '5555555555554444', expMonth: 1, expYear: 2040 } });
  await anyone.form('/login', { returnUrl: 'http://a.example/', name: 'Typed' });
  const { calls } = await watch();
  const text = JSON.stringify(calls);
  for (const secret of [token, session.sessionToken, intent.clientSecret, '5555555555554444', ada.key]) assert.ok(!text.includes(secret), secret.slice(0, 20));
  const said = calls.filter(({ path }) => path.endsWith('/settle')).map(({ request }) => JSON.parse(request).x402AccessToken);
  assert.equal(said[0], `${token.slice(0, 12)}…${token.slice(-6)}`);
  const entered = calls.find(({ method, path }) => method === 'POST' && path === '/login');
  assert.equal(entered.request, undefined);
  assert.match(JSON.parse(entered.response).location, /^http:\/\/a\.example\/\?nvmApiKey=local.{1,20}…/);
});

test('the log shows a dropped call, and what a fault did', async () => {
  await anyone.post('/sandbox/faults', [{ kind: 'drop', match: { path: '/one' } }, { kind: 'status', status: 429, match: { path: '/two' } }]);
  await assert.rejects(anyone.get('/one'));
  await anyone.get('/two');
  const { calls } = await watch();
  assert.deepEqual(calls.map(({ path, status, fault }) => [path, status, fault]), [['/one', 0, 'drop'], ['/two', 429, 'status']]);
  const [first, second] = (await state()).faults;
  assert.equal((await anyone.del(`/sandbox/faults/${first.id}`)).status, 204);
  assert.deepEqual((await state()).faults.map(({ id }) => id), [second.id]);
});

test('the sandbox’s own routes and pages are no calls, and meet no faults', async () => {
  await anyone.post('/sandbox/faults', { kind: 'drop' });
  for (const path of ['/dashboard', '/dashboard/main.js', '/favicon.ico', '/sandbox/state']) assert.equal((await anyone.get(path)).status, 200, path);
  assert.deepEqual((await watch()).calls, []);
});

test('two hundred of the newest are told at once, and the rest when asked for', async () => {
  await Promise.all(Array.from({ length: 205 }, (_, index) => anyone.get(`/nowhere/${index}`)));
  const first = await watch();
  assert.deepEqual([first.calls.length, first.more], [200, true]);
  const older = await watch(`?before=${first.calls[0].id}`);
  assert.deepEqual([older.calls.length, older.more], [5, false]);
  assert.equal(new Set([...first.calls, ...older.calls].map(({ path }) => path)).size, 205);
});

test('the revision grows with every change, also over a reset', async () => {
  let last = (await watch()).revision;
  const grew = async (what) => {
    const { revision } = await watch();
    assert.ok(revision > last, what);
    last = revision;
  };
  const { json } = await anyone.post('/sandbox/accounts', {});
  await grew('an account');
  await anyone.post('/sandbox/settings', { tokenVersion: 3 });
  await grew('a setting');
  await anyone.post('/sandbox/clock', { advanceSecs: -3600 });
  await grew('the clock, back');
  await anyone.del(`/sandbox/accounts/${json.accountAddress}/keys`);
  await grew('a key');
  await anyone.post('/sandbox/reset');
  await grew('a reset');
  await anyone.get('/sandbox/state');
  await anyone.get('/sandbox/keys');
  assert.equal((await watch()).revision, last, 'looking changes nothing');
});

test('the state tells who there is, who holds what, and what was bought', async () => {
  const seller = await anyone.open('Seller');
  const plan = await seller.plan();
  const ada = await anyone.open('Ada');
  const delegationId = await ada.delegation();
  const token = await ada.token(plan, { delegationId });
  await seller.settle(plan, token, '2');
  await anyone.post('/sandbox/settings', { creditsDelaySecs: 600 });
  await ada.order(plan);
  const now = await state();
  assert.deepEqual(now.accounts.items.map(({ name }) => name), ['Ada', 'Seller']);
  assert.deepEqual(now.plans.items.map(({ planId, name }) => [planId, name]), [[plan, 'Hundred questions']]);
  assert.deepEqual(now.balances, { total: 1, items: [{ planId: plan, holder: ada.address.toLowerCase(), balance: '98', expiresAt: null }] });
  assert.deepEqual(now.delegations.items.map((one) => [one.delegationId, one.owner, one.status, one.amountSpentCents]), [[delegationId, ada.address.toLowerCase(), 'Active', '1000']]);
  assert.deepEqual(now.orders.items.map(({ kind, pending, cents }) => [kind, pending, cents]), [['order', true, 1000], ['top-up', false, 1000]]);
  assert.deepEqual([now.sandbox.faulty, now.sandbox.command, now.settings.creditsDelaySecs], [true, 'run me', 600]);
  assert.ok(!JSON.stringify(now).includes(ada.key), 'keys are told to who asks for them');
});

test('keys: told whole for their account, made, and revoked one by one', async () => {
  const ada = await anyone.open('Ada');
  const path = `/sandbox/accounts/${ada.address}/keys`;
  const second = (await anyone.post(path, { expiresInSecs: 60 })).json;
  const keys = async () => (await anyone.get(path)).json.keys;
  assert.deepEqual((await keys()).map(({ nvmApiKey }) => nvmApiKey), [ada.key, second.nvmApiKey]);
  await anyone.del(`${path}/${second.keyId}`);
  assert.deepEqual((await keys()).map(({ revoked, expired }) => [revoked, expired]), [[false, false], [true, false]]);
  await anyone.wait(61);
  assert.deepEqual((await keys()).map(({ expired }) => expired), [false, true]);
  assert.deepEqual((await state()).accounts.items[0].keys.map(({ nvmApiKey, kept }) => [nvmApiKey, kept]), [[null, true], [null, true]]);
  assert.equal((await anyone.get(`/sandbox/accounts/0x${'0'.repeat(40)}/keys`)).status, 404);
});

test('a top-up hands out credits of any plan, and a bad one none', async () => {
  const seller = await anyone.open('Seller');
  const plan = await seller.plan();
  const ada = await anyone.open('Ada');
  const path = `/sandbox/accounts/${ada.address}/credits`;
  assert.equal((await anyone.post(path, { planId: plan, amount: '7' })).json.balance, '7');
  assert.equal((await anyone.post(path, { planId: plan, amount: 5, expiresInSecs: 60 })).json.balance, '12');
  for (const body of [{ planId: plan }, { planId: plan, amount: '0' }, { planId: plan, amount: '-1' }, { planId: '9', amount: '1' }, { amount: '1' }]) {
    assert.ok((await anyone.post(path, body)).status >= 400, JSON.stringify(body));
  }
  assert.equal(await ada.balance(plan), '12');
  await anyone.wait(61);
  assert.equal(await ada.balance(plan), '7');
});

test('a delegation can be ended for its owner, and its tokens with it', async () => {
  const seller = await anyone.open('Seller');
  const plan = await seller.plan();
  const ada = await anyone.open('Ada');
  const delegationId = await ada.delegation();
  const token = await ada.token(plan, { delegationId });
  assert.equal((await seller.settle(plan, token, '1')).status, 200);
  assert.equal((await anyone.del(`/sandbox/delegations/${delegationId}`)).status, 204);
  assert.notEqual((await seller.settle(plan, token, '1')).status, 200);
  assert.equal((await ada.get(`/api/v1/delegation/${delegationId}`)).json.status, 'Revoked');
  assert.equal((await anyone.del('/sandbox/delegations/none')).status, 404);
});
