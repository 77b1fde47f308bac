// npm run size [-- --json] [-- --check]: what each artefact weighs, raw and after gzip -9, against its budget.
import { build } from './lib/build.mjs';
import { main, options } from './lib/cli.mjs';
import { measure } from './lib/sizes.mjs';
import { count, out, table } from './lib/terminal.mjs';

const USAGE = `npm run size [-- --json] [--check]

  --json    one JSON object: artefact to { raw, gzip, wasm, js }, in bytes
  --check   end with an error if an artefact is over its budget`;

main(async () => {
  const { json, check } = options(USAGE, { json: { type: 'boolean' }, check: { type: 'boolean' } });
  await build();
  const sizes = measure();
  if (json) console.log(JSON.stringify(sizes));
  else print(sizes);
  const over = Object.entries(sizes).filter(([, { gzip, budget }]) => budget && gzip > budget);
  for (const [name, { gzip, budget }] of over) {
    console.error(`${name} is ${count(gzip - budget)} bytes over its budget of ${count(budget)}`);
  }
  return check && over.length > 0 ? 1 : 0;
});

function print(sizes) {
  const head = ['artefact', 'wasm', 'gzip', 'JS', 'gzip', 'both', 'gzip', 'budget', ''].map((cell) => out.dim(cell));
  const rows = Object.entries(sizes).map(([name, { wasm, js, raw, gzip, budget }]) => [
    out.bold(name), count(wasm.raw), count(wasm.gzip), count(js.raw), count(js.gzip), count(raw),
    out.bold(gzip > budget ? out.red(count(gzip)) : count(gzip)), budget ? count(budget) : '', budget ? bar(gzip / budget) : '',
  ]);
  console.log(`\n${table([head, ...rows], 'lrrrrrrrl')}\n\n${out.dim('bytes; gzip is gzip -9 of each file; budgets are for gzip')}`);
}

/** How much of the budget is used. */
function bar(part) {
  const full = Math.min(20, Math.round(part * 20));
  const paint = part > 1 ? out.red : part > 0.9 ? out.yellow : out.green;
  return `${paint('█'.repeat(full))}${out.dim('░'.repeat(20 - full))} ${Math.round(part * 100)} %`;
}
