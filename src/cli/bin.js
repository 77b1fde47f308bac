#!/usr/bin/env node
// npx payments-wasm: the demo, a new project with the gate in it, the gate in front of a service on this machine, the sandbox, or an account that pays and sells.
import { readFileSync } from 'node:fs';
import { UsageError } from './usage-error.js';

/** The commands, generated from the description of all options. */
const { arguments: ARGUMENTS, flags: FLAGS, gate: GATE, help: HELP, more: MORE, short } = JSON.parse(readFileSync(new URL('./commands.json', import.meta.url), 'utf8'));
const SHORT = { h: 'help', v: 'version', ...short };
const FOR_ALL = { help: 'boolean', version: 'boolean' };

async function main() {
  const given = process.argv.slice(2);
  const end = given.includes('--') ? given.indexOf('--') : given.length;
  const words = await tokens(given.slice(0, end));
  const [command, ...rest] = words.filter(({ kind }) => kind === 'positional').map(({ value }) => value);
  if (command === 'help') return console.log(help(rest.join(' ')));
  // A wrong flag is reported first: its value may look like a command.
  const values = await flags([`${command} ${rest[0]}`, command].find((one) => Object.hasOwn(FLAGS, one)), rest[0], words.filter(({ kind }) => kind === 'option'));
  const name = await commandOf(command, rest);
  if (values.version) return console.log(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version);
  if (values.help || name === undefined) return console.log(help(values.help ? name : undefined));
  const places = rest.slice(name.split(' ').length - 1);
  if (places.length > ARGUMENTS[name]) throw new UsageError(`${name}: what is ${places.slice(ARGUMENTS[name]).join(' ')}?`);
  if (end < given.length && name !== 'sandbox') throw new UsageError(`${name} runs no command: what comes after -- is for sandbox`);
  const [folder = '.'] = places;
  switch (name) {
    case 'demo': return (await import('./demo.js')).demo(values);
    case 'sandbox': return (await import('./sandbox.js')).sandbox(values, { command: given.slice(end + 1) });
    case 'sandbox init': return (await import('./sandbox.js')).init(folder, values);
    case 'paywall init': return (await import('./init.js')).init(folder, values);
    case 'paywall journal': return (await import('./journal.js')).journal(values);
    case 'login': return (await import('./login.js')).login(values);
    case 'logout': return (await import('./login.js')).logout(values);
    case 'pay': return (await import('./pay.js')).pay(places[0], values);
    case 'agents register': return (await import('./account.js')).registerAgent(values);
    case 'plans': case 'balance': case 'order': case 'token': case 'agents': return (await import('./account.js'))[name](places[0], values);
    default: return (await import('./serve.js')).serve(values, GATE);
  }
}

/** The words of the command line: which are flags, with their values, and which are not. */
async function tokens(args) {
  const { parseArgs } = await import('node:util');
  const types = Object.assign({ ...FOR_ALL }, ...Object.values(FLAGS));
  const options = Object.fromEntries(Object.entries(types).map(([name, type]) => [name, { type: type === 'boolean' ? type : 'string' }]));
  for (const [short, name] of Object.entries(SHORT)) options[name].short = short;
  return parseArgs({ args, options, allowPositionals: true, strict: false, tokens: true }).tokens;
}

/** The command that is meant: one word, or two. */
async function commandOf(command, [verb]) {
  if (command === undefined) return undefined;
  const names = Object.keys(FLAGS);
  if (!names.includes(command)) {
    const whole = names.find((one) => one.endsWith(` ${command}`));
    throw new UsageError(`${command} is not a command${whole ? `; did you mean ${whole}?` : await meant(command, names.filter((one) => !one.includes(' ')))}`);
  }
  if (verb === undefined) return command;
  const verbs = names.filter((one) => one.startsWith(`${command} `)).map((one) => one.slice(command.length + 1));
  if (!verbs.includes(verb) && ARGUMENTS[command] > 0 && (verbs.length === 0 || /^\d/.test(verb))) return command;
  if (!verbs.includes(verb)) throw new UsageError(`${command} ${verb} is not a command${await meant(verb, verbs)}`);
  return `${command} ${verb}`;
}

/** The flags of a command by name. One that it does not have is refused, and so is one without its value, or given twice. */
async function flags(command, verb, given) {
  const whole = command?.includes(' ') || verb === undefined || ARGUMENTS[command] > 0;
  const known = Object.assign({ ...FOR_ALL }, ...(command && whole ? [FLAGS[command]] : Object.values(FLAGS)));
  const values = {};
  for (const { name, rawName, value, inlineValue } of given) {
    if (!Object.hasOwn(known, name)) {
      const of = Object.values(FLAGS).some((one) => Object.hasOwn(one, name)) ? ` of ${command}` : '';
      throw new UsageError(`${rawName} is not an option${of}${await meant(name, Object.keys(known), '--')}`);
    }
    const repeats = known[name] === 'strings';
    if (Object.hasOwn(values, name) && !repeats) throw new UsageError(`${rawName} is given twice`);
    const takes = known[name] !== 'boolean';
    if (!takes && value !== undefined) throw new UsageError(`${rawName} takes no value`);
    if (takes && (value === undefined || value === '' || (!inlineValue && /^-(?!\d)./.test(value)))) throw new UsageError(`${rawName} wants a value: ${rawName} VALUE, or ${rawName}=VALUE`);
    values[name] = repeats ? [...(values[name] ?? []), value] : takes ? value : true;
  }
  return values;
}

/** The help, of one command or of all. */
function help(name) {
  const texts = !Object.hasOwn(HELP, name ?? '') ? [...Object.values(HELP), MORE] : [HELP[name]];
  return texts.map((lines) => lines.join('\n')).join('\n\n');
}

async function meant(name, names, dashes = '') {
  const { near } = await import('../core.js');
  const found = near(name, names);
  return found ? `; did you mean ${dashes}${found}?` : '';
}

main().catch((error) => {
  // A refusal of the platform's or of a seller's, as against a mistake in this program.
  const refused = error?.name !== 'TypeError' && typeof error?.code === 'string' && typeof error.retryable === 'boolean';
  console.error(error instanceof UsageError ? `${error.message}\n\nnpx payments-wasm --help says how` : refused ? [error.message, error.hint, error.docsUrl].filter(Boolean).join('\n') : error);
  process.exitCode = 1;
});
