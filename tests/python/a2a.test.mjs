// The official A2A server takes payment for its messages: from the official client, and with tokens of our SDK in the message.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { newAccount } from '../../scripts/lib/demo-servers.mjs';
import { newBuyer, runProgram, skip, startMarket, startService } from './service.mjs';

const STATUS = 'x402.payment.status';
let market, sandbox, plan, agent, service;
before(async () => {
  if (skip) return;
  market = await startMarket();
  sandbox = market.sandbox;
  plan = await market.plan();
  agent = await market.agent([plan]);
  service = await startService('a2a_server.py', sandbox, { NVM_API_KEY: market.seller.nvmApiKey, PLAN: plan, AGENT: agent });
});
after(async () => {
  await service?.stop();
  await market?.stop();
});

/** A JSON-RPC call of the agent. */
async function rpc(method, params, headers = {}) {
  const response = await fetch(`${service.url}/`, {
    method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  return { status: response.status, headers: response.headers, ...(await response.json()) };
}
const send = (text, metadata, headers) =>
  rpc('message/send', { message: { kind: 'message', messageId: randomUUID(), role: 'user', parts: [{ kind: 'text', text }], metadata } }, headers);
const held = async ({ payments }) => (await payments.plans.getPlanBalance(plan)).balance;
const paying = (token) => ({ [STATUS]: 'payment-submitted', 'x402.payment.payload': JSON.parse(Buffer.from(token, 'base64url').toString()) });

test('its card says what it sells, at both addresses', { skip }, async () => {
  for (const name of ['agent-card.json', 'agent.json']) {
    const card = await (await fetch(`${service.url}/.well-known/${name}`)).json();
    const { params } = card.capabilities.extensions.find(({ uri }) => uri === 'urn:nevermined:payment');
    assert.deepEqual([card.name, params.planId, params.agentId], ['Loud', plan, agent]);
  }
});

test('the official client pays for its messages, with tokens of either version', { skip }, async () => {
  const account = await newAccount(sandbox.url, 'A buyer in Python');
  const saw = await runProgram('a2a_client.py', sandbox, { NVM_API_KEY: account.nvmApiKey, SERVICE: service.url, PLAN: plan, AGENT: agent });
  for (const [name, [text, balance]] of Object.entries({
    'a message': ['TWO WORDS', 98], 'another with the same token': ['ONE', 97], 'single-use tokens': ['TWO WORDS', 95], 'and one more': ['THREE MORE WORDS', 92],
  })) assert.deepEqual([saw[name].state, saw[name].text.startsWith(text), saw[name].balance], ['completed', true, balance], name);
});

test('a token of our SDK pays in the message, after the agent asked for it', { skip }, async () => {
  const buyer = await newBuyer(sandbox);
  const asked = await send('one two three');
  const { state, message } = asked.result.status;
  assert.deepEqual([asked.status, state, message.metadata[STATUS]], [200, 'input-required', 'payment-required']);
  const [offer] = message.metadata['x402.payment.required'].accepts;
  assert.deepEqual([offer.planId, offer.extra.agentId], [plan, agent]);

  const { accessToken } = await buyer.payments.x402.getX402AccessToken(offer.planId, offer.extra.agentId, { scheme: offer.scheme, network: offer.network });
  const done = await send('one two three', paying(accessToken));
  const { state: ended, message: said } = done.result.status;
  assert.deepEqual([ended, said.metadata[STATUS]], ['completed', 'payment-completed']);
  assert.match(said.parts[0].text, /^ONE TWO THREE/);
  const [receipt] = [said.metadata['x402.payment.receipts']].flat();
  assert.deepEqual([receipt.success, receipt.payer, receipt.creditsRedeemed, receipt.remainingBalance], [true, buyer.accountAddress, '3', '97']);
  assert.match(receipt.orderTx, /^0x/, 'bought by the way, from the delegation');
  assert.equal(await held(buyer), 97n);

  const byHeader = await send('one more', undefined, { 'payment-signature': accessToken });
  assert.equal(byHeader.result.status.state, 'completed');
  assert.equal(await held(buyer), 95n);
});

test('who does not pay is not answered', { skip }, async () => {
  const buyer = await newBuyer(sandbox, { terms: { spendingLimitCents: 1 } });
  const { accessToken } = await buyer.payments.x402.getX402AccessToken(plan, agent);
  const failed = await send('for free', paying(accessToken));
  assert.deepEqual([failed.status, failed.result.status.state, failed.result.status.message.metadata[STATUS]], [200, 'failed', 'payment-failed']);
  const byHeader = await send('for free', undefined, { 'payment-signature': accessToken });
  assert.deepEqual([byHeader.status, byHeader.error.code], [402, -32001]);
  const bare = await rpc('tasks/get', { id: 'x' });
  const offer = JSON.parse(Buffer.from(bare.headers.get('payment-required'), 'base64').toString());
  assert.deepEqual([bare.status, offer.accepts[0].planId], [402, plan]);
  assert.equal(await held(buyer), 0n);
});

test('our agent is paid by the official client of Python, with tokens of either version', { skip }, async () => {
  const { A2a, buildPaymentAgentCard } = await import('../../target/dist/subscriber/a2a.js');
  const { AgentEvent } = await import('@a2a-js/sdk/server');
  const status = (state, said, { taskId, contextId }) => ({ state, timestamp: undefined, message: said && { messageId: randomUUID(), taskId, contextId, role: 2, parts: [{ content: { $case: 'text', value: said }, metadata: undefined, filename: '', mediaType: 'text/plain' }], metadata: undefined, extensions: [], referenceTaskIds: [] } });
  const executor = {
    async execute(context, bus) {
      const { taskId, contextId, userMessage } = context;
      const words = userMessage.parts[0].content.value;
      bus.publish(AgentEvent.task({ id: taskId, contextId, status: status(1, undefined, context), artifacts: [], history: [userMessage], metadata: undefined }));
      const ended = words === 'fail' ? status(4, 'no voice', context) : status(3, words.toUpperCase(), context);
      bus.publish(AgentEvent.statusUpdate({ taskId, contextId, status: ended, metadata: words === 'fail' ? undefined : { creditsUsed: Math.min(words.split(' ').length, 3) } }));
      bus.finished();
    },
    async cancelTask() {},
  };
  const seller = new A2a(undefined, () => ({ nvmApiKey: market.seller.nvmApiKey, environment: 'custom', backend: sandbox.url }));
  const card = buildPaymentAgentCard({ name: 'Loud', description: 'Says it louder', version: '1.0.0', capabilities: { streaming: true } }, { paymentType: 'dynamic', credits: 3, planId: plan, agentId: agent });
  const { info, close } = await seller.start({ agentCard: card, executor, log: false });
  try {
    const account = await newAccount(sandbox.url, 'Another buyer in Python');
    const saw = await runProgram('a2a_client.py', sandbox, { NVM_API_KEY: account.nvmApiKey, SERVICE: info.baseUrl, PLAN: plan, AGENT: agent });
    for (const [name, [state, text, balance]] of Object.entries({
      'a message': ['completed', 'TWO WORDS', 98], 'another with the same token': ['completed', 'ONE', 97], 'single-use tokens': ['completed', 'TWO WORDS', 95],
      'and one more': ['completed', 'THREE MORE WORDS', 92], 'what fails': ['failed', 'no voice', 92],
    })) assert.deepEqual([saw[name].state, saw[name].text, saw[name].balance], [state, text, balance], name);
  } finally {
    await close();
  }
});

test('the official JavaScript client pays for its messages, in band, with the consent and the limits of fetch', { skip }, async () => {
  const buyer = await newBuyer(sandbox, { approve: () => true });
  const asked = [];
  const fetchImpl = await buyer.payments.a2a.fetch({ approve: (offer) => asked.push(offer) > 0 });
  const { ClientFactory, ClientFactoryOptions, JsonRpcTransportFactory, DefaultAgentCardResolver } = await import('@a2a-js/sdk/client');
  const factory = new ClientFactory(ClientFactoryOptions.createFrom(ClientFactoryOptions.default, {
    transports: [new JsonRpcTransportFactory({ fetchImpl, legacyCompat: { enabled: true } })],
    cardResolver: new DefaultAgentCardResolver({ fetchImpl, legacyCompat: { enabled: true } }),
  }));
  const client = await factory.createFromUrl(service.url);
  const message = () => ({
    messageId: randomUUID(), role: 1, contextId: '', taskId: '', extensions: [], referenceTaskIds: [], metadata: undefined,
    parts: [{ content: { $case: 'text', value: 'one two three' }, metadata: undefined, filename: '', mediaType: 'text/plain' }],
  });
  const result = await client.sendMessage({ message: message(), tenant: '', configuration: undefined, metadata: undefined });
  assert.match(JSON.stringify(result), /ONE TWO THREE/);
  assert.deepEqual([asked.length, asked[0].planId, asked[0].origin], [1, plan, new URL(service.url).origin]);
  assert.equal(await held(buyer), 97n);
  const no = await buyer.payments.a2a.fetch({ approve: () => false });
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'message/send', params: { message: { kind: 'message', messageId: randomUUID(), role: 'user', parts: [{ kind: 'text', text: 'no' }] } } });
  await assert.rejects(no(`${service.url}/`, { method: 'POST', headers: { 'content-type': 'application/json' }, body }), { code: 'consent_denied' });
  assert.equal(await held(buyer), 97n);
});
