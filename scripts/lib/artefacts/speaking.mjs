// A part of the npm package that speaks other dialects of 402: one script with its glue, and its wasm.
import { cpSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoPath } from '../run.mjs';
import { canary, pack, renameInGlue, withoutPaths } from './glue.mjs';
import { LINE, entries, shrink } from './scripts.mjs';

export async function finishSpeaking(work, { dev, renamed }, name, scripts) {
  const { build: bundle } = await import('esbuild');
  const path = (file) => join(work, file);
  const wasm = withoutPaths(readFileSync(path(`${name}_bg.wasm`)));
  writeFileSync(path(`${name}_bg.wasm`), wasm);
  canary(wasm);
  if (renamed) renameInGlue(work, name, renamed);
  renameSync(path(`${name}.js`), path(`${name}_glue.js`));
  const copied = readdirSync(repoPath(scripts));
  for (const file of copied) cpSync(repoPath(scripts, file), path(file));
  // The copies import from where the scripts are.
  const shared = { name: 'shared', setup: (build) => build.onResolve({ filter: /^\.\.\/\.\.\/http\// }, ({ path: file }) => ({ path: repoPath(scripts, file) })) };
  await bundle({
    plugins: [shared], entryPoints: [path(`${name}.js`)], outfile: path(`${name}.js`), allowOverwrite: true, bundle: true, external: ['./core.js', './load.js', `./${name}.packed.js`],
    format: 'esm', target: 'es2022', minify: !dev, legalComments: 'none', logLevel: 'error', lineLimit: LINE,
  });
  for (const file of [`${name}_glue.js`, ...copied.filter((file) => file !== `${name}.js`)]) rmSync(path(file));
  if (!dev) await shrink(work, [`${name}.js`]);
  await entries(work, { dev, names: [`${name}.workerd.js`] });
  rmSync(path('snippets'), { recursive: true, force: true });
  // A page loads the dialects of buyers as text; those of a gate are a file, as the gate's own wasm is.
  if (name === 'dialects') await pack(work, name, wasm, { dev });
}
