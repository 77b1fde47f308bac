// The paywall Worker with the dialects of 402 beside x402 with plans: MPP, amounts at any facilitator, names of payments. It is `main` in the
// place of `entry.js` where the configuration has one of them.
import module from './gate_bg.wasm';
import dialects from './gate_dialects_bg.wasm';
import * as core from './gate.js';
import * as page from './page.js';
import { createWorker, reconciler, stateClass } from 'paywall-shell';

core.initSync({ module });
const load = async () => core;

export default createWorker(load, page, () => import('./gate_dialects.js'), async () => ({ default: dialects }));

/** The Durable Object of the state. */
export const PaywallState = stateClass(load, reconciler);
