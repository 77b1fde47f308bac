// The code blocks of the README, as they stand there. A block says after its language where it is run (`run:`), what it is
// called (`name:`), and which block it goes on from (`after:`).
import { readFileSync } from 'node:fs';
import { at } from '../../scripts/lib/run.mjs';

export const readme = readFileSync(at('README.md'), 'utf8');

/** All fenced blocks: `{ language, run, name, after, code, line }`. */
export const blocks = [...readme.matchAll(/^```(\w*)(.*)\n([^]*?)^```$/gm)].map(({ 1: language, 2: info, 3: code, index }) => ({
  language, code, line: readme.slice(0, index).split('\n').length,
  ...Object.fromEntries(info.split(' ').filter(Boolean).map((pair) => pair.split(':'))),
}));

/** The script blocks that are run in `place`. */
export const snippets = (place) => blocks.filter(({ language, run }) => language === 'js' && run === place);

/** A block with those that it goes on from before it: nothing is added, nothing replaced. */
export function source(block) {
  const before = block.after && blocks.find(({ name }) => name === block.after);
  if (block.after && !before) throw new Error(`README.md:${block.line} goes on from ${block.after}, which is not there`);
  return (before ? `${source(before)}\n` : '') + block.code;
}
