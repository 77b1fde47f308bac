// The seller of A2A by HTTP and JSON without JSON-RPC: `payments.a2a.start` and `a2aPaywall`, whose agents the official client pays over its REST transport with
// `payments.a2a.fetch`, and requests by hand.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ClientFactory, ClientFactoryOptions, DefaultAgentCardResolver, RestTransportFactory } from '@a2a-js/sdk/client';
import { AgentEvent } from '@a2a-js/sdk/server';
import { startPlatform } from './harness.mjs';
import { A2a, a2aPaywall, buildPaymentAgentCard } from '../../target/dist/subscriber/a2a.js';

let platform;
let agentId;
before(async () => {
  platform = await startPlatform();
  agentId = await platform.agent();
});
after(() => platform.stop());

const EXTENSION = 'https://github.com/google-agentic-commerce/a2a-x402/blob/main/spec/v0.2';
const [SUBMITTED, COMPLETED, FAILED] = [1, 3, 4];
const text = (value) => ({ content: { $case: 'text', value }, metadata: undefined, filename: '', mediaType: 'text/plain' });
const decoded = (header) => JSON.parse(Buffer.from(header, 'base64').toString());

/** An agent that says it louder; `fail` fails. */
function shouter(runs = []) {
  return {
    runs,
    async execute({ taskId, contextId, userMessage }, bus) {
      const words = userMessage.parts[0].content.value;
      runs.push([words, userMessage.metadata]);
      const status = (state, said) => ({ state, timestamp: undefined, message: said && { messageId: crypto.randomUUID(), taskId, contextId, role: 2, parts: [text(said)], metadata: undefined, extensions: [], referenceTaskIds: [] } });
      bus.publish(AgentEvent.task({ id: taskId, contextId, status: status(SUBMITTED), artifacts: [], history: [userMessage], metadata: undefined }));
      if (words !== 'fail') bus.publish(AgentEvent.artifactUpdate({ taskId, contextId, artifact: { artifactId: 'a', name: '', description: '', parts: [text(words.toUpperCase())], metadata: undefined, extensions: [] }, append: false, lastChunk: true, metadata: undefined }));
      bus.publish(AgentEvent.statusUpdate({ taskId, contextId, status: status(words === 'fail' ? FAILED : COMPLETED, 'done'), metadata: undefined }));
      bus.finished();
    },
    async cancelTask() {},
  };
}

async function sell({ executor = shouter(), ...more } = {}) {
  const seller = new A2a(undefined, () => ({ nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url }));
  const card = buildPaymentAgentCard({ name: 'Loud', description: 'Says it louder', version: '1.0.0', capabilities: { streaming: true, pushNotifications: true }, skills: [] }, { paymentType: 'fixed', credits: 2, planId: platform.planId, agentId });
  const started = await seller.start({ agentCard: card, executor, log: false, ...more });
  return { ...started, url: started.info.baseUrl, executor };
}

const clientOf = (url, fetchImpl) => new ClientFactory(ClientFactoryOptions.createFrom(ClientFactoryOptions.default, {
  transports: [new RestTransportFactory({ fetchImpl })], preferredTransports: ['HTTP+JSON'], cardResolver: new DefaultAgentCardResolver({ fetchImpl }),
})).createFromUrl(url);
const message = (words) => ({
  message: { messageId: crypto.randomUUID(), role: 1, contextId: '', taskId: '', extensions: [], referenceTaskIds: [], metadata: undefined, parts: [text(words)] }, tenant: '', configuration: undefined, metadata: undefined,
});
const byHand = (words) => ({ message: { messageId: crypto.randomUUID(), role: 'ROLE_USER', parts: [{ text: words }] } });
const post = (url, path, body, headers = {}) => fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) });
const tokenOf = async (payments, agent = agentId) => (await payments.x402.getX402AccessToken(platform.planId, agent || undefined, { delegationConfig: { delegationId: await payments.own.delegation() } })).accessToken;

test('the official client pays over its REST transport, and its receipt is that of the task', async () => {
  const agent = await sell();
  const payments = await platform.buyer();
  const seen = [];
  const fetchImpl = await payments.a2a.fetch({ approve: () => true, fetch: async (request) => { seen.push(new URL(request.url ?? request).pathname); return fetch(request); } });
  const client = await clientOf(agent.url, fetchImpl);
  const task = await client.sendMessage(message('two words'));
  assert.match(JSON.stringify(task), /TWO WORDS/);
  assert.deepEqual([task.status.message.metadata['x402.payment.status'], await payments.held(), agent.executor.runs.length], ['payment-completed', 98n, 1]);
  assert.ok(seen.filter((path) => path === '/message:send').length === 2, seen.join());
  assert.deepEqual(Object.keys(agent.executor.runs[0][1] ?? {}).filter((name) => name.startsWith('x402')), []);
  const again = await client.getTask({ id: task.id, tenant: '', historyLength: 1 });
  assert.deepEqual([again.id, again.status.state, await payments.held()], [task.id, COMPLETED, 98n], 'asking costs nothing');
  await assert.rejects(client.getTask({ id: 'none', tenant: '' }), (error) => error.name.includes('TaskNotFound'));
  await assert.rejects(client.cancelTask({ id: task.id, tenant: '' }), (error) => error.name.includes('NotCancelable'));
  await agent.close();
});

test('a stream is paid for too, and what failed costs nothing', async () => {
  const agent = await sell();
  const payments = await platform.buyer();
  const client = await clientOf(agent.url, await payments.a2a.fetch({ approve: () => true }));
  const kinds = [];
  let last;
  for await (const { payload } of client.sendMessageStream(message('stream'))) {
    kinds.push(payload.$case);
    last = payload.value;
  }
  assert.deepEqual([kinds.at(-1), last.status.message.metadata['x402.payment.status'], await payments.held()], ['statusUpdate', 'payment-completed', 98n]);
  assert.ok(kinds.includes('artifactUpdate'), kinds.join());
  assert.equal((await client.sendMessage(message('fail'))).status.state, FAILED);
  assert.equal(await payments.held(), 98n);
  await agent.close();
});

test('push addresses are set, read, listed and deleted', async () => {
  const agent = await sell();
  const payments = await platform.buyer();
  const client = await clientOf(agent.url, await payments.a2a.fetch({ approve: () => true }));
  const { id: taskId } = await client.sendMessage(message('push'));
  const config = { tenant: '', taskId, id: 'one', url: 'https://push.example/hook', token: 't', authentication: undefined };
  await client.createTaskPushNotificationConfig(config);
  assert.equal((await client.getTaskPushNotificationConfig({ tenant: '', taskId, id: 'one' })).url, config.url);
  const list = async () => (await client.listTaskPushNotificationConfig({ tenant: '', taskId, pageSize: 0, pageToken: '' })).configs.length;
  assert.equal(await list(), 1);
  await client.deleteTaskPushNotificationConfig({ tenant: '', taskId, id: 'one' });
  assert.deepEqual([await list(), await payments.held()], [0, 98n]);
  await agent.close();
});

test('a message without a payment is asked for one: in band where the client knows the extension, else by HTTP', async () => {
  const agent = await sell();
  const inBand = await (await post(agent.url, '/message:send', byHand('hello'), { 'x-a2a-extensions': EXTENSION })).json();
  assert.deepEqual([inBand.task.status.state, inBand.task.status.message.metadata['x402.payment.status']], ['TASK_STATE_INPUT_REQUIRED', 'payment-required']);
  for (const path of ['/message:send', '/message:stream']) {
    const bare = await post(agent.url, path, byHand('hello'));
    const { error } = await bare.json();
    assert.deepEqual([bare.status, error.code, error.status, error.details[0].reason, decoded(bare.headers.get('payment-required')).accepts[0].planId], [402, 402, 'FAILED_PRECONDITION', 'PAYMENT_MISSING', platform.planId], path);
  }
  const payments = await platform.buyer();
  const token = await tokenOf(payments);
  const paid = await post(agent.url, '/message:send', byHand('by header'), { 'payment-signature': token });
  assert.deepEqual([paid.status, decoded(paid.headers.get('payment-response')).success, (await paid.json()).task.status.state], [200, true, 'TASK_STATE_COMPLETED']);
  const refused = await post(agent.url, '/message:send', byHand('no'), { 'payment-signature': token.slice(0, -40) });
  assert.equal(refused.status, 402);
  assert.deepEqual([agent.executor.runs.length, await payments.held()], [1, 98n]);
  await agent.close();
});

test('a task whose settlement was refused stays closed, by each path to it', async () => {
  const payments = await platform.buyer();
  const delegationId = await payments.own.delegation();
  const { accessToken } = await payments.x402.getX402AccessToken(platform.planId, agentId, { delegationConfig: { delegationId } });
  const executor = shouter();
  const { execute } = executor;
  let taskId;
  executor.execute = async (context, bus) => {
    taskId = context.taskId;
    // The delegation ends between verification and settlement.
    await payments.delegation.revokeDelegation(delegationId);
    return execute(context, bus);
  };
  const agent = await sell({ executor });
  const answer = await post(agent.url, '/message:send', byHand('secret'), { 'payment-signature': accessToken });
  assert.deepEqual([answer.status, JSON.stringify(await answer.json()).includes('SECRET')], [402, false]);
  for (const path of [`/tasks/${taskId}`, `/tasks/${taskId}?historyLength=3`, `/tasks/${encodeURIComponent(taskId).replace('-', '%2D')}`, `/tasks/${taskId}:subscribe`, `/tasks/${taskId}/pushNotificationConfigs`, `//tasks/${taskId}`, `/v1/tasks/${taskId}`]) {
    const said = await fetch(agent.url + path);
    assert.deepEqual([said.status, (await said.text()).includes('SECRET')], [404, false], path);
  }
  await agent.close();
});

test('what is no call is refused with an error that says so', async () => {
  const agent = await sell();
  for (const [name, path, body, headers, status, reason] of [
    ['no JSON', '/message:send', 'no', {}, 400, 'INVALID_REQUEST'], ['a list', '/message:send', '[]', {}, 400, 'INVALID_REQUEST'], ['no message', '/message:send', '{}', {}, 400, 'INVALID_REQUEST'],
    ['a message that is none', '/message:send', '{"message":"hi"}', {}, 400, 'INVALID_REQUEST'], ['another version', '/message:send', byHand('x'), { 'a2a-version': '0.3' }, 400, 'VERSION_NOT_SUPPORTED'],
    ['another spelling', '/%6dessage:send', byHand('x'), {}, 404], ['a colon in letters', '/message%3Asend', byHand('x'), {}, 404], ['another verb', '/message:sendAll', byHand('x'), {}, 404],
    ['a tail', '/message:send/', byHand('x'), {}, 404], ['too large', '/message:send', JSON.stringify(byHand('x'.repeat(4 * 1024 * 1024))), {}, 413],
    ['a method in the body', '/tasks/x:cancel', { jsonrpc: '2.0', method: 'SendMessage', params: byHand('x') }, {}, 404, 'TASK_NOT_FOUND'],
  ]) {
    const answer = await post(agent.url, path, body, headers);
    const { error } = await answer.json();
    assert.deepEqual([answer.status, error?.details?.[0]?.reason], [status, reason], name);
  }
  for (const [path, status] of [['/tasks', 404], ['/message:send', 404], ['/tasks/x', 404], ['/extendedAgentCard', 400], ['/tasks/%zz', 404]]) assert.equal((await fetch(agent.url + path)).status, status, path);
  assert.equal(agent.executor.runs.length, 0);
  await agent.close();
});

test('an agent of JSON-RPC behind a gate is sold by HTTP and JSON too', async () => {
  const calls = [];
  const agent = a2aPaywall(async (request) => {
    const { id, method, params } = await request.json();
    calls.push([new URL(request.url).pathname, method, request.headers.get('a2a-version'), params.message.parts[0].text]);
    return Response.json({ jsonrpc: '2.0', id, result: { message: { messageId: '1', role: 'ROLE_AGENT', parts: [{ text: 'HI' }] } } });
  }, { nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url, state: 'memory', log: false, planId: platform.planId, credits: 3 });
  const payments = await platform.buyer();
  const request = (headers) => new Request('http://agent.localhost/agent/message:send', { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(byHand('hi')) });
  assert.equal((await agent(request({}))).status, 402);
  const answer = await agent(request({ 'payment-signature': await tokenOf(payments, '') }));
  assert.deepEqual([answer.status, (await answer.json()).message.parts[0].text, await payments.held()], [200, 'HI', 97n]);
  assert.deepEqual(calls, [['/agent/', 'SendMessage', '1.0', 'hi']]);
  await agent.close();
});
