// From Rust to what ships: one cargo run for each artefact, wasm-bindgen, wasm-opt, and the template around it.
// Nothing is done for an artefact whose inputs are what they were at its last build.
import { createHash } from 'node:crypto';
import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { gzipSync } from 'node:zlib';
import { UserError } from './cli.mjs';
import { gateErrors, laterShapes, optionShapes, withOptions } from './options.mjs';
import { prune } from './prune.mjs';
import { repoPath, root, run } from './run.mjs';
import { count, notice, step, working } from './terminal.mjs';
import { crateVersion, setup } from './tools.mjs';

/**
 * The artefacts. `features` are cargo's; `crate` is the workspace crate where it is not the library; `name` is the name
 * of the glue and its wasm; `template` is the folder whose files are copied; `quiet` removes panic messages
 * (`prune.mjs`); `bindgen` and `opt` are extra arguments of the two tools; `symbols` is the file that names the
 * function for each number in a stack trace where the wasm does not; `needs` lists artefacts that are built before.
 */
export const ARTEFACTS = {
  // The npm package. Its wasm has to compile in every engine since Node 20, so nothing here may ask for newer ones.
  subscriber: {
    features: 'subscriber',
    name: 'core',
    template: 'pkg-template',
    quiet: true,
    bindgen: ['--omit-default-module-path', '--remove-name-section', '--remove-producers-section', '--no-typescript'],
    opt: ['-Oz', '--strip-debug', '--strip-producers', '--minify-imports-and-exports-and-modules'],
    finish: finishPackage,
  },
  // The paywall for fetch handlers: an entry of the same npm package, into which it is copied.
  paywall: {
    features: 'paywall',
    name: 'gate',
    template: 'pkg-template/paywall',
    quiet: true,
    symbols: 'gate.symbols',
    // A trap leaves the memory in doubt: with the reset function the next request starts on fresh memory.
    bindgen: ['--experimental-reset-state-function', '--omit-default-module-path', '--remove-producers-section', '--no-typescript'],
    opt: ['-Oz', '--strip-debug', '--strip-producers', '--minify-imports-and-exports-and-modules'],
    // Its 402 page pays with the npm package.
    needs: ['subscriber'],
    finish: finishPaywall,
  },
  // The API of those who sell: an entry of the same npm package too.
  builder: {
    features: 'builder',
    name: 'seller',
    template: 'pkg-template/builder',
    quiet: true,
    bindgen: ['--omit-default-module-path', '--remove-name-section', '--remove-producers-section', '--no-typescript'],
    opt: ['-Oz', '--strip-debug', '--strip-producers', '--minify-imports-and-exports-and-modules'],
    finish: finishBuilder,
  },
  // Other dialects of 402: a part of the npm package that it loads when an answer speaks one.
  dialects: {
    features: 'dialects',
    name: 'dialects',
    template: 'pkg-template/dialects',
    quiet: true,
    bindgen: ['--omit-default-module-path', '--remove-name-section', '--remove-producers-section', '--no-typescript'],
    opt: ['-Oz', '--strip-debug', '--strip-producers', '--minify-imports-and-exports-and-modules'],
    finish: finishDialects,
  },
  // The same for sellers: a part of the npm package that the paywall loads where its options ask for one.
  'gate-dialects': {
    features: 'gate-dialects',
    name: 'gate_dialects',
    template: 'pkg-template/gate-dialects',
    quiet: true,
    bindgen: ['--omit-default-module-path', '--remove-name-section', '--remove-producers-section', '--no-typescript'],
    opt: ['-Oz', '--strip-debug', '--strip-producers', '--minify-imports-and-exports-and-modules'],
    finish: finishGateDialects,
  },
  // The paywall Worker: the WebAssembly of the paywall, with an entry of its own and its 402 page.
  worker: {
    of: 'paywall',
    name: 'gate',
    template: 'pkg-template/worker',
    // Its 402 page pays with the npm package.
    needs: ['subscriber', 'paywall'],
    finish: finishWorker,
  },
  // Names stay in the wasm of the sandbox, for stack traces.
  sandbox: {
    crate: 'payments-wasm-sandbox',
    name: 'sandbox',
    template: 'pkg-template/sandbox',
    bindgen: ['--experimental-reset-state-function', '--force-enable-abort-handler', '--no-typescript'],
    opt: ['--debuginfo'],
  },
};

/** The features of wasm that wasm-opt may use: what Rust and wasm-bindgen emit, each in every engine we name. */
const WASM_FEATURES = [
  'mutable-globals', 'sign-ext', 'nontrapping-float-to-int', 'bulk-memory', 'bulk-memory-opt', 'multivalue',
  'reference-types', 'exception-handling',
];

/** Where an artefact stands when it is built. */
export const dist = (artefact, ...parts) => repoPath('target/dist', artefact, ...parts);

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
  // Twice: what the first leaves the second finds.
  const small = ['-Oz', '-Oz', '--low-memory-unused'];
  const hash = createHash('sha256').update(readFileSync(wasm));
  const key = hash.update(JSON.stringify([small, artefact.opt, artefact.symbols, features, readFileSync(repoPath('node_modules/binaryen/package.json'), 'utf8')])).digest('hex');
  const kept = repoPath('target/wasm-opt', artefact.features ?? artefact.name);
  const stamp = join(kept, 'stamp.json');
  const results = [`${artefact.name}_bg.wasm`, artefact.symbols].filter(Boolean);
  const last = existsSync(stamp) && JSON.parse(readFileSync(stamp, 'utf8'));
  if (last?.key === key) {
    for (const name of results) cpSync(join(kept, name), join(work, name));
    return last.renamed;
  }
  const optimise = (...flags) => run(process.execPath, [repoPath('node_modules/binaryen/bin/wasm-opt'), ...flags, ...features, wasm, '-o', wasm]);
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

/** Pages of the documentation that go along. */
const PAGES = ['builder', 'cli', 'client', 'dialects', 'errors', 'migration', 'options', 'passes-and-page', 'paywall', 'paywall-config', 'sandbox', 'settlement'].map((name) => `docs/${name}.md`);
/** Minified files keep lines short enough to print, because Node shows the line that threw. A source map beside each
 * file shows the original place. */
const LINE = 500;
const EXPLAINED = { sourcemap: 'linked', lineLimit: LINE };

/** The sources that a map names, by their paths in the repository. */
function plainSources(work, name) {
  const path = join(work, `${name}.map`);
  const map = JSON.parse(readFileSync(path, 'utf8'));
  map.sources = map.sources.map((source) => source.replace(/^.*snippets\/[^/]+\//, '').replace(/^(\.\.\/)+/, ''));
  writeFileSync(path, JSON.stringify(map));
}

/** The scripts that `import 'payments-wasm'` loads, and those that are loaded when they are first needed. */
const AT_IMPORT = [
  ...['payments', 'error', 'lazy', 'constants', 'object', 'options', 'page', 'api_key', 'request', 'resources'].map((name) => `subscriber/js/${name}.js`), 'http/keep.js',
];
const BESIDE = ['account.js', 'checkout.js', 'helpers.js', 'quote.js', 'budget_store.js', 'wrap_fetch.js'].map((name) => `./${name}`);
/** Files of another build that the engine loads on demand. */
const OF_OTHERS = ['./dialects.js', './mcp_client.js', './a2a_client.js'];

/** For esbuild: what is in `core.js` is imported from there, and not copied into another file. */
const fromCore = {
  name: 'from-core',
  setup(build) {
    build.onResolve({ filter: /^\.{1,2}\/.*\.js$/ }, ({ path, resolveDir }) => {
      const known = AT_IMPORT.some((name) => join(resolveDir, path) === repoPath('src/bindings', name));
      return known ? { path: './core.js', external: true } : undefined;
    });
  },
};

/** The names that the files of the package import from `core.js`; the entries and the command line import it whole. */
function importedFromCore(work) {
  const names = new Set(['PaymentsError', 'createPayments', 'lazily', 'near', 'starter']);
  for (const file of readdirSync(work).filter((name) => name.endsWith('.js'))) {
    for (const [, list] of readFileSync(join(work, file), 'utf8').matchAll(/\b(?:import|export)\s*\{([^}]*)\}\s*from\s*["']\.\/core\.js["']/g)) {
      list.split(',').map((one) => one.trim().split(' ')[0]).filter(Boolean).forEach((name) => names.add(name));
    }
  }
  return [...names].sort();
}

/** The names that a script exports, or hands on from another. */
function exportsOf(path) {
  const text = readFileSync(path, 'utf8');
  const own = [...text.matchAll(/^export (?:async )?(?:const|let|class|function\*?) (\w+)/gm)].map(([, name]) => name);
  return [...own, ...[...text.matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, list]) => list.split(',').map((one) => one.trim().split(' ').at(-1)))];
}

/** Makes the npm package of the subscriber's output: small glue, packed wasm, types, version. */
async function finishPackage(work, { dev, renamed }) {
  const { build: bundle } = await import('esbuild');
  const wasm = withoutPaths(readFileSync(join(work, 'core_bg.wasm')));
  writeFileSync(join(work, 'core_bg.wasm'), wasm);
  canary(wasm);
  if (renamed) renameInGlue(work, 'core', renamed);

  // Two files: the class and what it needs before the first call, and the engine (glue and driver), which the first call loads.
  // Files that few pages need stay separate as well.
  const script = (name) => repoPath('src/bindings', name);
  renameSync(join(work, 'core.js'), join(work, 'glue.js'));
  const shared = { bundle: true, allowOverwrite: true, format: 'esm', target: 'es2022', minify: !dev, legalComments: 'none', logLevel: 'error', lineLimit: LINE };
  const stdin = (contents) => ({ stdin: { contents, resolveDir: work } });
  const engine = `import { Engine } from './glue.js';
    import { createCore } from ${JSON.stringify(script('subscriber/js/core.js'))};
    export { default, initSync } from './glue.js';
    export const Core = createCore(Engine);`;
  await bundle({ ...shared, ...stdin(engine), outfile: join(work, 'engine.js'), external: [...BESIDE, ...OF_OTHERS], plugins: [fromCore, laterShapes('engine')], ...EXPLAINED });
  for (const path of BESIDE) {
    await bundle({ ...shared, entryPoints: [script(`subscriber/js/${path.slice(2)}`)], outfile: join(work, path), external: ['./core.js', ...BESIDE], plugins: [laterShapes(path.slice(2, -3))] });
  }
  // The parts of sellers, and the functions of the official SDK that need no instance.
  for (const name of ['official', 'selling']) {
    await bundle({ ...shared, entryPoints: [script(`builder/js/${name}.js`)], outfile: join(work, `${name}.js`), external: ['./core.js'], plugins: [fromCore, laterShapes(name)], ...(name === 'selling' && EXPLAINED) });
  }
  // MCP: the part that `payments.mcp` loads, and the entry that names the official SDK.
  const mcp = { bundle: true, format: 'esm', target: 'es2022', minify: !dev, legalComments: 'none', logLevel: 'error', lineLimit: LINE };
  await bundle({ ...mcp, entryPoints: [repoPath('src/bindings/mcp/js/facade.js')], outfile: join(work, 'mcp_client.js'), external: ['./core.js'] });
  await bundle({ ...mcp, entryPoints: [repoPath('src/bindings/mcp/js/entry.js')], outfile: join(work, 'mcp.js'), external: ['./core.js', './mcp_client.js', 'payments-wasm/*', '@modelcontextprotocol/*', 'node:*'] });
  // Node requires modules too, and the classes are there once.
  writeFileSync(join(work, 'mcp.cjs'), `"use strict";const mcp=require("./mcp.js");exports.Mcp=mcp.Mcp;exports.mcpPaywall=mcp.mcpPaywall;exports.paymentOf=mcp.paymentOf;\n`);
  await bundle({ ...mcp, entryPoints: [repoPath('src/bindings/a2a/js/client.js')], outfile: join(work, 'a2a_client.js'), external: ['./core.js'] });
  await bundle({ ...mcp, entryPoints: [repoPath('src/bindings/a2a/js/entry.js')], outfile: join(work, 'a2a.js'), external: ['./core.js', './a2a_client.js', 'payments-wasm/*', '@a2a-js/*', 'node:*'] });
  writeFileSync(join(work, 'a2a.cjs'), `"use strict";const a2a=require("./a2a.js");exports.A2a=a2a.A2a;exports.a2aPaywall=a2a.a2aPaywall;exports.buildPaymentAgentCard=a2a.buildPaymentAgentCard;\n`);
  rmSync(join(work, 'glue.js'));
  // Last, since it exports the names that the others import, and no more.
  const names = importedFromCore(work);
  const at = Object.fromEntries(AT_IMPORT.flatMap((path) => names.filter((name) => exportsOf(script(path)).includes(name)).map((name) => [name, path])));
  const exported = Object.entries(at).map(([name, path]) => `export { ${name} } from ${JSON.stringify(script(path))};`).join('\n');
  await bundle({ ...shared, ...stdin(exported), outfile: join(work, 'core.js'), external: [...BESIDE, ...OF_OTHERS], plugins: [optionShapes], ...EXPLAINED });
  for (const name of ['core.js', 'engine.js', 'selling.js']) plainSources(work, name);
  if (!dev) await shrink(work, ['core.js', 'engine.js', 'selling.js', 'official.js', 'mcp.js', ...BESIDE, ...OF_OTHERS.filter((name) => name !== './dialects.js')]);
  rmSync(join(work, 'snippets'), { recursive: true, force: true });
  await pack(work, 'core', wasm, { dev });
  await entries(work, { dev, names: ['index.js', 'page.js', 'packed.js', 'node.js', 'builder.js', 'served.js', 'core.file.js', 'load.js', 'names.js', 'workerd.js'] });
  // Everything in one script, which imports nothing later but for the text; and the same for `require`.
  const alone = { bundle: true, allowOverwrite: true, external: ['./core.packed.js', './seller.cjs', ...OF_OTHERS], target: 'es2022', minify: !dev, legalComments: 'none', logLevel: 'error' };
  await bundle({ ...alone, entryPoints: [join(work, 'inline.js')], outfile: join(work, 'inline.js'), format: 'esm' });
  await bundle({ ...alone, entryPoints: [join(work, 'require.js')], outfile: join(work, 'index.cjs'), format: 'cjs', platform: 'node', plugins: [forRequire] });
  writeFileSync(join(work, 'index.cjs'), leftAlone(readFileSync(join(work, 'index.cjs'), 'utf8')));
  rmSync(join(work, 'require.js'));
  cpSync(join(work, 'wasm.d.ts'), join(work, 'wasm.d.cts'));
  // The page and the service of `npx payments-wasm demo`.
  cpSync(repoPath('www'), join(work, 'www'), { recursive: true });

  typesFor(work, 'a2a', readFileSync(repoPath('src/bindings/a2a/a2a.d.ts'), 'utf8'));
  typesFor(work, 'mcp', readFileSync(repoPath('src/bindings/mcp/mcp.d.ts'), 'utf8'));
  const types = ['src/bindings/subscriber/types.d.ts', 'src/bindings/builder/types.d.ts'].map((path) => readFileSync(repoPath(path), 'utf8'));
  typesFor(work, 'index', withOptions(types.join('\n')));

  const manifest = JSON.parse(readFileSync(join(work, 'package.json'), 'utf8'));
  manifest.version = crateVersion();
  writeFileSync(join(work, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const file of ['LICENSE-MIT', 'LICENSE-APACHE']) {
    if (existsSync(repoPath(file))) cpSync(repoPath(file), join(work, file));
  }
  // Where errors and their hints lead.
  for (const page of PAGES) cpSync(repoPath(page), join(work, page));
}

/** Entries of the npm package for frameworks. */
const FRAMEWORKS = ['express', 'fastify', 'next', 'langchain'];

/** Makes the paywall's part of the npm package: glue, handler, packed wasm, types. */
async function finishPaywall(work, { dev, renamed }) {
  const { build: bundle } = await import('esbuild');
  const wasm = withoutPaths(readFileSync(join(work, 'gate_bg.wasm')));
  writeFileSync(join(work, 'gate_bg.wasm'), wasm);
  canary(wasm);
  if (renamed) renameInGlue(work, 'gate', renamed);
  passTextsAtOnce(work, 'gate');
  const shared = { bundle: true, format: 'esm', target: 'es2022', minify: !dev, legalComments: 'none', logLevel: 'error' };
  await bundle({ ...shared, entryPoints: [join(work, 'gate.js')], outfile: join(work, 'gate.js'), allowOverwrite: true });
  await bundle({ ...shared, entryPoints: [repoPath('src/bindings/paywall/js/index.js')], outfile: join(work, 'handler.js'), plugins: [gateErrors], ...EXPLAINED });
  plainSources(work, 'handler.js');
  if (!dev) await shrink(work, ['gate.js', 'handler.js']);
  await bundle({ ...shared, entryPoints: [repoPath('src/bindings/paywall/js/node_entry.js')], outfile: join(work, 'paywall.node.js'), external: ['node:*'] });
  cpSync(repoPath('pkg-template/load.js'), join(work, 'load.js'));
  await entries(work, { dev, names: ['paywall.js', 'gate.file.js', 'load.js', 'paywall.workerd.js'] });
  const forCommonJs = { ...shared, format: 'cjs', platform: 'node', plugins: [forRequire], external: ['./gate_dialects.js'] };
  await bundle({ ...forCommonJs, entryPoints: [join(work, 'paywall.js')], outfile: join(work, 'paywall.cjs') });
  await bundle({ ...forCommonJs, entryPoints: [repoPath('src/bindings/paywall/js/node_entry.js')], outfile: join(work, 'paywall.node.cjs'), external: ['node:*'] });
  writeFileSync(join(work, 'paywall.page.js'), await pageScripts({ dev, shared: ['core.packed.js'] }));
  // The texts are there once: Node requires modules too.
  writeFileSync(join(work, 'paywall.page.cjs'), `"use strict";const page=require("./paywall.page.js");exports.PAGE_FILES=page.PAGE_FILES;exports.PAGE_CONTENT=page.PAGE_CONTENT;\n`);
  cpSync(repoPath('src/cli'), join(work, 'cli'), { recursive: true });
  // The gate in front of handlers of frameworks, over the entry `payments-wasm/paywall`.
  for (const name of FRAMEWORKS) {
    const framework = { entryPoints: [repoPath('src/bindings/paywall/js', `${name}.js`)], external: ['node:*', 'payments-wasm/*', '@langchain/*'] };
    await bundle({ ...shared, ...framework, outfile: join(work, `${name}.js`) });
    await bundle({ ...forCommonJs, ...framework, outfile: join(work, `${name}.cjs`) });
  }
  for (const name of ['paywall', 'paywall.node', 'paywall.page', ...FRAMEWORKS]) typesFor(work, name, withOptions(readFileSync(repoPath('src/bindings/paywall', `${name}.d.ts`), 'utf8')));
}

/** Makes the part of the npm package that speaks other dialects: one script with its glue, and packed wasm. */
function finishDialects(work, built) {
  return finishSpeaking(work, built, 'dialects', 'src/bindings/dialects/js');
}

/** The same for a gate. */
function finishGateDialects(work, built) {
  return finishSpeaking(work, built, 'gate_dialects', 'src/bindings/gate_dialects/js');
}

async function finishSpeaking(work, { dev, renamed }, name, scripts) {
  const { build: bundle } = await import('esbuild');
  const path = (file) => join(work, file);
  const wasm = withoutPaths(readFileSync(path(`${name}_bg.wasm`)));
  writeFileSync(path(`${name}_bg.wasm`), wasm);
  canary(wasm);
  if (renamed) renameInGlue(work, name, renamed);
  renameSync(path(`${name}.js`), path(`${name}_glue.js`));
  const copied = readdirSync(repoPath(scripts));
  for (const file of copied) cpSync(repoPath(scripts, file), path(file));
  await bundle({
    entryPoints: [path(`${name}.js`)], outfile: path(`${name}.js`), allowOverwrite: true, bundle: true, external: ['./core.js', './load.js', `./${name}.packed.js`],
    format: 'esm', target: 'es2022', minify: !dev, legalComments: 'none', logLevel: 'error', lineLimit: LINE,
  });
  for (const file of [`${name}_glue.js`, ...copied.filter((file) => file !== `${name}.js`)]) rmSync(path(file));
  if (!dev) await shrink(work, [`${name}.js`]);
  await entries(work, { dev, names: [`${name}.workerd.js`] });
  rmSync(path('snippets'), { recursive: true, force: true });
  // A page loads the dialects of buyers as text; those of a gate are a file, as the gate's own wasm is.
  if (name === 'dialects') await pack(work, name, wasm, { dev });
}

/** Makes the sellers' WebAssembly of the npm package: the glue, and what loads it. */
async function finishBuilder(work, { dev, renamed }) {
  const { build: bundle } = await import('esbuild');
  const wasm = withoutPaths(readFileSync(join(work, 'seller_bg.wasm')));
  writeFileSync(join(work, 'seller_bg.wasm'), wasm);
  canary(wasm);
  if (renamed) renameInGlue(work, 'seller', renamed);
  const shared = { bundle: true, format: 'esm', target: 'es2022', minify: !dev, legalComments: 'none', logLevel: 'error' };
  await bundle({ ...shared, entryPoints: [join(work, 'seller.js')], outfile: join(work, 'seller.js'), allowOverwrite: true });
  if (!dev) await shrink(work, ['seller.js']);
  cpSync(repoPath('pkg-template/load.js'), join(work, 'load.js'));
  await entries(work, { dev, names: ['seller.load.js', 'seller.file.js', 'load.js', 'seller.workerd.js'] });
  await bundle({ ...shared, entryPoints: [join(work, 'seller.load.js')], outfile: join(work, 'seller.cjs'), format: 'cjs', platform: 'node', plugins: [forRequire] });
}

/** Tells bundlers not to look at an address that is only known later. */
const leftAlone = (code) => code.replace(/import\((?:\s*\/\*.*?\*\/\s*)*(\w+)\s*\)/g, 'import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ $1)');

/** The entries load with every page, and their comments are for who reads the source. That for the edge runtime of Next.js and Vercel is the Workers' with another import. */
async function entries(work, { dev, names }) {
  const { transform } = await import('esbuild');
  for (const name of names) {
    const { code: short } = await transform(readFileSync(join(work, name), 'utf8'), { format: 'esm', target: 'es2022', minify: !dev });
    const code = leftAlone(short);
    writeFileSync(join(work, name), code);
    if (/^(.+\.)?workerd\.js$/.test(name)) writeFileSync(join(work, name.replace('workerd', 'edge')), code.replace(/_bg\.wasm/, '_bg.wasm?module').replace(/(seller|dialects)\.workerd/g, '$1.edge'));
  }
}

/** For esbuild, where it makes an entry for `require`: such a script knows its folder by another name, and Jest's imitation of a browser lacks what Node has. */
const forRequire = {
  name: 'require',
  setup(build) {
    build.initialOptions.banner = { js: `"use strict";var{TextDecoder,TextEncoder}=globalThis.TextDecoder?globalThis:globalThis.process.getBuiltinModule("node:util");` };
    // For TypeScript, which reads the script to see whether there is a default.
    build.initialOptions.footer = { js: 'exports.default=module.exports.default;' };
    build.onLoad({ filter: /[\\/](gate|seller)\.file\.js$/ }, ({ path }) => ({
      contents: `export const file = () => globalThis.process.getBuiltinModule('node:url').pathToFileURL(globalThis.process.getBuiltinModule('node:path').join(__dirname, '${path.match(/(\w+)\.file\.js$/)[1]}_bg.wasm'));`,
    }));
  },
};

/** The types of an entry, for `import` and for `require`. */
function typesFor(work, name, text) {
  writeFileSync(join(work, `${name}.d.ts`), text);
  writeFileSync(join(work, `${name}.d.cts`), text.replace(/from '(\.\/[^']+)\.js'/g, "from '$1.cjs'"));
}

/**
 * Makes scripts smaller than the bundler does, in place; the source map beside one goes along. The names of members stay, and lines
 * stay short enough to print.
 */
async function shrink(work, names) {
  for (const name of names) {
    const path = join(work, name);
    const first = existsSync(`${path}.map`) && JSON.parse(readFileSync(`${path}.map`, 'utf8'));
    const { code, map } = await smaller(readFileSync(path, 'utf8'), first && { content: first, asObject: true, url: `${name}.map` });
    writeFileSync(path, `${code}\n`);
    if (first) writeFileSync(`${path}.map`, JSON.stringify({ ...map, sourcesContent: map.sources.map((source) => first.sourcesContent[first.sources.indexOf(source)]) }));
  }
}

async function smaller(script, sourceMap = false) {
  const { minify } = await import('terser');
  return minify(script, { module: true, ecma: 2022, compress: { passes: 3 }, format: { comments: false, max_line_len: LINE }, sourceMap });
}

/** The wasm as text inside a module: no bundler has to know what to do with a .wasm file. Packed with care: what ships is unpacked by anything. */
async function pack(work, name, wasm, { dev }) {
  const { default: zopfli } = await import('@gfx/zopfli');
  const packed = dev ? gzipSync(wasm).toString('base64') : Buffer.from(await zopfli.gzipAsync(wasm, { numiterations: 5 })).toString('base64');
  writeFileSync(join(work, `${name}.packed.js`), `export default "${packed}";\n`);
}

/** Blanks the names of source files, which only a panic's message would carry, and this build prints none. */
function withoutPaths(wasm) {
  const paths = /(\/rustc\/[0-9a-f]{40}\/library|[a-z-]+-\d+\.\d+\.\d+\/src|src)(\/\w+)+\.rs/g;
  return Buffer.from(wasm.toString('latin1').replace(paths, ({ length }) => '\0'.repeat(length)), 'latin1');
}

/**
 * Makes one script of the paywall Worker's, and puts the 402 page's scripts beside it: page and package in one file, and beside it what is loaded when it
 * is needed. They stand under a name made of their contents, so that a browser may keep them for good. Without the page,
 * `PAYWALL_PAGE=off` when building, the Worker carries none of it.
 */
async function finishWorker(work, { dev }) {
  const { build: bundle } = await import('esbuild');
  // Entry, glue and shell in one file, without unused parts.
  await bundle({
    entryPoints: [join(work, 'entry.js')], outfile: join(work, 'entry.js'), allowOverwrite: true, bundle: true,
    alias: { 'paywall-shell': repoPath('src/bindings/paywall/js/worker.js') }, plugins: [gateErrors],
    external: ['./gate_bg.wasm', './page.js'], format: 'esm', target: 'es2022', minify: !dev, legalComments: 'none', logLevel: 'error',
  });
  if (!dev) await shrink(work, ['entry.js']);
  rmSync(join(work, 'gate.js'));
  writeFileSync(join(work, 'page.js'), await pageScripts({ dev }));
}

/** A module of the 402 page's scripts, as texts. `shared` are modules beside it whose default is a text, which it takes from there. */
async function pageScripts({ dev, shared = [] }) {
  const { build: bundle } = await import('esbuild');
  const texts = {};
  if (pageIsBuilt()) {
    const beside = ['core.packed.js', 'account.js', 'checkout.js', 'quote.js'];
    const { outputFiles: [page] } = await bundle({
      entryPoints: [repoPath('src/paywall/page/script/page.js')], bundle: true, write: false, format: 'esm', target: 'es2022',
      alias: { 'payments-wasm': dist('subscriber', 'packed.js') }, external: [...beside, 'helpers.js', 'budget_store.js', 'wrap_fetch.js', 'dialects.js', 'mcp_client.js', 'a2a_client.js', 'selling.js', 'seller.load.js'].map((name) => `./${name}`),
      minify: !dev, legalComments: 'none', logLevel: 'error',
    });
    texts['page.js'] = dev ? page.text : (await smaller(page.text)).code;
    for (const name of beside) texts[name] = readFileSync(dist('subscriber', name), 'utf8');
  }
  const parts = pageIsBuilt() ? await pageParts({ dev }) : {};
  const id = createHash('sha256').update(JSON.stringify([texts, parts])).digest('hex').slice(0, 16);
  const listed = JSON.stringify(JSON.stringify({ id, files: Object.keys(texts), ...parts }));
  const taken = shared.filter((name) => texts[name]);
  const imports = taken.map((name, index) => `import text${index} from './${name}';\n`).join('');
  const content = Object.entries(texts).map(([name, text]) =>
    `${JSON.stringify(name)}: ${taken.includes(name) ? `\`export default "\${text${taken.indexOf(name)}}";\\n\`` : JSON.stringify(text)}`).join(',\n');
  return `// What the 402 page is made of, and its scripts, as texts.\n${imports}export const PAGE_FILES = ${listed};\nexport const PAGE_CONTENT = {${content}};\n`;
}

/** The parts of the gate's page. They are not in the wasm, because a gate without a page loads that too. */
async function pageParts({ dev }) {
  const { transform } = await import('esbuild');
  const text = (name) => readFileSync(repoPath('src/paywall/page', name), 'utf8');
  const { code: style } = await transform(text('page.css'), { loader: 'css', minify: !dev, legalComments: 'none' });
  return { layout: text('page.html'), frame: text('frame.html'), style, texts: JSON.parse(text('texts.json')) };
}

const pageIsBuilt = () => process.env.PAYWALL_PAGE !== 'off';

/**
 * The glue hands a text over letter by letter, which takes four microseconds for a token; the engine does it in less than one. A text
 * that was read to its end in as many bytes as it has letters is ASCII; any other goes the glue's way.
 */
function passTextsAtOnce(work, name) {
  const path = join(work, `${name}.js`);
  const glue = readFileSync(path, 'utf8');
  const loop = /for \(; offset < len; offset\+\+\) \{\n\s*const code = arg\.charCodeAt\(offset\);\n\s*if \(code > 0x7F\) break;\n\s*mem\[ptr \+ offset\] = code;\n\s*\}/g;
  if (glue.match(loop)?.length !== 1) throw new Error(`${name}.js: texts are not handed over as they were`);
  const atOnce = 'if (len > 64 && cachedTextEncoder.encodeInto(arg, mem.subarray(ptr, ptr + len)).read === len) offset = len;\n    else ';
  writeFileSync(path, glue.replace(loop, (found) => atOnce + found));
}

/**
 * Gives the glue the short names that wasm-opt gave to imports and exports: wasm-bindgen's carry a hash each, which no
 * compression shortens, in the wasm and in the glue. They make up 5 KB after gzip.
 */
function renameInGlue(work, name, { imports, exports }) {
  const path = join(work, `${name}.js`);
  const own = `./${name}_bg.js`;
  const names = new Map([
    ...imports.filter(([module]) => module === own).map(([, from, to]) => [from, to]),
    ...exports.map(([from, to]) => [`wasm.${from}`, `wasm.${to}`]),
  ]);
  // The imports of the wasm: `"./core_bg.js": import0`, and a similar line for a snippet whose functions need no glue.
  // Here all of them come from one module.
  const line = /^\s*"([^"]+)": (import\d+),\n/gm;
  const glue = readFileSync(path, 'utf8');
  const variables = new Map([...glue.matchAll(line)].map(([, module, variable]) => [module, variable]));
  const direct = imports.filter(([module]) => module !== own).map(([module, from, to]) => `${to}: ${variables.get(module)}.${from}`);
  const all = `"a": { ${[`...${variables.get(own)}`, ...direct].join(', ')} },\n`;
  const text = glue
    .replace(line, (_, module) => (module === own ? all : ''))
    // Names of imports are keys, each with a hash of its own; names of exports are members of `wasm`.
    .replace(/\bwasm\.\w+|\b__wb\w+(?=: )/g, (name) => names.get(name) ?? name);
  writeFileSync(path, text);
}

/**
 * Replaces code of the glue that some bundlers and runtimes reject. In the edge runtime of Next.js a module is a
 * WebAssembly.Module of another realm's class. Import objects become plain ones: wasm-bindgen writes `{ __proto__:
 * null, ... }`, and a minifier that inlines one such object into another makes invalid JavaScript ("Duplicate __proto__
 * fields").
 */
function portable(work, name) {
  const path = join(work, `${name}.js`);
  const isModule = "Object.prototype.toString.call(module) === '[object WebAssembly.Module]'";
  writeFileSync(path, readFileSync(path, 'utf8').replace(/__proto__: null,?\s*/g, '').replace('module instanceof WebAssembly.Module', isModule));
}

/** Compiles the wasm in this Node: the oldest we support would refuse types from later engines that slipped in. */
function canary(wasm) {
  try {
    new WebAssembly.Module(wasm);
  } catch (error) {
    throw new UserError(`Node ${process.versions.node} cannot compile the npm package's wasm: ${error.message}`);
  }
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
    'scripts/lib/build.mjs', 'scripts/lib/options.mjs', 'scripts/lib/prune.mjs', ...(['builder', 'paywall'].includes(name) ? ['pkg-template/load.js'] : []), ...files('src', /\.(js|json|ts|html|css)$/), ...files('src/cli', /./), ...(name === 'subscriber' ? files('www', /./) : []), ...templateFiles(ARTEFACTS[name].template),
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

