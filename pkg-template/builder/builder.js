// The entry `payments-wasm/builder` for Node, Deno, Bun and pages. It loads the WebAssembly when it is first needed.
import { loader, opened } from './load.js';
import start, * as core from './seller.js';
import { file } from './seller.file.js';
import createBuilder, { PaymentsError } from './selling.js';

export * from './selling.js';

const load = loader({ start, glue: core, open: () => opened(file()), fail: (message, facts) => new PaymentsError(message, facts) });

export const Payments = createBuilder(load);

export default async function init(source) {
  await load(source);
}
