// The types that ship: a consumer's file compiles against them, strictly, the way Node and the way bundlers resolve; they
// name what is there and nothing else; and they explain it.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { dist } from '../../scripts/lib/build.mjs';
import { repoPath, run } from '../../scripts/lib/run.mjs';

const types = readFileSync(dist('subscriber', 'index.d.ts'), 'utf8');
const mcpTypes = readFileSync(dist('subscriber', 'mcp.d.ts'), 'utf8');
const gateTypes = ['paywall.d.ts', 'paywall.node.d.ts', 'paywall.page.d.ts', 'express.d.ts', 'fastify.d.ts', 'next.d.ts', 'langchain.d.ts'].map((name) => readFileSync(repoPath('src/bindings/paywall', name), 'utf8')).join('\n');

/** Compiles a file as a consumer of the package; gives what the compiler has to say. */
async function compile(name, text, [module, moduleResolution] = ['nodenext', 'nodenext'], others = []) {
  const folder = repoPath(`target/consumer-${name}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(`${folder}/node_modules`, { recursive: true });
  symlinkSync(dist('subscriber'), `${folder}/node_modules/payments-wasm`);
  for (const other of others) symlinkSync(repoPath('node_modules', other), `${folder}/node_modules/${other}`);
  writeFileSync(`${folder}/types.ts`, text);
  writeFileSync(`${folder}/package.json`, '{ "type": "module" }');
  const compilerOptions = {
    module, moduleResolution, target: 'es2022', lib: ['es2022', 'dom', 'esnext.disposable'], types: [], strict: true,
    exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: false,
  };
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions, files: ['types.ts'] }));
  const { code, output } = await run(process.execPath, [repoPath('node_modules/typescript/bin/tsc'), '-p', folder], { anyCode: true });
  return code === 0 ? '' : output;
}

for (const way of [['nodenext', 'nodenext'], ['esnext', 'bundler']]) {
  test(`a consumer compiles with module resolution ${way[1]}`, async () => {
    assert.equal(await compile(way[1], readFileSync(repoPath('tests/package/types.ts'), 'utf8'), way), '');
  });
}

test('in Hono, what is behind the middleware finds the payment, with its type', async () => {
  const text = `
    import { Hono } from 'hono';
    import { honoPaywall } from 'payments-wasm/paywall';
    import type { PaymentContext } from 'payments-wasm/paywall';
    const app = new Hono();
    app.use(honoPaywall({ unlisted: 'pass' }));
    app.post('/ask', (c) => {
      const paid: PaymentContext | undefined = c.get('paymentContext');
      return c.json({ payer: paid?.payer, same: c.var.paymentContext?.planId });
    });`;
  assert.equal(await compile('hono', text, ['esnext', 'bundler'], ['hono']), '');
  assert.match(await compile('hono-strict', text.replace('PaymentContext | undefined', 'PaymentContext'), ['esnext', 'bundler'], ['hono']), /'undefined' is not assignable/);
});

/** The members of an object and of its class: nothing that the glue gives its own classes, such as `free`. */
const members = (object) => [...Object.keys(object), ...Object.getOwnPropertyNames(Object.getPrototypeOf(object))]
  .filter((name) => name !== 'constructor');

const statics = (type) => Object.getOwnPropertyNames(type).filter((name) => !['length', 'name', 'prototype'].includes(name));

test('what is there is declared, and what is declared is there', async () => {
  const sdk = await import(dist('subscriber', 'node.js'));
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const nvmApiKey = `local:${part({})}.${part({ sub: `0x${'1'.repeat(40)}` })}.c2ln`;
  const payments = await sdk.Payments.getInstance({ nvmApiKey, environment: 'custom', backend: 'http://127.0.0.1:9' });
  assert.ok(payments instanceof sdk.Payments && !({} instanceof sdk.Payments) && !(null instanceof sdk.Payments));
  const resources = Object.keys(payments);
  assert.equal(resources.length, 11);
  const there = {
    'typeof sdk': Object.keys(sdk),
    "Omit<typeof sdk.Payments, 'prototype'>": statics(sdk.Payments),
    'sdk.Payments': members(payments),
    ...Object.fromEntries(resources.map((name) => [`sdk.Payments['${name}']`, members(payments[name])])),
    ...Object.fromEntries(Object.entries(sdk).filter(([, value]) => Object.isFrozen(value) && typeof value === 'object')
      .map(([name, values]) => [`typeof sdk.${name}`, Object.keys(values)])),
  };
  assert.equal(await compile('exact', same('payments-wasm', there)), '');
});

test('payments-wasm/builder is the same, for Node and for pages', async () => {
  const names = async (file) => Object.keys(await import(dist('subscriber', file))).sort();
  const whole = await names('node.js');
  assert.deepEqual(await names('page.js'), whole);
  assert.deepEqual(await names('builder.js'), whole);
  assert.deepEqual(await names('inline.js'), whole);
});

/** A program that compiles where both have the same names. Where they differ, the type is what only one of them has. */
function same(entry, there) {
  const lines = Object.entries(there).map(([type, names], index) => `
    type Declared${index} = keyof (${type});
    type There${index} = ${names.map((name) => JSON.stringify(name)).join(' | ')};
    export const same${index}: [Declared${index}, There${index}] extends [There${index}, Declared${index}]
      ? true : { declared: Exclude<Declared${index}, There${index}>; there: Exclude<There${index}, Declared${index}> } = true;`);
  return `import * as sdk from '${entry}';${lines.join('')}`;
}

test('what the paywall exports is declared, and what is declared is there', async () => {
  const entries = { 'payments-wasm/paywall': 'paywall.js', 'payments-wasm/paywall/node': 'paywall.node.js', 'payments-wasm/paywall/page': 'paywall.page.js', 'payments-wasm/express': 'express.js', 'payments-wasm/fastify': 'fastify.js', 'payments-wasm/next': 'next.js', 'payments-wasm/langchain': 'langchain.js' };
  const lines = await Promise.all(Object.entries(entries).map(async ([entry, file], index) => {
    const names = Object.keys(await import(dist('subscriber', file)));
    return `
      import * as gate${index} from '${entry}';
      type There${index} = ${names.map((name) => JSON.stringify(name)).join(' | ')};
      export const same${index}: [keyof typeof gate${index}, There${index}] extends [There${index}, keyof typeof gate${index}] ? true : never = true;`;
  }));
  assert.equal(await compile('gate', lines.join('')), '');
});

test('what the MCP entry exports is declared, and what is declared is there', async () => {
  const sdk = await import(dist('subscriber', 'mcp.js'));
  const there = { 'typeof sdk': Object.keys(sdk), 'sdk.Mcp': members(new sdk.Mcp()) };
  assert.equal(await compile('mcp', same('payments-wasm/mcp', there)), '');
});

test('everything that is public is explained', () => {
  const lines = `${types}\n${gateTypes}\n${mcpTypes}`.split('\n');
  let last;
  const bare = lines.filter((line, index) => {
    const [, name] = /^(?:export (?:default )?(?:interface|class|type|const|function) |  (?:  )?(?:static |readonly )?(?=[a-z]\w*\??[:(<]))(\w+)/i.exec(line) ?? [];
    if (!name) return false;
    const overload = name === last;
    last = name;
    return !overload && !lines[index - 1].endsWith('*/') && !/^export class \w+ extends PaymentsError \{\}/.test(line);
  });
  assert.deepEqual(bare, []);
});

test('every code of an error is explained', () => {
  const folders = ['src/bindings/subscriber', 'src/bindings/builder', 'src/bindings/mcp', 'src/bindings/http', 'src/subscriber', 'src/api'];
  const sources = folders.flatMap((folder) => readdirSync(repoPath(folder), { recursive: true }).filter((name) => /\.(rs|js|ts)$/.test(name) && !name.includes('tests')).map((name) => repoPath(folder, name)));
  const text = sources.map((path) => readFileSync(path, 'utf8')).join('\n');
  const found = [...text.matchAll(/\bcode: ?["']([a-z_]+)["']|=> "([a-z]+_[a-z_]+)",|problem\('([a-z_]+)'/g)].map(([, ...codes]) => codes.find(Boolean));
  assert.ok(found.length > 30, `${found.length}`);
  const known = new Set([...`${types}\n${mcpTypes}`.matchAll(/`([a-z]+_?[a-z_]*)`/g)].map(([, code]) => code));
  assert.deepEqual([...new Set(found)].filter((code) => !known.has(code)), []);
});
