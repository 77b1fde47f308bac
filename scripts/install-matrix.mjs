// npm run install-matrix [-- --quick] [-- --only NAME]: the package, installed from its tarball, where web code runs. The last line is
// `N passed, N failed`.
import { build } from './lib/build.mjs';
import { UserError, main, options } from './lib/cli.mjs';
import { cells, tryCell } from './lib/install.mjs';
import { pack } from './lib/pack.mjs';
import { duration, err, out, padEnd, working } from './lib/terminal.mjs';
import { setup } from './lib/tools.mjs';

const USAGE = `npm run install-matrix [-- --quick] [--only NAME ...]

  --quick       only the cells that take seconds
  --only NAME   that cell; may be repeated
  --list        the names of the cells`;

main(async () => {
  const { quick, only, list } = options(USAGE, { quick: { type: 'boolean' }, only: { multiple: true }, list: { type: 'boolean' } });
  const all = await cells();
  if (list) return void console.log(all.map(({ name, quick }) => `${padEnd(name, 24)}${quick ? 'quick' : ''}`).join('\n'));
  for (const name of only ?? []) if (!all.some((cell) => cell.name === name)) throw new UserError(`there is no cell ${name}`, 'npm run install-matrix -- --list');
  const chosen = all.filter((cell) => (only ? only.includes(cell.name) : !quick || cell.quick));
  const ready = await setup('chromium', 'runtimes');
  await pack();
  await build(['worker', 'sandbox'], { dev: true });
  let failed = 0;
  for (const cell of chosen) {
    const started = performance.now();
    try {
      const notes = await working(cell.title, (report) => tryCell(cell, { ...ready, report }));
      console.log(`${out.green('✓')} ${padEnd(cell.title, 60)} ${out.dim(padEnd(notes, 22))} ${out.dim(duration(performance.now() - started))}`);
    } catch (error) {
      failed++;
      console.log(`${out.red('✗')} ${padEnd(cell.title, 60)} ${out.dim(duration(performance.now() - started))}\n\n${String(error.stack ?? error).replace(/^/gm, '    ')}\n`);
    }
  }
  process.stderr.write(err.dim(''));
  console.log(`\n${chosen.length - failed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
});
