// Clients of MCP that want results for nothing, against a server that is not strict: it reads every body as far as it can, and answers what it is asked (rule 16).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { mcpPaywall } from '../../target/dist/subscriber/mcp.js';
import { startPlatform } from './harness.mjs';
import { ADDRESS } from './mcp-client.mjs';

let platform;
let payments;
let payment;
before(async () => {
  platform = await startPlatform();
  payments = await platform.buyer();
  payment = await platform.payment(payments);
});
after(() => platform.stop());

const options = (more = {}) => ({
  nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url, planId: platform.planId, state: 'memory', log: false, unlisted: 'pass',
  tools: { shout: 2, free: 0 }, resources: { 'report://{day}/part': 1, 'file://{+path}': 3 }, ...more,
});
const call = (more) => ({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'shout' }, ...more });
const paid = (more) => call({ params: { name: 'shout', _meta: { 'x402/payment': payment } }, ...more });
const text = (value) => (typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value));

/** A gate in front of a handler that answers, and what it heard. */
function behind(t, answer = () => Response.json({}), more = {}) {
  const heard = [];
  const gate = mcpPaywall(async (request) => {
    heard.push({ method: request.method, body: await request.text(), headers: request.headers });
    return answer(heard.at(-1));
  }, options(more));
  t.after(() => gate.close());
  const send = (body, { method = 'POST', type = 'application/json', headers = {} } = {}) => gate(new Request(ADDRESS, { method, headers: { ...(type && { 'content-type': type }), ...headers }, ...(body !== undefined && { body: text(body) }) }));
  return { heard, gate, send };
}

test('what a server could read as a call that is paid for does not reach it unpaid', async (t) => {
  const { heard, send } = behind(t);
  const wide = new Uint8Array(Buffer.from(JSON.stringify(call()), 'utf16le'));
  const rows = [
    ['a list in a list', [[call()]]], ['a list in a list beside a free call', [call({ method: 'ping' }), [call()]]], ['a text of JSON', JSON.stringify(JSON.stringify(call()))], ['null', 'null'],
    ['a method twice', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"shout"},"method":"tools/list"}'],
    ['a method twice, once escaped', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"shout"},"me\\u0074hod":"tools/list"}'],
    ['a name twice', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"shout","name" : "free"}}'],
    ['members by the prototype', '{"jsonrpc":"2.0","id":1,"__proto__":{"method":"tools/call","params":{"name":"shout"}}}'],
    ['parameters by the prototype', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free","__proto__":{"name":"shout"}}}'],
    ['an id beyond all numbers', '{"jsonrpc":"2.0","id":1e400,"method":"tools/call","params":{"name":"shout"}}'],
    ...[null, true, [1], {}].map((id) => [`the id ${JSON.stringify(id)}`, call({ id })]), ["an id of the gate's own", call({ id: 'x402-call:1:1', method: 'ping' })],
    ['another case', call({ params: { name: 'SHOUT' } })], ['spaces', call({ params: { name: ' shout' } })], ['wide letters', call({ params: { name: 'ｓhout' } })],
    ['a text after it', `${JSON.stringify(call())} x`, { type: 'text/plain' }], ['a comment before it', `/**/${JSON.stringify(call())}`, { type: 'application/x-www-form-urlencoded' }],
    ['UTF-16', wide, { type: 'text/plain' }], ['UTF-16 as a form', wide, { type: 'application/x-www-form-urlencoded' }],
    ['gzip', gzipSync(JSON.stringify(call())), { type: 'application/x-www-form-urlencoded', headers: { 'content-encoding': 'gzip' } }],
    ['the result of a task in another case', call({ method: 'Tasks/Result', params: { taskId: '1' } })], ['a name without end', call({ params: { name: 'x'.repeat(10_000) } })],
  ];
  for (const [name, body, how] of rows) {
    const answer = await send(body, how);
    assert.deepEqual([name, answer.status, [-32600, -32700].includes((await answer.json()).error.code)], [name, 400, true]);
  }
  for (const method of ['PUT', 'PATCH', 'REPORT']) assert.equal((await send(call(), { method })).status, 405, method);
  assert.equal((await send(undefined, { method: 'GET', type: '', headers: { upgrade: 'websocket' } })).status, 501);
  assert.deepEqual(heard, []);
  for (const method of ['DELETE', 'OPTIONS']) assert.equal((await send(call(), { method })).status, 200);
  assert.deepEqual(heard.map(({ method, body }) => [method, body]), [['DELETE', ''], ['OPTIONS', '']], 'their bodies stay here');
});

test('what has no price passes as it is', async (t) => {
  const { heard, send } = behind(t);
  const bodies = ['{"jsonrpc":"2.0","id":12345678901234567890,"method":"tools/call","params":{"name":"free","arguments":{"a":{"name":1},"b":[{"name":1},{"name":"\\\\\\""}]}}}',
    JSON.stringify(call({ params: { name: 'other' } })), '[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]'];
  for (const body of bodies) assert.equal((await send(body)).status, 200, body);
  assert.deepEqual(heard.map(({ body }) => body), bodies);
});

test('a URI that some server reads as one of a template has the price of the template', async (t) => {
  const { heard, send } = behind(t);
  for (const uri of ['report://a?b/part', 'report://a#b/part', 'report://%zz/part', 'file://a/b/c', 'file://x']) {
    const { error } = await (await send(call({ method: 'resources/read', params: { uri } }))).json();
    assert.deepEqual([uri, error?.code], [uri, -32003]);
  }
  assert.deepEqual(heard, []);
});

test('the result of a task is not given out, and a paid call is not made as one', async (t) => {
  const { heard, send } = behind(t);
  for (const body of [call({ method: 'tasks/result', params: { taskId: '1' } }), paid({ params: { ...paid().params, task: { ttl: 60_000 } } })]) {
    const { error } = await (await send(body)).json();
    assert.equal(error.code, -32601);
    const [{ error: inBatch }] = await (await send([body])).json();
    assert.match(inBatch.message, /comes in its own response/);
  }
  assert.deepEqual([heard, await payments.held()], [[], 100n]);
});

test('where the price is a function of the call, the server reads no other value of it than the price', async (t) => {
  const { heard, send } = behind(t, () => Response.json({}), { tools: { shout: ({ args }) => args.words } });
  for (const args of ['{"words":1,"Words":9}', '{"words":1,"wor_ds":9}', '{"words":1,"a":[{"b-c":1,"bC":2}]}', '{"__proto__":{"words":9}}', '{"words":1,"ｗords":9}']) {
    const { error } = await (await send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"shout","arguments":${args}}}`)).json();
    assert.deepEqual([args, error?.code], [args, -32602]);
  }
  assert.equal((await send(call({ params: { name: 'shout', arguments: { words: 1 }, Arguments: { words: 9 } } }))).status, 400);
  const { result } = await (await send(call({ params: { name: 'shout', arguments: { words: 1, others: { words: 9 } } } }))).json();
  assert.deepEqual([result.structuredContent.accepts[0].extra.credits, heard], ['1', []]);
});

test('a stream gives out one result, once it is settled, whatever else the server says in it', async (t) => {
  const broke = await platform.buyer();
  const delegationId = await broke.own.delegation();
  const { accessToken } = await broke.x402.getX402AccessToken(platform.planId, undefined, { delegationConfig: { delegationId } });
  const secret = { content: [{ type: 'text', text: 'SECRET' }] };
  const events = (id) => [
    { jsonrpc: '2.0', id: 'another', result: secret }, [{ jsonrpc: '2.0', id: null, result: secret }], `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"a":NaN,"b":"SECRET"}}`,
    { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 1 } }, { jsonrpc: '2.0', id, result: secret }, { jsonrpc: '2.0', id, result: secret },
  ].map((one) => `data: ${text(one)}\n\n`).join('');
  const { send } = behind(t, async ({ body }) => {
    // The delegation ends between verification and settlement.
    await broke.delegation.revokeDelegation(delegationId);
    return new Response(events(JSON.parse(body).id), { headers: { 'content-type': 'text/event-stream' } });
  });
  const unsettled = call({ params: { name: 'shout', _meta: { 'x402/payment': JSON.parse(Buffer.from(accessToken, 'base64url')) } } });
  const said = await (await send(unsettled)).text();
  assert.doesNotMatch(said, /SECRET/);
  assert.match(said, /notifications\/progress/);
  assert.match(said, /"id":1,"result":\{"isError":true/);
  const whole = await (await behind(t, ({ body }) => new Response(events(JSON.parse(body).id), { headers: { 'content-type': 'text/event-stream' } })).send(paid())).text();
  assert.equal(whole.match(/SECRET/g).length, 1);
});

test('an answer that holds no result is not charged', async (t) => {
  const before = await payments.held();
  for (const [status, body, said] of [[202, 'Accepted', 501], [202, '{"accepted":true}', 501], [200, '{"ok":true}', 200], [200, '"text"', 200], [200, 'null', 200], [200, '{"jsonrpc":"2.0","id":1,"result":{}}', 200]]) {
    const { send } = behind(t, () => new Response(body, { status, headers: { 'content-type': 'application/json' } }));
    const answer = await send(paid());
    const { id, error } = await answer.json();
    assert.deepEqual([body, answer.status, id, error.code], [body, said, 1, -32603]);
  }
  assert.equal(await payments.held(), before);
});

test('a result that a server sends for a paid call in the answer to another request is not given out', async (t) => {
  let id;
  const secret = () => JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'SECRET' }] } });
  for (const [type, body] of [['application/json', () => secret()], ['', () => secret()], ['text/plain', () => secret()], ['application/json', () => `[${secret()}]`], ['application/json', () => `${secret()} x`],
    ['text/event-stream', () => `data: ${secret()}\n\n`], ['text/event-stream', () => `data: [${secret()}]\r\n\r\n`], ['text/event-stream', () => `data: ${secret()}\n\r\ndata: ${secret()}\n\r\n`]]) {
    const { send } = behind(t, ({ body: asked }) => {
      const [sent] = asked ? [JSON.parse(asked)].flat() : [];
      if (sent?.method === 'tools/call') {
        ({ id } = sent);
        return new Response(null, { status: 202 });
      }
      return new Response(new TextEncoder().encode(body()), { headers: type ? { 'content-type': type } : {} });
    });
    assert.equal((await send(paid())).status, 501);
    for (const [asked, how] of [[call({ method: 'ping' })], [undefined, { method: 'GET', type: '' }]]) {
      const said = await (await send(asked, how)).text();
      assert.doesNotMatch(said, /SECRET/, type);
      assert.doesNotMatch(said, /x402-call/, type);
    }
  }
});
