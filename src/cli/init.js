// Writes a project: a Worker whose handler is behind a gate, in JavaScript, TypeScript or Rust.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeFolder } from './data-folder.js';
import { UsageError } from './usage-error.js';

const TEMPLATES = { js: './project', ts: './project', rust: './project-rust' };
/** Files whose names npm would leave out of a package. */
const NAMES = { gitignore: '.gitignore', 'dev.vars.example': '.dev.vars.example' };
/** Files of one language only. */
const OF = { 'index.js': 'js', 'index.ts': 'ts', 'tsconfig.json': 'ts' };
const VERSIONS = { wrangler: '^4.86.0', typescript: '^7.0.2', bindgen: '0.2.130' };

export async function init(folder, { plan, agent, backend, key, force, js, ts, rust }) {
  if ([js, ts, rust].filter(Boolean).length > 1) throw new UsageError('--js, --ts and --rust: choose one of them');
  const { Payments } = await import('../node.js');
  const taken = (given) => Boolean(Payments.getInstance({ environment: 'custom', backend: 'http://127.0.0.1', nvmApiKey: 'local:e30.e30.e30', ...given }));
  checked('--key', key, (text) => taken({ nvmApiKey: text }), 'must be a Nevermined API key, whole and without quotes');
  checked('--backend', backend, (text) => !/["'`$]/.test(text) && taken({ backend: text }), 'must be an https URL, or http to this machine');
  for (const [option, id] of [['--plan', plan], ['--agent', agent]]) checked(option, id, (text) => /^\w{1,80}$/.test(text), 'must be an id, as the platform gives them');
  const language = ts ? 'ts' : rust ? 'rust' : 'js';
  const template = fileURLToPath(new URL(TEMPLATES[language], import.meta.url));
  const target = resolve(folder);
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const name = basename(target).toLowerCase().replace(/[^a-z0-9-]+/g, '-').replace(/^-+|-+$/g, '') || 'paywall';
  const entries = readdirSync(template, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && (OF[entry.name] ?? language) === language);
  const files = new Map(entries.map((entry) => {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    const text = readFileSync(path, 'utf8').replaceAll('{{name}}', name).replaceAll('{{ending}}', language)
      .replaceAll('{{wasm-bindgen}}', VERSIONS.bindgen).replaceAll('{{source}}', `version = "${version}"`);
    return [relative(template, path).replace(/[^\\/]+$/, (file) => NAMES[file] ?? file), text];
  }));
  if (rust) {
    const member = (key, id) => (id ? `${key} = ${JSON.stringify(id)}\n` : '');
    files.set('wrangler.toml', files.get('wrangler.toml').replace('planId = "1"\n', member('planId', plan ?? '1') + member('agentId', agent)));
  } else {
    const routes = JSON.parse(files.get('routes.json'));
    for (const route of Object.values(routes.routes)) {
      if (plan) route.planId = plan;
      if (agent) route.agentId = agent;
    }
    files.set('routes.json', `${JSON.stringify(routes, null, 2)}\n`);
  }
  files.set('package.json', `${JSON.stringify({
    name, private: true, type: 'module',
    scripts: { dev: 'wrangler dev', deploy: 'wrangler deploy', ...(ts && { check: 'tsc' }) },
    ...(!rust && { dependencies: { 'payments-wasm': source() ?? `^${version}` } }),
    devDependencies: { ...(ts && { typescript: VERSIONS.typescript }), wrangler: VERSIONS.wrangler },
  }, null, 2)}\n`);
  const secrets = Object.entries({ NVM_API_KEY: key, NVM_ENVIRONMENT: backend && 'custom', NVM_API_URL: backend }).filter(([, value]) => value);
  if (secrets.length > 0) files.set('.dev.vars', secrets.map(([name, value]) => `${name}="${value}"\n`).join(''));

  try {
    write(target, files, force);
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(`${target} cannot be written: ${error.message}`);
  }
  const steps = [folder !== '.' && `cd ${folder}`, 'npm install', !key && 'cp .dev.vars.example .dev.vars   # and put your key in', ts && 'npm run check', 'npx wrangler dev'];
  console.log(`${[...files.keys()].sort().map((path) => `  ${path}`).join('\n')}\n\nNext:\n${steps.filter(Boolean).map((line) => `  ${line}`).join('\n')}`);
}

/** Where npm had this package from, if that was a file: a registry may not know it. */
function source() {
  const modules = fileURLToPath(new URL('../..', import.meta.url));
  try {
    const { resolved } = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8')).packages['node_modules/payments-wasm'];
    return resolved.startsWith('file:') ? `file:${resolve(modules, '..', resolved.slice('file:'.length))}` : undefined;
  } catch {
    return undefined;
  }
}

/** Refuses what cannot be one, so that it ends up in no file. A value is in no error: it may be a key. */
function checked(option, value, takes, problem) {
  let good = value === undefined;
  try {
    good ||= takes(value);
  } catch { /* It is said below. */ }
  if (!good) throw new UsageError(`${option} ${problem}`);
}

function write(target, files, force) {
  // The other language's file would be what nobody runs.
  const there = [...new Set([...files.keys(), join('src', 'index.js'), join('src', 'index.ts'), join('src', 'lib.rs')])].filter((path) => existsSync(join(target, path)));
  if (there.length > 0 && !force) {
    throw new UsageError(`${there.join(', ')} ${there.length > 1 ? 'are' : 'is'} there already in ${target}: nothing was written`);
  }
  for (const [path, text] of files) {
    makeFolder(dirname(join(target, path)));
    writeFileSync(join(target, path), text, path === '.dev.vars' ? { mode: 0o600 } : {});
  }
}
