// The official middleware (that of FastAPI; that of Express has the same algorithm, but no release that could be had) and
// our library, in front of the same service, at the same sandbox, asked the same. What they answer, which hooks they call with
// what, and what they ask the platform is the same, or the difference is a rule of money, named beside the case.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { Hono } from 'hono';
import { repoPath } from '../../scripts/lib/run.mjs';
import { freePort } from '../../scripts/lib/demo-servers.mjs';
import { startSandbox } from '../../scripts/lib/start.mjs';
import { honoPaywall } from '../../target/dist/subscriber/paywall.js';
import { toNodeListener } from '../../target/dist/subscriber/paywall.node.js';
import { captureLog } from '../library/harness.mjs';
import { BY_CARD, client, encode } from '../sandbox/client.mjs';
import { readHeader } from '../workerd/harness.mjs';

const { PYTHON } = process.env;
const skip = PYTHON ? false : 'Python is not installed';

let sandbox;
let seller;
let service;
let server;
let sides;
let tokens;
before(async () => {
  if (skip) return;
  sandbox = await startSandbox({ vars: { SANDBOX_FAULTS: '1' } });
  seller = await client(sandbox.url).open('A seller');
  const [plan, other, card] = [await seller.plan(), await seller.plan(), await seller.plan(BY_CARD)];
  const { json } = await seller.post('/api/v1/protocol/agents', {
    metadataAttributes: { name: 'An agent' }, plans: [plan], agentApiAttributes: { endpoints: [{ POST: 'http://localhost/task' }], openEndpoints: [], authType: 'none' },
  });
  const agent = json.data.agentId;
  const port = await freePort();
  service = spawn(PYTHON, [repoPath('tests/python/middleware.py')], {
    env: { ...process.env, NVM_BACKEND_URL: sandbox.url, NVM_FRONTEND_URL: sandbox.url, NVM_API_KEY: seller.key, PLAN: plan, CARD_PLAN: card, AGENT: agent, PORT: String(port), PYTHONUNBUFFERED: '1' },
    stdio: ['ignore', 'inherit', 'ignore'],
  });
  const own = await ours({ plan, card, agent });
  const theirs = `http://127.0.0.1:${port}`;
  sides = { theirs: { url: theirs, log: async () => (await fetch(`${theirs}/log`)).json() }, ours: own };
  while (!(await fetch(`${theirs}/health`).catch(() => undefined))?.ok) {
    assert.equal(service.exitCode, null, 'the Python service ended');
    await new Promise((done) => setTimeout(done, 100));
  }
  const mint = async (options = {}) => {
    const buyer = await client(sandbox.url).open('A buyer');
    if (!options.empty) for (const one of [plan, other]) await buyer.order(one);
    return buyer.token(options.planId ?? plan, options.empty ? { delegationId: await buyer.delegation({ spendingLimitCents: 1 }) } : {});
  };
  // Each side has a buyer of its own who did the same: balances in receipts can be compared.
  const pair = async (options) => ({ theirs: await mint(options), ours: await mint(options) });
  const same = (token) => ({ theirs: token, ours: token });
  tokens = { good: await pair(), empty: await pair({ empty: true }), other: await pair({ planId: other }), garbage: same('bm8'), forged: same(encode({ x402Version: 2, accepted: { scheme: 'nvm:erc4337', network: 'eip155:84532', planId: plan, extra: {} }, payload: { signature: '0x1', authorization: { from: '0x2' } } })) };
}, { timeout: 120_000 });
after(async () => {
  service?.kill();
  server?.closeAllConnections();
  server?.close();
  await sandbox?.stop();
});

/** The service of middleware.py, behind our gate: line for line as there. */
async function ours({ plan, card, agent }) {
  const log = [];
  const path = (request) => new URL(request.url).pathname;
  const gate = honoPaywall({
    nvmApiKey: seller.key, environment: 'custom', backend: sandbox.url, unlisted: 'pass', state: 'memory', log: false,
    routes: {
      'POST /ask': { planId: plan, credits: 1 },
      'POST /generate': { planId: plan, credits: (request) => Number(new URL(request.url).searchParams.get('n')) },
      'GET /users/:id': { planId: plan, credits: 2 },
      'GET /status/:id': { planId: plan, credits: 0 },
      'POST /task': { planId: plan, agentId: agent, credits: 5, description: 'A task', mimeType: 'text/plain' },
      'POST /card': { planId: card, credits: 1 },
      'POST /forced': { planId: plan, credits: 1, scheme: 'nvm:card-delegation' },
      'GET /fails': { planId: plan, credits: 1 },
    },
    tokenHeader: ['payment-signature', 'x-token'],
    onBeforeVerify(request, required) {
      log.push(['onBeforeVerify', path(request), required.accepts[0].planId]);
      if (request.headers.get('x-deny') === 'before') throw new Error('no, says before');
    },
    onAfterVerify(request, verification) { log.push(['onAfterVerify', path(request), verification.isValid]); },
    onAfterSettle(request, credits, settlement) { log.push(['onAfterSettle', path(request), credits, settlement.success]); },
    onPaymentError(error, request) { log.push(['onPaymentError', path(request)]); },
  });
  const app = new Hono();
  app.use(gate);
  app.get('/health', (c) => c.text('ok'));
  app.get('/fails', (c) => { log.push(['handler', '/fails']); return c.text('no', 422); });
  app.all('*', (c) => {
    const paid = c.get('paymentContext');
    log.push(['handler', c.req.path]);
    return c.json({ path: c.req.path, credits: paid?.creditsToSettle ?? null, verified: paid?.verified ?? null });
  });
  server = createServer({ maxHeaderSize: 64 * 1024 }, toNodeListener((request) => app.fetch(request))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}`, log: async () => log.splice(0) };
}

/** All that can be seen of one request, at one side. */
async function answerOf(side, [method, path, token, headers]) {
  await seller.del('/sandbox/calls');
  await sides[side].log();
  const answer = await fetch(sides[side].url + path, {
    method, headers: { ...(token && { 'payment-signature': tokens[token][side] }), ...Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, tokens[value]?.[side] ?? value])) },
  });
  const text = await answer.text();
  const read = (name) => answer.headers.has(name) ? readHeader(answer.headers.get(name)) : undefined;
  const [offer, receipt] = [read('payment-required'), read('payment-response')];
  const body = answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text;
  const { scheme, network, planId, extra: { credits, ...extra } = {} } = offer?.accepts[0] ?? {};
  const asked = (await seller.get('/sandbox/calls')).json.map((call) => call.path).filter((called) => /x402/.test(called));
  return {
    status: answer.status,
    body: answer.status === 402 ? body.error : body,
    // The official client adds the status to the platform's message.
    message: answer.status === 402 ? body.message.replace(/ \(HTTP \d+\)$/, '') : undefined,
    offer: offer && { resource: new URL(offer.resource.url, 'http://x').pathname, description: offer.resource.description ?? null, mimeType: offer.resource.mimeType ?? null, accepts: offer.accepts.length, scheme, network, planId, extra: without(extra) },
    receipt: receipt && { success: receipt.success, creditsRedeemed: receipt.creditsRedeemed, remainingBalance: receipt.remainingBalance, network: receipt.network },
    hooks: await sides[side].log(),
    platform: asked.map((called) => called.split('/').at(-1)),
  };
}
const without = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));

const NOT_SETTLED = { why: 'the receipt says that nothing was settled', receipt: { success: false } };

/** Requests, and where the two differ: our result, and the rule that requires it. */
const CASES = {
  'a public route': [['GET', '/health']],
  'no token': [['POST', '/ask']],
  'paid': [['POST', '/ask', 'good']],
  'paid again': [['POST', '/ask', 'good']],
  'the other token header': [['POST', '/ask', undefined, { 'x-token': 'good' }]],
  'a price by the request': [['POST', '/generate?n=3', 'good']],
  'a parameter': [['GET', '/users/7', 'good']],
  'a parameter, no token': [['GET', '/users/7']],
  'an agent, a description': [['POST', '/task']],
  'paid, with an agent': [['POST', '/task', 'good']],
  'a plan by card': [['POST', '/card']],
  'a scheme that is said': [['POST', '/forced']],
  'a token of no account': [['POST', '/ask', 'forged'], NOT_SETTLED],
  'a buyer without credits': [['POST', '/ask', 'empty'], NOT_SETTLED],
  'another method of a paid path': [['GET', '/ask'], {
    why: 'rule 16: what is open has to be said, with `openRoutes: ["GET /ask"]`', status: 405, body: { error: 'Method Not Allowed', code: 'method_not_listed' }, hooks: [],
  }],
  'an answer that is no success': [['GET', '/fails', 'good'], NOT_SETTLED],
  'a hook that says no': [['POST', '/ask', 'good', { 'x-deny': 'before' }], NOT_SETTLED],
  'free, with a token': [['GET', '/status/7', 'good'], {
    why: 'nothing is settled where nothing is to be burned (rule 19)', platform: ['verify'], hooks: (hooks) => hooks.filter(([name]) => name !== 'onAfterSettle'), receipt: { creditsRedeemed: '0' },
  }],
  'a token of another plan': [['POST', '/ask', 'other'], {
    why: 'what is written in the token is read here first: nobody is asked', platform: [], receipt: { success: false }, hooks: [['onPaymentError', '/ask']], message: /another plan/,
  }],
  'garbage for a token': [['POST', '/ask', 'garbage'], {
    why: 'what is written in the token is read here first: nobody is asked', platform: [], receipt: { success: false }, hooks: [['onPaymentError', '/ask']], message: /./,
  }],
  'an alias of a paid path': [['GET', '/USERS/7'], {
    why: 'rule 16: Hono has chosen the handler by another path than the one that is paid for', status: 400, body: { error: 'Bad Request', code: 'path_not_canonical' }, hooks: [],
  }],
};

for (const [name, [request, differs]] of Object.entries(CASES)) {
  test(`${name}: ${differs ? `otherwise here, ${differs.why}` : 'the same'}`, { skip }, async () => {
    const theirs = await answerOf('theirs', request);
    let own;
    await captureLog(async () => { own = await answerOf('ours', request); });
    for (const part of Object.keys(theirs)) {
      const other = differs?.[part];
      if (other === undefined) assert.deepEqual(own[part], theirs[part], part);
      else if (other instanceof RegExp) assert.match(own[part], other);
      else if (typeof other === 'function') assert.deepEqual(own[part], other(theirs[part]), part);
      else if (Array.isArray(other) || typeof other !== 'object') assert.deepEqual(own[part], other, part);
      else assert.deepEqual({ ...own[part], ...other }, own[part], part);
    }
  });
}

for (const [what, fault, theirs, own] of [
  ['a platform that is down at verify (rule 21)', { match: { path: 'x402/verify$' }, kind: 'status', status: 500 }, { status: 402, handled: 0 }, { status: 503, handled: 0 }],
  ['a settlement that is refused (rule 21)', { match: { path: 'x402/settle$' }, kind: 'status', status: 402, code: 'BCK.X402.0007' }, { status: 200, handled: 1 }, { status: 402, handled: 1 }],
]) {
  test(`${what}: otherwise here`, { skip }, async () => {
    for (const [side, expected] of [['theirs', theirs], ['ours', own]]) {
      const made = await seller.post('/sandbox/faults', [fault]);
      assert.equal(made.status, 201, made.text);
      try {
        let answer;
        await captureLog(async () => { answer = await answerOf(side, ['POST', '/ask', 'good']); });
        assert.deepEqual([answer.status, answer.hooks.filter(([name]) => name === 'handler').length], [expected.status, expected.handled], side);
        assert.notEqual(answer.receipt?.success, true);
      } finally {
        await seller.del('/sandbox/faults');
      }
    }
  });
}
