// The gate in front of servers: node:http through `toNodeListener`, Hono, and what Deno and Bun hand over.
import assert from 'node:assert/strict';
import { createServer, request as httpRequest } from 'node:http';
import { once as event } from 'node:events';
import { test } from 'node:test';
import { toNodeListener } from '../../target/dist/subscriber/paywall.node.js';
import { honoPaywall } from '../../target/dist/subscriber/paywall.js';
import { PAYER, PLAN, raw, readHeader, token } from '../workerd/harness.mjs';
import { facilitator, gated, captureLog, options } from './harness.mjs';

async function served(handler, work) {
  const server = createServer(toNodeListener(handler));
  server.listen(0, '127.0.0.1');
  await event(server, 'listening');
  try {
    return await work(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
}

test('node: bodies are streamed both ways', async () => {
  const { gate } = gated({}, (request) => new Response(request.body.pipeThrough(new TransformStream({
    transform: (chunk, controller) => controller.enqueue(new TextEncoder().encode(new TextDecoder().decode(chunk).toUpperCase())),
  }))));
  await served(gate, async (url) => {
    const sent = httpRequest(`${url}/ask`, { method: 'POST', headers: { 'payment-signature': token() } });
    sent.write('one ');
    const [answer] = await event(sent, 'response');
    answer.setEncoding('utf8');
    const parts = answer[Symbol.asyncIterator]();
    assert.equal((await parts.next()).value, 'ONE ');
    sent.end('two');
    assert.equal((await parts.next()).value, 'TWO');
    assert.equal((await parts.next()).done, true);
    assert.ok(answer.headers['payment-response']);
  });
});

test('node: a client that goes away ends the handler\'s signal, and is not charged', async () => {
  let gone;
  const aborted = new Promise((resolve) => { gone = resolve; });
  const { gate } = gated({}, (request) => new Promise((resolve) => {
    request.signal.addEventListener('abort', () => { gone(); resolve(new Response('late')); });
    sent.destroy();
  }));
  let sent;
  await served(gate, async (url) => {
    sent = httpRequest(`${url}/ask`, { method: 'POST', headers: { 'payment-signature': token() } });
    sent.on('error', () => {});
    sent.end('x');
    await aborted;
    await new Promise((done) => setTimeout(done, 100));
    assert.equal(facilitator.count('settle'), 0);
  });
});

test('node: a reader that is slow is waited for', async () => {
  let pulled = 0;
  const { gate } = gated({}, () => new Response(new ReadableStream({ pull(controller) { pulled++; controller.enqueue(new Uint8Array(64 * 1024)); } })));
  await served(gate, async (url) => {
    const sent = httpRequest(`${url}/ask`, { method: 'POST', headers: { 'payment-signature': token() } }).end();
    const [answer] = await event(sent, 'response');
    answer.pause();
    await new Promise((done) => setTimeout(done, 300));
    assert.ok(pulled < 400, `${pulled} chunks were read for somebody who reads none`);
    answer.destroy();
  });
});

test('node: cookies, HEAD, 304, and a handler that throws', async () => {
  const answers = {
    '/cookies': () => new Response('x', { headers: [['set-cookie', 'a=1'], ['set-cookie', 'b=2']] }), '/304': () => new Response(null, { status: 304, headers: { etag: '"e"' } }),
    '/throws': () => { throw new Error('my own'); },
  };
  await served((request) => answers[new URL(request.url).pathname](), async (url) => {
    const get = (path, init) => fetch(url + path, init);
    assert.deepEqual((await get('/cookies')).headers.getSetCookie(), ['a=1', 'b=2']);
    assert.equal(await (await get('/cookies', { method: 'HEAD' })).text(), '');
    assert.equal((await get('/304')).status, 304);
    await captureLog(async () => {
      const answer = await get('/throws');
      assert.equal(answer.status, 500);
      assert.doesNotMatch(await answer.text(), /my own/);
    });
  });
});

test('node: a host that is none is a 400, and a path of two slashes is no host', async () => {
  const requests = [];
  await served((request) => { requests.push(request.url); return new Response('x'); }, async (url) => {
    for (const host of ['a/health?', 'a#', 'u@a', 'a b', '']) {
      assert.equal((await raw(url, `GET /paid HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).status, 400, host);
    }
    assert.deepEqual(requests, []);
    await raw(url, 'GET //evil.example/paid HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n');
    assert.deepEqual(requests, ['http://shop.example//evil.example/paid']);
  });
});

test('deno, bun: what they hand over beside a request is no configuration, and says the address', async () => {
  const limited = { routes: { 'POST /ask': { planId: PLAN, credits: 1, limit: { requests: 1, seconds: 60, by: 'address' } } }, state: 'memory' };
  for (const beside of [() => ({ remoteAddr: { hostname: '10.0.0.1', port: 1, transport: 'tcp' }, UNLISTED: undefined }), () => ({ requestIP: () => ({ address: '10.0.0.1' }), PORT: '1' })]) {
    const { ask, gate } = gated(limited);
    await captureLog(async () => {
      assert.deepEqual([(await ask('/ask', {}, beside())).status, (await ask('/ask', {}, beside())).status], [200, 429]);
    });
    await gate.close();
  }
});

test('hono: the chain behind the middleware is the handler', async () => {
  const { Hono } = await import('hono');
  const app = new Hono();
  const requests = [];
  app.use(async (c, next) => { await next(); c.header('x-outer', 'kept'); });
  app.use(honoPaywall(options({ routes: { 'POST /ask': { planId: PLAN, credits: 2 }, 'GET /fails': { planId: PLAN, credits: 1 } } })));
  app.get('/health', (c) => c.text('ok'));
  app.get('/fails', () => { throw new Error('x'); });
  app.post('/ask', async (c) => {
    const { payer, creditsToSettle } = c.get('paymentContext');
    requests.push([payer, creditsToSettle, c.req.header('payment-signature'), c.req.header('x-payment-payer')]);
    c.header('set-cookie', 'a=1');
    c.header('payment-response', 'forged');
    return c.json({ body: await c.req.text() });
  });
  app.get('/hidden', (c) => c.text('not listed'));

  const ask = (path, init) => app.request(`http://shop.example${path}`, init);
  const paid = { headers: { 'payment-signature': token() } };
  assert.equal(await (await ask('/health')).text(), 'ok');
  assert.equal((await ask('/hidden')).status, 404);
  assert.equal((await ask('/ask', { method: 'POST', body: 'b' })).status, 402);
  for (const path of ['/ASK', '/ask/', '//ask', '/%61sk']) {
    const answer = await ask(path, { method: 'POST', body: 'b' });
    assert.ok([400, 402, 404].includes(answer.status), `${path}: ${answer.status}`);
  }
  assert.deepEqual(requests, []);
  const answer = await ask('/ask', { method: 'POST', body: 'b', ...paid });
  assert.deepEqual(await answer.json(), { body: 'b' });
  assert.equal(readHeader(answer.headers.get('payment-response')).creditsRedeemed, '2');
  assert.deepEqual([answer.headers.get('x-outer'), answer.headers.getSetCookie()], ['kept', ['a=1']]);
  assert.deepEqual(requests, [[PAYER, 2, undefined, PAYER]]);
  facilitator.reset();
  await captureLog(async () => { assert.equal((await ask('/fails', paid)).status, 500); });
  assert.equal(facilitator.count('settle'), 0);
});
