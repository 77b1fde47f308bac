// MPP, `WWW-Authenticate: Payment` with the method `nevermined`: our buyer pays a server that issues, verifies and settles challenges by the
// platform, each once.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { dist } from '../../scripts/lib/build.mjs';
import { base64, offerOf, startPlatform } from './harness.mjs';

let platform;
const servers = [];
before(async () => { platform = await startPlatform(); });
after(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await platform.stop();
});

/** A seller of two credits by MPP alone; `change` is what becomes of its challenge before it is sent. */
async function startSeller({ change = (challenge) => challenge, answer } = {}) {
  const { seller, planId } = platform;
  const requests = [];
  const server = createServer(async (request, response) => {
    for await (const _ of request) { /* The body is of no use here. */ }
    const place = { resource: request.url, httpVerb: request.method };
    const challenge = async () => {
      const { status, json, text } = await seller.post('/api/v1/mpp/challenge', { planId, credits: '2', ...place });
      assert.ok(status < 300, text);
      return change(json.challenge, requests.length);
    };
    const { authorization } = request.headers;
    requests.push(authorization);
    const refuse = async (body) => response.writeHead(402, { 'www-authenticate': await challenge(), 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(body));
    if (!/^payment /i.test(authorization ?? '')) return refuse({ error: 'Payment Required' });
    if (answer) return answer({ request, response, refuse });
    const { status, json } = await seller.post('/api/v1/mpp/settle', { credential: authorization, ...place });
    if (status >= 300) return refuse({ error: 'Payment Required', message: json.message, code: json.code, retryable: json.code === 'BCK.MPP.0004' });
    return response.writeHead(200, { 'payment-receipt': json.paymentReceipt }).end('delivered');
  });
  servers.push(server);
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${server.address().port}`, requests };
}

test('a challenge is paid after consent, with the receipt, and each request has its own', async () => {
  const shop = await startSeller();
  const asked = [];
  const payments = await platform.buyer({ approve: (offer) => asked.push(offer) > 0 });
  for (const round of [1, 2]) {
    const { response, receipt, spend } = await payments.fetch(`${shop.url}/ask`, { method: 'POST', body: 'hello' });
    assert.equal(await response.text(), 'delivered');
    assert.deepEqual([receipt.success, spend.outcome, spend.requests, spend.mints], [true, 'settled', 2, round === 1 ? 1 : 0]);
    assert.match(receipt.transaction, /^0x/);
    assert.equal(await payments.held(), 100n - 2n * BigInt(round));
  }
  assert.deepEqual(asked.map(({ dialect, planId, credits, scheme, remembered }) => [dialect, planId, credits, scheme, remembered]), Array(2).fill(['mpp', platform.planId, 2n, 'nvm:erc4337', false]));
  // The second request asked for a challenge of its own.
  assert.equal(new Set(shop.requests.filter(Boolean)).size, 2);
});

test("the caller's own Authorization stands behind the credential", async () => {
  const shop = await startSeller();
  const payments = await platform.buyer();
  const { response } = await payments.fetch(`${shop.url}/ask`, { headers: { authorization: 'Bearer own' } });
  assert.equal(response.status, 200);
  assert.equal(shop.requests[0], 'Bearer own');
  assert.match(shop.requests[1], /^Payment [\w-]+, Bearer own$/);
});

test('challenges of other methods stand beside it', async () => {
  const tempo = 'Payment id="t", realm="r", method="tempo", intent="charge", request="eyJhbW91bnQiOiIxIn0"';
  const payments = await platform.buyer();
  const beside = await startSeller({ change: (challenge) => `Bearer realm="x", ${tempo}, ${challenge}` });
  assert.equal((await payments.fetch(`${beside.url}/ask`)).response.status, 200);
  const alone = await startSeller({ change: () => tempo });
  const { response, spend } = await payments.fetch(`${alone.url}/ask`);
  assert.deepEqual([response.status, spend.outcome], [402, 'none'], 'a challenge of another method alone is an answer like any other');
});

test('an expired challenge is answered anew, once, and a rejected one is not', async () => {
  let refusals = 0;
  const expired = await startSeller({
    answer: ({ response, refuse }) => {
      refusals += 1;
      return refusals === 1 ? refuse({ error: 'Payment Required', code: 'BCK.MPP.0004', retryable: true }) : response.writeHead(200).end('delivered');
    },
  });
  const payments = await platform.buyer();
  const asked = [];
  const { response } = await payments.fetch(`${expired.url}/ask`, {}, { approve: (offer) => asked.push(offer) > 0 });
  assert.deepEqual([await response.text(), asked.length, refusals], ['delivered', 1, 2]);
  const rejected = await startSeller({ answer: ({ refuse }) => refuse({ error: 'Payment Required', message: 'Credential rejected', code: 'BCK.MPP.0003', retryable: false }) });
  await assert.rejects(payments.fetch(`${rejected.url}/ask`), (error) => error.code === 'payment_refused' && /Credential rejected/.test(error.message) && error.spend.outcome === 'unknown');
  assert.equal(rejected.requests.length, 2);
});

test('malformed challenges are typed errors, and nothing is spent', async () => {
  const payments = await platform.buyer();
  for (const [name, change] of [
    ['a repeated parameter', (challenge) => challenge.replace('id=', 'id="x", id=')],
    ['no realm', (challenge) => challenge.replace(/realm="[^"]*", /, '')],
    ['padding', (challenge) => challenge.replace(/request="([^"]*)"/, 'request="$1="')],
    ['trailing bits', (challenge) => challenge.replace(/request="[^"]*"/, 'request="e31"')],
    ['the other alphabet', (challenge) => challenge.replace(/request="[^"]*"/, 'request="e30/"')],
    ['a quote without end', (challenge) => challenge.replace(/"$/, '')],
    ['a request that is none', (challenge) => challenge.replace(/request="[^"]*"/, `request="${base64({}).replace(/=/g, '')}"`)],
  ]) {
    const shop = await startSeller({ change });
    await assert.rejects(payments.fetch(`${shop.url}/ask`), (error) => error.code === 'malformed_offer' && error.response.status === 402 && error.spend.outcome === 'none', name);
    assert.equal(shop.requests.length, 1, name);
  }
  // A scheme's name in a quoted value is no challenge: the 402 is an answer like any other.
  const shop = await startSeller({ change: () => 'Basic realm="Payment id=1"' });
  const { response, spend } = await payments.fetch(`${shop.url}/ask`);
  assert.deepEqual([response.status, spend.outcome], [402, 'none']);
});

test('where the file of the dialects cannot be loaded, an offer of x402 beside the challenge is paid all the same', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'payments-wasm-'));
  try {
    cpSync(dist('subscriber'), folder, { recursive: true });
    rmSync(join(folder, 'dialects.js'));
    const { Payments } = await import(pathToFileURL(join(folder, 'index.js')));
    let header = true;
    const server = createServer(async (request, response) => {
      const token = request.headers['payment-signature'];
      if (token) return response.writeHead(200, { 'payment-response': await platform.settle(token) }).end('delivered');
      const required = header && { 'payment-required': base64(offerOf(platform.planId)) };
      return response.writeHead(402, { 'www-authenticate': 'Payment id="i", realm="r", method="nevermined", intent="charge", request="e30"', ...required }).end();
    });
    servers.push(server);
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${server.address().port}/ask`;
    const { account, own } = await platform.buyer();
    const payments = Payments.getInstance({
      nvmApiKey: account.nvmApiKey, environment: 'custom', backend: platform.sandbox.url, delegationConfig: { delegationId: await own.delegation() }, approve: () => true,
    });
    const { response } = await payments.fetch(url);
    assert.equal(await response.text(), 'delivered');
    header = false;
    await assert.rejects(payments.fetch(`${url}/mpp`), (error) => error.cause?.code === 'wasm_load_failed' && error.spend.outcome === 'none');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('rule 6: the caller\'s own Authorization is not sent beside a credential to another origin', async () => {
  const shop = await startSeller();
  const first = createServer((request, response) => response.writeHead(302, { location: `${shop.url}/ask` }).end()).listen(0, '127.0.0.1');
  servers.push(first);
  const payments = await platform.buyer();
  const headers = { authorization: 'Bearer mine' };
  const { response } = await payments.fetch(`http://127.0.0.1:${first.address().port}/`, { headers });
  assert.equal(await response.text(), 'delivered');
  assert.deepEqual(shop.requests.splice(0).map((one) => one?.includes('Bearer mine')), [undefined, false]);
  await payments.fetch(`${shop.url}/ask`, { headers });
  assert.deepEqual(shop.requests.map((one) => one.includes('Bearer mine')), [true, true], 'at its own origin it stays behind the credential');
});
