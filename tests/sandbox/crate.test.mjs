// The sandbox as a crate: it uses only the wire types of the library, its folders import only those below, and it has the library's version.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repoPath } from '../../scripts/lib/run.mjs';

/** The folders and files of `sandbox/src`, from the bottom up. */
const ORDER = [
  'http', 'primitives', 'pages', 'storage', 'settings', 'context', 'crypto', 'identity', 'organizations', 'catalog', 'ledger', 'delegations', 'metering',
  'checkout', 'tokens', 'widgets', 'facilitator', 'mpp', 'oauth', 'control', 'seed', 'dashboard', 'router', 'service', 'worker_http', 'durable_object', 'lib', 'testing',
];

const SOURCES = readdirSync(repoPath('sandbox/src'), { recursive: true })
  .filter((path) => path.endsWith('.rs'))
  .map((path) => {
    const text = readFileSync(join(repoPath('sandbox/src'), path), 'utf8').replace(/\/\/.*/g, '');
    return { path: path.replaceAll('\\', '/'), name: path.replaceAll('\\', '/').replace(/(\/mod)?\.rs$/, '').replaceAll('/', '::'), text };
  });

/** The paths that a text names after `root::`, one for each item of a list in braces. */
function imports(text, root) {
  const found = [];
  for (const { index } of text.matchAll(new RegExp(`\\b${root}::`, 'g'))) {
    const [, path, list] = /^((?:\w+::)*\w*)(\{[^;]*)?/s.exec(text.slice(index));
    if (!list) found.push(path);
    else for (const [item] of list.slice(0, list.indexOf('}') + 1).matchAll(/[\w:]+/g)) found.push(item === 'self' ? path : `${path}${item}`);
  }
  return found.map((path) => path.split('::').slice(1));
}

test('the sandbox uses the wire types of the library and nothing else', () => {
  const used = SOURCES.flatMap(({ path, text }) => imports(text, 'payments_wasm').map(([module]) => `${path}: ${module}`));
  assert.ok(used.length > 10);
  assert.deepEqual(used.filter((use) => !use.endsWith(': wire')), []);
});

test('the sandbox has the version of the library', () => {
  const version = (path) => /^version = "(.*)"$/m.exec(readFileSync(repoPath(path), 'utf8'))[1];
  assert.equal(version('sandbox/Cargo.toml'), version('Cargo.toml'));
});

test('each folder imports only folders below it', () => {
  const rank = (name) => ORDER.indexOf(name.split('::')[0]);
  assert.deepEqual(SOURCES.filter(({ name }) => rank(name) < 0).map(({ path }) => path), [], 'a folder without a place in the order');
  const up = SOURCES.flatMap(({ path, name, text }) => {
    // Tests of a folder may use the harness.
    const own = text.split('#[cfg(test)]\nmod tests')[0];
    return imports(own, 'crate').filter(([room]) => rank(room) > rank(name)).map(([room]) => `${path} imports ${room}`);
  });
  assert.deepEqual(up, []);
});

test('no files import each other in a circle', () => {
  const names = new Set(SOURCES.map(({ name }) => name));
  const targets = new Map(SOURCES.map(({ name, text }) => {
    const used = imports(text.split('#[cfg(test)]\nmod tests')[0], 'crate').map((path) => [path.slice(0, 2).join('::'), path[0]].find((module) => names.has(module)));
    return [name, [...new Set(used)].filter((used) => used && used !== name)];
  }));
  const done = new Set();
  const visit = (name, path) => {
    assert.ok(!path.includes(name), [...path, name].join(' -> '));
    if (done.has(name)) return;
    for (const target of targets.get(name)) visit(target, [...path, name]);
    done.add(name);
  };
  for (const { name } of SOURCES) visit(name, []);
});
