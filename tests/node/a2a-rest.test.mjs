// A2A by HTTP and JSON without JSON-RPC: the official client with `payments.a2a.fetch` pays an agent of the official server, which asks for its payment in the task and
// settles at the platform.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { ClientFactory, ClientFactoryOptions, DefaultAgentCardResolver, RestTransportFactory } from '@a2a-js/sdk/client';
import { AgentEvent, DefaultRequestHandler, InMemoryTaskStore } from '@a2a-js/sdk/server';
import { UserBuilder, agentCardHandler, restHandler } from '@a2a-js/sdk/server/express';
import express from 'express';
import { offerOf, startPlatform, startSeller } from './harness.mjs';

let platform;
const servers = [];
before(async () => { platform = await startPlatform(); });
after(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await platform.stop();
});

const [INPUT_REQUIRED, COMPLETED] = [6, 3];
const text = (value) => ({ content: { $case: 'text', value }, metadata: undefined, filename: '', mediaType: 'text/plain' });

/** An agent that wants two credits for each message; `forgets` does not keep the task that asks. */
function charging({ forgets = false } = {}) {
  const runs = [];
  const forgotten = new Set();
  return {
    runs, forgotten,
    async execute({ taskId, contextId, userMessage }, bus) {
      const status = (state, said, metadata) => ({ state, timestamp: undefined, message: { messageId: crypto.randomUUID(), taskId, contextId, role: 2, parts: [text(said)], metadata, extensions: [], referenceTaskIds: [] } });
      const task = (own) => bus.publish(AgentEvent.task({ id: taskId, contextId, status: own, artifacts: [], history: [userMessage], metadata: undefined }));
      const payload = userMessage.metadata?.['x402.payment.payload'];
      runs.push([userMessage.parts[0].content.value, userMessage.metadata?.['x402.payment.status'], taskId]);
      if (!payload) {
        task(status(INPUT_REQUIRED, 'pay', { 'x402.payment.status': 'payment-required', 'x402.payment.required': offerOf(platform.planId) }));
      } else {
        const receipt = await platform.settle(Buffer.from(JSON.stringify(payload)).toString('base64url'));
        task(status(COMPLETED, userMessage.parts[0].content.value.toUpperCase(), { 'x402.payment.status': 'payment-completed', 'x402.payment.receipts': [JSON.parse(Buffer.from(receipt, 'base64'))] }));
      }
      bus.finished();
      // The answer goes out first.
      if (!payload && forgets) setTimeout(() => forgotten.add(taskId));
    },
    async cancelTask() {},
  };
}

async function serve(executor) {
  const app = express();
  const server = createServer(app);
  servers.push(server);
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${server.address().port}`;
  const card = {
    name: 'Loud', description: 'Says it louder', version: '1.0.0', provider: undefined, documentationUrl: undefined, iconUrl: undefined, skills: [], signatures: [], securitySchemes: {}, securityRequirements: [],
    defaultInputModes: ['text/plain'], defaultOutputModes: ['text/plain'], capabilities: { streaming: true, pushNotifications: false, extensions: [], extendedAgentCard: false },
    supportedInterfaces: [{ url: `${url}/rest`, protocolBinding: 'HTTP+JSON', protocolVersion: '1.0', tenant: '' }],
  };
  const tasks = new InMemoryTaskStore();
  const load = tasks.load.bind(tasks);
  tasks.load = async (id, ...more) => (executor.forgotten.has(id) ? undefined : load(id, ...more));
  const requestHandler = new DefaultRequestHandler(card, tasks, executor);
  app.use('/.well-known/agent-card.json', agentCardHandler({ agentCardProvider: requestHandler }));
  app.use('/rest', restHandler({ requestHandler, userBuilder: UserBuilder.noAuthentication }));
  return url;
}

const clientOf = (url, fetchImpl) => new ClientFactory(ClientFactoryOptions.createFrom(ClientFactoryOptions.default, {
  transports: [new RestTransportFactory({ fetchImpl })], cardResolver: new DefaultAgentCardResolver({ fetchImpl }),
})).createFromUrl(url);
const message = (words) => ({
  message: { messageId: crypto.randomUUID(), role: 1, contextId: '', taskId: '', extensions: [], referenceTaskIds: [], metadata: undefined, parts: [text(words)] }, tenant: '', configuration: undefined, metadata: undefined,
});

test('the official client pays over HTTP and JSON, with the consent of payments.fetch', async () => {
  const executor = charging();
  const url = await serve(executor);
  const payments = await platform.buyer();
  const asked = [];
  const seen = [];
  const client = await clientOf(url, await payments.a2a.fetch({ approve: (offer) => asked.push([offer.origin, offer.credits]) > 0, fetch: async (request) => { seen.push(new URL(request.url ?? request).pathname); return fetch(request); } }));
  const task = await client.sendMessage(message('hello'));
  assert.match(JSON.stringify(task), /HELLO/);
  assert.deepEqual([task.status.message.metadata['x402.payment.receipts'][0].success, await payments.held(), asked], [true, 98n, [[url, 2n]]]);
  assert.deepEqual(executor.runs.map((run) => run.slice(0, 2)), [['hello', undefined], ['hello', 'payment-submitted']]);
  assert.equal(executor.runs[0][2], executor.runs[1][2], 'the payment answers the task that asked');
  assert.ok(seen.filter((path) => path === '/rest/message:send').length === 2);
  const denied = await clientOf(url, await payments.a2a.fetch({ approve: () => false }));
  await assert.rejects(denied.sendMessage(message('no')), (error) => [error.code, error.cause?.code].includes('consent_denied'));
  assert.equal(await payments.held(), 98n);
});

test('a stream over HTTP and JSON is paid for too', async () => {
  const executor = charging();
  const url = await serve(executor);
  const payments = await platform.buyer();
  const client = await clientOf(url, await payments.a2a.fetch({ approve: () => true }));
  const events = [];
  for await (const event of client.sendMessageStream(message('stream'))) events.push(event);
  assert.match(JSON.stringify(events), /STREAM/);
  assert.ok(!JSON.stringify(events).includes('payment-required'), 'the client sees what was paid for alone');
  assert.equal(await payments.held(), 98n);
});

test('an agent that does not keep the task that asks is paid by a new message', async () => {
  const executor = charging({ forgets: true });
  const url = await serve(executor);
  const payments = await platform.buyer();
  const client = await clientOf(url, await payments.a2a.fetch({ approve: () => true }));
  assert.match(JSON.stringify(await client.sendMessage(message('again'))), /AGAIN/);
  const [[, , asked], [, , paid]] = executor.runs;
  assert.deepEqual([executor.runs.length, asked === paid], [2, false]);
  assert.equal(await payments.held(), 98n);
});

for (const tokenVersion of [2, 3]) {
  test(`an agent that settles and says that it knows no such task burns no more than the limit, tokenVersion ${tokenVersion}`, async (t) => {
    const agent = await startSeller(async ({ body }, response) => {
      const { id, params: { message: sent } } = JSON.parse(body);
      const payload = sent.metadata?.['x402.payment.payload'];
      const answer = (more) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, ...more }));
      const task = (metadata) => answer({ result: { kind: 'task', id: 't', contextId: 'c', status: { state: 'working', message: { kind: 'message', role: 'agent', messageId: 'm', parts: [], metadata } } } });
      if (!payload) return task({ 'x402.payment.status': 'payment-required', 'x402.payment.required': offerOf(platform.planId) });
      await platform.seller.settle(platform.planId, Buffer.from(JSON.stringify(payload)).toString('base64url'), 10);
      return sent.taskId ? answer({ error: { code: -32001, message: 'Task not found' } }) : task({});
    });
    t.after(() => agent.stop());
    const payments = await platform.buyer({ approve: undefined, tokenVersion, policy: { origins: [agent.url], maxCreditsTotal: 20 } });
    const send = await payments.a2a.fetch();
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'message/send', params: { message: { kind: 'message', role: 'user', messageId: 'm', parts: [{ kind: 'text', text: 'x' }] } } }) };
    let last;
    for (let i = 0; i < 5; i++) last = await send(agent.url, init).catch((error) => error);
    assert.equal(last.code, 'budget_exceeded');
    assert.deepEqual([100n - await payments.held(), payments.spend.credits], [20n, 20n]);
  });
}
