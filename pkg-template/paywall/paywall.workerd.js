// The entry `payments-wasm/paywall` for Workers, where the runtime hands over a module.
import module from './gate_bg.wasm';
import * as core from './gate.js';
import { createHono, createPaywall, durable, reconciler } from './handler.js';

export { PaywallError } from './handler.js';

core.initSync({ module });
const load = async () => core;

export const paywall = createPaywall(load, () => import('./gate_dialects.js'), () => import('./gate_dialects.workerd.js'));
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

export default async function init() {}
