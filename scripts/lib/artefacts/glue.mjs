// The WebAssembly of the npm package and its glue: what wasm-bindgen and wasm-opt leave is made smaller, and loads everywhere.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { UserError } from '../cli.mjs';

/**
 * Replaces code of the glue that is never run, or that some bundlers and runtimes reject. In the edge runtime of Next.js a module is a
 * WebAssembly.Module of another realm's class. Import objects become plain ones: wasm-bindgen writes `{ __proto__:
 * null, ... }`, and a minifier that inlines one such object into another makes invalid JavaScript ("Duplicate __proto__
 * fields").
 */
export function portable(work, name) {
  const path = join(work, `${name}.js`);
  const glue = readFileSync(path, 'utf8');
  const parts = [[/\nasync function __wbg_load[^]*\nexport \{ initSync, __wbg_init as default \};\n/, START], ...NEVER.map((part) => [part, ''])];
  const missing = parts.find(([part]) => glue.search(part) < 0);
  if (missing) throw new Error(`${name}.js: wasm-bindgen writes it otherwise than it did: ${missing[0]}`);
  // Nobody calls a class with `using`, and not each glue has one.
  const short = parts.reduce((text, [part, ours]) => text.replace(part, () => ours), glue).replace(/^if \(Symbol\.dispose\) .*\n/gm, '');
  writeFileSync(path, short.replace(/__proto__: null,?\s*/g, ''));
}

/** Parts of the glue for callers and engines that there are not: texts without `realloc`, an encoder without `encodeInto`. */
const NEVER = [
  /    if \(realloc === undefined\) \{\n[^]*?\n    \}\n\n(?=    let len = arg\.length)/,
  /\nif \(!\('encodeInto' in cachedTextEncoder\)\) \{\n[^]*?\n\}\n/,
];

/**
 * How the WebAssembly starts. Our callers give an object with bytes, a module or an answer; wasm-bindgen also takes addresses, and warns of what it
 * will not take one day.
 */
const START = `
function initSync({ module }) {
    if (wasm !== undefined) return wasm;
    if (Object.prototype.toString.call(module) !== '[object WebAssembly.Module]') module = new WebAssembly.Module(module);
    return __wbg_finalize_init(new WebAssembly.Instance(module, __wbg_get_imports()), module);
}

let starting;
async function start({ module_or_path: given }) {
    if (wasm !== undefined) return wasm;
    return (starting ??= started(given).catch((error) => {
        starting = undefined;
        throw error;
    }));
}

async function started(given) {
    const imports = __wbg_get_imports();
    const isAnswer = typeof Response === 'function' && given instanceof Response;
    const made = isAnswer && given.headers.get('content-type') === 'application/wasm' && WebAssembly.instantiateStreaming
        ? await WebAssembly.instantiateStreaming(given, imports)
        : await WebAssembly.instantiate(isAnswer ? await given.arrayBuffer() : given, imports);
    return __wbg_finalize_init(made.instance ?? made, made.module ?? given);
}

export { initSync, start as default };
`;

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
