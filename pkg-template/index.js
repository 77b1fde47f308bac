// The package's entry for pages and Web Workers. It loads the WebAssembly when it is first needed and does nothing when it is
// imported. The wasm is a file, compiled while it arrives; a bundler that leaves files behind finds it as text in a module.
import start, * as core from './core.js';
import { file } from './core.file.js';
import { isServer, loader, opened, unpacked } from './load.js';

export * from './names.js';

core.lazily.again = (address) => import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ address);
const open = async () => {
  const url = isServer() ? undefined : file();
  return url ? opened(url) : unpacked((await core.lazily(() => import('./core.packed.js'))).default);
};
const load = loader({ start, glue: core, open, fail: (message, facts) => new core.PaymentsError(message, facts) });

export const Payments = core.createPayments(load);

export default async function init(source) {
  await load(source);
}
