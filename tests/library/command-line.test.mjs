// `npx payments-wasm`, where a person mistypes, and where something stands in the way: in the words of the command line.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { dist } from '../../scripts/lib/build.mjs';
import { repoPath, run } from '../../scripts/lib/run.mjs';
import { crateVersion } from '../../scripts/lib/tools.mjs';
import { PLAN, SELLER_KEY } from '../workerd/harness.mjs';

const folder = mkdtempSync(join(tmpdir(), 'payments-wasm-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const routes = join(folder, 'routes.json');
writeFileSync(routes, JSON.stringify({ 'POST /ask': { planId: PLAN, credits: 2 } }));

const BIN = dist('subscriber', 'cli/bin.js');
const said = (...args) => run(process.execPath, [BIN, ...args], { anyCode: true });
const base = ['paywall', '--origin', 'http://127.0.0.1:1', '--key', SELLER_KEY, '--backend', 'http://127.0.0.1:1'];
const gate = [...base, '--routes', routes];

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
  [['journal'], 'journal is not a command; did you mean paywall journal?'],
  [['init'], 'init is not a command; did you mean paywall init?'],
  [['Paywall'], 'Paywall is not a command; did you mean paywall?'],
  [['demo', 'init'], 'demo init is not a command'],
  [['paywall', 'init', 'a', 'b'], 'paywall init: what is b?'],
  // Flags of another command are none of this one.
  [['paywall', '--seed', 'x'], '--seed is not an option of paywall'],
  [['sandbox', '--orign=x'], '--orign is not an option'],
  [['paywall', 'init', '--memory'], '--memory is not an option of paywall init'],
  [['demo', '--headles'], '--headles is not an option; did you mean --headless?'],
  [['paywall', 'journal', '--tokn', 'x'], '--tokn is not an option; did you mean --token?'],
  [['paywall', '--timout-ms', '5'], '--timout-ms is not an option; did you mean --timeout-ms?'],
  [['paywall', '--timeoutMs=5'], '--timeoutMs is not an option; did you mean --timeout-ms?'],
  [['sandbox', '--hlep'], '--hlep is not an option; did you mean --help?'],
  [['--verion'], '--verion is not an option; did you mean --version?'],
  [['paywall', '-p', '3'], '-p is not an option'],
  // Values.
  [['sandbox', '--port'], '--port wants a value: --port VALUE, or --port=VALUE'],
  [['sandbox', '--seed='], '--seed wants a value: --seed VALUE, or --seed=VALUE'],
  [['paywall', '--origin', '--routes', 'x'], '--origin wants a value: --origin VALUE, or --origin=VALUE'],
  [['paywall', 'init', '--force=yes'], '--force takes no value'],
  [['sandbox', '--port', '1', '--port=2'], '--port is given twice'],
  [['sandbox', '--port', '-1'], '--port wants a port number (0 to 65535), not "-1"'],
  [['sandbox', '--port=1e3'], '--port wants a port number (0 to 65535), not "1e3"'],
  [['demo', '--port', '65536'], '--port wants a port number (0 to 65535), not "65536"'],
  [['paywall'], '--origin is missing'],
  [['paywall', '--origin=http://127.0.0.1:1'], '--routes is missing'],
  [['paywall', '--', 'npm', 'test'], 'paywall runs no command: what comes after -- is for sandbox'],
  [['paywall', 'journal'], '--url is missing'],
  [['paywall', 'journal', '--url', 'ftp://x', '--token', 'x'], '--url must be an http or https URL'],
]) {
  test(`${args.join(' ')}: the word that was meant`, async () => {
    const { code, stderr } = await said(...args);
    assert.deepEqual([code, stderr.split('\n')[0]], [1, message]);
    assert.ok(!/\n\s+at /.test(stderr), stderr);
  });
}

test('--help says all that there is, and of one command what it takes; the flags are those of the description', async () => {
  const { command } = JSON.parse(readFileSync(repoPath('src/options.json'), 'utf8'));
  const all = await said('--help');
  assert.equal(all.code, 0);
  for (const [name, { usage, flags }] of Object.entries(command)) {
    assert.ok(all.stdout.includes(`payments-wasm ${usage}`), name);
    for (const ways of [[...name.split(' '), '--help'], [...name.split(' '), '-h'], ['help', ...name.split(' ')]]) {
      const { code, stdout } = await said(...ways);
      assert.equal(code, 0, ways.join(' '));
      assert.ok(stdout.startsWith(`payments-wasm ${usage}`), stdout);
      for (const flag of Object.keys(flags)) assert.ok(stdout.includes(` --${flag}`), `${name} --${flag}`);
    }
  }
  assert.equal((await said()).stdout, all.stdout, 'it is what is said of nothing');
});

test('a key and a platform that are missing are asked for by their flags', async () => {
  const asked = async (env, ...more) => (await run(process.execPath, [BIN, 'paywall', '--origin', 'http://127.0.0.1:1', '--routes', routes, '--port', '0', ...more], { env, anyCode: true })).stderr.split('\n')[0];
  for (const NVM_API_KEY of [undefined, '', ' ']) assert.equal(await asked({ NVM_API_KEY }), '--key (or the variable NVM_API_KEY) is missing');
  assert.equal(await asked({ NVM_API_KEY: "'local:e30.e30.e30'" }), 'NVM_API_KEY must be a Nevermined API key');
  assert.equal(await asked({ NVM_API_KEY: undefined, NVM_API_URL: undefined }, '--key', 'local:e30.e30.e30'), '--backend is missing');
});

test('a file of routes in every encoding that editors write, and what is wrong with one is said by its name', async () => {
  const file = (name, content) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const listed = JSON.stringify({ 'POST /ask': { planId: PLAN, credits: 2, limt: 1 } });
  const utf16 = Buffer.from(`\ufeff${listed}`, 'utf16le');
  const read = /: routes\["POST \/ask"\]\.limt is not a key of a route; did you mean limit\?$/m;
  for (const [name, content, expected] of [
    ['plain.json', listed, read], ['mark.json', `\ufeff${listed}`, read], ['utf16le.json', utf16, read], ['utf16be.json', Buffer.from(utf16).swap16(), read],
    ['unmarked16.json', Buffer.from(listed, 'utf16le'), /is no text in UTF-8; save it in that encoding$/m],
    ['latin.json', Buffer.from('{"POST /\xe9": 1}', 'latin1'), /cannot be read: it is no text in UTF-8; save it in that encoding$/m],
    ['empty.json', '', /is not JSON: /], ['half.json', '{"POST /ask":', /is not JSON: /], ['list.json', '[]', /is no JSON object$/m], ['number.json', '5', /is no JSON object$/m],
    ['unlisted.json', JSON.stringify({ routes: JSON.parse(listed) }), /: unlisted is missing: choose "deny" or "pass"$/m],
    ['typo.json', JSON.stringify({ rotues: {}, unlisted: 'deny' }), /: rotues is not an option; did you mean routes\?$/m],
    ['deep.json', JSON.stringify({ routes: { 'POST /ask': { planId: PLAN, credits: { by: 'query', nam: 'n', each: 1, most: 3 } } }, unlisted: 'deny' }), /credits\.nam is not a key of a price; did you mean name\?$/m],
  ]) {
    const path = file(name, content);
    const { code, stderr } = await said(...base, '--port', '0', `--routes=${path}`);
    assert.equal(code, 1, name);
    assert.match(stderr.split('\n')[0], expected, name);
    assert.ok(stderr.startsWith(`--routes: ${path}`), stderr);
  }
  for (const path of [join(folder, 'nowhere.json'), folder]) assert.match((await said(...base, '--port', '0', '--routes', path)).stderr, /^--routes: \S+ cannot be read: /);
});

test('every option of the gate that is no secret is a flag, which comes before the file', async () => {
  const file = join(folder, 'all.json');
  writeFileSync(file, JSON.stringify({ routes: { 'POST /ask': { planId: PLAN, credits: 2 } }, unlisted: 'deny', timeoutMs: 0, log: 'loud' }));
  const wrong = async (...more) => (await said(...base, '--port', '0', `--routes=${file}`, ...more)).stderr.split('\n')[0];
  assert.equal(await wrong('--log', 'off', '--timeout-ms', '5', '--cors-max-age=x'), '--cors-max-age must be a whole number from 0 to 86400');
  assert.equal(await wrong('--log', 'off', '--timeout-ms', 'x'), '--timeout-ms must be a whole number from 1 to 120000');
  assert.equal(await wrong('--log', 'off'), `--routes: ${file}: timeoutMs must be a whole number from 1 to 120000`);
  assert.equal(await wrong('--timeout-ms=5', '--unlisted', 'denny'), '--unlisted must be "deny" or "pass"');
  assert.equal(await wrong('--metrics-token', 'x'), '--metrics-token is not an option');
});

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
  for (const [more, message] of [
    [{ key: 'hello' }, /^--key \(or the variable NVM_API_KEY\) must be/], [{ backend: 'http://evil.example' }, /^--backend must be/],
    [{ 'public-url': 'x' }, /^--public-url must be/], [{ origin: 'nonsense' }, /^--origin must be/], [{ environment: 'lve' }, /^--environment must be/],
    [{ host: '192.0.2.1' }, /^--host 192\.0\.2\.1 is no address of this machine/m], [{ host: 'no.such.host.invalid' }, /^--host \S+ is no address/m],
  ]) {
    const flags = { origin: 'http://127.0.0.1:1', routes, key: SELLER_KEY, backend: 'http://127.0.0.1:1', port: '0', ...more };
    const { code, stderr } = await said('paywall', ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`));
    assert.equal(code, 1);
    assert.match(stderr, message);
    assert.ok(!stderr.includes(SELLER_KEY) && !/\n\s+at /.test(stderr), stderr);
  }
});

test('a signal ends it, with nothing left behind', { skip: process.platform === 'win32' }, async () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    const child = spawn(process.execPath, [BIN, ...gate, '--port', '0', '--memory'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [text] = await once(child.stdout.setEncoding('utf8'), 'data');
    const [, url] = /paywall on (\S+)/.exec(text);
    const ended = once(child, 'exit');
    child.kill(signal);
    assert.deepEqual(await ended, [0, null], signal);
    await assert.rejects(fetch(url));
  }
});

test('a platform that cannot be reached is said to be wherever it is named', async () => {
  const file = join(folder, 'backend.json');
  writeFileSync(file, JSON.stringify({ routes: { 'POST /ask': { planId: PLAN, credits: 2 } }, unlisted: 'deny', environment: 'custom', backend: 'http://127.0.0.1:1' }));
  const NVM = { NVM_ENVIRONMENT: 'custom', NVM_API_URL: 'http://no-such-host.localhost:1' };
  for (const [args, env, expected] of [
    [['--routes', file], {}, `${file}: backend http://127.0.0.1:1 cannot be reached`],
    [['--routes', routes], NVM, 'NVM_API_URL http://no-such-host.localhost:1 cannot be reached'],
  ]) {
    const child = spawn(process.execPath, [BIN, 'paywall', '--origin', 'http://127.0.0.1:1', '--key', SELLER_KEY, '--port', '0', '--memory', ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    try {
      for await (const chunk of child.stderr.setEncoding('utf8')) if ((text += chunk).includes('cannot be reached')) break;
    } finally {
      child.kill();
    }
    assert.ok(text.includes(`${expected} (`), text);
  }
});

test('warnings name the option that helps, and a platform that cannot be reached is said to be at the start', async () => {
  const child = spawn(process.execPath, [BIN, ...gate, '--port', '0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  const printed = new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(text)), 20_000);
    child.stderr.setEncoding('utf8').on('data', (more) => {
      text += more;
      if (/--backend http:\/\/127\.0\.0\.1:1 cannot be reached/.test(text)) { clearTimeout(timer); done(); }
    });
  });
  await printed.finally(() => child.kill());
  assert.match(text, /Without --memory/);
  assert.ok(!/Durable Object|isolate/.test(text), text);
});
