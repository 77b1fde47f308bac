// Price, hooks, handler and origin see one and the same request (rule 16), whatever its spelling; and no more of an
// unpaid body is read than a price needs (rule 20).
import assert from 'node:assert/strict';
import { createServer, request as httpRequest } from 'node:http';
import { once as event } from 'node:events';
import { test } from 'node:test';
import { Hono } from 'hono';
import { honoPaywall } from '../../target/dist/subscriber/paywall.js';
import { toNodeListener } from '../../target/dist/subscriber/paywall.node.js';
import { PLAN, raw, readHeader, token } from '../workerd/harness.mjs';
import { facilitator, gated, captureLog, options } from './harness.mjs';

const byPath = async (request) => (new URL(request.url).pathname === '/files/big' ? 100 : 1);
const FILES = { 'GET /files/*path': { planId: PLAN, credits: byPath } };
const SPELLINGS = ['/files/big', '//files/big', '/files//big', '/files/big/', '/FILES/big', '/files/%62ig', '/files/./big', '/x/../files/big', '/files/big?', '/files/big?x=1'];

const settled = () => facilitator.calls.filter(({ call }) => call === 'settle').map(({ body }) => body.maxAmount);

for (const path of SPELLINGS) {
  test(`library: ${path} costs what /files/big costs, and is handled as that`, async () => {
    const hooked = [];
    const { ask, requests } = gated({ routes: FILES, onBeforeVerify: ({ url }) => { hooked.push(url); }, onAfterVerify: ({ url }) => { hooked.push(url); }, onAfterSettle: ({ url }) => { hooked.push(url); } });
    assert.equal((await ask(path, { method: 'GET' })).status, 200);
    assert.deepEqual(settled(), ['100']);
    const [{ request }] = requests;
    assert.equal(new URL(request.url).pathname, '/files/big');
    assert.deepEqual(hooked, [request.url, request.url, request.url]);
  });
}

test('node: no spelling on the wire is delivered for less', async () => {
  const { gate, requests } = gated({ routes: FILES });
  const server = createServer(toNodeListener(gate)).listen(0, '127.0.0.1');
  await event(server, 'listening');
  const url = `http://127.0.0.1:${server.address().port}`;
  for (const path of [...SPELLINGS, '/files/%2562ig', '/files/big;x', '/files/big%00', '/files%2fbig', '/files\\big', `${url}/FILES//big`]) {
    facilitator.reset();
    const before = requests.length;
    const { status } = await raw(url, `GET ${path} HTTP/1.1\r\nHost: ${new URL(url).host}\r\npayment-signature: ${token()}\r\nConnection: close\r\n\r\n`);
    if (requests.length > before) assert.deepEqual([status, settled()], [200, ['100']], path);
    else assert.equal(status, 400, path);
  }
  server.closeAllConnections();
  server.close();
});

test('price functions and hooks see what no client can forge, and no token', async () => {
  const shown = [];
  const look = (request) => { shown.push([...request.headers].filter(([name]) => /pay|secret|x-own/.test(name))); };
  const { ask } = gated({
    routes: { 'POST /ask': { planId: PLAN, credits: (request) => { look(request); return 2; } } }, tokenHeader: 'x-secret',
    onBeforeVerify: look, onAfterVerify: look, onAfterSettle: look, onPaymentError: (error, request) => look(request),
  });
  const forged = { 'x-payment-payer': 'somebody', 'x-payment-credits': '0', 'x-own': 'mine', 'payment-signature': 'x' };
  assert.equal((await ask('/ask', { paid: false, headers: { ...forged, 'x-secret': token() } })).status, 200);
  assert.equal((await ask('/ask', { paid: false, headers: forged })).status, 402);
  assert.deepEqual(shown, Array(6).fill([['x-own', 'mine']]));
});

test('a body that hooks and a price function read is the handler\'s all the same', async () => {
  const read = [];
  const reads = (name) => async (request) => { read.push([name, await request.clone().text()]); };
  const { ask, requests } = gated({
    routes: { 'POST /ask': { planId: PLAN, credits: async (request) => (await request.text()).length } },
    onBeforeVerify: reads('before'), onAfterVerify: reads('after'),
  });
  assert.equal((await ask('/ask', { body: 'seven!!' })).status, 200);
  assert.deepEqual(read, [['before', 'seven!!'], ['after', 'seven!!']]);
  assert.equal(await requests[0].request.text(), 'seven!!');
  assert.deepEqual(settled(), ['7']);
});

const HONO = {
  'GET /docs/index': { planId: PLAN, credits: 1 }, 'GET /docs/*path': { planId: PLAN, credits: 100 }, 'GET /users/:id': { planId: PLAN, credits: 3 },
  ...FILES,
};
function honoApp(more = {}, make = () => new Hono()) {
  const ran = [];
  const app = make();
  app.use(honoPaywall(options({ routes: HONO, openRoutes: ['GET /docs/free'], ...more })));
  for (const [path, name] of [['/docs/index', 'index'], ['/docs/free', 'free'], ['/docs/*', 'docs'], ['/users/:id', 'user'], ['/files/big', 'big'], ['/files/*', 'file']]) {
    app.get(path, (c) => { ran.push(name); return c.text(name); });
  }
  return { app, ran };
}
const WORTH = { index: 1, docs: 100, user: 3, big: 100, file: 1, free: 0 };

for (const strict of [true, false]) {
  test(`hono, strict ${strict}: the handler that runs is the one that was paid for, or none`, async () => {
    const { app, ran } = honoApp({}, () => new Hono({ strict }));
    const paths = ['/docs/index', '/docs/INDEX', '/docs/index/', '/docs//index', '//docs/index', '/Docs/index', '/docs/%69ndex', '/docs/free', '/docs/FREE', '/docs/free/', '/docs//free',
      '/docs/other', '/docs/other/', '/docs//other', '/docs/Other', '/users/7', '/users/7/', '//users/7', '/users/a%40b', '/users/a@b', '/USERS/7', ...SPELLINGS, '/files/BIG', '/files/a%40b'];
    for (const path of paths) {
      for (const method of ['GET', 'HEAD']) {
        facilitator.reset();
        ran.length = 0;
        const answer = await app.request(`http://shop.example${path}`, { method, headers: { 'payment-signature': token() } });
        const [name] = ran;
        if (!name) assert.ok([400, 404].includes(answer.status), `${method} ${path}: ${answer.status}`);
        else assert.deepEqual(settled(), WORTH[name] === 0 ? [] : [String(WORTH[name])], `${method} ${path}: ${name}`);
      }
    }
  });
}

test('hono: a path in another spelling is refused by name, unpaid and with a token, before anybody is asked', async () => {
  const { app, ran } = honoApp();
  for (const path of ['/docs/INDEX', '/docs/index/', '/docs//index', '/docs/FREE', '/files/big/']) {
    for (const headers of [{}, { 'payment-signature': token() }]) {
      facilitator.reset();
      const answer = await app.request(path, { headers });
      const { code, message } = await answer.json();
      assert.deepEqual([answer.status, code, facilitator.calls.length], [400, 'path_not_canonical', 0], path);
      assert.match(message, /\/docs\/index|\/docs\/free|\/files\/big/);
    }
  }
  assert.deepEqual(ran, []);
  for (const path of ['/docs/index', '/docs/other', '/users/a%40b', '/users/%C3%BC']) {
    assert.equal((await app.request(path, { headers: { 'payment-signature': token() } })).status, 200, path);
  }
});

test('maxBodyBytes: a price function reads no more of a body than that, and the answer is a 413 that says that nothing was charged', async () => {
  for (const [maxBodyBytes, size, status] of [[undefined, 1024 * 1024, 200], [undefined, 1024 * 1024 + 1, 413], [10, 10, 200], [10, 11, 413]]) {
    facilitator.reset();
    const { ask, requests } = gated({ routes: { 'POST /ask': { planId: PLAN, credits: async (request) => { await request.text(); return 1; } } }, ...(maxBodyBytes && { maxBodyBytes }) });
    const answer = await ask('/ask', { body: 'x'.repeat(size) });
    assert.equal(answer.status, status, String(size));
    if (status === 200) assert.equal((await requests[0].request.text()).length, size);
    else {
      const { code, message } = await answer.json();
      assert.deepEqual([code, facilitator.calls.length], ['body_too_large', 0]);
      assert.match(message, /Nothing was charged/);
      assert.equal(readHeader(answer.headers.get('payment-response')).success, false);
    }
  }
  // One that does not read it takes any.
  const { ask, requests } = gated({ routes: { 'POST /ask': { planId: PLAN, credits: () => 1 } }, onBeforeVerify() {} });
  assert.equal((await ask('/ask', { body: 'x'.repeat(3_000_000) })).status, 200);
  assert.equal((await requests[0].request.text()).length, 3_000_000);
});

for (const [name, credits, status] of [['price by the body', async (request) => (await request.text()).length, 413], ['fixed price', 2, 402]]) {
  test(`node: of an upload that nobody has paid for no more is in memory than is needed, ${name}`, async () => {
    const { gate } = gated({ routes: { 'POST /ask': { planId: PLAN, credits } } });
    const server = createServer(toNodeListener(gate)).listen(0, '127.0.0.1');
    await event(server, 'listening');
    const sent = httpRequest({ port: server.address().port, host: '127.0.0.1', path: '/ask', method: 'POST' });
    sent.on('error', () => {});
    const answered = event(sent, 'response');
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    for (let at = 0; at < 100 && !sent.destroyed; at++) {
      if (!sent.write(chunk)) await Promise.race([event(sent, 'drain'), new Promise((done) => setTimeout(done, 500))]);
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    sent.end();
    const [answer] = await answered;
    assert.equal(answer.statusCode, status);
    assert.ok(most < 40_000_000, `${most} bytes were held`);
    server.closeAllConnections();
    server.close();
  });
}

test('price_failed says that nothing was charged, and carries a receipt that says so', async () => {
  const { ask } = gated({ routes: { 'POST /ask': { planId: PLAN, credits: () => { throw new Error('x'); } } } });
  await captureLog(async () => {
    const answer = await ask();
    assert.match((await answer.json()).message, /Nothing was charged/);
    assert.equal(readHeader(answer.headers.get('payment-response')).success, false);
  });
});

test('a gate that is closed, and a request that is none, say so too', async () => {
  const { ask } = gated({ state: 'nowhere' });
  await captureLog(async () => {
    const answer = await ask();
    assert.deepEqual([answer.status, readHeader(answer.headers.get('payment-response')).success], [500, false]);
    assert.match((await answer.json()).message, /Nothing was charged/);
  });
  const server = createServer(toNodeListener(() => new Response('x'))).listen(0, '127.0.0.1');
  await event(server, 'listening');
  const { status, answer } = await raw(`http://127.0.0.1:${server.address().port}`, `GET /ask HTTP/1.1\r\nHost: a b\r\npayment-signature: ${token()}\r\nConnection: close\r\n\r\n`);
  assert.equal(status, 400);
  assert.match(answer, /payment-response: .*Nothing was charged/s);
  server.closeAllConnections();
  server.close();
});
