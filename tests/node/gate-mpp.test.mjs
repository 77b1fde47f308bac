// MPP on the seller's side: `mpp: true` of the gate. Our buyer pays by `payments.fetch` and by `payments.mpp.fetch`; what is forged, malformed, sent again or
// sent to another route is refused with the codes of MPP.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { paywall } from '../../target/dist/subscriber/paywall.js';
import * as sdk from '../../target/dist/subscriber/node.js';
import { startPlatform } from './harness.mjs';

let platform;
before(async () => { platform = await startPlatform(); });
after(() => platform.stop());

const ORIGIN = 'http://shop.localhost';
const decoded = (header) => JSON.parse(Buffer.from(header, 'base64').toString());

/** A gate with two routes of one price and one of another; `requests` are the requests that its handler got. */
function sell(more = {}, handler) {
  const { seller, planId, sandbox } = platform;
  const requests = [];
  const gate = paywall(async (request, context) => {
    requests.push({ headers: Object.fromEntries(request.headers), body: await request.text(), url: request.url, context: context.paymentContext });
    return handler ? handler(request) : Response.json({ answer: requests.length });
  }, {
    nvmApiKey: seller.key, environment: 'custom', backend: sandbox.url, state: 'memory', unlisted: 'deny', log: false, mpp: true, openRoutes: ['GET /health'],
    routes: { 'POST /ask': { planId, credits: 2 }, 'GET /ask': { planId, credits: 2 }, 'GET /other': { planId, credits: 2 }, 'GET /dear': { planId, credits: 5 } }, ...more,
  });
  return { gate, requests, fetch: async (input, init) => gate(new Request(new URL(input, ORIGIN), init)) };
}

/** The `fetch` of a buyer: the shop is in this process, all else is on the network. */
const over = (shop, change = (response) => response) => async (request) => (request.url.startsWith(ORIGIN) ? change(await shop.gate(request)) : fetch(request));

/** A credential for what a bare request was answered. */
async function credentialFor(shop, payments, path = '/ask', init = {}) {
  const response = await shop.fetch(path, init);
  assert.equal(response.status, 402);
  const challenge = sdk.parseChallengeHeader(response.headers.get('www-authenticate'));
  const { accessToken } = await payments.mpp.getMppAccessToken(platform.planId, undefined, { delegationConfig: { delegationId: await payments.own.delegation() } });
  return { challenge, accessToken, authorization: sdk.buildCredentialHeader(challenge, { accessToken }) };
}

const refusal = async (response) => {
  const { code, retryable } = await response.json();
  return [response.status, code, retryable];
};

test('one 402 has the offer of x402 and a challenge, and each pays', async () => {
  const shop = sell();
  const bare = await shop.fetch('/ask?q=1');
  assert.equal(bare.status, 402);
  assert.equal(bare.headers.get('cache-control'), 'no-store');
  const { accepts } = decoded(bare.headers.get('payment-required'));
  const challenge = sdk.parseChallengeHeader(bare.headers.get('www-authenticate'));
  assert.deepEqual([accepts[0].planId, challenge.method, challenge.intent, challenge.request.planId, challenge.request.credits], [platform.planId, 'nevermined', 'charge', platform.planId, '2']);
  const asked = [];
  const payments = await platform.buyer({ approve: (offer) => asked.push(offer.dialect) > 0, fetch: over(shop) });
  const { response, receipt, spend } = await payments.fetch(`${ORIGIN}/ask?q=1`);
  assert.deepEqual([response.status, receipt.success, spend.outcome, await payments.held()], [200, true, 'settled', 98n]);
  const byMpp = await payments.mpp.fetch(`${ORIGIN}/ask`, { method: 'POST', body: 'hello', headers: { authorization: 'Bearer own' } }, { delegationConfig: { delegationId: await payments.own.delegation() }, maxCredits: 2 });
  assert.deepEqual([byMpp.response.status, byMpp.paid, byMpp.receipt.status, byMpp.receipt.method, await payments.held()], [200, true, 'success', 'nevermined', 96n]);
  const last = shop.requests.at(-1);
  assert.deepEqual([last.body, last.headers.authorization, last.headers['payment-signature'], last.headers['x-payment-credits']], ['hello', 'Bearer own', undefined, '2']);
  assert.equal(last.headers['x-payment-payer'].toLowerCase(), byMpp.response.headers.get('payment-response') && decoded(byMpp.response.headers.get('payment-response')).payer.toLowerCase());
  await shop.gate.close();
});

test('a seller of MPP alone in the eyes of a buyer: our fetch takes the challenge where it comes first', async () => {
  const shop = sell();
  const alone = (response) => {
    if (response.status !== 402) return response;
    const headers = new Headers(response.headers);
    headers.delete('payment-required');
    return new Response(null, { status: 402, headers });
  };
  const payments = await platform.buyer({ fetch: over(shop, alone) });
  for (const round of [1n, 2n]) {
    const { response, receipt } = await payments.fetch(`${ORIGIN}/ask`);
    assert.deepEqual([response.status, receipt.success, await payments.held()], [200, true, 100n - 2n * round]);
    assert.ok(response.headers.get('payment-receipt'));
  }
  await shop.gate.close();
});

test('a credential buys one answer: sent again it is rejected, at the same time it is a conflict', async () => {
  let release;
  const held = new Promise((done) => { release = done; });
  let entered;
  const inside = new Promise((done) => { entered = done; });
  const shop = sell({}, async () => { entered(); await held; return new Response('slow'); });
  const payments = await platform.buyer();
  const { authorization } = await credentialFor(shop, payments);
  const first = shop.fetch('/ask', { headers: { authorization } });
  await inside;
  const second = await shop.fetch('/ask', { headers: { authorization } });
  assert.deepEqual([second.status, (await second.json()).error, second.headers.get('payment-required')], [409, 'Conflict', null]);
  release();
  assert.equal((await first).status, 200);
  const third = await shop.fetch('/ask', { headers: { authorization } });
  assert.deepEqual(await refusal(third), [402, 'BCK.MPP.0003', false]);
  assert.ok(third.headers.get('www-authenticate'), 'with a fresh challenge');
  assert.deepEqual([shop.requests.length, await payments.held()], [1, 98n]);
  await shop.gate.close();
});

test('two payers that share a challenge have one answer', async () => {
  // Both are verified before one of them is settled.
  let inside = 0;
  let both;
  const met = new Promise((done) => { both = done; });
  const shop = sell({}, async () => {
    inside += 1;
    if (inside === 2) both();
    await met;
    return new Response('served');
  });
  const [one, other] = [await platform.buyer(), await platform.buyer()];
  const { challenge, authorization } = await credentialFor(shop, one);
  const { accessToken } = await other.mpp.getMppAccessToken(platform.planId, undefined, { delegationConfig: { delegationId: await other.own.delegation() } });
  const shared = sdk.buildCredentialHeader(challenge, { accessToken });
  const answers = await Promise.all([authorization, shared].map((header) => shop.fetch('/ask', { headers: { authorization: header } })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 402]);
  assert.equal(await one.held() + await other.held(), 198n);
  await shop.gate.close();
});

test('a credential is for its route, its verb, its query and its price', async () => {
  const shop = sell();
  const payments = await platform.buyer();
  const { authorization } = await credentialFor(shop, payments, '/ask?q=1');
  for (const [path, method, code] of [['/other', 'GET', 'BCK.MPP.0003'], ['/ask?q=1', 'POST', 'BCK.MPP.0003'], ['/ask?q=2', 'GET', 'BCK.MPP.0003'], ['/dear', 'GET', 'BCK.MPP.0004']]) {
    assert.deepEqual((await refusal(await shop.fetch(path, { method, headers: { authorization } }))).slice(0, 2), [402, code], `${method} ${path}`);
  }
  assert.equal((await shop.fetch('/ask?q=1', { headers: { authorization } })).status, 200);
  assert.deepEqual([shop.requests.length, await payments.held()], [1, 98n]);
  await shop.gate.close();
});

test('forged and malformed credentials are refused with a fresh challenge, and nothing reaches the handler', async () => {
  const shop = sell();
  const payments = await platform.buyer();
  const { challenge, accessToken, authorization } = await credentialFor(shop, payments);
  const other = (change) => sdk.buildCredentialHeader({ ...challenge, ...change }, { accessToken });
  const request = (terms) => Buffer.from(JSON.stringify(terms)).toString('base64url');
  for (const [name, header] of [
    ['a cheaper price', other({ requestEncoded: request({ planId: platform.planId, credits: '1' }) })],
    ['another id', other({ id: 'x'.repeat(43) })], ['another realm', other({ realm: 'elsewhere' })], ['a longer life', other({ expires: '2999-01-01T00:00:00Z' })],
    ['no opaque', other({ opaque: undefined })], ['trailing bits', `${authorization}A`], ['no base64', 'Payment !!'], ['a repeated scheme', `${authorization}, ${authorization}`],
    ['a challenge in its place', 'Payment id="x"'], ['a padded request', other({ requestEncoded: `${challenge.requestEncoded}=` })],
    ['another method', other({ method: 'tempo' })], ['no token', sdk.buildCredentialHeader(challenge, {})],
  ]) {
    const answer = await shop.fetch('/ask', { headers: { authorization: header } });
    const [status, code] = await refusal(answer);
    assert.equal(status, 402, name);
    assert.match(code, /^BCK\.MPP\.000[34]$/, name);
    assert.ok(answer.headers.get('www-authenticate') && answer.headers.get('payment-required'), name);
    assert.equal(answer.headers.get('payment-receipt'), null, name);
  }
  // A scheme's name in a quoted value is no credential, and an open route takes any header.
  assert.deepEqual((await refusal(await shop.fetch('/ask', { headers: { authorization: 'Basic realm="Payment e30"' } }))).slice(0, 2), [402, 'payment_missing']);
  assert.equal((await shop.fetch('/health', { headers: { authorization: 'Basic abc' } })).status, 200);
  assert.deepEqual([shop.requests.filter(({ url }) => !url.endsWith('/health')).length, await payments.held()], [0, 100n]);
  await shop.gate.close();
});

test('with bindBody a challenge is for one body', async () => {
  const shop = sell({ mpp: { bindBody: true }, maxBodyBytes: 64 });
  const payments = await platform.buyer();
  const post = (body, headers = {}) => shop.fetch('/ask', { method: 'POST', body, headers });
  const { challenge, authorization } = await credentialFor(shop, payments, '/ask', { method: 'POST', body: 'one' });
  assert.match(challenge.digest, /^sha-256=/);
  assert.deepEqual(await refusal(await post('two', { authorization })), [402, 'BCK.MPP.0005', true]);
  assert.equal((await post('one', { authorization })).status, 200);
  assert.deepEqual(shop.requests.map(({ body }) => body), ['one']);
  assert.equal((await post('x'.repeat(65))).status, 413);
  await shop.gate.close();
});

test('an answer that fails is not charged, and its credential is still good', async () => {
  let fails = true;
  const shop = sell({}, () => (fails ? new Response('no', { status: 500 }) : new Response('yes')));
  const payments = await platform.buyer();
  const { authorization } = await credentialFor(shop, payments);
  const first = await shop.fetch('/ask', { headers: { authorization } });
  assert.deepEqual([first.status, first.headers.get('payment-receipt'), await payments.held()], [500, null, 100n]);
  fails = false;
  assert.equal((await shop.fetch('/ask', { headers: { authorization } })).status, 200);
  assert.equal(await payments.held(), 98n);
  await shop.gate.close();
});

test('a platform that gives no challenge leaves the offer of x402; one that does not verify is a 503', async () => {
  const { seller, planId, sandbox } = platform;
  const { createServer } = await import('node:http');
  let down = false;
  const proxy = createServer(async (request, response) => {
    if (down && request.url.includes('/mpp/')) return response.writeHead(503).end('{}');
    const parts = [];
    for await (const part of request) parts.push(part);
    const answer = await fetch(sandbox.url + request.url, { method: request.method, headers: { 'content-type': 'application/json', authorization: request.headers.authorization ?? '' }, ...(parts.length && { body: Buffer.concat(parts) }) });
    return response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  });
  await new Promise((done) => proxy.listen(0, '127.0.0.1', done));
  try {
    const shop = sell({ backend: `http://127.0.0.1:${proxy.address().port}`, routes: { 'GET /ask': { planId, credits: 2 } }, nvmApiKey: seller.key });
    const payments = await platform.buyer();
    const { authorization } = await credentialFor(shop, payments);
    down = true;
    const bare = await shop.fetch('/ask');
    assert.deepEqual([bare.status, bare.headers.get('www-authenticate')], [402, null]);
    assert.ok(bare.headers.get('payment-required'));
    const paid = await shop.fetch('/ask', { headers: { authorization } });
    assert.deepEqual([paid.status, paid.headers.get('retry-after'), shop.requests.length], [503, '5', 0]);
    down = false;
    assert.equal((await shop.fetch('/ask', { headers: { authorization } })).status, 200);
    await shop.gate.close();
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
});

test('a page of another origin may send and read what MPP needs', async () => {
  const shop = sell({ allowedOrigins: ['https://page.example'] });
  const preflight = await shop.fetch('/ask', { method: 'OPTIONS', headers: { origin: 'https://page.example', 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' } });
  assert.match(preflight.headers.get('access-control-allow-headers'), /\bauthorization\b/);
  const bare = await shop.fetch('/ask', { headers: { origin: 'https://page.example' } });
  for (const name of ['www-authenticate', 'payment-receipt', 'payment-required']) assert.match(bare.headers.get('access-control-expose-headers'), new RegExp(`\\b${name}\\b`));
  await shop.gate.close();
});

test('options that are wrong are named', async () => {
  const { seller, planId, sandbox } = platform;
  for (const [more, key] of [
    [{ mpp: 'yes' }, 'mpp'], [{ state: false }, 'mpp'], [{ mpp: { bindbody: true } }, 'mpp.bindbody'],
    [{ routes: { 'GET /r': { planId, credits: { by: 'origin', name: 'x-cost', most: 5 } } } }, 'routes["GET /r"].credits'],
  ]) {
    const gate = paywall(() => new Response(), {
      nvmApiKey: seller.key, environment: 'custom', backend: sandbox.url, state: 'memory', unlisted: 'deny', mpp: true, routes: { 'GET /r': { planId, credits: 1 } }, ...more,
    });
    await assert.rejects(gate.ready(), (error) => error.code === 'config_invalid' && error.key === key, JSON.stringify(more));
    const answer = await gate(new Request(`${ORIGIN}/r`));
    assert.deepEqual([answer.status, (await answer.json()).key], [500, key]);
  }
});

test('where tokens come in another header, a credential pays all the same', async () => {
  const shop = sell({ tokenHeader: ['x-token', 'payment-signature'] });
  const payments = await platform.buyer();
  const { authorization } = await credentialFor(shop, payments);
  assert.equal((await shop.fetch('/ask', { headers: { authorization } })).status, 200);
  assert.deepEqual([shop.requests[0].headers['x-token'], await payments.held()], [undefined, 98n]);
  await shop.gate.close();
});
