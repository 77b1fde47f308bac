// The npm package. Its wasm has to compile in every engine since Node 20, so nothing here may ask for newer ones.
import { cpSync, existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { laterShapes, optionShapes, withOptions } from '../options.mjs';
import { repoPath } from '../run.mjs';
import { crateVersion } from '../tools.mjs';
import { publicTypes } from '../types.mjs';
import { canary, pack, renameInGlue, withoutPaths } from './glue.mjs';
import { EXPLAINED, LINE, entries, forRequire, leftAlone, plainSources, shrink, typesFor } from './scripts.mjs';

export default {
  features: 'subscriber',
  name: 'core',
  template: 'pkg-template',
  quiet: true,
  bindgen: ['--omit-default-module-path', '--remove-name-section', '--remove-producers-section', '--no-typescript'],
  opt: ['-Oz', '--strip-debug', '--strip-producers', '--minify-imports-and-exports-and-modules'],
  finish: finishPackage,
};

/** Pages of the documentation that go along. */
export const PAGES = ['builder', 'cli', 'client', 'dialects', 'errors', 'migration', 'options', 'passes-and-page', 'paywall', 'paywall-config', 'sandbox', 'settlement'].map((name) => `docs/${name}.md`);

/** The scripts that `import 'payments-wasm'` loads, and those that are loaded when they are first needed. */
const AT_IMPORT = [
  ...['payments', 'error', 'lazy', 'object', 'options', 'address', 'popup', 'page', 'api_key', 'resources'].map((name) => `subscriber/js/${name}.js`), 'http/hex.js', 'http/taken.js',
];
const BESIDE = ['account.js', 'checkout.js', 'helpers.js', 'quote.js', 'budget_store.js', 'wrap_fetch.js'].map((name) => `./${name}`);
/** The fixed values that `names.js` exports beside the classes of `core.js`. */
const CONSTANTS = 'subscriber/js/constants.js';
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
    await bundle({ ...shared, entryPoints: [script(`builder/js/${name}.js`)], outfile: join(work, `${name}.js`), external: ['./core.js', './names.js'], plugins: [fromCore, laterShapes(name)], ...(name === 'selling' && EXPLAINED) });
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
  writeFileSync(join(work, 'names.js'), `${readFileSync(join(work, 'names.js'), 'utf8')}\n${readFileSync(script(CONSTANTS), 'utf8')}`);
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
  typesFor(work, 'index', withOptions(publicTypes()));

  const manifest = JSON.parse(readFileSync(join(work, 'package.json'), 'utf8'));
  manifest.version = crateVersion();
  writeFileSync(join(work, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const file of ['LICENSE-MIT', 'LICENSE-APACHE']) {
    if (existsSync(repoPath(file))) cpSync(repoPath(file), join(work, file));
  }
  // Where errors and their hints lead.
  for (const page of PAGES) cpSync(repoPath(page), join(work, page));
}
