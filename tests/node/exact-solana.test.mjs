// The scheme `exact` of x402 on Solana: our buyer pays @x402/hono by a transaction that the caller's signer makes, at the facilitator of @x402/svm, which checks
// the transaction. No chain is there: a stub answers its RPC, and checks the signatures of what it is asked to simulate.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { serve } from '@hono/node-server';
import { generateKeyPairSigner, getAddressEncoder, getBase58Decoder, getTransactionDecoder, verifySignature } from '@solana/kit';
import { x402Facilitator } from '@x402/core/facilitator';
import { HTTPFacilitatorClient, x402ResourceServer } from '@x402/core/server';
import { paymentMiddleware } from '@x402/hono';
import { toFacilitatorSvmSigner } from '@x402/svm';
import { ExactSvmScheme as ExactSvmClient } from '@x402/svm/exact/client';
import { registerExactSvmScheme } from '@x402/svm/exact/facilitator';
import { ExactSvmScheme as ExactSvmServer } from '@x402/svm/exact/server';
import { Hono } from 'hono';
import { startPlatform } from './harness.mjs';
import { Payments } from '../../target/dist/subscriber/index.js';

const NETWORK = 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1';
const USDC = '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU';
const TOKEN_PROGRAM = 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA';

const servers = [];
const listen = async (handler) => {
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = parts.length ? JSON.parse(Buffer.concat(parts)) : undefined;
    const [status, json] = await handler(request.url, body).then((found) => [200, found], (error) => [500, { error: String(error?.message) }]);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json, (_, value) => (typeof value === 'bigint' ? Number(value) : value)));
  });
  servers.push(server);
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${server.address().port}`;
};

/** The mint of a coin with six decimals. */
const MINT = (() => {
  const data = Buffer.alloc(82);
  data.writeBigUInt64LE(1_000_000_000n, 36);
  data[44] = 6;
  data[45] = 1;
  return data.toString('base64');
})();

/** The signatures of a transaction that are there: whose, and if they are right. */
async function signatures(transaction) {
  const { messageBytes, signatures: all } = getTransactionDecoder().decode(Buffer.from(transaction, 'base64'));
  return Promise.all(Object.entries(all).filter(([, signature]) => signature).map(async ([address, signature]) => {
    const key = await crypto.subtle.importKey('raw', getAddressEncoder().encode(address), 'Ed25519', true, ['verify']);
    return [address, await verifySignature(key, signature, messageBytes)];
  }));
}

/** The RPC of a chain that has one coin; `sent` are the transactions that were sent. */
const sent = [];
const rpc = (_, { id, method, params }) => {
  const context = { slot: 1 };
  const methods = {
    getAccountInfo: () => ({ context, value: { data: [MINT, 'base64'], owner: TOKEN_PROGRAM, lamports: 1_461_600, executable: false, rentEpoch: 0, space: 82 } }),
    getLatestBlockhash: () => ({ context, value: { blockhash: getBase58Decoder().decode(new Uint8Array(32).fill(7)), lastValidBlockHeight: 1000 } }),
    async simulateTransaction() {
      const found = await signatures(params[0]);
      // Who pays the fee signs what was verified.
      const valid = found.length > 0 && found.every(([, right]) => right);
      return { context, value: { err: valid ? null : 'SignatureFailure', logs: [], accounts: null, unitsConsumed: 1, returnData: null } };
    },
    sendTransaction() {
      const [first] = Object.values(getTransactionDecoder().decode(Buffer.from(params[0], 'base64')).signatures);
      sent.push(params[0]);
      return getBase58Decoder().decode(first);
    },
    getSignatureStatuses: () => ({ context, value: [{ slot: 1, confirmations: null, err: null, confirmationStatus: 'finalized', status: { Ok: null } }] }),
  };
  return Promise.resolve(methods[method]?.()).then((result) => (result === undefined ? { jsonrpc: '2.0', id, error: { code: -32601, message: method } } : { jsonrpc: '2.0', id, result }));
};

let platform;
let shop;
let rpcUrl;
const calls = [];
const payTo = '2wKupLR9q6wXYppw8Gr2NvWxKBUqm4PPJKkQfoxHDBg4';
before(async () => {
  [platform, rpcUrl] = await Promise.all([startPlatform(), listen(rpc)]);
  const facilitator = registerExactSvmScheme(new x402Facilitator(), { signer: toFacilitatorSvmSigner(await generateKeyPairSigner(), { defaultRpcUrl: rpcUrl }), networks: NETWORK });
  const url = await listen(async (path, body) => {
    if (path === '/supported') return facilitator.getSupported();
    const result = await (path === '/verify' ? facilitator.verify(body.paymentPayload, body.paymentRequirements) : facilitator.settle(body.paymentPayload, body.paymentRequirements));
    calls.push([path, result]);
    return result;
  });
  const app = new Hono();
  const routes = { 'GET /paid': { accepts: { scheme: 'exact', network: NETWORK, payTo, price: '$0.01' }, description: 'A page' } };
  app.use(paymentMiddleware(routes, new x402ResourceServer(new HTTPFacilitatorClient({ url })).register(NETWORK, new ExactSvmServer())));
  app.get('/paid', (c) => c.json({ page: 'paid for' }));
  shop = await new Promise((done) => {
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => done(`http://127.0.0.1:${port}`));
    servers.push(server);
  });
});
after(async () => {
  await Promise.all(servers.map((server) => new Promise((done) => {
    server.closeAllConnections();
    server.close(done);
  })));
  await platform.stop();
});

/** A wallet whose signer is that of @x402/svm; `change` is what it signs for in the place of the offer. */
async function walletOf(change = (terms) => terms) {
  const signer = await generateKeyPairSigner();
  const asked = [];
  return {
    asked, address: signer.address,
    async signSolanaPayment(required) {
      asked.push(required);
      const { payload } = await new ExactSvmClient(signer, { rpcUrl }).createPaymentPayload(2, change(required.accepts[0]));
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
  assert.deepEqual([offers.length, amount, asset, to, wallet.asked.length, sent.length], [1, 10_000n, USDC, payTo, 1, 1]);
  const signed = await signatures(sent[0]);
  assert.ok(signed.some(([address, right]) => address === wallet.address && right) && signed.length === 2, 'the payer and who pays the fee');
});

test('a transaction for other terms is refused by the facilitator, and not signed for again', async () => {
  for (const [name, change] of [
    ['a smaller amount', (terms) => ({ ...terms, amount: '9999' })], ['another recipient', (terms) => ({ ...terms, payTo: USDC })],
  ]) {
    const wallet = await walletOf(change);
    const transactions = sent.length;
    await assert.rejects(buyer(wallet).fetch(`${shop}/paid`), (error) => error.code === 'payment_refused', name);
    assert.deepEqual([wallet.asked.length, calls.at(-1)[0], calls.at(-1)[1].isValid, sent.length], [1, '/verify', false, transactions], name);
  }
});

test('limits bind the chain and the coin, and what is no transaction is not sent', async () => {
  const wallet = await walletOf();
  const limited = (limit) => buyer(wallet, { approve: undefined, policy: { origins: [shop], maxAmounts: [{ network: NETWORK, asset: USDC, decimals: 6, perRequest: '0.01', ...limit }] } });
  assert.equal((await limited({}).fetch(`${shop}/paid`)).response.status, 200);
  for (const limit of [{ perRequest: '0.009' }, { asset: payTo }, { network: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp' }]) {
    await assert.rejects(limited(limit).fetch(`${shop}/paid`), (error) => error.spend.outcome === 'none', JSON.stringify(limit));
  }
  const verified = calls.length;
  for (const transaction of ['', 'no base64!', 7, 'A'.repeat(8000)]) {
    await assert.rejects(buyer({ signSolanaPayment: async () => transaction }).fetch(`${shop}/paid`), (error) => error.spend.outcome === 'none', String(transaction).slice(0, 12));
  }
  assert.equal(calls.length, verified);
});
