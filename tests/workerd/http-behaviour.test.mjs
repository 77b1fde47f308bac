// How the paywall behaves beside what it decides: names, times, logs, counters, sizes, patience (money rules 17, 18, 21, 25).
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { PLAN, json, raw, readHeader, startAll, token } from './harness.mjs';
import { IMPLEMENTATION } from '../library/implementations.mjs';

const PAGE = 'https://app.example';
const SECRET = '0123456789abcdef0123';
const EVERYTHING = { 'GET /paid': { planId: PLAN, credits: 1 }, 'POST /ask': { planId: PLAN, credits: 2 }, 'GET /files/*rest': { planId: PLAN, credits: 1, description: 'd'.repeat(1000) } };

const POINTS = "export default () => ({ writeDataPoint(point) { console.log('point: ' + JSON.stringify(point)); } });";

let all;
before(async () => {
  all = await startAll({
    vars: {
      ROUTES: EVERYTHING, METRICS_TOKEN: SECRET, ORIGIN_TIMEOUT_MS: '1500', ALLOWED_ORIGINS: [PAGE], ALLOW_CREDENTIALS: 'yes',
      ALLOWED_HEADERS: ['x-api-version'], ALLOW_PRIVATE_NETWORK: 'yes', CORS_MAX_AGE: '60',
    },
    // A data set that says what it is given.
    options: { wrappedBindings: { ANALYTICS: { scriptName: 'points' } } },
    beside: [{ name: 'points', compatibilityDate: undefined, modules: [{ type: 'ESModule', path: 'points.js', contents: POINTS }] }],
  });
});
beforeEach(() => all.reset());
after(() => all.stop());

test('one correlation id for the client, the origin and the platform', async () => {
  const given = await all.paid('/paid', { headers: { 'x-correlation-id': 'order-7' } });
  const made = await all.paid('/paid');
  const id = made.headers.get('x-correlation-id');
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.equal(given.headers.get('x-correlation-id'), 'order-7');
  assert.deepEqual(all.origin.calls.map(({ headers }) => headers['x-correlation-id']), ['order-7', id]);
  assert.deepEqual(all.facilitator.calls.map(({ call, headers }) => [call, headers['x-correlation-id']]),
    [['verify', 'order-7'], ['settle', 'order-7'], ['verify', id], ['settle', id]]);
  assert.notEqual((await all.get('/none')).headers.get('x-correlation-id'), id);
});

test('an origin whose answer does not begin in time: 504, nothing settled, and it is told to stop', async () => {
  all.origin.answer = () => {};
  for (const [path, init] of [['/paid', {}], ['/ask', { method: 'POST', body: 'x' }]]) {
    const started = performance.now();
    const response = await all.paid(path, init);
    assert.equal(response.status, 504);
    assert.equal((await response.json()).code, 'origin_timeout');
    assert.equal(readHeader(response.headers.get('payment-response')).errorReason, 'not_settled');
    const took = performance.now() - started;
    assert.ok(took > 1400 && took < 20_000, `${took} ms`);
  }
  assert.equal(all.facilitator.count('settle'), 0);
  await until(() => all.origin.cancelled >= 2);
});

test('an answer that began may take as long as it takes', async () => {
  all.origin.answer = async (request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    for (let part = 0; part < 8; part++) {
      response.write(`${part} `);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    response.end('end');
  };
  const response = await all.paid('/paid');
  assert.equal(await response.text(), '0 1 2 3 4 5 6 7 end');
});

test('server-timing says what was waited for, beside what the origin says', async () => {
  all.origin.answer = (request, response) => { setTimeout(() => { response.writeHead(200, { 'server-timing': 'db;dur=1' }); response.end('x'); }, 60); };
  const timing = (await all.paid('/paid')).headers.get('server-timing');
  const spans = Object.fromEntries([...timing.matchAll(/(\w+);dur=(\d+)/g)].map(([, name, took]) => [name, Number(took)]));
  assert.deepEqual(Object.keys(spans).filter((name) => name !== 'plan'), ['db', 'verify', 'origin', 'settle']);
  assert.ok(spans.origin >= 40, timing);
});

test('each request is one line of JSON that names the token by its hash', { skip: IMPLEMENTATION === 'node' && 'no Analytics Engine in Node' }, async () => {
  const ask = async (id, path, init = {}) => {
    const response = await all.get(path, { ...init, headers: { 'x-correlation-id': id, ...init.headers } });
    await response.text();
    let found;
    await until(() => {
      const lines = all.paywall.said().split('\n').filter((line) => line.includes(`"correlationId":"${id}"`));
      found = lines.map((line) => JSON.parse(line.slice(line.indexOf('{'))));
      return found.length > 0;
    });
    assert.equal(found.length, 1);
    return found[0];
  };
  const paid = await ask('log-paid', '/paid?key=hidden', { headers: { 'payment-signature': token() } });
  assert.deepEqual([paid.event, paid.outcome, paid.status, paid.route, paid.method, paid.path], ['request', 'settled', 200, 'GET /paid', 'GET', '/paid']);
  assert.deepEqual([paid.credits, paid.transaction], ['1', '0xabc']);
  assert.match(paid.token, /^sha256:[0-9a-f]{64}$/);
  assert.equal((await ask('log-offer', '/paid')).outcome, 'offered');
  assert.equal((await ask('log-open', '/health')).outcome, 'open');
  assert.equal((await ask('log-none', '/none')).code, 'not_listed');
  const said = all.paywall.said();
  for (const secret of [token(), 'hidden', SECRET]) assert.ok(!said.includes(secret));
  const points = said.split('\n').filter((line) => line.startsWith('point: ')).map((line) => JSON.parse(line.slice('point: '.length)));
  const [point] = points.filter(({ blobs }) => blobs.includes('log-paid'));
  assert.deepEqual([point.indexes, point.blobs], [['GET /paid'], ['GET', 'settled', '', paid.payer, 'log-paid']]);
  assert.deepEqual([point.doubles.length, point.doubles[0], point.doubles[2]], [3, 200, 1]);
});

test('the counters of the isolate, for whoever has the secret', async () => {
  await (await all.paid('/paid')).text();
  const read = (authorization) => all.get('/.well-known/payments/metrics', { headers: { ...(authorization && { authorization }) } });
  for (const authorization of [undefined, 'Bearer x', `Basic ${SECRET}`, SECRET]) {
    const response = await read(authorization);
    assert.deepEqual([response.status, response.headers.get('www-authenticate')], [401, 'Bearer']);
  }
  const response = await read(`Bearer ${SECRET}`);
  assert.equal(response.status, 200);
  const text = await response.text();
  assert.match(text, /^paywall_requests_total\{isolate="[0-9a-f]+",route="GET \/paid",outcome="settled"\} \d+$/m);
  assert.match(text, /^paywall_waits_total\{isolate="[0-9a-f]+",on="verify"\} \d+$/m);
  assert.equal(all.origin.calls.filter(({ path }) => path.includes('metrics')).length, 0);
});

test('an offer that is too large for a header stands in the body', async () => {
  const weight = (answer) => answer.split('\r\n\r\n')[0].length;
  const message = (path) => `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
  const small = await raw(all.paywall.url, message('/files/a'));
  assert.match(small.answer, /^payment-required:/im);
  const large = await raw(all.paywall.url, message(`/files/${'a'.repeat(2000)}/${'b'.repeat(1900)}`));
  assert.equal(large.status, 402);
  assert.ok(weight(large.answer) < 8192 && weight(small.answer) < 8192);
  const response = await all.get(`/files/${'c'.repeat(3900)}`);
  const offer = await response.json();
  assert.deepEqual([offer.x402Version, offer.accepts[0].planId], [2, PLAN]);
});

test('a receipt that is too large for a header is cut, and never left out', async () => {
  all.facilitator.settle = (response, { maxAmount }) => json(response, 200, {
    success: true, transaction: '0xabc', network: 'eip155:84532', creditsRedeemed: maxAmount, remainingBalance: '98', extra: 'x'.repeat(9000),
  });
  const response = await all.paid('/paid');
  assert.equal(response.status, 200);
  const receipt = readHeader(response.headers.get('payment-response'));
  assert.deepEqual(receipt, { success: true, transaction: '0xabc', network: 'eip155:84532', creditsRedeemed: '1', remainingBalance: '98' });
});

test('cookies stay apart, whoever is paid', async () => {
  all.origin.answer = (request, response) => { response.writeHead(200, { 'set-cookie': ['a=1; Path=/', 'b=2, 3'] }); response.end('x'); };
  for (const response of [await all.paid('/paid'), await all.get('/health')]) {
    assert.deepEqual(response.headers.getSetCookie(), ['a=1; Path=/', 'b=2, 3']);
  }
});

test('cookies stay apart with a compatibility date that puts them into one line', async (t) => {
  for (const compatibilityDate of ['2023-01-01', '2021-11-02']) {
    const old = await startAll({ options: { compatibilityDate } });
    t.after(() => old.stop());
    old.origin.answer = (request, response) => { response.writeHead(200, { 'set-cookie': ['a=1; Expires=Wed, 09 Jun 2027 10:18:14 GMT', 'b=2, 3'] }); response.end('x'); };
    const response = await old.paid('/paid');
    assert.deepEqual([response.status, response.headers.getSetCookie()], [200, ['a=1; Expires=Wed, 09 Jun 2027 10:18:14 GMT', 'b=2, 3']], compatibilityDate);
  }
});

test('a page that is named may send cookies and a header of the seller\'s', async () => {
  const preflight = await all.get('/ask', { method: 'OPTIONS', headers: {
    origin: PAGE, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-api-version', 'access-control-request-private-network': 'true',
  } });
  const { headers } = preflight;
  assert.deepEqual([headers.get('access-control-allow-origin'), headers.get('access-control-allow-credentials'), headers.get('access-control-max-age')], [PAGE, 'true', '60']);
  assert.match(headers.get('access-control-allow-headers'), /\bx-api-version\b/);
  assert.equal(headers.get('access-control-allow-private-network'), 'true');
  const paid = await all.paid('/paid', { headers: { origin: PAGE } });
  assert.deepEqual([paid.headers.get('access-control-allow-origin'), paid.headers.get('access-control-allow-credentials')], [PAGE, 'true']);
});

test('a part of a squeezed answer goes through as the origin sent it', { skip: IMPLEMENTATION === 'node' && 'fetch in Node decodes what it gets' }, async () => {
  const squeezed = gzipSync('worth paying for '.repeat(100));
  all.origin.answer = (request, response) => {
    const part = squeezed.subarray(0, 20);
    assert.equal(request.headers.range, 'bytes=0-19');
    response.writeHead(206, { 'content-encoding': 'gzip', 'content-range': `bytes 0-19/${squeezed.length}`, 'content-length': part.length, etag: '"z"' });
    response.end(part);
  };
  const { status, answer } = await raw(all.paywall.url, `GET /paid HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept-Encoding: gzip\r\nRange: bytes=0-19\r\npayment-signature: ${token()}\r\n\r\n`);
  assert.equal(status, 206);
  assert.match(answer, /content-encoding: gzip/i);
  const [head, body] = answer.split(/\r\n\r\n(.*)/s);
  const plain = /transfer-encoding: chunked/i.test(head) ? body.replace(/^14\r\n/i, '').replace(/\r\n0\r\n\r\n$/, '') : body;
  assert.deepEqual(Buffer.from(plain, 'latin1'), squeezed.subarray(0, 20));
});

async function until(done) {
  for (let round = 0; round < 1500 && !done(); round++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(done());
}
