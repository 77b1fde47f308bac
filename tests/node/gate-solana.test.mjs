// The scheme `exact` on Solana on the seller's side: a route of the gate takes an amount of a token at the facilitator of @x402/svm, which checks the transaction.
// Buyers: @x402/fetch with the client of @x402/svm, which makes the transaction, our own, and one of version 1. No chain is there: a stub answers its RPC.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { address, generateKeyPairSigner } from '@solana/kit';
import { x402Client } from '@x402/core/client';
import { wrapFetchWithPayment } from '@x402/fetch';
import { ExactSvmScheme } from '@x402/svm/exact/client';
import { ExactSvmSchemeV1 } from '@x402/svm/exact/v1/client';
import { base64, startPlatform } from './harness.mjs';
import { NETWORK, USDC, signatures, startSolana } from './solana.mjs';
import { paywall } from '../../target/dist/subscriber/paywall.js';
import { Payments } from '../../target/dist/subscriber/index.js';

const SHOP = '2wKupLR9q6wXYppw8Gr2NvWxKBUqm4PPJKkQfoxHDBg4';
const ORIGIN = 'http://shop.localhost';

let platform;
let solana;
before(async () => { [platform, solana] = await Promise.all([startPlatform(), startSolana()]); });
after(() => Promise.all([platform.stop(), solana.stop()]));

const decoded = (header) => JSON.parse(Buffer.from(header, 'base64').toString());
const exact = (more) => ({ scheme: 'exact', network: NETWORK, amount: '10000', asset: USDC, payTo: SHOP, decimals: 6, facilitator: solana.url, ...more });

function sell(more = {}) {
  const { seller, planId, sandbox } = platform;
  const requests = [];
  const gate = paywall(async (request, { paymentContext }) => {
    requests.push({ headers: Object.fromEntries(request.headers), context: paymentContext });
    return Response.json({ page: 'paid for' });
  }, {
    nvmApiKey: seller.key, environment: 'custom', backend: sandbox.url, state: 'memory', unlisted: 'deny', log: false, metricsToken: 'metrics-token-of-this-test-0123456789',
    routes: { 'GET /paid': { accepts: exact() }, 'POST /paid': { accepts: exact() }, 'GET /dear': { planId, credits: 2, accepts: [exact({ amount: '20000' })] } }, ...more,
  });
  return { gate, requests, fetch: async (input, init) => gate(new Request(new URL(input, ORIGIN), init)) };
}

/** The `fetch` of a buyer: the shop is in this process, all else is on the network. */
const over = (shop, seen = []) => async (input, init) => {
  const request = new Request(input, init);
  if (!request.url.startsWith(ORIGIN)) return fetch(request);
  seen.push(Object.fromEntries(request.headers));
  return shop.gate(request);
};

async function published(shop, seen) {
  const signer = await generateKeyPairSigner();
  return Object.assign(wrapFetchWithPayment(over(shop, seen), new x402Client().register('solana:*', new ExactSvmScheme(signer, { rpcUrl: solana.rpcUrl }))), { signer });
}

/** The header of a payment that @x402/svm signs for the offer of a path; `terms` change what it signs for, `document` what is sent. */
async function payment(shop, { path = '/paid', terms = (offer) => offer, document = () => {} } = {}) {
  const { resource, accepts } = decoded((await shop.fetch(path)).headers.get('payment-required'));
  const accepted = accepts.find(({ scheme }) => scheme === 'exact');
  const { payload } = await new ExactSvmScheme(await generateKeyPairSigner(), { rpcUrl: solana.rpcUrl }).createPaymentPayload(2, terms(accepted));
  const sent = { x402Version: 2, resource, accepted, payload };
  await document(sent);
  return base64(sent);
}
const paying = (header) => ({ headers: { 'payment-signature': header } });
const said = async (response) => { const { code, message } = await response.json(); return [response.status, code, message]; };

test('the published client pays with a transaction that it makes, and the seller is paid what the route costs', async () => {
  const shop = sell();
  const asked = solana.calls.length;
  const buy = await published(shop);
  const response = await buy(`${ORIGIN}/paid`);
  assert.deepEqual([response.status, await response.json()], [200, { page: 'paid for' }]);
  const receipt = decoded(response.headers.get('payment-response'));
  assert.deepEqual([receipt.success, receipt.payer, receipt.network], [true, buy.signer.address, NETWORK]);
  const signed = await signatures(solana.sent.at(-1));
  assert.deepEqual(signed.map(([address, right]) => [address, right]).sort(), [[buy.signer.address, true], [solana.feePayer, true]].sort());
  const [{ headers, context }] = shop.requests;
  assert.deepEqual([headers['payment-signature'], headers['x-payment-payer'], headers['x-payment-credits']], [undefined, buy.signer.address, '10000']);
  assert.deepEqual([context.payer, context.credits, context.planId], [buy.signer.address, 10_000n, `exact:solana:EtWTRABZaYq6iMfe:${USDC}:${SHOP}`]);
  assert.equal((await buy(`${ORIGIN}/dear`)).status, 200);
  const paths = solana.calls.slice(asked).map(([path]) => path);
  assert.deepEqual(paths, ['/supported', '/verify', '/settle', '/verify', '/settle'], 'what it settles is asked once');
  await shop.gate.close();
});

test('nothing is asked of the facilitator before an offer is made, and the offer names the account that pays the fee', async () => {
  const calls = solana.calls.length;
  const shop = sell();
  await shop.gate.ready();
  assert.equal(solana.calls.length, calls);
  const answers = await Promise.all([shop.fetch('/paid'), shop.fetch('/dear')]);
  const [alone, beside] = answers.map((answer) => decoded(answer.headers.get('payment-required')).accepts);
  const terms = { scheme: 'exact', network: NETWORK, amount: '10000', asset: USDC, payTo: SHOP, maxTimeoutSeconds: 300, extra: { feePayer: solana.feePayer } };
  assert.deepEqual(alone, [terms]);
  assert.deepEqual(beside.map(({ scheme, amount }) => [scheme, amount]), [['nvm:erc4337', undefined], ['exact', '20000']]);
  assert.equal(solana.calls.length - calls, 1, 'two offers at a time wait for one answer');
  await shop.gate.close();
});

test('our buyer pays with the signer of its caller, and a client of version 1 with X-PAYMENT', async () => {
  const shop = sell({ x402v1: true });
  const signer = await generateKeyPairSigner();
  const wallet = {
    async signSolanaPayment({ accepts: [offer] }) {
      return (await new ExactSvmScheme(signer, { rpcUrl: solana.rpcUrl }).createPaymentPayload(2, offer)).payload.transaction;
    },
  };
  const payments = Payments.getInstance({ nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url, wallet, approve: () => true, fetch: over(shop) });
  const { response, receipt, spend } = await payments.fetch(`${ORIGIN}/paid`);
  assert.deepEqual([response.status, receipt.payer, spend.outcome, spend.amounts[0].amount], [200, signer.address, 'settled', 10_000n]);
  const seen = [];
  const old = wrapFetchWithPayment(async (input, init) => {
    const answer = await over(shop, seen)(input, init);
    if (answer.status !== 402) return answer;
    const headers = new Headers(answer.headers);
    headers.delete('payment-required');
    return new Response(answer.body, { status: 402, headers });
  }, new x402Client().registerV1('solana-devnet', new ExactSvmSchemeV1(signer, { rpcUrl: solana.rpcUrl })));
  const answer = await old(`${ORIGIN}/paid`);
  assert.equal(answer.status, 200);
  assert.equal(decoded(seen.at(-1)['x-payment']).x402Version, 1);
  assert.deepEqual([decoded(answer.headers.get('x-payment-response')).success, solana.calls.at(-1)[2].paymentRequirements.network], [true, 'solana-devnet']);
  await shop.gate.close();
});

test('a transaction for other terms is refused before the facilitator is asked, and one that is not signed so by it', async () => {
  const shop = sell();
  const sent = solana.sent.length;
  const svm = (reason) => `invalid_exact_svm_payload_${reason}`;
  for (const [name, change, reason, asked] of [
    ['a smaller amount', { terms: (terms) => ({ ...terms, amount: '9999' }) }, svm('amount_mismatch'), 0],
    ['a larger amount', { terms: (terms) => ({ ...terms, amount: '10001' }) }, svm('amount_mismatch'), 0],
    ['another recipient', { terms: (terms) => ({ ...terms, payTo: USDC }) }, svm('recipient_mismatch'), 0],
    ['another mint', { terms: (terms) => ({ ...terms, asset: SHOP }) }, svm('mint_mismatch'), 0],
    ['another account that pays the fee', { terms: (terms) => ({ ...terms, extra: { feePayer: SHOP } }) }, /fee_payer_not_managed/, 1],
    ['a signature of another message', {
      document: async ({ payload }) => {
        const bytes = Buffer.from(payload.transaction, 'base64');
        bytes[70] ^= 1;
        payload.transaction = bytes.toString('base64');
      },
    }, /signature|simulation/, 1],
  ]) {
    const header = await payment(shop, change);
    const before = solana.calls.length;
    const answer = await shop.fetch('/paid', paying(header));
    assert.ok(answer.headers.get('payment-required'), name);
    const [status, code, message] = await said(answer);
    assert.deepEqual([status, code], [402, 'payment_refused'], name);
    assert.match(message, reason instanceof RegExp ? reason : new RegExp(reason), name);
    assert.equal(solana.calls.length - before, asked, name);
  }
  const decimals = sell({ routes: { 'GET /paid': { accepts: exact({ decimals: 9 }) } } });
  assert.match((await said(await decimals.fetch('/paid', paying(await payment(decimals)))))[2], /decimals_mismatch/);
  for (const [name, document, code] of [
    ['another cluster', ({ accepted }) => { accepted.network = 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'; }, 'payment_for_another_plan'],
    ['another asset', ({ accepted }) => { accepted.asset = SHOP; }, 'payment_for_another_plan'],
    ['no transaction', ({ payload }) => { delete payload.transaction; }, 'payment_malformed'],
    ['half a transaction', ({ payload }) => { payload.transaction = payload.transaction.slice(0, 200); }, 'payment_malformed'],
  ]) {
    assert.deepEqual((await said(await shop.fetch('/paid', paying(await payment(shop, { document }))))).slice(0, 2), [402, code], name);
  }
  assert.deepEqual([shop.requests.length, solana.sent.length], [0, sent]);
  await Promise.all([shop.gate.close(), decimals.gate.close()]);
});

test('a transaction buys one answer, of one route, whatever its spelling', async () => {
  const shop = sell();
  const sent = solana.sent.length;
  const header = await payment(shop);
  assert.equal((await said(await shop.fetch('/dear', paying(header))))[1], 'payment_refused', 'a payment for a cheaper route');
  const answers = await Promise.all([0, 1, 2].map(() => shop.fetch('/paid', paying(header))));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 402, 402]);
  const respelt = decoded(header);
  const bytes = Buffer.from(respelt.payload.transaction, 'base64');
  // The place for the facilitator's signature is not signed.
  bytes[1] = 7;
  respelt.payload.transaction = bytes.toString('base64');
  for (const init of [paying(base64(respelt)), { ...paying(header), method: 'POST' }]) assert.equal((await shop.fetch('/paid', init)).status, 402);
  assert.deepEqual([shop.requests.length, solana.sent.length - sent], [1, 1]);
  await shop.gate.close();
});

test('terms whose facilitator names no account for the fee, or is down, are not offered', async () => {
  for (const [name, change, more] of [
    ['no account', (said) => ({ ...said, kinds: said.kinds.map((kind) => ({ ...kind, extra: undefined })) }), {}],
    ['an account of another chain', (said) => ({ ...said, kinds: said.kinds.map((kind) => ({ ...kind, extra: { feePayer: '0x036CbD53842c5426634e7929541eC2318f3dCF7e' } })) }), {}],
    ['another cluster', (said) => ({ ...said, kinds: said.kinds.map((kind) => ({ ...kind, network: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp' })) }), {}],
    ['down', (said) => said, { facilitator: 'http://127.0.0.1:9' }],
  ]) {
    solana.supported = change;
    try {
      const { planId } = platform;
      const shop = sell({ routes: { 'GET /paid': { accepts: exact(more) }, 'GET /dear': { planId, credits: 2, accepts: exact(more) } } });
      const alone = await shop.fetch('/paid');
      assert.deepEqual([alone.headers.get('payment-required'), alone.headers.get('retry-after'), ...(await said(alone)).slice(0, 2)], [null, '5', 503, 'terms_unavailable'], name);
      const { accepts } = decoded((await shop.fetch('/dear')).headers.get('payment-required'));
      assert.deepEqual(accepts.map(({ scheme }) => scheme), ['nvm:erc4337'], name);
      await shop.gate.close();
    } finally {
      solana.supported = (said) => said;
    }
  }
  // An account that the seller gives needs no word of the facilitator.
  const shop = sell({ routes: { 'GET /paid': { accepts: exact({ facilitator: 'http://127.0.0.1:9', extra: { feePayer: solana.feePayer } }) } } });
  const [{ extra }] = decoded((await shop.fetch('/paid')).headers.get('payment-required')).accepts;
  assert.deepEqual(extra, { feePayer: solana.feePayer });
  await shop.gate.close();
});

test('an option that is wrong is named', async () => {
  for (const [more, key] of [
    [{ payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C' }, 'payTo'], [{ payTo: SHOP.replace('K', '0') }, 'payTo'], [{ asset: 'USDC' }, 'asset'],
    [{ network: 'solana' }, 'network'], [{ decimals: 300 }, 'decimals'], [{ amount: 2n ** 64n }, 'amount'], [{ extra: { feePayer: 'me' } }, 'extra.feePayer'],
  ]) {
    const shop = sell({ routes: { 'GET /paid': { accepts: exact(more) } } });
    await assert.rejects(shop.gate.ready(), (error) => error.code === 'config_invalid' && error.message.includes(`accepts[0].${key}`), JSON.stringify(more, (_, value) => String(value)));
  }
  assert.ok(address(SHOP));
  // Without a state, requests at the same time would each be answered for one transaction, which the chain says yes to as often as it is sent.
  const shop = sell({ state: false });
  await assert.rejects(shop.gate.ready(), { code: 'config_invalid', key: 'accepts' });
});
