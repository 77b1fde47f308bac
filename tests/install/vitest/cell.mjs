// Vitest in each of its environments.
import { readFileSync } from 'node:fs';

export default {
  title: 'Vitest: node, jsdom, happy-dom', quick: true,
  async run({ folder, start, pay }) {
    for (const name of ['node', 'jsdom', 'happy-dom']) {
      await pay(async (config) => {
        await start(['vitest', 'run', '--environment', name], { env: { CONFIG: JSON.stringify(config), ENVIRONMENT: name } });
        return JSON.parse(readFileSync(`${folder}/result.json`, 'utf8'));
      });
    }
  },
};
