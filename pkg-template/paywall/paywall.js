// The entry `payments-wasm/paywall` for Node, Deno and Bun. It loads the WebAssembly when it is first needed.
import start, * as core from './gate.js';
import { createHono, createPaywall, durable, reconciler } from './handler.js';

export { PaywallError } from './handler.js';

export const paywall = createPaywall(load);
export const honoPaywall = createHono(paywall);

export class PaywallState {
  #object;

  constructor(context, env) {
    this.#object = durable(context, load, () => reconciler(env));
  }

  fetch(request) {
    return this.#object.fetch(request);
  }

  alarm() {
    return this.#object.alarm();
  }
}

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
  const { default: text } = await import('./gate.packed.js');
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}
