// A paywall whose configuration is wrong is closed, and says which key it is (fail closed).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PLAN, SELLER_KEY, startAll, token } from './harness.mjs';

const wrong = {
  'no key': [{ NVM_API_KEY: undefined }, 'NVM_API_KEY'],
  'a key that is none': [{ NVM_API_KEY: 'hello' }, 'NVM_API_KEY'],
  'unlisted not chosen': [{ UNLISTED: undefined }, 'UNLISTED'],
  'two routes that only their order would tell apart': [{ ROUTES: JSON.stringify({ 'GET /a/:x': { planId: PLAN, credits: 1 }, 'GET /:x/b': { planId: PLAN, credits: 1 } }) }, 'ROUTES["GET /:x/b"]'],
  'two origins': [{ ORIGIN_URL: undefined }, 'BUCKET', { binding: async () => new Response('x'), options: { r2Buckets: ['BUCKET'] } }],
  'no address of the facilitator': [{ NVM_API_URL: undefined }, 'NVM_API_URL'],
  'routes that are no JSON': [{ ROUTES: '{"POST /ask": ' }, 'ROUTES'],
  'a route without credits': [{ ROUTES: JSON.stringify({ 'POST /ask': { planId: PLAN } }) }, 'ROUTES["POST /ask"].credits'],
};

for (const [what, [vars, key, more]] of Object.entries(wrong)) {
  test(`${what}: every request is 500, nothing is forwarded`, async () => {
    const all = await startAll({ ...more, vars });
    try {
      for (const [path, method] of [['/paid', 'GET'], ['/health', 'GET'], ['/ask', 'POST'], ['/ask', 'OPTIONS']]) {
        const response = await all.get(path, { method, headers: { 'payment-signature': token() } });
        assert.equal(response.status, 500);
        const text = await response.text();
        assert.deepEqual([JSON.parse(text).code, JSON.parse(text).key], ['config_invalid', key]);
        assert.ok(!text.includes(SELLER_KEY));
      }
      assert.equal(all.facilitator.calls.length + all.origin.calls.length, 0);
    } finally { await all.stop(); }
  });
}

test('variables may be JSON as well as text, as wrangler.toml has them', async () => {
  const all = await startAll({ vars: { ROUTES: { 'POST /ask': { planId: PLAN, credits: 1 } }, OPEN_ROUTES: ['GET /health'], TIMEOUT_MS: 1000 } });
  try {
    assert.equal((await all.get('/ask', { method: 'POST' })).status, 402);
    assert.equal((await all.get('/health')).status, 200);
  } finally { await all.stop(); }
});

test('a service binding serves where there is one, under the public URL', async () => {
  const requests = [];
  const all = await startAll({
    vars: { ORIGIN_URL: undefined },
    binding: async (request) => { requests.push([request.method, request.url, request.headers.get('payment-signature')]); return new Response('bound'); },
  });
  try {
    assert.equal(await (await all.paid('/ask?x', { method: 'POST', body: 'b' })).text(), 'bound');
    assert.deepEqual(requests, [['POST', `${all.paywall.url}/ask?x`, null]]);
    assert.equal(all.origin.calls.length, 0);
  } finally { await all.stop(); }
});

test('an origin behind a path, and a public URL of its own', async () => {
  const all = await startAll({ vars: { PUBLIC_URL: 'https://paid.example/v1/', ORIGIN_URL: undefined } , binding: async () => new Response('x') });
  try {
    const offer = await (await all.get('/paid')).json();
    assert.equal(offer.resource.url, 'https://paid.example/v1/paid');
  } finally { await all.stop(); }
});
