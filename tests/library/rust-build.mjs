// Builds Workers in Rust: the project that `npx payments-wasm paywall init --rust` writes, with its own build.sh, and the Worker of tests/rust-handlers.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dist } from '../../scripts/lib/build.mjs';
import { repoPath, run } from '../../scripts/lib/run.mjs';
import { lockedVersion, setup } from '../../scripts/lib/tools.mjs';

const TARGET = repoPath('target/rust-workers');
/** The release profile of both, less what makes a build slow. They share their dependencies, compiled once. */
const PROFILE = { opt_level: '1', lto: 'false', codegen_units: '16', panic: 'abort', strip: 'debuginfo' };
const env = {
  CARGO_TARGET_DIR: undefined, CARGO_BUILD_TARGET: undefined, RUSTFLAGS: undefined, CARGO_INCREMENTAL: '0',
  ...Object.fromEntries(Object.entries(PROFILE).map(([name, value]) => [`CARGO_PROFILE_RELEASE_${name.toUpperCase()}`, value])),
};

/** Builds the crate tests/rust-handlers; the options of its Worker. */
export async function builtHandlers() {
  const { bindgen } = await setup('bindgen');
  const args = ['build', '--locked', '--manifest-path', repoPath('tests/rust-handlers/Cargo.toml'), '--target', 'wasm32-unknown-unknown', '--release', '--target-dir', TARGET];
  await run('cargo', args, { timeout: 15 * 60_000, env });
  const folder = temporary('payments-wasm-handlers-');
  await run(bindgen, ['--no-typescript', '--experimental-reset-state-function', '--force-enable-abort-handler',
    '--out-dir', folder, '--out-name', 'gate', join(TARGET, 'wasm32-unknown-unknown/release/rust_handlers.wasm')]);
  cpSync(repoPath('src/cli/project-rust/src/entry.js'), join(folder, 'entry.js'));
  return { modulesRoot: folder, scriptPath: join(folder, 'entry.js') };
}

/**
 * Writes the project and builds it as `wrangler dev` does: its folder, and the options of its Worker. The crate is this one in the place of the
 * published one, its dependencies are the locked ones, and `wasm-bindgen` on the path is our tools/bindgen, the library that the command is made of.
 */
export async function builtProject() {
  const { bindgen } = await setup('bindgen');
  const parent = temporary('payments-wasm-project-');
  await run(process.execPath, [dist('subscriber', 'cli/bin.js'), 'paywall', 'init', 'shop', '--rust'], { cwd: parent });
  const folder = join(parent, 'shop');
  mkdirSync(join(folder, '.cargo'));
  writeFileSync(join(folder, '.cargo/config.toml'), `[patch.crates-io]\npayments-wasm = { path = ${JSON.stringify(repoPath())} }\n`);
  const lock = readFileSync(repoPath('tests/rust-handlers/Cargo.lock'), 'utf8').replace('name = "rust-handlers"\nversion = "0.0.0"', 'name = "shop"\nversion = "0.1.0"');
  writeFileSync(join(folder, 'Cargo.lock'), lock);
  mkdirSync(TARGET, { recursive: true });
  symlinkSync(TARGET, join(folder, 'target'));
  const tools = join(parent, 'tools');
  mkdirSync(tools);
  writeFileSync(join(tools, 'wasm-bindgen'), `#!/bin/sh
if [ "$1" = --version ]; then echo "wasm-bindgen ${lockedVersion('wasm-bindgen')}"; exit; fi
[ "$1 $2" = "--target web" ] || exit 1
shift 2
exec '${bindgen}' "$@"
`, { mode: 0o755 });
  await run('sh', ['build.sh'], { cwd: folder, timeout: 15 * 60_000, env: { ...env, PATH: `${tools}:${process.env.PATH}` } });
  return { folder, lock, options: { modulesRoot: join(folder, 'build'), scriptPath: join(folder, 'build/entry.js') } };
}

function temporary(name) {
  const folder = mkdtempSync(join(tmpdir(), name));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
