// The gates of MCP and A2A in workerd, in front of servers that answer on other streams too: what is paid for comes in its own answer.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { dist } from '../../scripts/lib/build.mjs';
import { repoPath } from '../../scripts/lib/run.mjs';
import { startPlatform } from './harness.mjs';

const folder = repoPath(`target/mcp-workerd-${process.pid}`);
let platform;
let worker;
let payments;
let payment;
before(async () => {
  platform = await startPlatform();
  payments = await platform.buyer();
  payment = await platform.payment(payments);
  mkdirSync(`${folder}/node_modules`, { recursive: true });
  symlinkSync(dist('subscriber'), `${folder}/node_modules/payments-wasm`);
  const { build } = await import('esbuild');
  const { Miniflare } = await import('miniflare');
  const options = { planId: platform.planId, log: false };
  await build({
    stdin: {
      contents: `import { PaywallState } from 'payments-wasm/paywall'; import { mcpPaywall } from 'payments-wasm/mcp'; import { a2aPaywall } from 'payments-wasm/a2a'; export { PaywallState };
        const stream = (text) => new Response(new ReadableStream({ start(controller) { controller.enqueue(new TextEncoder().encode(text)); controller.close(); } }), { headers: { 'content-type': 'text/event-stream' } });
        const said = [];
        const mcp = mcpPaywall(async (request) => {
          if (request.method === 'GET') return stream(said.map((one) => 'id: 1\\ndata: ' + JSON.stringify(one) + '\\n\\n').join(''));
          const { id, params } = await request.json();
          const result = { jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'SECRET' }] } };
          said.push(result);
          return params.name === 'late' ? new Response(null, { status: 202 }) : stream('data: ' + JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress' }) + '\\n\\ndata: ' + JSON.stringify(result) + '\\n\\n');
        }, { ...${JSON.stringify(options)}, unlisted: 'deny', tools: { '*': 2 } });
        const a2a = a2aPaywall(async (request) => {
          const { method, id } = await request.json();
          const task = { kind: 'task', id: 't', contextId: 'c', status: { state: 'failed' }, artifacts: [{ artifactId: 'a', parts: [{ kind: 'text', text: 'SECRET' }] }] };
          return method === 'tasks/resubscribe' ? stream('data: ' + JSON.stringify({ jsonrpc: '2.0', id, result: { ...task, id: 'other' } }) + '\\n\\n') : Response.json({ jsonrpc: '2.0', id, result: task });
        }, ${JSON.stringify(options)});
        export default { fetch: (request, env, context) => (new URL(request.url).pathname === '/mcp' ? mcp : a2a)(request, env, context) };`,
      resolveDir: folder,
    },
    bundle: true, format: 'esm', outdir: `${folder}/bundle`, conditions: ['workerd', 'worker', 'browser'], loader: { '.wasm': 'copy' }, assetNames: '[name]', logLevel: 'error', nodePaths: [repoPath('node_modules')],
    external: ['node:*'],
  });
  worker = new Miniflare({
    host: '127.0.0.1', cf: false, modules: true, modulesRoot: `${folder}/bundle`, scriptPath: `${folder}/bundle/stdin.js`, modulesRules: [{ type: 'CompiledWasm', include: ['**/*.wasm'] }],
    compatibilityDate: '2026-04-01', compatibilityFlags: ['nodejs_compat'], durableObjects: { PAYWALL_STATE: { className: 'PaywallState', useSQLite: true } },
    bindings: { NVM_API_KEY: platform.seller.key, NVM_ENVIRONMENT: 'custom', NVM_API_URL: platform.sandbox.url },
  });
});
after(async () => {
  await worker?.dispose();
  await platform?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const post = (path, method, params) => worker.dispatchFetch(`http://worker${path}`, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }, body: JSON.stringify({ jsonrpc: '2.0', id: 7, method, params }) });

test('MCP: a result comes in the stream of its call, and on no other', async () => {
  const called = await (await post('/mcp', 'tools/call', { name: 'now', _meta: { 'x402/payment': payment } })).text();
  assert.match(called, /SECRET/);
  assert.match(called, /"id":7/);
  assert.equal(await payments.held(), 98n);
  assert.equal((await post('/mcp', 'tools/call', { name: 'late', _meta: { 'x402/payment': payment } })).status, 501);
  const other = await worker.dispatchFetch('http://worker/mcp', { headers: { accept: 'text/event-stream', 'last-event-id': '0' } });
  const reader = other.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (text.split('"id":7').length < 3) text += (await reader.read()).value;
  await reader.cancel();
  assert.doesNotMatch(text, /SECRET|x402-call/);
  assert.equal(text.match(/mcp_result_elsewhere/g).length, 2);
  assert.equal(await payments.held(), 98n);
});

test('A2A: a task that failed has no artifacts, and streams of others go on', async () => {
  const message = { kind: 'message', role: 'user', messageId: 'm', parts: [{ kind: 'text', text: 'x' }], metadata: { 'x402.payment.payload': payment } };
  for (const said of [await post('/agent', 'message/send', { message }), await post('/agent', 'tasks/get', { id: 't' })]) {
    const text = await said.text();
    assert.match(text, /failed/);
    assert.doesNotMatch(text, /SECRET/);
  }
  const stream = await post('/agent', 'tasks/resubscribe', { id: 'other' });
  const reader = stream.body.pipeThrough(new TextDecoderStream()).getReader();
  assert.match((await reader.read()).value, /SECRET/);
  await reader.cancel();
  assert.equal(await payments.held(), 98n);
});
