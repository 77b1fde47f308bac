// The entry `payments-wasm/paywall` for Node, Deno and Bun. It loads the WebAssembly when it is first needed.
import start, * as core from './gate.js';
import { file } from './gate.file.js';
import { createHono, createPaywall, PaywallError, reconciler, stateClass } from './handler.js';
import { loader, opened } from './load.js';

export { PaywallError } from './handler.js';

const load = loader({ start, glue: core, open: () => opened(file()), fail: (message, facts) => new PaywallError(message, facts) });

export const paywall = createPaywall(load, () => import('./gate_dialects.js'));
export const honoPaywall = createHono(paywall);

export const PaywallState = stateClass(load, reconciler);

export default async function init(source) {
  await load(source);
}
