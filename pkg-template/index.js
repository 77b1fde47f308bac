// The package's entry for pages, Node, Deno and Bun. It loads the WebAssembly when it is first needed and does nothing
// when it is imported, so that server-side rendering, bundlers and `require` have nothing to stumble over.
import start, * as core from './core.js';
import login from './names.js';

export * from './names.js';

/** A function of the core that may be called before there is one. */
const later = (name) => async (...given) => {
  await init();
  return core[name](...given);
};

export class Payments {
  static getInstance = later('getInstance');
  static getBrowserInstance = later('getBrowserInstance');
  static loginUrl = login.loginUrl;
  static readCallback = login.readCallback;
  /** Instances are made in the core, of a class of its own. */
  static [Symbol.hasInstance] = (value) => value instanceof core.Payments;
}

let ready;

export default function init(source) {
  return (ready ??= load(source).catch((error) => {
    ready = undefined;
    throw error;
  }));
}

async function load(source) {
  await start({ module_or_path: source ?? (await unpack((await import('./core.packed.js')).default)) });
}

// The wasm travels as text inside a module: no bundler has to know what to do with a .wasm file.
async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}
