// `payments-wasm/paywall/node`.
export { toNodeListener } from './node_server.js';
