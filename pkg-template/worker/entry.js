// The paywall Worker: the gate of the npm package, with the 402 page, configured by variables and bindings.
import module from './gate_bg.wasm';
import * as core from './gate.js';
import * as page from './page.js';
import { createWorker, reconciler, stateClass } from 'paywall-shell';

core.initSync({ module });
const load = async () => core;

export default createWorker(load, page);

/** The Durable Object of the state. */
export const PaywallState = stateClass(load, reconciler);
