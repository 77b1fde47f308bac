// No bundler: the package's files as they are, by an import map.
import { cpSync } from 'node:fs';
import { join } from 'node:path';

export default {
  title: '<script type=module>', quick: true,
  run({ folder, chromium, pay, look }) {
    cpSync(join(folder, 'node_modules/payments-wasm'), join(folder, 'pkg'), { recursive: true });
    return pay((config) => look({ chromium, folder, config }));
  },
};
