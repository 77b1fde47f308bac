// Rules of money that only a platform with bodies can show, as tables: 1 (what is not a 402 is not touched) and 7 (a body is
// sent again whole, or the call says so before anything is paid).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Payments } from '../../target/dist/subscriber/index.js';

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const KEY = `local:${part({ alg: 'none' })}.${part({ sub: `0x${'1'.repeat(40)}` })}.c2ln`;
const PLATFORM = 'http://127.0.0.1:1002';
const ASK = 'http://127.0.0.1:1001/ask';
const accepts = { scheme: 'nvm:erc4337', network: 'eip155:84532', planId: '77', extra: { version: '1', credits: '2' } };
const header = (value) => Buffer.from(JSON.stringify(value)).toString('base64');
const OFFER = header({ x402Version: 2, resource: { url: '/ask' }, accepts: [accepts], extensions: {} });
/** The same terms at another price: a refusal with an offer that differs is paid again, once it is agreed to. */
const DEARER = header({ x402Version: 2, resource: { url: '/ask' }, accepts: [{ ...accepts, extra: { version: '1', credits: '3' } }], extensions: {} });
const TOKEN = part({ x402Version: 2, accepted: accepts, payload: { signature: '0x', authorization: { from: '0x1' } }, extensions: {} });
const RECEIPT = header({ success: true, transaction: '0x', network: 'eip155:84532', creditsRedeemed: '2', remainingBalance: '98' });

/** A buyer who says yes, at a seller: `answer(request, token)`. */
async function buyer(answer) {
  const calls = { seller: 0, asked: 0, mints: 0 };
  const payments = await Payments.getInstance({
    nvmApiKey: KEY, environment: 'custom', backend: PLATFORM, delegationConfig: { delegationId: 'd' },
    approve: () => Boolean(++calls.asked),
    async fetch(request) {
      if (request.url.startsWith(PLATFORM)) {
        calls.mints += 1;
        return Response.json({ accessToken: TOKEN }, { status: 201 });
      }
      calls.seller += 1;
      return answer(request, request.headers.has('payment-signature'));
    },
  });
  return { payments, calls };
}

describe('rule 1: what is not a 402 comes back as it came', () => {
  const answers = {
    'an answer': () => new Response('words'),
    'an answer that streams': () => new Response(new ReadableStream({})),
    'nothing': () => new Response(null, { status: 204 }),
    'an error': () => new Response('no', { status: 403 }),
    'an error of the server': () => new Response('oops', { status: 500 }),
    'an offer that nobody asks for': () => new Response('words', { headers: { 'payment-required': OFFER } }),
  };
  for (const [name, make] of Object.entries(answers)) {
    test(name, async () => {
      const given = make();
      const { payments, calls } = await buyer(() => given);
      const { response, spend } = await payments.fetch(ASK);
      assert.equal(response, given, 'the same object');
      assert.equal(given.bodyUsed || given.body?.locked === true, false);
      assert.deepEqual([spend.outcome, calls], ['none', { seller: 1, asked: 0, mints: 0 }]);
    });
  }
});

const MEBIBYTE = 1024 * 1024;
const stream = (...chunks) => new ReadableStream({
  pull(controller) {
    if (chunks.length === 0) controller.close();
    else controller.enqueue(chunks.shift());
  },
});
const bytes = (size) => new Uint8Array(size).fill(120);

describe('rule 7: a body is sent again whole', () => {
  const form = () => {
    const data = new FormData();
    data.append('question', 'why');
    data.append('file', new Blob(['words']), 'a.txt');
    return data;
  };
  // A Request gives its body as a stream, whatever it was made of: what is longer is given as it is.
  const LONG = true;
  // Bodies, and the content type of each.
  const bodies = {
    'a text longer than a stream may be': [() => 'x'.repeat(MEBIBYTE + 1), /^text\/plain/, LONG],
    'a Blob longer than a stream may be': [() => new Blob([bytes(MEBIBYTE + 1)]), undefined, LONG],
    'a text': [() => 'why', /^text\/plain/],
    'an empty text': [() => '', /^text\/plain/],
    'a typed array': [() => new Uint8Array([1, 2, 255]), undefined],
    'a part of a buffer': [() => new Uint8Array([0, 1, 2, 3]).subarray(1, 3), undefined],
    'a buffer': [() => new Uint8Array([1, 2, 255]).buffer, undefined],
    'a Blob': [() => new Blob(['why'], { type: 'text/x' }), /^text\/x$/],
    'a form': [form, /^multipart\/form-data; boundary=/],
    'parameters': [() => new URLSearchParams({ q: 'why not' }), /^application\/x-www-form-urlencoded/],
    'a stream': [() => stream(bytes(3), bytes(4)), undefined],
    'a stream that just fits': [() => stream(bytes(MEBIBYTE - 1), bytes(1)), undefined],
    'none': [() => undefined, undefined],
  };
  for (const [name, [make, type, long]] of Object.entries(bodies)) {
    for (const [how, given] of [
      ['in init', () => [ASK, { method: 'POST', body: make(), duplex: 'half' }]],
      ['in a Request', () => [new Request(ASK, { method: 'POST', body: make(), duplex: 'half' })]],
    ].slice(0, long ? 1 : 2)) {
      test(`${name}, ${how}`, async () => {
        const sent = [];
        const { payments, calls } = await buyer(async (request, token) => {
          const type = request.headers.get('content-type');
          // The line between the parts of a form is made anew with each request.
          const line = /boundary=(.*)$/.exec(type ?? '')?.[1];
          const whole = Buffer.from(await request.arrayBuffer()).toString('latin1');
          sent.push({ type, method: request.method, body: line ? whole.replaceAll(line, 'line') : whole });
          return token && sent.length > 2 ? new Response('ok', { headers: { 'payment-response': RECEIPT } })
            : new Response('pay', { status: 402, headers: { 'payment-required': token ? DEARER : OFFER } });
        });
        const { spend } = await payments.fetch(...given());
        assert.equal(spend.outcome, 'settled');
        assert.deepEqual(calls, { seller: 3, asked: 2, mints: 2 }, 'bare, refused at another price, paid');
        const body = make();
        const plain = body instanceof FormData ? sent[0].body : Buffer.from(await new Response(body).arrayBuffer()).toString('latin1');
        for (const one of sent) {
          assert.deepEqual([one.method, one.body], ['POST', plain]);
          if (type) assert.match(one.type, type);
          else assert.equal(one.type, null);
        }
      });
    }
  }
});

describe('rule 7: a body that cannot be sent again is refused before anything is sent', () => {
  const used = () => {
    const request = new Request(ASK, { method: 'POST', body: 'why' });
    return request.text().then(() => request);
  };
  const locked = () => {
    const body = stream(bytes(1));
    body.getReader();
    return body;
  };
  const cases = {
    'a stream too long': [() => [ASK, { method: 'POST', body: stream(bytes(MEBIBYTE), bytes(1)), duplex: 'half' }], 'body_not_replayable'],
    'a Request of a stream too long': [
      () => [new Request(ASK, { method: 'POST', body: stream(bytes(MEBIBYTE + 1)), duplex: 'half' })], 'body_not_replayable'],
    'a Request of a text too long': [
      () => [new Request(ASK, { method: 'POST', body: 'x'.repeat(MEBIBYTE + 1) })], 'body_not_replayable'],
    'a stream without an end': [
      () => [ASK, { method: 'POST', body: new ReadableStream({ pull(c) { c.enqueue(bytes(65_536)); } }), duplex: 'half' }], 'body_not_replayable'],
    'a stream that breaks': [
      () => [ASK, { method: 'POST', body: new ReadableStream({ pull() { throw new Error('torn'); } }), duplex: 'half' }], 'invalid_request'],
    'a stream of somebody else': [() => [ASK, { method: 'POST', body: locked(), duplex: 'half' }], 'invalid_request'],
    'a Request that was read': [async () => [await used()], 'invalid_request'],
    'a body with a GET': [() => [ASK, { method: 'GET', body: 'why' }], 'invalid_request'],
  };
  for (const [name, [make, code]] of Object.entries(cases)) {
    test(name, async () => {
      const { payments, calls } = await buyer(() => assert.fail('it was sent'));
      const error = await payments.fetch(...await make()).then(() => assert.fail('it resolved'), (error) => error);
      assert.equal(error.code, code, error.stack);
      assert.deepEqual(calls, { seller: 0, asked: 0, mints: 0 });
    });
  }
});
