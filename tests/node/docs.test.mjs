// The documentation as a whole: the README is short and leads to every page, every link resolves, and every section of the contract
// and every rule of money that the code cites exists.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { repoPath } from '../../scripts/lib/run.mjs';
import { pages } from './snippets.mjs';

const read = (path) => readFileSync(repoPath(path), 'utf8');
const all = [...pages, ...['CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md'].map((path) => ({ path, text: read(path) }))];
const readme = read('README.md');
/** Text without its code blocks, in which a bracket is no link and a number sign no heading. */
const prose = (text) => text.replace(/^```[^]*?^```$/gm, '');
/** The anchors of a page, as GitHub makes them of its headings. */
const anchors = (text) => [...prose(text).matchAll(/^#+ (.*)$/gm)].map(([, title]) => title.toLowerCase().replace(/[^\p{L}\p{N}\-_ ]/gu, '').replaceAll(' ', '-'));
const links = (text) => [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target).filter((target) => !/^\w+:/.test(target));

test('the README has at most 200 lines', () => {
  assert.ok(readme.split('\n').length <= 201, `${readme.split('\n').length - 1} lines`);
});

test('the README links to every page', () => {
  const linked = new Set(links(readme).map((target) => target.split('#')[0]));
  for (const { path } of all) assert.ok(path === 'README.md' || linked.has(path), `the README does not link to ${path}`);
});

test('every relative link leads to a file, and to a heading of it', () => {
  let count = 0;
  for (const { path, text } of all) {
    for (const target of links(text)) {
      const [file, anchor] = target.split('#');
      const found = file ? normalize(join(dirname(path), file)) : path;
      assert.ok(existsSync(repoPath(found)), `${path} links to ${target}`);
      if (anchor) assert.ok(anchors(read(found)).includes(anchor), `${path} links to the heading ${target}`);
      count += 1;
    }
  }
  assert.ok(count > 80, `${count} links`);
});

test('every folder and file that the page of the architecture names exists', () => {
  const text = read('docs/architecture.md');
  // The rows of a table of rooms are below the folder that the line before the table names.
  const rooms = [...text.matchAll(/^`(src\/\w+)`:\n\n((?:\|.*\n)+)/gm)].flatMap(([, folder, table]) =>
    [...table.matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell]) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => `${folder}/${name}`)));
  assert.ok(rooms.length > 15, `${rooms.length} rooms`);
  const named = [...text.matchAll(/`((?:src|pkg-template|www|scripts|tests|sandbox)\/[\w./-]*)`/g)].map(([, path]) => path);
  for (const path of [...rooms, ...named]) assert.ok(existsSync(repoPath(path)), `docs/architecture.md names ${path}`);
});

/** The sources that may cite: `[path, text]`, in which a comment of several lines is one line. */
function* sources() {
  for (const folder of ['src', 'sandbox', 'tests', 'scripts', 'pkg-template', 'tools'].filter((name) => existsSync(repoPath(name)))) {
    for (const name of readdirSync(repoPath(folder), { recursive: true })) {
      const path = join(folder, name);
      if (/node_modules|[\\/]target[\\/]|package-lock/.test(path) || !/\.(rs|m?js|ts|tsx|json|py|toml|md|css|html)$/.test(path) || !statSync(repoPath(path)).isFile()) continue;
      yield [path, read(path).replace(/\n[ \t]*(\/\/[/!]?|\*|#)[ \t]*/g, ' ')];
    }
  }
}

/** `6`, `6.1 and 8.2`, `4.5, 4.6, 13.8`. */
const LIST = String.raw`(\d+(?:\.\d+)*(?:(?:, | and |, and )\d+(?:\.\d+)*)*)`;
const numbers = (list) => list.split(/, and |, | and /);

test('every section of the contract that the code cites exists', () => {
  const contract = read('docs/nevermined-api.md');
  const sections = new Set([...contract.matchAll(/^##+ (\d+(?:\.\d+)?)\.? /gm)].map(([, number]) => number));
  const rows = (section) => new Set([...(contract.split(new RegExp(`^## ${section}\\. `, 'm'))[1] ?? '').split(/^## /m)[0].matchAll(/^\| (\d+) \|/gm)].map(([, row]) => row));
  // A number after the name of another document is a section of that document.
  const citation = new RegExp(`(?<!RFC \\d+,? )(?<!specification, )(?:contract |\\b)(?:(?<=contract )|sections? )${LIST}(?:, row (\\d+))?`, 'g');
  let count = 0;
  for (const [path, text] of sources()) {
    if (path.endsWith('docs.test.mjs')) continue;
    for (const [said, list, row] of text.matchAll(citation)) {
      for (const number of numbers(list)) assert.ok(sections.has(number), `${path} cites "${said}": no section ${number}`);
      if (row) assert.ok(rows(numbers(list).at(-1)).has(row), `${path} cites "${said}": no such row`);
      count += 1;
    }
  }
  assert.ok(count > 70, `${count} citations`);
});

test('every rule of money that the code cites exists', () => {
  const rules = new Set([...read('docs/money-rules.md').matchAll(/^### (\d+)\. /gm)].map(([, number]) => number));
  assert.deepEqual([...rules].map(Number), Array.from({ length: 26 }, (_, index) => index + 1));
  let count = 0;
  for (const [path, text] of sources()) {
    for (const [said, list] of text.matchAll(new RegExp(`\\b[Rr]ules? ${LIST}`, 'g'))) {
      for (const number of numbers(list)) assert.ok(rules.has(number), `${path} cites "${said}"`);
      count += 1;
    }
  }
  assert.ok(count > 20, `${count} citations`);
});
