// `npx payments-wasm`, where a person mistypes, and where something stands in the way: in the words of the command line.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { dist } from '../../scripts/lib/build.mjs';
import { run } from '../../scripts/lib/run.mjs';
import { crateVersion } from '../../scripts/lib/tools.mjs';
import { PLAN, SELLER_KEY } from '../workerd/kit.mjs';

const folder = mkdtempSync(join(tmpdir(), 'payments-wasm-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const routes = join(folder, 'routes.json');
writeFileSync(routes, JSON.stringify({ 'POST /ask': { planId: PLAN, credits: 2 } }));

const BIN = dist('subscriber', 'cli/bin.js');
const said = (...args) => run(process.execPath, [BIN, ...args], { anyCode: true });
const gate = ['paywall', '--origin', 'http://127.0.0.1:1', '--routes', routes, '--key', SELLER_KEY, '--backend', 'http://127.0.0.1:1'];

test('--version is the version', async () => {
  for (const option of ['--version', '-v']) assert.deepEqual(await said(option).then(({ code, stdout }) => [code, stdout.trim()]), [0, crateVersion()]);
});

for (const [args, message] of [
  [['paywal'], 'paywal is not a command; did you mean paywall?'],
  [['sandbx', '--port', '0'], 'sandbx is not a command; did you mean sandbox?'],
  [['paywall', 'jurnal'], 'paywall jurnal is not a command; did you mean journal?'],
  [['sandbox', 'int'], 'sandbox int is not a command; did you mean init?'],
  [['paywall', '--orign', 'http://127.0.0.1:1'], '--orign is not an option; did you mean --origin?'],
  [['sandbox', '--sead=x'], '--sead is not an option; did you mean --seed?'],
  [['sandbox', '--colour'], '--colour is not an option'],
  [['dance'], 'dance is not a command'],
]) {
  test(`${args.join(' ')}: the word that was meant`, async () => {
    const { code, stderr } = await said(...args);
    assert.deepEqual([code, stderr.split('\n')[0]], [1, message]);
  });
}

test('a port that is in use is said to be, without a stack', async (t) => {
  const other = createServer();
  await new Promise((done) => other.listen(0, '127.0.0.1', done));
  t.after(() => other.close());
  const { port } = other.address();
  const { code, stderr } = await said(...gate, '--port', String(port));
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`^port ${port} is in use: choose another with --port`, 'm'));
  assert.ok(!/\n\s+at /.test(stderr), stderr);
});

test('what is wrong is named as the command line names it', async () => {
  for (const [more, message] of [[['--key', 'hello'], /^--key \(or the variable NVM_API_KEY\) must be/m], [['--backend', 'http://evil.example'], /^--backend must be/m], [['--public-url', 'x'], /^--public-url must be/m]]) {
    const { code, stderr } = await said(...gate, ...more, '--port', '0');
    assert.equal(code, 1);
    assert.match(stderr, message);
  }
});

test('warnings name the option that helps, and a platform that cannot be reached is said to be at the start', async () => {
  const child = spawn(process.execPath, [BIN, ...gate, '--port', '0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  const seen = new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(text)), 20_000);
    child.stderr.setEncoding('utf8').on('data', (more) => {
      text += more;
      if (/--backend http:\/\/127\.0\.0\.1:1 cannot be reached/.test(text)) { clearTimeout(timer); done(); }
    });
  });
  await seen.finally(() => child.kill());
  assert.match(text, /Without --memory/);
  assert.ok(!/Durable Object|isolate/.test(text), text);
});
