// The WebAssembly of the npm package and its glue: what wasm-bindgen and wasm-opt leave is made smaller, and loads everywhere.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { UserError } from '../cli.mjs';

/**
 * Replaces code of the glue that some bundlers and runtimes reject. In the edge runtime of Next.js a module is a
 * WebAssembly.Module of another realm's class. Import objects become plain ones: wasm-bindgen writes `{ __proto__:
 * null, ... }`, and a minifier that inlines one such object into another makes invalid JavaScript ("Duplicate __proto__
 * fields").
 */
export function portable(work, name) {
  const path = join(work, `${name}.js`);
  const isModule = "Object.prototype.toString.call(module) === '[object WebAssembly.Module]'";
  writeFileSync(path, readFileSync(path, 'utf8').replace(/__proto__: null,?\s*/g, '').replace('module instanceof WebAssembly.Module', isModule));
}

/**
 * The glue hands a text over letter by letter, which takes four microseconds for a token; the engine does it in less than one. A text
 * that was read to its end in as many bytes as it has letters is ASCII; any other goes the glue's way.
 */
export function passTextsAtOnce(work, name) {
  const path = join(work, `${name}.js`);
  const glue = readFileSync(path, 'utf8');
  const loop = /for \(; offset < len; offset\+\+\) \{\n\s*const code = arg\.charCodeAt\(offset\);\n\s*if \(code > 0x7F\) break;\n\s*mem\[ptr \+ offset\] = code;\n\s*\}/g;
  if (glue.match(loop)?.length !== 1) throw new Error(`${name}.js: texts are not handed over as they were`);
  const atOnce = 'if (len > 64 && cachedTextEncoder.encodeInto(arg, mem.subarray(ptr, ptr + len)).read === len) offset = len;\n    else ';
  writeFileSync(path, glue.replace(loop, (found) => atOnce + found));
}

/**
 * Gives the glue the short names that wasm-opt gave to imports and exports: wasm-bindgen's carry a hash each, which no
 * compression shortens, in the wasm and in the glue. They make up 5 KB after gzip.
 */
export function renameInGlue(work, name, { imports, exports }) {
  const path = join(work, `${name}.js`);
  const own = `./${name}_bg.js`;
  const names = new Map([
    ...imports.filter(([module]) => module === own).map(([, from, to]) => [from, to]),
    ...exports.map(([from, to]) => [`wasm.${from}`, `wasm.${to}`]),
  ]);
  // The imports of the wasm: `"./core_bg.js": import0`, and a similar line for a snippet whose functions need no glue.
  // Here all of them come from one module.
  const line = /^\s*"([^"]+)": (import\d+),\n/gm;
  const glue = readFileSync(path, 'utf8');
  const variables = new Map([...glue.matchAll(line)].map(([, module, variable]) => [module, variable]));
  const direct = imports.filter(([module]) => module !== own).map(([module, from, to]) => `${to}: ${variables.get(module)}.${from}`);
  const all = `"a": { ${[`...${variables.get(own)}`, ...direct].join(', ')} },\n`;
  const text = glue
    .replace(line, (_, module) => (module === own ? all : ''))
    // Names of imports are keys, each with a hash of its own; names of exports are members of `wasm`.
    .replace(/\bwasm\.\w+|\b__wb\w+(?=: )/g, (name) => names.get(name) ?? name);
  writeFileSync(path, text);
}

/** Blanks the names of source files, which only a panic's message would carry, and this build prints none. */
export function withoutPaths(wasm) {
  const paths = /(\/rustc\/[0-9a-f]{40}\/library|[a-z-]+-\d+\.\d+\.\d+\/src|src)(\/\w+)+\.rs/g;
  return Buffer.from(wasm.toString('latin1').replace(paths, ({ length }) => '\0'.repeat(length)), 'latin1');
}

/** The wasm as text inside a module: no bundler has to know what to do with a .wasm file. Packed with care: what ships is unpacked by anything. */
export async function pack(work, name, wasm, { dev }) {
  const { default: zopfli } = await import('@gfx/zopfli');
  const packed = dev ? gzipSync(wasm).toString('base64') : Buffer.from(await zopfli.gzipAsync(wasm, { numiterations: 5 })).toString('base64');
  writeFileSync(join(work, `${name}.packed.js`), `export default "${packed}";\n`);
}

/** Compiles the wasm in this Node: the oldest we support would refuse types from later engines that slipped in. */
export function canary(wasm) {
  try {
    new WebAssembly.Module(wasm);
  } catch (error) {
    throw new UserError(`Node ${process.versions.node} cannot compile the npm package's wasm: ${error.message}`);
  }
}
