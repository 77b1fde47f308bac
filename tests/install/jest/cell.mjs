// Jest as it comes, which requires: with Node's globals, and with jsdom, to which jest-fixed-jsdom gives back fetch and its like.
import { readFileSync } from 'node:fs';

export default {
  title: 'Jest: node, jsdom', quick: true, build: [['esbuild', 'pay.js', '--format=cjs', '--outfile=pay.cjs']],
  async run({ folder, start, pay }) {
    for (const name of ['node', 'jsdom']) {
      await pay(async (config) => {
        await start(['jest', '--config', JSON.stringify({ testMatch: [`**/${name}.test.cjs`], moduleFileExtensions: ['js', 'cjs'], transform: {} })], { env: { CONFIG: JSON.stringify(config) } });
        return JSON.parse(readFileSync(`${folder}/result.json`, 'utf8'));
      });
    }
    // jsdom alone, as it is: without fetch nothing is paid, but what a component imports loads and answers.
    await start(['jest', '--config', JSON.stringify({ testMatch: ['**/bare.test.cjs'], moduleFileExtensions: ['js', 'cjs'], transform: {} })]);
  },
};
