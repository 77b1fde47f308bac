// A Service Worker, where nothing may be imported later: payments-wasm/inline. The page asks it to pay.
import { cpSync } from 'node:fs';
import { join } from 'node:path';

export default {
  title: 'Service Worker', quick: true,
  run({ folder, chromium, pay, look }) {
    cpSync(join(folder, 'node_modules/payments-wasm'), join(folder, 'pkg'), { recursive: true });
    return pay((config) => look({ chromium, folder, config }));
  },
};
