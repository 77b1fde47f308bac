// docs/methods.md is true: every method of the official Python client has a row, every name of ours in it is there, every test
// that it names calls it, and what is compared is compared.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { dist } from '../../scripts/lib/build.mjs';
import { methodsPage } from '../../scripts/lib/methods.mjs';
import { repoPath, run } from '../../scripts/lib/run.mjs';
import { CALLS, ME } from './request-parity.mjs';

const { PYTHON } = process.env;
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const KEY = `local:${part({ alg: 'none' })}.${part({ sub: ME, o11y: 'sk-helicone-x' })}.c2ln`;

const page = readFileSync(repoPath('docs/methods.md'), 'utf8');
const rows = [...page.matchAll(/^\| (?!payments-py)(.*) \|$/gm)].map(([, row]) => {
  const cells = row.split(' | ');
  const [python, typescript, here, test, request] = cells;
  return { cells, python, typescript, here, test, request, name: /`([\w.]+)`$/.exec(here)?.[1] };
});

test('every cell says something, and a dash says why', () => {
  assert.ok(rows.length > 100, `${rows.length}`);
  for (const { cells } of rows) {
    assert.equal(cells.length, 5, cells.join(' | '));
    cells.forEach((cell, column) => {
      if (column < 2) assert.match(cell, /^(—|`[\w.]+`)$/, cells.join(' | '));
      else assert.match(cell, /^(— \S+( \S+)+|[^—].*)$/, cells.join(' | '));
    });
  }
});

test('every method of the official Python client has a row, and no other has; and its fixed values are ours', { skip: PYTHON ? false : 'Python is not installed' }, async () => {
  const env = { NVM_API_KEY: KEY, NVM_BACKEND_URL: 'http://127.0.0.1:9', PYTHONWARNINGS: 'ignore' };
  const { stdout } = await run(PYTHON, [repoPath('tests/python/methods.py')], { env, timeout: 60_000 });
  const { methods, values } = JSON.parse(stdout);
  const named = rows.map(({ python }) => python.replaceAll('`', '')).filter((name) => name !== '—');
  assert.deepEqual(named.sort(), methods);
  const sdk = await import(dist('subscriber', 'node.js'));
  const ours = Object.keys(values).map((name) => [name, typeof sdk[name] === 'object' ? Object.values(sdk[name]) : String(sdk[name])]);
  assert.deepEqual(Object.fromEntries(ours), values);
});

test('what is here is there, and no method of a part is left out', async () => {
  const sdk = { ...await import(dist('subscriber', 'node.js')), ...await import(dist('subscriber', 'express.js')) };
  const payments = sdk.Payments.getInstance({ nvmApiKey: KEY, environment: 'custom', backend: 'http://127.0.0.1:9' });
  const has = (name) => {
    const found = name.split('.').reduce((object, member) => object?.[member], name.startsWith('Payments.') || name in sdk ? sdk : payments);
    return found !== undefined || name in payments;
  };
  for (const { here, name } of rows.filter(({ here }) => !here.startsWith('—'))) assert.ok(has(name), `${here} is not there`);
  const all = Object.keys(payments).flatMap((part) => Object.getOwnPropertyNames(Object.getPrototypeOf(payments[part]))
    .filter((name) => typeof payments[part][name] === 'function' && name !== 'constructor').map((name) => `${part}.${name}`));
  const named = new Set(rows.map(({ name }) => name));
  assert.deepEqual(all.filter((name) => !named.has(name)), []);
});

test('the page is what the official names and the types make', () => {
  assert.equal(page, methodsPage(), 'npm run docs writes it');
});

test('each test that is named calls it', () => {
  for (const { here, name, test: cell } of rows) {
    const [, path] = /^\[[\w-]+\]\(\.\.\/([\w./-]+)\)$/.exec(cell) ?? [];
    assert.equal(path === undefined, here.startsWith('—'), `${here}: ${cell}`);
    if (!path) continue;
    assert.ok(existsSync(repoPath(path)), path);
    // A method may be called by a name that a table there has.
    const text = readFileSync(repoPath(path), 'utf8');
    assert.match(text, new RegExp(`\\b${name.split('.').at(-1)}\\b`), `${path} does not call ${name}`);
  }
});

test('what is said to be compared is, and what is compared is said to be', () => {
  const compared = new Set(Object.keys(CALLS).map((name) => name.split('#')[0].replace(/^sdk\./, '')));
  for (const { name, request } of rows.filter(({ name }) => name)) {
    assert.ok(request === 'same' || request.startsWith('—'), request);
    if (request === 'same') assert.ok(compared.has(name), `${name} is not compared`);
  }
  const said = new Set(rows.filter(({ request }) => request === 'same').map(({ name }) => name));
  assert.deepEqual([...compared].filter((name) => !said.has(name)), []);
});
