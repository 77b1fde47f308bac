// Documentation of the crate: a public function or field that has a number says what the number counts.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { repoPath } from '../../scripts/lib/run.mjs';

const NUMBER = /\b(u64|u32|i64|f64|usize)\b/;
const UNIT = /second|byte|how many|number|times|status|double|place in/i;

/** The public items of a text that have a number, each with its documentation. */
function items(text) {
  const lines = text.split('mod tests {')[0].split('\n');
  return lines.flatMap((line, at) => {
    const isFunction = /^\s*pub (const |async )?fn /.test(line);
    if (!isFunction && !/^ {4}pub \w+: /.test(line)) return [];
    const end = isFunction ? lines.findIndex((one, index) => index >= at && /[{;]$/.test(one)) : at;
    const signature = lines.slice(at, end + 1).join(' ');
    let from = at;
    while (/^\s*(\/\/\/|#\[)/.test(lines[from - 1] ?? '')) from -= 1;
    return NUMBER.test(signature) ? [{ line: at + 1, signature: signature.trim(), doc: lines.slice(from, at).join(' ') }] : [];
  });
}

test('each public number has a unit', () => {
  let count = 0;
  for (const folder of ['src/wire', 'src/paywall', 'src/subscriber']) {
    for (const file of readdirSync(repoPath(folder), { recursive: true }).filter((name) => name.endsWith('.rs') && !/(^|\/)tests(\/|\.rs$)/.test(name))) {
      for (const { line, signature, doc } of items(readFileSync(repoPath(folder, file), 'utf8'))) {
        count += 1;
        assert.match(doc, UNIT, `${folder}/${file}:${line}: ${signature}`);
      }
    }
  }
  assert.ok(count > 60, `${count} items`);
});
