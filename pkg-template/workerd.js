// The package's entry for Workers, where wasm may not be compiled from bytes: the runtime hands over a module.
import module from './core_bg.wasm';
import * as core from './core.js';
import * as engine from './engine.js';

export * from './names.js';

engine.initSync({ module });

export const Payments = core.createPayments(() => engine);

export default async function init() {}
