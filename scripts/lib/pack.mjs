// The npm package as npm would publish it.
import { renameSync, statSync } from 'node:fs';
import { build, dist } from './build.mjs';
import { repoPath } from './run.mjs';
import { count, step } from './terminal.mjs';
import { npm } from './tools.mjs';

/** Where the tarball stands. */
export const TARBALL = repoPath('target/payments-wasm.tgz');

/** Builds everything that goes into the package and packs it. */
export async function pack() {
  await build(['subscriber', 'builder', 'dialects', 'gate-dialects', 'paywall', 'sandbox']);
  await step('target/payments-wasm.tgz', async () => {
    const { stdout } = await npm(['pack', '--json', '--ignore-scripts', '--pack-destination', repoPath('target')], { cwd: dist('subscriber') });
    // npm 12 names the package first.
    const [{ filename }] = [Object.values(JSON.parse(stdout))].flat(2);
    renameSync(repoPath('target', filename), TARBALL);
    return { note: `${count(statSync(TARBALL).size)} bytes` };
  });
  return TARBALL;
}
