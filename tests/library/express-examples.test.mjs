// The examples in the documentation of the official Express middleware, moved to this library: Hono in the place of Express,
// `honoPaywall(options)` in the place of `paymentMiddleware(payments, routes, options)`, the rest as it was. Each does what that
// documentation says of it, paid at the sandbox, through node:http; where it does not, a rule of money is why, and the test
// says which. The registry that this was written with has no release that contains it; that of FastAPI, which has the same
// algorithm, runs beside ours in tests/python/middleware.test.mjs.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { Hono } from 'hono';
import { startSandbox } from '../../scripts/lib/start.mjs';
import { decodeAccessToken, Payments } from '../../target/dist/subscriber/page.js';
import { honoPaywall } from '../../target/dist/subscriber/paywall.js';
import { toNodeListener } from '../../target/dist/subscriber/paywall.node.js';
import { BY_CARD, client } from '../sandbox/client.mjs';
import { readHeader } from '../workerd/harness.mjs';
import { captureLog } from './harness.mjs';

let sandbox;
let seller;
let planId;
let agentId;
let buyer;
let token;
before(async () => {
  sandbox = await startSandbox();
  seller = await client(sandbox.url).open('A seller');
  planId = await seller.plan({ credits: { maxAmount: '20' } });
  const { status, json } = await seller.post('/api/v1/protocol/agents', {
    metadataAttributes: { name: 'The answering machine' }, plans: [planId],
    agentApiAttributes: { endpoints: [{ POST: 'http://localhost/task' }], openEndpoints: [], authType: 'none' },
  });
  assert.equal(status, 201);
  agentId = json.data.agentId;
  buyer = await client(sandbox.url).open('A buyer');
  await buyer.order(planId);
  token = await buyer.token(planId);
});
beforeEach(() => seller.del('/sandbox/calls'));
after(() => sandbox?.stop());

/** Code that a seller writes once: in Express it is `Payments.getInstance({ nvmApiKey, environment })`. */
const paymentMiddleware = (routes, options = {}) => honoPaywall({
  nvmApiKey: seller.key, environment: 'custom', backend: sandbox.url, routes, unlisted: 'pass', state: 'memory', log: false, ...options,
});

/** Listens, as `app.listen` does, and asks. */
async function listening(app, work) {
  const server = createServer({ maxHeaderSize: 64 * 1024 }, toNodeListener((request) => app.fetch(request))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${server.address().port}`;
  const send = (method, path, { paid = true, headers, body = method === 'POST' ? { query: 'What is 2+2?' } : undefined } = {}) => fetch(url + path, {
    method, body: body && JSON.stringify(body),
    headers: { ...(body && { 'content-type': 'application/json' }), ...(paid && { 'payment-signature': token }), ...headers },
  });
  let answer;
  try {
    const said = await captureLog(async () => { answer = await work({ get: (path, init) => send('GET', path, init), post: (path, init) => send('POST', path, init), url }); });
    return { said, answer };
  } finally {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
}

const platform = async () => (await seller.get('/sandbox/calls')).json
  .filter(({ path }) => /x402\/(verify|settle)$/.test(path)).map(({ path }) => path.split('/').at(-1));
const burned = async (work) => {
  const before = await buyer.balance(planId);
  await work();
  return Number(before) - Number(await buyer.balance(planId));
};
const offered = (answer) => readHeader(answer.headers.get('payment-required'));
const receipt = (answer) => readHeader(answer.headers.get('payment-response'));

test('quick start: one line before the handlers; 402 with an offer, then an answer with a receipt, and a credit less', async () => {
  const app = new Hono();
  app.use(paymentMiddleware({ 'POST /ask': { planId, credits: 1 } }));
  app.post('/ask', async (c) => {
    const { query } = await c.req.json();
    return c.json({ response: `You asked: ${query}` });
  });
  await listening(app, async ({ post }) => {
    const refused = await post('/ask', { paid: false });
    assert.equal(refused.status, 402);
    assert.equal(offered(refused).accepts[0].planId, planId);
    const { error, message } = await refused.json();
    assert.deepEqual([error, message], ['Payment Required', 'Missing x402 payment token. Send token in payment-signature header.']);
    assert.deepEqual(await platform(), []);
    assert.equal(await burned(async () => {
      const answer = await post('/ask');
      assert.deepEqual([answer.status, await answer.json()], [200, { response: 'You asked: What is 2+2?' }]);
      assert.deepEqual([receipt(answer).success, receipt(answer).creditsRedeemed], [true, '1']);
    }), 1);
    assert.deepEqual(await platform(), ['verify', 'settle']);
  });
});

test('fixed credits: each route has its own', async () => {
  const app = new Hono();
  app.use(paymentMiddleware({ 'POST /ask': { planId, credits: 1 }, 'POST /generate': { planId, credits: 5 } }));
  app.post('/ask', (c) => c.json({})).post('/generate', (c) => c.json({}));
  await listening(app, async ({ post }) => {
    assert.equal(await burned(() => post('/ask')), 1);
    assert.equal(await burned(() => post('/generate')), 5);
  });
});

test('credits that are not said are 1, and a route of 0 asks for a token and burns nothing', async () => {
  const app = new Hono();
  app.use(paymentMiddleware({ 'POST /ask': { planId }, 'GET /status/:id': { planId, credits: 0 } }));
  app.post('/ask', (c) => c.json({})).get('/status/:id', (c) => c.json({ id: c.req.param('id') }));
  await listening(app, async ({ get, post }) => {
    assert.equal(await burned(() => post('/ask')), 1);
    assert.equal((await get('/status/7', { paid: false })).status, 402);
    assert.equal(await burned(async () => { assert.deepEqual(await (await get('/status/7')).json(), { id: '7' }); }), 0);
  });
});

test('dynamic credits by the request: the function says what is verified and settled; an Express one was asked twice, this one once', async () => {
  const app = new Hono();
  let asked = 0;
  const credits = async (request) => { asked++; return Math.ceil((await request.json()).query.length / 10); };
  app.use(paymentMiddleware({ 'POST /generate': { planId, credits } }));
  app.post('/generate', async (c) => c.json({ length: (await c.req.json()).query.length }));
  await listening(app, async ({ post }) => {
    const body = { query: 'x'.repeat(31) };
    assert.equal(offered(await post('/generate', { body, paid: false })).accepts[0].extra.credits, '4');
    assert.equal(await burned(async () => { assert.deepEqual(await (await post('/generate', { body })).json(), { length: 31 }); }), 4);
    assert.equal(asked, 2, 'once for the offer, once for the payment');
  });
});

test('dynamic credits by the response: a header in the place of res.locals; rule 20: never more than was verified', async () => {
  const app = new Hono();
  app.use(paymentMiddleware({ 'POST /generate': { planId, credits: { by: 'origin', name: 'x-credits', most: 10 } } }));
  app.post('/generate', async (c) => {
    const { tokenCount } = await c.req.json();
    c.header('x-credits', String(Math.ceil((tokenCount || 100) / 100)));
    return c.json({ tokenCount });
  });
  await listening(app, async ({ post }) => {
    for (const [tokenCount, credits] of [[250, 3], [undefined, 1], [999_999, 10]]) {
      assert.equal(await burned(async () => {
        const answer = await post('/generate', { body: { tokenCount } });
        assert.deepEqual([answer.status, receipt(answer).creditsRedeemed, answer.headers.get('x-credits')], [200, String(credits), null]);
      }), credits, String(tokenCount));
    }
  });
});

test('path parameters: the middleware pays, the handler reads them', async () => {
  const app = new Hono();
  app.use(paymentMiddleware({ 'GET /users/:id': { planId, credits: 1 }, 'POST /agents/:agentId/task': { planId, credits: 2 } }));
  app.get('/users/:id', (c) => c.json({ id: c.req.param('id') })).post('/agents/:agentId/task', (c) => c.json({ agent: c.req.param('agentId') }));
  await listening(app, async ({ get, post }) => {
    assert.equal(await burned(async () => { assert.deepEqual(await (await get('/users/42')).json(), { id: '42' }); }), 1);
    assert.equal(await burned(async () => { assert.deepEqual(await (await post('/agents/a-7/task')).json(), { agent: 'a-7' }); }), 2);
    // A route of another length is not the same one, and here nobody's.
    assert.equal((await get('/users/42/orders', { paid: false })).status, 404);
    // Rule 16: what that middleware lets through unpaid is the paid route here, or refused.
    for (const path of ['/USERS/42', '/users/42/', '//users/42', '/%75sers/42']) assert.ok([400, 402].includes((await get(path, { paid: false })).status), path);
  });
});

test('with an agent: the offer names it, onAfterVerify and the handler learn of it', async () => {
  const app = new Hono();
  const lines = [];
  app.use(paymentMiddleware({ 'POST /task': { planId, agentId, credits: 5 } }, {
    onAfterVerify: (request, verification) => { if (verification.agentRequest) lines.push(`Agent: ${verification.agentRequest.agentName}`); },
  }));
  app.post('/task', (c) => {
    const { agentRequest, agentRequestId, creditsToSettle, verified, token: presented, paymentRequired } = c.get('paymentContext');
    return c.json({ agentName: agentRequest.agentName, same: agentRequest.agentRequestId === agentRequestId, creditsToSettle, verified, presented, plan: paymentRequired.accepts[0].planId });
  });
  await listening(app, async ({ post }) => {
    assert.equal(offered(await post('/task', { paid: false })).accepts[0].extra.agentId, agentId);
    const mine = await buyer.token(planId, { extra: { agentId } });
    const answer = await post('/task', { headers: { 'payment-signature': mine } });
    assert.deepEqual(await answer.json(), { agentName: 'The answering machine', same: true, creditsToSettle: 5, verified: true, presented: mine, plan: planId });
    assert.deepEqual(lines, ['Agent: The answering machine']);
  });
});

test('scheme: a plan that is sold by card is offered as that by itself; `scheme` and `network` say it where they are given', async () => {
  const byCard = await seller.plan(BY_CARD);
  const app = new Hono();
  app.use(paymentMiddleware({
    'POST /ask': { planId: byCard, credits: 1 }, 'POST /crypto': { planId, credits: 1 },
    'POST /forced': { planId, credits: 1, scheme: 'nvm:card-delegation' }, 'POST /visa': { planId, credits: 1, scheme: 'nvm:card-delegation', network: 'visa' },
  }));
  await listening(app, async ({ post }) => {
    const said = async (path) => { const { scheme, network } = offered(await post(path, { paid: false })).accepts[0]; return [scheme, network]; };
    assert.deepEqual(await said('/ask'), ['nvm:card-delegation', 'stripe']);
    assert.deepEqual(await said('/crypto'), ['nvm:erc4337', 'eip155:84532']);
    assert.deepEqual(await said('/forced'), ['nvm:card-delegation', 'stripe']);
    assert.deepEqual(await said('/visa'), ['nvm:card-delegation', 'visa']);
  });
});

test('all options at once: hooks in their order, with their arguments; the token in a header of one\'s own', async () => {
  const app = new Hono();
  const log = [];
  app.use(paymentMiddleware({ 'POST /ask': { planId, credits: 1 } }, {
    tokenHeader: 'x-access-token',
    onBeforeVerify: (request, paymentRequired) => { log.push(`Verifying payment for ${new URL(request.url).pathname}, plan ${paymentRequired.accepts[0].planId === planId}`); },
    onAfterVerify: async (request, verification) => { log.push(`valid: ${verification.isValid}`); },
    onAfterSettle: (request, creditsUsed, settlement) => { log.push(`Settled ${creditsUsed} credits, tx: ${/^0x/.test(settlement.transaction)}`); },
    onPaymentError: (error) => Response.json({ error: error.message, mine: true }, { status: 402 }),
  }));
  app.post('/ask', (c) => { log.push('handler'); return c.json({}); });
  await listening(app, async ({ post }) => {
    assert.equal((await post('/ask', { paid: false, headers: { 'X-Access-Token': token } })).status, 200);
    assert.deepEqual(log, ['Verifying payment for /ask, plan true', 'valid: true', 'handler', 'Settled 1 credits, tx: true']);
    log.length = 0;
    const refused = await post('/ask');
    assert.deepEqual([refused.status, (await refused.json()).mine, log], [402, true, []], 'the usual header is none here');
  });
});

test('several token headers: the first that is there counts', async () => {
  const app = new Hono();
  app.use(paymentMiddleware({ 'POST /ask': { planId, credits: 1 } }, { tokenHeader: ['payment-signature', 'x-payment'] }));
  app.post('/ask', (c) => c.json({}));
  await listening(app, async ({ post }) => {
    assert.equal((await post('/ask', { paid: false, headers: { 'x-payment': token } })).status, 200);
    assert.equal((await post('/ask', { headers: { 'x-payment': 'no token at all' } })).status, 200);
    assert.equal((await post('/ask', { paid: false, headers: { 'payment-signature': 'bm8', 'x-payment': token } })).status, 402);
  });
});

test('onPaymentError hears of each refusal, and says what is answered', async () => {
  const app = new Hono();
  const heard = [];
  const broke = await client(sandbox.url).open('A buyer without credits');
  // Credits that nobody has, of a delegation that may buy none.
  const empty = await broke.token(planId, { delegationId: await broke.delegation({ spendingLimitCents: 1 }) });
  app.use(paymentMiddleware({ 'POST /ask': { planId, credits: 1 } }, {
    onPaymentError: (error, request) => { heard.push([error.code, new URL(request.url).pathname]); return Response.json({ error: error.message }, { status: 402 }); },
  }));
  app.post('/ask', () => assert.fail('nobody paid'));
  await listening(app, async ({ post }) => {
    for (const init of [{ paid: false }, { headers: { 'payment-signature': 'bm8' } }, { headers: { 'payment-signature': empty } }]) {
      const answer = await post('/ask', init);
      assert.deepEqual([answer.status, Object.keys(await answer.json())], [402, ['error']]);
      assert.equal(offered(answer).accepts[0].planId, planId, 'the offer stays');
    }
  });
  assert.deepEqual(heard.map(([, path]) => path), ['/ask', '/ask', '/ask']);
  assert.deepEqual([heard[0][0], new Set(heard.map(([code]) => code)).size], ['payment_missing', 3]);
});

test('the complete example: logs before and after, and a public route that no configuration names', async () => {
  const app = new Hono();
  const log = [];
  app.use(paymentMiddleware({ 'POST /ask': { planId, credits: 1 } }, {
    onBeforeVerify: (request) => { log.push(`[Payment] Verifying request to ${new URL(request.url).pathname}`); },
    onAfterSettle: (request, credits) => { log.push(`[Payment] Settled ${credits} credits`); },
  }));
  app.post('/ask', async (c) => c.json({ response: (await c.req.json()).query.length }));
  app.get('/health', (c) => c.json({ status: 'ok' }));
  await listening(app, async ({ get, post }) => {
    assert.deepEqual(await (await get('/health', { paid: false })).json(), { status: 'ok' });
    assert.deepEqual(await (await post('/ask')).json(), { response: 12 });
    assert.deepEqual(log, ['[Payment] Verifying request to /ask', '[Payment] Settled 1 credits']);
    assert.deepEqual(await platform(), ['verify', 'settle'], 'nobody is asked about what is public');
  });
});

test('the client of the documentation: bare, the plan and agent out of the offer, a token, paid, the receipt', async () => {
  const app = new Hono();
  app.use(paymentMiddleware({ 'POST /ask': { planId, agentId, credits: 2 } }));
  app.post('/ask', (c) => c.json({ response: '4' }));
  const payments = await Payments.getInstance({
    nvmApiKey: buyer.key, environment: 'custom', backend: sandbox.url, delegationConfig: { delegationId: await buyer.delegation() },
  });
  await listening(app, async ({ post }) => {
    const first = await post('/ask', { paid: false });
    assert.equal(first.status, 402);
    const { planId: asked, extra } = JSON.parse(Buffer.from(first.headers.get('payment-required'), 'base64').toString()).accepts[0];
    const { accessToken } = await payments.x402.getX402AccessToken(asked, extra?.agentId);
    assert.equal((await decodeAccessToken(accessToken)).accepted.planId, planId);
    const second = await post('/ask', { headers: { 'payment-signature': accessToken } });
    assert.deepEqual(await second.json(), { response: '4' });
    assert.equal(JSON.parse(Buffer.from(second.headers.get('payment-response'), 'base64').toString()).creditsRedeemed, '2');
  });
});

test('what is no success is not charged: an error, a redirect, a handler that throws', async () => {
  const app = new Hono();
  app.use(paymentMiddleware(Object.fromEntries(['fails', 'moved', 'throws'].map((name) => [`GET /${name}`, { planId, credits: 1 }]))));
  app.get('/fails', (c) => c.json({ error: 'x' }, 422)).get('/moved', (c) => c.redirect('/elsewhere')).get('/throws', () => { throw new Error('x'); });
  await listening(app, async ({ url }) => {
    assert.equal(await burned(async () => {
      for (const [path, status] of [['/fails', 422], ['/moved', 302], ['/throws', 500]]) {
        const answer = await fetch(url + path, { redirect: 'manual', headers: { 'payment-signature': token } });
        assert.equal(answer.status, status, path);
      }
    }), 0);
    assert.deepEqual(await platform(), ['verify', 'verify', 'verify']);
  });
});

test('`mpp` is no option here: the gate says so at the start, and lets nobody through', async () => {
  const middleware = paymentMiddleware({ 'POST /ask': { planId, credits: 1, mpp: true } });
  const app = new Hono();
  app.use(middleware);
  app.post('/ask', () => assert.fail('nobody paid'));
  await listening(app, async ({ post }) => {
    await assert.rejects(middleware.ready(), { code: 'config_invalid', key: 'routes["POST /ask"].mpp' });
    const answer = await post('/ask');
    assert.deepEqual([answer.status, (await answer.json()).key], [500, 'routes["POST /ask"].mpp']);
  });
});
