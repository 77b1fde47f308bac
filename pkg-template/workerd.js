// The package's entry for Workers, where wasm may not be compiled from bytes: the runtime hands over a module.
import module from './core_bg.wasm';
import * as core from './core.js';

export * from './names.js';

core.initSync({ module });

export const Payments = core.createPayments(() => core);

export default async function init() {}
