// The paywall for fetch handlers: an entry of the npm package, into which it is copied.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gateErrors, withOptions } from '../options.mjs';
import { repoPath } from '../run.mjs';
import { canary, passTextsAtOnce, renameInGlue, withoutPaths } from './glue.mjs';
import { pageScripts } from './page-scripts.mjs';
import { EXPLAINED, entries, forRequire, plainSources, shrink, typesFor } from './scripts.mjs';

export default {
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
};

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
