// The crate as crates.io gets it: the sources of the library, what its features link, and the documents that they cite.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { repoPath, run } from '../../scripts/lib/run.mjs';

const { stdout } = await run('cargo', ['package', '--list', '--allow-dirty', '--locked']);
const files = stdout.trim().split('\n');

test('it carries no sandbox, no tests, no command line, and nothing of node_modules', () => {
  const foreign = files.filter((path) => /(^|\/)(sandbox|tests|scripts|tools|www|node_modules|pkg-template|cli)\/|tests\.rs$|\.(ts|json|html|css|mjs)$/.test(path));
  assert.deepEqual(foreign, ['.cargo_vcs_info.json'].filter((path) => foreign.includes(path)));
  assert.ok(files.length > 100 && files.length < 350, `${files.length} files`);
});

test('it carries each file that a source links, and each document that the documentation names', () => {
  const named = files.filter((path) => path.endsWith('.rs')).flatMap((path) => {
    const text = readFileSync(repoPath(path), 'utf8');
    const linked = [...text.matchAll(/wasm_bindgen\(module = "\/([^"]+)"/g)].map(([, file]) => file);
    const documents = [...text.matchAll(/(?<!\w)(docs\/[\w.-]+\.md)/g)].map(([, file]) => file);
    return [...linked, ...documents].map((file) => ({ path, file }));
  });
  assert.ok(named.length > 2);
  assert.deepEqual(named.filter(({ file }) => !files.includes(file)), []);
  // And no other JavaScript: that of the npm package is of no use here.
  const linked = new Set(named.map(({ file }) => file).filter((file) => file.endsWith('.js')));
  assert.deepEqual(files.filter((path) => path.endsWith('.js')).sort(), [...linked].sort());
});

test('documentation of docs.rs is made with features that the crate has', () => {
  const manifest = readFileSync(repoPath('Cargo.toml'), 'utf8');
  const [, list] = /\[package\.metadata\.docs\.rs\]\nfeatures = \[([^\]]*)\]/.exec(manifest);
  const [, features] = /\n\[features\]\n([\s\S]*?)\n\[/.exec(manifest);
  for (const [, name] of list.matchAll(/"([^"]+)"/g)) assert.match(features, new RegExp(`^${name} = `, 'm'));
});
