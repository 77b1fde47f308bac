// The shells in Rust and in JavaScript that run the state have the same limits.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { repoPath } from '../../scripts/lib/run.mjs';

const numbers = (path, pattern) => Object.fromEntries([...readFileSync(repoPath(path), 'utf8').matchAll(pattern)].map(([, name, value]) => [name, Number(value)]));

test('the limits of the state are the same in both', () => {
  const rust = numbers('src/paywall/state/shell_limits.rs', /const (\w+): u\d+ = (\d+);/g);
  const { MOST_JOBS, TELLS, PAUSE } = numbers('src/bindings/paywall/js/state_store.js', /^const (\w+) = (\d+);/gm);
  assert.deepEqual({ MAX_JOBS: MOST_JOBS, MAX_ATTEMPTS: TELLS, FIRST_PAUSE_MS: PAUSE }, rust);
});
