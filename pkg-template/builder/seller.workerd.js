// The sellers' WebAssembly for Workers, where the runtime hands over a module.
import module from './seller_bg.wasm';
import * as core from './seller.js';

core.initSync({ module });

export const create = () => async () => core;
