// Measures each artefact: the files that are loaded to run it, raw and after gzip -9, wasm and JS separately.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { dist } from './build.mjs';

/**
 * The budgets for wasm and JS together, after gzip: the size at the last look, and for the worker its goal. The others are to come down: 60 KB and 100 KB are
 * the goals of subscriber and paywall, 8 KB that of the import.
 */
const BUDGETS = { subscriber: 83_500, import: 11_700, paywall: 151_200, builder: 46_800, worker: 150_000, page: 91_900 };

/**
 * Which files of an artefact are loaded. Of the npm package a page loads the entry and the glue, and the wasm once: as a
 * file, or as core.packed.js, whose base64 compresses to what the wasm itself does.
 */
const LOADED = {
  subscriber: (path) => ['index.js', 'core.file.js', 'load.js', 'names.js', 'core.js', 'engine.js', 'core_bg.wasm'].includes(path),
  // The part of it that `import 'payments-wasm'` loads, before the first call.
  import: (path) => ['index.js', 'names.js', 'core.js'].includes(path),
  paywall: (path) => ['paywall.js', 'gate.file.js', 'load.js', 'handler.js', 'gate.js', 'gate_bg.wasm'].includes(path),
  builder: (path) => ['selling.js', 'seller.load.js', 'seller.file.js', 'seller.js', 'seller_bg.wasm'].includes(path),
  // Its other entry is another Worker.
  worker: (path) => /\.(js|wasm)$/.test(path) && ![PAGE, 'dialects.js', 'gate_dialects_bg.wasm'].includes(path),
  page: (path) => path === PAGE,
  sandbox: (path) => /\.(js|wasm)$/.test(path),
};

/** The scripts of the 402 page: in the Worker's folder, but read as texts, and sent to browsers. */
const PAGE = 'page.js';
const FOLDERS = { page: 'worker', builder: 'subscriber', import: 'subscriber' };

/** `{ subscriber: { raw, gzip, wasm: { raw, gzip }, js: { raw, gzip }, budget }, ... }` of what is built. */
export function measure() {
  return Object.fromEntries(Object.entries(LOADED).map(([name, loaded]) => {
    const folder = dist(FOLDERS[name] ?? name);
    const sum = { wasm: { raw: 0, gzip: 0 }, js: { raw: 0, gzip: 0 } };
    for (const path of readdirSync(folder, { recursive: true }).filter(loaded)) {
      const bytes = readFileSync(join(folder, path));
      const kind = sum[path.endsWith('.wasm') ? 'wasm' : 'js'];
      kind.raw += bytes.length;
      kind.gzip += gzipSync(bytes, { level: 9 }).length;
    }
    const { wasm, js } = sum;
    return [name, { raw: wasm.raw + js.raw, gzip: wasm.gzip + js.gzip, wasm, js, budget: BUDGETS[name] }];
  }));
}
