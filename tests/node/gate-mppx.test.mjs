// MPP at our gate with mppx, the published client of the protocol, unmodified: it reads the challenge of a 402 beside the offer of x402, and pays by the method that the
// test plugs in.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Challenge, Method, Receipt, z } from 'mppx';
import { Mppx } from 'mppx/client';
import { paywall } from '../../target/dist/subscriber/paywall.js';
import { startPlatform } from './harness.mjs';

let platform;
before(async () => { platform = await startPlatform(); });
after(() => platform.stop());

test('mppx pays the challenge of our gate, and reads its receipt', async () => {
  const { seller, planId, sandbox } = platform;
  const requests = [];
  const gate = paywall(async (request) => { requests.push(await request.text()); return Response.json({ answer: 42 }); }, {
    nvmApiKey: seller.key, environment: 'custom', backend: sandbox.url, state: 'memory', unlisted: 'deny', log: false, mpp: true, routes: { 'POST /ask': { planId, credits: 2 } },
  });
  const payments = await platform.buyer();
  const asked = [];
  const charge = Method.from({
    name: 'nevermined', intent: 'charge',
    schema: { credential: { payload: z.object({ accessToken: z.string() }) }, request: z.object({ planId: z.string(), credits: z.string() }) },
  });
  const nevermined = Method.toClient(charge, {
    async createCredential({ challenge }) {
      asked.push(challenge.request);
      const { accessToken } = await payments.mpp.getMppAccessToken(challenge.request.planId, undefined, { delegationConfig: { delegationId: await payments.own.delegation() } });
      const { Credential } = await import('mppx');
      return Credential.serialize({ challenge, payload: { accessToken } });
    },
  });
  const bare = await gate(new Request('http://shop.localhost/ask', { method: 'POST', body: 'a question' }));
  const challenge = Challenge.fromResponse(bare);
  assert.deepEqual([challenge.method, challenge.intent, challenge.request], ['nevermined', 'charge', { planId, credits: '2' }]);
  const client = Mppx.create({ methods: [nevermined], polyfill: false, fetch: async (input, init) => gate(new Request(input, init)) });
  const response = await client.fetch('http://shop.localhost/ask', { method: 'POST', body: 'a question' });
  assert.deepEqual([response.status, await response.json(), requests, asked], [200, { answer: 42 }, ['a question'], [{ planId, credits: '2' }]]);
  const receipt = Receipt.fromResponse(response);
  assert.deepEqual([receipt.status, receipt.method, await payments.held()], ['success', 'nevermined', 98n]);
  await gate.close();
});
