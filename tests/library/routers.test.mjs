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

test('Next.js: no language in a path, and no `.rsc` that it takes off the path, runs what is paid for unpaid', async (t) => {
  const routes = { 'GET /report': ROUTE, 'GET /tools/:name': ROUTE, 'GET /:shop/big/*path': ROUTE };
  const middleware = next.paymentMiddleware(payments, routes, { ...COMMON, openRoutes: ['GET /listed/big/'] });
  t.after(() => middleware.close());
  /** A request as Next.js gives it: its path with the language, and what it takes for its page. */
  const asked = (path, { locale = '', basePath = '', pathname = path, headers } = {}) => Object.defineProperties(new Request(`http://localhost:3000${path}`, { headers }), { nextUrl: { value: { locale, basePath, pathname } } });
  const french = { locale: 'fr', pathname: '/report' };
  await captureLog(async () => {
    for (const [path, expected, more] of [
      ['/report', 402], ['/fr/report', 402, french], ['/docs/fr/report', undefined, { ...french, basePath: '/docs' }], ['/fr/report', undefined], ['/fr/news', undefined, { ...french, pathname: '/news' }],
      ['/tools/x', 402], ['/tools/', 400], ['/TOOLS/', 400], ['/a/big/', 400], ['/listed/big/', undefined], ['/a/b/big/', undefined], ['/', undefined], ['/tools', undefined], ['/news/', undefined],
    ]) assert.equal((await middleware(asked(path, more)))?.status, expected, `${path} ${JSON.stringify(more)}`);
    facilitator.reset();
    const inside = [];
    const real = globalThis.fetch;
    t.mock.method(globalThis, 'fetch', async (request, init) => {
      if (!request.url?.startsWith('http://localhost:3000')) return real(request, init);
      inside.push(request.url);
      return Response.json({});
    });
    const answer = await middleware(asked('/fr/report?n=1', { ...french, headers: paid }));
    assert.deepEqual([answer.status, inside], [200, ['http://localhost:3000/fr/report?n=1']], 'the page is in the language that was asked for');
  });
});
