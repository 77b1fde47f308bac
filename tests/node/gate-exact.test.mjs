// The scheme `exact` on the seller's side: a route of the gate that takes a plan's credits and an amount of an asset, at a facilitator of x402 that checks
// signatures (viem). Buyers: @x402/fetch with @x402/evm, our own, and one of version 1.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { x402Client } from '@x402/core/client';
import { ExactEvmScheme } from '@x402/evm';
import { wrapFetchWithPayment } from '@x402/fetch';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { paywall } from '../../target/dist/subscriber/paywall.js';
import { Payments } from '../../target/dist/subscriber/index.js';
import { startFacilitator } from './facilitator.mjs';
import { base64, startPlatform } from './harness.mjs';

const NETWORK = 'eip155:84532';
const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
const SHOP = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C';
const ORIGIN = 'http://shop.localhost';

let facilitator;
let platform;
before(async () => {
  facilitator = await startFacilitator();
  platform = await startPlatform();
});
after(async () => {
  await facilitator.stop();
  await platform.stop();
});

const decoded = (header) => JSON.parse(Buffer.from(header, 'base64').toString());
const exact = (more) => ({ scheme: 'exact', network: NETWORK, amount: '10000', asset: USDC, payTo: SHOP, extra: { name: 'USDC', version: '2' }, facilitator: facilitator.url, ...more });

function sell(more = {}, handler) {
  const { seller, planId, sandbox } = platform;
  const requests = [];
  const gate = paywall(async (request, context) => {
    requests.push({ headers: Object.fromEntries(request.headers), body: await request.text(), context: context.paymentContext });
    return handler ? handler(request) : Response.json({ page: 'paid for' });
  }, {
    nvmApiKey: seller.key, environment: 'custom', backend: sandbox.url, state: 'memory', unlisted: 'deny', log: false, metricsToken: 'metrics-token-of-this-test-0123456789',
    routes: {
      'GET /paid': { planId, credits: 2, accepts: exact(), description: 'A page' }, 'GET /dear': { accepts: [exact({ amount: '20000' })] },
      'POST /paid': { planId, credits: 2, accepts: exact() }, 'GET /plan': { planId, credits: 1 },
    }, ...more,
  });
  return { gate, requests, fetch: async (input, init) => gate(new Request(new URL(input, ORIGIN), init)) };
}

/** The `fetch` of a buyer: the shop is in this process, all else is on the network. */
const over = (shop, sent = []) => async (input, init) => {
  const request = new Request(input, init);
  if (!request.url.startsWith(ORIGIN)) return fetch(request);
  sent.push(request.headers.get('payment-signature') ?? request.headers.get('x-payment'));
  return shop.gate(request);
};

const account = () => privateKeyToAccount(generatePrivateKey());
const published = (shop, signer = account(), sent) => Object.assign(
  wrapFetchWithPayment(over(shop, sent), new x402Client().register('eip155:*', new ExactEvmScheme(signer))), { signer },
);

test('the published buyer pays, and the seller is paid what the route costs', async () => {
  const shop = sell();
  const spent = facilitator.spent.length;
  const supported = () => facilitator.calls.filter(([url]) => url === '/supported').length;
  const asked = supported();
  const buy = published(shop);
  const response = await buy(`${ORIGIN}/paid`);
  assert.deepEqual([response.status, await response.json()], [200, { page: 'paid for' }]);
  const receipt = decoded(response.headers.get('payment-response'));
  assert.deepEqual([receipt.success, receipt.payer, receipt.network], [true, buy.signer.address, NETWORK]);
  const [transfer] = facilitator.spent.slice(spent);
  assert.deepEqual([transfer.from, transfer.to, transfer.value], [buy.signer.address, SHOP, '10000']);
  const [{ headers, context }] = shop.requests;
  assert.deepEqual([headers['payment-signature'], headers['x-payment-payer'], headers['x-payment-credits']], [undefined, buy.signer.address, '10000']);
  assert.deepEqual([context.payer, context.credits, context.planId], [buy.signer.address, 10_000n, `exact:${NETWORK}:${USDC.toLowerCase()}:${SHOP.toLowerCase()}`]);
  assert.equal((await buy(`${ORIGIN}/dear`)).status, 200);
  assert.equal(facilitator.spent.at(-1).value, '20000');
  assert.equal(supported() - asked, 1, 'what it settles is asked once');
  await shop.gate.close();
});

test('nothing is asked of a facilitator before an offer is made', async () => {
  const calls = facilitator.calls.length;
  const shop = sell();
  await shop.gate.ready();
  assert.equal(facilitator.calls.length, calls);
  await shop.gate.close();
});

test('our buyer pays with a wallet, and with credits where it holds them', async () => {
  const shop = sell();
  const signer = account();
  const wallet = { address: signer.address, signTypedData: (data) => signer.signTypedData(data) };
  const payments = await Payments.getInstance({ nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url, wallet, approve: (offer) => offer.scheme === 'exact', fetch: over(shop) });
  const { response, receipt, spend } = await payments.fetch(`${ORIGIN}/dear`);
  assert.deepEqual([response.status, receipt.success, receipt.payer, spend.amounts[0].amount], [200, true, signer.address, 20_000n]);
  const rich = await platform.buyer({ fetch: over(shop), wallet });
  const byPlan = await rich.fetch(`${ORIGIN}/paid`);
  assert.deepEqual([byPlan.response.status, byPlan.receipt.creditsRedeemed, await rich.held()], [200, 2n, 98n]);
  await shop.gate.close();
});

test('one 402 has the plan and the amount; version 1 is in the body where it is asked for', async () => {
  const shop = sell();
  const bare = await shop.fetch('/paid');
  const terms = { scheme: 'exact', network: NETWORK, amount: '10000', asset: USDC, payTo: SHOP, maxTimeoutSeconds: 300, extra: { name: 'USDC', version: '2' } };
  const { accepts } = decoded(bare.headers.get('payment-required'));
  assert.deepEqual([accepts.length, accepts[0].planId, accepts[1]], [2, platform.planId, terms]);
  const body = await bare.json();
  assert.deepEqual([body.x402Version, body.accepts, body.code], [2, accepts, 'payment_missing']);
  assert.deepEqual(decoded((await shop.fetch('/plan')).headers.get('payment-required')).accepts.length, 1);
  await shop.gate.close();
  const old = sell({ x402v1: true });
  const both = await old.fetch('/paid');
  const v1 = await both.json();
  assert.deepEqual([decoded(both.headers.get('payment-required')).accepts, v1.x402Version], [accepts, 1]);
  assert.deepEqual(v1.accepts, [{
    scheme: 'exact', network: 'base-sepolia', maxAmountRequired: '10000', resource: `${ORIGIN}/paid`, description: 'A page', mimeType: '', asset: USDC, payTo: SHOP,
    maxTimeoutSeconds: 300, extra: { name: 'USDC', version: '2' },
  }]);
  await old.gate.close();
});

test('a client that knows version 1 alone pays with X-PAYMENT', async () => {
  const shop = sell({ x402v1: true });
  const signer = account();
  const wallet = { address: signer.address, signTypedData: (data) => signer.signTypedData(data) };
  const sent = [];
  // It sees no header of version 2.
  const old = async (request) => {
    const response = await over(shop, sent)(request);
    if (response.status !== 402) return response;
    const headers = new Headers(response.headers);
    headers.delete('payment-required');
    return new Response(response.body, { status: 402, headers });
  };
  const payments = await Payments.getInstance({ nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url, wallet, approve: () => true, fetch: old });
  const { response, receipt } = await payments.fetch(`${ORIGIN}/paid`);
  assert.deepEqual([response.status, receipt.success, receipt.payer], [200, true, signer.address]);
  assert.equal(decoded(sent.at(-1)).x402Version, 1);
  assert.equal(decoded(response.headers.get('x-payment-response')).success, true);
  assert.equal(shop.requests[0].headers['x-payment'], undefined);
  assert.equal(facilitator.calls.at(-1)[1].x402Version, 1);
  await shop.gate.close();
});

/** A payment for `/paid`, signed by hand. */
async function payment(shop, { signer = account(), path = '/paid', change = () => {} } = {}) {
  const { x402Version, resource, accepts } = decoded((await shop.fetch(path)).headers.get('payment-required'));
  const accepted = accepts.find(({ scheme }) => scheme === 'exact');
  const authorization = {
    from: signer.address, to: accepted.payTo, value: accepted.amount, validAfter: '0', validBefore: String(Math.floor(Date.now() / 1000) + 300),
    nonce: `0x${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex')}`,
  };
  const types = Object.entries({ from: 'address', to: 'address', value: 'uint256', validAfter: 'uint256', validBefore: 'uint256', nonce: 'bytes32' }).map(([name, type]) => ({ name, type }));
  const signature = await signer.signTypedData({
    primaryType: 'TransferWithAuthorization', types: { TransferWithAuthorization: types }, message: authorization,
    domain: { name: 'USDC', version: '2', chainId: 84_532, verifyingContract: USDC },
  });
  const document = { x402Version, resource, accepted, payload: { signature, authorization } };
  change(document);
  return base64(document);
}

const paying = (header) => ({ headers: { 'payment-signature': header } });
const said = async (response) => [response.status, (await response.json()).code];

test('a payment is for the price of its route, and buys one answer', async () => {
  const shop = sell();
  const spent = facilitator.spent.length;
  const cheap = await payment(shop);
  assert.deepEqual(await said(await shop.fetch('/dear', paying(cheap))), [402, 'payment_refused']);
  const answers = await Promise.all(Array.from({ length: 3 }, () => shop.fetch('/paid', paying(cheap))));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 402, 402]);
  // The same payment in other letters is the same payment.
  const respelt = decoded(cheap);
  respelt.payload.authorization.nonce = respelt.payload.authorization.nonce.toUpperCase().replace('0X', '0x');
  assert.equal((await shop.fetch('/paid', paying(base64(respelt)))).status, 402);
  assert.deepEqual([shop.requests.length, facilitator.spent.length - spent], [1, 1]);
  await shop.gate.close();
});

test('a payment for one route buys nothing on another of the same price, which its signature does not tell apart', async () => {
  const shop = sell();
  const spent = facilitator.spent.length;
  const signed = await payment(shop);
  const statuses = [];
  for (const init of [paying(signed), { ...paying(signed), method: 'POST' }, paying(signed)]) statuses.push((await shop.fetch('/paid', init)).status);
  assert.deepEqual([statuses, shop.requests.length, facilitator.spent.length - spent], [[200, 402, 402], 1, 1]);
  await shop.gate.close();
});

test('what was not signed so, or is for other terms, is refused with the offer, and nothing reaches the handler', async () => {
  const shop = sell();
  const spent = facilitator.spent.length;
  for (const [name, change, code] of [
    ['a forged signature', ({ payload }) => { payload.signature = `0x${'12'.repeat(65)}`; }, 'payment_refused'],
    ['a larger value than was signed', ({ payload }) => { payload.authorization.value = '20000'; }, 'payment_refused'],
    ['another recipient', ({ payload }) => { payload.authorization.to = account().address; }, 'payment_refused'],
    ['another chain', ({ accepted }) => { accepted.network = 'eip155:8453'; }, 'payment_for_another_plan'],
    ['another asset', ({ accepted }) => { accepted.asset = SHOP; }, 'payment_for_another_plan'],
    ['another seller', ({ accepted }) => { accepted.payTo = USDC; }, 'payment_for_another_plan'],
    ['another version', (document) => { document.x402Version = 1; }, 'payment_malformed'],
    ['no authorization', ({ payload }) => { delete payload.authorization; }, 'payment_malformed'],
  ]) {
    const answer = await shop.fetch('/paid', paying(await payment(shop, { change })));
    assert.ok(answer.headers.get('payment-required'), name);
    assert.deepEqual(await said(answer), [402, code], name);
  }
  // A payment in the form in which the gate itself carries it is a token of the platform's, which knows none such.
  const carrier = Buffer.from(JSON.stringify({
    x402Version: 2, accepted: { scheme: 'nvm:erc4337', network: NETWORK, planId: `exact:${NETWORK}:${USDC.toLowerCase()}:${SHOP.toLowerCase()}` },
    payload: { authorization: { from: SHOP, nonce: '0x1' }, dialect: 'exact', payment: '{}', search: '' },
  })).toString('base64url');
  assert.equal((await shop.fetch('/paid', paying(carrier))).status, 402);
  assert.deepEqual([shop.requests.length, facilitator.spent.length], [0, spent]);
  await shop.gate.close();
});

test('a plan does not pay for a route of amounts alone', async () => {
  const shop = sell();
  const payments = await platform.buyer({ fetch: over(shop) });
  await assert.rejects(payments.fetch(`${ORIGIN}/dear`), { code: 'no_payable_offer' });
  await shop.gate.close();
});

test('a facilitator that is down, slow or garbled at verify is a 503, and one that refuses at settle withholds the answer', async () => {
  const shop = sell({ routes: { 'GET /paid': { accepts: exact({ facilitator: 'http://127.0.0.1:9' }) } } });
  const down = await shop.fetch('/paid', paying(await payment(shop)));
  assert.deepEqual([down.status, down.headers.get('retry-after'), (await down.json()).code, shop.requests.length], [503, '5', 'facilitator_unreachable', 0]);
  await shop.gate.close();
  const withheld = sell();
  facilitator.fail = [{ success: false, errorReason: 'insufficient_funds', transaction: '', network: NETWORK }];
  try {
    const answer = await withheld.fetch('/paid', paying(await payment(withheld)));
    const receipt = decoded(answer.headers.get('payment-response'));
    assert.deepEqual([answer.status, receipt.success, receipt.errorReason, answer.headers.get('payment-required')], [402, false, 'insufficient_funds', null]);
  } finally {
    facilitator.fail = undefined;
  }
  await withheld.gate.close();
});

test('an unknown outcome at settle is delivered and stands in the journal', async () => {
  for (const fail of [[{ error: 'boom' }, 500], [{ success: false, errorReason: 'settlement_pending', transaction: '0x1', network: NETWORK }]]) {
    const shop = sell();
    const settles = () => facilitator.calls.filter(([url]) => url === '/settle').length;
    const before = settles();
    facilitator.fail = fail;
    try {
      const signer = account();
      const answer = await shop.fetch('/paid', paying(await payment(shop, { signer })));
      assert.deepEqual([answer.status, answer.headers.get('payment-response'), settles() - before], [200, null, 2], 'it is asked a second time, with the same authorization');
      const journal = await shop.fetch(`/.well-known/payments/journal?payer=${signer.address}`, { headers: { authorization: 'Bearer metrics-token-of-this-test-0123456789' } });
      const [entry] = (await journal.json()).entries ?? [];
      assert.deepEqual([journal.status, entry?.status, entry?.plan.startsWith('exact:'), entry?.network], [200, 'unknown', true, NETWORK]);
    } finally {
      facilitator.fail = undefined;
    }
    await shop.gate.close();
  }
});

test('terms that the facilitator does not settle are not offered, and the key of the platform is not sent to it', async () => {
  const network = 'eip155:8453';
  const routes = { 'GET /paid': { planId: platform.planId, credits: 2, accepts: [exact(), exact({ network })] } };
  const headers = [];
  const shop = sell({ routes, facilitatorHeaders: (url, what) => { headers.push(what); return { authorization: `Bearer of-${what}` }; } });
  const { accepts } = decoded((await shop.fetch('/paid')).headers.get('payment-required'));
  assert.deepEqual(accepts.map(({ scheme, network }) => [scheme, network]), [['nvm:erc4337', NETWORK], ['exact', NETWORK]]);
  assert.equal((await shop.fetch('/paid', paying(await payment(shop)))).status, 200);
  assert.deepEqual(headers, ['supported', 'verify', 'settle']);
  await shop.gate.close();
});

test('an amount is paid in band of MCP: the authorization in the call, the receipt in the result', async () => {
  const { Mcp } = await import('../../target/dist/subscriber/mcp.js');
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
  const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
  const seller = new Mcp(undefined, () => ({ nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url }));
  seller.configure({ planId: platform.planId, serverName: 'sums' });
  seller.registerTool('add', {}, async ({ a, b }) => ({ content: [{ type: 'text', text: String(a + b) }] }), { credits: 2, accepts: exact() });
  const gate = seller.handler({ state: 'memory', log: false });
  const client = new Client({ name: 'test', version: '1.0.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL('http://sums.localhost/mcp'), { fetch: (url, init) => gate(new Request(url, init)) }));
  const signer = account();
  const payments = Payments.getInstance({
    nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url, approve: (offer) => offer.scheme === 'exact',
    wallet: { address: signer.address, signTypedData: (data) => signer.signTypedData(data) }, select: (offers) => offers.find(({ scheme }) => scheme === 'exact'),
  });
  const spent = facilitator.spent.length;
  const mcp = new Mcp(payments);
  const wrapped = mcp.wrap(client, { url: 'http://sums.localhost/mcp' });
  const result = await wrapped.callTool({ name: 'add', arguments: { a: 1, b: 2 } });
  const { receipt, spend } = mcp.paymentOf(result);
  assert.deepEqual([result.content[0].text, receipt.payer, spend.amounts[0].amount, facilitator.spent.length - spent], ['3', signer.address, 10_000n, 1]);
  assert.equal(result._meta['x402/payment-response'].success, true);
  await gate.close();
});
