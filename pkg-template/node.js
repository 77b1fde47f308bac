// The package's entry for Node, Deno and Bun, and for pages that are rendered there.
import { lazily } from './core.js';
import start, * as light from './packed.js';
import { initOf, served } from './served.js';

export * from './names.js';
export * from './official.js';

// The official MCP SDK is installed or not: no bundler looks for it.
lazily.mcp = (entry = 'payments-wasm/mcp') => import(entry);

export const Payments = served(light.Payments);

const init = /* @__PURE__ */ initOf(start);
export default init;
