// Builds the page in each way into dist/, a folder each, and tells which there are: the folder that is served, and the path of its page.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { rspack } from '@rspack/core';
import resolve from '@rollup/plugin-node-resolve';
import * as esbuild from 'esbuild';
import { rollup } from 'rollup';
import TerserPlugin from 'terser-webpack-plugin';
import { build as vite } from 'vite';
import { build as vite7 } from 'vite7';
import webpack from 'webpack';

const here = import.meta.dirname;
const only = process.argv[2];

/** webpack and Rspack. */
const packed = (bundler, more = {}) => (out) => new Promise((done, fail) => {
  const { output, ...others } = more;
  bundler({ mode: 'production', context: here, entry: './main.js', output: { path: out, ...output }, performance: { hints: false }, ...others }, (error, stats) => {
    if (error || stats.hasErrors()) fail(error ?? new Error(stats.toString({ all: false, errors: true })));
    else done();
  });
}).then(() => page(out, more.output?.module ? 'main.mjs' : 'main.js', more.output?.module));

const rolled = (input, plugins, output, module) => async (out) => {
  const bundle = await rollup({ input, plugins, onwarn() {} });
  await bundle.write({ dir: out, ...output });
  page(out, input, module);
};

const built = (entry, more) => async (out) => {
  await esbuild.build({ entryPoints: [entry], bundle: true, minify: true, outdir: out, logLevel: 'error', ...more });
  page(out, entry, more.format === 'esm');
};

const byVite = (build, more) => (out) => build({ root: here, configFile: false, logLevel: 'error', ...more, build: { outDir: out, emptyOutDir: false, ...more.build } });

const byParcel = (...flags) => (out) => void execFileSync(process.execPath, ['node_modules/parcel/lib/bin.js', 'build', 'index.html', '--dist-dir', out, '--cache-dir', `.cache/${out.split('/').at(-1)}`, ...flags], { cwd: here });

function page(out, script, module = false) {
  writeFileSync(`${out}/index.html`, `<!doctype html><title>A page that pays</title><link rel="icon" href="data:,"><body><script ${module ? 'type="module" ' : ''}src="${script}"></script>`);
}

const minimized = (minify) => ({ optimization: { minimizer: [new TerserPlugin({ minify })] } });

const WAYS = {
  'webpack-module': packed(webpack, { experiments: { outputModule: true }, output: { module: true, chunkFormat: 'module' } }),
  'webpack-swc': packed(webpack, minimized(TerserPlugin.swcMinify)),
  'webpack-esbuild': packed(webpack, minimized(TerserPlugin.esbuildMinify)),
  'webpack-es5': packed(webpack, { target: ['web', 'es5'] }),
  'webpack-old-browsers': packed(webpack, { target: 'browserslist:chrome 80, safari 13' }),
  'webpack-no-assets': packed(webpack, { module: { parser: { javascript: { url: false } } } }),
  'webpack-inlined-assets': packed(webpack, { module: { rules: [{ test: /\.wasm$/, type: 'asset/inline' }] } }),
  'webpack-async-wasm': packed(webpack, { experiments: { asyncWebAssembly: true } }),
  'webpack-one-chunk': packed(webpack, { plugins: [new webpack.optimize.LimitChunkCountPlugin({ maxChunks: 1 })] }),
  'webpack-development': packed(webpack, { mode: 'development' }),
  'webpack-subfolder': packed(webpack, { output: { publicPath: '/cdn/app@1/', assetModuleFilename: 'assets/[hash][ext]' } }),
  'webpack-auto-subfolder': packed(webpack, { output: { publicPath: 'auto', chunkFilename: 'chunks/[name].js' } }),
  'rspack-module': packed(rspack, { experiments: { outputModule: true }, output: { module: true, chunkFormat: 'module', chunkLoading: 'import' } }),
  'rspack-es5': packed(rspack, { target: ['web', 'es5'] }),
  'rspack-no-assets': packed(rspack, { module: { parser: { javascript: { url: false } } } }),
  'rollup-bare': rolled('bare.js', [], { format: 'es' }, true),
  'rollup-iife': rolled('main.js', [resolve({ browser: true })], { format: 'iife', inlineDynamicImports: true }),
  // Each module of the package stays a file, and none of them takes the wasm along: it is in the script of this entry.
  'rollup-preserve-modules': rolled('inline.js', [resolve({ browser: true })], { format: 'es', preserveModules: true }, true),
  'esbuild-iife': built('main.js', { format: 'iife' }),
  'esbuild-cjs': built('main.js', { format: 'cjs', platform: 'browser' }),
  'esbuild-one-esm': built('main.js', { format: 'esm' }),
  'esbuild-inline': built('inline.js', { format: 'iife' }),
  'esbuild-old': built('main.js', { format: 'iife', target: ['chrome80', 'safari14.1'] }),
  'esbuild-es2017': built('main.js', { format: 'iife', target: 'es2017' }),
  'esbuild-file-loader': built('main.js', { format: 'esm', splitting: true, loader: { '.wasm': 'file' } }),
  'esbuild-mangled': built('main.js', { format: 'esm', splitting: true, entryNames: '[name]', chunkNames: 'c/[hash]', keepNames: true, charset: 'ascii' }),
  'vite-terser': byVite(vite, { build: { minify: 'terser' } }),
  'vite-esbuild': byVite(vite, { build: { minify: 'esbuild' } }),
  'vite-es2020': byVite(vite, { build: { target: 'es2020' } }),
  'vite-es2015': byVite(vite, { build: { target: 'es2015' } }),
  'vite-lightningcss': byVite(vite, { build: { cssMinify: 'lightningcss', minify: false } }),
  'vite-base': byVite(vite, { base: '/shop/pay/' }),
  'vite-relative-base': byVite(vite, { base: './' }),
  'vite-inlined-assets': byVite(vite, { build: { assetsInlineLimit: 10_000_000 } }),
  'vite7': byVite(vite7, {}),
  'vite7-terser': byVite(vite7, { build: { minify: 'terser' } }),
  'vite7-es2020': byVite(vite7, { build: { target: 'es2020' } }),
  'vite7-base': byVite(vite7, { base: '/shop/pay/' }),
  'parcel-no-scope-hoist': byParcel('--no-scope-hoist'),
  'parcel-no-optimize': byParcel('--no-optimize'),
  'parcel-subfolder': byParcel('--public-url', '/shop/pay/'),
  'parcel-relative': byParcel('--public-url', './'),
};
const PATHS = { 'webpack-subfolder': '/cdn/app@1/', 'webpack-auto-subfolder': '/some/where/', 'vite-base': '/shop/pay/', 'vite-relative-base': '/some/where/', 'vite7-base': '/shop/pay/', 'parcel-subfolder': '/shop/pay/', 'parcel-relative': '/some/where/' };

const report = [];
for (const [name, way] of Object.entries(WAYS)) {
  if (only && !name.includes(only)) continue;
  const folder = `dist/${name}`;
  const path = PATHS[name] ?? '/';
  const out = `${here}/${folder}${path}`.replace(/\/$/, '');
  mkdirSync(out, { recursive: true });
  try {
    await way(out);
  } catch (error) {
    throw new Error(`${name}: ${error.message}\n${error.stderr ?? ''}`);
  }
  report.push({ name, folder, path, files: readdirSync(out, { recursive: true }).length });
}
console.log(JSON.stringify(report));
