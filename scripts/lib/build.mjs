// From Rust to what ships: one cargo run for each artefact, wasm-bindgen, wasm-opt, and the template around it.
// Nothing is done for an artefact whose inputs are what they were at its last build.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative, sep } from 'node:path';
import builder from './artefacts/builder.mjs';
import dialects from './artefacts/dialects.mjs';
import gateDialects from './artefacts/gate-dialects.mjs';
import { portable } from './artefacts/glue.mjs';
import subscriber, { PAGES } from './artefacts/package.mjs';
import { pageIsBuilt } from './artefacts/page-scripts.mjs';
import paywall from './artefacts/paywall.mjs';
import sandbox from './artefacts/sandbox.mjs';
import worker from './artefacts/worker.mjs';
import { UserError } from './cli.mjs';
import { dist } from './dist.mjs';
import { prune } from './prune.mjs';
import { repoPath, root, run } from './run.mjs';
import { count, notice, step, working } from './terminal.mjs';
import { setup } from './tools.mjs';

export { dist };

/**
 * The artefacts, each described in a file of artefacts/. `features` are cargo's; `crate` is the workspace crate where it is not the library; `name` is the name
 * of the glue and its wasm; `template` is the folder whose files are copied; `quiet` removes panic messages
 * (`prune.mjs`); `bindgen` and `opt` are extra arguments of the two tools; `symbols` is the file that names the
 * function for each number in a stack trace where the wasm does not; `needs` lists artefacts that are built before.
 */
export const ARTEFACTS = { subscriber, paywall, builder, dialects, 'gate-dialects': gateDialects, worker, sandbox };

/** The features of wasm that wasm-opt may use: what Rust and wasm-bindgen emit, each in every engine we name. */
const WASM_FEATURES = [
  'mutable-globals', 'sign-ext', 'nontrapping-float-to-int', 'bulk-memory', 'bulk-memory-opt', 'multivalue',
  'reference-types',
];

/**
 * Builds the named artefacts (all, if none is named), and what they need. `dev` is quick to build and large; where what ships is built already and is what
 * the sources say, it serves as well.
 */
export async function build(names = [], { dev = false } = {}) {
  for (const name of names) {
    if (!ARTEFACTS[name]) throw new UserError(`there is no artefact ${name}`, `one of ${Object.keys(ARTEFACTS).join(', ')}`);
  }
  const wanted = names.length > 0 ? names : Object.keys(ARTEFACTS);
  const chosen = new Set(wanted.flatMap((name) => [...(ARTEFACTS[name].needs ?? []), name]));
  const { bindgen } = await setup('bindgen');
  // An artefact is finished, which takes one processor, while the next one compiles.
  const unfinished = new Map();
  const finished = async (name) => {
    const work = unfinished.get(name);
    unfinished.delete(name);
    if (work) await step(`build ${name}${dev ? ' (dev)' : ''}`, () => work);
  };
  const needs = (name) => ARTEFACTS[name].needs ?? [];
  try {
    for (const name of [...chosen].sort((one, other) => needs(one).length - needs(other).length)) {
      for (const needed of needs(name)) await finished(needed);
      if (upToDate(name, dev)) continue;
      const compiled = await working(`compile ${name}`, (report) => compileOne(name, { dev, report }));
      const work = finishOne(name, { dev, bindgen, compiled });
      work.catch(() => {});
      unfinished.set(name, work);
    }
    for (const name of [...unfinished.keys()]) await finished(name);
  } finally {
    await Promise.allSettled(unfinished.values());
  }
  // One package of three builds.
  for (const part of ['builder', 'dialects', 'gate-dialects', 'paywall']) {
    if (existsSync(dist(part)) && existsSync(dist('subscriber'))) cpSync(dist(part), dist('subscriber'), { recursive: true, filter: (path) => !path.endsWith('.symbols') });
  }
  // The sandbox as it is deployed goes along, in a folder of its own.
  if (existsSync(dist('sandbox')) && existsSync(dist('subscriber'))) {
    rmSync(dist('subscriber', 'sandbox'), { recursive: true, force: true });
    cpSync(dist('sandbox'), dist('subscriber', 'sandbox'), { recursive: true });
  }
}

/** The folder in which an artefact is built. It is moved into place at the end: a build that fails leaves the last good one. */
function workOf(name) {
  const work = repoPath('target/dist', `.${name}.${process.pid}`);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  return work;
}

/** Runs cargo, and keeps its wasm in the folder in which the artefact is built. The next one is written to the same place. */
async function compileOne(name, { dev, report }) {
  const artefact = ARTEFACTS[name];
  const quiet = artefact.quiet && !dev;
  const started = Date.now();
  if (artefact.of) return { work: workOf(name), sources: [], started };
  const { wasm, sources } = await compile(artefact, dev ? 'wasm-dev' : 'release', { quiet, report });
  const work = workOf(name);
  writeFileSync(join(work, 'linked.wasm'), quiet ? prune(readFileSync(wasm)) : readFileSync(wasm));
  return { work, sources, started };
}

async function finishOne(name, { dev, bindgen, compiled: { work, sources, started } }) {
  const artefact = ARTEFACTS[name];
  try {
    let renamed;
    if (artefact.of) {
      for (const part of ['gate.js', 'gate_bg.wasm', 'gate.symbols']) if (existsSync(dist(artefact.of, part))) cpSync(dist(artefact.of, part), join(work, part));
    } else {
      const linked = join(work, 'linked.wasm');
      await run(bindgen, [...artefact.bindgen, '--out-dir', work, '--out-name', artefact.name, linked]);
      rmSync(linked);
      const wasm = join(work, `${artefact.name}_bg.wasm`);
      renamed = dev ? undefined : await optimised(artefact, wasm, work);
      rmSync(`${wasm}.d.ts`, { force: true });
      portable(work, artefact.name);
    }
    copyTemplate(artefact.template, work);
    await artefact.finish?.(work, { dev, renamed });
    rmSync(dist(name), { recursive: true, force: true });
    renameSync(work, dist(name));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  writeStamp(name, { dev, sources, started });
  const { size } = statSync(dist(name, `${artefact.name}_bg.wasm`));
  return { note: `${count(size)} bytes of wasm` };
}

/**
 * Makes the wasm small, in place; gives the short names that its imports and exports have then. It takes most of a build's time, and often only
 * JavaScript has changed: what comes of the same wasm is kept in target/wasm-opt.
 */
async function optimised(artefact, wasm, work) {
  const features = WASM_FEATURES.map((feature) => `--enable-${feature}`);
  // A function of one caller that is not small stays by itself: large functions compress worse, by one part in a hundred.
  const inlining = ['--one-caller-inline-max-function-size', '12'];
  // Twice: what the first leaves the second finds.
  const small = ['-Oz', '-Oz', '--low-memory-unused'];
  const hash = createHash('sha256').update(readFileSync(wasm));
  const key = hash.update(JSON.stringify([small, inlining, artefact.opt, artefact.symbols, features, readFileSync(repoPath('node_modules/binaryen/package.json'), 'utf8')])).digest('hex');
  const kept = repoPath('target/wasm-opt', artefact.features ?? artefact.name);
  const stamp = join(kept, 'stamp.json');
  const results = [`${artefact.name}_bg.wasm`, artefact.symbols].filter(Boolean);
  const last = existsSync(stamp) && JSON.parse(readFileSync(stamp, 'utf8'));
  if (last?.key === key) {
    for (const name of results) cpSync(join(kept, name), join(work, name));
    return last.renamed;
  }
  const optimise = (...flags) => run(process.execPath, [repoPath('node_modules/binaryen/bin/wasm-opt'), ...inlining, ...flags, ...features, wasm, '-o', wasm]);
  // Names are read by who keeps them, and who keeps them writes them: so they are written down in a run of their own,
  // and the one that drops them leaves the functions where they are.
  if (artefact.symbols) await optimise(...small.splice(0), '--debuginfo', `--symbolmap=${join(work, artefact.symbols)}`);
  const { stdout } = await optimise(...small, ...artefact.opt);
  const renamed = stdout.trim() ? JSON.parse(stdout) : undefined;
  rmSync(kept, { recursive: true, force: true });
  mkdirSync(kept, { recursive: true });
  for (const name of results) cpSync(join(work, name), join(kept, name));
  writeFileSync(stamp, JSON.stringify({ key, renamed }));
  return renamed;
}

/** Runs cargo; gives the path of the wasm and the source files that went into it, as the compiler names them. */
async function compile({ crate = 'payments-wasm', features }, profile, { quiet, report }) {
  // As a cdylib alone: beside an rlib, cargo gives up link-time optimisation, and the wasm is a fifth larger.
  const args = ['rustc', '-p', crate, '--lib', '--crate-type', 'cdylib', '--target', 'wasm32-unknown-unknown', '--profile', profile,
    '--no-default-features', ...(features ? ['--features', features] : []), '--locked', '--color', process.stderr.isTTY ? 'always' : 'never',
    // Relocations, for `prune`.
    ...(quiet ? ['--', '-Clink-arg=--emit-relocs'] : [])];
  let compiled = 0;
  await run('cargo', args, {
    env: { CARGO_ENCODED_RUSTFLAGS: rustFlags().join('\x1f') },
    onLine(line) {
      const crate = /Compiling\S* (\S+)/.exec(line.replace(/\x1b\[[0-9;]*m/g, ''))?.[1];
      if (crate) report(`${crate} (${++compiled})`);
    },
  });
  const wasm = join(cargoTarget(), 'wasm32-unknown-unknown', profile, `${crate.replaceAll('-', '_')}.wasm`);
  const list = readFileSync(wasm.replace(/\.wasm$/, '.d'), 'utf8').split('\n')[0];
  // "output: a b c", a space inside a name being escaped.
  const sources = list.slice(list.indexOf(': ') + 2).split(/(?<!\\) /).map((path) => relative(root, path.replaceAll('\\ ', ' ')));
  return { wasm, sources };
}

/** The caller's flags; SHA-256 as a loop, which is 3 KB less after gzip and no slower to speak of; and that no path of this machine ends up in what ships (panic messages name files). */
function rustFlags() {
  const given = process.env.CARGO_ENCODED_RUSTFLAGS?.split('\x1f') ?? process.env.RUSTFLAGS?.split(' ') ?? [];
  const registry = join(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'registry/src');
  const indexes = existsSync(registry) ? readdirSync(registry).map((name) => join(registry, name)) : [];
  return [...given.filter(Boolean), '--cfg=sha2_backend_soft="compact"', ...[...indexes, root].map((path) => `--remap-path-prefix=${path}${sep}=`)];
}

const cargoTarget = () => (process.env.CARGO_TARGET_DIR ? join(root, process.env.CARGO_TARGET_DIR) : repoPath('target'));

function copyTemplate(folder, to) {
  for (const path of templateFiles(folder)) {
    cpSync(repoPath(path), join(to, relative(folder, path)), { recursive: true });
  }
}

/** A template's files, without those of the templates that stand in folders inside it. */
function templateFiles(folder) {
  const nested = Object.values(ARTEFACTS).map(({ template }) => template).filter((one) => one.startsWith(`${folder}/`));
  return files(folder, /./).filter((path) => !nested.some((one) => path.startsWith(`${one}/`)));
}

// Decides if a build is needed. The stamp of a build names its inputs with a hash of their contents; a source file
// cannot be missing from the list unless a listed one (which names it) changed.

const stampPath = (name) => repoPath('target/dist', `.${name}.json`);

function upToDate(name, dev) {
  let stamp;
  try {
    stamp = JSON.parse(readFileSync(stampPath(name), 'utf8'));
  } catch {
    return false;
  }
  const outputs = existsSync(dist(name, `${ARTEFACTS[name].name}_bg.wasm`));
  return outputs && (dev || !stamp.dev) && stamp.hash === hashInputs(name, stamp.sources);
}

function writeStamp(name, { dev, sources, started }) {
  // A file saved while cargo ran may or may not be in the build: leave no stamp, and the next build looks again.
  const late = sources.filter((path) => existsSync(repoPath(path)) && statSync(repoPath(path)).mtimeMs > started);
  rmSync(stampPath(name), { force: true });
  if (late.length > 0) return notice(`${late.join(', ')} changed during the build`);
  writeFileSync(stampPath(name), JSON.stringify({ dev, hash: hashInputs(name, sources), sources }));
}

function hashInputs(name, sources) {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([rustFlags().filter((flag) => !flag.startsWith('--remap')), process.env.RUSTUP_TOOLCHAIN ?? '', pageIsBuilt()]));
  const others = ['Cargo.toml', 'sandbox/Cargo.toml', 'Cargo.lock', 'rust-toolchain.toml', ...PAGES, 'package-lock.json',
    'scripts/lib/build.mjs', ...files('scripts/lib/artefacts', /./), 'scripts/lib/options.mjs', 'scripts/lib/prune.mjs', ...(['builder', 'paywall'].includes(name) ? ['pkg-template/load.js'] : []), ...files('src', /\.(js|json|ts|html|css)$/), ...files('src/cli', /./), ...(name === 'subscriber' ? files('www', /./) : []), ...templateFiles(ARTEFACTS[name].template),
    ...(ARTEFACTS[name].needs ?? []).map((needed) => relative(root, stampPath(needed)))];
  for (const path of [...new Set([...sources, ...others])].sort()) {
    hash.update(`\0${path}\0`);
    if (existsSync(repoPath(path))) hash.update(readFileSync(repoPath(path)));
  }
  return hash.digest('hex');
}

/** The files of a folder whose names match, all the way down, as paths from the root. */
function files(folder, match) {
  if (!existsSync(repoPath(folder))) return [];
  return readdirSync(repoPath(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && match.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)).replaceAll('\\', '/'));
}

