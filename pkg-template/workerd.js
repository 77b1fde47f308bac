// The package's entry for Workers, where wasm may not be compiled from bytes: the runtime hands over a module.
import module from './core_bg.wasm';
import { getBrowserInstance, getInstance, initSync } from './core.js';

export { PaymentsError } from './core.js';

initSync({ module });

export class Payments {
  static async getInstance(options) {
    return getInstance(options);
  }

  static async getBrowserInstance(options) {
    return getBrowserInstance(options);
  }
}

export default async function init() {}
