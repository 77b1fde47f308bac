// The Machine Payments Protocol: a challenge is sealed, good for one place and one payment, and soon over.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { startSandbox } from './start.mjs';
import { client, decode, encode, offer } from './client.mjs';

let sandbox, seller, ada, plan, token;
before(async () => {
  sandbox = await startSandbox();
  seller = await client(sandbox.url).open('Seller');
  ada = await client(sandbox.url).open('Ada');
  plan = await seller.plan();
  await ada.order(plan);
  token = await mint();
});
after(() => sandbox?.stop());

const refused = ({ status, json }, expected, code) => assert.deepEqual([status, json?.code], [expected, code]);
const PLACE = { resource: '/ask?q=1', httpVerb: 'POST' };

async function mint(more = {}, planId = plan) {
  const body = { accepted: { ...offer(planId), extra: {} }, delegationConfig: { delegationId: await ada.delegation() }, ...more };
  const { status, json, text } = await ada.post('/api/v1/mpp/permissions', body);
  return status === 201 ? json.accessToken : Promise.reject(new Error(text));
}
const issue = async (more = {}) => (await seller.post('/api/v1/mpp/challenge', { planId: plan, credits: '2', ...PLACE, ...more })).json;
const parameters = (challenge) => Object.fromEntries([...challenge.matchAll(/([a-z]+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value.replace(/\\(.)/g, '$1')]));
/** A buyer's answer to a challenge; `change` may tamper with it. */
const answer = ({ challenge }, accessToken = token, change = (it) => it) =>
  `Payment ${encode(change({ challenge: parameters(challenge), payload: { accessToken } }))}`;
const verify = (credential, more = {}) => seller.post('/api/v1/mpp/verify', { credential, ...PLACE, ...more });
const settle = (credential, more = {}) => seller.post('/api/v1/mpp/settle', { credential, ...PLACE, ...more });

test('the whole way: challenge, credential, verify, settle, receipt', async () => {
  const issued = await issue({ description: 'An answer, "quoted"' });
  const { id, realm, method, intent, request, expires, description } = parameters(issued.challenge);
  assert.match(issued.challenge, /^Payment id="/);
  assert.equal(id, issued.id);
  assert.ok(realm && method && intent);
  assert.deepEqual(decode(request), { planId: plan, credits: '2' });
  assert.equal(description, 'An answer, "quoted"');
  assert.equal(Math.round((Date.parse(expires) - Date.now()) / 10_000), 30, 'five minutes');
  const before = BigInt(await ada.balance(plan));
  const verified = await verify(answer(issued));
  assert.deepEqual([verified.json.isValid, verified.json.payer], [true, ada.address]);
  assert.equal(BigInt(await ada.balance(plan)), before);
  const { json } = await settle(answer(issued));
  assert.deepEqual([json.success, json.creditsRedeemed, BigInt(json.remainingBalance)], [true, '2', before - 2n]);
  const receipt = decode(json.paymentReceipt);
  assert.deepEqual([receipt.reference, receipt.status], [json.transaction, 'success']);
});

test('a challenge is another each time, and is paid once, however often and in whatever letters it comes', async () => {
  const [one, two] = [await issue(), await issue()];
  assert.notEqual(one.id, two.id);
  const before = BigInt(await ada.balance(plan));
  const upper = answer(one).replace('Payment ', 'PAYMENT   ');
  const again = answer(one, token, ({ challenge, payload }) => ({ payload, challenge: Object.fromEntries(Object.entries(challenge).reverse()) }));
  const results = await Promise.all([answer(one), answer(one), upper, again].map((credential) => settle(credential)));
  assert.equal(new Set(results.map(({ text }) => text)).size, 1);
  assert.equal(BigInt(await ada.balance(plan)), before - 2n);
  refused(await verify(answer(one)), 402, 'BCK.MPP.0003');
  assert.equal((await settle(answer(two))).status, 200);
});

test('what was tampered with, or is for elsewhere, is rejected in one word and takes nothing', async () => {
  const before = await ada.balance(plan);
  const issued = await issue();
  const other = await seller.plan();
  const x402 = await ada.token(plan);
  const set = (name, value) => (it) => ({ ...it, challenge: { ...it.challenge, [name]: value } });
  for (const [name, credential, more] of [
    ['garbage', 'Payment !!'],
    ['no credential', 'Bearer x'],
    ['another amount', answer(issued, token, set('request', encode({ planId: plan, credits: '1' })))],
    ['another end', answer(issued, token, set('expires', '2036-01-01T00:00:00.000Z'))],
    ['another place sealed', answer(issued, token, set('opaque', encode({ resource: '/other', httpVerb: 'POST', nonce: 'x' })))],
    ['a seal of nobody', answer(issued, token, set('id', encode('x')))],
    ['another place', answer(issued), { resource: '/other' }],
    ['another verb', answer(issued), { httpVerb: 'GET' }],
    ['a token of x402', answer(issued, x402)],
    ['a token for another plan', answer(issued, await mint({}, other))],
    ['a forged token', answer(issued, encode({ ...decode(token), payload: { ...decode(token).payload, signature: '0x00' } }))],
  ]) {
    for (const call of [verify, settle]) {
      const result = await call(credential, more);
      assert.deepEqual([result.status, result.json.code, result.json.message], [402, 'BCK.MPP.0003', 'The credential was rejected'], name);
    }
  }
  assert.equal(await ada.balance(plan), before);
  assert.equal((await settle(answer(issued))).status, 200, 'and the challenge is as good as it was');
});

test('a token of MPP is none of x402, and has no version', async () => {
  refused(await seller.verify(plan, token, '1'), 402, 'BCK.X402.0005');
  refused(await seller.settle(plan, token, '1'), 402, 'BCK.X402.0005');
  const body = { accepted: { ...offer(plan), extra: {} }, delegationConfig: { delegationId: await ada.delegation() } };
  for (const more of [{ tokenVersion: 3 }, { tokenVersion: 2 }, { resource: { url: '/ask' } }, { accepted: { ...body.accepted, extra: { httpVerb: 'POST' } } }]) {
    refused(await ada.post('/api/v1/mpp/permissions', { ...body, ...more }), 400, 'BCK.MPP.0007');
  }
});

test('a challenge for one body is for no other', async () => {
  const digest = (body) => `sha-256=${createHash('sha256').update(body).digest('base64')}`;
  const issued = await issue({ digest: digest('mine') });
  for (const more of [{ bodyDigest: digest('other') }, {}]) {
    const { status, json } = await settle(answer(issued), more);
    assert.deepEqual([status, json.code, json.retryable], [402, 'BCK.MPP.0005', true]);
  }
  assert.equal((await settle(answer(issued), { bodyDigest: digest('mine') })).status, 200);
});

test('a challenge is over after five minutes; what was settled by then can still be asked for', async () => {
  const [paid, late] = [await issue(), await issue()];
  const { text } = await settle(answer(paid));
  await ada.wait(301);
  const { status, json } = await settle(answer(late));
  assert.deepEqual([status, json.code, json.retryable], [402, 'BCK.MPP.0004', true]);
  assert.equal((await settle(answer(paid))).text, text);
});

test('who has no credits and no way to them is rejected like any other', async () => {
  const poor = await seller.plan();
  const eve = await client(sandbox.url).open('Eve');
  const body = { accepted: { ...offer(poor), extra: {} }, delegationConfig: { delegationId: await eve.delegation({ spendingLimitCents: 1 }) } };
  const { accessToken } = (await eve.post('/api/v1/mpp/permissions', body)).json;
  const issued = await issue({ planId: poor });
  for (const call of [verify, settle]) refused(await call(answer(issued, accessToken)), 402, 'BCK.MPP.0003');
});

test('without a secret there is no MPP', async () => {
  await seller.post('/sandbox/settings', { mpp: false });
  try {
    for (const [route, who] of [['challenge', seller], ['verify', seller], ['settle', seller], ['permissions', ada]]) {
      refused(await who.post(`/api/v1/mpp/${route}`, {}), 501, 'BCK.MPP.0002');
    }
  } finally {
    await seller.post('/sandbox/settings', { mpp: true });
  }
});

test('a challenge is for a plan there is, and an agent on it', async () => {
  const ask = (body) => seller.post('/api/v1/mpp/challenge', { planId: plan, credits: '2', ...PLACE, ...body });
  refused(await ask({ planId: '9' }), 404, 'BCK.PROTOCOL.0003');
  refused(await ask({ credits: '1.5' }), 400, 'BCK.COMMON.0026');
  refused(await ask({ agentId: '9' }), 404, 'BCK.PROTOCOL.0004');
  assert.equal((await ask({ resource: '' })).status, 400);
  assert.equal((await client(sandbox.url).post('/api/v1/mpp/challenge', {})).status, 401);
});
