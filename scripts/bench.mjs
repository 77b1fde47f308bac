// npm run bench: measures what the project promises, beside peers. Each group of figures is a file of scripts/bench.
import { readdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { pathToFileURL } from 'node:url';
import { build } from './lib/build.mjs';
import { UserError, main, options } from './lib/cli.mjs';
import { repoPath } from './lib/run.mjs';
import { out, table } from './lib/terminal.mjs';

const USAGE = `npm run bench [-- --quick] [--json] [--only PREFIX]

  --quick         fewer rounds: about two minutes
  --json          prints one JSON object instead of a table
  --only PREFIX   only the groups with a key that begins so, like gate or stream; may be given more than once`;

/**
 * A group exports `keys` (the names of its figures), `needs` (the artefacts that it measures), and `measure({ quick })`,
 * which returns `{ key: figure }`. A figure is a number, or `{ min, median, max }` of the rounds with `unit` and any notes.
 */
async function groups(only) {
  const files = readdirSync(repoPath('scripts/bench')).filter((name) => name.endsWith('.group.mjs')).sort();
  const all = await Promise.all(files.map(async (name) => import(pathToFileURL(repoPath('scripts/bench', name)).href)));
  const chosen = only ? all.filter(({ keys }) => keys.some((key) => only.some((prefix) => key.startsWith(prefix)))) : all;
  if (chosen.length === 0) throw new UserError('no figure begins so', `one of ${all.flatMap(({ keys }) => keys).join(', ')}`, USAGE);
  return chosen;
}

main(async () => {
  const { quick = false, json = false, only, out: path } = options(USAGE, { quick: { type: 'boolean' }, json: { type: 'boolean' }, only: { multiple: true }, out: {} });
  const chosen = await groups(only);
  const artefacts = [...new Set(chosen.flatMap(({ needs = [] }) => needs))];
  if (artefacts.length > 0) await build(artefacts);
  const figures = {};
  for (const { keys, measure } of chosen) {
    process.stderr.write(out.dim(`${keys[0].split('.')[0]} ...\n`));
    Object.assign(figures, await measure({ quick }));
  }
  const result = { machine: `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} processors`, node: process.version, figures };
  if (path) writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  if (json) return void console.log(JSON.stringify(result, null, 2));
  const shown = (value) => (typeof value === 'number' ? String(Math.round(value * 100) / 100) : '');
  const rows = Object.entries(figures).map(([key, figure]) => {
    const { min, median, max, unit = '', note = '' } = typeof figure === 'number' ? { median: figure } : figure;
    return [key, shown(min), out.bold(shown(median)), shown(max), unit, out.dim(note)];
  });
  console.log(`\n${table([['', 'min', 'median', 'max', '', ''].map((cell) => out.dim(cell)), ...rows], 'lrrrll')}\n`);
  console.log(out.dim(`${result.machine}, Node ${result.node}. Ratios are CPU of the peer over ours, within one round: above 1 is better for us, unless the unit says otherwise.`));
});
