// The README and the pages of the package: their links lead into the package, and the README's programs compile, strictly.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { dist } from '../../scripts/lib/build.mjs';
import { repoPath, run } from '../../scripts/lib/run.mjs';

const readme = readFileSync(dist('subscriber', 'README.md'), 'utf8');

/** As hosts make an anchor of a heading. */
const anchors = (text) => [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) => title.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-'));

/** Where npm's CDN serves the files of the package: the site of npm has no address for them. */
const FILES = 'https://unpkg.com/payments-wasm/';

test('every link of the README is an address, and those to the package lead to a file and a heading of it', () => {
  const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target);
  const own = links.filter((target) => target.startsWith(FILES));
  assert.deepEqual(links.filter((target) => !/^https:/.test(target)), []);
  const pages = readdirSync(dist('subscriber', 'docs'));
  assert.deepEqual(pages.filter((name) => !own.includes(`${FILES}docs/${name}`)), [], 'the README links to every page');
  for (const link of own) leads(link.slice(FILES.length), 'README.md');
});

test('every link of a page that goes along leads to a file of the package, and to a heading of it', () => {
  let count = 0;
  for (const name of readdirSync(dist('subscriber', 'docs'))) {
    const page = `docs/${name}`;
    for (const [, target] of readFileSync(dist('subscriber', page), 'utf8').replace(/^```[^]*?^```$/gm, '').matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https:/.test(target)) continue;
      leads(target.startsWith('#') ? page + target : join('docs', target), page);
      count += 1;
    }
  }
  assert.ok(count > 60, `${count} links`);
});

/** Fails where a path of the package, with or without an anchor, leads nowhere. */
function leads(target, from) {
  const [file, anchor] = target.split('#');
  const path = dist('subscriber', file);
  assert.ok(existsSync(path), `${from} links to ${target}`);
  if (anchor) assert.ok(anchors(readFileSync(path, 'utf8')).includes(anchor), `${from} links to ${target}`);
}

test('each address in the manifest and in the errors is the package\'s own at npm, and leads to what it has', () => {
  const manifest = JSON.parse(readFileSync(dist('subscriber', 'package.json'), 'utf8'));
  for (const member of ['name', 'version', 'description', 'keywords', 'license', 'author', 'homepage', 'engines']) assert.ok(manifest[member], member);
  assert.equal(manifest.homepage, `https://www.npmjs.com/package/${manifest.name}`);
  const addresses = [...JSON.stringify({ ...manifest, homepage: undefined }).matchAll(/https?:[^"]+/g)].map(([address]) => address);
  assert.deepEqual(addresses, []);
  const { docs } = JSON.parse(readFileSync(repoPath('src/bindings/subscriber/js/errors.json'), 'utf8'));
  const [, path] = new RegExp(`^https://unpkg\\.com/${manifest.name}/(.*)#$`).exec(docs) ?? assert.fail(docs);
  assert.ok(existsSync(dist('subscriber', path)), path);
});

/** The programs, by the names that the README gives them. */
const programs = Object.fromEntries([...readme.matchAll(/^```(?:js|tsx) file:(\S+)\n(.*?)^```/gms)].map(([, name, text]) => [name, text]));

for (const [module, moduleResolution] of [['nodenext', 'nodenext'], ['esnext', 'bundler']]) {
  test(`every program compiles in strict TypeScript, module resolution ${moduleResolution}`, async () => {
    const folder = repoPath(`target/consumer-readme-${moduleResolution}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(`${folder}/node_modules`, { recursive: true });
    symlinkSync(dist('subscriber'), `${folder}/node_modules/payments-wasm`);
    assert.deepEqual(Object.keys(programs), ['gate.mjs', 'agent.mjs', 'src/App.tsx']);
    assert.equal(readme.match(/^```(?!sh$)\w.*$/gm).length, 3, 'every program has a name');
    writeFileSync(`${folder}/package.json`, '{ "type": "module" }');
    // The types of Node and React that the programs need: neither is installed here. The install matrix compiles them
    // with the real ones.
    writeFileSync(`${folder}/there.d.ts`, `declare const process: { env: Record<string, string | undefined> };
declare module 'node:http' { export function createServer(listener: (incoming: any, outgoing: any) => void): { listen(port: number, done?: () => void): void }; }
declare module 'react' { export function useState<T>(first: T): [T, (next: T) => void]; }
declare namespace JSX { interface IntrinsicElements { [name: string]: { onClick?: () => unknown; children?: unknown } } }\n`);
    const files = Object.entries(programs).map(([name, text]) => {
      const file = name.split('/').at(-1).replace('.mjs', '.ts');
      writeFileSync(`${folder}/${file}`, text);
      return file;
    });
    const compilerOptions = {
      module, moduleResolution, target: 'es2022', lib: ['es2022', 'dom', 'dom.iterable', 'esnext.disposable'], types: [], strict: true, exactOptionalPropertyTypes: true,
      jsx: 'preserve', noEmit: true,
    };
    writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions, files: ['there.d.ts', ...files] }));
    const { code, output } = await run(process.execPath, [repoPath('node_modules/typescript/bin/tsc'), '-p', folder], { anyCode: true });
    assert.equal(code, 0, output);
  });
}

test('the agent pays at the gate, with the variables of the sandbox and nothing else', { timeout: 120_000 }, async () => {
  const folder = repoPath('target/consumer-readme-run');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(`${folder}/node_modules`, { recursive: true });
  symlinkSync(dist('subscriber'), `${folder}/node_modules/payments-wasm`);
  writeFileSync(`${folder}/package.json`, '{ "type": "module" }');
  // As they stand, but for the port, which may be taken here.
  const probe = createServer();
  await new Promise((done) => probe.listen(0, '127.0.0.1', done));
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  for (const name of ['gate.mjs', 'agent.mjs']) writeFileSync(`${folder}/${name}`, programs[name].replaceAll('8787', port));
  writeFileSync(`${folder}/both.mjs`, "await import('./gate.mjs');\nawait import('./agent.mjs');\nprocess.exit();\n");
  const env = Object.fromEntries(Object.keys(process.env).filter((name) => name.startsWith('NVM_')).map((name) => [name, undefined]));
  const args = [dist('subscriber', 'cli/bin.js'), 'sandbox', '--seed', dist('subscriber', 'sandbox.seed.example.json'), '--', process.execPath, `${folder}/both.mjs`];
  const { code, output } = await run(process.execPath, args, { cwd: folder, env, anyCode: true });
  assert.equal(code, 0, output);
  assert.match(output, /answer: 42, payer: '0x\w+' \} 98n/);
});
