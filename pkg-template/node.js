// The package's entry for Node, Deno and Bun, and for pages that are rendered there.
import start, * as light from './packed.js';
import { initOf, served } from './served.js';

export * from './names.js';
export * from './official.js';

export const Payments = served(light.Payments);

const init = /* @__PURE__ */ initOf(start);
export default init;
