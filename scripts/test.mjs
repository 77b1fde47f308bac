// npm test [-- suite ...]: every suite, or those named, in turn. The last line is `N passed, N failed[, N skipped]`.
import { build } from './lib/build.mjs';
import { UserError, main } from './lib/cli.mjs';
import { SUITES } from './lib/suites.mjs';
import { duration, out, padEnd, working } from './lib/terminal.mjs';
import { setup } from './lib/tools.mjs';

main(async () => {
  const names = chosen(process.argv.slice(2));
  const total = { passed: 0, failed: 0, skipped: 0 };
  const started = performance.now();
  for (const name of names) {
    const result = await suite(SUITES[name]);
    for (const key of Object.keys(total)) total[key] += result[key];
    const mark = result.failed > 0 ? out.red('✗') : out.green('✓');
    console.log(`${mark} ${padEnd(SUITES[name].title, 24)} ${padEnd(numbers(result), 32)} ${out.dim(duration(result.time))}`);
    if (result.report) console.log(`\n${result.report}\n`);
  }
  console.log(`\n${out.dim(`in ${duration(performance.now() - started)}`)}\n${numbers(total)}`);
  return total.failed > 0 ? 1 : 0;
});

function chosen(args) {
  const unknown = args.find((name) => !SUITES[name]);
  if (unknown) throw new UserError(`there is no suite ${unknown}`, `npm test -- [${Object.keys(SUITES).join('|')} ...]`);
  return args.length > 0 ? args : Object.keys(SUITES);
}

/** Sets up, builds and runs one suite. Whatever goes wrong on the way is a failure of that suite, not of the others. */
async function suite({ title, tools = [], artefacts = [], without, run }) {
  let started = performance.now();
  const done = (result) => ({ passed: 0, failed: 0, skipped: 0, report: '', time: performance.now() - started, ...result });
  try {
    const ready = await setup(...tools);
    const reason = without?.(ready);
    if (reason) return done({ skipped: 1, report: `skipped: ${reason}` });
    if (artefacts.length > 0) await build(artefacts);
    started = performance.now();
    const result = await working(title, (report) => run({ ...ready, report }));
    if (result.passed + result.failed + result.skipped === 0) return done({ failed: 1, report: `no test ran in ${title}` });
    return done(result);
  } catch (error) {
    const fix = error instanceof UserError && error.fix ? `\nfix: ${error.fix}` : '';
    return done({ failed: 1, report: `${error instanceof UserError ? error.message : error.stack}${fix}` });
  }
}

function numbers({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
