// `npx payments-wasm login, plans, balance, order, token, pay, agents`: an account on the command line, against the sandbox and a paywall.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { dist } from '../../scripts/lib/build.mjs';
import { PRICES, newAccount, startDemoServers } from '../../scripts/lib/demo-servers.mjs';
import { run } from '../../scripts/lib/run.mjs';
import { client } from '../sandbox/client.mjs';

const BIN = dist('subscriber', 'cli/bin.js');
const folder = mkdtempSync(join(tmpdir(), 'payments-wasm-'));
const config = join(folder, 'nested', 'config.json');
const price = PRICES['POST /ask'];
const question = '{"question":"Is 7919 prime?"}';
let servers, planId, agentId, buyer;
before(async () => {
  servers = await startDemoServers();
  ({ planId, agentId } = servers);
  buyer = await newAccount(servers.sandbox.url, 'A buyer');
});
after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await servers?.stop();
});

const { NVM_API_KEY, NVM_ENVIRONMENT, NVM_BACKEND_URL, ...clean } = process.env;
const at = (variables = {}) => ({ ...clean, NVM_CONFIG: config, NO_COLOR: '1', ...variables });
const as = (person) => at({ NVM_API_KEY: person.nvmApiKey, NVM_BACKEND_URL: servers.sandbox.url });
const said = (env, ...args) => run(process.execPath, [BIN, ...args], { env, anyCode: true });
const json = async (env, ...args) => {
  const { stdout, output, code } = await said(env, ...args, '--json');
  assert.equal(code, 0, output);
  return JSON.parse(stdout);
};

/** Logs in as a browser does, and gives what the command says. */
async function login(name, ...args) {
  const child = spawn(process.execPath, [BIN, 'login', '--backend', servers.sandbox.url, ...args], { env: at(), stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const ended = new Promise((done) => child.on('close', (code) => done({ code, output })));
  const page = await new Promise((found, failed) => {
    child.stdout.setEncoding('utf8').on('data', (text) => { output += text; });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      output += text;
      const [, url] = /Log in here: (\S+)\n/.exec(output) ?? [];
      if (url) found(new URL(url));
    });
    child.on('close', () => failed(new Error(output)));
  });
  const callback = page.searchParams.get('callback_url');
  assert.match(page.href, /\/auth\/cli\?callback_url=http%3A%2F%2F127\.0\.0\.1%3A\d+%2Fcallback/);
  // A page on this machine that found the port does not know the state.
  const planted = await fetch(`${callback.replace(/nvmState=\w+/, 'nvmState=0')}&nvm_api_key=${buyer.nvmApiKey}`);
  assert.equal(planted.status, 400);
  assert.equal((await fetch(new URL('/elsewhere?nvm_api_key=x', callback))).status, 400);
  const answer = await client(servers.sandbox.url).form('/auth/cli', { callback_url: callback, name });
  assert.equal((await fetch(answer.headers.get('location'))).status, 200);
  return ended;
}

describe('login', () => {
  test('keeps the key where the official command line looks for it, for this user alone, and never prints it', async () => {
    const { code, output } = await login('Ada');
    assert.equal(code, 0, output);
    const { profiles, activeProfile } = JSON.parse(readFileSync(config, 'utf8'));
    assert.deepEqual([activeProfile, Object.keys(profiles), profiles.default.environment, profiles.default.backend], ['default', ['default'], 'custom', servers.sandbox.url]);
    assert.match(profiles.default.nvmApiKey, /^[a-z]+:.+\..+\..+$/);
    assert.ok(!output.includes(profiles.default.nvmApiKey));
    assert.match(output, /^Logged in as 0x[\da-f]{40} \(custom\)/im);
    if (process.platform !== 'win32') assert.equal(statSync(config).mode & 0o777, 0o600);
  });

  test('other accounts and what else is in the file stay; a command takes the active one, or the one it is told', async () => {
    const before = JSON.parse(readFileSync(config, 'utf8'));
    writeFileSync(config, JSON.stringify({ ...before, theme: 'dark' }));
    const { output } = await login('Grace', '--profile', 'second', '--json');
    const kept = JSON.parse(readFileSync(config, 'utf8'));
    assert.deepEqual([kept.theme, kept.activeProfile, kept.profiles.default], ['dark', 'default', before.profiles.default]);
    const { accountAddress } = JSON.parse(output.slice(output.indexOf('\n{') + 1));
    const holder = async (...args) => (await json(at(), 'balance', planId, ...args)).holderAddress.toLowerCase();
    assert.equal(await holder('--profile', 'second'), accountAddress.toLowerCase());
    assert.notEqual(await holder(), accountAddress.toLowerCase());
    assert.equal((await json(as(buyer), 'balance', planId)).holderAddress.toLowerCase(), buyer.accountAddress.toLowerCase(), 'the variables win');
  });

  test('logout removes one account; then nobody is logged in', async () => {
    assert.match((await said(at(), 'logout', '--profile', 'second')).output, /The key of second is no longer kept/);
    assert.match((await said(at(), 'balance', planId, '--profile', 'second')).output, /--profile: .* has no second/);
    await said(at(), 'logout');
    const { code, output } = await said(at(), 'balance', planId);
    assert.deepEqual([code, output.split('\n')[0]], [1, 'nobody is logged in: npx payments-wasm login, or set NVM_API_KEY']);
    assert.match((await said(at(), 'logout')).output, /Nobody was logged in/);
  });

  test('a configuration that is none is not quoted and not overwritten', async () => {
    const broken = join(folder, 'broken.json');
    writeFileSync(broken, '{"profiles":{"default":{"nvmApiKey":"sandbox:secret"');
    const { output } = await said({ ...at(), NVM_CONFIG: broken }, 'plans');
    assert.match(output, /broken\.json is no configuration/);
    assert.doesNotMatch(output, /secret/);
    assert.match(readFileSync(broken, 'utf8'), /secret/);
  });
});

test('plans: of the account, or one by its id; as a table and as JSON', async () => {
  const seller = as(servers.seller);
  const { stdout } = await said(seller, 'plans');
  assert.match(stdout, /^PLAN +NAME +PRICE +CREDITS\n/);
  assert.ok(stdout.includes(planId));
  assert.equal((await json(seller, 'plans'))[0].id, planId);
  assert.equal((await json(as(buyer), 'plans', planId)).id, planId);
  assert.match((await said(as(buyer), 'plans')).stdout, /sells no plan/);
  const unknown = await said(as(buyer), 'plans', '404');
  assert.equal(unknown.code, 1);
  assert.doesNotMatch(unknown.output, /\n +at /, 'no stack');
});

test('order asks, and where nobody can be asked it buys nothing without --yes; balance says what there is', async () => {
  const person = as(await newAccount(servers.sandbox.url, 'One who orders'));
  const refused = await said(person, 'order', planId);
  assert.equal(refused.code, 1);
  assert.match(refused.output, /Buy .* \(100 credits\) for .*\? Nobody can be asked here: give --yes/);
  assert.match((await said(person, 'balance', planId)).stdout, /^0 credits of /);
  assert.match((await said(person, 'order', planId, '--yes')).stdout, /^bought, transaction 0x/);
  assert.match((await said(person, 'balance', planId)).stdout, /^100 credits of /);
  assert.equal((await json(person, 'order', planId, '--yes')).success, true);
  assert.equal((await json(person, 'balance', planId)).balance, '200');
});

/** An account with credits and one delegation. */
async function rich() {
  const person = await client(servers.sandbox.url).open('One who pays');
  await person.order(planId);
  const delegationId = await person.delegation();
  return { env: as({ nvmApiKey: person.key }), held: async () => Number(await person.balance(planId)), delegationId };
}

test('token: its output is the header of a request', async () => {
  const { env, held, delegationId } = await rich();
  const { stdout } = await said(env, 'token', planId, '--agent', agentId);
  const paid = await fetch(`${servers.paywall.url}/ask`, { method: 'POST', body: question, headers: { 'payment-signature': stdout.trim() } });
  assert.equal(paid.status, 200);
  assert.equal(await held(), 100 - price);
  assert.ok((await json(env, 'token', planId, '--delegation', delegationId)).accessToken);
  assert.match((await said(env, 'token', 'mine')).output, /PLAN is a number/);
});

describe('pay', () => {
  const ask = () => ['pay', `${servers.paywall.url}/ask`, '-d', question, '-H', 'content-type: application/json'];

  test('with --yes and a limit: the answer on stdout, the receipt on stderr', async () => {
    const { env, held } = await rich();
    const { code, stdout, stderr } = await said(env, ...ask(), '--yes', '--max-credits', '10');
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).answer, '7,919 is prime.');
    assert.match(stderr, new RegExp(`^Paid ${price} credits, transaction 0x[\\da-f]+, ${100 - price} left`, 'm'));
    assert.equal(await held(), 100 - price);
    const whole = await json(env, ...ask(), '--yes', '--max-credits', '10');
    assert.deepEqual([whole.status, whole.body.answer, whole.receipt.credits, whole.receipt.success], [200, '7,919 is prime.', String(price), true]);
  });

  test('nothing is paid above the limit, without a limit, without credits, or where nobody can be asked', async () => {
    const { env, held } = await rich();
    for (const [args, message] of [
      [['--yes', '--max-credits', String(price - 1)], /max|limit|budget/i], [['--yes'], /--yes needs --max-credits N/], [[], /Nobody can be asked here|approve/],
      [['--yes', '--max-credits', 'all'], /--max-credits is a whole number/],
    ]) {
      const { code, stdout, output } = await said(env, ...ask(), ...args);
      assert.deepEqual([code, stdout], [1, ''], output);
      assert.match(output, message);
      assert.doesNotMatch(output, /\n +at /, 'no stack');
    }
    assert.equal(await held(), 100);
    const poor = as(await newAccount(servers.sandbox.url, 'One without credits'));
    assert.equal((await said(poor, ...ask(), '--yes', '--max-credits', '10')).code, 1);
    assert.equal((await json(poor, 'balance', planId)).balance, '0', 'nothing was bought');
  });

  test('a person at a terminal is asked, with the price and what there is: no pays nothing, yes pays', { skip: process.platform !== 'linux' }, async () => {
    const { env, held } = await rich();
    const words = [process.execPath, BIN, ...ask()].map((word) => `'${word}'`).join(' ');
    const answering = (answer) => new Promise((done) => {
      const child = spawn('script', ['-qec', words, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (text) => {
        output += text;
        if (/\[y\/N\] $/.test(output.replace(/\x1b\[[\d;?]*[A-Za-z]/g, ''))) child.stdin.write(`${answer}\n`);
      });
      child.on('close', (code) => done({ code, output }));
    });
    const no = await answering('n');
    assert.match(no.output, new RegExp(`http://127\\.0\\.0\\.1:\\d+ wants ${price} credits of .*You have 100\\. Pay\\? \\[y/N\\]`));
    assert.deepEqual([no.code, await held()], [1, 100]);
    const yes = await answering('y');
    assert.match(yes.output, /7,919 is prime/);
    assert.deepEqual([yes.code, await held()], [0, 100 - price]);
  });

  test('what is free is not charged; an answer that is no success ends with 1; headers, methods and bodies go out as they are given', async () => {
    const { env } = await rich();
    const echo = await import('node:http').then(({ createServer }) => createServer(async (request, response) => {
      let body = '';
      for await (const part of request) body += part;
      response.writeHead(request.url === '/bad' ? 418 : 200).end(JSON.stringify({ method: request.method, a: request.headers['x-a'], b: request.headers['x-b'], body }));
    }).listen(0, '127.0.0.1'));
    await new Promise((ready) => echo.once('listening', ready));
    after(() => echo.close());
    const url = `http://127.0.0.1:${echo.address().port}`;
    const file = join(folder, 'body.txt');
    writeFileSync(file, 'from a file');
    const put = await said(env, 'pay', `${url}/x`, '-X', 'PUT', '-H', 'x-a: 1', '--header=x-b:2', '-d', `@${file}`);
    assert.deepEqual([JSON.parse(put.stdout), put.stderr.trim()], [{ method: 'PUT', a: '1', b: '2', body: 'from a file' }, 'Nothing was charged.']);
    assert.equal(JSON.parse((await said(env, 'pay', `${url}/x`)).stdout).method, 'GET');
    assert.equal((await said(env, 'pay', `${url}/bad`)).code, 1);
    for (const [args, message] of [[['pay'], /URL is missing/], [['pay', 'ftp://x'], /URL must be/], [['pay', url, '-H', 'nothing'], /--header is/], [['pay', url, '-d', '@/nowhere'], /--data: \/nowhere/]]) {
      assert.match((await said(env, ...args)).output, message);
    }
  });
});

test('agents register: prints the id; agents lists them', async () => {
  const seller = as(servers.seller);
  const { stdout, output } = await said(seller, 'agents', 'register', '--name', 'A poet', '--plan', planId, '--endpoint', 'POST https://api.example/poem', '--endpoint', 'GET https://api.example/poem/:id');
  assert.match(stdout, /^\d+\n$/, output);
  const found = await json(seller, 'agents', stdout.trim());
  assert.equal(found.metadata.main.name, 'A poet');
  assert.match(JSON.stringify(found), /api\.example\/poem\/:id/);
  assert.match((await said(seller, 'agents')).stdout, /A poet/);
  for (const [args, message] of [
    [['--plan', planId], /--name is missing/], [['--name', 'x'], /--plan is missing/], [['--name', 'x', '--plan', planId, '--endpoint', 'https://x'], /--endpoint is a method and a URL/],
  ]) assert.match((await said(seller, 'agents', 'register', ...args)).output, message);
  assert.match((await said(seller, 'agents', 'regster')).output, /did you mean register/);
});
