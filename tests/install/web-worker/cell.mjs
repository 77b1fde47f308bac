// A Web Worker of a page, with the package's files as they are.
import { cpSync } from 'node:fs';
import { join } from 'node:path';

export default {
  title: 'Web Worker', quick: true,
  run({ folder, chromium, pay, look }) {
    cpSync(join(folder, 'node_modules/payments-wasm'), join(folder, 'pkg'), { recursive: true });
    return pay((config) => look({ chromium, folder, config }));
  },
};
