// The entry `payments-wasm/paywall` for Node, Deno and Bun. It loads the WebAssembly when it is first needed.
import start, * as core from './gate.js';
import { file } from './gate.file.js';
import { createHono, createPaywall, durable, PaywallError, reconciler } from './handler.js';
import { loader, opened } from './load.js';

export { PaywallError } from './handler.js';

const load = loader({ start, glue: core, open: () => opened(file()), fail: (message, facts) => new PaywallError(message, facts) });

export const paywall = createPaywall(load, () => import('./gate_dialects.js'));
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

export default async function init(source) {
  await load(source);
}
