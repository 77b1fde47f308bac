// The package with its wasm as text in a module, loaded by the first call: nothing is read from a disk, so it may be bundled, and Deno asks for no
// permission. The entry for Node and the 402 page are made of it.
import * as core from './core.js';

export * from './names.js';

core.lazily.again = (address) => import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ address);
core.lazily.seller = () => import('./selling.js');
core.lazily.sellerWasm = () => import('./seller.load.js');
const load = core.starter(async () => {
  const [glue, { loader, unpacked }] = await Promise.all([() => import('./engine.js'), () => import('./load.js')].map(core.lazily));
  const open = async () => unpacked((await core.lazily(() => import('./core.packed.js'))).default);
  return loader({ start: glue.default, glue, open, fail: (message, facts) => new core.PaymentsError(message, facts) });
});

export const Payments = core.createPayments(load);

export default async function init(source) {
  await load(source);
}
