// Writes a project: a Worker whose handler is behind a gate.
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Wrong } from './wrong.js';

const TEMPLATE = fileURLToPath(new URL('./project', import.meta.url));
/** Files whose names npm would leave out of a package. */
const NAMES = { gitignore: '.gitignore', 'dev.vars.example': '.dev.vars.example' };
const WRANGLER = '^4.86.0';

export function init(folder, { plan, agent, backend, key, force }) {
  const target = resolve(folder);
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const name = basename(target).toLowerCase().replace(/[^a-z0-9-]+/g, '-').replace(/^-+|-+$/g, '') || 'paywall';
  const files = new Map(readdirSync(TEMPLATE, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    return [relative(TEMPLATE, path).replace(/[^\\/]+$/, (file) => NAMES[file] ?? file), readFileSync(path, 'utf8').replaceAll('{{name}}', name)];
  }));
  const routes = JSON.parse(files.get('routes.json'));
  for (const route of Object.values(routes.routes)) {
    if (plan) route.planId = plan;
    if (agent) route.agentId = agent;
  }
  files.set('routes.json', `${JSON.stringify(routes, null, 2)}\n`);
  files.set('package.json', `${JSON.stringify({
    name, private: true, type: 'module',
    scripts: { dev: 'wrangler dev', deploy: 'wrangler deploy' },
    dependencies: { 'payments-wasm': `^${version}` },
    devDependencies: { wrangler: WRANGLER },
  }, null, 2)}\n`);
  const secrets = Object.entries({ NVM_API_KEY: key, NVM_ENVIRONMENT: backend && 'custom', NVM_API_URL: backend }).filter(([, value]) => value);
  if (secrets.length > 0) files.set('.dev.vars', secrets.map(([name, value]) => `${name}="${value}"\n`).join(''));

  const there = [...files.keys()].filter((path) => existsSync(join(target, path)));
  if (there.length > 0 && !force) {
    throw new Wrong(`${there.join(', ')} ${there.length > 1 ? 'are' : 'is'} there already in ${target}: nothing was written`);
  }
  for (const [path, text] of files) {
    mkdirSync(dirname(join(target, path)), { recursive: true });
    writeFileSync(join(target, path), text, path === '.dev.vars' ? { mode: 0o600 } : {});
  }
  const steps = [folder !== '.' && `cd ${folder}`, 'npm install', !key && 'cp .dev.vars.example .dev.vars   # and put your key in', 'npx wrangler dev'];
  console.log(`${[...files.keys()].sort().map((path) => `  ${path}`).join('\n')}\n\nNext:\n${steps.filter(Boolean).map((line) => `  ${line}`).join('\n')}`);
}
