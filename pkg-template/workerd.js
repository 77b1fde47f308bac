// The package's entry for Workers, where wasm may not be compiled from bytes: the runtime hands over a module.
import module from './core_bg.wasm';
import * as core from './core.js';
import * as engine from './engine.js';
import { served } from './served.js';

export * from './names.js';
export * from './official.js';

engine.initSync({ module });
core.lazily.sellerWasm = () => import('./seller.workerd.js');
core.lazily.dialectsWasm = () => import('./dialects.workerd.js');

export const Payments = served(core.createPayments(() => engine));

export default async function init() {}
