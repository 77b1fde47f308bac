// The scheme `exact` of x402 on Solana: our buyer pays @x402/hono by a transaction that the caller's signer makes, at the facilitator of @x402/svm, which checks
// the transaction. No chain is there: a stub answers its RPC, and checks the signatures of what it is asked to simulate.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { serve } from '@hono/node-server';
import { generateKeyPairSigner } from '@solana/kit';
import { HTTPFacilitatorClient, x402ResourceServer } from '@x402/core/server';
import { paymentMiddleware } from '@x402/hono';
import { ExactSvmScheme as ExactSvmClient } from '@x402/svm/exact/client';
import { ExactSvmScheme as ExactSvmServer } from '@x402/svm/exact/server';
import { Hono } from 'hono';
import { startPlatform } from './harness.mjs';
import { NETWORK, USDC, signatures, startSolana } from './solana.mjs';
import { Payments } from '../../target/dist/subscriber/index.js';

let platform;
let solana;
let server;
let shop;
const payTo = '2wKupLR9q6wXYppw8Gr2NvWxKBUqm4PPJKkQfoxHDBg4';
before(async () => {
  [platform, solana] = await Promise.all([startPlatform(), startSolana()]);
  const app = new Hono();
  const routes = { 'GET /paid': { accepts: { scheme: 'exact', network: NETWORK, payTo, price: '$0.01' }, description: 'A page' } };
  app.use(paymentMiddleware(routes, new x402ResourceServer(new HTTPFacilitatorClient({ url: solana.url })).register(NETWORK, new ExactSvmServer())));
  app.get('/paid', (c) => c.json({ page: 'paid for' }));
  shop = await new Promise((done) => {
    server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => done(`http://127.0.0.1:${port}`));
  });
});
after(async () => {
  server.closeAllConnections();
  await Promise.all([new Promise((done) => { server.close(done); }), solana.stop(), platform.stop()]);
});

/** A wallet whose signer is that of @x402/svm; `change` is what it signs for in the place of the offer. */
async function walletOf(change = (terms) => terms) {
  const signer = await generateKeyPairSigner();
  const asked = [];
  return {
    asked, address: signer.address,
    async signSolanaPayment(required) {
      asked.push(required);
      const { payload } = await new ExactSvmClient(signer, { rpcUrl: solana.rpcUrl }).createPaymentPayload(2, change(required.accepts[0]));
      return payload.transaction;
    },
  };
}
const buyer = (wallet, more = {}) => Payments.getInstance({
  nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url, wallet: { signSolanaPayment: wallet.signSolanaPayment }, approve: () => true, ...more,
});

test('the published server is paid by the transaction of the caller\'s signer', async () => {
  const wallet = await walletOf();
  const offers = [];
  const { response, receipt, spend } = await buyer(wallet, { approve: (offer) => offers.push(offer) > 0 }).fetch(`${shop}/paid`);
  assert.deepEqual([response.status, await response.json()], [200, { page: 'paid for' }]);
  assert.deepEqual([receipt.success, receipt.payer, receipt.network, spend.outcome, spend.amounts[0].amount], [true, wallet.address, NETWORK, 'settled', 10_000n]);
  const [{ amount, asset, payTo: to }] = offers;
  assert.deepEqual([offers.length, amount, asset, to, wallet.asked.length, solana.sent.length], [1, 10_000n, USDC, payTo, 1, 1]);
  const signed = await signatures(solana.sent[0]);
  assert.ok(signed.some(([address, right]) => address === wallet.address && right) && signed.length === 2, 'the payer and who pays the fee');
});

test('a transaction for other terms is refused by the facilitator, and not signed for again', async () => {
  for (const [name, change] of [
    ['a smaller amount', (terms) => ({ ...terms, amount: '9999' })], ['another recipient', (terms) => ({ ...terms, payTo: USDC })],
  ]) {
    const wallet = await walletOf(change);
    const transactions = solana.sent.length;
    await assert.rejects(buyer(wallet).fetch(`${shop}/paid`), (error) => error.code === 'payment_refused', name);
    assert.deepEqual([wallet.asked.length, solana.calls.at(-1)[0], solana.calls.at(-1)[1].isValid, solana.sent.length], [1, '/verify', false, transactions], name);
  }
});

test('limits bind the chain and the coin, and what is no transaction is not sent', async () => {
  const wallet = await walletOf();
  const limited = (limit) => buyer(wallet, { approve: undefined, policy: { origins: [shop], maxAmounts: [{ network: NETWORK, asset: USDC, decimals: 6, perRequest: '0.01', ...limit }] } });
  assert.equal((await limited({}).fetch(`${shop}/paid`)).response.status, 200);
  for (const limit of [{ perRequest: '0.009' }, { asset: payTo }, { network: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp' }]) {
    await assert.rejects(limited(limit).fetch(`${shop}/paid`), (error) => error.spend.outcome === 'none', JSON.stringify(limit));
  }
  const verified = solana.calls.length;
  for (const transaction of ['', 'no base64!', 7, 'A'.repeat(8000)]) {
    await assert.rejects(buyer({ signSolanaPayment: async () => transaction }).fetch(`${shop}/paid`), (error) => error.spend.outcome === 'none', String(transaction).slice(0, 12));
  }
  assert.equal(solana.calls.length, verified);
});
