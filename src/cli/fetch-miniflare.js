// Fetches what the demo needs beside the package: miniflare, into the cache folder of the user.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from './usage-error.js';

/** The last that runs on Node 20. */
const MINIFLARE = '4.20260426.0';

/** The folder that it is fetched to. */
export function fetched() {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  const cache = XDG_CACHE_HOME || (process.platform === 'win32' && LOCALAPPDATA) || join(homedir(), '.cache');
  return join(cache, 'payments-wasm', `miniflare-${MINIFLARE}`);
}

/** Fetches miniflare unless it is there: in the project, beside the package, or from the last time. `say` hears that it takes a moment. */
export async function fetchMiniflare(say) {
  for (const from of [process.cwd(), fileURLToPath(new URL('.', import.meta.url)), fetched()]) {
    try {
      createRequire(join(from, 'noop.js')).resolve('miniflare');
      return;
    } catch { /* not here */ }
  }
  const folder = fetched();
  say(`fetching miniflare ${MINIFLARE} with npm, once, into ${folder}`);
  mkdirSync(folder, { recursive: true });
  if (!existsSync(join(folder, 'package.json'))) writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  // npx names its own npm.
  const own = process.env.npm_execpath;
  const [program, first] = own?.endsWith('.js') ? [process.execPath, [own.replace(/npx-cli\.js$/, 'npm-cli.js')]] : ['npm', []];
  const child = spawn(program, [...first, 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--prefix', folder, `miniflare@${MINIFLARE}`], {
    stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' && program === 'npm',
    // Variables that npx set for this command do not apply to the other.
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(config_(prefix|local_prefix|global|package|call|yes)|package_|lifecycle_)/i.test(name))),
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { said += text; });
  const code = await new Promise((done, fail) => {
    child.once('error', (error) => fail(new UsageError(`npm cannot be run: ${error.message}`)));
    child.once('close', done);
  });
  if (code !== 0) throw new UsageError(`miniflare could not be fetched:\n\n${said.trim()}`);
}
