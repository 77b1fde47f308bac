// The types that ship: a consumer's file compiles against them, strictly, the way Node and the way bundlers resolve.
import assert from 'node:assert/strict';
import { mkdirSync, cpSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { dist } from '../../scripts/lib/build.mjs';
import { at, run } from '../../scripts/lib/run.mjs';

for (const [module, moduleResolution] of [['nodenext', 'nodenext'], ['esnext', 'bundler']]) {
  test(`a consumer compiles with module resolution ${moduleResolution}`, async () => {
    const folder = at(`target/consumer-${moduleResolution}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(`${folder}/node_modules`, { recursive: true });
    symlinkSync(dist('subscriber'), `${folder}/node_modules/payments-wasm`);
    cpSync(at('tests/package/types.ts'), `${folder}/types.ts`);
    writeFileSync(`${folder}/package.json`, '{ "type": "module" }');
    const compilerOptions = {
      module, moduleResolution, target: 'es2022', lib: ['es2022', 'dom', 'esnext.disposable'], types: [], strict: true,
      exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: false,
    };
    writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions, files: ['types.ts'] }));
    const { code, output } = await run(process.execPath, [at('node_modules/typescript/bin/tsc'), '-p', folder], { anyCode: true });
    assert.equal(code, 0, output);
  });
}
