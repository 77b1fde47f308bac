// `npx payments-wasm paywall init`: what it writes runs as it is, from the packed package, against the sandbox, and is paid.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { dist } from '../../scripts/lib/build.mjs';
import { repoPath, run } from '../../scripts/lib/run.mjs';
import { newAccount } from '../../scripts/lib/demo-servers.mjs';
import { startOrigin, startPaywall, startSandbox } from '../../scripts/lib/start.mjs';
import { Payments } from '../../target/dist/subscriber/index.js';
import { client } from '../sandbox/client.mjs';

const npm = (args, cwd) => {
  const program = process.env.npm_execpath;
  const [command, first] = program?.endsWith('.js') ? [process.execPath, [program]] : ['npm', []];
  return run(command, [...first, ...args], { cwd, timeout: 120_000 });
};

let folder;
let project;
let sandbox;
let seller;
let planId;
let payments;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'payments-wasm-init-'));
  project = join(folder, 'my-api');
  sandbox = await startSandbox();
  seller = await client(sandbox.url).open('A seller');
  planId = await seller.plan({ credits: { maxAmount: '10' } });
  const account = await newAccount(sandbox.url, 'A buyer');
  const own = client(sandbox.url, account);
  await own.order(planId);
  payments = await Payments.getInstance({
    nvmApiKey: account.nvmApiKey, environment: 'custom', backend: sandbox.url, delegationConfig: { delegationId: await own.delegation() }, approve: () => true,
  });
});
after(async () => {
  await sandbox?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const bin = (...args) => run(process.execPath, [dist('subscriber', 'cli/bin.js'), 'paywall', ...args], { cwd: folder, anyCode: true });

test('it writes a project, and nothing over what is there', async () => {
  const { code, stdout, output } = await bin('init', 'my-api', '--plan', planId, '--backend', sandbox.url, '--key', seller.key);
  assert.equal(code, 0, output);
  assert.match(stdout, /cd my-api\n {2}npm install\n {2}npx wrangler dev/);
  const files = readdirSync(project, { recursive: true }).sort();
  assert.deepEqual(files, ['.dev.vars', '.dev.vars.example', '.gitignore', 'README.md', 'package.json', 'routes.json', 'src', join('src', 'index.js'), 'wrangler.toml']);
  assert.match(readFileSync(join(project, '.gitignore'), 'utf8'), /^\.dev\.vars$/m);
  assert.equal(JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')).name, 'my-api');
  writeFileSync(join(project, 'routes.json'), JSON.stringify({ ...JSON.parse(readFileSync(join(project, 'routes.json'), 'utf8')), mine: undefined }));
  const again = await bin('init', 'my-api');
  assert.equal(again.code, 1);
  assert.match(again.output, /are there already/);
  assert.equal((await bin('inti')).code, 1);
});

/** The package as npm packs it, in a project that was written. */
let packed;
async function install(project) {
  packed ??= (async () => {
    const { stdout } = await npm(['pack', '--json', '--pack-destination', folder], dist('subscriber'));
    const [{ filename }] = [Object.values(JSON.parse(stdout))].flat(2);
    return join(folder, filename.replace(/^@/, '').replace('/', '-'));
  })();
  await npm(['install', '--omit=dev', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', await packed], project);
  assert.ok(existsSync(join(project, 'node_modules/payments-wasm/paywall.workerd.js')));
}

test('in TypeScript it is written as such, and compiles strictly as it is', async () => {
  const typed = join(folder, 'my-typed-api');
  const { code, output } = await bin('init', 'my-typed-api', '--ts', '--plan', planId, '--backend', sandbox.url, '--key', seller.key);
  assert.equal(code, 0, output);
  assert.match(output, /npm install\n {2}npm run check\n {2}npx wrangler dev/);
  const files = readdirSync(typed, { recursive: true }).sort();
  assert.deepEqual(files, ['.dev.vars', '.dev.vars.example', '.gitignore', 'README.md', 'package.json', 'routes.json', 'src', join('src', 'index.ts'), 'tsconfig.json', 'wrangler.toml']);
  assert.match(readFileSync(join(typed, 'README.md'), 'utf8'), /`src\/index\.ts`/);
  const { compilerOptions } = JSON.parse(readFileSync(join(typed, 'tsconfig.json'), 'utf8'));
  assert.deepEqual([compilerOptions.strict, compilerOptions.skipLibCheck], [true, undefined]);
  assert.equal(JSON.parse(readFileSync(join(typed, 'package.json'), 'utf8')).scripts.check, 'tsc');
  await install(typed);
  const tsc = () => run(process.execPath, [repoPath('node_modules/typescript/bin/tsc')], { cwd: typed, anyCode: true });
  assert.equal((await tsc()).output, '');
  // It is looked at, and not passed over.
  const source = join(typed, 'src/index.ts');
  const text = readFileSync(source, 'utf8');
  writeFileSync(source, text.replace('paymentContext?.payer', 'paymentContext.payer'));
  assert.match((await tsc()).output, /'paymentContext' is possibly 'undefined'/);
  writeFileSync(source, text);
});

test('where the package came from a file, so does that of the project, and npm install finds it', async () => {
  const shop = join(folder, 'shop');
  mkdirSync(shop);
  writeFileSync(join(shop, 'package.json'), '{ "private": true }');
  await install(shop);
  const bin = join(shop, 'node_modules/payments-wasm/cli/bin.js');
  const { code, output } = await run(process.execPath, [bin, 'paywall', 'init', 'api'], { cwd: shop, anyCode: true });
  assert.equal(code, 0, output);
  const api = join(shop, 'api');
  assert.equal(JSON.parse(readFileSync(join(api, 'package.json'), 'utf8')).dependencies['payments-wasm'], `file:${await packed}`);
  await npm(['install', '--omit=dev', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'], api);
  assert.ok(existsSync(join(api, 'node_modules/payments-wasm/paywall.js')));
});

test('what cannot be a key, an address or an id gets into no file', async () => {
  for (const [args, message] of [
    [['--key', 'sandbox:a"b'], /^--key must be a Nevermined API key/], [['--key', `${'local:e30.e30.e30'}\nNVM_API_URL="http://evil.example"`], /^--key must be/],
    [['--key', "'local:e30.e30.e30'"], /^--key must be/], [['--key='], /^--key wants a value/], [['--backend', 'http://127.0.0.1/"'], /^--backend must be/],
    [['--backend', 'http://evil.example'], /^--backend must be/], [['--plan', '1"2'], /^--plan must be an id/], [['--agent', 'a\nb'], /^--agent must be an id/],
    [['--js', '--ts'], /^--js, --ts and --rust: choose one of them/],
  ]) {
    const { code, stderr } = await bin('init', 'refused', ...args);
    assert.equal(code, 1, args.join(' '));
    assert.match(stderr, message);
    assert.ok(!/evil|a"b/.test(stderr), 'the value is in no message');
    assert.ok(!existsSync(join(folder, 'refused')), args.join(' '));
  }
});

test('a folder that cannot be one is named, without a stack', async () => {
  writeFileSync(join(folder, 'file'), '');
  for (const target of ['file', 'file/within', ...(process.platform === 'linux' ? ['/proc/payments-wasm'] : [])]) {
    const { code, stderr } = await bin('init', target);
    assert.deepEqual([code, /cannot be written: /.test(stderr), /\n\s+at /.test(stderr)], [1, true, false], stderr);
  }
});

for (const [name, ending] of [['my-api', 'js'], ['my-typed-api', 'ts']]) test(`${name}: it runs as it is with the packed package, and is paid through`, async () => {
  const project = join(folder, name);
  if (ending === 'js') await install(project);

  // As wrangler does it: its file says what is bundled, and what is bound.
  const config = readFileSync(join(project, 'wrangler.toml'), 'utf8');
  assert.match(config, new RegExp(`^main = "src/index\\.${ending}"$`, 'm'));
  const said = (key) => new RegExp(`^${key} = "(.*)"$`, 'm').exec(config)?.[1];
  const list = (key) => JSON.parse(new RegExp(`^${key} = (\\[.*\\])$`, 'm').exec(config)?.[1]);
  assert.deepEqual(list('new_sqlite_classes'), [said('class_name')]);
  assert.equal(/\[\[durable_objects\.bindings\]\]\nname = "(\w+)"/.exec(config)?.[1], 'PAYWALL_STATE');
  const { build } = await import('esbuild');
  await build({
    entryPoints: [join(project, said('main'))], absWorkingDir: project, bundle: true, format: 'esm', outdir: join(folder, `bundle-${ending}`),
    conditions: ['workerd', 'worker', 'browser'], loader: { '.wasm': 'copy' }, assetNames: '[name]', logLevel: 'error',
  });
  const secrets = Object.fromEntries([...readFileSync(join(project, '.dev.vars'), 'utf8').matchAll(/^(\w+)="(.*)"$/gm)].map(([, name, value]) => [name, value]));
  const worker = await startPaywall({
    routes: {}, state: true, key: undefined,
    options: {
      modulesRoot: join(folder, `bundle-${ending}`), scriptPath: join(folder, `bundle-${ending}/index.js`), compatibilityDate: said('compatibility_date'),
      compatibilityFlags: list('compatibility_flags'), bindings: { NVM_ENVIRONMENT: said('NVM_ENVIRONMENT'), ...secrets },
    },
  });
  try {
    assert.equal(await (await fetch(`${worker.url}/health`)).text(), 'ok\n');
    const question = { method: 'POST', body: JSON.stringify({ question: 'why?' }) };
    assert.equal((await fetch(`${worker.url}/ask`, question)).status, 402);
    const { response, receipt } = await payments.fetch(`${worker.url}/ask`, question);
    assert.deepEqual([response.status, (await response.json()).answer, receipt.creditsRedeemed], [200, 'You asked: why?', 1n]);
  } finally {
    await worker.stop();
  }
});

for (const name of ['my-api', 'my-typed-api']) test(`npx wrangler dev runs ${name} as it is: free, 402, paid`, { timeout: 180_000 }, async () => {
  const project = join(folder, name);
  // Only what a person's machine would have otherwise: ports that are free, and nobody asked on the internet.
  const env = {
    ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, CI: '1', NO_COLOR: '1', WRANGLER_HIDE_BANNER: 'true', WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  };
  const before = readdirSync(project).sort();
  // A group of its own, since it starts others that have to end with it.
  const wrangler = spawn(process.execPath, [repoPath('node_modules/wrangler/bin/wrangler.js'), 'dev', '--ip', '127.0.0.1', '--port', '0', '--inspector-port', '0'], {
    cwd: project, env, stdio: ['ignore', 'pipe', 'pipe'], detached: process.platform !== 'win32',
  });
  const ended = once(wrangler, 'exit');
  let said = '';
  const ready = new Promise((resolve, reject) => {
    for (const stream of [wrangler.stdout, wrangler.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        said += text;
        const [, url] = /Ready on (http:\/\/\S+)/.exec(said) ?? [];
        if (url) resolve(url);
      });
    }
    ended.then(() => reject(new Error(`wrangler dev ended:\n${said}`)));
  });
  try {
    const url = await ready;
    assert.match(said, /PAYWALL_STATE/, 'the Durable Object is bound');
    assert.equal(await (await fetch(`${url}/health`)).text(), 'ok\n');
    const question = { method: 'POST', body: JSON.stringify({ question: 'how?' }) };
    const bare = await fetch(`${url}/ask`, question);
    assert.equal(bare.status, 402, said);
    assert.equal(JSON.parse(Buffer.from(bare.headers.get('payment-required'), 'base64')).accepts[0].planId, planId);
    // Twice: the second time it is the same isolate and the same object.
    for (const tokenVersion of [2, 3]) {
      const { response, receipt } = await payments.fetch(`${url}/ask`, question, { tokenVersion });
      assert.deepEqual([response.status, (await response.json()).answer, receipt.creditsRedeemed], [200, 'You asked: how?', 1n]);
    }
    assert.doesNotMatch(said, /\[ERROR\]|config_invalid|Without a state/);
    assert.deepEqual(readdirSync(project).sort().filter((name) => name !== '.wrangler'), before, 'nothing of the project was changed');
  } finally {
    if (wrangler.exitCode === null) process.kill(process.platform === 'win32' ? wrangler.pid : -wrangler.pid, 'SIGTERM');
    await ended;
  }
});

test('npx payments-wasm paywall: a gate in front of a service, in a process', async () => {
  const origin = await startOrigin();
  const routes = join(folder, 'sold.json');
  writeFileSync(routes, JSON.stringify({ 'POST /ask': { planId, credits: 2 } }));
  const child = spawn(process.execPath, [dist('subscriber', 'cli/bin.js'), 'paywall', '--origin', origin.url, '--routes', routes, '--port', '0', '--memory', '--backend', sandbox.url], {
    env: { ...process.env, NVM_API_KEY: seller.key }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more) => { text += more; });
  child.stderr.resume();
  try {
    while (!/paywall on (\S+)/.test(text)) await once(child.stdout, 'data');
    const url = /paywall on (\S+)/.exec(text)[1];
    const { response, receipt } = await payments.fetch(`${url}/ask`, { method: 'POST', body: JSON.stringify({ question: 'What is 6 * 7?' }) });
    assert.match((await response.json()).answer, /42/);
    assert.equal(receipt.creditsRedeemed, 2n);
  } finally {
    child.kill();
    await Promise.all([once(child, 'exit'), origin.stop()]);
  }
  const wrong = await run(process.execPath, [dist('subscriber', 'cli/bin.js'), 'paywall', '--origin', origin.url, '--routes', routes, '--port', '0', '--key', 'hello'], { anyCode: true });
  assert.deepEqual([wrong.code, /--key \(or the variable NVM_API_KEY\) must be a Nevermined API key/.test(wrong.output)], [1, true]);
});

test('in Rust it writes a project with the tools that fit the crate', async () => {
  const { code, output } = await bin('init', 'my-rust-api', '--rust', '--plan', planId, '--agent', '7');
  assert.equal(code, 0, output);
  const written = (path) => readFileSync(join(folder, 'my-rust-api', path), 'utf8');
  const files = readdirSync(join(folder, 'my-rust-api'), { recursive: true }).sort();
  assert.deepEqual(files, ['.dev.vars.example', '.gitignore', 'Cargo.toml', 'README.md', 'build.sh', 'package.json', 'src', join('src', 'entry.js'), join('src', 'lib.rs'), 'wrangler.toml']);
  // tests/library/rust.test.mjs builds and runs it.
  assert.match(written('wrangler.toml'), new RegExp(`^planId = "${planId}"\nagentId = "7"\ncredits = `, 'm'));
  const locked = (name, lock) => new RegExp(`^name = "${name}"\nversion = "(.*)"$`, 'm').exec(readFileSync(repoPath(lock), 'utf8'))[1];
  const bindgen = locked('wasm-bindgen', 'Cargo.lock');
  assert.equal(locked('wasm-bindgen-cli-support', 'tools/bindgen/Cargo.lock'), bindgen);
  assert.match(written('Cargo.toml'), new RegExp(`^wasm-bindgen = "=${bindgen}"$`, 'm'));
  assert.match(written('build.sh'), new RegExp(`^version=${bindgen}$`, 'm'));
  assert.match(written('Cargo.toml'), new RegExp(`^payments-wasm = \\{ version = "${locked('payments-wasm', 'Cargo.lock')}", features = \\["worker"\\] \\}$`, 'm'));
  assert.doesNotMatch([...files].filter((path) => path.includes('.')).map(written).join(''), /\{\{/);
  const both = await bin('init', 'other', '--rust', '--ts');
  assert.match(both.output, /--js, --ts and --rust: choose one of them/);
});
