// The paywall Worker: the gate of the npm package, with the 402 page, configured by variables and bindings.
import module from './gate_bg.wasm';
import * as core from './gate.js';
import * as page from './page.js';
import { createWorker, durable, reconciler } from 'paywall-shell';

core.initSync({ module });
const load = async () => core;

export default createWorker(load, page);

/** The Durable Object of the state. */
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
