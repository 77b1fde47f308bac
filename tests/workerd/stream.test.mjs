// Paid content passes through unchanged: streams, cookies, encodings, ranges, methods; CORS is the gate's (rules 18,
// 19).
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { json, raw, readHeader, startAll, token } from './harness.mjs';

const PAGE = 'https://app.example';
let all;
before(async () => { all = await startAll({ vars: { ALLOWED_ORIGINS: JSON.stringify([PAGE, 'http://localhost:4000']) } }); });
beforeEach(() => all.reset());
after(() => all.stop());

test('the first event is there while the origin still writes, and after the settlement', async () => {
  let finish;
  all.origin.answer = (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    response.write('data: one\n\n');
    finish = () => response.end('data: two\n\n');
  };
  const response = await all.paid('/stream');
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  assert.equal(response.headers.get('cache-control'), 'private, no-cache');
  assert.ok(response.headers.get('payment-response'));
  assert.equal(all.facilitator.count('settle'), 1);
  const reader = response.body.getReader();
  assert.equal(Buffer.from((await reader.read()).value).toString(), 'data: one\n\n');
  finish();
  assert.equal(Buffer.from((await reader.read()).value).toString(), 'data: two\n\n');
  assert.equal((await reader.read()).done, true);
});

test('a buyer that goes away ends the origin\'s stream', async () => {
  all.origin.answer = (request, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write('x'), 20);
    response.on('close', () => clearInterval(timer));
  };
  const stop = new AbortController();
  const response = await all.paid('/stream', { signal: stop.signal });
  await response.body.getReader().read();
  stop.abort();
  for (let round = 0; round < 1000 && all.origin.cancelled === 0; round++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(all.origin.cancelled, 1);
});

test('a large body goes up and down unchanged', async () => {
  const body = Buffer.alloc(3_000_000, 'abc');
  all.origin.answer = (request, response) => { response.writeHead(200, { 'content-type': 'text/plain' }); request.pipe(response); };
  const response = await all.paid('/ask', { method: 'POST', body });
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), body);
});

test('two cookies stay two; the status text and other headers stay', async () => {
  all.origin.answer = (request, response) => {
    response.writeHead(201, 'Made', [['set-cookie', 'a=1; Path=/'], ['set-cookie', 'b=2, 3'], ['x-own', 'yes'], ['etag', '"1"']].flat());
    response.end('ok');
  };
  for (const path of ['/paid', '/health']) {
    const response = await all.paid(path);
    assert.deepEqual(response.headers.getSetCookie(), ['a=1; Path=/', 'b=2, 3'], path);
    assert.deepEqual([response.status, response.statusText], [201, 'Made']);
    assert.deepEqual([response.headers.get('x-own'), response.headers.get('etag')], ['yes', '"1"']);
  }
});

test('a compressed answer is readable', async () => {
  all.origin.answer = (request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'text/plain' });
    response.end(gzipSync('worth paying for'));
  };
  const response = await all.paid('/paid', { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(await response.text(), 'worth paying for');
});

test('an answer without a body, and HEAD', async () => {
  all.origin.answer = (request, response) => { response.writeHead(204); response.end(); };
  assert.equal((await all.paid('/paid')).status, 204);
  assert.equal(all.facilitator.count('settle'), 1);
  all.origin.answer = (request, response) => { response.writeHead(200, { 'content-length': '7', 'x-own': request.method }); response.end(); };
  const head = await all.paid('/paid', { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers.get('x-own'), await head.text()], [200, 'HEAD', '']);
  assert.ok(head.headers.get('payment-response'));
  const unpaid = await all.get('/paid', { method: 'HEAD' });
  assert.equal(unpaid.status, 402);
  assert.ok(unpaid.headers.get('payment-required'));
  assert.equal(await unpaid.text(), '');
});

test('a GET with a body is served, without it', async () => {
  const message = (path) => `GET ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\npayment-signature: ${token()}\r\n\r\nhello`;
  for (const path of ['/health', '/paid']) assert.equal((await raw(all.paywall.url, message(path))).status, 200, path);
  assert.deepEqual(all.origin.calls.map(({ headers }) => headers['content-length']), [undefined, undefined]);
});

test('a hundred at once, each with an answer of its own', async () => {
  all.origin.answer = async (request, response) => {
    const name = request.url.split('/').at(-1);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 30));
    response.writeHead(name % 10 === 0 ? 404 : 200, { 'x-name': name });
    response.end(name);
  };
  all.facilitator.settle = async (response, body) => {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 30));
    json(response, 200, { success: true, transaction: body.paymentRequired.resource.url.split('/').at(-1), network: 'x' });
  };
  await Promise.all(Array.from({ length: 100 }, async (_, index) => {
    const paid = index % 3 !== 0;
    const response = await (paid ? all.paid : all.get)(`/files/${index}`);
    if (!paid) return assert.equal(response.status, 402);
    assert.equal(response.status, index % 10 === 0 ? 404 : 200);
    assert.equal(await response.text(), String(index));
    if (response.ok) assert.equal(readHeader(response.headers.get('payment-response')).transaction, String(index));
  }));
  assert.doesNotMatch(all.paywall.said(), /panicked|RuntimeError/);
});

test('a paid answer is kept out of shared caches', async () => {
  all.origin.answer = (request, response) => {
    response.writeHead(200, { 'cache-control': 'public, max-age=60, s-maxage=600', 'cdn-cache-control': 'max-age=600', 'cloudflare-cdn-cache-control': 'x', 'surrogate-control': 'max-age=1' });
    response.end('x');
  };
  const { headers } = await all.paid('/paid');
  assert.equal(headers.get('cache-control'), 'private, max-age=60');
  for (const name of ['cdn-cache-control', 'cloudflare-cdn-cache-control', 'surrogate-control']) assert.equal(headers.get(name), null, name);
});

test('a paid socket that the origin does not know of is an answer like any other', async () => {
  const { hostname } = new URL(all.paywall.url);
  const { status } = await raw(all.paywall.url, `GET /paid HTTP/1.1\r\nHost: ${hostname}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\npayment-signature: ${token()}\r\n\r\n`);
  assert.equal(status, 200);
  assert.deepEqual([all.origin.calls.length, all.facilitator.count('settle')], [1, 1]);
});

test('a preflight is answered unpaid, by the gate', async () => {
  const response = await all.get('/ask', {
    method: 'OPTIONS',
    headers: { origin: PAGE, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type, payment-signature, x-request-id, x-payment-payer, cookie' },
  });
  assert.equal(response.status, 204);
  assert.equal(response.headers.get('access-control-allow-origin'), PAGE);
  assert.equal(response.headers.get('access-control-allow-methods'), 'POST');
  assert.equal(response.headers.get('access-control-allow-headers'), 'payment-signature, content-type, accept, authorization, x-request-id');
  assert.match(response.headers.get('vary'), /\bOrigin\b/);
  assert.equal(all.facilitator.calls.length + all.origin.calls.length, 0);
});

test('a preflight of another page is answered, and told no', async () => {
  for (const origin of ['https://evil.example', 'https://app.example.evil.example', 'http://app.example', 'null', 'https://app.example:444']) {
    const response = await all.get('/ask', { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });
    assert.equal(response.status, 403);
    assert.equal(response.headers.get('access-control-allow-origin'), null, origin);
  }
});

test('a page reads offer and receipt; the origin\'s CORS is replaced, not doubled; Vary is merged', async () => {
  all.origin.answer = (request, response) => {
    response.writeHead(200, { 'access-control-allow-origin': '*', 'access-control-allow-credentials': 'true', 'access-control-expose-headers': 'X-Own, payment-response', vary: 'Accept-Encoding' });
    response.end('x');
  };
  const { headers } = await all.paid('/paid', { headers: { origin: PAGE } });
  assert.equal(headers.get('access-control-allow-origin'), PAGE);
  assert.equal(headers.get('access-control-allow-credentials'), null);
  assert.equal(headers.get('access-control-expose-headers'), 'payment-required, payment-response, payment-receipt-url, x-correlation-id, x-platform-correlation-id, retry-after, accept-ranges, content-range, etag, x-payment-pass, x-payment-pass-expires, x-payment-warning, X-Own');
  assert.equal(headers.get('vary'), 'Accept-Encoding, Origin');
  const unpaid = await all.get('/paid', { headers: { origin: PAGE } });
  assert.equal(unpaid.status, 402);
  assert.equal(unpaid.headers.get('access-control-allow-origin'), PAGE);
  assert.match(unpaid.headers.get('access-control-expose-headers'), /payment-required/);
  const other = await all.get('/paid', { headers: { origin: 'https://evil.example' } });
  assert.equal(other.headers.get('access-control-allow-origin'), null);
});

test('no page is allowed by default, and every one with "*"', async () => {
  const [none, any] = await Promise.all([startAll(), startAll({ vars: { ALLOWED_ORIGINS: ['*'] } })]);
  try {
    const ask = (stack) => stack.get('/health', { headers: { origin: PAGE } });
    assert.equal((await ask(none)).headers.get('access-control-allow-origin'), null);
    assert.equal((await ask(any)).headers.get('access-control-allow-origin'), '*');
  } finally { await Promise.all([none.stop(), any.stop()]); }
});

test('a client that waits for 100 Continue gets what it paid for, and the origin is not told to wait', async () => {
  const body = '{"question":"?"}';
  const { status, answer } = await raw(all.paywall.url, [
    'POST /ask HTTP/1.1', 'Host: shop.example', 'Connection: close', 'Expect: 100-continue', `payment-signature: ${token()}`,
    'content-type: application/json', `Content-Length: ${body.length}`, '', body,
  ].join('\r\n'));
  // The runtime may say "100 Continue" first.
  assert.ok([100, 200].includes(status), answer);
  assert.match(answer, /HTTP\/1\.1 200 /);
  assert.match(answer, /worth paying for/);
  assert.equal(all.origin.calls.length, 1);
  assert.equal(all.origin.calls[0].headers.expect, undefined);
  assert.equal(all.facilitator.count('settle'), 1);
});

test('an origin whose status text no response can carry is delivered once it is paid for', async (t) => {
  const body = 'worth paying for';
  const odd = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(`HTTP/1.1 200 a\tb\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`));
  });
  await new Promise((done) => odd.listen(0, '127.0.0.1', done));
  t.after(() => odd.close());
  const own = await startAll({ origin: `http://127.0.0.1:${odd.address().port}` });
  t.after(() => own.stop());
  const response = await own.paid('/paid');
  assert.equal(response.status, 200);
  assert.equal(await response.text(), body);
  assert.equal(readHeader(response.headers.get('payment-response')).success, true);
  assert.equal(own.facilitator.count('settle'), 1);
});
