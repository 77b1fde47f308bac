// Bundlers in other ways than their default: other minifiers, targets, formats, places to be served from.
import { join } from 'node:path';

export default {
  title: 'bundlers with options', quick: false,
  async run({ folder, start, chromium, pay, look }) {
    const { stdout } = await start(['node', 'build.mjs', ...(process.env.WAY ? [process.env.WAY] : [])]);
    const failed = [];
    for (const { name, folder: at, path } of JSON.parse(stdout.trim().split('\n').at(-1))) {
      await pay((config) => look({ chromium, folder: join(folder, at), path, config })).catch((error) => failed.push(`${name}: ${error.message}`));
    }
    if (failed.length > 0) throw new Error(failed.join('\n\n'));
  },
};
