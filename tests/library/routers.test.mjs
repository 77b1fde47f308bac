// The gate behind the router of a framework, which reads paths, hosts and mounts in its own way. Each request is written byte for byte.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, test } from 'node:test';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { paymentMiddleware } from '../../target/dist/subscriber/express.js';
import { paymentPlugin } from '../../target/dist/subscriber/fastify.js';
import * as next from '../../target/dist/subscriber/next.js';
import { Payments } from '../../target/dist/subscriber/node.js';
import { honoPaywall } from '../../target/dist/subscriber/paywall.js';
import { toNodeListener } from '../../target/dist/subscriber/paywall.node.js';
import { PAYER, PLAN, SELLER_KEY, json, raw, token } from '../workerd/harness.mjs';
import { captureLog, facilitator, options } from './harness.mjs';

const ROUTE = { planId: PLAN, credits: 2 };
const COMMON = { unlisted: 'pass', log: false, state: 'memory', timeoutMs: 5000 };
const paid = { 'payment-signature': token() };
const payments = () => Payments.getInstance({ nvmApiKey: SELLER_KEY, environment: 'custom', backend: facilitator.url });
const listening = async (listener) => {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => new Promise((done) => { server.close(done); server.closeAllConnections(); }) };
};

describe('rule 16 behind a router that reads paths in its own way', () => {
  const PAID = { 'GET /tools/:name': ROUTE, 'GET /big/*path': { ...ROUTE, credits: 20 }, 'GET /cheap': { ...ROUTE, credits: 1 } };
  const FRAMEWORKS = {
    async Express(more) {
      const app = express();
      app.set('trust proxy', more.proxy);
      const middleware = paymentMiddleware(payments(), PAID, COMMON);
      app.use(middleware);
      for (const path of ['/tools/:name', '/big/*path', '/cheap', '/free']) app.get(path, (req, res) => { res.send(`ran ${path}`); });
      const { url, stop } = await listening(app);
      return { url, stop: () => Promise.all([stop(), middleware.close()]) };
    },
    async Fastify(more) {
      const app = fastify({ trustProxy: more.proxy });
      await app.register(paymentPlugin, { payments: payments(), routes: PAID, ...COMMON, openRoutes: ['GET /big/open/'] });
      for (const path of ['/tools/:name', '/big/*', '/cheap', '/free']) app.get(path, async () => `ran ${path}`);
      return { url: await app.listen({ port: 0, host: '127.0.0.1' }), stop: () => app.close() };
    },
    async Hono() {
      const app = new Hono();
      const gate = honoPaywall(options({ ...COMMON, openRoutes: undefined, routes: PAID }));
      app.use(async (c, next) => { await c.req.text(); await next(); }).use(gate);
      for (const path of ['/tools/:name', '/big/:path{.+}', '/cheap', '/free']) app.get(path, (c) => c.text(`ran ${path}`));
      const { url, stop } = await listening(toNodeListener((request, env) => app.fetch(request, env)));
      return { url, stop: () => Promise.all([stop(), gate.close()]) };
    },
  };
  const PATHS = [
    '/tools/..', '/tools/.', '/tools/%2e%2e', '/tools/%2e', '/tools/..?x', '/tools/%2e./', '/tools/', '/tools//', '/tools/?x', '/big/..', '/big//', '/big///', '/big/../free', '/big/x/../../free',
    '/big/x/../../cheap', '/tools/a\\..', '/tools/\\..\\..', '/free/../tools/x', 'http://a/tools/x', 'http://a/free/../tools/x', 'http:/tools/x', 'HTTP://a\\tools/x',
  ];
  const HEADS = ['host: a', 'host: a/free?', 'host: a\\free?', 'host: a/free#', 'host: a@b/free?', 'host: ', 'host: a\r\nx-forwarded-proto: http://a/free?', 'host: a\r\nx-forwarded-host: a/free?'];
  const PRICES = { '/tools/:name': '2', '/cheap': '1' };

  for (const [name, start] of Object.entries(FRAMEWORKS)) {
    test(`${name}: no spelling of a path, a host or a scheme runs a paid handler for less than its price`, async () => {
      for (const proxy of name === 'Hono' ? [false] : [false, true]) {
        await captureLog(async () => {
          const { url, stop } = await start({ proxy });
          try {
            for (const path of [...PATHS, '/tools/x', '/cheap']) {
              for (const head of HEADS) {
                for (const pays of [false, true]) {
                  facilitator.reset();
                  const { answer } = await raw(url, `GET ${path} HTTP/1.1\r\n${head}\r\n${pays ? `payment-signature: ${token()}\r\n` : ''}connection: close\r\n\r\n`);
                  const [, ran] = /ran (\S+)/.exec(answer) ?? [];
                  const settled = facilitator.calls.filter(({ call }) => call === 'settle').map(({ body }) => body.maxAmount);
                  const due = ran === undefined || ran === '/free' ? [] : [PRICES[ran] ?? '20'];
                  assert.deepEqual(settled, due, `${path}, ${head}, ${pays ? 'paid' : 'unpaid'}: ${answer}`);
                  if (pays && head === 'host: a' && (path === '/tools/x' || path === '/cheap')) assert.notEqual(ran, undefined);
                }
              }
            }
            const free = await raw(url, 'GET /free HTTP/1.0\r\n\r\n');
            if (name !== 'Hono') assert.match(free.answer, /ran \/free/, 'a request of HTTP/1.0 has no host');
            if (name === 'Fastify') assert.match((await raw(url, 'GET /big/open/ HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')).answer, /ran \/big/);
          } finally {
            await stop();
          }
        });
      }
    });
  }

  test('Express: the spelling of a mount makes no room for more open answers, and none for more free ones', async () => {
    for (const mount of ['/api', '/:tenant']) {
      facilitator.reset();
      let hold;
      facilitator.settle = (response, { maxAmount }) => new Promise((go) => { hold = go; }).then(() => json(response, 200, {
        success: true, payer: PAYER, transaction: '0xabc', network: 'eip155:84532', creditsRedeemed: maxAmount, remainingBalance: '98',
      }));
      const ran = [];
      const app = express();
      const middleware = paymentMiddleware(payments(), {
        'GET /later': { ...ROUTE, settle: 'after-delivery' }, 'GET /free': { ...ROUTE, free: { perDay: 2, by: 'address' } },
      }, COMMON);
      app.use(mount, middleware, (req, res) => { ran.push(req.path); res.send('x'); });
      const { url, stop } = await listening(app);
      try {
        await captureLog(async () => {
          const spellings = ['/api', '/API', '/Api', '/aPI'];
          for (const spelling of spellings) await fetch(`${url}${spelling}/free`);
          assert.deepEqual(ran.splice(0), ['/free', '/free'], mount);
          const stopped = new AbortController();
          const all = spellings.map((spelling) => fetch(`${url}${spelling}/later`, { headers: paid, signal: stopped.signal }).catch(() => {}));
          await Promise.any(all.map((one) => one.then((answer) => assert.equal(answer.status, 200))));
          await new Promise((done) => setTimeout(done, 1500));
          assert.deepEqual(ran, ['/later'], mount);
          stopped.abort();
          hold();
          await Promise.all(all);
        });
      } finally {
        await stop();
        await middleware.close();
      }
    }
  });
});

describe('Next.js, which shows a middleware another path than it finds a page by', () => {
  const MARK = 'x-payments-wasm-inside';
  /** A request as Next.js gives it: its path with the language, and what it takes for its page. */
  const asked = (path, { locale = '', basePath = '', pathname = path, place = 'http://localhost:3000', ...init } = {}) =>
    Object.defineProperties(new Request(place + path, init), { nextUrl: { value: { locale, basePath, pathname: pathname.split('?')[0] } } });
  /** A middleware, and the requests that it sends on, which `answer` answers. */
  function started(t, routes, more = {}, answer = () => Response.json({})) {
    const middleware = next.paymentMiddleware(payments, routes, { ...COMMON, ...more });
    t.after(() => middleware.close());
    const inside = [];
    const real = globalThis.fetch;
    t.mock.method(globalThis, 'fetch', async (request, init) => {
      if (!request.headers?.get?.(MARK)) return real(request, init);
      inside.push(request);
      return answer(request);
    });
    return { middleware, inside };
  }

  test('no language, no `.rsc` that it takes off, no encoding and no path of data runs what is paid for unpaid', async (t) => {
    const routes = { 'GET /report': ROUTE, 'GET /tools/:name': ROUTE, 'GET /tools/cheap': { ...ROUTE, credits: 1 }, 'GET /:shop/big/*path': ROUTE, 'GET /docs/report': ROUTE};
    const { middleware, inside } = started(t, routes, { openRoutes: ['GET /listed/big/', 'GET /tools/free', 'GET /docs/tools/free'] });
    const french = { locale: 'fr', pathname: '/report' };
    const english = { locale: 'en' };
    await captureLog(async () => {
      for (const [path, expected, more] of [
        ['/report', 402], ['/fr/report', 402, french], ['/docs/fr/report', 402, { ...french, basePath: '/docs' }], ['/fr/report', undefined], ['/fr/news', undefined, { ...french, pathname: '/news' }],
        // With a language and a basePath Next.js puts the language in front of both, and takes off that one alone.
        ['/fr/docs/fr/report', 402, { locale: 'fr', pathname: '/docs/fr/report' }], ['/fr/docs/FR/report', 402, { locale: 'fr', pathname: '/docs/FR/report' }],
        ['/fr/docs/fr/news', undefined, { locale: 'fr', pathname: '/docs/fr/news' }],
        ['/_next/data/b/report.json', 402], ['/_next/data/b/index/report.json', 402], ['/docs/_next/data/b/report.json', 402], ['/_next/data/b/tools/free.rsc.json', 402], ['/_next/data/b/news.json', undefined],
        ['/_next/data/b/fr/report.json', 402, { locale: 'fr' }], ['/_next/data/b/report.json', 402, english], ['/_next/static/a.js', undefined], ['/_next/static/a.js', undefined, english],
        ['/tools/x', 402], ['/tools/', '/tools/'], ['/TOOLS/', '/TOOLS/'], ['/a/big/', '/a/big/'], ['/listed/big/', '/listed/big/'], ['/a/b/big/', undefined], ['/', undefined], ['/tools', undefined], ['/news/', undefined],
        ['/tools/free', '/tools/free'], ['/tools/%66ree', '/tools/free'], ['/fr/tools/free', '/fr/tools/free', { locale: 'fr', pathname: '/tools/free' }], ['/tools/free?n=1', '/tools/free?n=1'],
      ]) {
        const answer = await middleware(asked(path, more));
        const [sent] = inside.splice(0);
        assert.equal(sent ? sent.url.slice('http://localhost:3000'.length) : answer?.status, expected, `${path} ${JSON.stringify(more)}`);
        if (sent) assert.equal(answer.status, 200);
        // A request that was sent on goes on from there, to the page that the gate let pass.
        if (sent) assert.equal(await middleware(asked(sent.url.slice('http://localhost:3000'.length), { ...more, headers: sent.headers })), undefined, path);
      }
      for (const [path, expected, credits, more] of [
        ['/fr/report?n=1', '/fr/report?n=1', '2', french], ['/fr/docs/fr/report', '/docs/fr/report', '2', { locale: 'fr', pathname: '/docs/fr/report' }],
        ['/tools/%63heap', '/tools/cheap', '1'], ['/fr/tools/%63heap', '/fr/tools/cheap', '1', { locale: 'fr', pathname: '/tools/%63heap' }], ['/_next/data/b/report.json', '/report', '2'],
      ]) {
        facilitator.reset();
        const answer = await middleware(asked(path, { ...more, headers: paid }));
        const settled = facilitator.calls.filter(({ call }) => call === 'settle').map(({ body }) => body.maxAmount);
        assert.deepEqual([answer.status, inside.splice(0).map(({ url }) => url), settled], [200, [`http://localhost:3000${expected}`], [credits]], path);
      }
    });
  });

  test('a mark of what was paid is for one page, one method, one request and one minute', async (t) => {
    const { middleware, inside } = started(t, { 'GET /report': ROUTE, 'GET /other': ROUTE });
    const marked = async () => {
      await middleware(asked('/report', { headers: paid }));
      return { [MARK]: inside.splice(0)[0].headers.get(MARK) };
    };
    const status = async (path, headers, more) => (await middleware(asked(path, { headers, ...more })))?.status;
    await captureLog(async () => {
      const mark = await marked();
      assert.equal(await status('/other', mark), 400, 'another page');
      assert.equal(await status('/report', mark, { method: 'HEAD' }), 400, 'another method');
      assert.equal(await status('/report', { [MARK]: mark[MARK].replace(/^\d+/, (time) => String(Number(time) + 1)) }), 400, 'another time');
      assert.equal(await status('/report', mark), undefined, 'its own request');
      assert.equal(await status('/report', mark), 400, 'once more');
      for (const forged of ['x', `${Date.now()}.${'0'.repeat(36)}.${'0'.repeat(64)}`]) assert.equal(await status('/report', { [MARK]: forged }), 400, forged);
      const late = await marked();
      const now = Date.now;
      t.mock.method(Date, 'now', () => now() + 60_001);
      assert.equal(await status('/report', late), 400, 'a minute later');
    });
  });

  test('nothing that is marked as paid goes to a host that the client named', async (t) => {
    const routes = { 'GET /report': ROUTE };
    const { middleware, inside } = started(t, routes);
    const named = (host, place = `https://${host}`) => asked('/report', { place, headers: { ...paid, host } });
    const said = await captureLog(async () => {
      for (const host of ['evil.example', 'EVIL.example', 'evil.example:443', '10.0.0.7', 'evil.example.']) {
        facilitator.reset();
        assert.equal((await middleware(named(host))).status, 502, host);
        assert.equal(facilitator.count('settle'), 0, host);
      }
      for (const host of ['localhost/free?', 'a/free#', 'a\\free?', 'u@localhost', 'a b']) {
        assert.equal((await middleware(named(host, 'http://localhost:3000'))).status, 400, host);
      }
      assert.deepEqual(inside, []);
      assert.equal((await middleware(named('shop.example', 'http://localhost:3000'))).status, 200, 'behind a proxy');
      assert.equal((await middleware(named('localhost:3000', 'http://localhost:3000'))).status, 200, 'on this machine');
    });
    assert.match(said, /give paymentMiddleware the option origin/);
    t.mock.restoreAll();
    const told = started(t, routes, { origin: 'http://127.0.0.1:3000' });
    await captureLog(async () => assert.equal((await told.middleware(named('evil.example'))).status, 200));
    assert.deepEqual([...inside, ...told.inside].map(({ url }) => new URL(url).origin), ['http://localhost:3000', 'http://localhost:3000', 'http://127.0.0.1:3000']);
  });

  test('a redirect of a page has its whole address', async (t) => {
    const { middleware } = started(t, { 'GET /report': ROUTE }, {}, () => new Response('moved', { status: 307, headers: { location: '/elsewhere', 'x-own': 'kept' } }));
    facilitator.reset();
    await captureLog(async () => {
      const answer = await middleware(asked('/report', { headers: paid }));
      assert.deepEqual([answer.status, answer.headers.get('location'), answer.headers.get('x-own'), facilitator.count('settle')], [307, 'http://localhost:3000/elsewhere', 'kept', 0]);
    });
  });
});
