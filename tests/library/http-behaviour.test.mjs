// Servers around the gate: what middlewares of Hono and Express in front of it have set or read, on Hono alone, on
// @hono/node-server, and on node:http; where it is mounted; and who its clients are.
import assert from 'node:assert/strict';
import { once as event } from 'node:events';
import { test } from 'node:test';
import { serve } from '@hono/node-server';
import express from 'express';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import { validator } from 'hono/validator';
import { honoPaywall } from '../../target/dist/subscriber/paywall.js';
import { toNodeListener } from '../../target/dist/subscriber/paywall.node.js';
import { PLAN, readHeader, token } from '../workerd/harness.mjs';
import { facilitator, gated, captureLog, options } from './harness.mjs';

const PAGE = 'https://page.example';

/** An app of Hono as a `fetch`, in this process and on @hono/node-server. */
const faces = {
  'Hono': async (app, work) => work((path, init) => app.request(`http://shop.example${path}`, init)),
  '@hono/node-server': async (app, work) => {
    const server = await new Promise((done) => { const started = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => done(started)); });
    try {
      await work((path, init) => fetch(`http://127.0.0.1:${server.address().port}${path}`, init));
    } finally {
      server.closeAllConnections();
      server.close();
    }
  },
};

for (const [face, around] of Object.entries(faces)) {
  test(`${face}: headers, cookies and CORS of middlewares in front stay, on each answer`, async () => {
    const app = new Hono();
    app.use(cors({ origin: PAGE, exposeHeaders: ['x-mine'], credentials: true }));
    app.use(requestId());
    app.use(secureHeaders());
    app.use(async (c, next) => {
      c.header('x-before', '1');
      c.header('cache-control', 'public, max-age=60');
      c.header('set-cookie', 'sid=1');
      c.header('vary', 'Accept');
      await next();
      c.header('x-after', '1');
    });
    app.use(honoPaywall(options({ unlisted: 'pass', routes: { 'GET /ask': { planId: PLAN, credits: 1 }, 'GET /fails': { planId: PLAN, credits: 1 } } })));
    app.get('/free', (c) => c.text('free'));
    app.get('/raw', () => new Response('raw'));
    app.get('/ask', (c) => { c.header('set-cookie', 'own=1', { append: true }); return c.text('paid'); });
    app.get('/fails', (c) => c.text('no', 500));
    app.get('/refused', (c) => c.text('not reached'));
    const paid = { 'payment-signature': token() };
    await captureLog(() => around(app, async (ask) => {
      for (const [name, path, headers, status, cookies] of [
        ['open, a text', '/free', {}, 200, ['sid=1']], ['open, a response', '/raw', {}, 200, ['sid=1']], ['402', '/ask', {}, 402, ['sid=1']],
        ['paid', '/ask', paid, 200, ['sid=1', 'own=1']], ['failed', '/fails', paid, 500, ['sid=1']], ['refused', '/ask;x', {}, 400, ['sid=1']],
      ]) {
        const answer = await ask(path, { headers: { origin: PAGE, ...headers } });
        assert.equal(answer.status, status, name);
        assert.deepEqual(answer.headers.getSetCookie(), cookies, name);
        for (const [header, value] of [['access-control-allow-origin', PAGE], ['access-control-allow-credentials', 'true'], ['x-before', '1'], ['x-after', '1'], ['x-frame-options', 'SAMEORIGIN']]) {
          assert.equal(answer.headers.get(header), value, `${name}: ${header}`);
        }
        assert.ok(answer.headers.get('x-request-id'), name);
        assert.match(answer.headers.get('vary'), /Accept/, name);
        assert.match(answer.headers.get('access-control-expose-headers'), /x-mine/, name);
        // Headers that keep a paid response, and an offer, out of caches.
        if (path === '/ask') assert.match(answer.headers.get('cache-control'), headers === paid ? /^private/ : /^no-store$/, name);
        if (status === 402) assert.equal(readHeader(answer.headers.get('payment-required')).accepts[0].planId, PLAN);
      }
    }));
  });

  test(`${face}: where allowedOrigins is given, the gate's CORS stands with the app's, once`, async () => {
    const app = new Hono();
    app.use(cors({ origin: PAGE, exposeHeaders: ['x-mine'] }));
    app.use(honoPaywall(options({ allowedOrigins: [PAGE], routes: { 'GET /ask': { planId: PLAN, credits: 1 } } })));
    app.get('/ask', (c) => c.text('paid'));
    await around(app, async (ask) => {
      for (const headers of [{}, { 'payment-signature': token() }]) {
        const answer = await ask('/ask', { headers: { origin: PAGE, ...headers } });
        assert.equal(answer.headers.get('access-control-allow-origin'), PAGE);
        for (const name of ['x-mine', 'payment-required', 'payment-response']) assert.ok(answer.headers.get('access-control-expose-headers').split(', ').includes(name), name);
      }
    });
  });

  const JSON_TYPE = { 'content-type': 'application/json' };
  const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
  const before = {
    'nothing': [null],
    'c.req.json()': [async (c, next) => { await c.req.json(); await next(); }],
    'c.req.text()': [async (c, next) => { await c.req.text(); await next(); }],
    'c.req.arrayBuffer()': [async (c, next) => { await c.req.arrayBuffer(); await next(); }],
    'c.req.blob()': [async (c, next) => { await c.req.blob(); await next(); }],
    'c.req.raw.clone().json()': [async (c, next) => { await c.req.raw.clone().json(); await next(); }],
    'validator(json)': [validator('json', (value) => value)],
    'bodyLimit': [bodyLimit({ maxSize: 1000 })],
    'validator(form)': [validator('form', (value) => value), 'q=hello', FORM],
    'c.req.parseBody()': [async (c, next) => { await c.req.parseBody(); await next(); }, 'q=hello', FORM],
  };
  for (const [price, credits] of Object.entries({ 'a fixed price': 2, 'a price by the body': async (request) => ((await request.text()).includes('hello') ? 3 : 1) })) {
    for (const [name, [middleware, body = '{"q":"hello"}', headers = JSON_TYPE]] of Object.entries(before)) {
      test(`${face}: ${price}, and ${name} in front has read the body: the handler has it`, async () => {
        const app = new Hono();
        if (middleware) app.use(middleware);
        app.use(honoPaywall(options({ routes: { 'POST /ask': { planId: PLAN, credits } } })));
        app.post('/ask', async (c) => c.text(headers === FORM ? String((await c.req.parseBody()).q) : (await c.req.json()).q));
        await around(app, async (ask) => {
          const answer = await ask('/ask', { method: 'POST', body, headers: { ...headers, 'payment-signature': token() } });
          assert.deepEqual([answer.status, await answer.text()], [200, 'hello']);
          assert.deepEqual(facilitator.calls.map(({ call, body: { maxAmount } }) => [call, maxAmount]), [['verify', String(credits === 2 ? 2 : 3)], ['settle', String(credits === 2 ? 2 : 3)]]);
        });
      });
    }
  }

  test(`${face}: a body that is gone is a 500 that says so, before anybody is asked`, async () => {
    for (const read of [(c) => c.req.raw.text(), (c) => { c.req.raw.body.getReader(); }]) {
      facilitator.reset();
      const app = new Hono();
      app.use(async (c, next) => { await read(c); await next(); });
      app.use(honoPaywall(options({ routes: { 'POST /ask': { planId: PLAN, credits: 2 } } })));
      app.post('/ask', (c) => c.text('not reached'));
      await around(app, async (ask) => {
        const answer = await ask('/ask', { method: 'POST', body: 'x', headers: { 'payment-signature': token() } });
        const { code, message } = await answer.json();
        assert.deepEqual([answer.status, code, facilitator.calls.length], [500, 'body_already_read', 0]);
        assert.match(message, /body .* was read before .*Nothing was charged/);
        assert.equal(readHeader(answer.headers.get('payment-response')).success, false);
      });
    }
  });
}

test('library: a body that is gone is a 500 that says so', async () => {
  const { gate } = gated();
  const request = new Request('https://shop.example/ask', { method: 'POST', body: 'x', headers: { 'payment-signature': token() } });
  await request.text();
  assert.deepEqual([(await (await gate(request)).json()).code, facilitator.calls.length], ['body_already_read', 0]);
});

async function express_(build, work) {
  const app = express();
  build(app);
  const server = app.listen(0, '127.0.0.1');
  await event(server, 'listening');
  try {
    await work(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
const keep = { verify: (request, response, bytes) => { request.rawBody = bytes; } };
for (const [name, parsers, right] of [
  ['no parser', [], true], ['express.json()', [express.json()], false], ['express.urlencoded()', [express.json(), express.urlencoded()], false],
  ['express.raw()', [express.raw({ type: '*/*' })], true], ['express.text()', [express.text({ type: '*/*' })], true], ['express.json() that keeps rawBody', [express.json(keep)], true],
]) {
  test(`express, ${name} in front: the handler has the body, or a 500 says where it is`, async () => {
    const { gate } = gated({}, async (request) => new Response(await request.text()));
    await express_((app) => { for (const parser of parsers) app.use(parser); app.use(toNodeListener(gate)); }, async (url) => {
      for (const body of ['{"q":"hellö"}', '{"q":1,  "big":"' + 'x'.repeat(50_000) + '"}']) {
        facilitator.reset();
        const answer = await fetch(`${url}/ask`, { method: 'POST', body, headers: { 'content-type': 'application/json', 'payment-signature': token() } });
        if (right) {
          assert.deepEqual([answer.status, await answer.text(), facilitator.count('settle')], [200, body, 1]);
          continue;
        }
        const { code, message } = await answer.json();
        assert.deepEqual([answer.status, code, facilitator.calls.length], [500, 'body_already_read', 0]);
        assert.match(message, /parser/);
        assert.equal(readHeader(answer.headers.get('payment-response')).success, false);
      }
      const open = await fetch(`${url}/health`);
      assert.equal(open.status, 200);
    });
  });
}

test('express: headers that were set in front stay, lists and cookies together', async () => {
  const { gate } = gated({ allowedOrigins: [PAGE], routes: { 'GET /ask': { planId: PLAN, credits: 1 } } }, () => new Response('ok', { headers: [['set-cookie', 'own=1'], ['vary', 'Accept']] }));
  await express_((app) => {
    app.use((request, response, next) => {
      response.set({ 'x-before': '1', 'access-control-expose-headers': 'x-mine', vary: 'X-Before', 'cache-control': 'public' });
      response.cookie('sid', '1');
      next();
    });
    app.use(toNodeListener(gate));
  }, async (url) => {
    for (const [headers, cookies] of [[{}, 1], [{ 'payment-signature': token() }, 2]]) {
      const answer = await fetch(`${url}/ask`, { headers: { origin: PAGE, ...headers } });
      assert.equal(answer.headers.get('x-before'), '1');
      assert.match(answer.headers.get('access-control-expose-headers'), /x-mine.*payment-required/);
      assert.match(answer.headers.get('vary'), /X-Before.*Origin/);
      assert.equal(answer.headers.getSetCookie().length, cookies);
      assert.doesNotMatch(answer.headers.get('cache-control'), /public/);
    }
  });
});

test('hono: what unlisted: pass leaves free is said at start, and a mount that no route is under with the first request', async () => {
  const routes = { 'GET /docs/*path': { planId: PLAN, credits: 1 } };
  const said = await captureLog(async () => {
    const gate = honoPaywall(options({ unlisted: 'pass', routes }));
    await gate.ready();
  });
  assert.match(said, /GET \/docs\/\*path.* does not cover the folder itself/);
  assert.match(said, /Requests that no route lists pass unpaid/);
  const mounted = async (key, unlisted = 'pass') => captureLog(async () => {
    const inner = new Hono();
    inner.use(honoPaywall(options({ unlisted, routes: { [key]: { planId: PLAN, credits: 1 } } })));
    inner.get('/ask', (c) => c.text('secret'));
    const app = new Hono();
    app.route('/api', inner);
    await app.request('/api/ask');
    await app.request('/api/ask');
  });
  assert.equal((await mounted('GET /ask')).match(/mounted at \/api, and none of its routes begins so/g)?.length, 1);
  for (const key of ['GET /api/ask', 'GET /API/*rest', 'GET /:version/ask', 'GET /*rest']) assert.doesNotMatch(await mounted(key), /gate is mounted at \//, key);
  assert.doesNotMatch(await mounted('GET /ask', 'deny'), /gate is mounted at \//);
});

test('the address is the connection\'s, or that of a header that the seller names', async () => {
  const limited = { routes: { 'POST /ask': { planId: PLAN, credits: 1, limit: { requests: 1, seconds: 60, by: 'address' } } }, state: 'memory' };
  const statuses = async (more, list) => {
    const { ask, gate } = gated({ ...limited, ...more });
    const found = [];
    await captureLog(async () => {
      for (const headers of list) found.push((await ask('/ask', { headers }, { remoteAddr: { hostname: '10.0.0.1' } })).status);
    });
    await gate.close();
    return found;
  };
  const forged = [1, 2, 3].map((at) => ({ 'cf-connecting-ip': `192.0.${at}.1`, 'x-forwarded-for': `192.0.${at}.1`, 'x-real-ip': `192.0.${at}.1`, forwarded: `for=192.0.${at}.1` }));
  assert.deepEqual(await statuses({}, forged), [200, 429, 429]);
  assert.deepEqual(await statuses({ addressHeader: 'X-Real-IP' }, forged), [200, 200, 200]);
  assert.deepEqual(await statuses({ addressHeader: 'x-forwarded-for' }, [1, 2].map((at) => ({ 'x-forwarded-for': `192.0.${at}.1, 203.0.113.9` }))), [200, 429]);
});
