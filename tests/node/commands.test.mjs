// `npm run sandbox` and `npm run paywall` as a person starts them: each alone, and ended with Ctrl-C.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { newAccount } from '../../scripts/lib/demo-servers.mjs';
import { startOrigin } from '../../scripts/lib/start.mjs';
import { repoPath } from '../../scripts/lib/run.mjs';

const folder = mkdtempSync(join(tmpdir(), 'payments-wasm-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Starts a command, waits for the URL that it prints, and gives what ends it. */
async function start(t, script, ...args) {
  const child = spawn(process.execPath, [repoPath('scripts', script), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  const url = await new Promise((resolve, reject) => {
    const listen = (chunk) => {
      said += chunk;
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said.replace(/\x1b\[[0-9;]*m/g, ''));
      if (found) resolve(found[0]);
    };
    child.stdout.setEncoding('utf8').on('data', listen);
    child.stderr.setEncoding('utf8').on('data', (chunk) => { said += chunk; });
    child.on('close', (code) => reject(new Error(`${script} ended with ${code}: ${said}`)));
  });
  const stop = async () => {
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGINT');
    await ended;
    await assert.rejects(fetch(url), 'nothing listens any more');
  };
  return { url, stop };
}

test('the sandbox, twice on one folder: what was there is there again', async (t) => {
  const data = join(folder, 'data');
  const first = await start(t, 'sandbox.mjs', '--port', '0', '--data', data);
  const { nvmApiKey, accountAddress } = await newAccount(first.url, 'Somebody');
  await first.stop();
  const second = await start(t, 'sandbox.mjs', '--port', '0', '--data', data);
  const page = await (await fetch(`${second.url}/login?returnUrl=${encodeURIComponent('http://127.0.0.1:1/')}`)).text();
  assert.match(page, /Somebody/);
  assert.ok(nvmApiKey && accountAddress);
  await second.stop();
});

test('the demo and the tests leave no folder behind, however they end', { skip: process.platform === 'win32' }, async (t) => {
  const left = (pid) => ['/dev/shm', tmpdir()].flatMap((place) => (existsSync(place) ? readdirSync(place) : []))
    .filter((name) => name.startsWith(`payments-wasm-sandbox-${pid}-`));
  const program = `const { startSandbox } = await import(${JSON.stringify(repoPath('scripts/lib/start.mjs'))});
    await startSandbox();
    console.log('ready', process.pid);
    setInterval(() => {}, 1e6);`;
  // As npm does, with a process in between that can be killed.
  const between = 'require("node:child_process").spawn(process.execPath, ["--input-type=module", "-e", process.argv[1]], { stdio: "inherit" }); setInterval(() => {}, 1e6);';
  for (const end of ['SIGINT', 'SIGTERM', 'SIGHUP', 'parent']) {
    const args = end === 'parent' ? ['-e', between, program] : ['--input-type=module', '-e', program];
    const child = spawn(process.execPath, args, { env: { ...process.env, npm_lifecycle_event: 'demo' }, stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => child.kill('SIGKILL'));
    let said = '';
    const pid = await new Promise((done, fail) => {
      child.stdout.setEncoding('utf8').on('data', (text) => {
        said += text;
        const [, number] = /ready (\d+)/.exec(said) ?? [];
        if (number) done(Number(number));
      });
      child.once('exit', (code) => fail(new Error(`ended with ${code}`)));
    });
    assert.equal(left(pid).length, 1);
    const ended = new Promise((done) => { child.stdout.once('close', done); });
    child.kill(end === 'parent' ? 'SIGKILL' : end);
    await ended;
    assert.deepEqual(left(pid), [], end);
  }
});

test('faults are there when they are asked for, and only then', async (t) => {
  for (const [flags, status] of [[['--faults'], 200], [[], 404]]) {
    const sandbox = await start(t, 'sandbox.mjs', '--port', '0', ...flags);
    assert.equal((await fetch(`${sandbox.url}/sandbox/faults`)).status, status);
    await sandbox.stop();
  }
});

test('the paywall in front of an origin, with a sandbox behind it', async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.stop());
  const sandbox = await start(t, 'sandbox.mjs', '--port', '0');
  const { nvmApiKey } = await newAccount(sandbox.url, 'A seller');
  const routes = join(folder, 'routes.json');
  writeFileSync(routes, JSON.stringify({ routes: { 'POST /ask': { planId: '77', credits: 2, scheme: 'nvm:erc4337' } }, open: ['GET /health'] }));
  const paywall = await start(t, 'paywall.mjs', '--port', '0', '--origin', origin.url, '--routes', routes,
    '--api', sandbox.url, '--key', nvmApiKey);
  assert.equal((await fetch(`${paywall.url}/ask`, { method: 'POST', body: '{}' })).status, 402);
  assert.equal((await fetch(`${paywall.url}/health`)).status, 200);
  assert.equal((await fetch(`${paywall.url}/other`)).status, 404);
  await paywall.stop();
  await sandbox.stop();
});

test('arguments that are wrong are named', async () => {
  for (const [script, args, said] of [
    ['paywall.mjs', ['--port', '0'], /--origin/],
    ['sandbox.mjs', ['--port', 'x'], /--port/],
    ['sandbox.mjs', ['--prot', '1'], /--prot/],
  ]) {
    const child = spawn(process.execPath, [repoPath('scripts', script), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    child.stdout.on('data', (chunk) => { text += chunk; });
    child.stderr.on('data', (chunk) => { text += chunk; });
    const code = await new Promise((resolve) => child.on('close', resolve));
    assert.notEqual(code, 0, script);
    assert.match(text, said);
  }
});
