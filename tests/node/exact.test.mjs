// The scheme `exact` of x402: our buyer pays the published servers, @x402/hono and @x402/express, whose facilitator checks signatures; a
// server of version 1; and what it refuses. The wallet is viem's account, or an EIP-1193 provider.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { serve } from '@hono/node-server';
import { HTTPFacilitatorClient, x402ResourceServer } from '@x402/core/server';
import { ExactEvmScheme } from '@x402/evm/exact/server';
import { paymentMiddleware as forExpress } from '@x402/express';
import { paymentMiddleware as forHono } from '@x402/hono';
import express from 'express';
import { Hono } from 'hono';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { startFacilitator } from './facilitator.mjs';
import { base64, startPlatform } from './harness.mjs';
import { Payments } from '../../target/dist/subscriber/index.js';

const NETWORK = 'eip155:84532';
const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
const CURRENCY = `${NETWORK}:${USDC.toLowerCase()}`;
const SHOP = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C';
const account = privateKeyToAccount(generatePrivateKey());

let facilitator;
let platform;
const servers = [];
before(async () => {
  facilitator = await startFacilitator();
  platform = await startPlatform();
});
after(async () => {
  await Promise.all(servers.map((server) => new Promise((done) => {
    server.closeAllConnections();
    server.close(done);
  })));
  await facilitator.stop();
  await platform.stop();
});

const listening = async (server) => {
  servers.push(server);
  if (!server.listening) await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${server.address().port}`;
};

const routes = { 'GET /paid': { accepts: { scheme: 'exact', network: NETWORK, payTo: SHOP, price: '$0.01' }, description: 'A page' } };
const resources = () => new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitator.url })).register(NETWORK, new ExactEvmScheme());

async function honoShop() {
  const app = new Hono();
  app.use(forHono(routes, resources()));
  app.get('/paid', (c) => c.json({ page: 'paid for' }));
  return new Promise((done) => { const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => done(listening(server))); });
}

async function expressShop() {
  const app = express();
  app.use(forExpress(routes, resources()));
  app.get('/paid', (request, response) => response.json({ page: 'paid for' }));
  return listening(createServer(app));
}

/** A wallet of viem's, and what it signed. */
function wallet() {
  const signed = [];
  return { signed, address: account.address, signTypedData: async (data) => { signed.push(data); return account.signTypedData(data); } };
}

/** The same as an EIP-1193 provider, which a page finds in `window.ethereum`. */
function provider({ chain = '0x14a34', refuses } = {}) {
  const asked = [];
  return {
    asked,
    async request({ method, params }) {
      asked.push(method);
      if (refuses === method) throw Object.assign(new Error('User rejected the request.'), { code: 4001 });
      if (method === 'eth_requestAccounts') return [account.address];
      if (method === 'eth_chainId') return chain;
      if (method === 'wallet_switchEthereumChain') { chain = params[0].chainId; return null; }
      if (method === 'eth_signTypedData_v4') {
        assert.equal(params[0], account.address);
        return account.signTypedData(JSON.parse(params[1]));
      }
      throw new Error(method);
    },
  };
}

/** Nobody is logged in: a wallet needs no key. */
const buyer = (more) => Payments.getInstance({ nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url, ...more });
const limit = (more) => ({ network: NETWORK, asset: USDC, decimals: 6, ...more });

for (const [name, open] of [['@x402/hono', honoShop], ['@x402/express', expressShop]]) {
  test(`a page of ${name} is paid for after consent, with the receipt`, async () => {
    const shop = await open();
    const purse = wallet();
    const asked = [];
    const events = [];
    const payments = await buyer({ wallet: purse, approve: (offer) => asked.push(offer) > 0, onEvent: ({ type }) => events.push(type) });
    const before = facilitator.spent.length;
    const { response, receipt, spend } = await payments.fetch(`${shop}/paid`);
    assert.deepEqual([response.status, await response.json()], [200, { page: 'paid for' }]);
    const [offer] = asked;
    assert.deepEqual([offer.scheme, offer.dialect, offer.amount, offer.currency, offer.asset, offer.payTo, offer.network, offer.planId, offer.origin],
      ['exact', 'exact', 10_000n, CURRENCY, USDC, SHOP, NETWORK, undefined, shop]);
    assert.deepEqual([receipt.success, receipt.payer, receipt.network], [true, account.address, NETWORK]);
    assert.deepEqual([spend.outcome, spend.amounts, spend.creditsPresented, spend.singleUse], ['settled', [{ currency: CURRENCY, amount: 10_000n }], 0n, true]);
    const [transfer] = facilitator.spent.slice(before);
    assert.deepEqual([transfer.from, transfer.to, transfer.value, transfer.validAfter], [account.address, SHOP, '10000', '0']);
    assert.equal(purse.signed[0].domain.chainId, 84_532);
    assert.deepEqual(events, ['request', 'offer', 'consent', 'mint', 'paid', 'receipt']);
    assert.deepEqual(payments.spend.amounts, [{ currency: CURRENCY, amount: 10_000n }]);
    assert.equal(payments.spend.receipts[0].currency, CURRENCY);
  });
}

test('an EIP-1193 wallet is brought to the chain, and asked once', async () => {
  const shop = await honoShop();
  const ethereum = provider({ chain: '0x1' });
  const payments = await buyer({ wallet: ethereum, approve: () => true });
  const { response } = await payments.fetch(`${shop}/paid`);
  assert.equal(response.status, 200);
  assert.deepEqual(ethereum.asked, ['eth_requestAccounts', 'eth_chainId', 'wallet_switchEthereumChain', 'eth_signTypedData_v4']);
  const refusing = await buyer({ wallet: provider({ refuses: 'eth_signTypedData_v4' }), approve: () => true });
  const before = facilitator.spent.length;
  await assert.rejects(refusing.fetch(`${shop}/paid`), (error) => error.code === 'wallet_refused' && error.cause.code === 4001 && error.spend.outcome === 'none');
  assert.equal(facilitator.spent.length, before);
});

test('limits bind chain, asset and decimals', async () => {
  const shop = await honoShop();
  const origins = [shop];
  for (const [maxAmounts, code] of [
    [[limit({ perRequest: '0.01' })], undefined],
    [[limit({ perRequest: '0.009999' })], 'budget_exceeded'],
    [[limit({ network: 'eip155:8453', total: '100' })], 'no_payable_offer'],
    [[limit({ asset: `0x${'1'.repeat(40)}`, total: '100' })], 'no_payable_offer'],
    [undefined, 'consent_required'],
  ]) {
    const purse = wallet();
    const payments = await buyer({ wallet: purse, policy: { origins, ...(maxAmounts && { maxAmounts }) } });
    const ended = await payments.fetch(`${shop}/paid`).catch((error) => error);
    assert.deepEqual([ended.code, purse.signed.length], [code, code ? 0 : 1], JSON.stringify(maxAmounts));
  }
  const payments = await buyer({ wallet: wallet(), policy: { origins, maxAmounts: [limit({ total: '0.025' })] } });
  const ended = await Promise.all(Array.from({ length: 4 }, () => payments.fetch(`${shop}/paid`).then(() => 'paid', (error) => error.code)));
  assert.deepEqual(ended.sort(), ['budget_exceeded', 'budget_exceeded', 'paid', 'paid']);
  for (const wrong of [{ perRequest: 0.01 }, { perRequest: '0.0000001' }, { perRequest: '1e3' }, { decimals: undefined }, { maximum: '1' }]) {
    assert.throws(() => buyer({ wallet: wallet(), policy: { maxAmounts: [limit(wrong)] } }), { code: 'validation' }, JSON.stringify(wrong));
  }
  assert.throws(() => buyer({ wallet: { address: account.address } }), { code: 'validation' });
});

test('without a wallet the offer is refused by name, and nothing is loaded', async () => {
  const shop = await honoShop();
  const payments = await buyer({ approve: () => assert.fail('nobody is asked') });
  await assert.rejects(payments.fetch(`${shop}/paid`), { code: 'no_payable_offer' });
});

/** A server of version 1: the offer in the body, X-PAYMENT, X-PAYMENT-RESPONSE. */
async function shopOfVersion1(change = (offer) => offer) {
  const received = [];
  const server = createServer(async (request, response) => {
    const accepts = [change({
      scheme: 'exact', network: 'base-sepolia', maxAmountRequired: '20000', resource: `http://${request.headers.host}${request.url}`, description: '', mimeType: '',
      payTo: SHOP, maxTimeoutSeconds: 60, asset: USDC, outputSchema: null, extra: { name: 'USDC', version: '2' },
    })];
    const sent = request.headers['x-payment'];
    if (!sent) return response.writeHead(402, { 'content-type': 'application/json' }).end(JSON.stringify({ x402Version: 1, error: 'X-PAYMENT header is required', accepts }));
    const paymentPayload = JSON.parse(Buffer.from(sent, 'base64'));
    received.push(paymentPayload);
    const settled = await (await fetch(`${facilitator.url}/settle`, { method: 'POST', body: JSON.stringify({ x402Version: 1, paymentPayload, paymentRequirements: accepts[0] }) })).json();
    const headers = { 'x-payment-response': base64(settled) };
    return settled.success ? response.writeHead(200, headers).end('paid') : response.writeHead(402, headers).end(JSON.stringify({ x402Version: 1, error: settled.errorReason, accepts }));
  });
  return { url: await listening(server), received };
}

test('a server of version 1 is paid: the offer in the body, X-PAYMENT, X-PAYMENT-RESPONSE', async () => {
  const shop = await shopOfVersion1();
  const payments = await buyer({ wallet: wallet(), approve: () => true });
  const { response, receipt } = await payments.fetch(`${shop.url}/paid`);
  assert.deepEqual([await response.text(), receipt.success, receipt.payer], ['paid', true, account.address]);
  const [{ x402Version, scheme, network, payload }] = shop.received;
  assert.deepEqual([x402Version, scheme, network, payload.authorization.value], [1, 'exact', 'base-sepolia', '20000']);
  // Clocks differ: it has held for ten minutes.
  assert.ok(Number(payload.authorization.validAfter) <= Date.now() / 1000 - 590);
});

test('malformed offers are typed errors, and other schemes are refused by name', async () => {
  for (const [change, code] of [
    [{ maxAmountRequired: 20_000 }, 'malformed_offer'], [{ maxAmountRequired: '0.02' }, 'malformed_offer'], [{ asset: 'USDC' }, 'malformed_offer'],
    [{ payTo: '0x12' }, 'malformed_offer'], [{ extra: {} }, 'malformed_offer'], [{ maxTimeoutSeconds: 0 }, 'malformed_offer'],
    [{ scheme: 'upto' }, 'malformed_offer'], [{ network: 'bitcoin' }, 'malformed_offer'], [{ resource: 'https://other.example/paid' }, 'resource_mismatch'],
  ]) {
    const shop = await shopOfVersion1((offer) => ({ ...offer, ...change }));
    const purse = wallet();
    const payments = await buyer({ wallet: purse, approve: () => true });
    await assert.rejects(payments.fetch(`${shop.url}/paid`), (error) => error.code === code && purse.signed.length === 0, JSON.stringify(change));
  }
});

test('a payment that is refused is not signed for again, and its reason is said', async (t) => {
  const shop = await honoShop();
  const purse = wallet();
  const payments = await buyer({ wallet: purse, approve: () => true });
  facilitator.fail = [{ success: false, errorReason: 'insufficient_funds', transaction: '', network: NETWORK, payer: account.address }];
  t.after(() => { facilitator.fail = undefined; });
  await assert.rejects(payments.fetch(`${shop}/paid`), (error) => error.code === 'payment_refused' && error.spend.outcome === 'unknown' && error.spend.amounts[0].amount === 10_000n);
  assert.equal(purse.signed.length, 1);
});

test('where a plan and an amount are offered, held credits come first', async () => {
  const { planId } = platform;
  const received = [];
  const server = createServer(async (request, response) => {
    const token = request.headers['payment-signature'];
    const accepts = [
      { scheme: 'exact', network: NETWORK, amount: '1', asset: USDC, payTo: SHOP, maxTimeoutSeconds: 60, extra: { name: 'USDC', version: '2' } },
      { scheme: 'nvm:erc4337', network: NETWORK, planId, extra: { version: '1', credits: '2' } },
    ];
    if (!token) return response.writeHead(402, { 'payment-required': base64({ x402Version: 2, resource: { url: '/ask' }, accepts }) }).end('{}');
    const { accepted } = JSON.parse(Buffer.from(token, 'base64'));
    received.push(accepted.scheme);
    const receipt = accepted.scheme === 'exact' ? base64({ success: true, transaction: '0x1', network: NETWORK }) : await platform.settle(token);
    return response.writeHead(200, { 'payment-response': receipt }).end();
  });
  const url = await listening(server);
  const rich = await platform.buyer({ wallet: wallet() });
  await rich.fetch(`${url}/ask`);
  const poor = await platform.buyer({ wallet: wallet() }, { credits: false });
  const { spend } = await poor.fetch(`${url}/ask`);
  assert.deepEqual([received, spend.amounts], [['nvm:erc4337', 'exact'], [{ currency: CURRENCY, amount: 1n }]]);
  const { offers } = await rich.quote(`${url}/ask`);
  assert.deepEqual(offers.map(({ scheme }) => scheme).sort(), ['exact', 'nvm:erc4337']);
});
