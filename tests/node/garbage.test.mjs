// Responses of a hostile or broken seller, byte by byte: the result is a typed error or the seller's response, never a
// hanging promise, a crash, or a payment. The network is a function here.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Payments, PaymentsError } from '../../target/dist/subscriber/index.js';

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const KEY = `local:${part({ alg: 'none' })}.${part({ sub: `0x${'1'.repeat(40)}`, o11y: 'x' })}.c2ln`;
const SELLER = 'http://127.0.0.1:1001';
const PLATFORM = 'http://127.0.0.1:1002';

const accepts = { scheme: 'nvm:erc4337', network: 'eip155:84532', planId: '77', extra: { version: '1', credits: '2' } };
const offer = (more = {}, first = {}) => ({
  x402Version: 2, resource: { url: `${SELLER}/ask` }, accepts: [{ ...accepts, ...first }], extensions: {}, ...more,
});
const text = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');
const GOOD = text(offer());
const TOKEN = part({ x402Version: 2, accepted: accepts, payload: { signature: '0x', authorization: { from: '0x1' } }, extensions: {} });

/** A buyer who says yes to everything, in a network where `bare` and `paid` make the seller's answers. */
async function buyer({ bare, paid }) {
  const calls = { bare: 0, paid: 0, mints: 0, other: 0 };
  const payments = await Payments.getInstance({
    nvmApiKey: KEY, environment: 'custom', backend: PLATFORM, delegationConfig: { delegationId: 'd' }, approve: () => true,
    async fetch(request) {
      if (request.url.startsWith(SELLER)) {
        const kind = request.headers.has('payment-signature') ? 'paid' : 'bare';
        calls[kind]++;
        return (kind === 'paid' ? paid : bare)(request);
      }
      if (request.url.endsWith('/x402/permissions')) {
        calls.mints++;
        return Response.json({ accessToken: TOKEN }, { status: 201 });
      }
      calls.other++;
      return Response.json({ code: 'BCK.X', message: 'not here' }, { status: 404 });
    },
  });
  return { calls, ask: () => payments.fetch(`${SELLER}/ask`, { method: 'POST', body: 'a question' }) };
}

const within = (promise) => Promise.race([
  promise,
  new Promise((_, reject) => setTimeout(() => reject(new Error('the promise hangs')), 20_000).unref()),
]);

const deep = (levels) => `${'['.repeat(levels)}${']'.repeat(levels)}`;

describe('a 402 that makes no offer is an error, and nothing is paid', () => {
  const headers = {
    'an empty header': '',
    'a space': ' ',
    'no base64': '{"x402Version":2}',
    'base64 cut in the middle': GOOD.slice(0, GOOD.length / 2),
    'base64 cut by one': GOOD.slice(0, -1).replace(/=+$/, '').slice(0, -1),
    'padding in the middle': `${GOOD.slice(0, 8)}==${GOOD.slice(8)}`,
    'a letter of no alphabet': `${GOOD.slice(0, 10)}!${GOOD.slice(11)}`,
    'not UTF-8': Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]).toString('base64'),
    'NUL bytes': Buffer.alloc(64).toString('base64'),
    'no JSON': text('hello'),
    'JSON cut': text(JSON.stringify(offer()).slice(0, -2)),
    'JSON with a tail': text(`${JSON.stringify(offer())} x`),
    'a number': text('42'),
    'null': text('null'),
    'a string': text('"x402"'),
    'an array': text([offer()]),
    'an empty object': text({}),
    'version 1': text(offer({ x402Version: 1 })),
    'version 3': text(offer({ x402Version: 3 })),
    'version as text': text(offer({ x402Version: '2' })),
    'no accepts': text(offer({ accepts: undefined })),
    'accepts null': text(offer({ accepts: null })),
    'accepts an object': text(offer({ accepts })),
    'accepts empty': text(offer({ accepts: [] })),
    'accepts of numbers': text(offer({ accepts: [1, 2] })),
    'no plan': text(offer({}, { planId: undefined })),
    'a plan that is null': text(offer({}, { planId: null })),
    'a plan that is a number': text(offer({}, { planId: 77 })),
    'a plan that is no number': text(offer({}, { planId: '../../sandbox/reset' })),
    'a plan of 200 digits': text(offer({}, { planId: '9'.repeat(200) })),
    'no scheme': text(offer({}, { scheme: undefined })),
    'a scheme of somebody else': text(offer({}, { scheme: 'exact' })),
    'no network': text(offer({}, { network: undefined })),
    'nested deep': text(deep(2000)),
    'nested deep inside': text(`{"x402Version":2,"accepts":${deep(500)}}`),
    'larger than any header': text(offer({ extensions: { padding: 'x'.repeat(70_000) } })),
    'a hundred thousand letters': 'A'.repeat(100_000),
    'credits that are negative': text(offer({}, { extra: { version: '1', credits: '-2' } })),
    'credits with a point': text(offer({}, { extra: { version: '1', credits: '0.5' } })),
    'credits beyond 256 bits': text(offer({}, { extra: { version: '1', credits: '9'.repeat(90) } })),
  };
  for (const [name, value] of Object.entries(headers)) {
    test(name, async () => {
      const { calls, ask } = await buyer({
        bare: () => new Response('pay', { status: 402, headers: { 'payment-required': value } }),
        paid: () => new Response('free lunch'),
      });
      const error = await within(ask()).then(() => assert.fail('it resolved'), (error) => error);
      assert.ok(error instanceof PaymentsError, String(error?.stack ?? error));
      assert.match(error.code, /^[a-z_]+$/);
      assert.ok(error.message.length < 300, error.message);
      assert.equal(error.spend.outcome, 'none');
      assert.equal(error.response?.status, 402);
      assert.deepEqual(calls, { bare: 1, paid: 0, mints: 0, other: 0 });
    });
  }
});

test('a 402 without a header and without an x402 body is an ordinary response', async () => {
  for (const body of ['pay', '', '<title>Pay</title>', '{"error":{"code":"card_declined"}}', '{"accepts":[]}', 'null', '[]']) {
    const given = new Response(body, { status: 402 });
    const { calls, ask } = await buyer({ bare: () => given });
    const { response, spend } = await within(ask());
    assert.deepEqual([response.status, await response.text(), spend.outcome], [402, body, 'none']);
    assert.deepEqual(calls, { bare: 1, paid: 0, mints: 0, other: 0 });
  }
});

describe('whatever receipt comes, the answer is handed over and the outcome is not made up', () => {
  const receipt = { success: true, transaction: '0xabc', network: 'eip155:84532', creditsRedeemed: '2', remainingBalance: '98' };
  const receipts = {
    'no header': [undefined, 'unknown'],
    'an empty header': ['', 'unknown'],
    'no base64': ['%%%', 'unknown'],
    'no JSON': [text('hello'), 'unknown'],
    'JSON cut': [text(JSON.stringify(receipt).slice(0, -5)), 'unknown'],
    'null': [text('null'), 'unknown'],
    'an array': [text([receipt]), 'unknown'],
    'no success': [text({ ...receipt, success: undefined }), 'unknown'],
    'success as text': [text({ ...receipt, success: 'yes' }), 'unknown'],
    'too large': [text({ ...receipt, padding: 'x'.repeat(70_000) }), 'unknown'],
    'nested deep': [text(deep(2000)), 'unknown'],
    'good': [text(receipt), 'settled'],
    'good, without padding': [text(receipt).replace(/=+$/, ''), 'settled'],
    'good, in the other alphabet': [Buffer.from(JSON.stringify(receipt)).toString('base64url'), 'settled'],
    'good, with nulls and more': [text({ ...receipt, payer: null, orderTx: null, future: { a: [1] } }), 'settled'],
  };
  for (const [name, [value, outcome]] of Object.entries(receipts)) {
    test(name, async () => {
      const { calls, ask } = await buyer({
        bare: () => new Response('pay', { status: 402, headers: { 'payment-required': GOOD } }),
        paid: () => new Response('the answer', { headers: value === undefined ? {} : { 'payment-response': value } }),
      });
      const { response, receipt, spend } = await within(ask());
      assert.equal(await response.text(), 'the answer');
      assert.equal(spend.outcome, outcome);
      assert.equal(receipt?.success, outcome === 'settled' ? true : undefined);
      assert.equal(spend.creditsPresented, 2n);
      assert.deepEqual(calls, { bare: 1, paid: 1, mints: 1, other: 0 });
    });
  }
});

describe('a fetch that fails in odd ways rejects, and never hangs', () => {
  const failures = {
    'a string is thrown': () => { throw 'why'; },
    'undefined is thrown': () => { throw undefined; },
    'a number is rejected with': () => Promise.reject(7),
    'an object without a prototype': () => Promise.reject(Object.create(null)),
    'no response': () => undefined,
    'a plain object': () => ({ status: 200 }),
    'a body that breaks': () => new Response(new ReadableStream({ start(controller) { controller.error('torn'); } }), { status: 402, headers: { 'payment-required': '' } }),
  };
  for (const [name, bare] of Object.entries(failures)) {
    test(name, async () => {
      const { calls, ask } = await buyer({ bare, paid: () => new Response('free lunch') });
      const error = await within(ask()).then(() => assert.fail('it resolved'), (error) => error);
      assert.ok(error instanceof PaymentsError, String(error?.stack ?? error));
      assert.equal(error.spend.outcome, 'none');
      assert.deepEqual(calls, { bare: 1, paid: 0, mints: 0, other: 0 });
    });
  }
});

describe('once a token was sent, a fetch that fails leaves an unknown outcome, and is not repeated', () => {
  const failures = {
    'a string is thrown': () => { throw 'why'; },
    'nothing is rejected with': () => Promise.reject(),
    'a TypeError, as for a lost connection': () => Promise.reject(new TypeError('fetch failed')),
    'no response': () => undefined,
    'a plain object': () => ({ status: 200 }),
  };
  for (const [name, paid] of Object.entries(failures)) {
    test(name, async () => {
      const bare = () => new Response('pay', { status: 402, headers: { 'payment-required': GOOD } });
      const { calls, ask } = await buyer({ bare, paid });
      const error = await within(ask()).then(() => assert.fail('it resolved'), (error) => error);
      assert.ok(error instanceof PaymentsError, String(error?.stack ?? error));
      assert.equal(error.code, 'outcome_unknown');
      assert.equal(error.retryable, false);
      assert.equal(error.spend.outcome, 'unknown');
      assert.equal(error.spend.creditsPresented, 2n);
      assert.deepEqual(calls, { bare: 1, paid: 1, mints: 1, other: 0 });
    });
  }
});
