// Scheme and network from the plan itself, in the real Worker (money rules 17 and 21).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PLAN, json, readHeader, startAll, token } from './harness.mjs';

const offer = async (all) => readHeader((await all.get('/paid')).headers.get('payment-required')).accepts[0];

test('nothing is asked at the start, nor for what is not paid; the first paid request asks, the next do not', async () => {
  const all = await startAll();
  try {
    assert.equal((await all.get('/health')).status, 200);
    assert.equal((await all.get('/none')).status, 404);
    assert.deepEqual(all.facilitator.lookups, []);
    assert.deepEqual(await offer(all), { scheme: 'nvm:erc4337', network: 'eip155:84532', planId: PLAN, extra: { version: '1', httpVerb: 'GET', credits: '1' } });
    assert.equal((await all.paid('/paid')).status, 200);
    assert.equal((await all.get('/files/a')).status, 402);
    assert.deepEqual(all.facilitator.lookups, [PLAN]);
  } finally { await all.stop(); }
});

test('a plan that is paid by card is offered as that, and a token for another scheme is none', async () => {
  const all = await startAll();
  try {
    all.facilitator.plan = (response) => json(response, 200, { registry: { price: { isCrypto: false } }, metadata: { plan: { fiatPaymentProvider: 'braintree' } } });
    const { scheme, network } = await offer(all);
    assert.deepEqual([scheme, network], ['nvm:card-delegation', 'braintree']);
    const crypto = await all.paid('/paid');
    assert.equal((await crypto.json()).code, 'payment_for_another_plan');
    assert.equal((await all.paid('/paid', { headers: { 'payment-signature': token({ scheme: 'nvm:card-delegation' }) } })).status, 200);
  } finally { await all.stop(); }
});

test('a platform that does not say it: 503 with retry-after, with a token and without, and nothing reaches the origin', async () => {
  const faults = [
    (response) => json(response, 500, {}), (response) => json(response, 404, { code: 'BCK.PROTOCOL.0003' }), (response) => json(response, 200, { id: PLAN }),
    () => {}, (response) => response.destroy(), (response) => { response.writeHead(302, { location: '/elsewhere' }); response.end(); },
  ];
  for (const fault of faults) {
    const all = await startAll({ vars: { TIMEOUT_MS: '1000' } });
    try {
      all.facilitator.plan = fault;
      for (const response of [await all.get('/paid'), await all.paid('/paid')]) {
        assert.equal(response.status, 503);
        assert.match(response.headers.get('retry-after'), /^\d+$/);
        assert.equal(response.headers.get('payment-required'), null);
        assert.equal((await response.json()).code, 'plan_unknown');
      }
      assert.equal(all.origin.calls.length, 0);
      assert.equal(all.facilitator.calls.length, 0);
      assert.equal((await all.get('/health')).status, 200);
    } finally { await all.stop(); }
  }
});

test('what the configuration says is not asked', async () => {
  const all = await startAll({ vars: { ROUTES: { 'GET /paid': { planId: PLAN, credits: 1, network: 'visa' } } } });
  try {
    all.facilitator.plan = (response) => json(response, 500, {});
    const { scheme, network } = await offer(all);
    assert.deepEqual([scheme, network], ['nvm:card-delegation', 'visa']);
    assert.deepEqual(all.facilitator.lookups, []);
  } finally { await all.stop(); }
});

test('a burst at the start is served, all of it, and asks for the plan once', async () => {
  const all = await startAll();
  try {
    all.facilitator.plan = (response) => { setTimeout(() => json(response, 200, { registry: { price: { isCrypto: true } } }), 100); };
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await all.paid('/paid')).status));
    assert.deepEqual(new Set(statuses), new Set([200]));
    assert.deepEqual(all.facilitator.lookups, [PLAN]);
  } finally { await all.stop(); }
});
