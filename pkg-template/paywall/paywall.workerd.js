// The entry `payments-wasm/paywall` for Workers, where the runtime hands over a module.
import module from './gate_bg.wasm';
import * as core from './gate.js';
import { createHono, createPaywall, reconciler, stateClass } from './handler.js';

export { PaywallError } from './handler.js';

core.initSync({ module });
const load = async () => core;

export const paywall = createPaywall(load, () => import('./gate_dialects.js'), () => import('./gate_dialects.workerd.js'));
export const honoPaywall = createHono(paywall);

export const PaywallState = stateClass(load, reconciler);

export default async function init() {}
