// The entry `payments-wasm/builder` for pages: the same as `payments-wasm`, with the methods of sellers from the start.
import start, * as light from './index.js';
import { initOf, withSelling } from './served.js';

export * from './names.js';
export * from './official.js';

export const Payments = withSelling(light.Payments);

const init = /* @__PURE__ */ initOf(start);
export default init;
