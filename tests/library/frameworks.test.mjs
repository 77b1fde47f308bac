// The adapters for Express, Fastify and Next.js, with sellers at the sandbox: the examples of the official middleware's documentation with the import alone
// changed, paid by `payments.fetch`; and what each framework does besides.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import express from 'express';
import fastify from 'fastify';
import { startSandbox } from '../../scripts/lib/start.mjs';
import { captureRawBody, computeBodyDigest, getRawBody, paymentMiddleware, X402_HEADERS } from '../../target/dist/subscriber/express.js';
import { paymentPlugin } from '../../target/dist/subscriber/fastify.js';
import * as next from '../../target/dist/subscriber/next.js';
import { Payments } from '../../target/dist/subscriber/node.js';
import { toNodeListener } from '../../target/dist/subscriber/paywall.node.js';
import { client } from '../sandbox/client.mjs';
import { captureLog } from './harness.mjs';

let sandbox, seller, buyer, payments, paying, planId, agentId, token;
before(async () => {
  sandbox = await startSandbox();
  seller = await client(sandbox.url).open('A seller');
  planId = await seller.plan({ credits: { maxAmount: '20' } });
  agentId = (await seller.post('/api/v1/protocol/agents', { metadataAttributes: { name: 'The answering machine' }, plans: [planId], agentApiAttributes: { authType: 'none' } })).json.data.agentId;
  buyer = await client(sandbox.url).open('A buyer');
  await buyer.order(planId);
  token = await buyer.token(planId);
  const at = { environment: 'custom', backend: sandbox.url };
  payments = Payments.getInstance({ nvmApiKey: seller.key, ...at });
  paying = Payments.getInstance({ nvmApiKey: buyer.key, ...at, delegationConfig: { delegationId: await buyer.delegation() }, approve: () => true });
});
after(() => sandbox?.stop());

const burned = async (work) => {
  const held = await buyer.balance(planId);
  await work();
  return Number(held) - Number(await buyer.balance(planId));
};
const decoded = (answer, name) => JSON.parse(Buffer.from(answer.headers.get(name), 'base64').toString());
const asking = (body = { query: 'What is 2+2?' }) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

/** Listens, and gives what asks: with a token, without one, or as a client of ours. */
async function listening(listener, work) {
  const server = createServer({ maxHeaderSize: 64 * 1024 }, listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${server.address().port}`;
  const send = (path, init = {}, headers) => fetch(url + path, { redirect: 'manual', ...init, headers: { ...init.headers, ...headers } });
  try {
    return await captureLog(() => work({ url, bare: (path, init) => send(path, init), paid: (path, init) => send(path, init, { 'payment-signature': token }) }));
  } finally {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
}
/** An Express application behind the middleware. */
function application(routes, options, parser = express.json()) {
  const app = express();
  app.use(parser);
  const middleware = paymentMiddleware(payments, routes, options);
  app.use(middleware);
  after(() => middleware.close());
  return Object.assign(app, { middleware });
}

describe('Express, by the examples of its documentation', () => {
  test('quick start: one line protects the route, the body is the handler\'s, and payments.fetch pays it', async () => {
    const app = application({ 'POST /ask': { planId, credits: 1 } });
    app.post('/ask', async (req, res) => { res.json({ response: `You asked: ${req.body.query}` }); });
    await listening(app, async ({ url, bare, paid }) => {
      const refused = await bare('/ask', asking());
      assert.equal(refused.status, 402);
      assert.equal(decoded(refused, X402_HEADERS.PAYMENT_REQUIRED).accepts[0].planId, planId);
      assert.equal((await refused.json()).x402Version, 2);
      assert.equal(await burned(async () => {
        const answer = await paid('/ask', asking());
        assert.deepEqual([answer.status, await answer.json()], [200, { response: 'You asked: What is 2+2?' }]);
        assert.deepEqual([decoded(answer, X402_HEADERS.PAYMENT_RESPONSE).creditsRedeemed, answer.headers.get('content-type')], ['1', 'application/json; charset=utf-8']);
      }), 1);
      assert.equal(await burned(async () => {
        const { response, receipt } = await paying.fetch(`${url}/ask`, asking());
        assert.deepEqual([response.status, receipt.creditsRedeemed], [200, 1n]);
      }), 1);
    });
  });

  test('fixed credits by route, 1 where none are given, path parameters, and routes that are not listed', async () => {
    const app = application({ 'POST /ask': { planId }, 'POST /generate': { planId, credits: 5 }, 'GET /users/:id': { planId, credits: 2 } });
    app.post('/ask', (req, res) => res.json({})).post('/generate', (req, res) => res.json({})).get('/users/:id', (req, res) => res.json({ id: req.params.id }));
    app.get('/health', (req, res) => res.json({ status: 'ok', context: req.paymentContext ?? null }));
    await listening(app, async ({ bare, paid }) => {
      assert.equal(await burned(() => paid('/ask', asking())), 1);
      assert.equal(await burned(() => paid('/generate', asking())), 5);
      assert.equal(await burned(async () => assert.deepEqual(await (await paid('/users/42')).json(), { id: '42' })), 2);
      assert.deepEqual(await (await bare('/health')).json(), { status: 'ok', context: null });
      assert.equal((await bare('/nowhere')).status, 404);
    });
  });

  test('a price by (req, res) is asked after the handler, which leaves what it found on res.locals; never more than the plan allows', async () => {
    const priced = [];
    const app = application({
      'POST /generate': { planId, credits: (req, res) => { priced.push([req.path, res.locals.tokenCount]); return Math.ceil((res.locals.tokenCount || 100) / 100); } },
      'POST /later': { planId, credits: { by: async (req) => req.body.credits, most: 4 } },
      'POST /wrong': { planId, credits: () => 1.5 },
    });
    app.post('/generate', (req, res) => { res.locals.tokenCount = req.body.tokens; res.json({ tokens: req.body.tokens }); });
    app.post('/later', (req, res) => { res.write('some'); setTimeout(() => res.end('thing'), 5); });
    app.post('/wrong', (req, res) => res.json({}));
    await listening(app, async ({ bare, paid }) => {
      for (const [tokens, credits] of [[250, 3], [undefined, 1], [999_999, 20]]) {
        assert.equal(await burned(async () => {
          const answer = await paid('/generate', asking({ tokens }));
          assert.deepEqual([answer.status, decoded(answer, 'payment-response').creditsRedeemed], [200, String(credits)]);
          assert.equal([...answer.headers.keys()].some((name) => name.includes('credits')), false);
        }), credits, `${tokens} tokens`);
      }
      assert.deepEqual(priced, [['/generate', 250], ['/generate', undefined], ['/generate', 999_999]]);
      assert.equal(decoded(await bare('/generate', asking()), 'payment-required').accepts[0].extra.credits, '20', 'the offer says the most');
      assert.equal(await burned(async () => assert.equal(await (await paid('/later', asking({ credits: 3 }))).text(), 'something')), 3);
      assert.equal(await burned(() => paid('/later', asking({ credits: 9 }))), 4);
      assert.equal(await burned(async () => assert.ok((await paid('/wrong', asking())).status >= 500)), 0, 'no price, no answer, no charge');
    });
  });

  test('with an agent, and a scheme that the route says', async () => {
    const app = application({ 'POST /task': { planId, agentId, credits: 5 }, 'POST /card': { planId, credits: 1, scheme: 'nvm:card-delegation' } });
    app.post('/task', (req, res) => {
      const { agentRequest, creditsToSettle, verified, paymentRequired } = req.paymentContext;
      res.json({ agent: agentRequest.agentName, creditsToSettle, verified, plan: paymentRequired.accepts[0].planId });
    });
    await listening(app, async ({ bare }) => {
      assert.equal(decoded(await bare('/task', asking()), 'payment-required').accepts[0].extra.agentId, agentId);
      assert.equal(decoded(await bare('/card', asking()), 'payment-required').accepts[0].scheme, 'nvm:card-delegation');
      const mine = await buyer.token(planId, { extra: { agentId } });
      const answer = await bare('/task', { ...asking(), headers: { 'content-type': 'application/json', 'payment-signature': mine } });
      assert.deepEqual(await answer.json(), { agent: 'The answering machine', creditsToSettle: 5, verified: true, plan: planId });
    });
  });

  test('all options at once: hooks get Express\'s own request, onPaymentError answers through res', async () => {
    const log = [];
    const app = application({ 'POST /ask': { planId, credits: 1 } }, {
      tokenHeader: ['x-access-token', 'payment-signature'],
      onBeforeVerify: (req, paymentRequired) => { log.push(`before ${req.path} ${paymentRequired.accepts[0].planId === planId}`); },
      onAfterVerify: (req, verification) => { log.push(`after ${req.body.query} ${verification.isValid}`); },
      onAfterSettle: (req, creditsUsed, settlement) => { log.push(`settled ${req.path} ${creditsUsed} ${/^0x/.test(settlement.transaction)}`); },
      onPaymentError: (error, req, res) => { res.status(402).set('x-mine', 'yes').json({ error: error.message, path: req.path }); },
    });
    app.post('/ask', (req, res) => { log.push('handler'); res.json({}); });
    await listening(app, async ({ bare, paid }) => {
      assert.equal((await bare('/ask', { ...asking(), headers: { 'content-type': 'application/json', 'x-access-token': token } })).status, 200);
      assert.deepEqual(log, ['before /ask true', 'after What is 2+2? true', 'handler', 'settled /ask 1 true']);
      log.length = 0;
      const refused = await bare('/ask', asking());
      assert.deepEqual([refused.status, refused.headers.get('x-mine'), (await refused.json()).path], [402, 'yes', '/ask']);
      assert.equal(decoded(refused, 'payment-required').accepts[0].planId, planId, 'the offer stays');
      assert.equal((await paid('/ask', asking())).status, 200);
    });
  });

  test('the client of the documentation: 402, the plan and the agent out of the offer, a token, 200, the receipt', async () => {
    const app = application({ 'POST /ask': { planId, agentId, credits: 2 } });
    app.post('/ask', (req, res) => { res.json({ response: '4' }); });
    await listening(app, async ({ bare }) => {
      const first = await bare('/ask', asking());
      const { planId: asked, extra } = decoded(first, X402_HEADERS.PAYMENT_REQUIRED).accepts[0];
      const { accessToken } = await paying.x402.getX402AccessToken(asked, extra?.agentId);
      const second = await bare('/ask', { ...asking(), headers: { 'content-type': 'application/json', [X402_HEADERS.PAYMENT_SIGNATURE]: accessToken } });
      assert.deepEqual([await second.json(), decoded(second, X402_HEADERS.PAYMENT_RESPONSE).creditsRedeemed], [{ response: '4' }, '2']);
    });
  });
});

describe('Express, besides', () => {
  test('an answer that is no success is not charged: an error, a redirect, a handler that throws or passes an error on', async () => {
    const names = ['fails', 'moved', 'throws', 'passes'];
    const app = application(Object.fromEntries(names.map((name) => [`GET /${name}`, { planId, credits: 1 }])));
    app.get('/fails', (req, res) => res.status(422).json({ error: 'x' })).get('/moved', (req, res) => res.redirect('/elsewhere'));
    app.get('/throws', () => { throw new Error('x'); }).get('/passes', (req, res, pass) => pass(Object.assign(new Error('x'), { status: 418 })));
    app.use((error, req, res, pass) => { if (res.headersSent) return pass(error); res.status(error.status ?? 500).end('mine'); });
    await listening(app, async ({ paid }) => {
      assert.equal(await burned(async () => {
        for (const [index, status] of [422, 302, 500, 418].entries()) assert.equal((await paid(`/${names[index]}`)).status, status, names[index]);
      }), 0);
    });
  });

  test('headers of other middlewares, cookies, a file and a stream go out as without the gate; the answer is settled before its head', async () => {
    const app = express();
    app.use((req, res, go) => { res.setHeader('vary', 'Origin'); res.cookie('before', '1'); go(); });
    const middleware = paymentMiddleware(payments, { 'GET /stream': { planId, credits: 1 }, 'GET /file': { planId, credits: 1 }, 'GET /head': { planId, credits: 1 } });
    after(() => middleware.close());
    app.use(middleware);
    app.get('/stream', async (req, res) => {
      res.cookie('own', '2').type('text/plain').status(201);
      for (const word of ['one ', 'two ', 'three']) {
        if (!res.write(word)) await once(res, 'drain');
        await new Promise((soon) => setTimeout(soon, 2));
      }
      assert.equal(res.headersSent, true);
      res.end();
    });
    app.get('/file', (req, res) => res.sendFile(new URL(import.meta.url).pathname));
    app.get('/head', (req, res) => res.send('0123456789'));
    await listening(app, async ({ paid, bare }) => {
      const answer = await paid('/stream');
      assert.deepEqual([answer.status, await answer.text(), answer.headers.getSetCookie().map((one) => one.split(';')[0])], [201, 'one two three', ['before=1', 'own=2']]);
      assert.match(answer.headers.get('vary'), /Origin/);
      assert.equal(decoded(answer, 'payment-response').success, true);
      const file = await paid('/file');
      assert.match(await file.text(), /a file and a stream go out/);
      assert.equal((await paid('/head', { method: 'HEAD' })).status, 200);
      const refused = await bare('/stream');
      assert.deepEqual([refused.status, refused.headers.getSetCookie().length], [402, 1]);
    });
  });

  test('where it is mounted, routes are those below the mount, and the offer names the whole address', async () => {
    const app = express();
    const middleware = paymentMiddleware(payments, { 'POST /ask': { planId, credits: 1 }, 'POST /priced': { planId, credits: () => 2 } });
    after(() => middleware.close());
    app.use('/api/v1', middleware);
    app.post(['/api/v1/ask', '/api/v1/priced', '/ask'], (req, res) => res.json({ at: req.originalUrl }));
    await listening(app, async ({ url, bare, paid }) => {
      const refused = await bare('/api/v1/ask?x=1', asking());
      assert.deepEqual([refused.status, new URL(decoded(refused, 'payment-required').resource.url, url).pathname], [402, '/api/v1/ask']);
      assert.equal(await burned(() => paid('/api/v1/ask', asking())), 1);
      assert.equal(await burned(() => paid('/api/v1/priced', asking())), 2);
      assert.equal((await bare('/ask', asking())).status, 200);
    });
  });

  test('an option that is not known is refused by name, and nobody passes', async () => {
    for (const [routes, options, key] of [
      [{ 'POST /ask': { planId, credits: 1, bindBdy: true } }, {}, 'routes["POST /ask"].bindBdy'], [{ 'POST /ask': { planId, credits: 1 } }, { tokenHeadr: 'x' }, 'tokenHeadr'],
    ]) {
      const app = application(routes, options);
      app.post('/ask', () => assert.fail('nobody paid'));
      await listening(app, async ({ paid }) => {
        await assert.rejects(app.middleware.ready(), { code: 'config_invalid', key });
        const answer = await paid('/ask', asking());
        assert.deepEqual([answer.status, (await answer.json()).key], [500, key]);
      });
    }
  });

  test('a plan that cannot be read leaves nothing unpaid: the error is Express\'s', async () => {
    const app = application({ 'POST /ask': { planId: '404', credits: () => 1 } });
    app.post('/ask', () => assert.fail('nobody paid'));
    await listening(app, async ({ paid }) => assert.ok((await paid('/ask', asking())).status >= 400));
  });

  test('raw bodies: kept by the parser\'s hook, and their digest', async () => {
    const app = express();
    app.use(express.json({ verify: captureRawBody }));
    app.post('/raw', (req, res) => res.json({ raw: getRawBody(req)?.toString(), digest: getRawBody(req) && computeBodyDigest(getRawBody(req)) }));
    await listening(app, async ({ bare }) => {
      const text = '{ "b": 1,  "a": 2.0 }';
      const answer = await (await bare('/raw', { method: 'POST', headers: { 'content-type': 'application/json' }, body: text })).json();
      const digest = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(text))).toString('base64');
      assert.deepEqual(answer, { raw: text, digest: `sha-256=${digest}` });
      assert.deepEqual(await (await bare('/raw', { method: 'POST' })).json(), {});
    });
  });
});

test('Fastify: a plugin protects routes; handlers, hooks and prices get Fastify\'s own', async () => {
  const app = fastify();
  const log = [];
  await app.register(paymentPlugin, {
    payments, routes: { 'POST /ask': { planId, credits: 2 }, 'POST /generate': { planId, credits: (request, reply) => reply.found } },
    onAfterVerify: (request) => { log.push(request.url); },
  });
  app.decorateReply('found', 0);
  app.post('/ask', async (request) => ({ asked: request.body.query, plan: request.paymentContext.planId === planId }));
  app.post('/generate', async (request, reply) => { reply.found = request.body.credits; return { ok: true }; });
  app.get('/health', async () => ({ status: 'ok' }));
  await captureLog(() => app.listen({ port: 0, host: '127.0.0.1' }));
  const url = `http://127.0.0.1:${app.server.address().port}`;
  try {
    const refused = await fetch(`${url}/ask`, asking());
    assert.deepEqual([refused.status, decoded(refused, 'payment-required').accepts[0].planId], [402, planId]);
    assert.equal(await burned(async () => {
      const { response, receipt } = await paying.fetch(`${url}/ask`, asking());
      assert.deepEqual([response.status, await response.json(), receipt.creditsRedeemed], [200, { asked: 'What is 2+2?', plan: true }, 2n]);
    }), 2);
    assert.equal(await burned(async () => { assert.equal((await paying.fetch(`${url}/generate`, asking({ credits: 7 }))).response.status, 200); }), 7);
    assert.deepEqual(await (await fetch(`${url}/health`)).json(), { status: 'ok' });
    assert.equal((await fetch(`${url}/nowhere`)).status, 404);
    assert.deepEqual(log, ['/ask', '/generate']);
  } finally {
    await app.close();
  }
});

describe('Next.js', () => {
  const memory = { state: 'memory' };
  test('a route handler is paid for, and gets what Next.js gives it', async () => {
    const POST = next.paidRoute(payments, { planId, credits: 3 }, async (request, { params, paymentContext }) => {
      const { id } = await params;
      return Response.json({ id, asked: (await request.json()).query, plan: paymentContext.planId });
    }, memory);
    after(() => POST.close());
    await listening(toNodeListener((request) => POST(request, { params: Promise.resolve({ id: '7' }) })), async ({ url, bare }) => {
      assert.equal((await bare('/api/tasks/7', asking())).status, 402);
      assert.equal(await burned(async () => {
        const { response, receipt } = await paying.fetch(`${url}/api/tasks/7`, asking());
        assert.deepEqual([await response.json(), receipt.creditsRedeemed], [{ id: '7', asked: 'What is 2+2?', plan: planId }, 3n]);
      }), 3);
    });
  });

  test('as a middleware: a paid request is sent on to the application and charged for; another goes on; a mark that is guessed is refused', async () => {
    const middleware = next.paymentMiddleware(payments, { 'POST /api/ask': { planId, credits: 1 } }, memory);
    after(() => middleware.close());
    let served = 0;
    // As Next.js does it: the middleware first, and where it gives nothing the route.
    const application = async (request) => await middleware(request) ?? (served++, Response.json({ path: new URL(request.url).pathname, body: await request.text() }));
    await listening(toNodeListener(application), async ({ url, bare }) => {
      for (const [status, headers] of [[402, {}], [400, { 'x-payments-wasm-inside': 'guessed' }]]) {
        assert.equal((await bare('/api/ask', { ...asking(), headers: { ...asking().headers, ...headers } })).status, status);
      }
      assert.equal(served, 0);
      assert.equal(await burned(async () => {
        const { response, receipt } = await paying.fetch(`${url}/api/ask`, asking());
        assert.deepEqual([response.status, JSON.parse((await response.json()).body), receipt.creditsRedeemed], [200, { query: 'What is 2+2?' }, 1n]);
      }), 1);
      assert.equal(served, 1);
      assert.deepEqual(await (await bare('/about')).json(), { path: '/about', body: '' });
    });
  });
});
