// One page for each place that a script of a page may stand in: a folder of a CDN, a classic Worker, a shared one, a classic script, beside another copy of the package.
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PLACES = ['cdn', 'classic-worker', 'bundled-worker', 'shared-worker', 'classic-service-worker', 'classic-script', 'two-copies'];

export default {
  title: 'CDN folder, classic and shared Workers, two copies', quick: true,
  build: [['esbuild', 'bundled/worker.js', 'bundled/service-worker.js', 'bundled/script.js', '--bundle', '--minify', '--format=iife', '--outdir=dist']],
  async run({ folder, chromium, pay, look }) {
    for (const copy of ['cdn/payments-wasm@1.2.3', 'cdn/another']) cpSync(join(folder, 'node_modules/payments-wasm'), join(folder, copy), { recursive: true });
    for (const place of PLACES) {
      const script = place === 'classic-script' ? '<script src="/dist/script.js"></script>' : `<script type="module" src="/${place}.js"></script>`;
      writeFileSync(join(folder, 'index.html'), `<!doctype html><title>A page that pays</title><link rel="icon" href="data:,"><body>${script}`);
      await pay((config) => look({ chromium, folder, config })).catch((error) => { throw new Error(`${place}: ${error.message}`, { cause: error }); });
    }
  },
};
