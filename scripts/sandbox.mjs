// npm run sandbox -- --port P [--data DIR] [--faults]: Nevermined in small, on this machine.
import { build } from './lib/build.mjs';
import { main, options } from './lib/cli.mjs';
import { startSandbox } from './lib/start.mjs';
import { out } from './lib/term.mjs';

const USAGE = `npm run sandbox -- --port P [--data DIR] [--faults] [--verbose]

  --port P     the port on 127.0.0.1; 0 takes a free one
  --data DIR   keep accounts, plans and balances in this folder; without it they are forgotten at the end
  --faults     let POST /sandbox/faults make it slow, broken and lost, for tests
  --verbose    show what the Worker prints`;

main(async () => {
  const { port, data, faults, verbose } = options(USAGE, {
    port: { required: true, port: true },
    data: {},
    faults: { type: 'boolean' },
    verbose: { type: 'boolean' },
  });
  await build(['sandbox']);
  const { url } = await startSandbox({
    port, data, vars: faults ? { SANDBOX_FAULTS: '1' } : {}, log: verbose ? (text) => process.stderr.write(text) : undefined,
  });
  console.log(`
  ${out.bold('sandbox')}   ${out.cyan(url)}
  ${out.dim('login')}     ${url}/login?returnUrl=<page>
  ${out.dim('account')}   curl -X POST ${url}/sandbox/accounts
  ${out.dim('state')}     ${data ? `kept in ${data}` : 'in memory, forgotten at the end'}

  ${out.dim('Ctrl-C ends it.')}`);
});
