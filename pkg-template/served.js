// Entries for servers, and `payments-wasm/builder`, have the methods of sellers from the start; other pages load them when they need them. Some of
// these methods answer at once. Entries for servers also take addresses from environment variables.
import { lazily, provide } from './core.js';
import selling, { wasm } from './selling.js';

const variable = (name) => globalThis.process?.env?.[name] || undefined;

/** The `init` of an entry: `sellers` is the source of the sellers' WebAssembly. */
export const initOf = (init) => async (source, sellers) => {
  await init(source);
  if (sellers !== undefined) await wasm(sellers);
};

/** Gives the class, with the methods of sellers. */
export function withSelling(Payments) {
  provide('seller', selling);
  return Payments;
}

/** The same, for a process: addresses of the environment `custom` may stand in variables. */
export function served(Payments) {
  lazily.variables = () => ({ backend: variable('NVM_BACKEND_URL'), frontend: variable('NVM_FRONTEND_URL'), embed: variable('NVM_EMBED_URL') });
  return withSelling(Payments);
}
