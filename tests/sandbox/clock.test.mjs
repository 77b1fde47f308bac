// Time is the sandbox's own: what ends, ends by its clock.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { startSandbox } from './start.mjs';
import { BY_CARD, client } from './client.mjs';

let sandbox, anyone, seller;
before(async () => {
  sandbox = await startSandbox();
  anyone = client(sandbox.url);
  seller = await anyone.open('Seller');
});
after(() => sandbox?.stop());
beforeEach(() => anyone.post('/sandbox/clock', { reset: true }));

const near = (actual, wanted) => assert.ok(Math.abs(actual - wanted) < 5_000, `${actual} ${wanted}`);

test('the clock is read, set, moved and let go', async () => {
  near((await anyone.get('/sandbox/clock')).json.nowMs, Date.now());
  const { json: moved } = await anyone.wait(3600);
  near(moved.nowMs, Date.now() + 3_600_000);
  assert.equal(Date.parse(moved.now), moved.nowMs);
  assert.equal((await anyone.wait(-3600)).json.offsetMs, 0);
  near((await anyone.post('/sandbox/clock', { now: '2030-01-01T00:00:00Z' })).json.nowMs, Date.UTC(2030, 0, 1));
  near((await anyone.get('/sandbox/clock')).json.nowMs, Date.UTC(2030, 0, 1));
  near((await anyone.post('/sandbox/clock', { now: Date.UTC(2031, 0, 1) })).json.nowMs, Date.UTC(2031, 0, 1));
  assert.equal((await anyone.post('/sandbox/clock', { reset: true })).json.offsetMs, 0);
  for (const body of [{ now: 'noon' }, { advanceSecs: 0.5 }, { advance: 1 }, { now: -1 }]) {
    assert.equal((await anyone.post('/sandbox/clock', body)).status, 400, JSON.stringify(body));
  }
});

test('a delegation and its token end', async () => {
  const ada = await anyone.open('Ada');
  const plan = await seller.plan();
  await ada.order(plan);
  const delegationId = await ada.delegation({ durationSecs: 3600 });
  const token = await ada.token(plan, { delegationId });
  await anyone.wait(3590);
  assert.equal((await seller.settle(plan, token, '1')).status, 200);
  await anyone.wait(20);
  assert.equal((await seller.settle(plan, token, '1')).json.code, 'BCK.X402.0005');
  assert.equal((await ada.get(`/api/v1/delegation/${delegationId}`)).json.status, 'Expired');
  await assert.rejects(ada.token(plan, { delegationId }), /BCK\.DELEGATION\.0002/);
});

test('a key that was made for a while ends', async () => {
  const ada = await anyone.open('Ada');
  const { status, json } = await anyone.post(`/sandbox/accounts/${ada.address}/keys`, { expiresInSecs: 60 });
  assert.equal(status, 201);
  assert.equal(json.accountAddress, ada.address);
  near(Date.parse(json.expiresAt), Date.now() + 60_000);
  const short = client(sandbox.url, json);
  assert.equal((await short.get('/api/v1/delegation')).status, 200);
  await anyone.wait(61);
  const late = await short.get('/api/v1/delegation');
  assert.deepEqual([late.status, late.json.code], [401, 'BCK.AUTH.0002']);
  assert.equal((await ada.get('/api/v1/delegation')).status, 200, 'the other one is for decades');
  assert.equal((await anyone.post(`/sandbox/accounts/0x${'0'.repeat(40)}/keys`)).status, 404);
});

test('keys are revoked, one or all', async () => {
  const ada = await anyone.open('Ada');
  const keys = `/sandbox/accounts/${ada.address}/keys`;
  const [one, two] = [(await anyone.post(keys)).json, (await anyone.post(keys)).json];
  const status = async (account) => (await client(sandbox.url, account).get('/api/v1/protocol/plans')).status;
  assert.equal((await anyone.del(`${keys}/${one.keyId}`)).status, 204);
  assert.deepEqual([await status(one), await status(two)], [401, 200]);
  assert.equal((await anyone.del(keys)).status, 204);
  assert.deepEqual([await status(two), (await ada.get('/api/v1/protocol/plans')).status], [401, 401]);
  assert.equal(await status((await anyone.post(keys)).json), 200, 'a new one is good');
  const refused = await ada.post('/api/v1/x402/permissions', {});
  assert.deepEqual([refused.status, refused.json.code], [401, 'BCK.AUTH.0002']);
});

test('time is bought, used without end while it lasts, and added to what is left', async () => {
  const ada = await anyone.open('Ada');
  const plan = await seller.plan({ credits: { durationSecs: '3600', amount: '1', minAmount: '1', maxAmount: '1' }, accessLimit: 'time' });
  const poor = await ada.delegation({ spendingLimitCents: 1, durationSecs: 86_400 });
  const token = await ada.token(plan, { delegationId: poor });
  assert.equal((await seller.settle(plan, token, '1')).json.code, 'BCK.CREDITS.0003');
  await ada.order(plan);
  for (let call = 0; call < 3; call++) {
    const { json } = await seller.settle(plan, token, '1');
    assert.deepEqual([json.creditsRedeemed, json.remainingBalance, json.orderTx], ['0', '1', undefined]);
  }
  await anyone.wait(1800);
  await ada.order(plan);
  assert.equal(await ada.balance(plan), '1', 'access is one, however often it was bought');
  await anyone.wait(5300);
  assert.equal((await seller.settle(plan, token, '1')).status, 200, 'the second hour began when the first was over');
  await anyone.wait(200);
  assert.equal((await seller.settle(plan, token, '1')).json.code, 'BCK.CREDITS.0003');
  const { json: held } = await ada.get(`/api/v1/protocol/plans/${plan}/balance/${ada.address}`);
  assert.deepEqual([held.balance, held.isSubscriber, held.planType], ['0', false, 'time']);
  const rich = await ada.token(plan, { delegationId: await ada.delegation() });
  assert.ok((await seller.settle(plan, rich, '1')).json.orderTx, 'a delegation that covers it buys the next hour');
});

test('credits that run out run out, whatever was left of them', async () => {
  const ada = await anyone.open('Ada');
  const plan = await seller.plan({ credits: { durationSecs: '60' }, accessLimit: 'credits' });
  await ada.order(plan);
  await anyone.wait(30);
  await ada.order(plan);
  assert.equal(await ada.balance(plan), '200');
  await anyone.wait(31);
  assert.equal(await ada.balance(plan), '100');
  await anyone.wait(30);
  assert.equal(await ada.balance(plan), '0');
});

test('a checkout link ends after a day', async () => {
  const ada = await anyone.open('Ada');
  const plan = await seller.plan(BY_CARD);
  const { json } = await ada.post('/api/v1/fiat/stripe/payment', { sessionType: 'embedded', planId: plan });
  near(json.result.linkExpiresAt * 1000, Date.now() + 86_400_000);
  const path = new URL(json.result.checkoutLink).pathname;
  await anyone.wait(86_401);
  const page = await anyone.get(`${path}?returnUrl=${encodeURIComponent('https://app.example/?x=1')}`);
  assert.equal(page.status, 410);
  assert.ok(page.text.includes('https://app.example/?x=1&amp;checkout=cancelled'));
  assert.equal((await anyone.form(path)).status, 410);
  assert.equal(await ada.balance(plan), '0');
});

test('credits take as long to come as is set, and a trial on its way counts', async () => {
  const ada = await anyone.open('Ada');
  const plan = await seller.plan({ isTrialPlan: true });
  assert.deepEqual((await anyone.get('/sandbox/settings')).json, {
    creditsDelaySecs: 0, tokenVersion: 2, legalConsent: false, mpp: true,
  });
  assert.equal((await anyone.post('/sandbox/settings', { creditsDelaySecs: 90 })).json.creditsDelaySecs, 90);
  try {
    const order = await ada.order(plan);
    assert.deepEqual([order.status, order.json.success], [201, true]);
    assert.match(order.json.txHash, /^0x/);
    assert.equal(await ada.balance(plan), '0');
    assert.equal((await ada.order(plan)).json.code, 'BCK.COMMON.0027');
    await anyone.wait(89);
    assert.equal(await ada.balance(plan), '0');
    await anyone.wait(2);
    assert.equal(await ada.balance(plan), '100');
    await anyone.wait(200);
    assert.equal(await ada.balance(plan), '100', 'once');
    assert.equal((await ada.order(plan)).json.code, 'BCK.COMMON.0027');
    for (const body of [{ creditsDelaySecs: -1 }, { tokenVersion: 4 }, { delay: 1 }]) {
      assert.equal((await anyone.post('/sandbox/settings', body)).status, 400);
    }
  } finally {
    await anyone.post('/sandbox/settings', { creditsDelaySecs: 0 });
  }
});

test('a reset puts clock and settings back', async () => {
  const other = await startSandbox();
  try {
    const fresh = client(other.url);
    await fresh.wait(500);
    await fresh.post('/sandbox/settings', { tokenVersion: 3 });
    await fresh.post('/sandbox/reset');
    assert.equal((await fresh.get('/sandbox/clock')).json.offsetMs, 0);
    assert.equal((await fresh.get('/sandbox/settings')).json.tokenVersion, 2);
  } finally {
    await other.stop();
  }
});
