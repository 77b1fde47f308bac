// Open routes without a log go a shorter way: the gate decides once, and the answer is the origin's (rules 16, 25 and 26). Each request is
// sent to two gates, one with a log and one without, which must do the same.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { raw, startAll, token } from './harness.mjs';

const routes = { routes: { 'GET /paid': { planId: '1001', credits: 1 } }, open: ['GET /health', 'POST /echo', 'GET /docs/*rest'], unlisted: 'deny' };
const vars = { ORIGIN_TIMEOUT_MS: '500', ALLOWED_ORIGINS: JSON.stringify(['https://page.example']) };
const gates = {};
before(async () => {
  const [logged, silent] = await Promise.all(['requests', 'off'].map((LOG) => startAll({ routes, vars: { ...vars, LOG } })));
  Object.assign(gates, { logged, silent });
});
beforeEach(() => { for (const gate of Object.values(gates)) gate.reset(); });
after(() => Promise.all(Object.values(gates).map((gate) => gate.stop())));

/** A text without what differs from gate to gate and from time to time. */
const same = (text, { paywall, origin }) => text
  .replaceAll(new URL(paywall.url).host, 'GATE').replaceAll(new URL(origin.url).host, 'ORIGIN')
  .replace(/\bdur=[\d.]+/g, 'dur=0').replace(/\b[0-9a-f]{32}\b/g, 'ID').replace(/^date: .*\r\n/im, '');

/** The result of a message at a gate: the answer, and the requests that reached the origin. */
async function made(gate, message) {
  gate.reset();
  gate.origin.answer = message.answer;
  const { status, answer } = await raw(gate.paywall.url, message.text);
  const seen = gate.origin.calls.map(({ method, url, headers }) => ({ method, url, headers: Object.entries(headers).sort() }));
  return { status, answer: same(answer, gate), seen: same(JSON.stringify(seen), gate), asked: gate.facilitator.calls.length };
}

const message = (line, headers = [], body = '') => `${line} HTTP/1.1\r\nHost: a\r\n${headers.map((header) => `${header}\r\n`).join('')}\r\n${body}`;
const plain = (status, headers = {}, body = '') => (request, response) => { response.writeHead(status, headers); response.end(body); };
const MESSAGES = {
  'a GET': { text: message('GET /health?a=1&b=%20') },
  'a HEAD': { text: message('HEAD /health'), answer: plain(200, { 'content-length': '7', 'x-own': 'yes' }) },
  'a POST with a body': { text: message('POST /echo', ['Content-Length: 5', 'Content-Type: text/plain'], 'hello'), answer: (request, response) => request.pipe(response) },
  'a GET with a body': { text: message('GET /health', ['Content-Length: 5'], 'hello') },
  'a token and forged facts': { text: message('GET /health', [`payment-signature: ${token()}`, 'x-payment-payer: 0xb1', 'X_Payment_Plan: 1', 'x-payment.credits: 1', 'x-original-url: /paid', 'x-http-method-override: DELETE', 'x-kept: yes']) },
  'an id of the client\'s': { text: message('GET /health', ['x-correlation-id: mine-1']) },
  'two cookies and a status text': { text: message('GET /docs/a/b'), answer: (request, response) => { response.writeHead(203, 'Made', [['set-cookie', 'a=1; Path=/'], ['set-cookie', 'b=2, 3'], ['vary', 'accept']].flat()); response.end('ok'); } },
  'timings of the origin\'s': { text: message('GET /health'), answer: plain(200, { 'server-timing': 'db;dur=5' }, 'x') },
  'headers that are the gate\'s': { text: message('GET /health'), answer: plain(200, { 'payment-response': 'x', 'payment-required': 'y', 'access-control-allow-origin': '*' }, 'x') },
  'a page of an allowed origin': { text: message('GET /health', ['origin: https://page.example']), answer: plain(200, { 'access-control-allow-origin': '*', vary: 'accept' }, 'x') },
  'a page of another origin': { text: message('GET /health', ['origin: https://other.example']) },
  'a preflight': { text: message('OPTIONS /health', ['origin: https://page.example', 'access-control-request-method: GET']) },
  'an encoded answer': { text: message('GET /health', ['accept-encoding: gzip']), answer: plain(200, { 'content-encoding': 'gzip' }, gzipSync('open')) },
  'no content': { text: message('GET /health'), answer: plain(204) },
  'not modified': { text: message('GET /health', ['if-none-match: "1"']), answer: plain(304, { etag: '"1"' }) },
  'a redirect': { text: message('GET /health'), answer: plain(302, { location: '/elsewhere' }) },
  'an error of the origin\'s': { text: message('GET /health'), answer: plain(500, { 'content-type': 'text/plain' }, 'broken') },
  'a 402 of the origin\'s': { text: message('GET /health'), answer: plain(402, { 'payment-required': 'x' }, '{}') },
  'an origin that breaks off': { text: message('GET /health'), answer: (request) => request.socket.destroy() },
  'an origin that is silent': { text: message('GET /health'), answer: () => {} },
  'a route that is paid for': { text: message('GET /paid') },
  'a route that is not listed': { text: message('GET /elsewhere') },
  'another method': { text: message('DELETE /health') },
  ...Object.fromEntries([
    '//health', '/./health', '/a/../health', '/%68ealth', '/%2568ealth', '/health/', '/HEALTH', '/health;x', '/health%00', '/health%2f..%2fpaid', '/docs/../paid',
    '/docs/%2e%2e/paid', '/docs/..;/paid', '/docs\\..\\paid', '/docs/%5c..%5cpaid', '/docs//paid', '/docs/a%2fb', '/docs/ä', 'http://a/health', 'http://b/paid', '*',
  ].map((path) => [`the path ${path}`, { text: message(`GET ${path}`) }])),
};

test('an open route without a log is answered as one with a log is', async () => {
  const statuses = new Set();
  for (const [name, sent] of Object.entries(MESSAGES)) {
    const [logged, silent] = [await made(gates.logged, sent), await made(gates.silent, sent)];
    assert.deepEqual(silent, logged, name);
    assert.equal(silent.asked, 0, name);
    assert.doesNotMatch(silent.seen, /payment|"\/paid/i, name);
    statuses.add(silent.status);
  }
  for (const status of [200, 203, 204, 302, 304, 400, 402, 404, 500, 502, 504]) assert.ok(statuses.has(status), `${status} of ${[...statuses]}`);
});

test('without a log nothing is printed of an open route, and with one a line each', async () => {
  for (const gate of Object.values(gates)) assert.equal((await gate.get('/health')).status, 200);
  const lines = (gate) => gate.paywall.said().split('\n').filter((line) => line.includes('"route"') && line.includes('/health')).length;
  for (let round = 0; round < 100 && lines(gates.logged) === 0; round++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(lines(gates.logged) > 0);
  assert.equal(lines(gates.silent), 0);
});

test('without a log a client that goes away ends the stream of the origin', async () => {
  const gate = gates.silent;
  gate.origin.answer = (request, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write('x'), 20);
    response.on('close', () => clearInterval(timer));
  };
  const stop = new AbortController();
  const response = await gate.get('/health', { signal: stop.signal });
  await response.body.getReader().read();
  stop.abort();
  for (let round = 0; round < 500 && gate.origin.cancelled === 0; round++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(gate.origin.cancelled, 1);
});
