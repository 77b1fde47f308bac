// Limits that JavaScript without imports and Rust have each for itself. The others have one source (`src/paywall/state/shell_limits.rs`).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { repoPath } from '../../scripts/lib/run.mjs';
import { shellLimits } from '../../scripts/lib/shell-limits.mjs';

const product = (path, name) => {
  const [, one, other] = new RegExp(`const ${name}(?:: usize)? = (\\d+) \\* (\\d+);`).exec(readFileSync(repoPath(path), 'utf8'));
  return one * other;
};

test('as much of an answer is read by each client, and as much of a line by each counter', () => {
  assert.equal(product('src/bindings/http/answer.js', 'MAX_ANSWER_BYTES'), product('src/api/mod.rs', 'MAX_ANSWER_BYTES'));
  assert.equal(product('src/worker/meter.js', 'MOST_TEXT'), product('src/paywall/pricing/body_counter.rs', 'MAX_TEXT_UNITS'));
});

test('each limit of the shells in Rust is written for JavaScript', () => {
  const rust = readFileSync(repoPath('src/paywall/state/shell_limits.rs'), 'utf8');
  assert.deepEqual(shellLimits().match(/(?<=const )\w+/g), rust.match(/(?<=const )\w+/g));
});
