// The servers of the benchmark: Workers in workerd, programs in Node, and the stub of facilitator and origin.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { repoPath } from '../lib/run.mjs';

const COMPATIBILITY_DATE = '2026-04-01';
export const PLAN = '1001';
export const PAYER = '0x00000000000000000000000000000000000000b1';
export const SELLER_KEY = `local:${b64({ alg: 'none' })}.${b64({ sub: '0xa1', o11y: 'x' })}.c2ln`;
export const ROUTES = { 'POST /ask': { planId: PLAN, credits: 2, scheme: 'nvm:erc4337', network: 'eip155:84532' } };

export function b64(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** A token as the platform makes them, with so many bytes of padding. With a nonce it is good for one request. */
export function token({ nonce, padding = 600 } = {}) {
  return b64({
    x402Version: 2,
    accepted: { scheme: 'nvm:erc4337', network: 'eip155:84532', planId: PLAN, extra: { version: '1' } },
    payload: { signature: `0x${'fe'.repeat(padding / 2)}`, authorization: { from: PAYER, sessionKeysProvider: 'zerodev', sessionKeys: [], ...(nonce && { nonce }) } },
    extensions: {},
  });
}

/** A folder that `close` removes. */
export function workplace() {
  mkdirSync(repoPath('target'), { recursive: true });
  const folder = mkdtempSync(join(repoPath('target'), 'bench-'));
  return { folder, close: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * Starts a Worker in workerd. `root` is its folder, `main` its entry, `bindings` its variables; `state` binds the Durable
 * Object class of that name as PAYWALL_STATE.
 */
export async function startWorker(folder, name, { root, main, bindings = {}, state, flags = [] }) {
  const home = join(folder, name);
  mkdirSync(join(home, 'objects'), { recursive: true });
  const text = (value) => JSON.stringify(value);
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && /\.(js|wasm)$/.test(entry.name));
  const names = files.map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name))).sort((a) => (a === main ? -1 : 1));
  const modules = names.map((file) => `(name = ${text(file)}, ${file.endsWith('.wasm') ? 'wasm' : 'esModule'} = embed ${text(relative(home, join(root, file)))})`);
  const vars = Object.entries(bindings).map(([key, value]) =>
    `(name = ${text(key)}, ${typeof value === 'string' ? `text = ${text(value)}` : `json = ${text(JSON.stringify(value))}`})`);
  const objects = state && `durableObjectNamespaces = [(className = ${text(state)}, uniqueKey = "state", enableSql = true)], durableObjectStorage = (localDisk = "objects"),`;
  if (state) vars.push(`(name = "PAYWALL_STATE", durableObjectNamespace = ${text(state)})`);
  writeFileSync(join(home, 'config.capnp'), `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private"])),
    (name = "objects", disk = (path = ${text(join(home, 'objects'))}, writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
const worker :Workerd.Worker = (
  modules = [${modules.join(',\n    ')}],
  compatibilityDate = ${text(COMPATIBILITY_DATE)},
  compatibilityFlags = ${text(['enable_request_signal', ...flags])},
  ${objects ?? ''}
  bindings = [${vars.join(',\n    ')}]
);
`);
  const workerd = createRequire(import.meta.url)('workerd').default;
  const child = spawn(repoPath('src/cli/workerd.sh'), ['serve', '--control-fd=3', '--experimental', join(home, 'config.capnp')], {
    env: { ...process.env, REAL_WORKERD: workerd }, stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const port = await listening(child, child.stdio[3], (line) => {
    const message = JSON.parse(line);
    return message.event === 'listen' ? message.port : undefined;
  });
  return { url: `http://127.0.0.1:${port}`, pid: child.pid, stop: () => stopped(child) };
}

/** Starts a program that prints its URL as the first line. */
export async function startProgram(command, args, env = {}) {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  const url = await listening(child, child.stdout, (line) => (line.startsWith('http') ? line.trim() : undefined));
  return { url, pid: child.pid, stop: () => stopped(child) };
}

/** Facilitator and origin with ready-made answers, in a process of their own. */
export const startStub = () => startProgram(process.execPath, [repoPath('scripts/bench/fixtures/stub.mjs')]);

function stopped(child) {
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGKILL');
  return ended;
}

async function listening(child, stream, read) {
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => { said = (said + text).slice(-5000); });
  return new Promise((found, failed) => {
    let text = '';
    stream.setEncoding('utf8').on('data', (more) => {
      text += more;
      const lines = text.split('\n');
      text = lines.pop();
      for (const line of lines) {
        const value = read(line);
        if (value !== undefined) found(value);
      }
    }).on('error', () => {});
    child.once('exit', (code) => failed(new Error(`${child.spawnfile} ended with ${code}: ${said}`)));
  });
}
