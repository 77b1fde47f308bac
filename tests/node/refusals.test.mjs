// Answers of a seller to a payment, instead of the goods, byte by byte over real HTTP: nothing is presented twice, the answer
// is the caller's to read, and what was presented counts (rules 2, 5 and 9). The last part has our own gate as the seller.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { paywall } from '../../target/dist/subscriber/paywall.js';
import { toNodeListener } from '../../target/dist/subscriber/paywall.node.js';
import { base64, need, offerOf, startPlatform, startSeller } from './harness.mjs';

let platform;
before(async () => { platform = await startPlatform(); });
after(() => platform?.stop());

const JSON_TYPE = { 'content-type': 'application/json' };
const DECLINED = '{"error":{"code":"card_declined"}}';
const cut = (response, headers, text) => {
  response.writeHead(402, headers).write(text);
  setTimeout(() => response.destroy(), 50);
};
/** Refusals that state no other terms: each is presented one token, and no second. */
const REFUSALS = {
  'a page': (response) => response.writeHead(402, { 'content-type': 'text/html' }).end('<html>Payment required by your provider</html>'),
  'nothing': (response) => response.writeHead(402).end(),
  'half a body': (response) => cut(response, { ...JSON_TYPE, 'content-length': '500' }, '{"x402Ver'),
  'chunks that break off': (response) => cut(response, JSON_TYPE, '{"x402Version":2,"acc'),
  'no gzip, though it says so': (response) => response.writeHead(402, { ...JSON_TYPE, 'content-encoding': 'gzip' }).end('{"accepts":[]}'),
  'half of gzip': (response) => response.writeHead(402, { ...JSON_TYPE, 'content-encoding': 'gzip' }).end(gzipSync(JSON.stringify(offerOf(platform.planId, 3))).subarray(0, 30)),
  'no brotli, though it says so': (response) => response.writeHead(402, { ...JSON_TYPE, 'content-encoding': 'br' }).end('nothing'),
  'brotli of no offer': (response) => response.writeHead(402, { ...JSON_TYPE, 'content-encoding': 'br' }).end(brotliCompressSync(DECLINED)),
  'a card was declined': (response) => response.writeHead(402, JSON_TYPE).end(DECLINED),
  'a header that is no base64': (response) => response.writeHead(402, { 'payment-required': '<html>' }).end('x'),
  'two headers with the same offer': (response) => response.writeHead(402, { 'payment-required': [base64(offerOf(platform.planId)), base64(offerOf(platform.planId))] }).end('x'),
  'an offer of a version that is not known': (response) => response.writeHead(402, { 'payment-required': base64(offerOf(platform.planId, 1, { x402Version: 9 })) }).end('x'),
  'a receipt that is no receipt': (response) => response.writeHead(402, { 'payment-response': base64('[true]') }).end('x'),
  'a receipt whose success is a text': (response) => response.writeHead(402, { 'payment-response': base64({ success: 'true' }) }).end('x'),
  'two receipts': (response) => response.writeHead(402, { 'payment-response': [base64({ success: false }), base64({ success: true })] }).end('x'),
  'retry-after': (response) => response.writeHead(402, { 'retry-after': '0', 'x-should-retry': 'true' }).end('again'),
};

describe('a payment that is refused without other terms is not paid again', { concurrency: 4 }, () => {
  for (const [name, refuse] of Object.entries(REFUSALS)) {
    for (const tokenVersion of [3, 2]) {
      test(`${name}, tokenVersion ${tokenVersion}`, async (t) => {
        let settles = true;
        const seller = await startSeller(async ({ token }, response) => {
          if (!token) return need(response, offerOf(platform.planId));
          if (settles) await platform.settle(token);
          refuse(response);
        });
        t.after(() => seller.stop());
        const payments = await platform.buyer({ tokenVersion });
        for (const method of ['POST', 'GET']) {
          const paid = seller.paid();
          const { error, value } = await payments.fetch(`${seller.url}/${method}`, { method, ...(method === 'POST' && { body: 'x' }) })
            .then((value) => ({ value }), (error) => ({ error }));
          const { spend, response } = error ?? value;
          assert.equal(seller.paid() - paid, 1, 'presented once');
          assert.deepEqual([response.status, spend.creditsPresented, spend.singleUse], [402, 2n, tokenVersion === 3]);
          if (error) assert.deepEqual([error.code, spend.outcome, spend.payment], ['payment_refused', 'unknown', undefined]);
        }
        assert.equal(100n - await payments.held(), 4n, 'the ledger');
        assert.equal(payments.spend.credits, 4n, 'settled or not, it counts');
        // The next call does not present what was refused.
        settles = false;
        seller.answer = ({ token }, response) => (token ? response.writeHead(200).end('done') : need(response, offerOf(platform.planId)));
        assert.equal((await payments.fetch(`${seller.url}/POST`, { method: 'POST', body: 'x' })).response.status, 200);
        assert.equal(new Set(seller.requests.flatMap(({ token }) => token ?? [])).size, 3);
      });
    }
  }
});

describe('answers of a handler behind our own gate are the caller\'s: it runs once, and nothing is charged', { concurrency: 4 }, () => {
  for (const status of [400, 401, 402, 403, 404, 409, 410, 422, 425, 429, 451, 500, 502, 503]) {
    for (const tokenVersion of [3, 2]) {
      test(`${status}, tokenVersion ${tokenVersion}`, async (t) => {
        let runs = 0;
        let works = true;
        const handler = () => {
          runs += 1;
          const init = { status, headers: { 'retry-after': '0', 'x-should-retry': 'true', 'payment-required': base64(offerOf(platform.planId, 1)) } };
          return works ? new Response('done') : new Response(DECLINED, init);
        };
        const { key } = platform.seller;
        const gate = paywall(handler, {
          nvmApiKey: key, environment: 'custom', backend: platform.sandbox.url, unlisted: 'deny', log: false, state: 'memory',
          routes: { 'POST /charge': { planId: platform.planId, credits: 2 } },
        });
        await gate.ready();
        const server = createServer(toNodeListener(gate)).listen(0, '127.0.0.1');
        await once(server, 'listening');
        t.after(async () => {
          server.closeAllConnections();
          server.close();
          await gate.close();
        });
        const url = `http://127.0.0.1:${server.address().port}/charge`;
        const payments = await platform.buyer({ tokenVersion });
        const charge = () => payments.fetch(url, { method: 'POST', body: '{}' });
        // A first token, and then, where it is kept, an old one.
        for (const round of ['new', 'old']) {
          works = false;
          const before = [runs, await payments.held()];
          const { response, spend } = await charge();
          assert.deepEqual([response.status, await response.text()], [status, DECLINED], round);
          assert.deepEqual([runs, await payments.held()], [before[0] + 1, before[1]], round);
          assert.deepEqual([spend.outcome, spend.creditsPresented, spend.mints <= 1], ['unknown', 2n, true], round);
          works = true;
          assert.equal((await charge()).response.status, 200, round);
        }
      });
    }
  }
});
