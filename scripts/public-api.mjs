// npm run public-api [-- --check]: writes docs/public-api.txt, the public items of the Rust crate, and says what breaks a program
// that was built with the crate before. With --check nothing is written, and a difference is an error.
//
// cargo-public-api lists the items, and cargo-semver-checks compares them with those of a baseline: the last version that is
// tagged `v…`, and before there is one the commit that changed the record last. Both tools are built once, which takes minutes.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { UserError, main, options } from './lib/cli.mjs';
import { NATIVE, RECORD } from './lib/public-api.mjs';
import { isProgram, repoPath, run, which } from './lib/run.mjs';
import { step } from './lib/terminal.mjs';

const TOOLS = { 'cargo-public-api': '0.52.0', 'cargo-semver-checks': '0.51.0' };
const WASM = 'wasm32-unknown-unknown';
const FOLDER = repoPath('target/tools/cargo');

main(async () => {
  const { check = false } = options('npm run public-api [-- --check]', { check: { type: 'boolean' } });
  await tools();
  const items = await step('public items', async () => {
    const native = await list(['--features', NATIVE]);
    const worker = await list(['--no-default-features', '--features', 'worker', '--target', WASM]);
    const ofWorker = worker.filter((line) => line.includes('payments_wasm::worker'));
    return [...native, ...ofWorker.filter((line) => !native.includes(line))];
  });
  const text = `${items.join('\n')}\n`;
  const before = read(RECORD);
  if (!check) writeFileSync(repoPath(RECORD), text);
  const [was, is] = [new Set(before.split('\n')), new Set(text.split('\n'))];
  const changes = [...[...was].filter((line) => !is.has(line)).map((line) => `- ${line}`), ...[...is].filter((line) => !was.has(line)).map((line) => `+ ${line}`)];
  console.log(changes.length > 0 ? changes.join('\n') : `${RECORD} is what the crate has`);

  const { baseline, said, breaks } = await step('what breaks', compare);
  console.log(`${said.trim()}\n\n${breaks ? 'Programs break that were built with' : 'Nothing breaks a program that was built with'} ${baseline}.`);
  return check && changes.length > 0 ? 1 : 0;
});

/** Installs the tools, and the toolchain whose rustdoc they read. */
async function tools() {
  if (!which('rustup')) throw new UserError('there is no rustup, which gets the nightly rustdoc that lists the items', 'https://rustup.rs');
  const { output } = await run('rustup', ['toolchain', 'list']);
  if (!/^nightly/m.test(output)) {
    await step('Rust nightly', (onLine) => run('rustup', ['toolchain', 'install', 'nightly', '--profile', 'minimal', '--no-self-update'], { onLine }).then(() => undefined));
  }
  await run('rustup', ['target', 'add', WASM, '--toolchain', 'nightly']);
  for (const [name, version] of Object.entries(TOOLS)) {
    const program = `${FOLDER}/bin/${name}`;
    const known = isProgram(program) ? await run(program, name.endsWith('api') ? ['--version'] : ['semver-checks', '--version'], { anyCode: true }) : { output: '' };
    if (known.output.includes(version)) continue;
    await step(`${name} ${version} (built once)`, (onLine) => run('cargo', ['install', '--locked', '--root', FOLDER, name, '--version', version], { onLine }).then(() => undefined));
  }
}

/** The public items, one a line, without those that derives and blanket implementations add. */
async function list(features) {
  const { stdout } = await run(`${FOLDER}/bin/cargo-public-api`, ['public-api', '-p', 'payments-wasm', '-sss', '--target-dir', repoPath('target/public-api'), ...features]);
  return stdout.trim().split('\n');
}

/** Compares the crate with the baseline. */
async function compare() {
  const tag = await run('git', ['describe', '--tags', '--abbrev=0', '--match', 'v*'], { anyCode: true });
  const last = await run('git', ['log', '-1', '--format=%h', '--', RECORD]);
  const baseline = tag.code === 0 ? tag.stdout.trim() : last.stdout.trim();
  if (!baseline) return { baseline: 'nothing: the record is new', said: '', breaks: false };
  const folder = repoPath('target/public-api/baseline');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await run('sh', ['-c', `git archive ${baseline} | tar -x -C '${folder}'`]);
  const { code, output } = await run(`${FOLDER}/bin/cargo-semver-checks`, [
    'semver-checks', '-p', 'payments-wasm', '--baseline-root', folder, '--only-explicit-features', ...NATIVE.split(',').flatMap((feature) => ['--features', feature]),
  ], { anyCode: true, env: { CARGO_TARGET_DIR: repoPath('target/public-api') } });
  return { baseline, said: output, breaks: code !== 0 };
}

function read(path) {
  try {
    return readFileSync(repoPath(path), 'utf8');
  } catch {
    return '';
  }
}
