// A resource server of x402 as published, @x402/core with @x402/evm, whose offers are dollars on a chain: what our buyer reads of
// its 402, that it pays nothing there, and that it takes the plan where such a server offers one beside.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { encodePaymentRequiredHeader, x402HTTPResourceServer } from '@x402/core/http';
import { x402ResourceServer } from '@x402/core/server';
import { ExactEvmScheme } from '@x402/evm/exact/server';
import { startSandbox } from '../../scripts/lib/start.mjs';
import { Payments } from '../../target/dist/subscriber/index.js';
import { client, offer } from '../sandbox/client.mjs';

let sandbox;
let planId;
let buyer;
let payments;
let server;
let url;
const asked = [];
before(async () => {
  sandbox = await startSandbox();
  planId = await (await client(sandbox.url).open('A seller')).plan();
  buyer = await client(sandbox.url).open('A buyer');
  await buyer.order(planId);
  payments = await Payments.getInstance({
    nvmApiKey: buyer.key, environment: 'custom', backend: sandbox.url, delegationConfig: { delegationId: await buyer.delegation() }, approve: () => true,
  });
  // The facilitator is asked what it can do when the server starts, and never for a payment here.
  const facilitator = {
    getSupported: async () => ({ kinds: [{ x402Version: 2, scheme: 'exact', network: 'eip155:84532' }], extensions: [], signers: {} }),
    verify: () => assert.fail('verify'), settle: () => assert.fail('settle'),
  };
  const resources = new x402ResourceServer(facilitator).register('eip155:84532', new ExactEvmScheme());
  const accepts = { scheme: 'exact', network: 'eip155:84532', payTo: `0x${'a1'.repeat(20)}`, price: '$0.01' };
  const http = new x402HTTPResourceServer(resources, { 'GET /dollars': { accepts, description: 'For dollars' }, 'GET /either': { accepts } });
  await http.initialize();
  server = createServer(async (request, response) => {
    asked.push([request.url, request.headers['payment-signature'] !== undefined]);
    const adapter = {
      getHeader: (name) => request.headers[name.toLowerCase()], getMethod: () => request.method, getPath: () => request.url, getUrl: () => url + request.url,
      getAcceptHeader: () => request.headers.accept ?? '', getUserAgent: () => 'test',
    };
    const context = { adapter, path: request.url, method: request.method };
    if (request.url === '/either' && request.headers['payment-signature']) return response.end('bought with a plan');
    const { response: said } = await http.processHTTPRequest(context);
    if (request.url === '/either') {
      const required = JSON.parse(Buffer.from(said.headers['PAYMENT-REQUIRED'], 'base64'));
      required.accepts.push({ ...offer(planId), extra: { version: '1' } });
      said.headers['PAYMENT-REQUIRED'] = encodePaymentRequiredHeader(required);
    }
    response.writeHead(said.status, said.headers).end(JSON.stringify(said.body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${server.address().port}`;
});
after(async () => {
  server?.closeAllConnections();
  server?.close();
  await sandbox?.stop();
});

const minted = async () => (await buyer.get('/sandbox/calls')).json.filter(({ path }) => path.endsWith('/permissions')).length;

test('dollars only: a quote says that nothing there can be paid, and what is asked', async () => {
  const { response, offers } = await payments.quote(`${url}/dollars`);
  assert.equal(response.status, 402);
  assert.deepEqual(offers, []);
});

test('dollars only: the buyer says so, gives the answer back, and mints nothing', async () => {
  asked.length = 0;
  const error = await payments.fetch(`${url}/dollars`).then(() => assert.fail('it resolved'), (error) => error);
  assert.deepEqual([error.code, error.response.status, error.spend.outcome, error.spend.mints], ['no_payable_offer', 402, 'none', 0]);
  assert.deepEqual(asked, [['/dollars', false]]);
  assert.equal(await minted(), 0);
});

test('dollars, or a plan: the plan is taken', async () => {
  asked.length = 0;
  const { response, spend } = await payments.fetch(`${url}/either`);
  assert.deepEqual([await response.text(), spend.mints], ['bought with a plan', 1]);
  assert.deepEqual(asked, [['/either', false], ['/either', true]]);
});
