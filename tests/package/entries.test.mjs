// The built package as its users load it: imported, required, bundled, in workerd, from its tarball.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { crateVersion } from '../../scripts/lib/tools.mjs';
import { dist } from '../../scripts/lib/build.mjs';
import { repoPath } from '../../scripts/lib/run.mjs';

const folder = repoPath('target/consumer');
const exec = promisify(execFile);
const node = (...args) => exec(process.execPath, args, { cwd: folder });

// A key that parses: nothing here is sent anywhere.
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const KEY = `local:${part({ alg: 'none' })}.${part({ sub: `0x${'1'.repeat(40)}`, o11y: 'sk-helicone-x' })}.c2ln`;
const OPTIONS = JSON.stringify({ nvmApiKey: KEY, environment: 'custom', backend: 'http://127.0.0.1:9' });

before(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(`${folder}/node_modules`, { recursive: true });
  symlinkSync(dist('subscriber'), `${folder}/node_modules/payments-wasm`);
});
after(() => rmSync(folder, { recursive: true, force: true }));

const LOGGED_IN = `
  const payments = await Payments.getInstance(${OPTIONS});
  console.log(JSON.stringify([payments.isLoggedIn, payments.environmentName, payments.getAccountAddress()]));`;
const EXPECTED = JSON.stringify([true, 'custom', `0x${'1'.repeat(40)}`]);

test('import in Node', async () => {
  const { stdout } = await node('--input-type=module', '-e', `import { Payments } from 'payments-wasm'; ${LOGGED_IN}`);
  assert.equal(stdout.trim(), EXPECTED);
});

test('require in Node', async () => {
  const code = `const { Payments } = require('payments-wasm'); (async () => { ${LOGGED_IN} })();`;
  const { stdout } = await node('--input-type=commonjs', '-e', code);
  assert.equal(stdout.trim(), EXPECTED);
});

for (const [how, type, first] of [['import', 'module', "import { Payments } from 'payments-wasm';"], ['require', 'commonjs', "const { Payments } = require('payments-wasm');"]]) {
  test(`payments.mcp and payments.a2a find their files by themselves, by ${how}`, async () => {
    const { stdout } = await node(`--input-type=${type}`, '-e', `${first}
      const { mcp } = Payments.getInstance(${OPTIONS});
      mcp.configure({ planId: '1', serverName: 'tools' });
      mcp.registerTool('shout', {}, async () => ({ content: [] }));
      mcp.start().then(async ({ info, stop }) => { console.log(info.name, info.tools.join()); await stop(); }, ({ code, message }) => console.log(code, message));`);
    assert.equal(stdout.trim(), 'tools shout');
    const card = await node(`--input-type=${type}`, '-e', `${first}
      Payments.getInstance(${OPTIONS}).a2a.buildPaymentAgentCard({ name: 'agent', capabilities: {} }, { paymentType: 'fixed', credits: 1, planId: '1', agentId: '2' })
        .then(({ name }) => console.log(name), ({ code, message }) => console.log(code, message));`);
    assert.equal(card.stdout.trim(), 'agent');
  });
}

test('importing does nothing yet: no wasm, no globals, no output', async () => {
  const code = `
    const before = Object.keys(globalThis).length;
    WebAssembly.instantiate = WebAssembly.Module = () => { throw new Error('loaded at import'); };
    await import('payments-wasm');
    console.log(Object.keys(globalThis).length - before);`;
  const { stdout, stderr } = await node('--input-type=module', '-e', code);
  assert.deepEqual([stdout.trim(), stderr.replace(/.*ExperimentalWarning.*\n.*--trace-warnings.*\n/, '')], ['0', '']);
});

test('a failed load is tried again at the next call', async () => {
  const code = `
    import init, { Payments } from 'payments-wasm';
    await init(new Uint8Array([1, 2, 3])).then(() => console.log('loaded'), (error) => console.log(error.name, error.code, error.cause.name, typeof error.hint));
    ${LOGGED_IN}`;
  const { stdout } = await node('--input-type=module', '-e', code);
  assert.deepEqual(stdout.trim().split('\n'), ['PaymentsError wasm_load_failed CompileError string', EXPECTED]);
});

test('init takes the bytes from the package\'s own ./core.wasm', async () => {
  const code = `
    import { readFileSync } from 'node:fs';
    import init, { Payments } from 'payments-wasm';
    await init(readFileSync(new URL(import.meta.resolve('payments-wasm/core.wasm'))));
    ${LOGGED_IN}`;
  const { stdout } = await node('--input-type=module', '-e', code);
  assert.equal(stdout.trim(), EXPECTED);
});

const GATED = `
  const gate = paywall((request) => new Response('free'), { nvmApiKey: ${JSON.stringify(KEY)}, environment: 'custom', backend: 'http://127.0.0.1:9',
    routes: { 'POST /ask': { planId: '1', credits: 2, network: 'visa' } }, openRoutes: ['GET /'], unlisted: 'deny', log: false, state: 'memory' });
  console.warn = () => {};
  const [paid, free] = [await gate(new Request('http://a/ask', { method: 'POST' })), await gate(new Request('http://a/'))];
  console.log(paid.status, await free.text());`;

for (const [how, type, code] of [
  ['import', 'module', `import { paywall } from 'payments-wasm/paywall'; ${GATED}`],
  ['require', 'commonjs', `const { paywall } = require('payments-wasm/paywall'); (async () => { ${GATED} })();`],
]) {
  test(`${how} of the paywall in Node`, async () => {
    const { stdout } = await node(`--input-type=${type}`, '-e', code);
    assert.equal(stdout.trim(), '402 free');
  });
}

const SELLING = `
  const payments = await Payments.getInstance(${OPTIONS});
  const price = payments.plans.getFiatPriceConfig('1000000', payments.getAccountAddress());
  console.log(JSON.stringify([payments.environmentName, payments.getAccountAddress(), String(price.amounts[0])]));`;
const SOLD = JSON.stringify(['custom', `0x${'1'.repeat(40)}`, '1000000']);

for (const [how, type, code] of [
  ['import', 'module', `import { Payments } from 'payments-wasm/builder'; ${SELLING}`],
  ['require', 'commonjs', `const { Payments } = require('payments-wasm/builder'); (async () => { ${SELLING} })();`],
]) {
  test(`${how} of the builder in Node`, async () => {
    const { stdout } = await node(`--input-type=${type}`, '-e', code);
    assert.equal(stdout.trim(), SOLD);
  });
}

test('an error of the builder is one of the package\'s, and shows no key', async () => {
  const code = `
    import { PaymentsError } from 'payments-wasm';
    import { Payments } from 'payments-wasm/builder';
    const error = await (async () => Payments.getInstance({ nvmApiKey: 'nonsense' }))().catch((error) => error);
    const { inspect } = await import('node:util');
    const payments = await Payments.getInstance(${OPTIONS});
    const shown = inspect(payments, { depth: 9, showHidden: true }) + JSON.stringify(payments) + inspect(error, { showHidden: true });
    console.log(error instanceof PaymentsError, error.code, error.message, shown.includes('nonsense') || shown.includes('c2ln'));`;
  const { stdout } = await node('--input-type=module', '-e', code);
  assert.equal(stdout.trim(), 'true validation nvmApiKey has a value it cannot have false');
});

test('a page that only pays loads nothing of the sellers, and a page that sells has their methods from the start', async () => {
  const { build } = await import('esbuild');
  const bundle = async (entry) => {
    const { metafile: { outputs } } = await build({
      stdin: { contents: `import { Payments } from '${entry}'; globalThis.get = Payments.getInstance;`, resolveDir: folder },
      bundle: true, splitting: true, format: 'esm', outdir: `${folder}/out`, write: false, metafile: true, minify: true, logLevel: 'error',
    });
    // The script of the page and what it imports at once; the rest is loaded by a call.
    const loaded = new Set();
    const load = (path) => {
      if (loaded.has(path)) return;
      loaded.add(path);
      outputs[path].imports.filter(({ kind }) => kind === 'import-statement').forEach((one) => load(one.path));
    };
    load(Object.keys(outputs).find((path) => path.endsWith('stdin.js')));
    return [...loaded].flatMap((path) => Object.keys(outputs[path].inputs)).map((path) => path.split('/').at(-1))
      .filter((name) => /^(account|core|official|selling|seller|served|gate)/.test(name)).sort();
  };
  assert.deepEqual(await bundle('payments-wasm'), ['core.js']);
  assert.deepEqual(await bundle('payments-wasm/builder'), ['core.js', 'selling.js', 'served.js']);
});

test('the paywall bundled for Node takes its wasm along, where the bundler is told to', async () => {
  const { build } = await import('esbuild');
  const contents = `import init, { paywall } from 'payments-wasm/paywall'; import { toNodeListener } from 'payments-wasm/paywall/node'; import wasm from 'payments-wasm/gate.wasm'; export { toNodeListener }; await init(wasm); ${GATED}`;
  await build({ stdin: { contents, resolveDir: folder }, bundle: true, platform: 'node', format: 'esm', outfile: `${folder}/one/server.mjs`, target: 'node20', loader: { '.wasm': 'binary' }, logLevel: 'error' });
  const { stdout } = await exec(process.execPath, ['server.mjs'], { cwd: `${folder}/one` });
  assert.equal(stdout.trim(), '402 free');
});

test('the paywall bundled without its wasm says what is missing and what helps', async () => {
  const { build } = await import('esbuild');
  const contents = `import { paywall } from 'payments-wasm/paywall'; const gate = paywall(() => new Response(''), { nvmApiKey: ${JSON.stringify(KEY)}, environment: 'custom', backend: 'http://127.0.0.1:9', routes: {}, unlisted: 'deny', state: 'memory' });
    await gate.ready().catch((error) => console.log(error.name, error.code, error.hint));`;
  await build({ stdin: { contents, resolveDir: folder }, bundle: true, platform: 'node', format: 'esm', outfile: `${folder}/one/bare.mjs`, logLevel: 'error' });
  const { stdout } = await exec(process.execPath, ['bare.mjs'], { cwd: `${folder}/one` });
  assert.match(stdout, /^PaywallError wasm_load_failed The bundle left the file behind\. Deploy the \.wasm file .*`init\(source\)`/);
});

test('the paywall bundled as CommonJS, which has no address of its own, says what helps, and takes the path of its wasm', async () => {
  const { build } = await import('esbuild');
  const bundle = (contents, name) => build({ stdin: { contents, resolveDir: folder }, bundle: true, platform: 'node', format: 'cjs', outfile: `${folder}/one/${name}`, logLevel: 'silent' });
  const options = `{ nvmApiKey: ${JSON.stringify(KEY)}, environment: 'custom', backend: 'http://127.0.0.1:9', routes: {}, unlisted: 'deny', state: 'memory' }`;
  await bundle(`import { paywall } from 'payments-wasm/paywall'; paywall(() => new Response(''), ${options}).ready().catch((error) => console.log(error.code, error.hint));`, 'lost.cjs');
  const { stdout: lost } = await exec(process.execPath, ['lost.cjs'], { cwd: `${folder}/one` });
  assert.match(lost, /^wasm_load_failed The bundle has no address of its own: make it an ES module, or give the \.wasm file to `init\(source\)`/);
  for (const [how, source] of [['path', dist('subscriber', 'gate_bg.wasm')], ['address', pathToFileURL(dist('subscriber', 'gate_bg.wasm')).href]]) {
    await bundle(`import init, { paywall } from 'payments-wasm/paywall'; (async () => { await init(${JSON.stringify(source)}); ${GATED} })();`, `${how}.cjs`);
    const { stdout } = await exec(process.execPath, [`${how}.cjs`], { cwd: `${folder}/one` });
    assert.equal(stdout.trim(), '402 free', how);
  }
});

test('errors are PaymentsError, with a code', async () => {
  const code = `
    import { Payments, PaymentsError } from 'payments-wasm';
    const error = await (async () => Payments.getInstance({ nvmApiKey: 'nonsense' }))().catch((error) => error);
    console.log(error instanceof PaymentsError, error instanceof Error, typeof error.code, error.message.includes('nonsense'));`;
  const { stdout } = await node('--input-type=module', '-e', code);
  assert.equal(stdout.trim(), 'true true string false');
});

test('an error that nobody catches is printed by its name', async () => {
  const code = `
    import { Payments, ConsentDenied } from 'payments-wasm';
    console.log(ConsentDenied.name, new ConsentDenied('no', { code: 'consent_denied' }).stack.split('\\n')[0]);
    await Payments.getInstance({ nvmApiKey: 'nonsense' });`;
  const { stdout, stderr, code: end } = await node('--input-type=module', '-e', code).catch((error) => error);
  assert.equal(stdout.trim(), 'ConsentDenied ConsentDenied: no');
  assert.match(stderr, /^PaymentsError: nvmApiKey/m);
  assert.equal(end, 1);
});

for (const [entry, tells, expected] of [
  ['payments-wasm', 'payments.isLoggedIn, payments.environmentName, payments.getAccountAddress()', EXPECTED],
  ['payments-wasm/builder', "payments.environmentName, payments.getAccountAddress(), String(payments.plans.getFixedCreditsConfig('1000000').amount)", SOLD],
]) test(`the workerd condition of ${entry} loads in workerd, bundled as wrangler does it`, async () => {
  const { build } = await import('esbuild');
  const { Miniflare } = await import('miniflare');
  await build({
    stdin: {
      contents: `
        import { Payments } from '${entry}';
        export default { async fetch() {
          const payments = await Payments.getInstance(${OPTIONS});
          return Response.json([${tells}]);
        } };`,
      resolveDir: folder,
    },
    bundle: true, format: 'esm', outdir: `${folder}/bundle`, conditions: ['workerd', 'worker', 'browser'],
    loader: { '.wasm': 'copy' }, assetNames: '[name]', logLevel: 'error',
  });
  const miniflare = new Miniflare({
    host: '127.0.0.1', cf: false, modules: true, modulesRoot: `${folder}/bundle`, scriptPath: `${folder}/bundle/stdin.js`,
    modulesRules: [{ type: 'CompiledWasm', include: ['**/*.wasm'] }], compatibilityDate: '2026-04-01',
  });
  try {
    const response = await miniflare.dispatchFetch('http://worker/');
    assert.equal(await response.text(), expected);
  } finally {
    await miniflare.dispose();
  }
});

test('where a minified line comes from is in a map beside it, by its path in the repository', () => {
  for (const [name, source] of [['core.js', 'src/bindings/subscriber/js/session.js'], ['handler.js', 'src/bindings/paywall/js/paywall.js'], ['selling.js', 'src/bindings/builder/js/selling.js']]) {
    const text = readFileSync(dist('subscriber', name), 'utf8');
    assert.ok(text.includes(`//# sourceMappingURL=${name}.map`), name);
    const lines = text.split('\n').map((line) => line.length);
    assert.ok(Math.max(...lines) < 1500, `${name}: a line of ${Math.max(...lines)} letters`);
    const { sources, sourcesContent } = JSON.parse(readFileSync(dist('subscriber', `${name}.map`), 'utf8'));
    const found = sources.indexOf(source);
    assert.ok(found >= 0 && sourcesContent[found].length > 100, sources.join('\n'));
    assert.ok(sources.every((one) => !/^[./]|tmp|snippets/.test(one)), sources.join('\n'));
  }
});

test('a panic is a trap in the wasm of the package, and its words are no part of it', () => {
  const words = /index out of bounds|out of range for slice|already (mutably )?borrowed|\w+\.rs\b/;
  for (const name of ['core', 'gate', 'seller']) assert.doesNotMatch(readFileSync(dist('subscriber', `${name}_bg.wasm`), 'latin1'), words, name);
});

test('a bundler needs no configuration and emits no second copy of the wasm', async () => {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    stdin: { contents: `import { Payments } from 'payments-wasm'; globalThis.get = Payments.getInstance;`, resolveDir: folder },
    bundle: true, splitting: true, format: 'esm', outdir: `${folder}/out`, write: false, minify: true, logLevel: 'error',
  });
  assert.ok(outputFiles.every(({ path }) => path.endsWith('.js')), outputFiles.map(({ path }) => path).join('\n'));
  const [entry] = outputFiles.filter(({ path }) => path.endsWith('stdin.js'));
  assert.ok(entry.text.length < 60_000, `${entry.text.length} bytes load with the page, before the wasm is needed`);
});

/** Names that are Node's: Parcel, webpack 4 and others put an imitation in their place, or fail where they find none. */
const NODE_NAMES = ['Buffer', 'process', 'global', 'setImmediate', 'clearImmediate'];
const OF_MODULES = ['require', 'module', '__dirname', '__filename'];

test('what a page, a Worker or an edge runtime loads uses no name of Node\'s as if it were there', async () => {
  const { build } = await import('esbuild');
  const { exports } = JSON.parse(readFileSync(dist('subscriber', 'package.json'), 'utf8'));
  const files = ['.', './inline', './builder', './paywall', './paywall/page', './mcp', './next'].flatMap((name) =>
    [exports[name].browser?.default, exports[name].browser?.require, exports[name].workerd, exports[name].require, exports[name].default].filter(Boolean));
  for (const [ending, names] of [['.js', [...NODE_NAMES, ...OF_MODULES]], ['.cjs', NODE_NAMES]]) {
    const entries = [...new Set(files)].filter((file) => file.endsWith(ending));
    const { outputFiles } = await build({
      entryPoints: Object.fromEntries(entries.map((file) => [file.replace(/\W+/g, '_'), dist('subscriber', file)])), bundle: true, format: 'esm', splitting: true, outdir: `${folder}/names`,
      write: false, logLevel: 'error', external: ['*.wasm', 'payments-wasm/*', '@modelcontextprotocol/*', 'node:*'], define: Object.fromEntries(names.map((name) => [name, `named_${name}`])),
    });
    assert.ok(outputFiles.length >= entries.length && entries.length > 2, `${entries}`);
    for (const { path, text } of outputFiles) assert.deepEqual([...new Set(text.match(/\bnamed_\w+/g))], [], path);
  }
});

test('the tarball holds what the package names, and nothing else', async () => {
  const npm = process.env.npm_execpath;
  const [program, args] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const { stdout } = await exec(program, [...args, 'pack', '--dry-run', '--json'], { cwd: dist('subscriber') });
  const [{ files, size, version }] = [Object.values(JSON.parse(stdout))].flat(2);
  const names = files.map(({ path }) => path).sort();
  // The glue of the Workers' runtime stands in a folder named after a hash.
  assert.ok(names.filter((name) => name.startsWith('sandbox/snippets/')).every((name) => name.endsWith('.js')));
  // The page and the service of the demo, as they are in the repository.
  assert.deepEqual(names.filter((name) => name.startsWith('www/')), readdirSync(repoPath('www')).sort().map((name) => `www/${name}`));
  const frameworks = ['express', 'fastify', 'next', 'langchain'].flatMap((name) => ['cjs', 'd.cts', 'd.ts', 'js'].map((ending) => `${name}.${ending}`));
  assert.deepEqual(frameworks.filter((name) => !names.includes(name)), []);
  const folders = names.filter((name) => name.includes('/') && !/^(sandbox\/snippets|www)\//.test(name));
  assert.deepEqual(folders, [
    'cli/account.js', 'cli/ask.js', 'cli/bin.js', 'cli/commands.json', 'cli/data-folder.js', 'cli/demo-flow.js',
    'cli/demo-servers.js', 'cli/demo.js', 'cli/demo.seed.json', 'cli/fetch-miniflare.js', 'cli/init.js', 'cli/journal.js',
    'cli/login.js', 'cli/page.js', 'cli/parent-exit.js', 'cli/pay.js', 'cli/profile.js', 'cli/project-rust/Cargo.toml',
    'cli/project-rust/README.md', 'cli/project-rust/build.sh', 'cli/project-rust/dev.vars.example', 'cli/project-rust/gitignore',
    'cli/project-rust/src/entry.js', 'cli/project-rust/src/lib.rs', 'cli/project-rust/wrangler.toml', 'cli/project/README.md',
    'cli/project/dev.vars.example', 'cli/project/gitignore', 'cli/project/routes.json', 'cli/project/src/index.js',
    'cli/project/src/index.ts', 'cli/project/tsconfig.json', 'cli/project/wrangler.toml', 'cli/sandbox.js', 'cli/serve.js',
    'cli/temporary-folder.js', 'cli/terminal.js', 'cli/text.js', 'cli/usage-error.js', 'cli/workerd.sh', 'docs/builder.md',
    'docs/cli.md', 'docs/client.md', 'docs/dialects.md', 'docs/errors.md', 'docs/migration.md', 'docs/options.md', 'docs/passes-and-page.md',
    'docs/paywall-config.md', 'docs/paywall.md', 'docs/sandbox.md', 'docs/settlement.md', 'sandbox/entry.js', 'sandbox/sandbox.js',
    'sandbox/sandbox_bg.wasm', 'sandbox/wrangler.toml',
  ]);
  assert.deepEqual(names.filter((name) => !name.includes('/') && !frameworks.includes(name)), ['LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'a2a.cjs', 'a2a.d.cts', 'a2a.d.ts', 'a2a.js', 'a2a_client.js', 'account.js', 'budget_store.js', 'builder.js', 'checkout.js', 'core.file.js', 'core.js',
    'core.js.map', 'core.packed.js', 'core_bg.wasm', 'dialects.edge.js', 'dialects.js', 'dialects.packed.js', 'dialects.workerd.js', 'dialects_bg.wasm', 'edge.js', 'engine.js', 'engine.js.map', 'gate.file.js', 'gate.js', 'gate_bg.wasm', 'gate_dialects.edge.js', 'gate_dialects.js', 'gate_dialects.workerd.js', 'gate_dialects_bg.wasm', 'handler.js', 'handler.js.map', 'helpers.js', 'index.cjs', 'index.d.cts', 'index.d.ts', 'index.js',
    'inline.js', 'load.js', 'mcp.cjs', 'mcp.d.cts', 'mcp.d.ts', 'mcp.js', 'mcp_client.js', 'names.js', 'node.js', 'official.js', 'package.json', 'packed.js', 'page.js', 'paywall.cjs', 'paywall.d.cts', 'paywall.d.ts', 'paywall.edge.js', 'paywall.js', 'paywall.node.cjs', 'paywall.node.d.cts', 'paywall.node.d.ts',
    'paywall.node.js', 'paywall.page.cjs', 'paywall.page.d.cts', 'paywall.page.d.ts', 'paywall.page.js', 'paywall.schema.json', 'paywall.workerd.js', 'quote.js', 'sandbox.seed.example.json',
    'sandbox.seed.schema.json', 'seller.cjs', 'seller.edge.js', 'seller.file.js', 'seller.js', 'seller.load.js', 'seller.workerd.js', 'seller_bg.wasm', 'selling.js', 'selling.js.map', 'served.js', 'wasm.d.cts', 'wasm.d.ts', 'workerd.js', 'wrap_fetch.js']);
  // Each wasm once as a file, and the one that pages load once more as a text; the maps of what is minified: 0.6 MB of it is the sandbox, which nothing loads but its command.
  // The files that sell in other dialects, over A2A and in LangChain are 89 KB of it: the last 9 came with Solana, A2A over HTTP and JSON, and what MCP and A2A keep from who did not pay.
  assert.ok(size < 1560 * 1024, `${size} bytes`);
  for (const name of ['core', 'gate', 'seller', 'sandbox/sandbox']) assert.ok(names.includes(`${name}_bg.wasm`), name);
  const [, packed] = /"(.+)"/.exec(readFileSync(dist('subscriber', 'core.packed.js'), 'utf8'));
  assert.ok(gunzipSync(Buffer.from(packed, 'base64')).equals(readFileSync(dist('subscriber', 'core_bg.wasm'))));
  const magic = packed.slice(40, 400);
  const inside = names.filter((name) => /\.(c?js)$/.test(name) && readFileSync(dist('subscriber', name), 'utf8').includes(magic));
  assert.deepEqual(inside, ['core.packed.js']);
  assert.equal(version, crateVersion());
  const { exports } = JSON.parse(readFileSync(dist('subscriber', 'package.json'), 'utf8'));
  const targets = (one) => (typeof one === 'string' ? [one] : Object.values(one).flatMap(targets));
  for (const target of targets(exports)) assert.ok(names.includes(target.slice(2)), target);
  for (const entry of ['.', './builder', './paywall']) {
    assert.deepEqual(Object.keys(exports[entry]), ['types', 'workerd', 'edge-light', 'browser', 'deno', 'bun', 'node', 'import', 'require', 'default'], 'the order of the conditions decides');
  }
});
