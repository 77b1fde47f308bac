// The parts that the entries of `payments-wasm/paywall` are made of.
export { PaywallError } from './error.js';
export { createHono } from './hono.js';
export { createPaywall, reconciler } from './paywall.js';
export { stateClass } from './state_store.js';
