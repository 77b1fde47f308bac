// Offers as they arrive: encoded in another way, doubled or padded by a proxy, with one broken entry among good ones. Each is read and paid
// (rule 2), and the errors that remain say what to change.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Payments } from '../../target/dist/subscriber/index.js';
import { base64, failure, offerOf, startPlatform, startSeller } from './harness.mjs';

let platform;
let seller;
let bare;
before(async () => {
  platform = await startPlatform();
  seller = await startSeller(async (one, response) => {
    if (!one.token) return bare(response);
    response.writeHead(200, { 'payment-response': await platform.settle(one.token) }).end('done');
  });
});
after(async () => {
  await seller?.stop();
  await platform?.stop();
});

const header = (value) => (response) => response.writeHead(402, { 'payment-required': value }).end('{}');
const body = (text, headers = {}) => (response) => response.writeHead(402, { 'content-type': 'application/json', ...headers }).end(text);
/** The seller's offer with other entries, as a header. */
const entries = (make) => header(base64({ ...offerOf(platform.planId), accepts: make(offerOf(platform.planId).accepts[0]) }));
const exact = { scheme: 'exact', network: 'eip155:8453', amount: '10000', asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913', payTo: `0x${'a'.repeat(40)}`, maxTimeoutSeconds: 60, extra: { name: 'USD Coin', version: '2' } };

describe('an odd offer is read and paid once', () => {
  const ways = {
    'base64url without padding': (offer) => header(Buffer.from(JSON.stringify({ ...offer, resource: { url: '/ask', description: 'é>>>???' } })).toString('base64url')),
    'base64 without padding': (offer) => header(base64({ ...offer, error: 'x'.repeat(3) }).replace(/=+$/, '')),
    'spaces around the value': (offer) => header(`  ${base64(offer)} `),
    'the header twice': (offer) => (response) => { response.setHeader('payment-required', [base64(offer), base64(offer)]); response.writeHead(402).end(); },
    'a body alone': (offer) => body(JSON.stringify(offer)),
    'a body with a byte order mark': (offer) => body(`\ufeff${JSON.stringify(offer)}`),
    'a body of another type': (offer) => body(JSON.stringify(offer), { 'content-type': 'text/plain' }),
    'an offer in another currency beside it': () => entries((good) => [exact, good]),
    'an unknown scheme with odd members': () => entries((good) => [{ scheme: 'upto', network: 'solana:x', price: { a: 1 }, extra: null }, good]),
    'an entry without a network before it': () => entries((good) => [{ scheme: 'exact', amount: '1' }, good]),
    'an entry without a network after it': () => entries((good) => [good, { scheme: 'exact', amount: '1' }]),
    'an entry of our scheme without a plan': () => entries((good) => [{ ...good, planId: undefined }, good]),
    'an entry that is a text': () => entries((good) => ['exact', good]),
    'an entry that is null': () => entries((good) => [null, good]),
    'an entry whose scheme is a number': () => entries((good) => [{ scheme: 1, network: 'x' }, good]),
    'extensions that are null': (offer) => header(base64({ ...offer, extensions: null })),
    'no extensions': (offer) => header(base64({ ...offer, extensions: undefined })),
    'credits that are a number': () => entries((good) => [{ ...good, extra: { version: '1', credits: 2 } }]),
    'an error in words': (offer) => header(base64({ ...offer, error: 'PAYMENT-SIGNATURE header is required' })),
  };
  for (const [name, way] of Object.entries(ways)) {
    test(name, async () => {
      bare = way(offerOf(platform.planId));
      seller.requests.length = 0;
      const payments = await platform.buyer();
      const { response, receipt } = await payments.fetch(`${seller.url}/ask`, { method: 'POST', body: '{}' });
      assert.equal(await response.text(), 'done');
      assert.deepEqual([receipt.creditsRedeemed, seller.paid(), await payments.held()], [2n, 1, 98n]);
    });
  }

  test('a plan with zeros before its id is malformed: it would be another one for limits and orders, and the same for the platform', async () => {
    for (const zeros of ['0', '000']) {
      bare = entries((good) => [{ ...good, planId: `${zeros}${good.planId}` }]);
      seller.requests.length = 0;
      const payments = await platform.buyer();
      const error = await failure(payments.fetch(`${seller.url}/ask`));
      assert.deepEqual([error.code, seller.paid(), await payments.held()], ['malformed_offer', 0, 100n]);
      assert.match(error.message, /accepts\[0\]\.planId/);
    }
  });

  test('a broken entry alone is an error that names it, and nothing is paid', async () => {
    bare = entries((good) => [{ ...good, planId: undefined }]);
    seller.requests.length = 0;
    const payments = await platform.buyer();
    const error = await failure(payments.fetch(`${seller.url}/ask`));
    assert.deepEqual([error.code, seller.paid(), await payments.held()], ['malformed_offer', 0, 100n]);
    assert.match(error.message, /accepts\[0\]\.planId/);
  });
});

describe('the hint says what to change', () => {
  const offer = () => header(base64(offerOf(platform.planId)));

  test('a limit: which one, and that the plan counts and not the offer', async () => {
    bare = offer();
    const payments = await platform.buyer({ approve: undefined, policy: { origins: ['*'], maxCreditsPerRequest: 1 } });
    const error = await failure(payments.fetch(`${seller.url}/ask`));
    assert.equal(error.code, 'budget_exceeded');
    assert.match(error.message, /maxCreditsPerRequest/);
    assert.match(error.hint, /raise the limit.*the plan/);
    assert.doesNotMatch(error.hint, /ask the seller|state the price/);
  });

  test('a response that cannot be read: the address, the connection, allowedOrigins', async () => {
    const payments = await platform.buyer({ fetch: () => Promise.reject(new TypeError('Failed to fetch')) });
    const error = await failure(payments.fetch(`${seller.url}/ask`));
    assert.equal(error.code, 'network_error');
    assert.match(error.hint, /address.*connection.*allowedOrigins/);
  });

  test('a key that cannot be one: where keys come from', () => {
    assert.throws(() => Payments.getInstance({ nvmApiKey: 'nonsense', environment: 'custom', backend: platform.sandbox.url }), (error) => {
      assert.equal(error.message, 'nvmApiKey has a value it cannot have');
      return error.hint.length > 20 && !error.hint.includes('nonsense');
    });
  });
});
