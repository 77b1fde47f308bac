// The entry `payments-wasm/builder` for Workers, where the runtime hands over a module.
import module from './seller_bg.wasm';
import * as core from './seller.js';
import createBuilder from './selling.js';

export * from './selling.js';

core.initSync({ module });

export const Payments = createBuilder(async () => core);

export default async function init() {}
