// Makes `docs/methods.md` of the two sides' declarations: the official SDKs' names in `official.json`, which a test compares with the Python client, and
// ours in the types.
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { repoPath } from './run.mjs';
import { publicTypes } from './types.mjs';

const read = (path) => readFileSync(repoPath(path), 'utf8');

/** The methods of each part, and what the package exports, by the types. */
export function declared() {
  const types = [publicTypes(), read('src/bindings/paywall/express.d.ts')].join('\n');
  const bodies = Object.fromEntries([...types.matchAll(/^export (?:abstract )?class (\w+)[^\n]*\{\n(.*?)^\}/gms)].map(([, name, body]) => [name, body]));
  const members = (body) => [...new Set([...body.matchAll(/^ {2}(?!private|protected|static)(?:readonly )?(\w+)[(<:?]/gm)].map(([, name]) => name))];
  const parts = [...bodies.Payments.matchAll(/^ {2}readonly (\w+): (\w+API);/gm)].map(([, part, type]) => [part, members(bodies[type])]);
  const [, mcp] = /^export interface McpPart \{\n(.*?)^\}/ms.exec(read('src/bindings/mcp/mcp.d.ts'));
  parts.push(['mcp', members(mcp)]);
  const [, a2a] = /^export interface A2aPart \{\n(.*?)^\}/ms.exec(types);
  parts.push(['a2a', members(a2a)]);
  const statics = [...bodies.Payments.matchAll(/^ {2}static (\w+)\(/gm)].map(([, name]) => `Payments.${name}`);
  const exported = [...types.matchAll(/^export (?:function|const|class) (\w+)/gm)].map(([, name]) => name);
  const methods = parts.flatMap(([part, names]) => names.map((name) => `${part}.${name}`));
  return { methods, all: new Set([...methods, ...statics, ...members(bodies.Payments), ...exported]) };
}

const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

/** `docs/methods.md`. */
export function methodsPage() {
  const official = JSON.parse(read('scripts/lib/official.json'));
  const { methods, all } = declared();
  const compared = new Set([...read('tests/python/request-parity.mjs').matchAll(/^ {2}'([\w.]+?)(?:#\w+)?':/gm)].map(([, name]) => name.replace(/^sdk\./, '')));
  const tests = official.searched.filter((path) => existsSync(repoPath(path))).map((path) => [path, read(path)]);

  /** Our name of an official one, if there is one. */
  const ours = (python, typescript) => {
    const name = official.names[python] ?? typescript ?? camel(python);
    // A function that Python exports from a package, and a static method.
    return [name, name.split('.').at(-1), `Payments.${name}`].find((one) => all.has(one));
  };
  const absent = (name) => {
    const [, why] = official.absent.find(([pattern]) => new RegExp(pattern).test(name)) ?? [];
    if (!why) throw new Error(`scripts/lib/official.json does not say why ${name} is not here`);
    return why;
  };
  const test = (name) => {
    const called = new RegExp(`\\b${name.split('.').at(-1)}\\b`);
    const path = official.tests[name] ?? tests.find(([, text]) => called.test(text))?.[0];
    if (!path) throw new Error(`no test calls ${name}`);
    return `[${basename(path).replace('.test.mjs', '')}](../${path})`;
  };
  const request = (name, python) => {
    const why = official.requests[`${name}#${python}`] ?? (compared.has(name) ? undefined : official.requests[name]);
    if (why) return `— ${why}`;
    if (compared.has(name)) return 'same';
    if (methods.includes(name) && !/Config$|^setR|^setO/.test(name)) throw new Error(`scripts/lib/official.json does not say why ${name} is not compared`);
    return '— sends nothing';
  };
  const code = (name) => (name ? `\`${name}\`` : '—');
  const covered = new Set();
  const row = ([python, typescript]) => {
    const name = ours(python, typescript);
    if (!name) return `| ${code(python)} | ${code(typescript)} | — ${absent(typescript ?? python)} | — see ours | — see ours |`;
    covered.add(name);
    return `| ${code(python)} | ${code(typescript)} | ${code(name)} | ${test(name)} | ${request(name, python)} |`;
  };
  const head = '| payments-py 1.18 | TypeScript 1.12 | here | test | request |\n|---|---|---|---|---|\n';
  const sections = Object.entries(official.sections).map(([title, rows]) => `## ${title}\n\n${head}${rows.map(row).join('\n')}\n`);
  const own = methods.filter((name) => !covered.has(name)).map((name) => `| — | — | ${code(name)} | ${test(name)} | ${request(name)} |`);
  return `# The methods of the official SDKs

<!-- Made from scripts/lib/official.json and the types by \`npm run docs\`; a test compares. -->

This page has a row for each public method of \`payments-py\` 1.18, the official Python client, for each method and function of
\`@nevermined-io/payments\` 1.12 that the Python client lacks, and for each method of a part that only this package has.

- **here**: the name in \`payments-wasm\`: a method of a part of \`payments\`, of the instance, or an export. After a dash stands the reason why it is not here.
- **test**: a test that calls it.
- **request**: \`same\` means that [request-parity.test](../tests/python/request-parity.test.mjs) runs both clients against a recorder and finds equal
  requests, up to differences that are listed there. After a dash stands the reason why there is nothing to compare.

A dash alone in one of the first two columns means that this SDK does not have the method. The tests do not run the TypeScript client,
because the version on the registry (0.8.4) has another API. Its names, argument orders and requests are those of
[the contract](nevermined-api.md).

${sections.join('\n')}
## Only here

${head}${own.join('\n')}
`;
}
