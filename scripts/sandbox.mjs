// npm run sandbox -- [--port P] [--data DIR] [--seed FILE] [--faults] [-- COMMAND]: Nevermined in small, on this machine.
// The command of the package, over what is built here.
import { sandbox } from '../src/cli/sandbox.js';
import { Wrong } from '../src/cli/wrong.js';
import { build, dist } from './lib/build.mjs';
import { main, options, Plain } from './lib/cli.mjs';

const USAGE = `npm run sandbox -- [--port P] [--data DIR] [--seed FILE] [--faults] [--env FILE] [--keep] [--verbose] [-- COMMAND]

  --port P     the port on 127.0.0.1; default 3001, with a command any that is free; 0 takes a free one
  --data DIR   keep accounts, plans and balances in this folder; without it they are forgotten at the end
  --seed FILE  JSON: users, plans, agents, ... to begin with (pkg-template/sandbox.seed.schema.json)
  --faults     let calls be made slow, broken and lost, by the dashboard and POST /sandbox/faults
  --env FILE   write the variables for the SDKs there as soon as it is ready; gone again when it ends
  --keep       go on when what started it ends, as a background step of CI does
  --verbose    show what the Worker prints
  -- COMMAND   run this while the sandbox stands, with those variables, and end with it`;

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
