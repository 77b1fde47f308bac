// The official Python client, unmodified, pays every kind of route of the real Worker, in front of the sandbox: every price,
// every way to settle and to give a receipt, every origin, single-use tokens, cards, passes.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { repoPath } from '../../scripts/lib/run.mjs';
import { freePort } from '../../scripts/lib/demo-servers.mjs';
import { startPaywall, startSandbox } from '../../scripts/lib/start.mjs';
import { BY_CARD, client } from '../sandbox/client.mjs';
import { startOrigin } from '../workerd/harness.mjs';

const { PYTHON } = process.env;
const skip = PYTHON ? false : 'Python is not installed';
const LINES = Array.from({ length: 100 }, (_, index) => `line ${index}\n`).join('');
const EVENTS = 'data: {"word":"one"}\n\ndata: {"usage":{"total_tokens":250}}\n\n';

let started = [];
let seller;
let planId;
let cardPlan;
let urls;
const folder = mkdtempSync(join(tmpdir(), 'routes-'));
before(async () => {
  if (skip) return;
  const sandbox = await startSandbox();
  started.push(sandbox);
  seller = Object.assign(await client(sandbox.url).open('A seller'), { sandbox });
  planId = await seller.plan({ credits: { maxAmount: '50' } });
  cardPlan = await seller.plan(BY_CARD);
  const port = await freePort();
  const { json } = await seller.post('/api/v1/protocol/agents', {
    metadataAttributes: { name: 'An agent' }, plans: [planId],
    agentApiAttributes: { endpoints: [{ GET: `http://127.0.0.1:${port}/agent` }], openEndpoints: [], authType: 'none' },
  });
  const { agentId } = json.data;
  const origin = await startOrigin();
  started.push(origin);
  origin.answer = async (request, response) => {
    const { pathname } = new URL(request.url, 'http://x');
    if (/^\/(sse|end)/.test(pathname)) return response.writeHead(200, { 'content-type': 'text/event-stream' }).end(EVENTS);
    // A seller's agent says what its work cost, as the platform wants it.
    if (pathname === '/margin') {
      const recorded = await seller.post('/api/v1/protocol/agent-sub-tasks', { agentRequestId: request.headers['x-payment-request-id'], creditsToRedeem: 20 });
      assert.equal(recorded.status, 201, recorded.text);
    }
    if (pathname === '/fails') return response.writeHead(500).end('no');
    response.writeHead(200, { 'content-type': 'text/plain', ...(pathname === '/said' && { 'x-credits': '4' }) });
    if (request.method === 'POST') request.pipe(response);
    else response.end('worth paying for');
  };
  const end = { planId, settle: 'at-end-of-stream' };
  const routes = {
    'GET /fixed': { planId, credits: 2 },
    'POST /upper': { planId, credits: 2 },
    'GET|POST /files/:name': { planId, credits: 1 },
    'GET /zero': { planId, credits: 0 },
    'GET /query': { planId, credits: { by: 'query', name: 'n', each: 2, most: 12 } },
    'GET /header': { planId, credits: { by: 'header', name: 'x-n', each: 3, most: 12 } },
    'GET /said': { planId, credits: { by: 'origin', name: 'x-credits', most: 9 } },
    'GET /batch': { planId, credits: 1, batch: true },
    'GET /margin': { planId, credits: 2, marginPercent: 0.05 },
    'GET /agent': { planId, agentId, credits: 2 },
    'GET /sse/before': { planId, credits: 3 },
    'GET /after': { planId, credits: 2, settle: 'after-delivery' },
    'GET /end/url': { ...end, credits: 3, receipt: 'url' },
    'GET /end/event': { ...end, credits: 3, receipt: 'event' },
    'GET /end/bytes': { ...end, credits: { by: 'byte', each: 1, per: 10, most: 50 } },
    'GET /end/events': { ...end, credits: { by: 'event', each: 2, base: 1, most: 50 }, receipt: 'event' },
    'GET /end/tokens': { ...end, credits: { by: 'token', member: 'usage.total_tokens', each: 1, per: 100, most: 50 }, receipt: 'event' },
    'GET /gift': { planId, credits: 2, free: { perDay: 1, by: 'payer' } },
    'GET /taste': { planId, credits: 2, free: { perDay: 1, by: 'address' } },
    'GET /rated': { planId, credits: 1, limit: { requests: 1, seconds: 3600, by: 'payer' } },
    'GET /once': { planId, credits: 2, singleUse: true },
    'GET /card': { planId: cardPlan, credits: 5 },
    'GET /either': { plans: [{ planId: cardPlan, credits: 1 }, { planId, credits: 2 }] },
    'GET /pass': { planId, credits: 4 },
    'GET /fails': { planId, credits: 1 },
  };
  const shared = { api: sandbox.url, key: seller.key };
  const data = { routes: { 'GET /data/*rest': { planId, credits: 2 } }, unlisted: 'deny' };
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'data', 'lines.txt'), LINES);
  const paywalls = {
    main: startPaywall({
      ...shared, port, origin: origin.url, state: true, routes: { routes, unlisted: 'deny' },
      vars: { PASSES: JSON.stringify({ day: { routes: ['GET /pass'], seconds: 86400, carry: 'header' } }), PASS_KEYS: 'k1:0123456789abcdef0123456789abcdef' },
    }),
    bucket: startPaywall({ ...shared, routes: data, options: { r2Buckets: ['BUCKET'] } }),
    files: startPaywall({
      ...shared, routes: data,
      options: { assets: { directory: folder, binding: 'ASSETS', routerConfig: { has_user_worker: true, invoke_user_worker_ahead_of_assets: true } } },
    }),
    bound: startPaywall({ ...shared, routes: data, binding: (request) => new Response(`bound: ${new URL(request.url).pathname}`) }),
  };
  urls = {};
  for (const [name, starting] of Object.entries(paywalls)) {
    const paywall = await starting;
    started.push(paywall);
    urls[name] = paywall.url;
    if (name === 'bucket') await (await paywall.miniflare.getR2Bucket('BUCKET', 'paywall')).put('data/lines.txt', LINES, { httpMetadata: { contentType: 'text/plain' } });
  }
}, { timeout: 120_000 });
after(async () => {
  await Promise.all(started.map((one) => one.stop()));
  rmSync(folder, { recursive: true, force: true });
});

/** Has Python do these requests, as a new buyer; what came of each, and the buyer. */
async function paying(jobs) {
  const buyer = await client(seller.sandbox.url).open('A buyer in Python');
  const url = ([where, path]) => urls[where] + path;
  const work = {
    key: buyer.key,
    jobs: jobs.map(({ at: place, path, ...job }) => ({ method: 'GET', token: job.again || job.keep || job.bare ? undefined : 2, ...job, url: url([place ?? 'main', path]) })),
  };
  const child = spawn(PYTHON, [repoPath('tests/python/payer.py')], {
    env: { ...process.env, NVM_BACKEND_URL: seller.sandbox.url, NVM_FRONTEND_URL: seller.sandbox.url, PYTHONUNBUFFERED: '1' }, stdio: ['pipe', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => { said[name] += text; });
  child.stdin.end(JSON.stringify(work));
  const code = await new Promise((done) => child.on('close', done));
  assert.equal(code, 0, said.stderr);
  const [results] = said.stdout.trim().split('\n').slice(-1).map((line) => JSON.parse(line));
  return { buyer, results: Object.fromEntries(results.map((result) => [result.name, result])) };
}

/** Payments with a token of version 2: the job, its price, the place of the receipt, the text of the response. */
const PAID = {
  'a fixed price': [{ path: '/fixed' }, 2, 'header', 'worth paying for'],
  'with a body': [{ path: '/upper', method: 'POST', body: 'a question' }, 2, 'header', 'a question'],
  'one of several methods, a parameter': [{ path: '/files/a%20b', method: 'POST', body: 'x' }, 1, 'header', 'x'],
  'nothing, verified': [{ path: '/zero' }, 0, 'header', 'worth paying for'],
  'by the query': [{ path: '/query?n=3' }, 6, 'header', 'worth paying for'],
  'by a header': [{ path: '/header', headers: { 'x-n': '2' } }, 6, 'header', 'worth paying for'],
  'as the origin says': [{ path: '/said' }, 4, 'header', 'worth paying for'],
  'in a batch': [{ path: '/batch' }, 1, 'header', 'worth paying for'],
  'with a margin on what the agent says that it cost': [{ path: '/margin' }, 21, 'header', 'worth paying for'],
  'an agent\'s': [{ path: '/agent' }, 2, 'header', 'worth paying for'],
  'its head': [{ path: '/fixed', method: 'HEAD' }, 2, 'header', ''],
  'a stream, before delivery': [{ path: '/sse/before' }, 3, 'header', EVENTS],
  'after delivery': [{ path: '/after' }, 2, 'url', 'worth paying for'],
  'at the end, receipt at a URL': [{ path: '/end/url' }, 3, 'url', EVENTS],
  'at the end, receipt as an event': [{ path: '/end/event' }, 3, 'event', EVENTS],
  'by bytes': [{ path: '/end/bytes' }, Math.ceil(EVENTS.length / 10), 'url', EVENTS],
  'by events': [{ path: '/end/events' }, 5, 'event', EVENTS],
  'by tokens': [{ path: '/end/tokens' }, 3, 'event', EVENTS],
  'an object of a bucket': [{ at: 'bucket', path: '/data/lines.txt' }, 2, 'header', LINES],
  'a part of it': [{ at: 'bucket', path: '/data/lines.txt', headers: { range: 'bytes=0-6' } }, 2, 'header', 'line 0\n', 206],
  'a file of the Worker\'s own': [{ at: 'files', path: '/data/lines.txt' }, 2, 'header', LINES],
  'a bound service': [{ at: 'bound', path: '/data/x' }, 2, 'header', 'bound: /data/x'],
};

test('payments-py pays every price, every policy, every receipt, every origin', { skip }, async () => {
  const { buyer, results } = await paying(Object.entries(PAID).map(([name, [job]]) => ({ name, ...job })));
  let left = 100;
  for (const [name, [, credits, by, text, status = 200]] of Object.entries(PAID)) {
    const result = results[name];
    left -= credits;
    assert.deepEqual([result.bare, result.status, result.by, result.singleUse], [402, status, by, false], `${name}: ${result.text}`);
    assert.equal(result.text.slice(0, text.length), text, name);
    assert.deepEqual(result.read, { success: true, credits: String(credits), left: credits === 0 ? null : String(left) }, name);
  }
  assert.equal(await buyer.balance(planId), String(left), 'the ledger says what the receipts say');
});

test('payments-py pays with single-use tokens, where they are wanted and where they are not', { skip }, async () => {
  const { buyer, results } = await paying([
    { name: 'a reusable one is refused', path: '/once' },
    { name: 'one', path: '/once', token: 3 },
    { name: 'the same again', path: '/once', again: true },
    { name: 'another', path: '/once', token: 3 },
    { name: 'at any route', path: '/fixed', token: 3 },
    { name: 'of a stream', path: '/end/events', token: 3 },
    { name: 'of an agent, at its endpoint', path: '/agent', token: 3 },
    { name: 'where the origin fails', path: '/fails', token: 3 },
  ]);
  const line = ({ status, code, singleUse, read }) => [status, code, singleUse, read?.credits];
  assert.deepEqual(Object.values(results).map(line), [
    [402, 'payment_not_single_use', false, undefined], [200, undefined, true, '2'], [402, 'BCK.X402.0059', undefined, undefined],
    [200, undefined, true, '2'], [200, undefined, true, '2'], [200, undefined, true, '5'], [200, undefined, true, '2'], [500, undefined, true, undefined],
  ]);
  assert.equal(await buyer.balance(planId), String(100 - 13));
});

test('payments-py pays by card, and by the one of several plans that it chooses', { skip }, async () => {
  const { buyer, results } = await paying([
    { name: 'card', path: '/card' },
    { name: 'either, by card', path: '/either', scheme: 'nvm:card-delegation' },
    { name: 'either, by wallet', path: '/either', scheme: 'nvm:erc4337' },
  ]);
  const line = ({ status, offers, offered, read }) => [status, offers, offered.scheme, offered.network, offered.planId, read.credits];
  assert.deepEqual(Object.values(results).map(line), [
    [200, 1, 'nvm:card-delegation', 'stripe', cardPlan, '5'], [200, 2, 'nvm:card-delegation', 'stripe', cardPlan, '1'], [200, 2, 'nvm:erc4337', 'eip155:84532', planId, '2'],
  ]);
  assert.equal(typeof results.card.receipt.orderTx, 'string', 'the card was charged for the first credits');
  assert.deepEqual([await buyer.balance(cardPlan), await buyer.balance(planId)], ['94', '98']);
});

test('payments-py and what is free for a while, what is rated, and what a pass opens', { skip }, async () => {
  const { buyer, results } = await paying([
    { name: 'a first one for nothing', path: '/gift' },
    { name: 'a second one', path: '/gift', again: true },
    { name: 'without a token', path: '/taste', bare: true },
    { name: 'and then with one', path: '/taste' },
    { name: 'a rate kept', path: '/rated' },
    { name: 'a rate broken', path: '/rated', again: true },
    { name: 'a pass is bought', path: '/pass' },
    { name: 'a pass is shown', path: '/pass', keep: ['x-payment-pass'] },
  ]);
  const line = ({ status, code, by, receipt }) => [status, code, by, receipt?.creditsRedeemed];
  const said = Object.fromEntries(Object.entries(results).map(([name, result]) => [name, line(result)]));
  assert.deepEqual(said, {
    'a first one for nothing': [200, undefined, 'header', '0'],
    'a second one': [200, undefined, 'header', '2'],
    'without a token': [200, undefined, 'header', '0'],
    'and then with one': [200, undefined, 'header', '2'],
    'a rate kept': [200, undefined, 'header', '1'],
    'a rate broken': [429, 'rate_limited', 'header', undefined],
    'a pass is bought': [200, undefined, 'header', '4'],
    'a pass is shown': [200, undefined, null, undefined],
  });
  assert.match(results['a rate broken'].headers['retry-after'], /^\d+$/);
  assert.equal(await buyer.balance(planId), String(100 - 9));
});
