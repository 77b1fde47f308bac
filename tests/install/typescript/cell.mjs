// TypeScript, strict, in each way that it finds a package: with the DOM's types and without, as ES modules and as CommonJS.
import { writeFileSync } from 'node:fs';

const WAYS = [
  ['esnext', 'bundler', 'main.ts'], ['node16', 'node16', 'main.ts'], ['node16', 'node16', 'main.cts'], ['nodenext', 'nodenext', 'main.ts'],
  ['nodenext', 'nodenext', 'main.cts'], ['commonjs', 'node10', 'main.ts'],
];

export default {
  title: 'TypeScript strict: bundler, node16, nodenext, node10', quick: true,
  async run({ folder, start }) {
    for (const [module, moduleResolution, file] of WAYS) {
      for (const dom of [true, false]) {
        const compilerOptions = {
          module, moduleResolution, target: 'es2022', lib: ['es2022', 'esnext.disposable', ...(dom ? ['dom'] : [])], types: dom ? [] : ['node'], strict: true,
          exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noEmit: true, skipLibCheck: false,
        };
        writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions, files: [file] }));
        await start(['tsc', '-p', '.']).catch((error) => { throw new Error(`${moduleResolution}, ${file}, ${dom ? 'with' : 'without'} DOM: ${error.message}`); });
      }
    }
  },
};
