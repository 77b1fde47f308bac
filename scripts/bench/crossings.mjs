// Counts the calls between JavaScript and the gate's WebAssembly for one paid request, without those of the allocator.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { dist } from '../lib/build.mjs';
import { repoPath } from '../lib/run.mjs';
import { ROUTES, SELLER_KEY, token } from './servers.mjs';

export async function crossings(api) {
  const env = { ...process.env, PACKAGE: dist('subscriber'), NVM_API_KEY: SELLER_KEY, NVM_API_URL: api, ROUTES: JSON.stringify(ROUTES), TOKEN: token() };
  const { stdout } = await promisify(execFile)(process.execPath, [repoPath('scripts/bench/fixtures/crossings.mjs')], { env });
  const { into, out } = JSON.parse(stdout);
  return { median: into + out, unit: 'calls', note: `${into} into the WebAssembly, ${out} out of it` };
}
