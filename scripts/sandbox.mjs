// npm run sandbox -- [--port P] [--data DIR] [--seed FILE] [--faults] [-- COMMAND]: Nevermined in small, on this machine.
// The command of the package, over what is built here.
import { readFileSync } from 'node:fs';
import { sandbox } from '../src/cli/sandbox.js';
import { Wrong } from '../src/cli/wrong.js';
import { build, dist } from './lib/build.mjs';
import { main, options, Plain } from './lib/cli.mjs';
import { at } from './lib/run.mjs';

/** The package's help, in the words of this command. */
const [, ...help] = JSON.parse(readFileSync(at('src/cli/commands.json'), 'utf8')).help.sandbox;
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
    throw error instanceof Wrong ? new Plain(error.message) : error;
  }
});
