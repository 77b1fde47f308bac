// The README that goes along: its links lead somewhere inside of the package, and its programs compile, strictly.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { dist } from '../../scripts/lib/build.mjs';
import { at, run } from '../../scripts/lib/run.mjs';

const readme = readFileSync(dist('subscriber', 'README.md'), 'utf8');

/** As hosts make an anchor of a heading. */
const anchors = (text) => [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) => title.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-'));

test('every link leads to a file of the package, and to a heading of it', () => {
  const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target).filter((target) => !/^https:/.test(target));
  assert.ok(links.length > 2);
  for (const link of links) {
    const [file, anchor] = link.split('#');
    const path = dist('subscriber', file || 'README.md');
    assert.ok(existsSync(path), link);
    if (anchor) assert.ok(anchors(readFileSync(path, 'utf8')).includes(anchor), link);
  }
});

test('every program compiles in strict TypeScript', async () => {
  const folder = at('target/consumer-readme');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(`${folder}/node_modules`, { recursive: true });
  symlinkSync(dist('subscriber'), `${folder}/node_modules/payments-wasm`);
  const programs = [...readme.matchAll(/^```js\n(.*?)^```/gms)].map(([, text]) => text);
  assert.equal(programs.length, 3);
  writeFileSync(`${folder}/package.json`, '{ "type": "module" }');
  writeFileSync(`${folder}/there.d.ts`, `declare const process: { env: Record<string, string | undefined> };
declare module 'node:http' { export function createServer(listener: (incoming: any, outgoing: any) => void): { listen(port: number): void }; }\n`);
  programs.forEach((text, index) => writeFileSync(`${folder}/program${index}.ts`, text));
  const compilerOptions = {
    module: 'nodenext', moduleResolution: 'nodenext', target: 'es2022', lib: ['es2022', 'dom', 'dom.iterable', 'esnext.disposable'], types: [], strict: true, exactOptionalPropertyTypes: true, noEmit: true,
  };
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions, files: ['there.d.ts', ...programs.map((_, index) => `program${index}.ts`)] }));
  const { code, output } = await run(process.execPath, [at('node_modules/typescript/bin/tsc'), '-p', folder], { anyCode: true });
  assert.equal(code, 0, output);
});
