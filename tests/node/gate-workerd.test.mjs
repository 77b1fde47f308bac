// The dialects of a gate in workerd, with a Durable Object as its state: the file is loaded there too, a challenge buys one answer, and a name keeps its answer.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { dist } from '../../scripts/lib/build.mjs';
import { repoPath } from '../../scripts/lib/run.mjs';
import * as sdk from '../../target/dist/subscriber/node.js';
import { startFacilitator } from './facilitator.mjs';
import { base64, startPlatform } from './harness.mjs';

const folder = repoPath(`target/gate-workerd-${process.pid}`);
let platform;
let facilitator;
let worker;
before(async () => {
  [platform, facilitator] = [await startPlatform(), await startFacilitator()];
  mkdirSync(`${folder}/node_modules`, { recursive: true });
  symlinkSync(dist('subscriber'), `${folder}/node_modules/payments-wasm`);
  const { build } = await import('esbuild');
  const { Miniflare } = await import('miniflare');
  const options = {
    unlisted: 'deny', log: false, mpp: true, paymentIdentifier: true,
    routes: {
      'GET /ask': { planId: platform.planId, credits: 2 },
      'GET /report': { accepts: { scheme: 'exact', network: 'eip155:84532', amount: '10000', asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e', payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C', extra: { name: 'USDC', version: '2' }, facilitator: facilitator.url } },
    },
  };
  await build({
    stdin: { contents: `import { paywall, PaywallState } from 'payments-wasm/paywall'; export { PaywallState };
      export default { fetch: paywall(async () => { await scheduler.wait(50); return Response.json({ answer: crypto.randomUUID() }); }, ${JSON.stringify(options)}) };`, resolveDir: folder },
    bundle: true, format: 'esm', outdir: `${folder}/bundle`, conditions: ['workerd', 'worker', 'browser'], loader: { '.wasm': 'copy' }, assetNames: '[name]', logLevel: 'error',
  });
  worker = new Miniflare({
    host: '127.0.0.1', cf: false, modules: true, modulesRoot: `${folder}/bundle`, scriptPath: `${folder}/bundle/stdin.js`, modulesRules: [{ type: 'CompiledWasm', include: ['**/*.wasm'] }],
    compatibilityDate: '2026-04-01', durableObjects: { PAYWALL_STATE: { className: 'PaywallState', useSQLite: true } },
    bindings: { NVM_API_KEY: platform.seller.key, NVM_ENVIRONMENT: 'custom', NVM_API_URL: platform.sandbox.url },
  });
});
after(async () => {
  await worker?.dispose();
  await facilitator?.stop();
  await platform?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const ask = (path, headers = {}) => worker.dispatchFetch(`http://worker${path}`, { headers });
const decoded = (header) => JSON.parse(Buffer.from(header, 'base64').toString());
const minted = async (payments, by) => (await by(platform.planId, undefined, { delegationConfig: { delegationId: await payments.own.delegation() } })).accessToken;

test('a challenge buys one answer of several requests at the same time', async () => {
  const payments = await platform.buyer();
  const bare = await ask('/ask');
  const challenge = sdk.parseChallengeHeader(bare.headers.get('www-authenticate'));
  const accessToken = await minted(payments, (...given) => payments.mpp.getMppAccessToken(...given));
  const authorization = sdk.buildCredentialHeader(challenge, { accessToken });
  const answers = await Promise.all(Array.from({ length: 4 }, () => ask('/ask', { authorization })));
  const paid = answers.filter(({ status }) => status === 200);
  assert.equal(paid.length, 1, `${answers.map(({ status }) => status)}`);
  assert.ok(paid[0].headers.get('payment-receipt'));
  assert.ok(answers.every(({ status }) => [200, 402, 409].includes(status)));
  assert.equal(await payments.held(), 98n);
});

test('a request that is sent again under its name gets the answer that was paid for', async () => {
  const payments = await platform.buyer();
  const token = decoded(await minted(payments, (...given) => payments.x402.getX402AccessToken(...given)));
  const named = base64({ ...token, extensions: { 'payment-identifier': { info: { required: false, id: 'pay_0123456789abcdef' } } } });
  const first = await ask('/ask', { 'payment-signature': named });
  assert.equal(first.status, 200);
  const { answer } = await first.json();
  let again;
  // Notes are written behind the answer.
  do again = await ask('/ask', { 'payment-signature': named }); while (again.status === 409);
  assert.deepEqual([again.status, (await again.json()).answer, await payments.held()], [200, answer, 98n]);
});

test('an amount is offered, and the facilitator is asked what it settles', async () => {
  const { accepts } = decoded((await ask('/report')).headers.get('payment-required'));
  assert.deepEqual(accepts.map(({ scheme, amount }) => [scheme, amount]), [['exact', '10000']]);
  assert.ok(facilitator.calls.some(([url]) => url === '/supported'));
});
