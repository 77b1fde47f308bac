// The code blocks of the README and of the pages in docs/, exactly as they are written. The first line of a block says after its
// language where it runs (`run:`), its name (`name:`) and the block that it continues (`after:`), which may be on another page.
import { readFileSync, readdirSync } from 'node:fs';
import { repoPath } from '../../scripts/lib/run.mjs';

/** The pages for users: path from the root, and text. */
export const pages = ['README.md', ...readdirSync(repoPath('docs')).filter((name) => name.endsWith('.md')).sort().map((name) => `docs/${name}`)]
  .map((path) => ({ path, text: readFileSync(repoPath(path), 'utf8') }));

/** All fenced blocks: `{ page, line, language, run, name, after, code }`. */
export const blocks = pages.flatMap(({ path, text }) => [...text.matchAll(/^```(\w*)(.*)\n([^]*?)^```$/gm)].map(({ 1: language, 2: info, 3: code, index }) => ({
  page: path, line: text.slice(0, index).split('\n').length, language, code,
  ...Object.fromEntries(info.split(' ').filter(Boolean).map((pair) => pair.split(':'))),
})));

/** The script blocks that are run in `place`. */
export const snippets = (place) => blocks.filter(({ language, run }) => language === 'js' && run === place);

/** A block after all blocks that it continues. Nothing is added or replaced. */
export function source(block) {
  const before = block.after && blocks.find(({ name }) => name === block.after);
  if (block.after && !before) throw new Error(`${block.page}:${block.line} continues ${block.after}, which does not exist`);
  return (before ? `${source(before)}\n` : '') + block.code;
}
