// Every spelling of a paid path with every method, written byte for byte, at an origin that decodes twice and ignores
// case, trailing slashes and doubled ones: none of them gets the resource unpaid (money rule 16). With routes that deny
// what they do not list, with routes that pass it, and with routes of one host.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import { PLAN, ROUTES, raw, startAll } from './harness.mjs';

const { aliases: ALIASES, methods: METHODS } = JSON.parse(readFileSync(new URL('../vectors/bypass.json', import.meta.url), 'utf8'));

const HOST = 'shop.example';
const request = (line, headers = '', body = '') => `${line}\r\nHost: ${HOST}\r\nConnection: close\r\n${headers}\r\n${body}`;
const MESSAGES = {
  'HEAD /paid': request('HEAD /paid HTTP/1.1'),
  'HEAD /%70aid/': request('HEAD /%70aid/ HTTP/1.1'),
  'get /paid': request('get /paid HTTP/1.1'),
  'Get /paid': request('Get /paid HTTP/1.1'),
  'PURGE /paid': request('PURGE /paid HTTP/1.1'),
  'TRACE /paid': request('TRACE /paid HTTP/1.1'),
  'PROPFIND /paid': request('PROPFIND /paid HTTP/1.1'),
  'POST /paid, not listed': request('POST /paid HTTP/1.1', 'Content-Length: 0\r\n'),
  'DELETE /paid, not listed': request('DELETE /paid HTTP/1.1'),
  'absolute form': request(`GET http://${HOST}/paid HTTP/1.1`),
  'absolute form of another host': request('GET http://other.example/paid HTTP/1.1'),
  'absolute form, https': request(`GET https://${HOST}/paid HTTP/1.1`),
  'absolute form with an alias': request(`GET http://${HOST}//paid HTTP/1.1`),
  'absolute form with credentials': request(`GET http://a@${HOST}/paid HTTP/1.1`),
  'without a leading slash': request('GET paid HTTP/1.1'),
  'with a fragment': request('GET /paid#x HTTP/1.1'),
  'free path, fragment': request('GET /health#/../paid HTTP/1.1'),
  'HTTP/1.0': `GET /paid HTTP/1.0\r\n\r\n`,
  'two hosts': request('GET /paid HTTP/1.1', 'Host: other.example\r\n'),
  'a host with a path': `GET /paid HTTP/1.1\r\nHost: ${HOST}/health?\r\nConnection: close\r\n\r\n`,
  'a host with a fragment': `GET /paid HTTP/1.1\r\nHost: ${HOST}#\r\nConnection: close\r\n\r\n`,
  'X-HTTP-Method-Override': request('POST /health HTTP/1.1', 'X-HTTP-Method-Override: GET\r\nContent-Length: 0\r\n'),
  'X-Original-URL': request('GET /health HTTP/1.1', 'X-Original-URL: /paid\r\nX-Rewrite-URL: /paid\r\n'),
  'two content lengths': request('POST /ask HTTP/1.1', 'Content-Length: 0\r\nContent-Length: 44\r\n', `GET /paid HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`),
  'length and chunks': request('POST /ask HTTP/1.1', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\nGET /paid HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`),
  'forged words of ours': request('GET /paid HTTP/1.1', 'x-payment-payer: 0xb1\r\nx-payment-credits: 1\r\npayment-response: e30=\r\n'),
};

const perHost = Object.fromEntries(Object.entries(ROUTES).map(([key, route]) => [key.replace(' /', ` ${HOST}/`), route]));
const GATES = {
  deny: { vars: { UNLISTED: 'deny' } },
  pass: { vars: { UNLISTED: 'pass' } },
  'a host of its own': { vars: { UNLISTED: 'pass', ROUTES: perHost } },
};
const paidFor = (path) => /^\/(paid|files\/|data\/|ask|stream)/.test(path.normalize('NFKC').toLowerCase()) && !/^\/paid[-\w]/.test(path);

for (const [what, options] of Object.entries(GATES)) {
  let all;
  before(async () => { all = await startAll(options); });
  beforeEach(() => all.reset());
  after(() => all.stop());

  /** Writes a request, and sees that nothing that is sold was reached by it, and nobody asked for money. */
  async function refused(message) {
    const { status, answer } = await raw(all.paywall.url, message);
    const reached = all.origin.calls.filter(({ path }) => path !== '/health');
    assert.deepEqual(reached.map(({ path }) => path).filter(paidFor), [], `reached the origin: ${JSON.stringify(reached)}`);
    for (const { headers } of all.origin.calls) {
      const disguises = Object.keys(headers).filter((name) => /payment|override|original-url|rewrite/.test(name));
      assert.deepEqual(disguises, []);
    }
    if (all.origin.calls.length === 0) {
      // The runtime itself refuses what is no HTTP, with a 500 of its own.
      const byRuntime = [0, 501].includes(status) || (status === 500 && answer.endsWith('\r\n\r\nInternal Server Error'));
      assert.ok(byRuntime || [400, 402, 404, 405].includes(status), `answered with ${status}: ${answer}`);
    }
    assert.equal(all.facilitator.calls.length, 0);
    assert.doesNotMatch(answer, /worth paying for/);
  }

  for (const method of METHODS) {
    test(`${what}: ${method}, ${ALIASES.length} aliases`, async () => {
      for (const alias of ALIASES) {
        all.reset();
        const length = /P(OST|UT|ATCH)/.test(method) ? 'Content-Length: 0\r\n' : '';
        await refused(request(`${method} ${alias} HTTP/1.1`, length));
      }
    });
  }
  for (const [name, message] of Object.entries(MESSAGES)) {
    test(`${what}: ${name}`, () => refused(message));
  }
}

for (const host of ['SHOP.example', 'shop.example.', 'shop.example:80', 'shop.example:8080', 'other.example', 'shop.example.evil.example', '127.0.0.1', 'x@shop.example', '']) {
  test(`a route of one host is not reached by the host ${host || '(none)'}`, async () => {
    const all = await startAll(GATES['a host of its own']);
    try {
      for (const line of ['GET /paid HTTP/1.1', `GET http://${host || 'x'}/paid HTTP/1.1`, 'GET /PAID/ HTTP/1.1', 'GET /files/a HTTP/1.1']) {
        const message = `${line}\r\nHost: ${host}\r\nX-Forwarded-Host: free.example\r\nConnection: close\r\n\r\n`;
        const { status } = await raw(all.paywall.url, message);
        assert.ok([0, 400, 402, 404, 500].includes(status), `${line}: ${status}`);
      }
      assert.equal(all.origin.calls.length, 0);
    } finally { await all.stop(); }
  });
}

test('an origin is told the host that was matched', async () => {
  const all = await startAll({ vars: { ROUTES: { 'GET api.example/ask': { planId: PLAN, credits: 1 } }, OPEN_ROUTES: ['GET www.example/*all'] } });
  try {
    const { status } = await raw(all.paywall.url, 'GET /ask HTTP/1.1\r\nHost: WWW.example\r\nX-Forwarded-Host: api.example\r\nForwarded: host=api.example\r\nConnection: close\r\n\r\n');
    assert.equal(status, 200);
    const [{ headers }] = all.origin.calls;
    assert.deepEqual([headers['x-forwarded-host'], headers.forwarded], ['www.example', undefined]);
  } finally { await all.stop(); }
});

for (const unlisted of ['deny', 'pass']) {
  let all;
  before(async () => { all = await startAll({ vars: { UNLISTED: unlisted } }); });
  beforeEach(() => all.reset());
  after(() => all.stop());

  test(`rule 26, ${unlisted}: what is no alias of anything still ${unlisted === 'pass' ? 'passes' : 'does not pass'}`, async () => {
    for (const path of ['/free', '/paid-more', '/paid/more', '/%E6%97%A5%E6%9C%AC', '/docs/', '/a%20b']) {
      const answer = await all.get(path);
      assert.equal(answer.status, unlisted === 'pass' ? 200 : 404, path);
    }
    if (unlisted === 'pass') assert.deepEqual(all.origin.calls.map(({ url }) => url), ['/free', '/paid-more', '/paid/more', '/%E6%97%A5%E6%9C%AC', '/docs/', '/a%20b']);
  });
}
