// Loads the WebAssembly, once; what could not be loaded is tried again by the next call. It gives the glue.
import start, * as core from './core.js';

let ready;

export default function load(source) {
  return (ready ??= begin(source).catch((error) => {
    ready = undefined;
    throw error;
  }));
}

async function begin(source) {
  await start({ module_or_path: source ?? (await unpack((await import('./core.packed.js')).default)) });
  return core;
}

// The wasm travels as text inside a module: no bundler has to know what to do with a .wasm file.
async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}
