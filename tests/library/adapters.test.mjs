// The same requests to the gate on each framework: node:http, Hono, Express, Fastify, and Next.js as a route handler and as a middleware. Each answers as
// the library alone does.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { describe, test } from 'node:test';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { paymentMiddleware } from '../../target/dist/subscriber/express.js';
import { paymentPlugin } from '../../target/dist/subscriber/fastify.js';
import * as next from '../../target/dist/subscriber/next.js';
import { Payments } from '../../target/dist/subscriber/node.js';
import { honoPaywall, paywall } from '../../target/dist/subscriber/paywall.js';
import { toNodeListener } from '../../target/dist/subscriber/paywall.node.js';
import { PLAN, SELLER_KEY, readHeader, token } from '../workerd/harness.mjs';
import { captureLog, facilitator, options } from './harness.mjs';

const ROUTE = { planId: PLAN, credits: 2 };
const ROUTES = { 'GET|POST /ask': ROUTE, 'GET /stream': ROUTE, 'GET /fails': ROUTE, 'GET /cookies': ROUTE, 'GET /empty': ROUTE };
const COMMON = { unlisted: 'pass', log: false, state: 'memory', timeoutMs: 5000 };

/** The answers of the service, by path. `requests` are the requests that reached it, `go` lets the stream go on. */
function service() {
  const state = { requests: [], go: undefined };
  state.answer = (method, path, body) => {
    state.requests.push(`${method} ${path}`);
    if (path === '/fails') return { status: 503, headers: [['content-type', 'application/json']], body: '{"error":"busy"}' };
    if (path === '/cookies') return { status: 201, headers: [['set-cookie', 'a=1'], ['set-cookie', 'b=2'], ['x-own', '1'], ['vary', 'Accept'], ['content-type', 'text/plain']], body: 'x' };
    if (path === '/empty') return { status: 204, headers: [['x-own', '1']], body: null };
    return { status: 200, headers: [['content-type', 'application/json']], body: JSON.stringify({ path, body }) };
  };
  state.stream = () => { state.requests.push('GET /stream'); return new Promise((go) => { state.go = go; }); };
  return state;
}

const asResponse = ({ status, headers, body }) => new Response(body, { status, headers });
/** A fetch handler of the service. */
const fetchService = (state) => async (request) => {
  const { pathname } = new URL(request.url);
  if (pathname !== '/stream') return asResponse(state.answer(request.method, pathname, await request.text()));
  const gone = state.stream();
  const encoder = new TextEncoder();
  return new Response(new ReadableStream({
    async start(controller) {
      controller.enqueue(encoder.encode('data: one\n\n'));
      await gone;
      controller.enqueue(encoder.encode('data: two\n\n'));
      controller.close();
    },
  }), { headers: { 'content-type': 'text/event-stream' } });
};
/** The same for a response of node:http. */
const writeNode = async (state, response, method, path, body) => {
  if (path === '/stream') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: one\n\n');
    await state.stream();
    return response.end('data: two\n\n');
  }
  const { status, headers, body: text } = state.answer(method, path, body);
  for (const [name, value] of headers) response.appendHeader(name, value);
  response.statusCode = status;
  return response.end(method === 'HEAD' ? undefined : text ?? undefined);
};

const listening = async (listener) => {
  const server = createServer({ maxHeaderSize: 64 * 1024 }, listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => new Promise((done) => { server.close(done); server.closeAllConnections(); }) };
};
const payments = () => Payments.getInstance({ nvmApiKey: SELLER_KEY, environment: 'custom', backend: facilitator.url });
const gateOptions = (more) => options({ ...COMMON, openRoutes: undefined, routes: ROUTES, ...more });

/** Each framework: `start(state, more)` gives the address and how it ends. `router` is false where the framework has chosen the route before. */
const FACES = {
  'the library': async (state, more) => {
    const gate = paywall(fetchService(state), gateOptions(more));
    const { url, stop } = await listening(toNodeListener(gate));
    return { url, stop: async () => { await stop(); await gate.close(); } };
  },
  'node:http behind a parser': async (state, more) => {
    const gate = paywall(fetchService(state), gateOptions(more));
    const listener = toNodeListener(gate);
    const { url, stop } = await listening((request, response) => express.raw({ type: '*/*' })(request, response, () => listener(request, response)));
    return { url, stop: async () => { await stop(); await gate.close(); } };
  },
  Hono: async (state, more) => {
    const gate = honoPaywall(gateOptions(more));
    const app = new Hono();
    app.use(gate);
    const handle = fetchService(state);
    app.all('*', async (c) => handle(c.req.raw));
    const { url, stop } = await listening(toNodeListener((request) => app.fetch(request)));
    return { url, stop: async () => { await stop(); await gate.close?.(); } };
  },
  ...Object.fromEntries([['Express', []], ['Express behind express.json()', [express.json()]]].map(([name, parsers]) => [name, async (state, more) => {
    const app = express();
    app.disable('x-powered-by');
    app.disable('etag');
    for (const parser of parsers) app.use(parser);
    const { routes = ROUTES, ...rest } = more ?? {};
    const middleware = paymentMiddleware(payments(), routes, { ...COMMON, ...rest });
    app.use(middleware);
    app.use(express.text({ type: '*/*' }));
    app.use((request, response, fail) => {
      const body = typeof request.body === 'string' ? request.body : request.body && Object.keys(request.body).length > 0 ? JSON.stringify(request.body) : '';
      writeNode(state, response, request.method, request.path, body).catch(fail);
    });
    const { url, stop } = await listening(app);
    return { url, stop: async () => { await stop(); await middleware.close(); } };
  }])),
  Fastify: async (state, more) => {
    const app = fastify({ exposeHeadRoutes: false });
    const { routes = ROUTES, ...rest } = more ?? {};
    app.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => done(null, body));
    app.removeContentTypeParser('application/json');
    app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => done(null, body));
    await app.register(paymentPlugin, { payments: payments(), routes, ...COMMON, ...rest });
    app.all('/*', async (request, reply) => {
      const path = request.url.split('?')[0];
      if (path === '/stream') {
        const { Readable } = await import('node:stream');
        const gone = state.stream();
        return reply.type('text/event-stream').send(Readable.from((async function* events() { yield 'data: one\n\n'; await gone; yield 'data: two\n\n'; })()));
      }
      const { status, headers, body } = state.answer(request.method, path, request.body ?? '');
      for (const [name, value] of headers) reply.header(name, value);
      return reply.code(status).send(body ?? undefined);
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    return { url: `http://127.0.0.1:${app.server.address().port}`, stop: () => app.close() };
  },
  'Next.js, a route handler': async (state, more) => {
    const { routes, ...rest } = more ?? {};
    const paid = next.paidRoute(payments, ROUTE, fetchService(state), { ...COMMON, unlisted: 'deny', ...rest });
    const handle = fetchService(state);
    // Its router: routes that are paid for have the handler, others another.
    const { url, stop } = await listening(toNodeListener((request) => (Object.keys(ROUTES).some((key) => key.endsWith(new URL(request.url).pathname)) ? paid(request, {}) : handle(request))));
    return { url, stop: async () => { await stop(); await paid.close(); } };
  },
  'Next.js, a middleware': async (state, more) => {
    const { routes = ROUTES, ...rest } = more ?? {};
    const middleware = next.paymentMiddleware(payments, routes, { ...COMMON, ...rest });
    const handle = fetchService(state);
    const { url, stop } = await listening(toNodeListener(async (request) => await middleware(request.clone()) ?? handle(request)));
    return { url, stop: async () => { await stop(); await middleware.close(); } };
  },
};

/** An answer without the values that differ from request to request. */
async function comparable(answer, requests) {
  const text = await answer.text();
  const json = (() => { try { return JSON.parse(text); } catch { return undefined; } })();
  const header = (name) => answer.headers.get(name);
  const receipt = header('payment-response') && readHeader(header('payment-response'));
  return {
    status: answer.status, code: json?.code, error: json?.error, members: json && Object.keys(json).sort(), text: json ? undefined : text,
    offer: header('payment-required') && readHeader(header('payment-required')).accepts.map(({ planId, scheme, extra }) => [planId, scheme, extra?.credits]),
    receipt: receipt && [receipt.success, receipt.creditsRedeemed, receipt.errorReason], cache: header('cache-control'), own: header('x-own'),
    retry: header('retry-after') && 'yes', cookies: answer.headers.getSetCookie(), type: header('content-type')?.split(';')[0],
    requests, charged: facilitator.count('settle'),
  };
}

const json = (response, status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const paid = { 'payment-signature': token() };
const BODY = { method: 'POST', body: '{"q":"hellö"}', headers: { 'content-type': 'application/json' } };
/** Requests, and how the facilitator answers. */
const CASES = {
  'no token': ['/ask', BODY],
  'no token, a GET': ['/ask?x=1'],
  'no token, HEAD': ['/ask', { method: 'HEAD' }],
  'a token that is none': ['/ask', { ...BODY, headers: { ...BODY.headers, 'payment-signature': 'garbage' } }],
  'a token for another plan': ['/ask', { ...BODY, headers: { ...BODY.headers, 'payment-signature': token({ planId: '7777' }) } }],
  'a token that the facilitator refuses': ['/ask', { ...BODY, headers: { ...BODY.headers, ...paid } }, { verify: (response) => json(response, 200, { isValid: false, invalidReason: 'insufficient_credits' }) }],
  'a facilitator that is down': ['/ask', { ...BODY, headers: { ...BODY.headers, ...paid } }, { verify: (response) => json(response, 503, {}) }],
  'a settlement that is refused': ['/ask', { ...BODY, headers: { ...BODY.headers, ...paid } }, { settle: (response) => json(response, 402, { success: false, errorReason: 'insufficient_credits' }) }],
  'paid, with a body': ['/ask', { ...BODY, headers: { ...BODY.headers, ...paid } }],
  'paid, a GET': ['/ask?x=1', { headers: paid }],
  'paid, HEAD': ['/ask', { method: 'HEAD', headers: paid }],
  'paid, cookies and headers of the service': ['/cookies', { headers: paid }],
  'paid, no body': ['/empty', { headers: paid }],
  'paid, and the service fails': ['/fails', { headers: paid }],
  'a route that is not listed': ['/free', { headers: {} }],
};

const BARE = new Set(['no token, HEAD', 'paid, HEAD']);

/** Sends a request to a face that is told nothing else. */
async function asked(face, path, init = {}, manners = {}) {
  facilitator.reset();
  Object.assign(facilitator, manners);
  const state = service();
  const { url, stop } = await FACES[face](state);
  try {
    return await comparable(await fetch(url + path, { redirect: 'manual', ...init }), state.requests);
  } finally {
    await stop();
  }
}

describe('each framework answers as the library alone', () => {
  for (const [name, [path, init, manners]] of Object.entries(CASES)) {
    test(name, async () => {
      await captureLog(async () => {
        const expected = await asked('the library', path, init, manners);
        if (BARE.has(name)) assert.equal(expected.text, '');
        for (const face of Object.keys(FACES).slice(1)) {
          const found = await asked(face, path, init, manners);
          assert.deepEqual(found, expected, `${face}: ${JSON.stringify(found)}`);
        }
      });
    });
  }
});

describe('on each framework', () => {
  for (const face of Object.keys(FACES)) {
    test(`${face}: what streams is there while the service still writes`, async () => {
      facilitator.reset();
      const state = service();
      const { url, stop } = await FACES[face](state);
      try {
        await captureLog(async () => {
          const answer = await fetch(`${url}/stream`, { headers: paid });
          const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
          assert.deepEqual([answer.status, await reader.read(), facilitator.count('settle')], [200, { done: false, value: 'data: one\n\n' }, 1]);
          state.go();
          assert.equal((await reader.read()).value, 'data: two\n\n');
          assert.equal((await reader.read()).done, true);
          assert.equal(readHeader(answer.headers.get('payment-response')).success, true);
        });
      } finally {
        await stop();
      }
    });

    // In Next.js a route handler is behind its router.
    if (face === 'Next.js, a route handler') continue;
    test(`${face}: no other spelling of a paid path is served unpaid`, async () => {
      facilitator.reset();
      const state = service();
      const { url, stop } = await FACES[face](state);
      try {
        await captureLog(async () => {
          for (const path of ['/ask/', '//ask', '/ASK', '/%61sk', '/ask;x', '/x/../ask', '/./ask', '/ask%2f', '/ask/.', '/ask?', '/%2e/ask', '\\ask'.replace('\\', '/%5c')]) {
            const status = await raw(url, path);
            assert.ok([400, 402, 404].includes(status), `${path}: ${status}`);
          }
          assert.deepEqual(state.requests.filter((one) => / \/ask\/?$/i.test(one)), []);
        });
      } finally {
        await stop();
      }
    });
  }

  test('Next.js: the offer names the host that the client asked, whatever Next.js calls itself; nothing is made before a request', async () => {
    const faces = [next.paidRoute(payments, ROUTE, () => new Response('x'), COMMON), next.paymentMiddleware(payments, ROUTES, COMMON)];
    for (const face of faces) {
      for (const [headers, url] of [
        [{ host: 'shop.example', 'x-forwarded-proto': 'https' }, 'https://shop.example/ask'], [{ host: '127.0.0.1:3000', 'x-forwarded-proto': 'http' }, 'http://127.0.0.1:3000/ask'],
        [{ host: 'shop.example', 'x-forwarded-proto': 'https, http' }, 'https://shop.example/ask'], [{}, 'http://localhost:3000/ask'],
      ]) {
        let answer;
        await captureLog(async () => { answer = await face(new Request('http://localhost:3000/ask', { headers }), {}); });
        assert.deepEqual([answer.status, readHeader(answer.headers.get('payment-required')).resource.url], [402, url], JSON.stringify(headers));
      }
      // A host that goes on as a path: a handler offers the address that Next.js shows, and a middleware, which would send the request on to it, refuses.
      const odd = await face(new Request('http://localhost:3000/ask', { headers: { host: 'shop.example/evil?' } }), {});
      if (face === faces[1]) assert.equal(odd.status, 400);
      else assert.deepEqual([odd.status, readHeader(odd.headers.get('payment-required')).resource.url], [402, 'http://localhost:3000/ask']);
      await face.close();
    }
    assert.throws(() => next.paidRoute(payments, ROUTE), /third argument/);
    // No key while the application is built: nothing is made until a request comes.
    const unbuilt = next.paidRoute(() => Payments.getInstance({ nvmApiKey: undefined }), ROUTE, () => new Response('x'));
    await assert.rejects(unbuilt(new Request('http://localhost/ask'), {}), { code: 'validation' });
  });

  test('Express: below a mount and in a router, routes are those below it, and the same holds', async () => {
    for (const build of [
      (app, middleware, handler) => app.use('/api', middleware, handler),
      (app, middleware, handler) => { const router = express.Router(); router.use(middleware); router.use(handler); app.use('/api', router); },
      (app, middleware, handler) => { const [outer, inner] = [express.Router(), express.Router()]; inner.use(middleware, handler); outer.use('/:version', inner); app.use(outer); },
    ]) {
      facilitator.reset();
      const state = service();
      const app = express();
      const middleware = paymentMiddleware(payments(), ROUTES, COMMON);
      build(app, middleware, (request, response, fail) => { writeNode(state, response, request.method, request.path, '').catch(fail); });
      const { url, stop } = await listening(app);
      try {
        await captureLog(async () => {
          for (const path of ['/api/ask', '/api/ask/', '/API/ASK', '/api//ask']) assert.ok([400, 402, 404].includes(await raw(url, path)), path);
          assert.deepEqual(state.requests, []);
          const answer = await fetch(`${url}/api/ask`, { headers: paid });
          assert.deepEqual([answer.status, (await answer.json()).path, facilitator.count('settle')], [200, '/ask', 1]);
        });
      } finally {
        await stop();
        await middleware.close();
      }
    }
  });
});

/** The status of a path as it is, which `fetch` would put right. */
const raw = (url, path) => new Promise((done, fail) => {
  const { hostname, port } = new URL(url);
  request({ hostname, port, path }, (response) => { response.resume(); done(response.statusCode); }).on('error', fail).end();
});
