// The paywall Worker: the WebAssembly of the paywall, with an entry of its own and its 402 page.
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dist } from '../dist.mjs';
import { gateErrors } from '../options.mjs';
import { repoPath } from '../run.mjs';
import { pageScripts } from './page-scripts.mjs';
import { shrink } from './scripts.mjs';

export default {
  of: 'paywall',
  name: 'gate',
  template: 'pkg-template/worker',
  // Its 402 page pays with the npm package, whose file of the dialects is that of its other entry.
  needs: ['subscriber', 'paywall', 'gate-dialects'],
  finish: finishWorker,
};

/** The Worker, and the Worker that speaks other dialects too. */
const ENTRIES = ['entry.js', 'dialects.js'];

/**
 * Makes one script of the paywall Worker's, and puts the 402 page's scripts beside it: page and package in one file, and beside it what is loaded when it
 * is needed. They stand under a name made of their contents, so that a browser may keep them for good. Without the page,
 * `PAYWALL_PAGE=off` when building, the Worker carries none of it.
 */
async function finishWorker(work, { dev }) {
  const { build: bundle } = await import('esbuild');
  for (const name of ['gate_dialects.js', 'gate_dialects_bg.wasm']) cpSync(dist('gate-dialects', name), join(work, name));
  cpSync(dist('subscriber', 'load.js'), join(work, 'load.js'));
  // Entry, glue and shell in one file, without unused parts; each entry is a Worker of its own.
  for (const entry of ENTRIES) {
    await bundle({
      entryPoints: [join(work, entry)], outfile: join(work, entry), allowOverwrite: true, bundle: true,
      alias: { 'paywall-shell': repoPath('src/bindings/paywall/js/worker.js') }, plugins: [gateErrors],
      external: ['./gate_bg.wasm', './gate_dialects_bg.wasm', './page.js'], format: 'esm', target: 'es2022', minify: !dev, legalComments: 'none', logLevel: 'error',
    });
  }
  if (!dev) await shrink(work, ENTRIES);
  for (const name of ['gate.js', 'gate_dialects.js', 'load.js']) rmSync(join(work, name));
  writeFileSync(join(work, 'page.js'), await pageScripts({ dev }));
}
