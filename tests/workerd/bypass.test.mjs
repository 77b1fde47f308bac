// Every spelling of a paid path, written byte for byte, at an origin that ignores case, trailing slashes and doubled
// ones: none of them gets the resource unpaid (money rule 16). With routes that deny what they do not list, and with
// routes that pass it.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { raw, startAll } from './kit.mjs';

const TARGETS = `
/paid /paid/ /paid// //paid ///paid /PAID /Paid /pAiD/ /%70aid /%70%61%69%64 /p%61id /%50AID /pai%64/ /./paid /a/../paid
/a/b/../../paid /paid/. /paid/./ /a/./../paid /paid/x/.. /%2e/paid /a/%2e%2e/paid /a/%2E%2E/paid /a/..%2fpaid /..%2fpaid
/../paid /..//paid /%2fpaid /%2Fpaid /a%2f..%2fpaid /paid%2f /paid%2F%2e /paid%5c /\\paid /a\\..\\paid /paid\\ /%5cpaid
/%255cpaid /paid;x /paid;x=1 /paid;/ /paid%3b /paid%3bx /;/paid /x;/../paid /..;/paid /paid%00 /paid%00.html /paid%09
/paid%0a /paid%0d%0a /paid%20 /%20paid /paid. /paid.. /paid%2e /paid./ /%2570aid /%252570aid /%25%37%30aid /pai%2564
/paid%252f /paid%3f /paid%3Fx /paid%23 /paid%23x /paid? /paid?x=1 /paid?/free /paid/?x /paid%u0020 /%u0070aid /%c0%afpaid
/%e0%80%afpaid /paid%c2%ad /p%c2%adaid /%ef%bc%8fpaid /%ef%bd%90aid /pa%c4%b1d /pa%C4%B0d /paid%e2%80%8b /paid%ef%bb%bf
/paid.json /paid.html /Paid.JSON /paid:: /paid::$DATA /paid%ff /%ffpaid /paid%
/files/a /FILES/a /files//a /files/%61 /files/a/ /x/../files/a /files/../paid /files/..%2fpaid /files/a%2fb
`.trim().split(/\s+/);

const HOST = 'shop.example';
const request = (line, headers = '', body = '') => `${line}\r\nHost: ${HOST}\r\nConnection: close\r\n${headers}\r\n${body}`;
const MESSAGES = {
  ...Object.fromEntries(TARGETS.map((target) => [`GET ${target}`, request(`GET ${target} HTTP/1.1`)])),
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

for (const unlisted of ['deny', 'pass']) {
  let all;
  before(async () => { all = await startAll({ vars: { UNLISTED: unlisted } }); });
  beforeEach(() => all.reset());
  after(() => all.stop());

  for (const [what, message] of Object.entries(MESSAGES)) {
    test(`${unlisted}: ${what}`, async () => {
      const { status, answer } = await raw(all.paywall.url, message);
      const reached = all.origin.calls.filter(({ path }) => path !== '/health');
      const paidFor = (path) => /^\/(paid|files\/|ask|stream)/.test(path.normalize('NFKC').toLowerCase());
      assert.deepEqual(reached.map(({ path }) => path).filter(paidFor), [], `reached the origin: ${JSON.stringify(reached)}`);
      for (const { headers } of all.origin.calls) {
        const disguises = Object.keys(headers).filter((name) => /payment|override|original-url|rewrite/.test(name));
        assert.deepEqual(disguises, []);
      }
      if (reached.length === 0 && all.origin.calls.length === 0) {
        // The runtime itself refuses what is no HTTP, with a 500 of its own.
        const byRuntime = [0, 501].includes(status) || (status === 500 && answer.endsWith('\r\n\r\nInternal Server Error'));
        assert.ok(byRuntime || [400, 402, 404, 405].includes(status), `answered with ${status}: ${answer}`);
      }
      assert.equal(all.facilitator.calls.length, 0);
    });
  }

  test(`${unlisted}: what is no alias of anything still ${unlisted === 'pass' ? 'passes' : 'does not pass'}`, async () => {
    for (const path of ['/free', '/paid-more', '/paid/more', '/%E6%97%A5%E6%9C%AC', '/docs/', '/a%20b']) {
      const answer = await all.get(path);
      assert.equal(answer.status, unlisted === 'pass' ? 200 : 404, path);
    }
    if (unlisted === 'pass') assert.deepEqual(all.origin.calls.map(({ url }) => url), ['/free', '/paid-more', '/paid/more', '/%E6%97%A5%E6%9C%AC', '/docs/', '/a%20b']);
  });
}
