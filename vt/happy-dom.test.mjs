// @vitest-environment happy-dom
import { test, expect } from 'vitest';
import { createServer } from 'node:http';
const sdk = await import("/tmp/w/close/target/dist/subscriber/index.js");
const serve = async (f) => { const s = createServer(f); await new Promise((d) => s.listen(0, '127.0.0.1', d)); return 'http://127.0.0.1:' + s.address().port; };
const key = 'local:e30.' + Buffer.from('{"sub":"0x00000000000000000000000000000000000000b1"}').toString('base64url') + '.c2ln';
test('loads', async () => { await sdk.default(); });
test('builds an offer', async () => { expect((await sdk.buildPaymentRequired('1', {})).x402Version).toBe(2); });
test('an instance calls the platform', async () => {
  const backend = await serve((q, r) => r.setHeader('access-control-allow-origin', '*').setHeader('access-control-allow-headers', '*').setHeader('content-type', 'application/json').end(JSON.stringify({ id: '1', registry: { price: { isCrypto: true, amounts: [] }, credits: {} }, metadata: {} })));
  const p = await sdk.Payments.getInstance({ nvmApiKey: key, environment: 'custom', backend });
  await p.plans.getPlan('1');
});
test('fetch of what is free, with a signal of the page\'s', async () => {
  const seller = await serve((q, r) => r.setHeader('access-control-allow-origin', '*').end('free'));
  const p = await sdk.Payments.getInstance({ nvmApiKey: key, environment: 'custom', backend: seller });
  const { response } = await p.fetch(seller + '/a', { signal: new AbortController().signal });
  expect(await response.text()).toBe('free');
});
test('fetch of what is free, a mock for the global fetch', async () => {
  const p = await sdk.Payments.getInstance({ nvmApiKey: key, environment: 'custom', backend: 'http://127.0.0.1:1', fetch: async () => new Response('mocked') });
  const { response } = await p.fetch('http://127.0.0.1:1/a');
  expect(await response.text()).toBe('mocked');
});
if ("happy-dom" !== 'node') test('a browser instance', async () => {
  const p = await sdk.Payments.getBrowserInstance({ returnUrl: location.href.startsWith('http') ? location.href : 'http://localhost/', environment: 'custom', backend: 'http://127.0.0.1:1', storage: 'session' });
  expect(p.isLoggedIn).toBe(false);
});
