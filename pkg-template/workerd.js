// The package's entry for Workers, where wasm may not be compiled from bytes: the runtime hands over a module.
import module from './core_bg.wasm';
import * as core from './core.js';
import login from './names.js';

export * from './names.js';

core.initSync({ module });

/** As in the other entries, nothing comes before a promise does. */
const later = (name) => async (...given) => core[name](...given);

export class Payments {
  static getInstance = later('getInstance');
  static getBrowserInstance = later('getBrowserInstance');
  static loginUrl = login.loginUrl;
  static readCallback = login.readCallback;
  /** Instances are made in the core, of a class of its own. */
  static [Symbol.hasInstance] = (value) => value instanceof core.Payments;
}

export default async function init() {}
