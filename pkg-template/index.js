// The package for pages and Web Workers, with what a page needs that pays. It does nothing when it is imported; the first call loads the engine and the
// WebAssembly. The wasm is a file, compiled while it arrives; a bundler that leaves files behind finds it as text in a module.
import * as core from './core.js';

export * from './names.js';

core.lazily.again = (address) => import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ address);
core.lazily.orders = () => import('./budget_store.js');
core.lazily.seller = () => import('./selling.js');
core.lazily.sellerWasm = () => import('./seller.load.js');
const load = core.starter(async () => {
  const files = [() => import('./engine.js'), () => import('./load.js'), () => import('./core.file.js')];
  const [glue, { loader }, { open }] = await Promise.all(files.map(core.lazily));
  return loader({ start: glue.default, glue, open, fail: (message, facts) => new core.PaymentsError(message, facts) });
});

export const Payments = core.createPayments(load);

export default async function init(source) {
  await load(source);
}
