// The package's entry for Node, Deno and Bun, and for pages that are rendered there. The wasm is text in a module, loaded when it is first
// needed: nothing is read from a disk, so it may be bundled, and Deno asks for no permission.
import start, * as core from './core.js';
import { loader, unpacked } from './load.js';

export * from './names.js';

core.lazily.again = (address) => import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ address);
const open = async () => unpacked((await core.lazily(() => import('./core.packed.js'))).default);
const load = loader({ start, glue: core, open, fail: (message, facts) => new core.PaymentsError(message, facts) });

export const Payments = core.createPayments(load);

export default async function init(source) {
  await load(source);
}
