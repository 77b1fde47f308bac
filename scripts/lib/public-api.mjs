// The public items of the crate: as docs/public-api.txt records them, and as the sources declare them.
import { readFileSync, readdirSync } from 'node:fs';
import { repoPath } from './run.mjs';

export const RECORD = 'docs/public-api.txt';
/** The features of native programs. The library for Workers is for another target. */
export const NATIVE = 'client,serde,sqlite,tower';

const KINDS = 'fn|struct|enum|trait|type|const|mod';

/** The items of the record, as `kind name`. */
export function recorded(text = readFileSync(repoPath(RECORD), 'utf8')) {
  const items = new Set();
  for (const line of text.split('\n')) {
    const [, kind, path] = new RegExp(`^(?:#\\[\\w+\\] )?pub (?:const |async |unsafe )*(${KINDS}) (payments_wasm(?:::\\w+)*)`).exec(line.replace(/<[^<>]*(<[^<>]*>[^<>]*)*>/g, '')) ?? [];
    if (kind && path !== 'payments_wasm') items.add(`${kind} ${path.split('::').at(-1)}`);
  }
  return items;
}

/** The items that are declared `pub`, as `kind name`. The compiler's lint `unreachable_pub` sees to it that such an item can be reached. */
export function declared() {
  const items = new Set();
  for (const path of readdirSync(repoPath('src'), { recursive: true })) {
    const file = path.replaceAll('\\', '/');
    if (!file.endsWith('.rs') || /(^|\/)tests(\/|\.rs$)|^(cli|bindings)\//.test(file)) continue;
    const [text] = readFileSync(repoPath('src', file), 'utf8').split(/#\[cfg\(test\)\]\s*(?:pub(?:\([\w: ]+\))? )?mod \w+ \{/);
    const found = text.replace(/\/\/.*/g, '').matchAll(new RegExp(`^\\s*pub (?:const |async |unsafe )*(${KINDS}) (\\w+)`, 'gm'));
    for (const [, kind, name] of found) items.add(`${kind} ${name}`);
  }
  return items;
}

/** True if a function of that name is declared, in a trait or in an implementation of one, where `pub` does not stand. */
export function isImplemented(name) {
  return new RegExp(`\\bfn ${name}\\b`).test(SOURCES ??= readdirSync(repoPath('src'), { recursive: true })
    .filter((path) => path.endsWith('.rs')).map((path) => readFileSync(repoPath('src', path), 'utf8')).join('\n'));
}

let SOURCES;
