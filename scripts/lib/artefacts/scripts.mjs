// The JavaScript of an artefact: entries, source maps, the forms for `require`, types.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Minified files keep lines short enough to print, because Node shows the line that threw. A source map beside each
 * file shows the original place. */
export const LINE = 500;
export const EXPLAINED = { sourcemap: 'linked', lineLimit: LINE };

/** The sources that a map names, by their paths in the repository. */
export function plainSources(work, name) {
  const path = join(work, `${name}.map`);
  const map = JSON.parse(readFileSync(path, 'utf8'));
  map.sources = map.sources.map((source) => source.replace(/^.*snippets\/[^/]+\//, '').replace(/^(\.\.\/)+/, ''));
  writeFileSync(path, JSON.stringify(map));
}

/**
 * Makes scripts smaller than the bundler does, in place; the source map beside one goes along. The names of members stay, and lines
 * stay short enough to print.
 */
export async function shrink(work, names) {
  for (const name of names) {
    const path = join(work, name);
    const first = existsSync(`${path}.map`) && JSON.parse(readFileSync(`${path}.map`, 'utf8'));
    const { code, map } = await smaller(withOneImport(readFileSync(path, 'utf8')), first && { content: first, asObject: true, url: `${name}.map` });
    writeFileSync(path, `${code}\n`);
    if (first) writeFileSync(`${path}.map`, JSON.stringify({ ...map, sourcesContent: map.sources.map((source) => first.sourcesContent[first.sources.indexOf(source)]) }));
  }
}

/** The script with one import of a module where the bundler left one for each file that it put together. The places in the source map stay. */
function withOneImport(script) {
  const lists = {};
  const rest = script.replace(/\bimport\s*\{([^}]*)\}\s*from\s*"(\.\/[\w.]+)";?/g, (found, list, from) => {
    (lists[from] ??= []).push(list);
    return found.replace(/[^\n]/g, ' ');
  });
  return [rest, ...Object.entries(lists).map(([from, list]) => `import{${list.join()}}from"${from}";`)].join('\n');
}

export async function smaller(script, sourceMap = false) {
  const { minify } = await import('terser');
  return minify(script, { module: true, ecma: 2022, compress: { passes: 3 }, format: { comments: false, max_line_len: LINE }, sourceMap });
}

/** Tells bundlers not to look at an address that is only known later. */
export const leftAlone = (code) => code.replace(/import\((?:\s*\/\*.*?\*\/\s*)*(\w+)\s*\)/g, 'import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ $1)');

/** The entries load with every page, and their comments are for who reads the source. That for the edge runtime of Next.js and Vercel is the Workers' with another import. */
export async function entries(work, { dev, names }) {
  const { transform } = await import('esbuild');
  for (const name of names) {
    const whole = readFileSync(join(work, name), 'utf8');
    // A list of names is shorter where they keep their names.
    const { code: short } = name === 'names.js' && !dev ? await smaller(whole) : await transform(whole, { format: 'esm', target: 'es2022', minify: !dev });
    const code = leftAlone(short);
    writeFileSync(join(work, name), code);
    if (/^(.+\.)?workerd\.js$/.test(name)) writeFileSync(join(work, name.replace('workerd', 'edge')), code.replace(/_bg\.wasm/, '_bg.wasm?module').replace(/(seller|dialects)\.workerd/g, '$1.edge'));
  }
}

/** For esbuild, where it makes an entry for `require`: such a script knows its folder by another name, and Jest's imitation of a browser lacks what Node has. */
export const forRequire = {
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
export function typesFor(work, name, text) {
  writeFileSync(join(work, `${name}.d.ts`), text);
  writeFileSync(join(work, `${name}.d.cts`), text.replace(/from '(\.\/[^']+)\.js'/g, "from '$1.cjs'"));
}
