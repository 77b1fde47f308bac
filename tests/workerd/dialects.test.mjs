// The dialects of 402 in the deployed Worker: `main = "dialects.js"`, configured by variables or by the document in KV alone. The platform is the sandbox; the
// facilitator of amounts checks signatures.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { generateKeyPairSigner } from '@solana/kit';
import { x402Client } from '@x402/core/client';
import { ExactEvmScheme } from '@x402/evm';
import { wrapFetchWithPayment } from '@x402/fetch';
import { ExactSvmScheme } from '@x402/svm/exact/client';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { dist } from '../../scripts/lib/build.mjs';
import { startPaywall } from '../../scripts/lib/start.mjs';
import * as sdk from '../../target/dist/subscriber/node.js';
import { startFacilitator } from '../node/facilitator.mjs';
import { base64, startPlatform } from '../node/harness.mjs';
import { NETWORK, USDC, startSolana } from '../node/solana.mjs';
import { startOrigin } from './harness.mjs';

let platform;
let facilitator;
let origin;
before(async () => { [platform, facilitator, origin] = await Promise.all([startPlatform(), startFacilitator(), startOrigin()]); });
after(() => Promise.all([platform, facilitator, origin].map((one) => one?.stop())));

const accepts = (more = {}) => ({
  scheme: 'exact', network: 'eip155:84532', amount: '10000', asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e', payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  extra: { name: 'USDC', version: '2' }, facilitator: facilitator.url, ...more,
});
const routes = (more = {}) => ({ 'GET /ask': { planId: platform.planId, credits: 2 }, 'GET /report': { accepts: accepts() }, ...more });
const decoded = (header) => JSON.parse(Buffer.from(header, 'base64').toString());

/** The Worker, by its entry; `bound` are bindings beside the variables. */
async function start({ entry = 'dialects.js', vars = {}, bound, state = true } = {}) {
  const worker = await startPaywall({
    origin: origin.url, api: platform.sandbox.url, key: platform.seller.key, routes: { routes: routes(), unlisted: 'deny' }, state, vars: { LOG: 'off', ...vars },
    options: { scriptPath: `${dist('worker')}/${entry}`, ...bound },
  });
  return { ...worker, get: (path, headers = {}) => fetch(worker.url + path, { headers }) };
}

/** A credential for a challenge of the Worker's. */
async function credential(worker, payments, path = '/ask') {
  const challenge = sdk.parseChallengeHeader((await worker.get(path)).headers.get('www-authenticate'));
  const { accessToken } = await payments.mpp.getMppAccessToken(platform.planId, undefined, { delegationConfig: { delegationId: await payments.own.delegation() } });
  return sdk.buildCredentialHeader(challenge, { accessToken });
}

test('by variables: MPP, an amount and a name, each as a text or as a value', async () => {
  const headers = { [facilitator.url]: { authorization: 'Bearer of-the-facilitator' } };
  for (const vars of [
    { MPP: 'true', X402V1: 'true', PAYMENT_IDENTIFIER: 'true', FACILITATOR_HEADERS: JSON.stringify(headers) },
    { MPP: { bindBody: false }, X402V1: true, PAYMENT_IDENTIFIER: true, ROUTES: routes(), FACILITATOR_HEADERS: headers },
  ]) {
    const worker = await start({ vars });
    try {
      const payments = await platform.buyer();
      const authorization = await credential(worker, payments);
      const answers = await Promise.all(Array.from({ length: 3 }, () => worker.get('/ask', { authorization })));
      const paid = answers.filter(({ status }) => status === 200);
      assert.deepEqual([paid.length, Boolean(paid[0].headers.get('payment-receipt')), await payments.held()], [1, true, 98n]);
      assert.equal(origin.calls.at(-1).headers.authorization, undefined, 'the origin does not see the credential');

      const spent = facilitator.spent.length;
      const buy = wrapFetchWithPayment(fetch, new x402Client().register('eip155:*', new ExactEvmScheme(privateKeyToAccount(generatePrivateKey()))));
      const report = await buy(`${worker.url}/report`);
      assert.deepEqual([report.status, decoded(report.headers.get('payment-response')).success, facilitator.spent.length - spent], [200, true, 1]);
      assert.equal((await (await worker.get('/report')).json()).x402Version, 1);

      const { accessToken } = await payments.x402.getX402AccessToken(platform.planId, undefined, { delegationConfig: { delegationId: await payments.own.delegation() } });
      const named = base64({ ...decoded(accessToken), extensions: { 'payment-identifier': { info: { required: false, id: 'pay_0123456789abcdef' } } } });
      const first = await worker.get('/ask', { 'payment-signature': named });
      let again;
      do again = await worker.get('/ask', { 'payment-signature': named }); while (again.status === 409);
      assert.deepEqual([first.status, again.status, await first.text(), await payments.held()], [200, 200, await again.text(), 96n]);
    } finally {
      await worker.stop();
    }
  }
});

test('an amount on Solana: the facilitator names the account that pays the fee', async () => {
  const solana = await startSolana();
  const terms = { scheme: 'exact', network: NETWORK, amount: '10000', asset: USDC, payTo: '2wKupLR9q6wXYppw8Gr2NvWxKBUqm4PPJKkQfoxHDBg4', decimals: 6, facilitator: solana.url };
  const worker = await start({ vars: { ROUTES: routes({ 'GET /report': { accepts: terms } }) } });
  try {
    const signer = await generateKeyPairSigner();
    const buy = wrapFetchWithPayment(fetch, new x402Client().register('solana:*', new ExactSvmScheme(signer, { rpcUrl: solana.rpcUrl })));
    const report = await buy(`${worker.url}/report`);
    const { success, payer, network } = decoded(report.headers.get('payment-response'));
    assert.deepEqual([report.status, success, payer, network, solana.sent.length], [200, true, signer.address, NETWORK, 1]);
  } finally {
    await Promise.all([worker.stop(), solana.stop()]);
  }
});

test('the document in KV comes before the variables, and dialects come and go with it', async () => {
  const none = { ROUTES: undefined, UNLISTED: undefined };
  const worker = await start({ vars: { ...none, MPP: 'true' }, bound: { kvNamespaces: ['CONFIG'] } });
  const namespace = await worker.miniflare.getKVNamespace('CONFIG', 'paywall');
  const put = (more, own = routes()) => namespace.put('paywall', JSON.stringify({ routes: own, unlisted: 'deny', ...more }));
  const speaks = async (path = '/ask') => {
    const { headers } = await worker.get(path);
    return [headers.has('www-authenticate'), decoded(headers.get('payment-required')).accepts.map(({ scheme }) => scheme)];
  };
  const until = async (done, what) => {
    for (let round = 0; round < 300; round += 1) {
      if (await done()) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.fail(`${what}: ${worker.said()}`);
  };
  try {
    await put({ mpp: false });
    assert.deepEqual([await speaks(), await speaks('/report')], [[false, ['nvm:erc4337']], [false, ['exact']]]);
    await put({ mpp: { bindBody: true } }, { 'GET /ask': { ...routes()['GET /ask'], accepts: accepts({ amount: '7' }) } });
    await until(async () => (await speaks())[0], 'the change is taken');
    assert.deepEqual(await speaks(), [true, ['nvm:erc4337', 'exact']]);
    assert.equal((await worker.get('/report')).status, 404);
    // A document that is wrong in a dialect changes nothing.
    await put({ mpp: 'yes' }, {});
    await until(async () => await speaks() && worker.said().includes('config_invalid: mpp must be true, false or an object with bindBody'), 'it is said');
    assert.deepEqual(await speaks(), [true, ['nvm:erc4337', 'exact']]);
    await put({ mpp: false }, { 'GET /ask': { ...routes()['GET /ask'] } });
    await until(async () => !(await speaks())[0], 'the dialects are gone');
    assert.deepEqual(await speaks(), [false, ['nvm:erc4337']]);
  } finally {
    await worker.stop();
  }
});

test('what is wrong is named as it was written, and nothing is let through', async () => {
  for (const [vars, key, more = {}] of [
    [{ MPP: 'yes' }, 'MPP'], [{ MPP: '{"bindbody":true}' }, 'MPP.bindbody'], [{ PAYMENT_IDENTIFIER: '7' }, 'PAYMENT_IDENTIFIER'], [{ X402V1: 'true', ROUTES: '{"GET /ask":{"planId":"1","credits":1}}' }, 'X402V1'],
    [{ ROUTES: JSON.stringify({ 'GET /r': { accepts: accepts({ amount: '0' }) } }) }, 'ROUTES["GET /r"].accepts[0].amount'],
    [{ ROUTES: JSON.stringify({ 'GET /r': { planId: platform.planId, accepts: accepts() } }) }, 'ROUTES["GET /r"].credits'],
    [{ MPP: 'true', ROUTES: JSON.stringify({ 'GET /r': { planId: platform.planId, credits: { by: 'origin', name: 'x-cost', most: 5 } } }) }, 'ROUTES["GET /r"].credits'],
    [{ FACILITATOR_HEADERS: { 'https://elsewhere.example': {} } }, 'FACILITATOR_HEADERS["https://elsewhere.example"]'], [{ FACILITATOR_HEADERS: 'secret' }, 'FACILITATOR_HEADERS'],
    [{ PAYMENT_IDENTIFIER: 'required', VERIFY_CACHE_SECONDS: '5' }, 'PAYMENT_IDENTIFIER'], [{ MPP: 'true' }, 'mpp', { state: false }],
    // The other Worker does not speak them, and says so instead of selling without.
    [{ MPP: 'true', ROUTES: '{"GET /ask":{"planId":"1","credits":1}}' }, 'MPP', { entry: 'entry.js' }], [{}, 'accepts', { entry: 'entry.js' }],
  ]) {
    const worker = await start({ vars, ...more });
    try {
      const answer = await worker.get('/ask');
      assert.deepEqual([answer.status, (await answer.json()).key], [500, key], JSON.stringify(vars));
    } finally {
      await worker.stop();
    }
  }
});
