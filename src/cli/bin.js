#!/usr/bin/env node
// npx payments-wasm: the demo, a new project with the gate in it, the gate in front of a service on this machine, or the sandbox.
import { readFileSync } from 'node:fs';
import { Wrong } from './wrong.js';

const USAGE = `payments-wasm demo [--port P] [--headless]   all of it on this machine: a page that pays, a service, its paywall, the platform in small

  --port P        the page's port on 127.0.0.1; default 4020, or any that is free
  --headless      no page: a buyer walks the whole way in this terminal

payments-wasm paywall init [DIR] [...]   writes a Worker with a paywall in it, ready for wrangler

  --plan ID       the plan that pays; a placeholder without one
  --agent ID      the agent that is sold
  --backend URL   a platform of your own, like a sandbox on this machine; written to .dev.vars
  --key KEY       the seller's API key; written to .dev.vars, which is kept out of git
  --force         overwrite files that are there

payments-wasm paywall --origin URL --routes FILE [...]   a paywall in front of an HTTP service, in this process

  --origin URL    the service behind the paywall
  --routes FILE   JSON: { "routes": { "POST /ask": { "planId": "...", "credits": 2 } }, "unlisted": "deny", ... }
  --port P        the port; default 8787
  --host HOST     the address; default 127.0.0.1
  --backend URL   the platform's address, if it is not Nevermined's own
  --key KEY       the seller's API key; the variable NVM_API_KEY keeps it out of the process list
  --public-url URL  where buyers reach it, behind something that ends TLS; what X-Forwarded-Proto and its like say is
                  not believed
  --memory        keep the state in this process: it is gone when it ends

payments-wasm paywall journal --url URL --token TOKEN [...]   what is not paid for, or not known to be

  --url URL       where the paywall is
  --token TOKEN   its METRICS_TOKEN; the variable of that name keeps it out of the process list
  --payer ADDRESS all entries of this payer
  --json          one JSON document for each entry, a line each

payments-wasm sandbox [...] [-- COMMAND]   the platform on this machine, until Ctrl-C or while the command runs

  --port P        the port on 127.0.0.1; default 3001, with a command any that is free; 0 takes a free one
  --data DIR      keep everything in this folder; without it, it is forgotten at the end
  --seed FILE     JSON: users, plans, agents, ... to begin with (payments-wasm/sandbox.seed.schema.json)
  --faults        let calls be made slow, broken and lost, by the dashboard and POST /sandbox/faults
  --env FILE      write the variables for the SDKs there as soon as it is ready; gone again when it ends
  --keep          go on when what started it ends, as a background step of CI does
  --verbose       show what the Worker prints

payments-wasm --version   says which version this is

payments-wasm sandbox init [DIR]   writes the sandbox as a Worker, ready to be deployed for a team`;

const COMMANDS = ['demo', 'paywall', 'sandbox'];
const VERBS = { demo: [], paywall: ['init', 'journal'], sandbox: ['init'] };

const OPTIONS = {
  plan: { type: 'string' }, agent: { type: 'string' }, backend: { type: 'string' }, key: { type: 'string' }, force: { type: 'boolean' },
  origin: { type: 'string' }, routes: { type: 'string' }, port: { type: 'string' }, host: { type: 'string' }, 'public-url': { type: 'string' }, memory: { type: 'boolean' },
  data: { type: 'string' }, seed: { type: 'string' }, env: { type: 'string' }, faults: { type: 'boolean' }, keep: { type: 'boolean' },
  headless: { type: 'boolean' }, url: { type: 'string' }, token: { type: 'string' }, payer: { type: 'string' }, json: { type: 'boolean' },
  verbose: { type: 'boolean' }, help: { type: 'boolean', short: 'h' }, version: { type: 'boolean', short: 'v' },
};

async function main() {
  const { parseArgs } = await import('node:util');
  const given = process.argv.slice(2);
  const end = given.includes('--') ? given.indexOf('--') : given.length;
  const args = given.slice(0, end);
  await known(args);
  const { values, positionals: [command, verb, folder, ...more] } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  if (values.version) return console.log(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version);
  if (values.help || command === undefined) return console.log(USAGE);
  if (command === 'sandbox' && more.length === 0 && (verb === 'init' || verb === undefined)) {
    const { init, sandbox } = await import('./sandbox.js');
    return verb === 'init' ? init(folder ?? '.', values) : sandbox(values, { command: given.slice(end + 1) });
  }
  if (command === 'demo' && verb === undefined) return (await import('./demo.js')).demo(values);
  if (!COMMANDS.includes(command)) throw new Wrong(`${command} is not a command${await meant(command, COMMANDS)}`);
  if (verb !== undefined && !VERBS[command].includes(verb)) throw new Wrong(`${command} ${verb} is not a command${await meant(verb, VERBS[command])}`);
  if (command !== 'paywall' || more.length > 0) throw new Wrong(`what is ${more.join(' ')}?`);
  if (verb === 'journal' && folder === undefined) return (await import('./journal.js')).journal(values);
  if (verb === 'init') return (await import('./init.js')).init(folder ?? '.', values);
  return (await import('./serve.js')).serve(values);
}

/** Refuses an option that there is not, and names the one that was meant. */
async function known(args) {
  for (const arg of args) {
    const [, name] = /^--([^=]+)/.exec(arg) ?? [];
    if (name && !Object.hasOwn(OPTIONS, name)) throw new Wrong(`--${name} is not an option${await meant(name, Object.keys(OPTIONS), '--')}`);
  }
}

async function meant(name, names, dashes = '') {
  const { near } = await import('../core.js');
  const found = near(name, names);
  return found ? `; did you mean ${dashes}${found}?` : '';
}

main().catch((error) => {
  const plain = error instanceof Wrong || error?.code?.startsWith?.('ERR_PARSE_ARGS');
  console.error(plain ? `${error.message}\n\nnpx payments-wasm --help says how` : error);
  process.exitCode = 1;
});
