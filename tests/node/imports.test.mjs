// The imports of `src`: each folder imports only folders below it, and no files import each other in a circle.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { repoPath } from '../../scripts/lib/run.mjs';

/** The folders that a folder may import beside itself. `codec` is JSON and base64, by the host's engine or by crates. */
const ALLOWED = {
  'codec': ['wire'],
  'wire': ['codec'],
  'api': ['wire', 'codec'],
  'subscriber': ['api', 'wire', 'codec'],
  'paywall': ['api', 'wire', 'codec'],
  'bindings/http': ['api', 'wire', 'codec'],
  'bindings/dialects': ['bindings/http', 'subscriber', 'api', 'wire', 'codec'],
  'bindings/gate_dialects': ['bindings/http', 'paywall', 'api', 'wire', 'codec'],
  'bindings/subscriber': ['bindings/http', 'subscriber', 'api', 'wire', 'codec'],
  'bindings/builder': ['bindings/http', 'api', 'wire', 'codec'],
  'bindings/paywall': ['bindings/http', 'paywall', 'api', 'wire', 'codec'],
  'transport': ['api', 'wire'],
  'client': ['transport', 'subscriber', 'api', 'wire'],
  'tower': ['transport', 'paywall', 'api', 'wire'],
  'sqlite': ['paywall'],
  'worker': ['paywall', 'api', 'wire', 'codec'],
};

const FILES = new Map(readdirSync(repoPath('src'), { recursive: true })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.rs') && !/(^|\/)tests(\/|\.rs$)|^cli\//.test(path))
  .map((path) => [moduleOf(path), { path, text: source(path) }]));

/** The module of a file: `paywall::gate` for `paywall/gate.rs`; the empty text for `lib.rs`. */
function moduleOf(path) {
  return path.replace(/(^|\/)(mod|lib)\.rs$/, '').replace(/\.rs$/, '').replaceAll('/', '::');
}

/** A file without its comments and its tests. */
function source(path) {
  const text = readFileSync(repoPath('src', path), 'utf8').replace(/\/\/.*/g, '');
  return text.split(/#\[cfg\(test\)\]\s*(?:pub(?:\([\w: ]+\))? )?mod \w+ \{/)[0];
}

/** The paths of a `use` tree or an expression that begins at `text`: `a::{b, c::d}` is `a::b` and `a::c::d`. */
function paths(text) {
  const [head] = /^(\w+|::|\*|\s)*/.exec(text);
  const prefix = head.replace(/\s+as\s+\w+/, '').replace(/\s/g, '');
  if (text[head.length] !== '{') return [prefix];
  const found = [];
  let depth = 0;
  let start = head.length + 1;
  for (let at = head.length; at < text.length; at++) {
    if (text[at] === '{') depth++;
    if (depth === 1 && (text[at] === ',' || text[at] === '}')) {
      const item = text.slice(start, at).trim();
      if (item) found.push(...paths(item).map((path) => (path === 'self' ? prefix.replace(/::$/, '') : prefix + path)));
      start = at + 1;
    }
    if (text[at] === '}' && --depth === 0) break;
  }
  return found;
}

/** The absolute paths that a module names. */
function named(module) {
  const { path, text } = FILES.get(module);
  const found = [];
  for (const { index } of text.matchAll(/(?<![\w:])(crate|super|self)::/g)) found.push(...paths(text.slice(index)));
  // Paths through child modules, as in `pub use error::WireError`.
  if (/(mod|lib)\.rs$/.test(path)) {
    for (const { 0: use, index } of text.matchAll(/\buse (?!crate|super|self|::)/g)) found.push(...paths(text.slice(index + use.length)).map((one) => `self::${one}`));
  }
  return found.map((one) => absolute(module, one.split('::').filter(Boolean)));
}

function absolute(module, steps) {
  let base = steps[0] === 'crate' ? [] : module.split('::').filter(Boolean);
  for (const step of steps) {
    if (step === 'super') base = base.slice(0, -1);
    else if (step !== 'self' && step !== 'crate') base.push(step);
  }
  return base;
}

/** The names that a module re-exports, with their paths. */
const REEXPORTS = new Map([...FILES].map(([module, { text }]) => {
  const names = new Map();
  for (const { 0: use, index } of text.matchAll(/\bpub(?:\([\w: ]+\))? use /g)) {
    for (const path of paths(text.slice(index + use.length))) {
      const steps = path.split('::').filter(Boolean);
      names.set(steps.at(-1), absolute(module, ['crate', 'self', 'super'].includes(steps[0]) ? steps : ['self', ...steps]));
    }
  }
  return [module, names];
}));

/** The module that holds an item: through re-exports, so that a facade is no importer of what it passes on. */
function holder(path, depth = 0) {
  for (let length = path.length; length >= 0; length--) {
    const module = path.slice(0, length).join('::');
    if (!FILES.has(module)) continue;
    const target = REEXPORTS.get(module).get(path[length]);
    return target && depth < 10 ? holder([...target, ...path.slice(length + 1)], depth + 1) : module;
  }
  return undefined;
}

const IMPORTS = new Map([...FILES.keys()].map((module) => {
  const facade = new Set([...REEXPORTS.get(module).values()].map((path) => holder(path)));
  const used = named(module).map((path) => holder(path)).filter((target) => target !== undefined && target !== module && !facade.has(target));
  return [module, [...new Set(used)]];
}));

const folderOf = (module) => Object.keys(ALLOWED).find((folder) => `${module}::`.startsWith(`${folder.replace('/', '::')}::`));

test('each folder imports only folders below it', () => {
  for (const folder of Object.keys(ALLOWED)) assert.ok(existsSync(repoPath('src', folder)) || existsSync(repoPath('src', `${folder}.rs`)), folder);
  const wrong = [];
  let checked = 0;
  for (const [module, targets] of IMPORTS) {
    const own = folderOf(module);
    if (module === '' || module === 'bindings') continue;
    assert.ok(own, `${FILES.get(module).path} is in no folder of the table`);
    for (const target of targets) {
      const folder = folderOf(target);
      checked++;
      if (folder !== own && !ALLOWED[own].includes(folder)) wrong.push(`${FILES.get(module).path} imports ${FILES.get(target).path}`);
    }
  }
  assert.ok(checked > 300, `${checked} imports were found`);
  assert.deepEqual(wrong, []);
});

test('no files import each other in a circle', () => {
  const circles = components().filter((group) => group.length > 1).map((group) => group.map((module) => FILES.get(module).path).sort());
  assert.deepEqual(circles, []);
});

/** The groups of modules that reach each other (Tarjan's algorithm). */
function components() {
  const found = [];
  const stack = [];
  const marks = new Map();
  const visit = (module) => {
    const mark = { order: marks.size, low: marks.size, open: true };
    marks.set(module, mark);
    stack.push(module);
    for (const target of IMPORTS.get(module)) {
      const other = marks.get(target) ?? visit(target);
      if (other.open) mark.low = Math.min(mark.low, other.low);
    }
    if (mark.low === mark.order) {
      const group = stack.splice(stack.indexOf(module));
      for (const one of group) marks.get(one).open = false;
      found.push(group);
    }
    return mark;
  };
  for (const module of IMPORTS.keys()) if (!marks.has(module)) visit(module);
  return found;
}
