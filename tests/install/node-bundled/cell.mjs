// A program for Node bundled into one file with esbuild, as functions in a cloud are.
import { rmSync } from 'node:fs';

export default {
  title: 'Node, one bundled file', quick: true, build: [['esbuild', 'main.js', '--bundle', '--platform=node', '--format=esm', '--outfile=out/one.mjs']],
  run: ({ folder, start, pay }) => pay(async (config) => {
    rmSync(`${folder}/node_modules/payments-wasm`, { recursive: true });
    const { stdout } = await start(['node', 'out/one.mjs'], { env: { CONFIG: JSON.stringify(config) } });
    return JSON.parse(stdout.trim().split('\n').at(-1));
  }),
};
