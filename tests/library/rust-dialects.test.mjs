// The other dialects of 402 at the tower layer: the program `axum_dialects` of `examples`, over a real sandbox, facilitators that check what was signed (viem, and
// that of @x402/svm), and buyers that are published: @x402/fetch with @x402/evm and @x402/svm, @x402/extensions.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { generateKeyPairSigner } from '@solana/kit';
import { x402Client } from '@x402/core/client';
import { ExactEvmScheme } from '@x402/evm';
import { appendPaymentIdentifierToExtensions } from '@x402/extensions/payment-identifier';
import { wrapFetchWithPayment } from '@x402/fetch';
import { ExactSvmScheme } from '@x402/svm/exact/client';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { repoPath, run } from '../../scripts/lib/run.mjs';
import { startFacilitator } from '../node/facilitator.mjs';
import { base64, startPlatform } from '../node/harness.mjs';
import { NETWORK as SOLANA, USDC as SOLANA_USDC, startSolana } from '../node/solana.mjs';
import * as sdk from '../../target/dist/subscriber/node.js';

const NETWORK = 'eip155:84532';
const folder = mkdtempSync(join(tmpdir(), 'payments-wasm-dialects-'));
let platform;
let facilitator;
let solana;
let service;

before(async () => {
  await run('cargo', ['build', '--locked', '--manifest-path', repoPath('examples/Cargo.toml'), '--target-dir', repoPath('target/examples')], { timeout: 18 * 60_000 });
  [platform, facilitator, solana] = await Promise.all([startPlatform(), startFacilitator(), startSolana()]);
  service = await start();
}, { timeout: 20 * 60_000 });
after(async () => {
  await Promise.all([service, platform, facilitator, solana].map((one) => one?.stop()));
  rmSync(folder, { recursive: true, force: true });
});

const exact = (more) => ({
  scheme: 'exact', network: NETWORK, amount: '10000', asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e', payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  extra: { name: 'USDC', version: '2' }, facilitator: facilitator.url, ...more,
});
const decoded = (header) => JSON.parse(Buffer.from(header, 'base64').toString());
const said = async (response) => [response.status, (await response.json()).code];

/** The service with these variables: `{ url, output, stop }`. */
async function start(vars = {}) {
  const { planId } = platform;
  const routes = {
    'GET /report': { planId, credits: 2, accepts: exact() }, 'POST /report': { planId, credits: 2 }, 'GET /dear': { accepts: exact({ amount: '20000' }) },
    'GET /solana': { accepts: { scheme: 'exact', network: SOLANA, amount: '10000', asset: SOLANA_USDC, payTo: '2wKupLR9q6wXYppw8Gr2NvWxKBUqm4PPJKkQfoxHDBg4', decimals: 6, facilitator: solana.url } },
  };
  const child = spawn(repoPath('target/examples/debug/axum_dialects'), {
    env: {
      PATH: process.env.PATH, NVM_API_KEY: platform.seller.key, NVM_ENVIRONMENT: 'custom', NVM_API_URL: platform.sandbox.url, ADDRESS: '127.0.0.1:0', UNLISTED: 'deny',
      STATE: join(folder, `${Math.random()}.sqlite`), ROUTES: JSON.stringify(routes), MPP: 'true', X402V1: 'true', PAYMENT_IDENTIFIER: 'true',
      FACILITATOR_HEADERS: JSON.stringify({ [facilitator.url]: { 'x-key': 'of-the-seller' } }), ...vars,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((done) => child.once('exit', done));
  let output = '';
  const url = await new Promise((done, fail) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
        const [found] = /^http:\/\/127\.0\.0\.1:\d+/.exec(stream === child.stdout ? text : '') ?? [];
        if (found) done(found);
      });
    }
    ended.then((code) => fail(new Error(`the service ended with ${code}\n${output}`)));
  });
  return { url, output: () => output, stop: () => { child.kill('SIGKILL'); return ended; } };
}

const account = () => privateKeyToAccount(generatePrivateKey());
const evm = (signer = account()) => Object.assign(wrapFetchWithPayment(fetch, new x402Client().register('eip155:*', new ExactEvmScheme(signer)).setSpendControls(false)), { signer });

/** The header of a payment for a path, signed by the published scheme. */
async function payment(path, change = () => {}) {
  const { resource, accepts } = decoded((await fetch(service.url + path)).headers.get('payment-required'));
  const accepted = accepts.find(({ scheme }) => scheme === 'exact');
  const { payload } = await new ExactEvmScheme(account()).createPaymentPayload(2, accepted);
  const document = { x402Version: 2, resource, accepted, payload };
  change(document);
  return { 'payment-signature': base64(document) };
}

test('one 402 has the plan, the amount and a challenge, and version 1 in its body', async () => {
  const bare = await fetch(`${service.url}/report`);
  const { accepts } = decoded(bare.headers.get('payment-required'));
  const body = await bare.json();
  assert.deepEqual([bare.status, accepts.map(({ scheme }) => scheme), bare.headers.get('www-authenticate').slice(0, 8)], [402, ['nvm:erc4337', 'exact'], 'Payment ']);
  assert.deepEqual([body.x402Version, body.accepts.map(({ network, maxAmountRequired }) => [network, maxAmountRequired])], [1, [['base-sepolia', '10000']]]);
});

test('the published client pays an amount, which buys one answer of one route', async () => {
  const spent = facilitator.spent.length;
  const buy = evm();
  const answer = await buy(`${service.url}/dear`);
  assert.deepEqual([answer.status, (await answer.text()).toLowerCase()], [200, `all well, says ${buy.signer.address.toLowerCase()} for 20000`]);
  assert.deepEqual([decoded(answer.headers.get('payment-response')).payer, facilitator.spent.at(-1).value], [buy.signer.address, '20000']);
  const headers = await payment('/report');
  assert.deepEqual(await said(await fetch(`${service.url}/dear`, { headers })), [402, 'payment_refused'], 'a payment for a cheaper route');
  const answers = await Promise.all([0, 1, 2].map(() => fetch(`${service.url}/report`, { headers })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 402, 402]);
  assert.equal(facilitator.spent.length - spent, 2);
  for (const [name, change, code] of [
    ['a forged signature', ({ payload }) => { payload.signature = `0x${'12'.repeat(65)}`; }, 'payment_refused'],
    ['another chain', ({ accepted }) => { accepted.network = 'eip155:8453'; }, 'payment_for_another_plan'],
    ['another asset', ({ accepted }) => { accepted.asset = accepted.payTo; }, 'payment_for_another_plan'],
    ['no authorization', ({ payload }) => { delete payload.authorization; }, 'payment_malformed'],
  ]) {
    assert.deepEqual(await said(await fetch(`${service.url}/report`, { headers: await payment('/report', change) })), [402, code], name);
  }
  assert.equal(facilitator.spent.length - spent, 2);
});

test('a payment of version 1 comes in X-PAYMENT', async () => {
  const { 'payment-signature': header } = await payment('/report');
  const { payload } = decoded(header);
  const answer = await fetch(`${service.url}/report`, { headers: { 'x-payment': base64({ x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload }) } });
  assert.deepEqual([answer.status, decoded(answer.headers.get('x-payment-response')).success], [200, true]);
  assert.equal(facilitator.calls.at(-1)[1].x402Version, 1);
});

test('the client of @x402/svm pays on Solana, with the account that the facilitator names', async () => {
  const signer = await generateKeyPairSigner();
  const buy = wrapFetchWithPayment(fetch, new x402Client().register('solana:*', new ExactSvmScheme(signer, { rpcUrl: solana.rpcUrl })));
  const answers = await Promise.all([0, 1].map(() => buy(`${service.url}/solana`)));
  assert.deepEqual(await Promise.all(answers.map((answer) => answer.text())), [0, 1].map(() => `all well, says ${signer.address} for 10000`));
  assert.equal(solana.calls.filter(([path]) => path === '/supported').length, 1, 'two offers at a time wait for one answer');
});

test('a challenge is paid by MPP and buys one answer; the handler does not see the credential', async () => {
  const payments = await platform.buyer();
  const challenge = sdk.parseChallengeHeader((await fetch(`${service.url}/report`)).headers.get('www-authenticate'));
  const { accessToken } = await payments.mpp.getMppAccessToken(platform.planId, undefined, { delegationConfig: { delegationId: await payments.own.delegation() } });
  const headers = { authorization: sdk.buildCredentialHeader(challenge, { accessToken }) };
  const answers = await Promise.all([0, 1, 2].map(() => fetch(`${service.url}/report`, { headers })));
  const paid = answers.filter(({ status }) => status === 200);
  assert.equal(paid.length, 1, answers.map(({ status }) => status).join());
  const { status, method } = JSON.parse(Buffer.from(paid[0].headers.get('payment-receipt'), 'base64url').toString());
  assert.deepEqual([status, method], ['success', 'nevermined']);
  assert.ok(answers.every(({ status }) => [200, 402, 409].includes(status)));
  assert.equal(await payments.held(), 98n);
  const forged = await fetch(`${service.url}/report`, { headers: { authorization: headers.authorization.replace(/.{8}$/, 'AAAAAAAA') } });
  assert.deepEqual([forged.status, Boolean(forged.headers.get('www-authenticate'))], [402, true]);
  const bought = await payments.fetch(`${service.url}/report`, { method: 'POST', body: '!' });
  assert.match(await bought.response.text(), /^all well, says 0x\w+! for 2$/);
});

test('a payment with a name is not paid for twice, also when its handler failed first', async () => {
  const payments = await platform.buyer();
  const { extensions } = decoded((await fetch(`${service.url}/report`, { method: 'POST' })).headers.get('payment-required'));
  const { accessToken } = await payments.x402.getX402AccessToken(platform.planId, undefined, { delegationConfig: { delegationId: await payments.own.delegation() } });
  appendPaymentIdentifierToExtensions(extensions, 'pay_0123456789abcdef');
  const token = base64({ ...decoded(accessToken), extensions });
  const ask = (body) => fetch(`${service.url}/report`, { method: 'POST', body, headers: { 'payment-signature': token } });
  assert.equal((await ask('fail')).status, 502);
  const first = await ask('?');
  const text = await first.text();
  let again;
  do again = await ask('?'); while (again.status === 409);
  assert.deepEqual([first.status, again.status, await again.text()], [200, 200, text]);
  assert.equal(again.headers.get('payment-response'), first.headers.get('payment-response'));
  assert.deepEqual([await said(await ask('another')), await payments.held()], [[409, 'payment_identifier_conflict'], 98n]);
  const wrong = base64({ ...decoded(accessToken), extensions: { 'payment-identifier': { info: { required: false, id: 'short' } } } });
  assert.deepEqual(await said(await fetch(`${service.url}/report`, { method: 'POST', headers: { 'payment-signature': wrong } })), [400, 'payment_identifier_invalid']);
});

test('what is wrong with an option is said when the service starts', async () => {
  for (const [vars, key] of [[{ MPP: 'maybe' }, 'MPP'], [{ PAYMENT_IDENTIFIER: 'sometimes' }, 'PAYMENT_IDENTIFIER'], [{ ROUTES: '{"GET /r":{"accepts":[]}}', X402V1: 'false' }, 'ROUTES["GET /r"].accepts']]) {
    await assert.rejects(start(vars), (error) => error.message.includes(JSON.stringify(key).slice(1, -1)), key);
  }
});
