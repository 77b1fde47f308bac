// The result of `require('payments-wasm')`: the build makes `index.cjs` of this file. Node and Jest, which imports no
// module, read the wasm from the package's folder; bundlers take the text in a module.
import * as core from './core.js';
import start, * as engine from './engine.js';
import { loader, unpacked } from './load.js';
import { initOf, served } from './served.js';

export * from './names.js';
export * from './official.js';

async function open() {
  const { fs, path } = { fs: globalThis.process?.getBuiltinModule?.('node:fs'), path: globalThis.process?.getBuiltinModule?.('node:path') };
  const file = path?.join(__dirname, 'core_bg.wasm');
  return file && fs.existsSync(file) ? fs.promises.readFile(file) : unpacked((await import('./core.packed.js')).default);
}
const load = loader({ start, glue: engine, open, fail: (message, facts) => new core.PaymentsError(message, facts) });
core.lazily.sellerWasm = async () => require('./seller.cjs');
// The official MCP SDK is installed or not: no bundler looks for it.
core.lazily.mcp = (entry = 'payments-wasm/mcp') => import(entry);

export const Payments = served(core.createPayments(load));

export default initOf((source) => load(source));
