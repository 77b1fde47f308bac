// The name that was probably meant, as the buyer's JavaScript finds it: by the vectors of `wire::nearest_name`.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { repoPath } from '../../scripts/lib/run.mjs';
import { near } from '../../target/dist/subscriber/core.js';

for (const { known, meant } of JSON.parse(readFileSync(repoPath('tests/vectors/suggestions.json'), 'utf8'))) {
  test(`the name that was meant is found among: ${known.join(', ')}`, () => {
    assert.deepEqual(Object.fromEntries(Object.keys(meant).map((name) => [name, near(name, known) ?? null])), meant);
  });
}
