// Single-use tokens against a real sandbox and a real paywall.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newAccount } from '../../scripts/lib/demo-servers.mjs';
import { Payments } from '../../target/dist/subscriber/index.js';
import { buyer, calls, forget, price, question, servers } from './demo-buyer.mjs';

test('single-use tokens, minted ahead: a warm request is one round trip', async () => {
  const { paywall, origin } = servers;
  const payments = await buyer({ approve: () => ({ approve: true, remember: true }), tokenVersion: 3, prefetch: 2 });
  await forget();
  const first = await payments.fetch(`${paywall.url}/ask`, question);
  assert.deepEqual([first.response.status, first.spend.requests, first.spend.mints], [200, 2, 1]);
  for (let tries = 0; await calls('/permissions') < 3 && tries < 1000; tries++) await new Promise((done) => setTimeout(done, 20));
  const served = origin.calls().length;
  const second = await payments.fetch(`${paywall.url}/ask`, question);
  assert.deepEqual([second.response.status, second.spend.requests, second.spend.mints], [200, 1, 0]);
  assert.equal(origin.calls().length - served, 1);
  const many = await Promise.all(Array.from({ length: 8 }, () => payments.fetch(`${paywall.url}/ask`, question)));
  assert.deepEqual(new Set(many.map(({ response }) => response.status)), new Set([200]));
  assert.equal((await payments.plans.getPlanBalance(servers.planId)).balance, 100n - price * 10n);
});

test('options that are wrong are named', async () => {
  const { sandbox } = servers;
  const { nvmApiKey } = await newAccount(sandbox.url, 'Somebody');
  for (const [name, value] of [['tokenVersion', 4], ['prefetch', -1], ['select', 'first'], ['policy', { maxCreditsPerHour: 'x' }]]) {
    const options = { nvmApiKey, environment: 'custom', backend: sandbox.url, [name]: value };
    assert.throws(() => Payments.getInstance(options), { code: 'validation', message: new RegExp(`^(policy\\.)?${name === 'policy' ? 'maxCreditsPerHour' : name} must be `) });
  }
});
