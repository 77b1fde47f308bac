// The gate on Deno and on Bun, for real: `Deno.serve(gate)` and `Bun.serve({ fetch: gate })` in a process of their own, from the
// built package, paid at the sandbox; and the npm package there as a buyer.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once as event } from 'node:events';
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { dist } from '../../scripts/lib/build.mjs';
import { repoPath, run } from '../../scripts/lib/run.mjs';
import { startSandbox } from '../../scripts/lib/start.mjs';
import { setup } from '../../scripts/lib/tools.mjs';
import { client } from '../sandbox/client.mjs';
import { raw, readHeader } from '../workerd/harness.mjs';

const programs = await setup('runtimes');
const ARGUMENTS = { deno: ['run', '--no-prompt', '--allow-net', '--allow-env', '--allow-read', 'runtime.mjs'], bun: ['runtime.mjs'] };

const folder = repoPath(`target/test-runtimes-${process.pid}`);
mkdirSync(`${folder}/node_modules`, { recursive: true });
symlinkSync(dist('subscriber'), `${folder}/node_modules/payments-wasm`);
writeFileSync(`${folder}/package.json`, '{ "type": "module", "dependencies": { "payments-wasm": "*" } }\n');
writeFileSync(`${folder}/deno.json`, '{ "nodeModulesDir": "manual" }\n');
cpSync(repoPath('tests/library/runtime.mjs'), `${folder}/runtime.mjs`);
const sandbox = await startSandbox();
const seller = await client(sandbox.url).open('A seller');
const planId = await seller.plan();
/** A service whose answers are encoded, for a handler that hands them on. */
const TEXT = JSON.stringify({ secret: 'worth paying for '.repeat(40) });
const coded = { gzip: gzipSync(TEXT), br: brotliCompressSync(TEXT), deflate: deflateSync(TEXT) };
const upstream = createServer((request, response) => {
  const coding = request.url.slice(1);
  response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': coding, 'content-length': coded[coding].length }).end(coded[coding]);
}).listen(0, '127.0.0.1');
await event(upstream, 'listening');
after(async () => {
  upstream.closeAllConnections();
  upstream.close();
  await sandbox.stop();
  rmSync(folder, { recursive: true, force: true });
});

const platform = () => ({ environment: 'custom', backend: sandbox.url });
const env = (more) => ({ ...process.env, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1', DENO_DIR: `${folder}/deno`, ...more });

/** A seller who leads whoever pays, or whoever asks, to what some runtimes would read as well. */
const PLACES = [`file://${folder}/secret.txt`, 'data:text/plain,planted', 'blob:http://127.0.0.1/1'];
writeFileSync(`${folder}/secret.txt`, 'of this machine');
const leading = createServer((request, response) => {
  const { searchParams, pathname } = new URL(request.url, 'http://localhost');
  request.resume();
  if (request.headers['payment-signature'] || pathname === '/bare') {
    return response.writeHead(pathname === '/307' ? 307 : 302, { location: PLACES[searchParams.get('to')] }).end();
  }
  const offer = { x402Version: 2, resource: { url: request.url }, accepts: [{ scheme: 'nvm:erc4337', network: 'eip155:84532', planId, extra: {} }], extensions: {} };
  response.writeHead(402, { 'payment-required': Buffer.from(JSON.stringify(offer)).toString('base64') }).end();
});
await new Promise((done) => leading.listen(0, '127.0.0.1', done));
after(() => {
  leading.close();
  leading.closeAllConnections();
});

for (const name of ['node', 'deno', 'bun']) {
  const skip = (name === 'node' ? process.execPath : programs[name]) ? false : `${name} is not installed`;
  test(`${name}: no redirect leads a buyer to a file or to data`, { skip }, async () => {
    const buyer = await client(sandbox.url).open('A buyer');
    await buyer.order(planId);
    const options = { nvmApiKey: buyer.key, ...platform(), delegationConfig: { delegationId: await buyer.delegation() } };
    const base = `http://127.0.0.1:${leading.address().port}`;
    const urls = ['/302', '/307', '/bare'].flatMap((path) => PLACES.map((_, to) => `${base}${path}?to=${to}`));
    const [program, given] = name === 'node' ? [process.execPath, ['runtime.mjs']] : [programs[name], ARGUMENTS[name]];
    const { stdout } = await run(program, given, { cwd: folder, env: env({ OPTIONS: JSON.stringify(options), BUY: urls.join(' ') }), timeout: 60_000 });
    assert.ok(!/of this machine|planted/.test(stdout), stdout);
    const answers = stdout.trim().split('\n').map((line) => JSON.parse(line));
    assert.equal(answers.length, urls.length);
    for (const [at, answer] of answers.entries()) {
      const paid = !urls[at].includes('/bare');
      assert.deepEqual(answer, paid ? { code: 'redirected_while_paying', outcome: 'unknown' } : { code: 'network_error', outcome: 'none' }, urls[at]);
    }
  });
}

for (const name of ['deno', 'bun']) {
  const skip = programs[name] ? false : `${name} is not installed`;
  let server;
  let url;
  let buyer;
  let token;
  before(async () => {
    if (skip) return;
    buyer = await client(sandbox.url).open('A buyer');
    await buyer.order(planId);
    token = await buyer.token(planId);
    const paid = { planId, credits: 2 };
    const options = {
      nvmApiKey: seller.key, ...platform(), unlisted: 'deny', log: false, state: 'memory', openRoutes: ['GET /calls', 'GET /go', 'GET /here', 'GET /gone', 'GET /hasty'],
      routes: {
        'POST /ask': paid, 'GET /stream': paid, 'GET /held': paid, 'GET /end': { ...paid, settle: 'at-end-of-stream', receipt: 'event' },
        'GET /coded/:coding': paid, 'GET /again/gzip': paid, 'GET /spent': paid, 'GET /files/*path': paid,
        'POST /long': paid, 'GET /slow': paid,
        'GET /gift': { ...paid, free: { perDay: 1, by: 'address' } },
      },
    };
    server = spawn(programs[name], ARGUMENTS[name], { cwd: folder, env: env({ OPTIONS: JSON.stringify(options), UPSTREAM: `http://127.0.0.1:${upstream.address().port}` }), stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    url = await new Promise((resolve, reject) => {
      for (const stream of [server.stdout, server.stderr]) {
        stream.setEncoding('utf8').on('data', (text) => {
          said += text;
          const [, port] = /listening on (\d+)/.exec(said) ?? [];
          if (port) resolve(`http://127.0.0.1:${port}`);
        });
      }
      server.on('exit', (code) => reject(new Error(`${name} ended with ${code}:\n${said}`)));
    });
  });
  after(() => server?.kill());

  const ask = (path, init = {}) => fetch(url + path, { method: 'POST', ...init, headers: { 'payment-signature': token, ...init.headers } });
  const get = (path, init) => ask(path, { method: 'GET', ...init });
  const calls = async () => (await (await fetch(`${url}/calls`)).json()).calls;

  test(`${name}: 402 with an offer, then paid, body and cookies as they are`, { skip }, async () => {
    const bare = await fetch(`${url}/ask`, { method: 'POST', body: 'why?' });
    assert.deepEqual([bare.status, readHeader(bare.headers.get('payment-required')).accepts[0].planId, await calls()], [402, planId, 0]);
    const answer = await ask('/ask', { body: 'why?' });
    assert.equal(await answer.text(), `why? for 2 by ${buyer.address}`);
    assert.deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2']);
    const receipt = readHeader(answer.headers.get('payment-response'));
    assert.deepEqual([receipt.success, receipt.creditsRedeemed, receipt.remainingBalance], [true, '2', '98']);
  });

  if (name === 'bun') test('bun: a service that thinks for longer than the server is patient is answered for', { skip }, async () => {
    const { port } = await (await fetch(`${url}/hasty`)).json();
    const answer = await fetch(`http://127.0.0.1:${port}/slow`, { headers: { 'payment-signature': await buyer.token(planId) } });
    assert.deepEqual([answer.status, readHeader(answer.headers.get('payment-response')).success], [200, true]);
  });

  test(`${name}: no alias of a paid path is served unpaid`, { skip }, async () => {
    const before = await calls();
    for (const path of ['/ask', '//ask', '/ASK', '/ask/', '/%61sk', '/a/../ask', '/ask;x', '/./ask', `${url}/ask`, `${url}//ask`]) {
      const { status } = await raw(url, `POST ${path} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      assert.ok([0, 400, 402, 404].includes(status), `${path}: ${status}`);
    }
    assert.equal(await calls(), before);
  });

  test(`${name}: the first event is there while the handler still writes`, { skip }, async () => {
    const answer = await get('/stream');
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    assert.equal((await reader.read()).value, 'data: one\n\n');
    assert.ok(answer.headers.get('payment-response'));
    await fetch(`${url}/go`);
    assert.deepEqual([(await reader.read()).value, (await reader.read()).done], ['data: two\n\n', true]);
  });

  test(`${name}: a large body goes up and down unchanged`, { skip }, async () => {
    const body = 'abc'.repeat(500_000);
    assert.equal(await (await ask('/ask', { body })).text(), `${body} for 2 by ${buyer.address}`);
  });

  test(`${name}: a single-use token that is presented thirty times at once is served once`, { skip }, async () => {
    const resource = { url: `${url}/ask` };
    const single = await buyer.token(planId, { resource, tokenVersion: 3, extra: { httpVerb: 'POST' } });
    const before = await calls();
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask('/ask', { body: 'x', headers: { 'payment-signature': single } })));
    assert.deepEqual(answers.map(({ status }) => status).filter((status) => status === 200), [200]);
    assert.equal(await calls(), before + 1);
  });

  test(`${name}: what a handler hands on of an upstream that encodes is readable`, { skip }, async () => {
    for (const path of ['/coded/gzip', '/coded/br', '/coded/deflate', '/again/gzip']) {
      const answer = await get(path);
      assert.deepEqual([answer.status, await answer.text()], [200, TEXT], path);
      assert.ok(answer.headers.get('payment-response'), path);
    }
  });

  test(`${name}: a response that was read already is a 502, and costs nothing`, { skip }, async () => {
    const before = Number(await buyer.balance(planId));
    const answer = await get('/spent');
    assert.deepEqual([answer.status, (await answer.json()).code], [502, 'origin_unusable']);
    assert.equal(Number(await buyer.balance(planId)), before);
  });

  test(`${name}: a price function sees what is forwarded, and reads a body that the handler has all the same`, { skip }, async () => {
    for (const path of ['/files/big', '//files/big', '/files//big/', '/FILES/big', '/files/%62ig']) {
      const answer = await get(path);
      assert.equal(readHeader(answer.headers.get('payment-response')).creditsRedeemed, '5', path);
    }
    const answer = await ask('/long', { body: 'longer than five' });
    assert.equal(readHeader(answer.headers.get('payment-response')).creditsRedeemed, '3');
    assert.equal(await answer.text(), `longer than five for 3 by ${buyer.address}`);
    const large = await ask('/long', { body: 'x'.repeat(1024 * 1024 + 1) });
    assert.deepEqual([large.status, (await large.json()).code], [413, 'body_too_large']);
  });

  test(`${name}: the address is the connection's`, { skip }, async () => {
    const free = await fetch(`${url}/gift`);
    assert.equal(free.status, 200);
    assert.equal((await fetch(`${url}/gift`, { headers: { 'x-forwarded-for': '9.9.9.9', 'cf-connecting-ip': '9.9.9.9' } })).status, 402, 'and no header says it');
  });

  test(`${name}: a client that went away before it was served is not charged`, { skip, timeout: 60_000 }, async () => {
    const stop = new AbortController();
    const asking = get('/held', { signal: stop.signal }).catch((error) => error.name);
    await fetch(`${url}/here`);
    const before = Number(await buyer.balance(planId));
    stop.abort();
    assert.equal(await asking, 'AbortError');
    await fetch(`${url}/gone`);
    assert.equal((await ask('/ask', { body: 'x' })).status, 200);
    assert.equal(Number(await buyer.balance(planId)), before - 2, 'only what was served after it');
  });

  test(`${name}: the npm package there buys`, { skip }, async () => {
    const options = { nvmApiKey: buyer.key, ...platform(), delegationConfig: { delegationId: await buyer.delegation() } };
    const { stdout } = await run(programs[name], ARGUMENTS[name], { cwd: folder, env: env({ OPTIONS: JSON.stringify(options), BUY: `${url}/ask` }), timeout: 60_000 });
    assert.deepEqual(JSON.parse(stdout.trim().split('\n').at(-1)), { status: 200, text: `bought for 2 by ${buyer.address}`, credits: '2' });
  });
}
