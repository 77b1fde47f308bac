// `npx payments-wasm sandbox` as its users run it: from the package, in a project of theirs, and as CI does.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { dist } from '../../scripts/lib/build.mjs';
import { repoPath } from '../../scripts/lib/run.mjs';
import { blocks } from '../node/snippets.mjs';

const SEED = JSON.parse(readFileSync(repoPath('pkg-template/sandbox.seed.example.json'), 'utf8'));

/** A project outside of this one, with the package and miniflare in it as npm would put them there. */
let project;
let bare;
before(() => {
  project = mkdtempSync(join(tmpdir(), 'payments-wasm-project-'));
  bare = mkdtempSync(join(tmpdir(), 'payments-wasm-bare-'));
  for (const folder of [project, bare]) {
    mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
    cpSync(dist('subscriber'), join(folder, 'node_modules/payments-wasm'), { recursive: true });
    symlinkSync('../payments-wasm/cli/bin.js', join(folder, 'node_modules/.bin/payments-wasm'));
    chmodSync(join(folder, 'node_modules/payments-wasm/cli/bin.js'), 0o755);
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module', scripts: { test: 'node check.mjs' } }));
    writeFileSync(join(folder, 'seed.json'), JSON.stringify(SEED));
  }
  symlinkSync(repoPath('node_modules/miniflare'), join(project, 'node_modules/miniflare'));
  // A project's own test: a call with the key, to the sandbox that the variables name.
  writeFileSync(join(project, 'check.mjs'), `
    const { NVM_BACKEND_URL, NVM_API_KEY, NVM_ENVIRONMENT, NVM_PLAN_ID_QUESTIONS } = process.env;
    const plans = await (await fetch(NVM_BACKEND_URL + '/api/v1/protocol/plans', { headers: { authorization: 'Bearer ' + NVM_API_KEY } })).json();
    if (NVM_ENVIRONMENT !== 'custom' || !plans.plans.some(({ planId }) => planId === NVM_PLAN_ID_QUESTIONS)) throw new Error(JSON.stringify(plans));
    console.log('checked', NVM_BACKEND_URL);`);
});
after(() => [project, bare].forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const BIN = () => join(project, 'node_modules/payments-wasm/cli/bin.js');

/** Runs the command to its end. */
async function run(args, { cwd = project, bin = BIN(), env } = {}) {
  const child = spawn(process.execPath, [bin, ...args], { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { said += text; });
  const [code] = await once(child, 'close');
  return { code, said };
}

/** Starts it, and waits for what it prints last. */
async function start(t, args, { parent = false, env } = {}) {
  const command = [BIN(), 'sandbox', '--port', '0', ...args];
  // With a parent of its own in between, which can be killed.
  const between = 'require("node:child_process").spawn(process.execPath, JSON.parse(process.argv[1]), { stdio: "inherit" }); setInterval(() => {}, 1e6);';
  const child = spawn(process.execPath, parent ? ['-e', between, JSON.stringify(command)] : command, { cwd: project, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  await new Promise((done, fail) => {
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => {
      said += text;
      if (said.includes('Ctrl-C ends it.')) done();
    });
    child.once('close', (code) => fail(new Error(`ended with ${code}: ${said}`)));
  });
  const value = (name) => new RegExp(`^${name}=(.*)$`, 'm').exec(said)?.[1];
  return { child, said, url: value('NVM_BACKEND_URL'), key: value('NVM_API_KEY'), value };
}

/** Until nobody listens there any more; the test's own limit is what ends it otherwise. */
async function gone(url) {
  const { hostname, port } = new URL(url);
  for (;;) {
    const there = await new Promise((done) => {
      const socket = connect(Number(port), hostname, () => { socket.destroy(); done(true); });
      socket.once('error', () => done(false));
    });
    if (!there) return;
    await new Promise((done) => setTimeout(done, 50));
  }
}

test('it prints where it is and keys to paste, which work, and ends with Ctrl-C', async (t) => {
  const { child, url, key, value, said } = await start(t, []);
  assert.match(said, new RegExp(`dashboard +${url}/dashboard\n`));
  assert.equal(value('NVM_ENVIRONMENT'), 'custom');
  for (const one of [key, value('NVM_API_KEY_BUYER')]) {
    assert.equal((await fetch(`${url}/api/v1/protocol/plans`, { headers: { authorization: `Bearer ${one}` } })).status, 200);
  }
  assert.equal((await fetch(`${url}/dashboard`)).status, 200);
  const { sandbox } = await (await fetch(`${url}/sandbox/state`)).json();
  assert.deepEqual([sandbox.faulty, sandbox.command], [false, 'npx payments-wasm sandbox --port 0 --faults']);
  child.kill('SIGINT');
  assert.deepEqual(await once(child, 'close'), [130, null]);
  await gone(url);
});

test('what is planted has a variable each, by its id, and the file has them all', async (t) => {
  const file = join(project, 'all.env');
  const { value, said, url, child } = await start(t, ['--seed', 'seed.json', '--env', file]);
  const set = Object.fromEntries(readFileSync(file, 'utf8').trim().split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  const of = (prefix, list) => SEED[list].map(({ id }) => `${prefix}_${id.toUpperCase().replaceAll('-', '_')}`);
  const names = [
    'NVM_BACKEND_URL', 'NVM_FRONTEND_URL', 'NVM_EMBED_URL', 'NVM_ENVIRONMENT', 'SANDBOX_URL', 'SANDBOX_PID', 'NVM_API_KEY',
    ...of('NVM_API_KEY', 'users'), ...of('NVM_ORG_ID', 'organizations'), ...of('NVM_PLAN_ID', 'plans'), ...of('NVM_AGENT_ID', 'agents'),
    ...of('NVM_CARD_ID', 'cards'), ...of('NVM_DELEGATION_ID', 'delegations'),
  ];
  assert.deepEqual(Object.keys(set).sort(), [...names].sort());
  for (const name of names.filter((one) => one !== 'SANDBOX_PID')) assert.equal(value(name), set[name], `${name} is printed`);
  assert.deepEqual(['NVM_BACKEND_URL', 'NVM_FRONTEND_URL', 'NVM_EMBED_URL', 'SANDBOX_URL'].map((name) => set[name]), [url, url, url, url]);
  assert.equal(set.NVM_API_KEY, set.NVM_API_KEY_SELLER, 'a gate reads the seller\'s');
  assert.notEqual(set.NVM_API_KEY, set.NVM_API_KEY_BUYER);
  assert.match(said, /^# the key of seller, as a gate reads it\nNVM_API_KEY=/m);
  // They are what they are called.
  const get = async (path, key) => (await fetch(`${url}/api/v1${path}`, { headers: { authorization: `Bearer ${key}` } })).json();
  const [org] = await get('/organizations/my-memberships', set.NVM_API_KEY_SELLER);
  assert.equal(org.orgId, set.NVM_ORG_ID_GUILD);
  assert.ok((await get('/payment-methods', set.NVM_API_KEY_BUYER)).some(({ id, alias }) => id === set.NVM_CARD_ID_VISA && alias === 'Of the company'));
  child.kill('SIGTERM');
  await once(child, 'close');
  assert.ok(!existsSync(file));
});

test('two names of a seed file that give one variable are refused, and nothing starts', async () => {
  writeFileSync(join(project, 'twice.json'), JSON.stringify({ users: [{ id: 'a.b' }, { id: 'A-b' }] }));
  const { code, said } = await run(['sandbox', '--port', '0', '--seed', 'twice.json']);
  assert.deepEqual([code, said.split('\n')[0]], [1, '--seed: twice.json: users: a.b and A-b are both NVM_API_KEY_A_B: give one of them another id']);
});

test('a file that somebody else wrote is not overwritten, and not gone at the end', async () => {
  const file = join(project, 'mine.env');
  writeFileSync(file, 'MINE=1\n');
  const { code, said } = await run(['sandbox', '--port', '0', '--env', 'mine.env']);
  assert.deepEqual([code, said.split('\n')[0]], [1, '--env: mine.env is there already, and no sandbox wrote it: choose another file']);
  assert.equal(readFileSync(file, 'utf8'), 'MINE=1\n');
  // The file that a killed sandbox left is overwritten.
  writeFileSync(file, 'NVM_BACKEND_URL=http://127.0.0.1:1\nSANDBOX_PID=1\n');
  assert.equal((await run(['sandbox', '--port', '0', '--env', 'mine.env', '--', process.execPath, '-e', '0'])).code, 0);
  assert.ok(!existsSync(file));
});

test('only this machine reaches it', async (t) => {
  const { url } = await start(t, []);
  const outside = Object.values(networkInterfaces()).flat().filter(({ internal, family }) => !internal && family === 'IPv4');
  for (const { address } of outside) {
    const reached = await new Promise((done) => {
      const socket = connect(Number(new URL(url).port), address, () => { socket.destroy(); done(true); });
      socket.once('error', () => done(false));
    });
    assert.equal(reached, false, address);
  }
  assert.equal(new URL(url).hostname, '127.0.0.1');
});

test('a folder and a seed file: the same keys every day, and what happened stays', async (t) => {
  const args = ['--data', join(project, 'data'), '--seed', 'seed.json', '--faults'];
  const first = await start(t, args);
  assert.equal((await (await fetch(`${first.url}/sandbox/state`)).json()).sandbox.faulty, true);
  await fetch(`${first.url}/sandbox/accounts`, { method: 'POST', body: '{"name":"Grace"}' });
  first.child.kill('SIGTERM');
  await once(first.child, 'close');
  const second = await start(t, args);
  assert.equal(second.key, first.key);
  assert.equal((await (await fetch(`${second.url}/sandbox/state`)).json()).accounts.total, SEED.users.length + 1);
});

/** The folders that sandboxes keep in memory or among temporary files, of the process of that number. */
const passing = (pid, folder) => ['/dev/shm', tmpdir(), folder].flatMap((place) => {
  const names = existsSync(place) ? readdirSync(place) : [];
  return names.filter((name) => name.startsWith(`payments-wasm-sandbox-${pid}-`)).map((name) => join(place, name));
});

test('what is in memory is forgotten, however it ends', { skip: process.platform === 'win32' }, async (t) => {
  const folder = mkdtempSync(join(project, 'tmp-'));
  const env = { TMPDIR: folder };
  const file = join(project, 'forgotten.env');
  for (const end of ['SIGINT', 'SIGTERM', 'SIGHUP', 'parent', 'SIGKILL']) {
    const { child, url } = await start(t, ['--env', file], { env, parent: end === 'parent' });
    const pid = Number(/^SANDBOX_PID=(\d+)$/m.exec(readFileSync(file, 'utf8'))[1]);
    assert.equal(passing(pid, folder).length, 1, 'there is one while it runs');
    child.kill(end === 'parent' ? 'SIGKILL' : end);
    await gone(url);
    while (existsSync(`/proc/${pid}`)) await new Promise((done) => setTimeout(done, 20));
    if (end !== 'SIGKILL') assert.deepEqual([passing(pid, folder), readdirSync(folder).filter((name) => !/^payments-wasm-sandbox-/.test(name))], [[], []], end);
    else {
      // Nobody can do anything about that at once: the next one does.
      assert.equal(passing(pid, folder).length, 1);
      const next = await start(t, [], { env });
      assert.deepEqual(passing(pid, folder), []);
      next.child.kill('SIGTERM');
      await once(next.child, 'close');
    }
  }
  assert.deepEqual(readdirSync(folder), []);
  rmSync(file, { force: true });
});

test('a folder is of one sandbox at a time, and free again however that ends', { skip: process.platform === 'win32' }, async (t) => {
  const args = ['--data', join(project, 'one')];
  const first = await start(t, args);
  const second = await run(['sandbox', '--port', '0', ...args]);
  assert.equal(second.code, 1, second.said);
  assert.match(second.said, new RegExp(`--data: \\S+one is in use by another sandbox \\(process ${first.child.pid}\\)`));
  assert.ok(!/\n\s+at /.test(second.said));
  assert.equal((await fetch(`${first.url}/sandbox/state`)).status, 200, 'and the first goes on');
  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT']) {
    const { child, key, url } = signal === 'SIGKILL' ? first : await start(t, args);
    assert.equal(key, first.key);
    child.kill(signal);
    await once(child, 'close');
    await gone(url);
  }
});

test('a database that is empty, gone or damaged is no new world', async (t) => {
  const data = join(project, 'emptied');
  const args = ['--data', data];
  const first = await start(t, args);
  await fetch(`${first.url}/sandbox/accounts`, { method: 'POST', body: '{"name":"Grace"}' });
  first.child.kill('SIGTERM');
  await once(first.child, 'close');
  const place = join(data, 'sandbox-Sandbox');
  const [name] = readdirSync(place).filter((one) => /^[0-9a-f]{64}\.sqlite$/.test(one));
  const database = join(place, name);
  const whole = readFileSync(database);
  // Data that is not in the database file yet is in files beside it.
  const names = () => readdirSync(place).filter((one) => one.startsWith(`${name}-`));
  const beside = names().map((one) => [one, readFileSync(join(place, one))]);
  for (const [one] of beside) rmSync(join(place, one));
  const damaged = Buffer.from(whole);
  damaged.fill(0x5a, 100);
  for (const [what, bytes, expected, log] of [
    ['emptied', Buffer.alloc(0), / is empty: /], ['no database', Buffer.from('hello'), / is no database: /], ['gone', undefined, / is gone: /],
    ['damaged', damaged, /the database in \S+emptied cannot be used: /],
    ['without its log', whole, / has lost its log \(-wal\): /], ['with an empty log', whole, / has lost its log /, Buffer.alloc(0)],
    ['with a log that is none', whole, / has lost its log /, Buffer.alloc(8192, 'x')],
  ]) {
    if (bytes) writeFileSync(database, bytes);
    else rmSync(database);
    if (log) writeFileSync(`${database}-wal`, log);
    const { code, said } = await run(['sandbox', '--port', '0', ...args]);
    assert.equal(code, 1, `${what}: ${said}`);
    assert.match(said, expected, `${what}: ${said}`);
    assert.ok(said.includes('--data: ') && !/\n\s+at |\nstack:/.test(said), `${what}: ${said}`);
    for (const one of names()) rmSync(join(place, one));
  }
  for (const [one, bytes] of [[name, whole], ...beside]) writeFileSync(join(place, one), bytes);
  const again = await start(t, args);
  assert.equal((await (await fetch(`${again.url}/sandbox/state`)).json()).accounts.total, 3);
});

test('a folder that cannot be one, and a file that cannot be written, are named', async () => {
  writeFileSync(join(project, 'file'), 'x');
  for (const [args, expected] of [
    [['--data', 'file'], /--data: \S+file cannot be used: it is a file/],
    [['--data', 'file/within'], /--data: \S+within cannot be used: a part of it is a file/],
    ...(process.platform === 'linux' ? [[['--data', '/proc/sandbox'], /--data: \/proc\/sandbox cannot be used/], [['--data', '/sys/sandbox'], /--data: \/sys\/sandbox cannot be used/]] : []),
    [['--env', 'nowhere/file.env'], /--env: nowhere\/file\.env cannot be written/],
  ]) {
    const { code, said } = await run(['sandbox', '--port', '0', ...args]);
    assert.equal(code, 1, said);
    assert.match(said, expected);
    assert.ok(!/\n\s+at /.test(said), `no stack: ${said}`);
  }
});

test('what is wrong is said plainly, and nothing is left running', async () => {
  writeFileSync(join(project, 'broken.json'), '{');
  writeFileSync(join(project, 'list.json'), '[]');
  writeFileSync(join(project, 'wrong.json'), JSON.stringify({ plans: [{ id: 'p', owner: 'eve' }] }));
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address();
  for (const [args, expected] of [
    [['--port', 'x'], /--port wants a port number/],
    [['--prot', '1'], /--prot/],
    [['--seed', 'none.json'], /--seed: none\.json cannot be read/],
    [['--seed', 'broken.json'], /--seed: broken\.json is not JSON/],
    [['--seed', 'list.json'], /--seed: list\.json is no JSON object/],
    [['--port', '0', '--seed', 'wrong.json'], /--seed: wrong\.json: plans\[0\]\.owner: eve is not one of users/],
    [['--port', String(port)], /is in use: choose another with --port/],
    [['start'], /sandbox start is not a command/],
    [['--port', '0', '--', 'no-such-program'], /no-such-program cannot be run/],
  ]) {
    const { code, said } = await run(['sandbox', ...args]);
    assert.equal(code, 1, said);
    assert.match(said, expected);
    assert.ok(!/\n\s+at /.test(said), `no stack: ${said}`);
  }
  taken.close();
});

test('without miniflare it names the commands that help', async () => {
  // The demo keeps a miniflare of its own in the cache folder, which the sandbox uses where it is there.
  const { code, said } = await run(['sandbox'], { cwd: bare, bin: join(bare, 'node_modules/payments-wasm/cli/bin.js'), env: { XDG_CACHE_HOME: join(bare, 'cache') } });
  assert.equal(code, 1);
  assert.match(said, /npm install --save-dev miniflare@4\n/);
  assert.match(said, /npx --package payments-wasm --package miniflare@4 -- payments-wasm sandbox/);
  const { peerDependencies, peerDependenciesMeta } = JSON.parse(readFileSync(dist('subscriber', 'package.json'), 'utf8'));
  assert.match(peerDependencies.miniflare, /^\^4\./);
  assert.equal(peerDependenciesMeta.miniflare.optional, true);
});

test('a command runs while it stands, and its end is the end', async () => {
  const checked = await run(['sandbox', '--seed', 'seed.json', '--', process.execPath, 'check.mjs']);
  assert.equal(checked.code, 0, checked.said);
  const url = /^checked (http\S+)$/m.exec(checked.said)[1];
  await gone(url);
  assert.equal((await run(['sandbox', '--', process.execPath, '-e', 'process.exit(7)'])).code, 7);
  // A signal is the command's first: how it takes it is how this ends.
  const patient = `process.on('SIGTERM', () => process.exit(9)); console.log('waits'); setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, [BIN(), 'sandbox', '--', process.execPath, '-e', patient], { cwd: project, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const text of child.stdout.setEncoding('utf8')) if (text.includes('waits')) child.kill('SIGTERM');
  assert.equal(child.exitCode ?? (await once(child, 'close'))[0], 9);
});

test('it ends when what started it is killed, and with --keep it does not', { skip: process.platform === 'win32' }, async (t) => {
  const mortal = await start(t, [], { parent: true });
  mortal.child.kill('SIGKILL');
  await gone(mortal.url);
  const file = join(project, 'kept.env');
  const kept = await start(t, ['--keep', '--env', file], { parent: true });
  const pid = Number(/^SANDBOX_PID=(\d+)$/m.exec(readFileSync(file, 'utf8'))[1]);
  try {
    kept.child.kill('SIGKILL');
    await once(kept.child, 'exit');
    assert.equal((await fetch(kept.url)).status, 200);
  } finally {
    process.kill(pid, 'SIGTERM');
  }
  await gone(kept.url);
  while (existsSync(file)) await new Promise((done) => setTimeout(done, 20));
});

test('with a secret in its environment it wants it, and plants its file all the same', async (t) => {
  const { url } = await start(t, [], { env: { SANDBOX_SECRET: 'of the team' } });
  assert.equal((await fetch(`${url}/sandbox/state`)).status, 401);
  const { accounts } = await (await fetch(`${url}/sandbox/state`, { headers: { authorization: 'Bearer of the team' } })).json();
  assert.equal(accounts.total, 2);
});

test('the recipe for CI of docs/sandbox.md, step by step', { skip: process.platform === 'win32' }, async () => {
  const [{ code: recipe }] = blocks.filter(({ language, run: place }) => language === 'yaml' && place === 'ci');
  const steps = recipe.split(/^- /m).slice(1).map((step) => {
    const [, block, line] = /^ {2}run: (?:\|\n((?: {4}.*\n?)+)|(.*))$/m.exec(step);
    return { name: /^name: (.*)/.exec(step)[1], script: block?.replace(/^ {4}/gm, '') ?? line };
  });
  assert.deepEqual(steps.map(({ name }) => name), ['Start the sandbox', 'Test', 'Stop the sandbox']);
  const file = join(project, 'github.env');
  writeFileSync(file, '');
  let url;
  for (const { name, script } of steps) {
    const set = Object.fromEntries(readFileSync(file, 'utf8').split('\n').filter(Boolean).map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]));
    url ??= set.NVM_BACKEND_URL;
    const npm = { npm_config_offline: 'true', npm_config_update_notifier: 'false' };
    const child = spawn('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script], { cwd: project, env: { ...process.env, ...npm, ...set, GITHUB_ENV: file, CI: 'true' }, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { said += text; });
    const [code] = await once(child, 'exit');
    assert.equal(code, 0, `${name}: ${said}`);
    if (name === 'Test') assert.match(said, /^checked http:\/\/127\.0\.0\.1/m);
  }
  await gone(url);
  // Its last act is to take its file away: with it there, the next one seems to have started.
  while (existsSync(join(project, 'sandbox.env'))) await new Promise((resolve) => setTimeout(resolve, 20));
  // One that does not start is told at once, with what it said.
  writeFileSync(join(project, 'seed.json'), '{');
  const failed = spawn('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', steps[0].script], { cwd: project, env: { ...process.env, GITHUB_ENV: file }, stdio: ['ignore', 'pipe', 'ignore'] });
  const said = (await failed.stdout.setEncoding('utf8').toArray()).join('');
  assert.equal(failed.exitCode ?? (await once(failed, 'exit'))[0], 1);
  assert.match(said, /seed\.json is not JSON/);
  writeFileSync(join(project, 'seed.json'), JSON.stringify(SEED));
});

test('init writes the Worker as it is deployed, and nothing over what is there', async () => {
  const { code, said } = await run(['sandbox', 'init', 'team']);
  assert.equal(code, 0, said);
  assert.match(said, /cd team\n {2}npx wrangler deploy\n {2}npx wrangler secret put SANDBOX_SECRET/);
  assert.deepEqual(readdirSync(join(project, 'team')).filter((name) => name !== 'snippets').sort(), ['entry.js', 'sandbox.js', 'sandbox_bg.wasm', 'wrangler.toml']);
  const again = await run(['sandbox', 'init', 'team']);
  assert.deepEqual([again.code, /is there already/.test(again.said)], [1, true]);
});
