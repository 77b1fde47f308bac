// npm run crash-test: the sandbox's process is killed 1,000 times in the middle of settles; `npm test` does it a few times. Prints what
// was counted.
import { build } from './lib/build.mjs';
import { UserError, main, options } from './lib/cli.mjs';
import { repoPath, run } from './lib/run.mjs';

const USAGE = `npm run crash-test [-- --kills N]

  --kills N   how often it is killed; 1000 if it does not say`;

main(async () => {
  const { kills = '1000' } = options(USAGE, { kills: {} });
  if (!/^[1-9]\d*$/.test(kills)) throw new UserError('--kills must be a whole number of at least 1', undefined, USAGE);
  await build(['sandbox']);
  const { code } = await run(process.execPath, ['--test', '--test-reporter=spec', repoPath('tests/sandbox/crash.test.mjs')], {
    env: { KILLS: kills }, anyCode: true, timeout: 120 * 60_000, onLine: (line) => console.log(line),
  });
  return code === 0 ? 0 : 1;
});
