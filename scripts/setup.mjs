// npm run setup: fetches every tool that the other commands would fetch when they first need it.
import { main } from './lib/cli.mjs';
import { duration, out, table } from './lib/terminal.mjs';
import { setup } from './lib/tools.mjs';

const TOOLS = [
  ['npm packages', 'node_modules, as package-lock.json says', '20 s'],
  ['Rust target', 'wasm32-unknown-unknown, by rustup', '10 s'],
  ['wasm-bindgen', 'built from tools/bindgen with cargo', '30 s'],
  ['Chromium', 'by apt-get, for the tests in a browser', '1 min'],
  ['Python client', 'payments-py in target/venv, for the tests against it', '1 min'],
  ['Deno and Bun', 'from npm in target/tools, for the tests in them', '20 s'],
];

main(async () => {
  const started = performance.now();
  console.log(`\n  ${out.bold('npm run setup')} fetches what is not there yet, each thing once, into this folder (Rust and Chromium: into the system).\n`);
  console.log(`${table(TOOLS.map(([name, what, time]) => [`  ${name}`, out.dim(what), out.dim(`about ${time}`)]), 'llr')}\n`);
  await setup('bindgen', 'chromium', 'python', 'runtimes');
  console.log(`\n  ${out.bold('Ready')} ${out.dim(`in ${duration(performance.now() - started)}. Next: npm run demo`)}\n`);
});
