// Runs one compiled file of wasm-bindgen tests in Node. Cargo starts it as its runner: `wasm-tests.mjs FILE.wasm [FILTER] [--nocapture]`.
// BINDGEN names the program of tools/bindgen. The last line is the one that cargo's own tests end with.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [file, ...args] = process.argv.slice(2);
const filter = args.find((arg) => !arg.startsWith('-'));
const unknown = args.find((arg) => arg.startsWith('-') && arg !== '--nocapture');
if (unknown) throw new Error(`wasm-tests.mjs does not know ${unknown}`);

const folder = `${file}.tests`;
let wasm;
const own = {};
try {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/package.json`, '{ "type": "commonjs" }');
  execFileSync(process.env.BINDGEN, ['--tests', '--no-typescript', '--out-dir', folder, '--out-name', 'tests', file], { stdio: 'inherit' });
  // The runtime of wasm-bindgen-test captures a test's output and shows it if the test fails.
  for (const name of ['debug', 'log', 'info', 'warn', 'error']) {
    own[name] = console[name];
    console[name] = (...given) => {
      if (args.includes('--nocapture')) own[name](...given);
      wasm?.[`__wbgtest_console_${name}`](given);
    };
  }
  globalThis.__wbgtest_og_console_log = own.log;
  globalThis.__wbgtest_og_console_error = own.error;
  globalThis.__wbg_test_invoke = (test) => test();
  wasm = createRequire(import.meta.url)(`${folder}/tests.js`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

// A test is an export by the name of `__wbgt_`, flags ($ for ignored), `_`, and its path.
const all = WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(file)))
  .map(({ name }) => name).filter((name) => name.startsWith('__wbgt_') && name.includes('::'));
const chosen = all.filter((name) => !filter || name.slice(name.indexOf('::') + 2).includes(filter));
if (chosen.length === 0) {
  own.log('no tests to run!');
  process.exit(0);
}
const context = new wasm.WasmBindgenTestContext(false);
context.include_ignored(false);
context.filtered_count(all.length - chosen.length);
context.run(chosen.map((name) => wasm.__wasm[name])).then(
  (good) => process.exit(good ? 0 : 1),
  (error) => { own.error(error); process.exit(1); },
);
