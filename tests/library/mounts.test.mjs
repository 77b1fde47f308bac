// The gate of Express and Fastify wherever it is mounted, and whatever stands before and behind it: paths that are rewritten, sockets, other methods by
// header, several gates. And the headers of one hop, which no gate sends on.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { ServerResponse, createServer } from 'node:http';
import { describe, test } from 'node:test';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { paymentMiddleware } from '../../target/dist/subscriber/express.js';
import { paymentPlugin } from '../../target/dist/subscriber/fastify.js';
import * as next from '../../target/dist/subscriber/next.js';
import { Payments } from '../../target/dist/subscriber/node.js';
import { honoPaywall, paywall } from '../../target/dist/subscriber/paywall.js';
import { PAYER, PLAN, SELLER_KEY, raw, startOrigin, token } from '../workerd/harness.mjs';
import { captureLog, facilitator, options } from './harness.mjs';

const ROUTE = { planId: PLAN, credits: 2 };
const COMMON = { unlisted: 'pass', log: false, state: 'memory', timeoutMs: 5000 };
const paid = { 'payment-signature': token() };
const payments = () => Payments.getInstance({ nvmApiKey: SELLER_KEY, environment: 'custom', backend: facilitator.url });
const settled = () => facilitator.calls.filter(({ call }) => call === 'settle').map(({ body }) => body.maxAmount);

/** Starts an application on node:http, and ends it and its gates after `work(url)`. `upgrade` takes the requests for sockets. */
async function running(listener, gates, work, upgrade) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  if (upgrade) server.on('upgrade', upgrade);
  await once(server, 'listening');
  try {
    return await captureLog(() => work(`http://127.0.0.1:${server.address().port}`));
  } finally {
    server.close();
    server.closeAllConnections();
    await Promise.all(gates.map((gate) => gate.close()));
  }
}

/** An application of Express with a gate that `mount` puts before handlers of these paths. */
function expressApp(mount, routes, paths, more = {}) {
  const app = express();
  const gate = paymentMiddleware(payments(), routes, { ...COMMON, ...more });
  mount(app, gate);
  for (const path of paths) app.all(path, (req, res) => { res.send(`ran ${path}`); });
  return { app, gate };
}

/** The handlers that a request runs, and the credits that are settled for it: `402` and so on where nothing is run. */
async function outcome(url, path, headers = {}, init = {}) {
  facilitator.reset();
  const answer = await fetch(url + path, { headers, ...init });
  const [, ran] = /ran (\S+)/.exec(await answer.text()) ?? [];
  return [ran ?? answer.status, ...settled()];
}

const ASK = { 'GET /ask': ROUTE };
const rewriting = (from, to) => (req, res, go) => { req.url = req.url.replace(from, to); go(); };

describe('Express: a paid handler is not run unpaid', () => {
  for (const [name, mount, routes, path, handler = path] of [
    ['a path that is rewritten to a paid one', (app, gate) => app.use(rewriting(/^\/v1/, ''), gate), ASK, '/v1/ask', '/ask'],
    ['a paid path that is rewritten', (app, gate) => app.use(rewriting(/^\/ask/, '/inner'), gate), ASK, '/ask', '/inner'],
    ['a rewritten path below a mount', (app, gate) => app.use(rewriting(/^\/v1/, '')).use('/api', gate), ASK, '/v1/api/ask', '/api/ask'],
    ['a mount at any path', (app, gate) => app.use('/*all', gate), ASK, '/ask'],
    ['a mount at any path and at none', (app, gate) => app.use('/{*all}', gate), ASK, '/ask'],
    ['a mount at any path, and a route that begins with a parameter', (app, gate) => app.use('/*all', gate), { 'GET /:tenant/report': ROUTE }, '/a/report'],
    ['a mount at a regular expression', (app, gate) => app.use(/^\/.*/, gate), ASK, '/ask'],
    ['a mount at its own route', (app, gate) => app.use('/ask', gate), ASK, '/ask'],
    ['a route that is a whole path below the mount', (app, gate) => app.use('/api', gate), { 'GET /api/ask': ROUTE }, '/api/ask'],
    ['a mount that takes any folder', (app, gate) => app.use('/in/*all/shop', gate), ASK, '/in/a/b/shop/ask'],
    ['the middleware of one route', (app, gate) => app.get('/ask', gate), ASK, '/ask'],
    ['a mount', (app, gate) => app.use('/api', gate), ASK, '/api/ask'],
  ]) {
    test(name, async () => {
      const { app, gate } = expressApp(mount, routes, [handler, '/free']);
      await running(app, [gate], async (url) => {
        for (const query of ['', '?n=1']) {
          assert.deepEqual(await outcome(url, path + query), [402], query);
          assert.deepEqual(await outcome(url, path + query, paid), [handler, '2'], query);
        }
        for (const spelling of [path.toUpperCase(), `${path}/`, `${path}//`, `/${path}`]) assert.ok(typeof (await outcome(url, spelling))[0] === 'number', spelling);
        assert.deepEqual(await outcome(url, '/free'), ['/free']);
      });
    });
  }

  test('and what is free below a mount stays free', async () => {
    const { app, gate } = expressApp((one, middleware) => one.use('/items', middleware), { 'GET /:id': ROUTE }, ['/items', '/items/free', '/items/:id'], { openRoutes: ['GET /free'] });
    await running(app, [gate], async (url) => {
      for (const path of ['/items', '/items/', '/items?n=1', '/items/free']) assert.deepEqual(await outcome(url, path), [path.includes('free') ? '/items/free' : '/items'], path);
      assert.deepEqual(await outcome(url, '/items/7'), [402]);
      assert.deepEqual(await outcome(url, '/items/items'), [402]);
    });
  });
});

describe('Fastify: a paid handler is not run unpaid', () => {
  const started = async (t, paths, routes, more = {}, server = {}) => {
    const app = fastify(server);
    await app.register(paymentPlugin, { payments: payments(), routes, ...COMMON, ...more });
    for (const path of paths) app.get(path, async () => `ran ${path}`);
    t.after(() => app.close());
    const injected = async (url, headers) => {
      facilitator.reset();
      const { statusCode, body } = await app.inject({ url, headers });
      return [/ran (\S+)/.exec(body)?.[1] ?? statusCode, ...settled()];
    };
    return injected;
  };

  test('by a path that is rewritten', async (t) => {
    await captureLog(async () => {
      const rewriteUrl = ({ url }) => url.replace(/^\/v1/, '').replace('/sold', '/inner');
      const asked = await started(t, ['/ask', '/inner', '/free'], { ...ASK, 'GET /sold': ROUTE }, {}, { rewriteUrl });
      for (const [path, ran] of [['/v1/ask', '/ask'], ['/ask', '/ask'], ['/sold', '/inner']]) {
        assert.deepEqual(await asked(path), [402], path);
        assert.deepEqual(await asked(path, paid), [ran, '2'], path);
      }
      assert.deepEqual(await asked('/v1/free'), ['/free']);
    });
  });

  test('without a parameter that is optional', async (t) => {
    await captureLog(async () => {
      const asked = await started(t, ['/tools/:name?', '/lists/:name?'], { 'GET /tools/:name': ROUTE, 'GET /lists/:name': ROUTE }, { openRoutes: ['GET /lists'] });
      for (const [path, expected] of [['/tools', [400]], ['/tools/', [400]], ['/tools?n=1', [400]], ['/tools/x', [402]], ['/lists', ['/lists/:name?']], ['/lists/x', [402]]]) {
        assert.deepEqual(await asked(path), expected, path);
      }
      assert.deepEqual(await asked('/tools/x', paid), ['/tools/:name?', '2']);
    });
  });
});

describe('a socket that opens beside the answers, which nobody could charge for', () => {
  const asking = (path, headers = '') => `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n${headers}\r\n`;
  const OPENED = 'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\nran it';
  const check = async (url) => {
    for (const path of ['/ask', '/ask?n=1']) {
      for (const headers of ['', `payment-signature: ${paid['payment-signature']}\r\n`]) {
        facilitator.reset();
        const { status, answer } = await raw(url, asking(path, headers));
        assert.deepEqual([status, facilitator.count('verify')], [400, 0], path);
        assert.match(answer, /upgrade_not_supported/);
      }
    }
    assert.match((await raw(url, asking('/free'))).answer, /^HTTP\/1.1 101 .*ran it/s);
  };
  const response = (request, socket) => {
    const made = new ServerResponse(request);
    made.assignSocket(socket);
    made.on('finish', () => socket.end());
    return made;
  };

  test('Fastify, as its plugin for sockets routes them', async () => {
    const app = fastify();
    await app.register(paymentPlugin, { payments: payments(), routes: ASK, ...COMMON });
    for (const path of ['/ask', '/free']) app.get(path, (request, reply) => { reply.hijack(); request.raw.socket.end(OPENED); });
    await app.ready();
    await running(app.routing, [app], check, (request, socket) => app.routing(request, response(request, socket)));
  });

  test('Express, with the ending that express-ws gives the path', async () => {
    const { app, gate } = expressApp((one, middleware) => one.use(middleware), ASK, []);
    app.get(['/ask/.websocket', '/free/.websocket'], (req) => { req.socket.end(OPENED); });
    await running(app, [gate], check, (request, socket) => {
      request.url = request.url.replace(/(?=\?|$)/, '/.websocket');
      app(request, response(request, socket));
    });
  });
});

describe('what a handler of Express or Fastify is told', () => {
  const override = (req, res, go) => { req.method = req.headers['x-http-method-override'] ?? req.method; go(); };

  test('no other method behind the gate than the one that was paid for', async () => {
    const app = express();
    const gate = paymentMiddleware(payments(), { 'POST /ask': { ...ROUTE, credits: 1 }, 'PUT /ask': { ...ROUTE, credits: 100 } }, COMMON);
    app.use(gate, override);
    app.post('/ask', (req, res) => { res.send('ran POST'); }).put('/ask', (req, res) => { res.send('ran PUT'); });
    await running(app, [gate], async (url) => {
      assert.deepEqual(await outcome(url, '/ask', { ...paid, 'x-http-method-override': 'PUT' }, { method: 'POST' }), ['POST', '1']);
      assert.deepEqual(await outcome(url, '/ask', paid, { method: 'PUT' }), ['PUT', '100']);
    });
  });

  test('who has paid, and nothing that the client says of it; a second gate behind finds the token', async () => {
    const forged = { 'x-payment-payer': 'somebody', 'X_Payment_Credits': '0', 'x-original-url': '/ask', 'x-own': 'mine' };
    const gates = [{ 'GET /ask': ROUTE }, { 'GET /other': { ...ROUTE, credits: 3 } }];
    const shown = (request, kept) => JSON.stringify([request.headers, kept]);
    const asExpress = () => {
      const app = express();
      const all = gates.map((routes) => paymentMiddleware(payments(), routes, COMMON));
      app.use(...all);
      app.use((req, res) => { res.send(shown(req, req.rawHeaders)); });
      return [app, all];
    };
    const asFastify = async () => {
      const app = fastify();
      for (const routes of gates) await app.register(paymentPlugin, { payments: payments(), routes, ...COMMON });
      app.get('/*', async (request) => shown(request, request.raw.rawHeaders));
      await app.ready();
      return [app.routing, [app]];
    };
    for (const make of [asExpress, asFastify]) {
      const [listener, all] = await make();
      await running(listener, all, async (url) => {
        for (const [path, payer, credits, sent] of [['/ask', PAYER, '2', paid], ['/other', PAYER, '3', paid], ['/free', undefined, undefined, {}]]) {
          facilitator.reset();
          const answer = await fetch(url + path, { headers: { ...forged, ...sent } });
          const [headers, kept] = await answer.json();
          assert.deepEqual([headers['x-payment-payer'], headers['x-payment-credits'], headers.x_payment_credits, headers['x-original-url'], headers['x-own']], [payer, credits, undefined, undefined, 'mine'], path);
          assert.doesNotMatch(kept.join(), /somebody|original|x_payment/i, path);
        }
      });
    }
  });
});

test('Hono: of several gates each is paid for its own routes, and its handlers are told', async () => {
  const gates = [{ 'POST /one': ROUTE }, { 'POST /two': { ...ROUTE, credits: 3 } }, { 'POST /three': { ...ROUTE, credits: 4 } }].map((routes) => honoPaywall(options({ ...COMMON, openRoutes: undefined, routes })));
  const app = new Hono();
  app.use(gates[0], async (c, go) => { await c.req.json(); await go(); }, gates[1], gates[2]);
  app.post('/*', async (c) => c.json([c.get('paymentContext')?.payer, c.req.header('x-payment-payer'), c.req.header('x-payment-credits'), c.req.header('payment-signature'), await c.req.text()]));
  await captureLog(async () => {
    for (const [path, credits] of [['/one', '2'], ['/two', '3'], ['/three', '4'], ['/free', undefined]]) {
      facilitator.reset();
      const asked = (headers) => app.request(path, { method: 'POST', body: '"hello"', headers: { 'x-payment-payer': 'somebody', ...headers } });
      if (credits) assert.equal((await asked()).status, 402, path);
      const answer = await asked(paid);
      const payer = credits && PAYER;
      assert.deepEqual([answer.status, await answer.json(), settled()], [200, [payer, payer, credits, undefined, '"hello"'].map((one) => one ?? null), credits ? [credits] : []], path);
    }
  });
  for (const gate of gates) await gate.close();
});

describe('headers of one hop are not sent on, and fail no paid request', () => {
  const hop = { connection: 'Upgrade, HTTP2-Settings', 'keep-alive': 'timeout=5', 'transfer-encoding': 'chunked', upgrade: 'websocket', expect: '100-continue', te: 'trailers', 'http2-settings': 'x' };
  const asking = (path, { upgrade, ...headers }) => new Request(`http://localhost:3000${path}`, { method: 'POST', body: 'hello', headers: { ...paid, ...headers } });
  const check = ({ headers, method }) => {
    assert.equal(method, 'POST');
    for (const name of ['keep-alive', 'upgrade', 'expect', 'te', 'http2-settings']) assert.equal(headers[name], undefined, name);
    assert.doesNotMatch(headers.connection, /upgrade/i);
  };

  test('by the library to an origin', async () => {
    const origin = await startOrigin();
    const gate = paywall(origin.url, options({ state: 'memory', openRoutes: ['POST /open'] }));
    try {
      await captureLog(async () => {
        assert.deepEqual([(await gate(asking('/ask', hop))).status, settled()], [200, ['2']]);
        assert.equal((await gate(asking('/open', hop))).status, 200);
        assert.equal(origin.calls.length, 2);
        origin.calls.forEach(check);
      });
    } finally {
      await gate.close();
      await origin.stop();
    }
  });

  test('by the middleware of Next.js to its application', async () => {
    const origin = await startOrigin();
    const middleware = next.paymentMiddleware(payments, { 'POST /ask': ROUTE }, { ...COMMON, origin: origin.url });
    try {
      await captureLog(async () => assert.deepEqual([(await middleware(asking('/ask', hop))).status, settled()], [200, ['2']]));
      origin.calls.forEach(check);
      assert.equal(origin.calls.length, 1);
    } finally {
      await middleware.close();
      await origin.stop();
    }
  });
});
