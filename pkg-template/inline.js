// `payments-wasm/inline`: everything in the script itself, the WebAssembly too. For Service Workers, extensions, and wherever nothing may be
// loaded later. The build makes one file of it.
import * as core from './core.js';
import packed from './core.packed.js';
import start, * as engine from './engine.js';
import { loader, unpacked } from './load.js';

export * from './names.js';
export * from './official.js';

core.lazily.orders = () => import('./budget_store.js');
const load = loader({ start, glue: engine, open: () => unpacked(packed), fail: (message, facts) => new core.PaymentsError(message, facts) });

export const Payments = core.createPayments(load);

export default async function init(source) {
  await load(source);
}
