// Clients of A2A that want what an agent made for nothing: by a task that fails or goes on, by its id while a message is under way, by its stream, by a push, or by a
// call that the agent reads in another way than the gate (rule 16).
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { AgentEvent } from '@a2a-js/sdk/server';
import { A2a, a2aPaywall, buildPaymentAgentCard } from '../../target/dist/subscriber/a2a.js';
import { moment, startPlatform } from './harness.mjs';

let platform;
let agentId;
before(async () => {
  platform = await startPlatform();
  agentId = await platform.agent();
});
after(() => platform.stop());

const SECRET = /SECRET/;
const [WORKING, COMPLETED, FAILED, INPUT, AUTH] = [2, 3, 4, 6, 8];
const text = (value) => ({ content: { $case: 'text', value }, metadata: undefined, filename: '', mediaType: 'text/plain' });

/** A buyer with a token, and what ends the token's delegation. */
async function buyer() {
  const payments = await platform.buyer();
  const delegationId = await payments.own.delegation();
  const mint = async (agent) => (await payments.x402.getX402AccessToken(platform.planId, agent, { delegationConfig: { delegationId } })).accessToken;
  return { payments, mint, revoke: () => payments.delegation.revokeDelegation(delegationId) };
}

/** An agent of the official SDK that does `script(say, context)`, sold. */
async function sell(script, more = {}) {
  const executor = {
    async execute(context, bus) {
      const { taskId, contextId, userMessage } = context;
      const status = (state) => ({ state, timestamp: undefined, message: undefined });
      const say = {
        task: () => bus.publish(AgentEvent.task({ id: taskId, contextId, status: status(1), artifacts: context.task?.artifacts ?? [], history: [userMessage], metadata: undefined })),
        state: (state) => bus.publish(AgentEvent.statusUpdate({ taskId, contextId, status: status(state), metadata: undefined })),
        artifact: (words) => bus.publish(AgentEvent.artifactUpdate({ taskId, contextId, artifact: { artifactId: crypto.randomUUID(), name: '', description: '', parts: [text(words)], metadata: undefined, extensions: [] }, append: false, lastChunk: true, metadata: undefined })),
      };
      await script(say, userMessage.parts[0].content.value, taskId);
      bus.finished();
    },
    async cancelTask() {},
  };
  const seller = new A2a(undefined, () => ({ nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url }));
  const card = buildPaymentAgentCard({ name: 'Loud', description: 'Loud', version: '1.0.0', capabilities: { streaming: true, pushNotifications: true }, skills: [] }, { paymentType: 'fixed', credits: 2, planId: platform.planId, agentId });
  return seller.start({ agentCard: card, executor, log: false, ...more });
}

const message = (words, more = {}) => ({ message: { kind: 'message', messageId: crypto.randomUUID(), role: 'user', parts: [{ kind: 'text', text: words }], ...more } });
const post = (url, method, params, token, signal) => fetch(url, {
  method: 'POST', signal, headers: { 'content-type': 'application/json', ...(token && { 'payment-signature': token }) }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
});
const said = async (...given) => (await post(...given)).text();
const idOf = (answer) => /"(?:id|taskId)":"([0-9a-f-]{36})"/.exec(answer)[1];

test('a task that failed has no artifacts for who did not pay, in its answer or by its id', async () => {
  const { payments, mint } = await buyer();
  const { close, info } = await sell((say) => { say.task(); say.artifact('SECRET'); say.state(FAILED); });
  const token = await mint(agentId);
  for (const method of ['message/send', 'message/stream']) {
    const answer = await said(info.baseUrl, method, message('x'), token);
    assert.match(answer, /"state":"failed"/);
    const got = await said(info.baseUrl, 'tasks/get', { id: idOf(answer) });
    assert.match(got, /"state":"failed"/);
    for (const all of [answer, got]) assert.doesNotMatch(all, SECRET, method);
    assert.match(await said(info.baseUrl, 'tasks/resubscribe', { id: idOf(answer) }), /-32001/);
    const rest = await (await fetch(`${info.baseUrl}/tasks/${idOf(answer)}`)).text();
    assert.match(rest, /TASK_STATE_FAILED/);
    assert.doesNotMatch(rest, SECRET);
  }
  assert.equal(await payments.held(), 100n);
  await close();
});

test('a task that asks for more costs nothing if it has made nothing yet, and is charged if it has', async () => {
  const { payments, mint } = await buyer();
  const { close, info } = await sell((say, words) => {
    say.task();
    if (words === 'draft') say.artifact('SECRET');
    say.state(INPUT);
  });
  const token = await mint(agentId);
  const asked = await said(info.baseUrl, 'message/send', message('question'), token);
  assert.match(await said(info.baseUrl, 'tasks/get', { id: idOf(asked) }), /input-required/);
  assert.equal(await payments.held(), 100n);
  for (const [method, held] of [['message/send', 98n], ['message/stream', 96n]]) {
    const answer = await said(info.baseUrl, method, message('draft'), token);
    assert.match(answer, SECRET);
    assert.equal(await payments.held(), held);
    assert.match(await said(info.baseUrl, 'tasks/get', { id: idOf(answer) }), SECRET, 'it is paid for');
  }
  await close();
});

test('a task that goes on after an answer that cost nothing stays closed until a message of it is paid for', async () => {
  const go = moment();
  const { payments, mint } = await buyer();
  const { close, info } = await sell(async (say, words) => {
    say.task();
    if (words === 'again') return say.state(COMPLETED);
    say.state(AUTH);
    await go;
    say.artifact('SECRET');
    return say.state(INPUT);
  });
  const token = await mint(agentId);
  const answer = await said(info.baseUrl, 'message/send', message('x'), token);
  const get = () => said(info.baseUrl, 'tasks/get', { id: idOf(answer) });
  assert.match(answer, /auth-required/);
  let got = await get();
  assert.match(got, /auth-required/);
  go.come();
  while (/auth-required/.test(got)) got = await get();
  assert.match(got, /-32001/);
  assert.equal(await payments.held(), 100n);
  await said(info.baseUrl, 'message/send', message('again', { taskId: idOf(answer) }), token);
  assert.match(await get(), SECRET);
  assert.equal(await payments.held(), 98n);
  await close();
});

test('while a message of a known task is under way, nobody gets by its id or its stream what is not settled', async () => {
  const [go, started] = [moment(), moment()];
  const { payments, mint, revoke } = await buyer();
  const { close, info } = await sell(async (say, words) => {
    if (words === 'first') {
      say.task();
      return say.state(INPUT);
    }
    say.state(WORKING);
    started.come();
    say.artifact('SECRET');
    await go;
    await revoke();
    return say.state(COMPLETED);
  });
  const token = await mint(agentId);
  const id = idOf(await said(info.baseUrl, 'message/send', message('first'), token));
  const second = said(info.baseUrl, 'message/send', message('second', { taskId: id }), token);
  await started;
  const all = [await said(info.baseUrl, 'tasks/get', { id })];
  const stream = await post(info.baseUrl, 'tasks/resubscribe', { id });
  go.come();
  all.push(await stream.text(), await second);
  for (const method of ['tasks/get', 'tasks/resubscribe']) all.push(await said(info.baseUrl, method, { id }));
  for (const one of all) assert.doesNotMatch(one, SECRET);
  for (const one of [all[0], all[1], all.at(-1), all.at(-2)]) assert.match(one, /not paid for/);
  assert.equal(await payments.held(), 100n);
  await close();
});

test('a push has what a message made once that is settled, and nothing where it is not', async () => {
  const pushed = [];
  const heard = moment();
  const listener = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    response.end();
    pushed.push(Buffer.concat(parts).toString());
    if (/PAID SECRET/.test(pushed.at(-1))) heard.come();
  });
  await new Promise((done) => listener.listen(0, '127.0.0.1', done));
  const { mint, revoke } = await buyer();
  const { close, info } = await sell(async (say, words) => {
    say.task();
    say.state(WORKING);
    say.artifact(`${words} SECRET`);
    if (words === 'UNPAID') await revoke();
    say.state(COMPLETED);
  });
  const configuration = { pushNotificationConfig: { url: `http://127.0.0.1:${listener.address().port}/` } };
  try {
    const unpaid = await said(info.baseUrl, 'message/send', { ...message('UNPAID'), configuration }, await mint(agentId));
    assert.doesNotMatch(unpaid, SECRET);
    // A push of a message that is paid for comes after those that were held back before it.
    const other = await buyer();
    await said(info.baseUrl, 'message/send', { ...message('PAID'), configuration }, await other.mint(agentId));
    await heard;
    assert.doesNotMatch(pushed.join(), /UNPAID SECRET/);
  } finally {
    await close();
    listener.closeAllConnections();
    listener.close();
  }
});

/** A gate in front of an agent that is not strict. */
function behind(t, answer, credits = 2) {
  const heard = [];
  const gate = a2aPaywall(async (request) => {
    heard.push({ method: request.method, path: new URL(request.url).pathname, body: await request.text() });
    return answer(heard.at(-1));
  }, { nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url, state: 'memory', log: false, planId: platform.planId, credits });
  t.after(() => gate.close());
  const send = (body, { method = 'POST', path = '/', headers = {} } = {}) => gate(new Request(`http://agent.localhost${path}`, { method, headers, ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }) }));
  return { heard, send };
}
const call = (method, params, more) => ({ jsonrpc: '2.0', id: 1, method, params, ...more });

test('what an agent could read as a message, or as a closed task, does not reach it', async (t) => {
  const { heard, send } = behind(t, () => Response.json({}));
  for (const method of ['PUT', 'PATCH']) assert.equal((await send(call('message/send', message('x')), { method })).status, 405);
  assert.equal((await send(undefined, { method: 'GET', headers: { upgrade: 'websocket' } })).status, 501);
  for (const path of ['/tasks/x/', '/v1/TASKS', '/%74asks/x/', '/rest%2Ftasks%2Fx/', '/tasks;a/x/']) assert.equal((await send(undefined, { method: 'GET', path })).status, 404, path);
  for (const params of [{ task_id: 'x' }, { Id: 'x' }, { ID: 'x' }, JSON.parse('{"__proto__":{"id":"x"}}'), message('x', { task_id: 'x' }), message('x', { TaskId: 'x' }), { Message: message('x').message }]) {
    const { error } = await (await send(call(params.message ? 'message/send' : 'tasks/get', params))).json();
    assert.deepEqual([JSON.stringify(params), error.code], [JSON.stringify(params), -32602]);
  }
  assert.deepEqual(heard, []);
  await send(call('tasks/get', { id: 'x' }, { Method: 'message/send', METHOD: 'message/send', Params: message('x') }));
  assert.deepEqual(JSON.parse(heard[0].body), call('tasks/get', { id: 'x' }));
  await send(call('tasks/get', { id: 'x' }), { method: 'DELETE' });
  assert.deepEqual([heard[1].method, heard[1].body], ['DELETE', '']);
});

test('an agent that finds a closed task by another spelling of its id does not give it out', async (t) => {
  const { mint, revoke } = await buyer();
  const token = await mint();
  const { send } = behind(t, async ({ body }) => {
    if (JSON.parse(body).method === 'message/send') await revoke();
    return Response.json({ jsonrpc: '2.0', id: 1, result: { kind: 'task', id: 'abc', contextId: 'c', status: { state: 'completed' }, artifacts: [{ artifactId: 'a', parts: [{ kind: 'text', text: 'SECRET' }] }] } });
  });
  const get = (params) => send(call('tasks/get', params));
  assert.match(await (await get({ id: 'ABC' })).text(), SECRET, 'a task that nobody paid for here is open');
  assert.equal((await send(call('message/send', message('x')), { headers: { 'payment-signature': token } })).status, 402);
  for (const params of [{ id: 'abc' }, { id: 'ABC' }, { id: ' abc' }, { id: ['abc'] }, { id: 'x', taskId: 'abc' }]) assert.equal((await (await get(params)).json()).error.code, -32001, JSON.stringify(params));
});

test('where the price is a function of the call, the agent reads no other value of it than the price', async (t) => {
  const { heard, send } = behind(t, () => Response.json({}), ({ params }) => params.message.parts[0].text.length);
  const parts = [{ kind: 'text', text: 'x', Text: 'x'.repeat(1000) }];
  assert.equal((await (await send(call('message/send', message('x', { parts })))).json()).error.code, -32602);
  assert.equal((await send(call('message/send', message('x')))).status, 402);
  assert.deepEqual(heard, []);
});

test('a stream that breaks, or has what is no JSON, gives out no artifacts', async (t) => {
  const { payments, mint } = await buyer();
  const token = await mint();
  const task = (state, more) => ({ jsonrpc: '2.0', id: 1, result: { kind: 'task', id: 't', contextId: 'c', status: { state }, ...more } });
  const artifact = { jsonrpc: '2.0', id: 1, result: { kind: 'artifact-update', taskId: 't', contextId: 'c', artifact: { artifactId: 'a', parts: [{ kind: 'text', text: 'SECRET' }] } } };
  const { send } = behind(t, ({ body }) => {
    const { method } = JSON.parse(body);
    if (method === 'tasks/get') return Response.json(task('completed', { artifacts: [artifact.result.artifact] }));
    const events = [task('working'), artifact, '{"result":{"a":NaN,"b":"SECRET"}}'];
    return new Response(events.map((one) => `data: ${typeof one === 'string' ? one : JSON.stringify(one)}\n\n`).join(''), { headers: { 'content-type': 'text/event-stream' } });
  });
  const answer = await (await send(call('message/stream', message('x')), { headers: { 'payment-signature': token } })).text();
  assert.match(answer, /working/);
  assert.match(answer, /no last word/);
  assert.doesNotMatch(answer, SECRET);
  for (const params of [{ id: 't' }, { name: 'tasks/t' }, { parent: 'tasks/t' }]) assert.equal((await (await send(call('tasks/get', params))).json()).error.code, -32001);
  assert.equal(await payments.held(), 100n);
});

test('a stream of a task that was opened before gives out nothing of a message that is not settled', async (t) => {
  const { mint, revoke } = await buyer();
  const token = await mint();
  const update = (more) => ({ jsonrpc: '2.0', id: 1, result: { taskId: 't', contextId: 'c', ...more } });
  let feed;
  const { send } = behind(t, async ({ body }) => {
    const { method } = JSON.parse(body);
    if (method === 'tasks/resubscribe') return new Response(new ReadableStream({ start(controller) { feed = (one) => (one ? controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(one)}\n\n`)) : controller.close()); } }), { headers: { 'content-type': 'text/event-stream' } });
    feed(update({ kind: 'artifact-update', artifact: { artifactId: 'a', parts: [{ kind: 'text', text: 'SECRET' }] } }));
    await revoke();
    return Response.json({ jsonrpc: '2.0', id: 1, result: { kind: 'task', id: 't', contextId: 'c', status: { state: 'completed' } } });
  });
  const stream = await send(call('tasks/resubscribe', { id: 't' }));
  feed(update({ kind: 'status-update', status: { state: 'working' } }));
  const reader = stream.body.pipeThrough(new TextDecoderStream()).getReader();
  assert.match((await reader.read()).value, /working/);
  const rest = (async () => {
    let all = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return all;
      all += value;
    }
  })();
  assert.equal((await send(call('message/send', message('x', { taskId: 't' })), { headers: { 'payment-signature': token } })).status, 402);
  feed();
  assert.equal(await rest, '');
});
