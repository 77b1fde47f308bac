// Shared by all commands: a main function that reports errors plainly, and options that name their mistakes.
import { parseArgs } from 'node:util';
import { err } from './terminal.mjs';

/** An error for a person: what is wrong, and the exact thing to do about it. No stack is shown for it. */
export class UserError extends Error {
  constructor(message, fix, usage) {
    super(message);
    this.fix = fix;
    this.usage = usage;
  }
}

/** Runs a command. Its return value, if a number, is the exit code. */
export function main(command) {
  command().then(
    (code) => { if (typeof code === 'number') process.exitCode = code; },
    (error) => { report(error); process.exit(1); },
  );
}

export function report(error) {
  const plain = error instanceof UserError;
  process.stderr.write(`\n${err.red('error:')} ${plain ? error.message : error?.stack ?? error}\n`);
  if (plain && error.fix) process.stderr.write(`  ${err.bold('fix:')} ${error.fix}\n`);
  if (plain && error.usage) process.stderr.write(`\n${error.usage}\n`);
}

/**
 * Options of a command line. `spec` is node:util's, with three keys of ours: `required`, `port` (a whole number up to
 * 65535) and `url` (http or https). A mistake becomes a UserError that names the flag.
 */
export function options(usage, spec, argv = process.argv.slice(2)) {
  const parsed = Object.fromEntries(
    Object.entries({ ...spec, help: { type: 'boolean', short: 'h' } }).map(([name, { type, short, multiple }]) => [
      name,
      { type: type ?? 'string', ...(short && { short }), ...(multiple && { multiple }) },
    ]),
  );
  let values;
  try {
    ({ values } = parseArgs({ args: argv, options: parsed, strict: true }));
  } catch (error) {
    throw new UserError(error.message.split('. To specify')[0], undefined, usage);
  }
  if (values.help) {
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  }
  for (const [name, { required, port, url }] of Object.entries(spec)) {
    const value = values[name];
    if (value === undefined) {
      if (required) throw new UserError(`--${name} is missing`, undefined, usage);
    } else if (port) {
      if (!/^\d{1,5}$/.test(value) || Number(value) > 65535) {
        throw new UserError(`--${name} wants a port number (0 to 65535), not ${JSON.stringify(value)}`, undefined, usage);
      }
      values[name] = Number(value);
    } else if (url) {
      for (const one of [value].flat()) checkUrl(name, one, usage);
    }
  }
  return values;
}

function checkUrl(name, value, usage) {
  const good = URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
  if (!good) throw new UserError(`--${name} wants an http or https URL, not ${JSON.stringify(value)}`, undefined, usage);
}
