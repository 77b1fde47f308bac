// The entry `payments-wasm/builder` for Node, Deno, Bun and pages. It loads the WebAssembly when it is first needed.
import start, * as core from './seller.js';
import createBuilder from './selling.js';

export * from './selling.js';

export const Payments = createBuilder(load);

let ready;

function load() {
  return (ready ??= unpack().then(async (bytes) => {
    await start({ module_or_path: bytes });
    return core;
  }).catch((error) => {
    ready = undefined;
    throw error;
  }));
}

// The wasm travels as text inside a module: no bundler has to know what to do with a .wasm file.
async function unpack() {
  const { default: text } = await import('./seller.packed.js');
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}
