// npm run fault-matrix: the fault matrix with 10,000 requests and the restart in the middle of 1,000 settlements, which
// `npm test` runs with fewer. Prints what became of each request, for both kinds of tokens.
import { build } from './lib/build.mjs';
import { UserError, main, options } from './lib/cli.mjs';
import { repoPath, run } from './lib/run.mjs';

const USAGE = `npm run fault-matrix [-- --requests N] [--settlements N]

  --requests N      requests of the fault matrix; 10000 if it does not say
  --settlements N   settlements in the middle of which workerd is killed; 1000 if it does not say`;

main(async () => {
  const { requests = '10000', settlements = '1000' } = options(USAGE, { requests: {}, settlements: {} });
  for (const [name, value] of [['--requests', requests], ['--settlements', settlements]]) {
    if (!/^[1-9]\d*$/.test(value)) throw new UserError(`${name} must be a whole number of at least 1`, undefined, USAGE);
  }
  await build(['sandbox', 'worker']);
  let failed = false;
  for (const [file, env] of [['restart', { RESTART_REQUESTS: settlements }], ['fault-matrix', { FAULT_REQUESTS: requests }]]) {
    const { code } = await run(process.execPath, ['--test', '--test-reporter=spec', repoPath(`tests/workerd/${file}.test.mjs`)], {
      env, anyCode: true, timeout: 30 * 60_000, onLine: (line) => console.log(line),
    });
    failed ||= code !== 0;
  }
  return failed ? 1 : 0;
});
