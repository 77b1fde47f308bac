// The package's entry for pages, Node, Deno and Bun. It loads the WebAssembly when it is first needed and does nothing
// when it is imported, so that server-side rendering, bundlers and `require` have nothing to stumble over.
import { createPayments } from './core.js';
import load from './load.js';

export * from './names.js';

export const Payments = createPayments(load);

export default async function init(source) {
  await load(source);
}
