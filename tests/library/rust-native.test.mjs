// The crate in native programs: a service in axum that is paid, and agents that pay, over a real sandbox. The programs are those of `examples`.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { repoPath, run } from '../../scripts/lib/run.mjs';
import { startSandbox } from '../../scripts/lib/start.mjs';
import { client } from '../sandbox/client.mjs';

const folder = mkdtempSync(join(tmpdir(), 'payments-wasm-native-'));
const program = (name) => repoPath('target/examples/debug', name);
let sandbox;
let seller;
let planId;
let service;

before(async () => {
  await run('cargo', ['build', '--locked', '--manifest-path', repoPath('examples/Cargo.toml'), '--target-dir', repoPath('target/examples')], { timeout: 18 * 60_000 });
  sandbox = await startSandbox();
  seller = await client(sandbox.url).open('A seller');
  planId = await seller.plan({ price: { amounts: ['5000000'] } });
  service = await start();
}, { timeout: 20 * 60_000 });
after(async () => {
  await service?.stop();
  await sandbox?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The service, at a port of its own: `{ url, output, stop }`. */
async function start() {
  const child = spawn(program('axum_paywall'), {
    env: { ...process.env, NVM_API_KEY: seller.key, NVM_PLAN_ID: planId, NVM_ENVIRONMENT: 'custom', NVM_API_URL: sandbox.url, ADDRESS: '127.0.0.1:0', STATE: join(folder, 'state.sqlite') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((done) => child.once('exit', done));
  let output = '';
  const url = await new Promise((done, fail) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
        const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(stream === child.stdout ? text : '') ?? [];
        if (found) done(found);
      });
    }
    ended.then((code) => fail(new Error(`the service ended with ${code}\n${output}`)));
  });
  return { url, output: () => output, stop: () => { child.kill('SIGKILL'); return ended; } };
}

/** A buyer with credits and a delegation, and the environment of its agent. */
async function buyer({ credits = true } = {}) {
  const own = await client(sandbox.url).open('A buyer');
  if (credits) await own.order(planId);
  const env = { NVM_API_KEY: own.key, NVM_DELEGATION_ID: await own.delegation(), NVM_API_URL: sandbox.url };
  return { own, env, balance: async () => Number(await own.balance(planId)) };
}

const ask = (headers = {}, body = 'why?', path = '/ask') => fetch(service.url + path, { method: 'POST', body, headers });

test('each program is short', () => {
  for (const name of ['agent', 'blocking_agent', 'axum_paywall', 'axum_dialects']) {
    const lines = readFileSync(repoPath('examples/src/bin', `${name}.rs`), 'utf8').trim().split('\n').length;
    assert.ok(lines < 60, `${name}.rs has ${lines} lines`);
  }
});

test('an open route is free, an unlisted one is not found, a paid one asks for the price of this request', async () => {
  assert.equal(await (await fetch(`${service.url}/health`)).text(), 'everything is fine');
  assert.equal((await fetch(`${service.url}/other`)).status, 404);
  const offered = await ask({}, 'how and why');
  assert.equal(offered.status, 402);
  assert.equal((await offered.json()).accepts[0].extra.credits, '3');
});

for (const [name, options] of [['agent', { credits: false }], ['blocking_agent', {}]]) {
  test(`${name} pays for an answer, and says what it spent`, async () => {
    const { own, env, balance } = await buyer(options);
    const { stdout } = await run(program(name), [`${service.url}/ask`, 'what is this worth'], { env });
    assert.match(stdout, new RegExp(`^200 OK what is this worth asked by ${own.address} for 4 credits$`, 'im'));
    assert.match(stdout, /^4 (of at most \d+ )?credits$/m);
    assert.equal(await balance(), 96);
  });
}

test('a stream costs its events, and brings its receipt at the end', async () => {
  const { own, balance } = await buyer();
  const answer = await fetch(`${service.url}/stream`, { headers: { 'payment-signature': await own.token(planId) } });
  const text = await answer.text();
  assert.match(text, /data: 1\n\ndata: 2\n\ndata: 3\n\nevent: payment-response\n/);
  assert.equal(await balance(), 97);
});

test('a handler that panics costs nothing, and others are served meanwhile', async () => {
  const { own, balance } = await buyer();
  const headers = { 'payment-signature': await own.token(planId) };
  const answers = await Promise.all([ask(headers, 'panic'), ask(headers, 'how'), ask(headers, 'who')]);
  assert.deepEqual(answers.map(({ status }) => status), [502, 200, 200]);
  assert.equal(await balance(), 98);
  assert.match(service.output(), /handler: it panicked/);
});

test('the service starts again with the file of its state', async () => {
  const { own } = await buyer();
  const headers = { 'payment-signature': await own.token(planId) };
  const paid = await ask(headers);
  assert.equal(paid.status, 200);
  await service.stop();
  service = await start();
  assert.equal((await ask(headers)).status, 200);
});
