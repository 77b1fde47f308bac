// npm run sandbox -- [--port P] [--data DIR] [--seed FILE] [--faults] [-- COMMAND]: Nevermined in small, on this machine.
// The command of the package, over what is built here.
import { readFileSync } from 'node:fs';
import { sandbox } from '../src/cli/sandbox.js';
import { UsageError } from '../src/cli/usage-error.js';
import { build, dist } from './lib/build.mjs';
import { main, options, UserError } from './lib/cli.mjs';
import { repoPath } from './lib/run.mjs';

/** The package's help, in the words of this command. */
const [, ...help] = JSON.parse(readFileSync(repoPath('src/cli/commands.json'), 'utf8')).help.sandbox;
const USAGE = ['npm run sandbox -- [...] [-- COMMAND]', ...help, '  -- COMMAND      run this while the sandbox stands, with those variables, and end with it'].join('\n');

main(async () => {
  const given = process.argv.slice(2);
  const end = given.includes('--') ? given.indexOf('--') : given.length;
  const values = options(USAGE, {
    port: { port: true }, data: {}, seed: {}, env: {}, faults: { type: 'boolean' }, keep: { type: 'boolean' }, verbose: { type: 'boolean' },
  }, given.slice(0, end));
  await build(['sandbox']);
  const port = values.port?.toString();
  try {
    await sandbox({ ...values, port }, { folder: dist('sandbox'), self: 'npm run sandbox', command: given.slice(end + 1) });
  } catch (error) {
    throw error instanceof UsageError ? new UserError(error.message) : error;
  }
});
