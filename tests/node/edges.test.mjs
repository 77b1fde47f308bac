// Edge cases of a caller in a paid fetch: odd bodies, aborts and logouts at odd moments, redirects elsewhere.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { Payments } from '../../target/dist/subscriber/index.js';

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const KEY = `local:${part({ alg: 'none' })}.${part({ sub: `0x${'1'.repeat(40)}` })}.c2ln`;
const SELLER = 'http://127.0.0.1:1001';
const PLATFORM = 'http://127.0.0.1:1002';
const ASK = `${SELLER}/ask`;
const accepts = { scheme: 'nvm:erc4337', network: 'eip155:84532', planId: '77', extra: { version: '1', credits: '2' } };
const header = (value) => Buffer.from(JSON.stringify(value)).toString('base64');
const OFFER = header({ x402Version: 2, resource: { url: '/ask' }, accepts: [accepts], extensions: {} });
const TOKEN = part({ x402Version: 2, accepted: accepts, payload: { signature: '0x', authorization: { from: '0x1' } }, extensions: {} });
const receipt = (left) => header({ success: true, transaction: '0x', network: 'eip155:84532', creditsRedeemed: '2', remainingBalance: left });
const need = () => new Response('pay', { status: 402, headers: { 'payment-required': OFFER } });
const paid = (left = '98') => new Response('ok', { headers: { 'payment-response': receipt(left) } });
const sell = (request, token) => (token ? paid() : need());

async function buyer(seller, options = {}, balance = { balance: '0' }) {
  const requests = [];
  const orders = [];
  const payments = await Payments.getInstance({
    nvmApiKey: KEY, environment: 'custom', backend: PLATFORM, delegationConfig: { delegationId: 'd' }, approve: () => true,
    async fetch(request) {
      if (!request.url.startsWith(PLATFORM)) {
        const token = request.headers.has('payment-signature');
        requests.push({ url: request.url, token, method: request.method, auth: request.headers.get('authorization'), body: await request.clone().text() });
        return seller(request, token);
      }
      if (request.url.endsWith('/x402/permissions')) return Response.json({ accessToken: TOKEN }, { status: 201 });
      if (request.url.endsWith('/order')) orders.push(request.url);
      return Response.json(request.url.endsWith('/order') ? { success: true } : balance);
    },
    ...options,
  });
  return { payments, requests, orders };
}

const within = (promise) => {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('the promise hangs')), 20_000); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};
const failure = (promise) => within(promise).then(() => assert.fail('it resolved'), (error) => error);
const later = (act) => setTimeout(act, 20);

describe('what is paid for is what was asked', () => {
  const put = () => new Request(ASK, { method: 'PUT', body: 'question', headers: { authorization: 'me' } });
  const without = (request) => Object.defineProperty(request, 'body', { value: undefined });
  const stream = (chunk) => ({ method: 'PUT', duplex: 'half', headers: { authorization: 'me' }, body: chunk });
  const cases = {
    'a stream of Node': () => [ASK, stream(Readable.from([Buffer.from('question')]))],
    'a generator': () => [ASK, stream((async function* generate() { yield Buffer.from('question'); })())],
    'a stream of strings': () => [ASK, stream(new ReadableStream({ start(c) { c.enqueue('question'); c.close(); } }))],
    'members that are undefined': () => [put(), { method: undefined, headers: undefined, body: undefined }],
    'a Request as the second argument': () => [ASK, put()],
    'a Request where Request.body is missing': () => [without(put())],
  };
  for (const [name, make] of Object.entries(cases)) {
    test(name, async () => {
      const { payments, requests } = await buyer(sell);
      await within(payments.fetch(...make()));
      const asked = { url: ASK, method: 'PUT', auth: 'me', body: 'question' };
      assert.deepEqual(requests, [{ ...asked, token: false }, { ...asked, token: true }]);
    });
  }
});

describe('an abort or a logout ends a fetch at once', () => {
  const hang = () => new Promise(() => {});
  const cases = {
    'abort while a body that is a stream is read': { body: new ReadableStream({}), by: 'abort' },
    'abort while the body of a 402 is read': { seller: () => new Response(new ReadableStream({}), { status: 402 }), by: 'abort' },
    'logout while the seller is silent': { seller: hang, by: 'logout' },
    'logout while somebody is asked': { options: { approve: hang }, by: 'logout' },
  };
  for (const [name, { body, seller = sell, options, by }] of Object.entries(cases)) {
    test(name, async () => {
      const controller = new AbortController();
      const { payments } = await buyer(seller, options);
      const init = { method: body ? 'POST' : 'GET', body, duplex: 'half', signal: controller.signal };
      const promise = payments.fetch(ASK, init);
      later(() => (by === 'abort' ? controller.abort() : payments.logout()));
      assert.equal((await failure(promise)).code, by === 'abort' ? 'aborted' : 'session_ended');
    });
  }

  for (const by of ['abort', 'logout']) {
    for (const at of ['consent', 'mint', 'paid']) {
      test(`${by} when told of ${at}: no token goes out`, async () => {
        const controller = new AbortController();
        let payments;
        const onEvent = ({ type }) => { if (type === at) by === 'abort' ? controller.abort() : payments.logout(); };
        const made = await buyer(sell, { onEvent });
        payments = made.payments;
        await failure(payments.fetch(ASK, { signal: controller.signal }));
        assert.deepEqual(made.requests.filter(({ token }) => token), []);
      });
    }
  }

  test('a signal that has fired already orders nothing', async () => {
    const options = { approve: undefined, policy: { purchase: true, plans: ['77'], origins: [SELLER] } };
    const balance = { balance: '2' };
    const { payments, orders } = await buyer((_, token) => (token ? paid('0') : need()), options, balance);
    await payments.fetch(ASK);
    balance.balance = '0';
    assert.equal((await failure(payments.fetch(ASK, { signal: AbortSignal.abort() }))).code, 'aborted');
    await new Promise(later);
    assert.deepEqual(orders, []);
  });

  test('waitForCredits ends when its signal fires, not after its pause', async () => {
    const { payments } = await buyer(sell);
    const controller = new AbortController();
    const promise = payments.plans.waitForCredits('77', { signal: controller.signal });
    setTimeout(() => controller.abort(), 1000);
    assert.equal((await failure(promise)).code, 'aborted');
  });
});

test('the caller\'s own credentials do not follow a redirect to another origin', async () => {
  const elsewhere = 'http://127.0.0.1:1003/x';
  const { payments, requests } = await buyer((request, token) => {
    if (request.url === elsewhere) return new Response('');
    return token ? new Response(null, { status: 302, headers: { location: elsewhere } }) : need();
  });
  await within(payments.fetch(ASK, { headers: { authorization: 'me' } }));
  assert.deepEqual(requests.map(({ url, auth }) => [url, auth]), [[ASK, 'me'], [ASK, 'me'], [elsewhere, null]]);
});

test('a balance that cannot be read is not a balance of zero: nothing is bought', async () => {
  const approve = async (_, context) => {
    await context.balance();
    return { approve: true, purchase: true };
  };
  const { payments, orders } = await buyer(sell, { approve }, { message: 'what?' });
  assert.equal((await failure(payments.fetch(ASK))).code, 'approve_failed');
  assert.deepEqual(orders, []);
});

test('a refusal that prints the token is told without what it said', async () => {
  const { payments } = await buyer((request, token) => (token
    ? Response.json({ error: `no: ${request.headers.get('payment-signature')}` }, { status: 402 })
    : need()));
  const error = await failure(payments.fetch(ASK));
  assert.equal(error.message, 'the seller refused the payment');
});

test('a platform that redirects elsewhere is not followed: the key and the order stay', async (t) => {
  const listen = async (answer) => {
    const requests = [];
    const server = createServer((request, response) => { requests.push(request.headers); answer(response); });
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    t.after(() => { server.closeAllConnections(); server.close(); });
    return { url: `http://127.0.0.1:${server.address().port}`, requests };
  };
  const other = await listen((response) => response.end('{"success":true}'));
  const platform = await listen((response) => response.writeHead(307, { location: `${other.url}/api/v1/x` }).end());
  const payments = await Payments.getInstance({ nvmApiKey: KEY, environment: 'custom', backend: platform.url });
  assert.equal((await failure(payments.plans.orderPlan('77'))).code, 'http_307');
  assert.deepEqual([platform.requests.length, other.requests.length], [1, 0]);
});

test('outside a page a budget is not kept, and the option says so', async () => {
  for (const storage of ['session', 'local']) {
    const { payments, requests } = await buyer(sell, { budget: { storage } });
    for (const call of [() => payments.ready(), () => payments.fetch(ASK), () => payments.fetch(ASK)]) assert.equal((await failure(call())).code, 'storage_unavailable');
    assert.deepEqual(requests, [], 'nothing is sent that would not be counted');
  }
  const { code, message } = await failure(buyer(sell, { budget: { storage: 'disk' } }));
  assert.deepEqual([code, message], ['validation', "budget.storage must be 'session' or 'local'"]);
});
