// What the build makes of two descriptions. `src/js/options.json` has every option: the table that the package reads options by, the
// interfaces of its types, and `docs/options.md`. `src/js/errors.json` has every code of an error: the hints, and `docs/errors.md`.
import { readFileSync } from 'node:fs';
import { at } from './run.mjs';

const SOURCE = 'src/js/options.json';

const describe = () => JSON.parse(readFileSync(at(SOURCE), 'utf8'));

/** The kinds of values that `src/js/options.js` knows, in TypeScript. */
const TYPES = {
  text: 'string', organization: 'string', flag: 'boolean', whole: 'number', milliseconds: 'number', credits: 'CreditsInput', texts: 'string[]', origins: 'string[]',
  place: 'string', web: 'string', signal: 'AbortSignal',
};

/** The values of a type that lists them: `'a' | 'b'`, `2 | 3`. */
const listed = (type) => (/^('[^']*'|\d+)( \| |$)/.test(type) ? JSON.parse(`[${type.replaceAll(' | ', ',').replaceAll("'", '"')}]`) : undefined);

/** A shape with the members of those that it extends, the outer ones first. */
const members = (shapes, name) => Object.assign({}, ...(shapes[name].extends ?? []).map((one) => members(shapes, one)), shapes[name].members);

/**
 * What `options.js` reads by: `shapes` from shape to member to kind, or to the values that it may have; `required` from shape to
 * member to what may help where it is missing; `open` are those whose other
 * members are somebody else's.
 */
export function shapes(named = (name) => !OF_THE_BUILDER.includes(name)) {
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

/** What only `payments-wasm/builder` reads, and what it reads besides. */
const OF_THE_BUILDER = ['BuilderOptions'];
const SHARED = ['PaginationOptions', 'OrganizationOptions', 'DelegationListOptions', 'PaymentMethodListOptions'];

/** For esbuild: the descriptions without what only people read, and of what an entry reads. */
const plugin = (named, groups) => ({
  name: 'options',
  setup(build) {
    build.onLoad({ filter: /[\\/]options\.json$/ }, () => ({ contents: JSON.stringify(shapes(named)), loader: 'json' }));
    build.onLoad({ filter: /[\\/]errors\.json$/ }, () => ({ contents: JSON.stringify(hints(groups)), loader: 'json' }));
  },
});
export const optionShapes = plugin(undefined, ['client']);
export const builderShapes = plugin((name) => OF_THE_BUILDER.includes(name) || SHARED.includes(name), ['client', 'builder']);

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
  const all = describe();
  return text.replace(/^\/\/ options: (\w+)\n/gm, (_, name) => {
    const { doc, ts, extends: base = [], members: own } = all[name];
    if (ts) return `${comment(doc, '')}export type ${name} = ${ts};\n`;
    const fields = Object.entries(own).map(([member, { type, ts: written, required, doc: about }]) =>
      `${comment(about, '  ')}  ${member}${required ? '' : '?'}: ${written ?? TYPES[type] ?? type};\n`);
    return `${comment(doc, '')}export interface ${name} ${base.length ? `extends ${base.join(', ')} ` : ''}{\n${fields.join('')}}\n`;
  });
}

/** `docs/options.md`. */
export function optionTables() {
  const all = describe();
  const cell = (text) => text.replaceAll('\n\n', ' ').replaceAll('|', '\\|');
  const sections = Object.entries(all).map(([name, { doc, extends: base = [], members: own }]) => {
    const rows = Object.entries(own).map(([member, { type, ts, required, doc: about }]) =>
      `| \`${member}\`${required ? ' (required)' : ''} | \`${cell(ts ?? TYPES[type] ?? type)}\` | ${cell(about)} |`);
    const table = rows.length ? `\n| member | type | |\n|---|---|---|\n${rows.join('\n')}\n` : '';
    const from = base.length ? `\nIt has the members of ${base.map((one) => `[${one}](#${one.toLowerCase()})`).join(' and ')} too.\n` : '';
    return `## ${name}\n\n${doc}\n${from}${table}`;
  });
  return `# Options\n\n<!-- Made from ${SOURCE} by \`npm run docs\`; a test compares. -->\n\n` +
    'Every option of the client, at every depth. What is not listed here is refused with a `validation` error that names it and says which\n' +
    `option it may have been meant to be; nothing is sent.\n\n${sections.join('\n')}\n${gateTables()}`;
}

/** The gate's configuration, from the schema that editors check it by and the gate's own table of its variables. */
function gateTables() {
  const { properties, $defs } = JSON.parse(readFileSync(at('pkg-template/paywall.schema.json'), 'utf8'));
  const table = readFileSync(at('src/paywall/document.rs'), 'utf8');
  const variables = new Map([...table.matchAll(/^ {4}\("(\w+)", "([A-Z_]+)"\),$/gm)].map(([, name, variable]) => [name, variable]));
  const cell = (text = '') => text.replaceAll('|', '\\|');
  const typeOf = ({ type, enum: values, $ref, anyOf, oneOf, const: only, items }) => {
    if (values) return values.map((value) => JSON.stringify(value)).join(' | ');
    if (only !== undefined) return JSON.stringify(only);
    if ($ref) return $ref.split('/').at(-1);
    if (anyOf ?? oneOf) return [...new Set((anyOf ?? oneOf).map(typeOf))].join(' | ');
    return type === 'array' ? `array of ${items ? typeOf(items) : 'anything'}` : [type ?? 'anything'].flat().join(' | ');
  };
  const rows = Object.entries(properties).filter(([name]) => name !== '$schema').map(([name, schema]) =>
    `| \`${name}\` | ${variables.has(name) ? `\`${variables.get(name)}\`` : ''} | \`${cell(typeOf(schema))}\` | ${cell(schema.description)} |`);
  const own = ['route', 'plan', 'price'].filter((name) => $defs[name]?.properties).map((name) => {
    const members = Object.entries($defs[name].properties).map(([member, schema]) => `| \`${member}\` | \`${cell(typeOf(schema))}\` | ${cell(schema.description)} |`);
    return `### ${name}\n\n| member | type | |\n|---|---|---|\n${members.join('\n')}\n`;
  });
  return '## The gate\n\nThe members of the configuration document (`payments-wasm/paywall.schema.json` is its schema), and the variables of a Worker that say the same. The\n' +
    'library takes them as options of `paywall(handler, options)`, with `openRoutes` for `open`, `backend` for `apiUrl` and `origin` for `originUrl`; its hooks and the rest are in its types. What is not known\n' +
    `is refused by name, with the name that was meant.\n\n| member | variable | type | |\n|---|---|---|---|\n${rows.join('\n')}\n\n${own.join('\n')}`;
}

const errors = () => JSON.parse(readFileSync(at('src/js/errors.json'), 'utf8'));

/**
 * What `error.js` says where nothing better is known: the cure of each code, and where all of them are explained. Where the core always says it, as of those that are
 * `told`, it is not said twice.
 */
function hints(groups) {
  const { docs, ...all } = errors();
  const named = groups.flatMap((group) => Object.entries(all[group]));
  return { docs, hints: Object.fromEntries(named.map(([code, { cure, told }]) => [code, told ? '' : cure])) };
}

/** `docs/errors.md`. */
export function errorPages() {
  const { docs, ...all } = errors();
  const titles = { client: 'Of the client', builder: 'Of the seller\'s API', gate: 'Of the gate' };
  const sections = Object.entries(all).map(([group, codes]) => {
    const entries = Object.entries(codes).map(([code, { cause, cure }]) => `### ${code}\n\n${cause}\n\nWhat to do: ${cure}.\n`);
    return `## ${titles[group]}\n\n${entries.join('\n')}`;
  });
  return `# Errors\n\n<!-- Made from src/js/errors.json by \`npm run docs\`; a test compares. -->\n\n` +
    'Every error of the package is a `PaymentsError` with `code`, `message`, `hint`, `docsUrl` and `retryable`; errors of `payments.fetch` also carry `spend`,\n' +
    'what was spent by then, and `response`, the last answer. A gate answers with the same codes in the body of its response.\n\n' +
    '## Codes of the platform\n\nCodes such as `BCK.X402.0005` and `http_503` are the platform\'s own, with its `message`, `hint` and `docsUrl`. `correlationId` is what its\n' +
    `support finds the request by.\n\n${sections.join('\n')}`;
}
