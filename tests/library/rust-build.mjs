// Builds a Worker in Rust of the tests as its author would: cargo, wasm-bindgen, and the module of `entry.js`.
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { repoPath, run } from '../../scripts/lib/run.mjs';
import { setup } from '../../scripts/lib/tools.mjs';

/** Builds the crate `tests/<name>`; the options of its Worker. */
export async function builtWorker(name) {
  const { bindgen } = await setup('bindgen');
  const args = ['--locked', '--manifest-path', repoPath('tests', name, 'Cargo.toml'), '--target', 'wasm32-unknown-unknown', '--profile', 'wasm-dev', '--target-dir', repoPath('target')];
  await run('cargo', ['build', ...args], { timeout: 15 * 60_000 });
  const folder = repoPath(`target/test-${name}-${process.pid}`);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(folder, { recursive: true });
  await run(bindgen, ['--no-typescript', '--experimental-reset-state-function', '--force-enable-abort-handler',
    '--out-dir', folder, '--out-name', 'gate', repoPath('target/wasm32-unknown-unknown/wasm-dev', `${name.replace('-', '_')}.wasm`)]);
  cpSync(repoPath('tests/rust-worker/entry.js'), `${folder}/entry.js`);
  return { modulesRoot: folder, scriptPath: `${folder}/entry.js` };
}
