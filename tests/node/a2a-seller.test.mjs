// The seller of A2A: `payments.a2a.start` over the official server, and `a2aPaywall` in front of any agent. Buyers: the official client with `payments.a2a.fetch`, with a
// token in a header, and messages by hand.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { ClientFactory, ClientFactoryOptions, DefaultAgentCardResolver, JsonRpcTransportFactory } from '@a2a-js/sdk/client';
import { AgentEvent } from '@a2a-js/sdk/server';
import { A2a, a2aPaywall, buildPaymentAgentCard } from '../../target/dist/subscriber/a2a.js';
import { Payments } from '../../target/dist/subscriber/node.js';
import { startPlatform } from './harness.mjs';

let platform;
let agentId;
before(async () => {
  platform = await startPlatform();
  agentId = await platform.agent();
});
after(() => platform.stop());

const EXTENSION = 'https://github.com/google-agentic-commerce/a2a-x402/blob/main/spec/v0.2';
const [SUBMITTED, WORKING, COMPLETED, FAILED] = [1, 2, 3, 4];
const text = (value) => ({ content: { $case: 'text', value }, metadata: undefined, filename: '', mediaType: 'text/plain' });
const decoded = (header) => JSON.parse(Buffer.from(header, 'base64').toString());

/** An agent that says it louder, in an artifact; `fail` fails, `ask` asks back. */
function shouter(runs = []) {
  return {
    runs,
    async execute({ taskId, contextId, userMessage, context }, bus) {
      const words = userMessage.parts[0].content.value;
      runs.push({ words, metadata: userMessage.metadata, payer: context.state.get('paymentContext')?.payer });
      const status = (state, said) => ({ state, timestamp: undefined, message: said && { messageId: crypto.randomUUID(), taskId, contextId, role: 2, parts: [text(said)], metadata: undefined, extensions: [], referenceTaskIds: [] } });
      bus.publish(AgentEvent.task({ id: taskId, contextId, status: status(SUBMITTED), artifacts: [], history: [userMessage], metadata: undefined }));
      bus.publish(AgentEvent.statusUpdate({ taskId, contextId, status: status(WORKING, 'on it'), metadata: undefined }));
      if (words === 'fail') bus.publish(AgentEvent.statusUpdate({ taskId, contextId, status: status(FAILED, 'no voice'), metadata: undefined }));
      else {
        bus.publish(AgentEvent.artifactUpdate({ taskId, contextId, artifact: { artifactId: 'a', name: '', description: '', parts: [text(words.toUpperCase())], metadata: undefined, extensions: [] }, append: false, lastChunk: true, metadata: undefined }));
        bus.publish(AgentEvent.statusUpdate({ taskId, contextId, status: status(COMPLETED, 'done'), metadata: { creditsUsed: words.split(' ').length } }));
      }
      bus.finished();
    },
    async cancelTask() {},
  };
}

const card = (payment, capabilities = { streaming: true, pushNotifications: true }) => buildPaymentAgentCard({ name: 'Loud', description: 'Says it louder', version: '1.0.0', capabilities, skills: [] },
  { paymentType: 'fixed', credits: 2, planId: platform.planId, agentId, ...payment });

/** An agent that is sold; the platform knows it by `agentId`. */
async function sell(payment, { executor = shouter(), ...more } = {}) {
  const seller = new A2a(undefined, () => ({ nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url }));
  const started = await seller.start({ agentCard: card(payment), executor, log: false, ...more });
  return { ...started, url: started.info.baseUrl, executor };
}

const clientOf = (url, fetchImpl) => new ClientFactory(ClientFactoryOptions.createFrom(ClientFactoryOptions.default, {
  transports: [new JsonRpcTransportFactory({ fetchImpl })], cardResolver: new DefaultAgentCardResolver({ fetchImpl }),
})).createFromUrl(url);
const message = (words, more = {}) => ({
  message: { messageId: crypto.randomUUID(), role: 1, contextId: '', taskId: '', extensions: [], referenceTaskIds: [], metadata: undefined, parts: [text(words)] },
  tenant: '', configuration: undefined, metadata: undefined, ...more,
});

/** A call of version 0.3 by hand. */
const rpc = async (url, method, params, headers = {}) => {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ jsonrpc: '2.0', id: 7, method, params }) });
  const stream = /event-stream/.test(response.headers.get('content-type') ?? '');
  const body = await response.text();
  return { status: response.status, headers: response.headers, json: stream ? undefined : JSON.parse(body), events: stream ? body.split('\n\n').filter(Boolean).map((one) => JSON.parse(one.replace(/^data: /m, ''))) : undefined };
};
const old = (words, metadata) => ({ message: { kind: 'message', messageId: crypto.randomUUID(), role: 'user', parts: [{ kind: 'text', text: words }], ...(metadata && { metadata }) } });
const tokenOf = async (payments, agentId, terms) => (await payments.x402.getX402AccessToken(platform.planId, agentId, { delegationConfig: { delegationId: await payments.own.delegation(terms) } })).accessToken;
const submitted = (token) => ({ 'x402.payment.status': 'payment-submitted', 'x402.payment.payload': decoded(token) });

test('the card says how the agent is paid, to clients of both versions', async () => {
  const agent = await sell({ costDescription: '2 credits' });
  for (const name of ['agent-card.json', 'agent.json']) {
    const said = await (await fetch(`${agent.url}/.well-known/${name}`)).json();
    const [payment, x402] = said.capabilities.extensions;
    assert.deepEqual([payment.uri, payment.params.planId, payment.params.credits, x402.uri], ['urn:nevermined:payment', platform.planId, 2, EXTENSION]);
    assert.deepEqual([said.protocolVersion, said.url, said.supportedInterfaces.map(({ protocolVersion }) => protocolVersion)], ['0.3.0', `${agent.url}/`, ['1.0', '0.3', '1.0']]);
  }
  assert.equal((await fetch(`${agent.url}/health`)).status, 200);
  for (const wrong of [{ paymentType: 'free' }, { credits: 1.5 }, { planId: undefined }, { planIds: ['1'] }, { agentId: '' }]) assert.throws(() => card(wrong), { code: 'validation' }, JSON.stringify(wrong));
  await agent.close();
});

test('the official client pays in band with the consent of payments.fetch, and its receipt is that of the task', async () => {
  const agent = await sell();
  const payments = await platform.buyer();
  const asked = [];
  const client = await clientOf(agent.url, await payments.a2a.fetch({ approve: (offer) => asked.push(offer.credits) > 0 }));
  const task = await client.sendMessage(message('two words'));
  assert.match(JSON.stringify(task), /TWO WORDS/);
  const metadata = task.status.message.metadata;
  assert.equal(metadata['x402.payment.status'], 'payment-completed');
  assert.deepEqual([metadata['x402.payment.receipts'][0].success, metadata['x402.payment.receipts'][0].creditsRedeemed], [true, '2']);
  assert.deepEqual([asked, agent.executor.runs.length, await payments.held()], [[2n], 1, 98n]);
  const [{ metadata: received, payer }] = agent.executor.runs;
  assert.deepEqual([Object.keys(received ?? {}).filter((name) => name.startsWith('x402')), typeof payer], [[], 'string'], 'the agent sees who pays, and no payment');
  await agent.close();
});

test('the official client pays a stream in band; what the agent made comes after the settlement', async () => {
  const agent = await sell();
  const payments = await platform.buyer();
  const client = await clientOf(agent.url, await payments.a2a.fetch({ approve: () => true }));
  const kinds = [];
  let last;
  for await (const event of client.sendMessageStream(message('two words'))) {
    const { $case, value } = event.payload ?? {};
    kinds.push($case ?? event.kind ?? Object.keys(event)[0]);
    last = value ?? event;
  }
  assert.match(JSON.stringify(last), /payment-completed/);
  assert.ok(kinds.length >= 4, `${kinds}`);
  assert.deepEqual([agent.executor.runs.length, await payments.held()], [1, 98n]);
  await agent.close();
});

test('a message without a payment is asked for one: in band where the client knows the extension, else by HTTP', async () => {
  const agent = await sell();
  const inBand = await rpc(agent.url, 'message/send', old('hello'), { 'x-a2a-extensions': EXTENSION });
  const { status } = inBand.json.result;
  assert.deepEqual([inBand.status, inBand.json.id, status.state, status.message.metadata['x402.payment.status']], [200, 7, 'input-required', 'payment-required']);
  assert.equal(status.message.metadata['x402.payment.required'].accepts[0].planId, platform.planId);
  const [event] = (await rpc(agent.url, 'message/stream', old('hello'), { 'x-a2a-extensions': EXTENSION })).events;
  assert.equal(event.result.status.message.metadata['x402.payment.status'], 'payment-required');
  const current = await rpc(agent.url, 'SendMessage', { message: { messageId: '1', role: 'ROLE_USER', parts: [{ text: 'hello' }] } }, { 'x-a2a-extensions': EXTENSION, 'a2a-version': '1.0' });
  assert.equal(current.json.result.task.status.state, 'TASK_STATE_INPUT_REQUIRED');
  const http = await rpc(agent.url, 'message/send', old('hello'));
  assert.deepEqual([http.status, http.json.error.code, decoded(http.headers.get('payment-required')).accepts[0].planId], [402, -32001, platform.planId]);
  assert.equal(agent.executor.runs.length, 0);
  await agent.close();
});

test('a payment in the answer to the task that asked, and one in a header, each pay for one message', async () => {
  const agent = await sell();
  const payments = await platform.buyer();
  const asked = (await rpc(agent.url, 'message/send', old('hello'), { 'x-a2a-extensions': EXTENSION })).json.result;
  assert.equal(asked.status.message.metadata['x402.payment.required'].accepts[0].extra.agentId, agentId);
  const token = await tokenOf(payments, agentId);
  const params = old('hello', submitted(token));
  Object.assign(params.message, { taskId: asked.id, contextId: asked.contextId });
  const { json: { result } } = await rpc(agent.url, 'message/send', params);
  assert.deepEqual([result.status.state, result.status.message.metadata['x402.payment.status'], result.contextId, await payments.held()], ['completed', 'payment-completed', asked.contextId, 98n]);
  const byHeader = await rpc(agent.url, 'message/send', old('again'), { 'payment-signature': token });
  assert.deepEqual([byHeader.status, byHeader.json.result.status.state, decoded(byHeader.headers.get('payment-response')).creditsRedeemed, await payments.held()], [200, 'completed', '2', 96n]);
  const byBearer = await rpc(agent.url, 'message/send', old('once more'), { authorization: `Bearer ${token}` });
  assert.deepEqual([byBearer.status, byBearer.json.result.status.state, await payments.held()], [200, 'completed', 94n]);
  await agent.close();
});

test('what the agent says it used is settled, and a task that failed is not charged', async () => {
  const agent = await sell({ paymentType: 'dynamic', credits: 5 });
  const payments = await platform.buyer();
  const client = await clientOf(agent.url, await payments.a2a.fetch({ approve: () => true }));
  await client.sendMessage(message('three small words'));
  assert.equal(await payments.held(), 97n);
  await client.sendMessage(message('a b c d e f g h i'));
  assert.equal(await payments.held(), 92n, 'never more than the card says');
  const failed = await client.sendMessage(message('fail'));
  assert.deepEqual([failed.status.state, await payments.held()], [FAILED, 92n]);
  await agent.close();
});

test('asking for a task, and its push notifications, cost nothing', async () => {
  const pushed = [];
  const listener = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    pushed.push(JSON.parse(Buffer.concat(parts)));
    response.end();
  });
  await new Promise((done) => listener.listen(0, '127.0.0.1', done));
  const agent = await sell();
  const payments = await platform.buyer();
  try {
    const token = await tokenOf(payments, agentId);
    const params = { ...old('hello', submitted(token)), configuration: { pushNotificationConfig: { url: `http://127.0.0.1:${listener.address().port}/` } } };
    const { json: { result } } = await rpc(agent.url, 'message/send', params);
    assert.equal(await payments.held(), 98n);
    while (pushed.length === 0) await new Promise((done) => setTimeout(done, 20));
    for (let round = 0; round < 3; round += 1) {
      const got = await rpc(agent.url, 'tasks/get', { id: result.id });
      assert.equal(got.json.result.status.state, 'completed');
    }
    assert.equal(await payments.held(), 98n, 'each message is paid for once');
  } finally {
    await agent.close();
    listener.closeAllConnections();
    listener.close();
  }
});

test('where the settlement is refused nothing is delivered, and the task stays closed', async () => {
  // The credits are spent while the agent works.
  const executor = shouter();
  const run = executor.execute;
  let spend;
  executor.execute = async (...given) => { await spend(); return run(...given); };
  const agent = await sell({}, { executor });
  for (const inBand of [true, false]) {
    const payments = await platform.buyer();
    // No more may be bought by the way.
    const token = await tokenOf(payments, agentId, { spendingLimitCents: 1 });
    spend = async () => { for (let round = 0; round < 10; round += 1) await platform.seller.settle(platform.planId, token, 10); };
    const said = inBand ? await rpc(agent.url, 'message/stream', old('a secret', submitted(token))) : await rpc(agent.url, 'message/send', old('a secret'), { 'payment-signature': token });
    const all = JSON.stringify(said.events ?? said.json);
    assert.ok(!all.includes('A SECRET'), all);
    if (inBand) {
      const last = said.events.at(-1).result;
      assert.deepEqual([last.status.state, last.status.message.metadata['x402.payment.status']], ['failed', 'payment-failed']);
      const { taskId, id } = said.events[0].result;
      const got = await rpc(agent.url, 'tasks/get', { id: taskId ?? id });
      assert.deepEqual([got.json.result, got.json.error.code], [undefined, -32001], 'nor by its id');
    } else {
      assert.deepEqual([said.status, said.json.error.code], [402, -32001]);
    }
  }
  await agent.close();
});

test('what is no call of a listed method is refused, and no path in another spelling sends messages', async () => {
  const agent = await sell();
  for (const [method, code] of [['tasks/list', -32601], ['ListTasks', -32601], ['message/sendAll', -32601]]) assert.equal((await rpc(agent.url, method, {})).json.error.code, code, method);
  const post = (path, body) => fetch(agent.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  assert.equal((await post('/v1/message:send', '{}')).status, 400);
  assert.equal((await post('/message:send/x', '{}')).status, 404);
  assert.equal((await post('/%6dessage:send', '{}')).status, 404);
  assert.equal((await post('/v1/message%3Asend', '{}')).status, 404);
  assert.equal((await post('/%zz', JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'message/send', params: old('x') }))).status, 400);
  assert.equal((await (await post('/', 'no')).json()).error.code, -32700);
  assert.equal((await (await post('/', `[${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'message/send', params: old('x') })}]`)).json()).error.code, -32600);
  assert.equal(agent.executor.runs.length, 0);
  await agent.close();
});

test('a gate stands in front of any agent by its URL, and payments.a2a has the official names', async () => {
  const agent = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const { id } = JSON.parse(Buffer.concat(parts));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result: { kind: 'message', messageId: 'm', role: 'agent', parts: [{ kind: 'text', text: 'hello' }] } }));
  });
  await new Promise((done) => agent.listen(0, '127.0.0.1', done));
  try {
    const gate = a2aPaywall(`http://127.0.0.1:${agent.address().port}/`, { nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url, state: 'memory', log: false, planId: platform.planId, credits: 3 });
    const payments = await platform.buyer();
    const token = await tokenOf(payments);
    const answer = await gate(new Request('http://agent.localhost/', { method: 'POST', headers: { 'payment-signature': token }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'message/send', params: old('x') }) }));
    assert.deepEqual([answer.status, (await answer.json()).result.parts[0].text, await payments.held()], [200, 'hello', 97n]);
    await gate.close();
  } finally {
    agent.closeAllConnections();
    agent.close();
  }
  const { a2a } = Payments.getInstance({ nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url });
  for (const name of ['start', 'buildPaymentAgentCard', 'fetch', 'handler']) assert.equal(typeof a2a[name], 'function', name);
});

test('a page of an allowed origin may send the headers of the protocol and of payments', async () => {
  const gate = a2aPaywall('http://127.0.0.1:1/', {
    nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url, state: 'memory', log: false, planId: platform.planId, credits: 3,
    allowedOrigins: ['https://app.example'],
  });
  const asked = new Request('http://agent.localhost/', { method: 'OPTIONS', headers: { origin: 'https://app.example', 'access-control-request-method': 'POST' } });
  const { status, headers } = await gate(asked, {}, { waitUntil() {} });
  assert.equal(status, 204);
  const allowed = headers.get('access-control-allow-headers').split(', ');
  for (const name of ['payment-signature', 'a2a-version', 'a2a-extensions', 'x-a2a-extensions']) assert.ok(allowed.includes(name), `${allowed}`);
  assert.ok(allowed.every((name) => /^[a-z0-9-]+$/.test(name)), `${allowed}`);
  await gate.close();
});
