// Generates files from two descriptions. `src/options.json` has every option of the client, the gate and the command
// line. From it come the table that the client reads options by, the one of the gate's core, the interfaces of the
// types, the JSON Schema, the help, and `docs/options.md`. `src/bindings/subscriber/js/errors.json` has every error
// code. From it come the hints and `docs/errors.md`.
import { readFileSync } from 'node:fs';
import { methodsPage } from './methods.mjs';
import { repoPath } from './run.mjs';
import { shellLimits } from './shell-limits.mjs';

const SOURCE = 'src/options.json';

/** The text of an option with its default, for where there is no column for that. */
const docOf = ({ doc, default: usual }) => (usual === undefined ? doc : `${doc} Default ${typeof usual === 'string' ? `\`${usual}\`` : usual}.`);

const read = () => JSON.parse(readFileSync(repoPath(SOURCE), 'utf8'));
const describe = () => read().client;

/** The kinds of values that `src/bindings/subscriber/js/options.js` knows, in TypeScript. */
const TYPES = {
  text: 'string', organization: 'string', flag: 'boolean', whole: 'number', milliseconds: 'number', credits: 'CreditsInput', texts: 'string[]', origins: 'string[]',
  place: 'string', web: 'string', signal: 'AbortSignal', wallet: 'Wallet', amountLimits: 'AmountLimit[]',
};

/** The values of a type that lists them: `'a' | 'b'`, `2 | 3`. */
const listed = (type) => (/^('[^']*'|\d+)( \| |$)/.test(type) ? JSON.parse(`[${type.replaceAll(' | ', ',').replaceAll("'", '"')}]`) : undefined);

/** A shape with the members of those that it extends, the outer ones first. */
const members = (shapes, name) => Object.assign({}, ...(shapes[name].extends ?? []).map((one) => members(shapes, one)), shapes[name].members);

/**
 * The tables of `options.js`: `shapes` maps a shape to its members and each member to its kind or its allowed values;
 * `required` maps a shape to its required members and a hint for a missing one; `open` lists shapes that may have
 * unknown members.
 */
export function shapes(named = () => true) {
  const all = describe();
  const of = (pick) => Object.fromEntries(Object.keys(all).filter(named).map((name) => [name, pick(Object.entries(members(all, name)))]));
  return {
    shapes: of((own) => Object.fromEntries(own.map(([member, { type }]) => [member, listed(type) ?? type]))),
    required: Object.fromEntries(Object.entries(of((own) => Object.fromEntries(
      own.filter(([, { required }]) => required === true).map(([member, { hint = '' }]) => [member, hint]),
    ))).filter(([, own]) => Object.keys(own).length > 0)),
    open: Object.keys(all).filter((name) => named(name) && all[name].open),
  };
}

/** Shapes that are read by a file that is loaded later, by file. The core's own table is without them. */
const READ_LATER = {
  account: ['PaginationOptions', 'DelegationListOptions', 'PaymentMethodListOptions', 'PaymentMethodChanges', 'CreateDelegationPayload', 'X402TokenOptions', 'TokenDelegation', 'TokenResource'],
  helpers: ['LoginUrlOptions'],
  official: ['PaymentRequiredOptions'],
  selling: ['PaginationOptions', 'MppFetchOptions'],
};
const readLater = Object.values(READ_LATER).flat();

/** For esbuild: the descriptions without the text for people, of the shapes that a bundle reads and of the errors that it makes. */
const plugin = (named, groups, file) => ({
  name: 'options',
  setup(build) {
    // The glue's copy of the scripts stands somewhere else.
    build.onResolve({ filter: /^(\.\.\/)+options\.json$/ }, () => ({ path: repoPath(SOURCE) }));
    build.onLoad({ filter: /[\\/]options\.json$/ }, () => ({ contents: JSON.stringify(shapes(named)), loader: 'json' }));
    build.onLoad({ filter: /[\\/]errors\.json$/ }, () => ({ contents: JSON.stringify(hints(groups, file)), loader: 'json' }));
  },
});
export const gateErrors = plugin(undefined, ['gate']);
export const optionShapes = plugin((name) => !readLater.includes(name), ['client']);
/** The same for a file that is loaded later. */
export const laterShapes = (file) => plugin((name) => (READ_LATER[file] ?? []).includes(name), ['client', 'builder'], file);

/** The text of a comment, folded. */
function comment(doc, indent) {
  const width = 128 - indent.length;
  const paragraphs = doc.split('\n\n').map((text) => {
    const lines = [''];
    for (const word of text.split(' ')) {
      if (lines.at(-1).length + word.length + 1 > width) lines.push('');
      lines[lines.length - 1] += (lines.at(-1) && ' ') + word;
    }
    return lines;
  });
  const lines = paragraphs.flatMap((one, index) => (index ? ['', ...one] : one));
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`;
}

/** Types with each line `// options: NAME` replaced by the interface of that shape. */
export function withOptions(text) {
  const { client: all, gate } = read();
  const field = (name, ts, about, required) => `${comment(about, '  ')}  ${name}${required ? '' : '?'}: ${ts};\n`;
  const ofGate = () => keys(gate).filter(({ ts }) => ts).map((key) => field(key.option, key.ts, `${docOf(key)}${key.variable ? ` [\`${key.variable}\`]` : ''}`)).join('');
  const ofShape = (name) => Object.entries(gate.shapes[name].properties)
    .map(([member, { ts, description }]) => field(member, ts, description, gate.shapes[name].required?.includes(member))).join('');
  const gated = text.replace(/^ {2}\/\/ options of the gate\n/gm, ofGate).replace(/^ {2}\/\/ members of (\w+)\n/gm, (_, name) => ofShape(name));
  return gated.replace(/^\/\/ options: (\w+)\n/gm, (_, name) => {
    const { doc, ts, extends: base = [], members: own } = all[name];
    if (ts) return `${comment(doc, '')}export type ${name} = ${ts};\n`;
    const fields = Object.entries(own).map(([member, { type, ts: written, required, ...about }]) =>
      `${comment(docOf(about), '  ')}  ${member}${required ? '' : '?'}: ${written ?? TYPES[type] ?? type};\n`);
    return `${comment(doc, '')}export interface ${name} ${base.length ? `extends ${base.join(', ')} ` : ''}{\n${fields.join('')}}\n`;
  });
}

/** `docs/options.md`. */
export function optionTables() {
  const all = describe();
  const cell = (text) => text.replaceAll('\n\n', ' ').replaceAll('|', '\\|');
  const sections = Object.entries(all).map(([name, { doc, extends: base = [], members: own }]) => {
    const rows = Object.entries(own).map(([member, { type, ts, required, default: usual, doc: about }]) =>
      `| \`${member}\`${required ? ' (required)' : ''} | \`${cell(ts ?? TYPES[type] ?? type)}\` | ${usual === undefined ? '' : `\`${usual}\``} | ${cell(about)} |`);
    const table = rows.length ? `\n| member | type | default | |\n|---|---|---|---|\n${rows.join('\n')}\n` : '';
    const from = base.length ? `\nIt also has the members of ${base.map((one) => `[${one}](#${one.toLowerCase()})`).join(' and ')}.\n` : '';
    return `## ${name}\n\n${doc}\n${from}${table}`;
  });
  return `# Options\n\n<!-- Made from ${SOURCE} by \`npm run docs\`; a test compares. -->\n\n` +
    'This page lists every option of the client, at every depth, of [the gate](#the-gate) and of [the command line](#the-command-line). An option that is not\n' +
    `listed is refused with a \`validation\` error that names it and suggests the right name; nothing is sent.\n\n${sections.join('\n')}\n${gateTables()}\n${commandTables()}`;
}

/** The options of the gate, each with its names; those that are apart are read by the file of the dialects, and not by the gate itself: the option, the variable, and the member of the document, where it has those. */
function keys({ options }) {
  return Object.entries(options).map(([option, { variable, member, ...rest }]) => ({
    ...rest, option,
    variable: variable === false ? undefined : variable ?? option.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
    member: member === false ? undefined : member ?? option,
  }));
}

/** JSON that a person reads: what fits on a line is on one. */
function json(value, indent = 0) {
  const line = JSON.stringify(value);
  if (typeof value !== 'object' || value === null || line.length + indent <= 120) return line.replace(/("(?:[^"\\]|\\.)*")|([,:])/g, (_, text, sign) => text ?? `${sign} `);
  const pad = ' '.repeat(indent + 2);
  const inside = Array.isArray(value) ? value.map((one) => pad + json(one, indent + 2)) : Object.entries(value).map(([name, one]) => `${pad}${JSON.stringify(name)}: ${json(one, indent + 2)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}\n${inside.join(',\n')}\n${' '.repeat(indent)}${close}`;
}

/** `pkg-template/paywall.schema.json`: what editors check a configuration by. */
export function gateSchema() {
  const { gate } = read();
  const properties = Object.fromEntries(keys(gate).filter(({ member }) => member).map(({ member, schema, doc, default: usual }) =>
    [member, { description: doc, ...(usual !== undefined && { default: typeof usual === 'boolean' ? schema.enum[usual ? 0 : 1] : usual }), ...schema }]));
  const withoutTypes = (value) => (Array.isArray(value) ? value.map(withoutTypes) : typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).filter(([name]) => name !== 'ts' && name !== 'apart').map(([name, one]) => [name, withoutTypes(one)])) : value);
  return `${json({
    $schema: 'https://json-schema.org/draft/2020-12/schema', title: gate.title, description: gate.description, type: 'object', required: ['routes', 'unlisted'],
    additionalProperties: false, properties: { $schema: { type: 'string' }, ...properties }, $defs: withoutTypes(gate.shapes),
  })}\n`;
}

const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, '_');

/** `src/paywall/config/keys.rs`: the names, bounds and defaults that the core reads the configuration by. */
export function rustTable() {
  const { gate } = read();
  const all = keys(gate).filter(({ apart }) => !apart);
  const near = ([, { apart }]) => !apart;
  const table = (doc, name, rows) => `/// ${doc}\npub(crate) const ${name}: [(&str, &str); ${rows.length}] = [\n${rows.map(([one, other]) => `    ("${one}", "${other}"),\n`).join('')}];\n`;
  const list = (names) => `[${names.map((name) => `"${name}"`).join(', ')}]`;
  const values = all.filter(({ variable, schema }) => variable && schema).flatMap(({ variable, schema, default: usual }) => {
    if (schema.type === 'integer') {
      const bounds = `least: ${grouped(schema.minimum)}, most: ${grouped(schema.maximum)}, usual: ${grouped(usual)}`;
      return [`pub(crate) const ${variable}: Whole = Whole { key: "${variable}", ${bounds} };\n`];
    }
    return typeof usual === 'boolean' ? [`pub(crate) const ${variable}: Switch = Switch { key: "${variable}", words: ${list(schema.enum)}, usual: ${usual} };\n`] : [];
  });
  const shapes = Object.entries(gate.shapes).filter(near).filter(([, { properties }]) => properties)
    .map(([name, { properties }]) => [name, Object.entries(properties).filter(near).map(([member]) => member)])
    .map(([name, members]) => `pub(crate) const ${snake(name)}: [&str; ${members.length}] = ${list(members)};\n`);
  const bounds = Object.entries(gate.shapes).filter(near).flatMap(([name, { properties = {} }]) => Object.entries(properties).flatMap(([member, { type, maximum, maxItems }]) => {
    const most = type === 'integer' ? maximum : maxItems;
    return most === undefined ? [] : [`pub(crate) const ${snake(name)}_${snake(member)}_MOST: u32 = ${grouped(most)};\n`];
  }));
  const prices = gate.shapes.price.oneOf.map(({ properties }) => [properties.by.const, Object.keys(properties)]);
  const members = [...new Set(prices.flatMap(([, names]) => names))];
  return `//! The names, bounds and defaults of the configuration. Made from \`${SOURCE}\` by \`npm run docs\`; a test compares.

use super::values::{Switch, Whole};

${table('The members of the document and the variables that say the same.', 'MEMBERS', all.filter(({ member }) => member).map(({ member, variable }) => [member, variable]))}
#[cfg_attr(not(feature = "paywall"), allow(dead_code))]
${table('The options of the library and the variables that say the same.', 'OPTIONS', all.filter(({ variable }) => variable).map(({ option, variable }) => [option, variable]))}
${values.join('')}
${shapes.join('')}pub(crate) const PRICE: [&str; ${members.length}] = ${list(members)};
/// The members of each kind of price.
pub(crate) const PRICES: [(&str, &[&str]); ${prices.length}] = [
${prices.map(([by, names]) => `    ("${by}", &${list(names)}),\n`).join('')}];

${bounds.join('')}`;
}

/** The flag of an option of the gate: \`--timeout-ms\`, or the name that it has there; nothing where it is none. A secret is one only where it is named. */
function flagOf({ option, variable, secret, internal, flag, apart }) {
  if (apart) return undefined;
  if (flag) return flag.slice(2).split(' ')[0];
  return variable && !secret && !internal && !['config', 'routes'].includes(option) ? option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`) : undefined;
}

/** The text in so many columns, each further line moved in. */
function folded(head, text, room = 18, width = 120) {
  const lines = [''];
  for (const word of text.replaceAll('`', '').split(' ')) {
    if (lines.at(-1).length + word.length + 1 > width - room) lines.push('');
    lines[lines.length - 1] += (lines.at(-1) && ' ') + word;
  }
  const first = head.length > room - 3 ? `${head}\n${' '.repeat(room - 2)}` : head.padEnd(room - 2);
  return `  ${first}${lines.join(`\n${' '.repeat(room)}`)}`;
}

/** `src/cli/commands.json`: what `npx payments-wasm` takes, and its help. */
export function commandTable() {
  const { gate, command: commands } = read();
  const ofGate = keys(gate).map((key) => ({ ...key, name: flagOf(key) })).filter(({ name }) => name);
  const own = ({ flags }) => Object.entries(flags).map(([name, { value, short, doc }]) => folded(`${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`, doc));
  const help = Object.values(commands).map(({ usage, doc, gate: gated, ...rest }) => {
    const shown = gated ? ofGate.filter(({ flag }) => flag).map(({ flag, doc: about, variable }) => folded(flag, `${about}${/^NVM_API_KEY$/.test(variable) ? ` [${variable}]` : ''}`)) : [];
    const more = gated ? [folded('--timeout-ms MS', 'and every other option of the gate that is not secret: see node_modules/payments-wasm/docs/options.md')] : [];
    return `payments-wasm ${usage}   ${doc}\n\n${[...own(rest), ...shown, ...more].join('\n')}`;
  });
  const version = 'payments-wasm --version   prints the version\n\npayments-wasm COMMAND --help   prints the help of one command';
  return `${json({
    help: Object.fromEntries(Object.keys(commands).map((name, index) => [name, help[index].split('\n')])), more: version.split('\n'),
    flags: Object.fromEntries(Object.entries(commands).map(([name, { flags, gate: gated }]) => [name, {
      ...Object.fromEntries(Object.entries(flags).map(([flag, { value, repeat }]) => [flag, repeat ? 'strings' : value ? 'string' : 'boolean'])),
      ...(gated && Object.fromEntries(ofGate.map(({ name: flag }) => [flag, 'string']))),
    }])),
    short: Object.fromEntries(Object.values(commands).flatMap(({ flags }) => Object.entries(flags).flatMap(([flag, { short }]) => (short ? [[short, flag]] : [])))),
    arguments: Object.fromEntries(Object.entries(commands).map(([name, one]) => [name, one.arguments ?? 0])),
    gate: Object.fromEntries(ofGate.map(({ name, option }) => [name, option])),
  })}\n`;
}

const tableCell = (text = '') => text.replaceAll('\n\n', ' ').replaceAll('|', '\\|');

/** The type of a part of the schema, in a word. */
function typeOf({ type, enum: values, $ref, anyOf, oneOf, const: only, items }) {
  if (values) return values.map((value) => JSON.stringify(value)).join(' | ');
  if (only !== undefined) return JSON.stringify(only);
  if ($ref) return $ref.split('/').at(-1);
  if (anyOf ?? oneOf) return [...new Set((anyOf ?? oneOf).map(typeOf))].join(' | ');
  return type === 'array' ? `array of ${items ? typeOf(items) : 'anything'}` : [type ?? 'anything'].flat().join(' | ');
}

/** The gate's options in each place that they can be given, and what stands in them. */
function gateTables() {
  const { gate } = read();
  const code = (text) => (text ? `\`${text}\`` : '');
  const bounds = ({ minimum, maximum } = {}) => (maximum === undefined ? '' : `, ${minimum} to ${maximum}`);
  const rows = keys(gate).filter(({ internal }) => !internal).map((key) => {
    const { option, variable, member, ts, schema, secret, default: usual, doc } = key;
    const flag = flagOf(key);
    const type = schema && !key.apart ? `${typeOf(schema)}${bounds(schema)}` : ts;
    return `| \`${option}\` | ${code(variable)} | ${code(member)} | ${code(flag && `--${flag}`)} | \`${tableCell(type)}\`${secret ? ', secret' : ''} | ${usual === undefined ? '' : code(typeof usual === 'boolean' ? JSON.stringify(schema.enum[usual ? 0 : 1]) : String(usual))} | ${tableCell(doc)} |`;
  });
  const shapes = Object.entries(gate.shapes).filter(([, { properties }]) => properties).map(([name, { properties, required = [] }]) => {
    const members = Object.entries(properties).map(([member, schema]) =>
      `| \`${member}\`${required.includes(member) ? ' (required)' : ''} | \`${tableCell(typeOf(schema))}${bounds(schema)}\` | ${tableCell(schema.description)} |`);
    return `### ${name}\n\n| member | type | |\n|---|---|---|\n${members.join('\n')}\n`;
  });
  const kinds = gate.shapes.price.oneOf.map(({ description, properties }) => `| \`${properties.by.const}\` | ${Object.keys(properties).filter((name) => name !== 'by').map(code).join(', ')} | ${tableCell(description)} |`);
  return '## The gate\n\nEach row is one setting with its four names: the option of `paywall(handler, options)`, the variable of a Worker (a process reads only those that begin with\n' +
    '`NVM_`, and `METRICS_TOKEN`), the member of the configuration document (`payments-wasm/paywall.schema.json` is its schema), and the flag of\n' +
    '`npx payments-wasm paywall`. In the document and in variables a switch is one of its words; as an option it is `true` or `false`. An unknown name is\n' +
    `refused at every depth, with a suggestion. [paywall-config.md](paywall-config.md) explains routes and prices.\n\n| option | variable | member | flag | type | default | |\n|---|---|---|---|---|---|---|\n${rows.join('\n')}\n\n${shapes.join('\n')}\n` +
    `### price\n\n| \`by\` | more members | |\n|---|---|---|\n${kinds.join('\n')}\n`;
}

/** The command line. */
function commandTables() {
  const sections = Object.entries(read().command).map(([name, { usage, doc, gate, flags }]) => {
    const rows = Object.entries(flags).map(([flag, { value, short, required, doc: about }]) => `| \`${short ? `-${short}, ` : ''}--${flag}${value ? ` ${value}` : ''}\`${required ? ' (required)' : ''} | ${tableCell(about)} |`);
    return `### ${name}\n\n\`npx payments-wasm ${usage}\`: ${doc}.\n\n| flag | |\n|---|---|\n${rows.join('\n')}\n${gate ? '\nIt also takes the flags of [the gate](#the-gate), which override the file.\n' : ''}`;
  });
  return `## The command line\n\nA flag is written \`--flag value\` or \`--flag=value\`, once. An unknown flag is refused, with a suggestion.\n\n${sections.join('\n')}`;
}

const errors = () => JSON.parse(readFileSync(repoPath('src/bindings/subscriber/js/errors.json'), 'utf8'));

/**
 * The hints of `error.js` for errors that carry none: a remedy for each code, and the page that explains all of them.
 * Codes marked `hintFromCore` always have a hint from the core and are left out.
 */
function hints(groups, file) {
  const { docs, ...all } = errors();
  // The gate's codes that a `PaywallError` has and a seller can act on: a failing platform, or a wrong option.
  const thrown = /^(facilitator_|(plan_unknown|state_unavailable|config_invalid)$)/;
  const named = groups.flatMap((group) => Object.entries(all[group])).filter(([code, one]) => (groups[0] !== 'gate' || thrown.test(code)) && [one.file].flat().includes(file));
  return { docs, hints: Object.fromEntries(named.filter(([, { hintFromCore }]) => !hintFromCore).map(([code, { cure }]) => [code, cure])) };
}

/** `docs/errors.md`. A code that both sides have is explained once, with what it is at a gate. */
export function errorPages() {
  const { docs, ...all } = errors();
  const titles = { client: 'Errors of the client', builder: 'Errors of the builder', gate: 'Errors of the gate', journal: 'Codes in receipts, the journal and the log of a gate', sandbox: 'Errors of the sandbox' };
  const text = ({ cause, cure }) => `${cause}\n\nWhat to do: ${cure}.\n`;
  const sections = Object.entries(all).map(([group, codes]) => {
    const entries = Object.entries(codes).filter(([code]) => group === 'client' || !all.client[code])
      .map(([code, one]) => `### ${code}\n\n${text(one)}${group === 'client' && all.gate[code] ? `\nAt a gate: ${text(all.gate[code])}` : ''}`);
    return `## ${titles[group]}\n\n${entries.join('\n')}`;
  });
  return `# Errors\n\n<!-- Made from src/bindings/subscriber/js/errors.json by \`npm run docs\`; a test compares. -->\n\n` +
    'Every error of the package is a `PaymentsError` with `code`, `message`, `hint`, `docsUrl` and `retryable`. Errors of `payments.fetch` also have `spend`\n' +
    '(what was spent by then) and `response` (the last answer). A gate uses the same codes in the body of its answers; its `PaywallError` also has `code`,\n' +
    '`hint` and `docsUrl`.\n\n' +
    '## Codes of the platform\n\nCodes such as `BCK.X402.0005` and `http_503` come from the platform, with its `message`, `hint` and `docsUrl`. The platform\'s support can find the request by\n' +
    'its `correlationId`.\n\n' +
    '## Errors of the command line\n\n`npx payments-wasm` prints an error as one line that names the flag, the file or the variable, and exits with 1. The sandbox exits with 130 at Ctrl-C.\n' +
    `\`sandbox -- COMMAND\` exits with the code of the command.\n\n${sections.join('\n')}`;
}

/** The files that are made from data and kept, each with what makes it. */
export const MADE = {
  'docs/options.md': optionTables, 'docs/errors.md': errorPages, 'pkg-template/paywall.schema.json': gateSchema, 'src/paywall/config/keys.rs': rustTable,
  'src/cli/commands.json': commandTable, 'docs/methods.md': methodsPage, 'src/bindings/paywall/js/shell_limits.js': shellLimits,
};
