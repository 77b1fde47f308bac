// The paywall Worker: the WebAssembly of the paywall, with an entry of its own and its 402 page.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gateErrors } from '../options.mjs';
import { repoPath } from '../run.mjs';
import { pageScripts } from './page-scripts.mjs';
import { shrink } from './scripts.mjs';

export default {
  of: 'paywall',
  name: 'gate',
  template: 'pkg-template/worker',
  // Its 402 page pays with the npm package.
  needs: ['subscriber', 'paywall'],
  finish: finishWorker,
};

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
