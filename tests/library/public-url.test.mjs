// The gate behind something that ends TLS: buyers ask https, the gate is reached by http. What it offers, and what tokens are
// for, is the address that it is told, never one that a header says.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once as event } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { dist } from '../../scripts/lib/build.mjs';
import { paywall } from '../../target/dist/subscriber/paywall.js';
import { toNodeListener } from '../../target/dist/subscriber/paywall.node.js';
import { startPlatform } from '../node/harness.mjs';
import { PLAN, SELLER_KEY, readHeader } from '../workerd/harness.mjs';
import { facilitator } from './harness.mjs';

const PUBLIC = 'https://api.example';
const BELIEVED_BY_OTHERS = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'api.example', forwarded: 'proto=https;host=api.example' };
const folder = mkdtempSync(join(tmpdir(), 'payments-wasm-public-'));
const children = [];
after(() => {
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** The command, in front of a service; the address that it listens on. */
async function command(routes, ...more) {
  const file = join(folder, `routes-${children.length}.json`);
  writeFileSync(file, JSON.stringify({ routes, unlisted: 'deny', log: false }));
  const child = spawn(process.execPath, [dist('subscriber', 'cli', 'bin.js'), 'paywall', '--port', '0', '--routes', file, ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let said = '';
  return new Promise((done, fail) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        said += text;
        const url = /http:\/\/127[^ ]+/.exec(said)?.[0];
        if (url) done(url);
      });
    }
    child.on('exit', (code) => fail(new Error(`ended with ${code}: ${said}`)));
  });
}

/** One request as a proxy sends it on. */
const sent = (url, { method = 'POST', headers = {}, body = '{}' } = {}) => new Promise((done, fail) => {
  httpRequest(url, { method, headers }, (answer) => {
    const parts = [];
    answer.on('data', (part) => parts.push(part)).on('end', () => {
      const all = new Headers();
      for (let at = 0; at < answer.rawHeaders.length; at += 2) all.append(answer.rawHeaders[at], answer.rawHeaders[at + 1]);
      done(new Response(Buffer.concat(parts), { status: answer.statusCode, headers: all }));
    });
  }).on('error', fail).end(body);
});
const offered = async (url, headers) => readHeader((await sent(`${url}/ask`, { headers })).headers.get('payment-required')).resource.url;

test('the command offers what --public-url says, and no forwarded header changes what is offered', async () => {
  const origin = ['--origin', 'http://127.0.0.1:1', '--backend', facilitator.url, '--key', SELLER_KEY];
  const routes = { 'POST /ask': { planId: PLAN, credits: 2, scheme: 'nvm:erc4337', network: 'eip155:84532' } };
  const configured = await command(routes, ...origin, '--public-url', PUBLIC);
  for (const headers of [{}, { host: 'internal:8787' }, BELIEVED_BY_OTHERS, { 'x-forwarded-host': 'evil.example' }]) assert.equal(await offered(configured, headers), `${PUBLIC}/ask`);
  const untold = await command(routes, ...origin);
  assert.equal(await offered(untold, { host: 'api.example', ...BELIEVED_BY_OTHERS }), 'http://api.example/ask');
});

test('toNodeListener is told the scheme by an option, and by no header', async () => {
  const gate = paywall(() => new Response('x'), { nvmApiKey: SELLER_KEY, environment: 'custom', backend: facilitator.url, unlisted: 'deny', log: false, routes: { 'POST /ask': { planId: PLAN, credits: 2 } } });
  for (const [options, expected] of [[{ protocol: 'https' }, `${PUBLIC}/ask`], [undefined, 'http://api.example/ask']]) {
    const server = createServer(toNodeListener(gate, options)).listen(0, '127.0.0.1');
    await event(server, 'listening');
    assert.equal(await offered(`http://127.0.0.1:${server.address().port}`, { ...BELIEVED_BY_OTHERS, host: 'api.example' }), expected);
    server.closeAllConnections();
    server.close();
  }
});

test('an agent whose endpoints are registered as https is sold through the command, by tokens of both versions', async () => {
  const platform = await startPlatform();
  const service = createServer((request, response) => response.end('bought')).listen(0, '127.0.0.1');
  await event(service, 'listening');
  try {
    const { json } = await platform.seller.post('/api/v1/protocol/agents', {
      metadataAttributes: { name: 'Oracle' }, agentApiAttributes: { endpoints: [{ POST: `${PUBLIC}/ask` }] }, plans: [platform.planId],
    });
    const inner = await command({ 'POST /ask': { planId: platform.planId, credits: 2, agentId: json.data.agentId } },
      '--origin', `http://127.0.0.1:${service.address().port}`, '--backend', platform.sandbox.url, '--key', platform.seller.key, '--public-url', PUBLIC);
    const via = async (input, init) => {
      const asked = new Request(input, init);
      return sent(asked.url.replace(PUBLIC, inner), { method: asked.method, headers: { ...Object.fromEntries(asked.headers), host: '127.0.0.1:8787' }, body: Buffer.from(await asked.arrayBuffer()) });
    };
    for (const tokenVersion of [2, 3]) {
      await fetch(`${platform.sandbox.url}/sandbox/settings`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ tokenVersion }) });
      const payments = await platform.buyer({ tokenVersion });
      const { response } = await payments.fetch(`${PUBLIC}/ask`, { method: 'POST', body: '{}' }, { fetch: via });
      assert.deepEqual([response.status, await response.text()], [200, 'bought'], `version ${tokenVersion}`);
    }
  } finally {
    service.close();
    await platform.stop();
  }
});
