// The package's entry for pages, Node, Deno and Bun. It loads the WebAssembly when it is first needed and does nothing
// when it is imported, so that server-side rendering, bundlers and `require` have nothing to stumble over.
import start, { getBrowserInstance, getInstance } from './core.js';

export { PaymentsError } from './core.js';

export class Payments {
  static async getInstance(options) {
    await init();
    return getInstance(options);
  }

  static async getBrowserInstance(options) {
    await init();
    return getBrowserInstance(options);
  }
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
