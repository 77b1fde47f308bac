// The cells of `npm run install-matrix`: projects as users have them, in tests/install/, each with a `cell.mjs` whose default is
//
//   { title, quick, page | node | run }
//
// `build` is a list of commands (`['webpack', '--mode', 'production']`: a program of the project's, or node, deno, bun), run in the project.
// `page: 'dist'` is a folder that is served: its page tells in `#result` what came of the payment; `headers` go with every file.
// `node: ['main.js']` is a program, started with the configuration in CONFIG, whose last line tells it; `with` is another program than node.
// `run(tools)` does something else and gives what is told, or nothing where nothing is paid.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TARBALL } from './pack.mjs';
import { repoPath, isProgram, run } from './run.mjs';
import { PRICES, newAccount, startDemoServers } from './demo-servers.mjs';
import { npm } from './tools.mjs';

const HOME = 'tests/install';
const MINUTES = 60_000;
const SHARED = ['pay.js', 'page.js'];

/** All cells, by name. */
export async function cells() {
  const names = readdirSync(repoPath(HOME), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name).sort();
  return Promise.all(names.map(async (name) => {
    const { default: cell } = await import(pathToFileURL(repoPath(HOME, name, 'cell.mjs')).href);
    return { name, quick: false, build: [], ...cell };
  }));
}

/** Installs, builds and runs a cell; throws what is wrong. Gives a note for the line that is printed. */
export async function tryCell(cell, { report, chromium, deno, bun }) {
  const { folder, installed } = await install(cell.name, report);
  const programs = { node: process.execPath, deno, bun };
  const start = (words, more = {}) => command(folder, programs, words, more);
  for (const words of cell.build) {
    report(words.join(' '));
    await start(words);
  }
  report('payment');
  const tools = { folder, start, chromium, deno, bun, serve: (path, headers) => serve(join(folder, path), headers), look, pay };
  if (cell.run) await cell.run(tools);
  else if (cell.page) await pay(async (config) => look({ chromium, folder: join(folder, cell.page), headers: cell.headers, config }));
  else await pay(async (config) => lastLine(await start([cell.with ?? 'node', ...cell.node], { env: { CONFIG: JSON.stringify(config) } })));
  return installed ? 'peers installed' : '';
}

/** A fresh copy of the project, its peers from the last time if they are still those, and the package from the tarball. */
async function install(name, report) {
  const folder = repoPath('target/install', name);
  const manifest = JSON.parse(readFileSync(repoPath(HOME, name, 'package.json'), 'utf8'));
  const peers = { ...manifest.dependencies, ...manifest.devDependencies };
  const stamp = join(folder, 'node_modules/.peers');
  const wanted = createHash('sha256').update(JSON.stringify(peers)).digest('hex');
  mkdirSync(folder, { recursive: true });
  for (const entry of readdirSync(folder)) if (entry !== 'node_modules') rmSync(join(folder, entry), { recursive: true, force: true });
  cpSync(repoPath(HOME, name), folder, { recursive: true, filter: (path) => !path.endsWith('cell.mjs') && !path.includes('node_modules') });
  for (const file of SHARED) cpSync(repoPath(HOME, file), join(folder, file));
  let installed = false;
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    rmSync(join(folder, 'node_modules'), { recursive: true, force: true });
    mkdirSync(join(folder, 'node_modules'), { recursive: true });
    if (Object.keys(peers).length > 0) {
      report('npm install');
      await npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--legacy-peer-deps'], { cwd: folder, timeout: 9 * MINUTES });
      installed = true;
    }
    writeFileSync(stamp, wanted);
  }
  const home = join(folder, 'node_modules/payments-wasm');
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  await run('tar', ['-xzf', TARBALL, '-C', home, '--strip-components=1']);
  // As npm leaves it: its command, and a manifest, so that tools which read the project see that it is depended on.
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
  rmSync(join(folder, 'node_modules/.bin/payments-wasm'), { force: true });
  symlinkSync('../payments-wasm/cli/bin.js', join(folder, 'node_modules/.bin/payments-wasm'));
  chmodSync(join(home, 'cli/bin.js'), 0o755);
  manifest.dependencies = { ...manifest.dependencies, 'payments-wasm': JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')).version };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
  return { folder, installed };
}

/** Runs a program of the project's to its end. */
function command(folder, programs, [name, ...args], { env, timeout = 9 * MINUTES } = {}) {
  const own = join(folder, 'node_modules/.bin', name);
  const program = programs[name] ?? (isProgram(own) ? own : name);
  return run(program, args, { cwd: folder, timeout, env: { CI: '1', NO_COLOR: '1', FORCE_COLOR: undefined, npm_config_update_notifier: 'false', NEXT_TELEMETRY_DISABLED: '1', ...env } });
}

/** The last line of what a program said, which is JSON. */
function lastLine({ stdout, output }) {
  const line = stdout.trim().split('\n').filter((text) => text.startsWith('{')).at(-1);
  assert.ok(line, `nothing was reported:\n${output.slice(-2000)}`);
  return JSON.parse(line);
}

/** Starts the servers with a new buyer, who makes one payment by `work(config)`. Compares the report of the payment with the ledger. */
async function pay(work) {
  const servers = await startDemoServers({ allowedOrigins: ['*'] });
  try {
    const buyer = await newAccount(servers.sandbox.url, 'A new buyer');
    const config = { nvmApiKey: buyer.nvmApiKey, sandbox: servers.sandbox.url, paywall: servers.paywall.url };
    const said = await work(config, servers);
    const balance = await fetch(`${servers.sandbox.url}/api/v1/protocol/plans/${servers.planId}/balance/${buyer.accountAddress}`);
    const price = PRICES['POST /ask'];
    assert.deepEqual(said, { status: 200, answer: said.answer, credits: String(price), left: String(100 - price) }, JSON.stringify(said, null, 2).replaceAll('\\n', '\n'));
    assert.match(said.answer, /36/);
    assert.equal((await balance.json()).balance, String(100 - price), 'what the ledger says');
    assert.equal(servers.origin.calls().filter(({ path }) => path === '/ask').length, 1, 'the service was asked once');
  } finally {
    await servers.stop();
  }
}

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css', '.json': 'application/json', '.wasm': 'application/wasm', '.map': 'application/json' };

/** A folder as a static host serves it, and `/config.json`. `asked` lists what was asked for. */
export async function serve(folder, headers = {}, config = {}) {
  const asked = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://host').pathname);
    const send = (status, type, body) => response.writeHead(status, { 'content-type': type, ...headers }).end(body);
    if (path === '/config.json') return send(200, 'application/json', JSON.stringify(config));
    asked.push(path);
    if (path.includes('..')) return send(400, 'text/plain', 'no');
    const file = join(folder, path.endsWith('/') ? `${path}index.html` : path);
    if (!existsSync(file) || !extname(file)) return send(404, 'text/plain', 'not found');
    return send(200, TYPES[extname(file)] ?? 'application/octet-stream', readFileSync(file));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${server.address().port}`, asked, stop: () => new Promise((done) => { server.close(done); server.closeAllConnections(); }) };
}

const FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];

/** Opens the served folder, or `url`, in Chromium, and gives what the page tells. Errors of the page are told too, where nothing else is. */
export async function look({ chromium, folder, url, headers, config, path = '/', wait = 30_000 }) {
  const { chromium: engine } = await import('playwright-core');
  const site = url ? { url, asked: [], stop() {} } : await serve(folder, headers, config);
  const browser = await engine.launch({ executablePath: chromium, args: FLAGS });
  try {
    const page = await browser.newPage();
    const wrong = [];
    page.on('pageerror', (error) => wrong.push(String(error)));
    page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) wrong.push(message.text()); });
    await page.goto(site.url + path);
    const text = await page.locator('#result').textContent({ timeout: wait }).catch((error) => { throw new Error(`the page reported nothing: ${wrong.join('\n') || error.message}`); });
    return JSON.parse(text);
  } finally {
    await browser.close();
    await site.stop();
  }
}

/** Starts a server of the project's and waits until `url` answers; `stop()` ends it. */
export async function startServer(program, args, { cwd, env, url, patience = 60_000 }) {
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: process.platform !== 'win32' });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { said = (said + text).slice(-20_000); });
  const stop = () => new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) return done();
    child.once('exit', done);
    try { process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGTERM'); } catch { done(); }
  });
  const end = Date.now() + patience;
  for (;;) {
    if (await fetch(url).then(() => true, () => false)) return { stop, said: () => said };
    if (child.exitCode !== null || Date.now() > end) {
      await stop();
      throw new Error(`the server did not start:\n${said}`);
    }
    await new Promise((done) => setTimeout(done, 100));
  }
}
