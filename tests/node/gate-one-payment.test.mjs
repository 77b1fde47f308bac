// One payment buys one answer, and a debt is paid, by whatever dialect a client comes and whatever it writes around its payment (rules 19 and 24).
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { paywall } from '../../target/dist/subscriber/paywall.js';
import * as sdk from '../../target/dist/subscriber/node.js';
import { startFacilitator } from './facilitator.mjs';
import { base64, startPlatform } from './harness.mjs';

const ORIGIN = 'http://shop.localhost';
const NETWORK = 'eip155:84532';
const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
const SHOP = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C';

let facilitator;
let platform;
before(async () => { [facilitator, platform] = await Promise.all([startFacilitator(), startPlatform()]); });
after(() => Promise.all([facilitator.stop(), platform.stop()]));

const decoded = (header) => JSON.parse(Buffer.from(header, 'base64').toString());
const said = async (response) => [response.status, (await response.json()).code];

/** A gate; `served` counts what its handler did. */
function sell(routes, more = {}, handler = () => new Response('served')) {
  const shop = { served: 0 };
  const gate = paywall(async (request) => {
    shop.served += 1;
    return handler(request, shop);
  }, { nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url, state: 'memory', unlisted: 'deny', log: false, routes, ...more });
  return Object.assign(shop, { gate, fetch: async (path, init) => gate(new Request(ORIGIN + path, init)) });
}

const accepts = () => ({ scheme: 'exact', network: NETWORK, amount: '10000', asset: USDC, payTo: SHOP, extra: { name: 'USDC', version: '2' }, facilitator: facilitator.url });

/** A payment of ten thousand units, signed by hand: the document of version 2. */
async function signed() {
  const signer = privateKeyToAccount(generatePrivateKey());
  const authorization = {
    from: signer.address, to: SHOP, value: '10000', validAfter: '0', validBefore: String(Math.floor(Date.now() / 1000) + 300),
    nonce: `0x${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex')}`,
  };
  const types = Object.entries({ from: 'address', to: 'address', value: 'uint256', validAfter: 'uint256', validBefore: 'uint256', nonce: 'bytes32' }).map(([name, type]) => ({ name, type }));
  const signature = await signer.signTypedData({
    primaryType: 'TransferWithAuthorization', types: { TransferWithAuthorization: types }, message: authorization,
    domain: { name: 'USDC', version: '2', chainId: 84_532, verifyingContract: USDC },
  });
  const { facilitator: _, ...accepted } = { ...accepts(), maxTimeoutSeconds: 300 };
  return { x402Version: 2, accepted, payload: { signature, authorization } };
}

async function mppToken(payments) {
  return payments.mpp.getMppAccessToken(platform.planId, undefined, { delegationConfig: { delegationId: await payments.own.delegation() } });
}

/** The platform, which refuses the settlements of MPP while `refuses` is set. */
async function refusing() {
  const self = { refuses: true, settled: [] };
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const answer = (status, text) => response.writeHead(status, { 'content-type': 'application/json' }).end(text);
    if (request.url.endsWith('/settle')) self.settled.push(request.url);
    if (self.refuses && request.url.endsWith('/mpp/settle')) return answer(402, JSON.stringify({ code: 'BCK.CREDITS.0003', message: 'Too few credits' }));
    const headers = { 'content-type': 'application/json', authorization: request.headers.authorization ?? '' };
    const { status, text } = await fetch(platform.sandbox.url + request.url, { method: request.method, headers, ...(parts.length && { body: Buffer.concat(parts) }) }).then(async (found) => ({ status: found.status, text: await found.text() }));
    return answer(status, text);
  });
  await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
  return Object.assign(self, {
    url: `http://127.0.0.1:${server.address().port}`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  });
}

test('rule 19: a debt by MPP is settled as one, whatever the next request pays by', async (t) => {
  const { planId } = platform;
  const between = await refusing();
  t.after(between.stop);
  const shop = sell({ 'GET /later': { planId, credits: 6, settle: 'after-delivery' } }, { mpp: true, backend: between.url });
  const payments = await platform.buyer();
  const byPlan = async () => shop.fetch('/later', { headers: { 'payment-signature': (await payments.x402.getX402AccessToken(planId)).accessToken } });
  const challenge = sdk.parseChallengeHeader((await shop.fetch('/later')).headers.get('www-authenticate'));
  const authorization = sdk.buildCredentialHeader(challenge, await mppToken(payments));
  assert.equal((await shop.fetch('/later', { headers: { authorization } })).status, 200);
  assert.deepEqual(await said(await byPlan()), [402, 'payment_owed']);
  between.refuses = false;
  assert.equal((await byPlan()).status, 200);
  for (const end = Date.now() + 5000; between.settled.length < 4 && Date.now() < end;) await new Promise((done) => { setImmediate(done); });
  assert.deepEqual(between.settled, ['/api/v1/mpp/settle', '/api/v1/mpp/settle', '/api/v1/mpp/settle', '/api/v1/x402/settle']);
  assert.equal(shop.served, 2);
  await shop.gate.close();
});

test('rule 24: a payment in the form in which the gate itself carries it is refused before anybody is asked', async () => {
  const { planId } = platform;
  const shop = sell({ 'GET /paid': { accepts: accepts() }, 'GET /plan': { planId, credits: 2 } }, { mpp: true });
  const payments = await platform.buyer();
  const challenge = sdk.parseChallengeHeader((await shop.fetch('/plan')).headers.get('www-authenticate'));
  const credential = sdk.buildCredentialHeader(challenge, await mppToken(payments));
  // A good token of the platform's, with a payment written into it.
  const hybrid = decoded((await payments.x402.getX402AccessToken(planId)).accessToken);
  Object.assign(hybrid.payload, { dialect: 'mpp', payment: credential, search: '' });
  const exact = { scheme: 'nvm:erc4337', network: NETWORK, planId: `exact:${NETWORK}:${USDC}:${SHOP}`.toLowerCase() };
  const carrier = async (nonce) => ({
    x402Version: 2, accepted: exact, payload: { authorization: { from: SHOP, nonce }, dialect: 'exact', payment: JSON.stringify(await signed()), search: '' },
  });
  const asked = async () => (await platform.calls('verify')).length + facilitator.calls.filter(([url]) => url === '/verify').length;
  const earlier = await asked();
  for (const [path, document] of [['/plan', hybrid], ['/paid', await carrier('n1')], ['/paid', await carrier('n2')]]) {
    assert.deepEqual(await said(await shop.fetch(path, { headers: { 'payment-signature': base64(document) } })), [402, 'payment_malformed']);
  }
  assert.deepEqual([shop.served, await asked() - earlier], [0, 0]);
  await shop.gate.close();
});

test('rule 24: what stands beside an authorization is not told to the facilitator', async () => {
  const shop = sell({ 'GET /paid': { accepts: accepts() } });
  const payment = await signed();
  // The facilitators of @x402/evm settle this in place of the authorization, and its nonce is not the one that was claimed.
  const permit2Authorization = { from: payment.payload.authorization.from, nonce: '7' };
  const beside = { ...payment, payload: { ...payment.payload, permit2Authorization } };
  assert.equal((await shop.fetch('/paid', { headers: { 'payment-signature': base64(beside) } })).status, 200);
  const told = facilitator.calls.slice(-2).map(([url, { paymentPayload }]) => [url, paymentPayload.payload]);
  assert.deepEqual(told, [['/verify', payment.payload], ['/settle', payment.payload]]);
  await shop.gate.close();
});

test('rule 21: a facilitator\'s no is a no, whatever else it says', async () => {
  const shop = sell({ 'GET /paid': { accepts: accepts() } });
  const no = { success: false, errorReason: 'transaction_failed', transaction: '', network: NETWORK };
  for (const errorMessage of ['ab'.repeat(10_000), 'the character \ufffd, as a client may have sent it']) {
    facilitator.fail = [{ ...no, errorMessage }];
    const answer = await shop.fetch('/paid', { headers: { 'payment-signature': base64(await signed()) } });
    facilitator.fail = undefined;
    assert.deepEqual(await said(answer), [402, 'payment_refused'], errorMessage.slice(0, 20));
  }
  await shop.gate.close();
});
