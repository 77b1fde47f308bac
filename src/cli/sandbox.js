// The platform in small, on this machine: a built Worker in workerd, by miniflare. It ends when what started it does.
import { spawn } from 'node:child_process';
import { accessSync, chmodSync, constants as files, cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { fetched } from './fetch-miniflare.js';
import { makeFolder, noteFolder, takeFolder } from './data-folder.js';
import { onParentExit } from './parent-exit.js';
import { scratch, temporarily } from './temporary-folder.js';
import { portOf, readJson } from './text.js';
import { UsageError } from './usage-error.js';

const HOST = '127.0.0.1';
const PORT = '3001';
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const MINIFLARE = 'miniflare@4';
/** Two people, with keys that are the same at every start. */
const PEOPLE = { users: [{ id: 'seller', name: 'Seller' }, { id: 'buyer', name: 'Buyer' }] };

/**
 * `npx payments-wasm sandbox`. `folder` is where the built Worker stands, `self` how the command is called, `command` what is
 * run while the sandbox stands, if anything.
 */
export async function sandbox(options, { folder = fileURLToPath(new URL('../sandbox', import.meta.url)), self = 'npx payments-wasm sandbox', command = [] } = {}) {
  const { data, faults, keep } = options;
  const port = portOf(options.port ?? (command.length > 0 ? '0' : PORT));
  const seed = options.seed === undefined ? PEOPLE : readJson('--seed', options.seed);
  distinct(seed, options.seed);
  if (options.env) ours(options.env);
  const { Miniflare, NoOpLog } = await runtime(self);
  await free(port);
  const kept = data && resolve(data);
  if (kept) takeFolder(kept);
  // In-memory data, and the files of miniflare itself, also need a folder.
  const passing = scratch();
  const said = [];
  const miniflare = temporarily(passing, () => new Miniflare({
    host: HOST, cf: false, log: new NoOpLog(), durableObjectsPersist: kept ?? join(passing, 'state'),
    handleRuntimeStdio(...streams) {
      for (const stream of streams) stream.setEncoding('utf8').on('data', (text) => {
        said.push(text);
        if (said.length > 50) said.shift();
        if (options.verbose) process.stderr.write(text);
      });
    },
    workers: [{
      name: 'sandbox', unsafeDirectSockets: [{ host: HOST, port }], compatibilityDate: '2026-04-01',
      modules: true, modulesRoot: folder, scriptPath: join(folder, 'entry.js'),
      modulesRules: [{ type: 'ESModule', include: ['**/*.js'] }, { type: 'CompiledWasm', include: ['**/*.wasm'] }],
      durableObjects: { SANDBOX: { className: 'Sandbox', useSQLite: true } },
      bindings: {
        ...(faults && { SANDBOX_FAULTS: '1' }), SANDBOX_COMMAND: again(self, options),
        ...(process.env.SANDBOX_SECRET && { SANDBOX_SECRET: process.env.SANDBOX_SECRET }),
      },
    }],
  }));
  // miniflare ends this process at once at a signal. What runs in it is to end first, and how it ended is to be told.
  for (const signal of SIGNALS) process.removeAllListeners(signal);
  if (options.env) process.on('exit', () => rmSync(options.env, { force: true }));
  let ending;
  const stop = () => (ending ??= Promise.race([miniflare.dispose(), new Promise((done) => setTimeout(done, 5000))]));
  let url;
  let planted;
  let env;
  try {
    await miniflare.ready;
    url = (await miniflare.unsafeGetDirectURL('sandbox')).origin;
    planted = await plant(url, seed, options.seed);
    // The answer's lists are sorted; the first user is the file's.
    planted.users = Object.fromEntries((seed.users ?? []).map(({ id }) => [id, planted.users[id]]));
    if (kept) noteFolder(kept);
    env = environment(url, planted);
    if (options.env) publish(options.env, env);
  } catch (error) {
    await stop();
    throw error instanceof UsageError ? error : new UsageError(unstarted(error, said.join(''), kept));
  }
  if (command.length > 0) {
    const code = await run(command, env, stop).finally(stop);
    process.exit(code);
  }
  if (!keep) onParentExit(() => end(stop, 0));
  for (const signal of SIGNALS) process.on(signal, () => end(stop, signal === 'SIGINT' ? 130 : 0));
  console.log(banner(url, planted, env, { ...options, kept }));
}

/** Why it did not start, without the runtime's stacks. */
function unstarted({ message, unready }, said, kept) {
  const [, why, code] = /dbErrorMessage\([^)]*\) = ([^:\n]+): (SQLITE_\w+)/.exec(said) ?? [];
  if (kept && (why || unready)) return `--data: the database in ${kept} cannot be used: ${why ? `${why} (${code})` : message}`;
  return `the sandbox did not start: ${message}\n${said.split('\n').filter((line) => !line.startsWith('stack:')).join('\n').trim()}`;
}

async function end(stop, code) {
  await stop();
  process.exit(code);
}

/** miniflare, from the project that this is called in, from beside the package, or where the demo fetched it to; it is not installed with the package. */
async function runtime(self) {
  for (const from of [join(process.cwd(), 'noop.js'), fileURLToPath(import.meta.url), join(fetched(), 'noop.js')]) {
    let found;
    try {
      found = createRequire(from).resolve('miniflare');
    } catch {
      continue;
    }
    bound(found);
    return import(pathToFileURL(found).href);
  }
  throw new UsageError(`the sandbox runs in miniflare, which is not installed. Install it beside payments-wasm:

  npm install --save-dev ${MINIFLARE}

or let npx fetch both for this once:

  npx --package payments-wasm --package ${MINIFLARE} -- ${self.replace(/^npx /, '')}`);
}

/** workerd outlives a parent that was killed, so it is started by a script that ends it with us. */
function bound(miniflare) {
  if (process.platform === 'win32' || process.env.MINIFLARE_WORKERD_PATH) return;
  try {
    process.env.REAL_WORKERD = createRequire(miniflare)('workerd').default;
    const script = fileURLToPath(new URL('./workerd.sh', import.meta.url));
    runnable(script);
    process.env.MINIFLARE_WORKERD_PATH = script;
  } catch {
    // Another layout of miniflare's: it starts workerd in its own way.
  }
}

/** Whoever unpacked the package may have lost that the script can be run. */
function runnable(script) {
  try {
    accessSync(script, files.X_OK);
  } catch {
    chmodSync(script, 0o755);
  }
}

/** Says that a port is taken before workerd does so in its own words. */
async function free(port) {
  if (port === 0) return;
  const probe = createServer();
  await new Promise((done, fail) => {
    probe.once('error', (error) => fail(new UsageError(`port ${port} ${error.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${error.code})`}: choose another with --port`)));
    probe.listen(port, HOST, () => probe.close(done));
  });
}

async function plant(url, seed, path) {
  const secret = process.env.SANDBOX_SECRET;
  const response = await fetch(`${url}/sandbox/seed`, {
    method: 'POST', headers: { 'content-type': 'application/json', ...(secret && { authorization: `Bearer ${secret}` }) }, body: JSON.stringify(seed),
  });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  if (response.status >= 500) throw Object.assign(new Error(`it answered with ${response.status}${answer.message ? `: ${answer.message}` : ''}`), { unready: true });
  throw new UsageError(`--seed: ${path ?? 'the usual accounts'}: ${answer.message}${answer.hint ? `\n${answer.hint}` : ''}`);
}

const users = ({ users }) => Object.entries(users).filter(([, { nvmApiKey }]) => nvmApiKey);
const named = (prefix, id) => `${prefix}_${id.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}`;

/** The variables of what is planted: the list of the answer, how each begins, and the member that it holds. */
const VARIABLES = [
  ['users', 'NVM_API_KEY', 'nvmApiKey'], ['organizations', 'NVM_ORG_ID', 'orgId'], ['plans', 'NVM_PLAN_ID', 'planId'], ['agents', 'NVM_AGENT_ID', 'agentId'],
  ['cards', 'NVM_CARD_ID', 'paymentMethodId'], ['delegations', 'NVM_DELEGATION_ID', 'delegationId'],
];

/** The variables that the SDKs read, where a gate's NVM_API_KEY is the first user's; and what else was planted, by its name. */
function environment(url, planted) {
  const env = { NVM_BACKEND_URL: url, NVM_FRONTEND_URL: url, NVM_EMBED_URL: url, NVM_ENVIRONMENT: 'custom', SANDBOX_URL: url, SANDBOX_PID: String(process.pid) };
  const [first] = users(planted);
  if (first) env.NVM_API_KEY = first[1].nvmApiKey;
  for (const [list, prefix, member] of VARIABLES) {
    for (const [id, one] of Object.entries(planted[list])) if (one[member]) env[named(prefix, id)] = one[member];
  }
  return env;
}

/** Refuses a file in which two names give the same variable: one of them would be somebody else's. */
function distinct(seed, path) {
  for (const [list, prefix] of VARIABLES) {
    const ids = new Map();
    for (const { id } of Array.isArray(seed?.[list]) ? seed[list].filter((one) => typeof one?.id === 'string') : []) {
      const variable = named(prefix, id);
      const other = ids.get(variable);
      if (other !== undefined && other !== id) throw new UsageError(`--seed: ${path}: ${list}: ${other} and ${id} are both ${variable}: give one of them another id`);
      ids.set(variable, id);
    }
  }
}

/** The file is gone at the end, so it may be none that somebody else wrote. One that a killed sandbox left is its own. */
function ours(path) {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch { /* There is none, or it cannot be written either, which is said then. */ }
  if (text && !/^SANDBOX_PID=/m.test(text)) throw new UsageError(`--env: ${path} is there already, and no sandbox wrote it: choose another file`);
}

/** Written beside and moved: whoever waits for the file finds all of it. */
function publish(path, env) {
  const lines = Object.entries(env).map(([name, value]) => `${name}=${value}\n`).join('');
  const part = `${path}.${process.pid}.part`;
  try {
    writeFileSync(part, lines, { mode: 0o600 });
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw new UsageError(`--env: ${path} cannot be written: ${error.message}`);
  }
}

function banner(url, planted, env, { kept, faults }) {
  const [first] = users(planted);
  const lines = Object.entries(env).filter(([name]) => name !== 'SANDBOX_PID').map(([name, value]) => `${name}=${value}`);
  const key = lines.findIndex((line) => line.startsWith('NVM_API_KEY='));
  if (key >= 0) lines.splice(key, 0, `# the key of ${first[0]}, as a gate reads it`);
  return [
    '', `  sandbox    ${url}`, `  dashboard  ${url}/dashboard`, `  state      ${kept ? `kept in ${kept}` : 'in memory, forgotten at the end'}`,
    `  faults     ${faults ? 'can be switched on' : 'off: --faults allows them'}`, '', ...lines, '', 'Ctrl-C ends it.',
  ].join('\n');
}

/** The command that starts this with faults, for the dashboard to show. */
function again(self, { port, data, seed }) {
  const quote = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const given = Object.entries({ port, data, seed }).filter(([, value]) => value !== undefined).map(([name, value]) => ` --${name} ${quote(value)}`);
  return `${self}${self.startsWith('npm') ? ' --' : ''}${given.join('')} --faults`;
}

/** Runs a command with the environment of the sandbox, and gives its exit code. */
function run([program, ...args], env, stop) {
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...env }, shell: process.platform === 'win32' });
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  onParentExit(() => {
    child.kill('SIGTERM');
    end(stop, 1);
  });
  return new Promise((done, fail) => {
    child.once('error', (error) => fail(new UsageError(`${program} cannot be run: ${error.message}`)));
    child.once('close', (exit, signal) => done(exit ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

/** `npx payments-wasm sandbox init`: the Worker as a folder of its own, to be deployed. */
export async function init(target, { force }, folder = fileURLToPath(new URL('../sandbox', import.meta.url))) {
  const to = resolve(target);
  if (existsSync(join(to, 'wrangler.toml')) && !force) throw new UsageError(`wrangler.toml is there already in ${to}: nothing was written`);
  try {
    makeFolder(to);
    cpSync(folder, to, { recursive: true });
  } catch (error) {
    throw new UsageError(`${to} cannot be written: ${error.message}`);
  }
  console.log(`The sandbox is in ${to}. Next:\n\n  cd ${target}\n  npx wrangler deploy\n  npx wrangler secret put SANDBOX_SECRET\n\nUntil it has a secret, its dashboard and the routes under /sandbox are shut.`);
}
