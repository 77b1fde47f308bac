// The sellers' part of the npm package: the API of those who sell.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoPath } from '../run.mjs';
import { canary, renameInGlue, withoutPaths } from './glue.mjs';
import { entries, forRequire, shrink } from './scripts.mjs';

export default {
  features: 'builder',
  name: 'seller',
  template: 'pkg-template/builder',
  quiet: true,
  bindgen: ['--omit-default-module-path', '--remove-name-section', '--remove-producers-section', '--no-typescript'],
  opt: ['-Oz', '--strip-debug', '--strip-producers', '--minify-imports-and-exports-and-modules'],
  finish: finishBuilder,
};

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
