// The other dialects of 402 in a Worker in Rust: that of tests/rust-handlers, over a real sandbox, facilitators that check what was signed (viem, and that of @x402/svm), and
// published buyers: @x402/fetch with @x402/evm and @x402/svm.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { generateKeyPairSigner } from '@solana/kit';
import { x402Client } from '@x402/core/client';
import { ExactEvmScheme } from '@x402/evm';
import { wrapFetchWithPayment } from '@x402/fetch';
import { ExactSvmScheme } from '@x402/svm/exact/client';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { startPaywall } from '../../scripts/lib/start.mjs';
import { startFacilitator } from '../node/facilitator.mjs';
import { base64, startPlatform } from '../node/harness.mjs';
import { NETWORK as SOLANA, USDC as SOLANA_USDC, startSolana } from '../node/solana.mjs';
import * as sdk from '../../target/dist/subscriber/node.js';
import { builtHandlers } from './rust-build.mjs';

let options;
let platform;
let facilitator;
let solana;
let worker;
before(async () => {
  options = await builtHandlers();
  [platform, facilitator, solana] = await Promise.all([startPlatform(), startFacilitator(), startSolana()]);
  worker = await start();
}, { timeout: 20 * 60_000 });
after(() => Promise.all([worker, platform, facilitator, solana].map((one) => one?.stop())));

const exact = (more) => ({
  scheme: 'exact', network: 'eip155:84532', amount: '10000', asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e', payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  extra: { name: 'USDC', version: '2' }, facilitator: facilitator.url, ...more,
});
const decoded = (header) => JSON.parse(Buffer.from(header, 'base64').toString());
const said = async (response) => [response.status, (await response.json()).code];

function start({ vars = {}, state = true, ...more } = {}) {
  const { planId } = platform;
  const routes = {
    'GET /ask': { planId, credits: 2, accepts: exact() }, 'POST /ask': { planId, credits: 2 }, 'GET /dear': { accepts: exact({ amount: '20000' }) },
    'GET /solana': { accepts: { scheme: 'exact', network: SOLANA, amount: '10000', asset: SOLANA_USDC, payTo: '2wKupLR9q6wXYppw8Gr2NvWxKBUqm4PPJKkQfoxHDBg4', decimals: 6, facilitator: solana.url } },
  };
  return startPaywall({
    api: platform.sandbox.url, key: platform.seller.key, routes: { routes, unlisted: 'deny' }, state, options, ...more,
    vars: { UPSTREAM: 'http://127.0.0.1:1', TIMEOUT_MS: '5000', MPP: 'true', X402V1: 'true', LOG: 'off', FACILITATOR_HEADERS: JSON.stringify({ [facilitator.url]: { 'x-key': 'of-the-seller' } }), ...vars },
  });
}

test('one 402 has the plan, the amount and a challenge, and version 1 in its body', async () => {
  const bare = await fetch(`${worker.url}/ask`);
  const body = await bare.json();
  assert.deepEqual([bare.status, decoded(bare.headers.get('payment-required')).accepts.map(({ scheme }) => scheme), bare.headers.get('www-authenticate')?.slice(0, 8)], [402, ['nvm:erc4337', 'exact'], 'Payment ']);
  assert.deepEqual([body.x402Version, body.accepts.map(({ network }) => network)], [1, ['base-sepolia']]);
});

test('the published client pays an amount, which buys one answer of one route', async () => {
  const spent = facilitator.spent.length;
  const signer = privateKeyToAccount(generatePrivateKey());
  const buy = wrapFetchWithPayment(fetch, new x402Client().register('eip155:*', new ExactEvmScheme(signer)));
  const answer = await buy(`${worker.url}/dear`);
  assert.deepEqual([answer.status, await answer.text()], [200, `GET /dear ${signer.address} 20000`]);
  assert.deepEqual([decoded(answer.headers.get('payment-response')).payer, facilitator.spent.at(-1).value], [signer.address, '20000']);
  const { resource, accepts } = decoded((await fetch(`${worker.url}/ask`)).headers.get('payment-required'));
  const accepted = accepts.find(({ scheme }) => scheme === 'exact');
  const { payload } = await new ExactEvmScheme(signer).createPaymentPayload(2, accepted);
  const headers = { 'payment-signature': base64({ x402Version: 2, resource, accepted, payload }) };
  assert.deepEqual(await said(await fetch(`${worker.url}/dear`, { headers })), [402, 'payment_refused'], 'a payment for a cheaper route');
  const answers = await Promise.all([0, 1, 2].map(() => fetch(`${worker.url}/ask`, { headers })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 402, 402]);
  const old = await fetch(`${worker.url}/ask`, { headers: { 'x-payment': base64({ x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload }) } });
  assert.equal(old.status, 402, 'the same authorization in version 1');
  assert.equal(facilitator.spent.length - spent, 2);
  const other = await new ExactEvmScheme(signer).createPaymentPayload(2, accepted);
  const paid = await fetch(`${worker.url}/ask`, { headers: { 'x-payment': base64({ x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload: other.payload }) } });
  assert.deepEqual([paid.status, decoded(paid.headers.get('x-payment-response')).success], [200, true]);
});

test('the client of @x402/svm pays on Solana', async () => {
  const signer = await generateKeyPairSigner();
  const answer = await wrapFetchWithPayment(fetch, new x402Client().register('solana:*', new ExactSvmScheme(signer, { rpcUrl: solana.rpcUrl })))(`${worker.url}/solana`);
  assert.deepEqual([answer.status, await answer.text(), solana.sent.length], [200, `GET /solana ${signer.address} 10000`, 1]);
});

test('a challenge is paid by MPP and buys one answer; with bindBody it is for one body', async () => {
  for (const [bound, init] of [[worker, {}], [await start({ vars: { MPP: '{"bindBody":true}' } }), { method: 'POST', body: 'why?' }]]) {
    const payments = await platform.buyer();
    const challenge = sdk.parseChallengeHeader((await fetch(`${bound.url}/ask`, init)).headers.get('www-authenticate'));
    const { accessToken } = await payments.mpp.getMppAccessToken(platform.planId, undefined, { delegationConfig: { delegationId: await payments.own.delegation() } });
    const headers = { authorization: sdk.buildCredentialHeader(challenge, { accessToken }) };
    if (init.body) assert.deepEqual(await said(await fetch(`${bound.url}/ask`, { ...init, body: 'who?', headers })), [402, 'BCK.MPP.0005']);
    const answers = await Promise.all([0, 1, 2].map(() => fetch(`${bound.url}/ask`, { ...init, headers })));
    const paid = answers.filter(({ status }) => status === 200);
    assert.deepEqual([paid.length, Boolean(paid[0]?.headers.get('payment-receipt')), await payments.held()], [1, true, 98n], answers.map(({ status }) => status).join());
    if (bound !== worker) await bound.stop();
  }
});

test('what a Worker in Rust cannot do is said, and nothing is let through', async () => {
  for (const given of [{ vars: { PAYMENT_IDENTIFIER: 'true' } }, { vars: { MPP: 'maybe' } }, { state: false }]) {
    const closed = await start(given);
    const answer = await fetch(`${closed.url}/ask`);
    assert.ok(answer.status >= 500, `${answer.status}`);
    await closed.stop();
  }
});
