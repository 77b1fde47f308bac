// The counter of bodies in JavaScript, by the vectors that `paywall::pricing::body_counter` is tested with.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { repoPath } from '../../scripts/lib/run.mjs';
import { count } from '../../src/worker/meter.js';

const cases = JSON.parse(readFileSync(repoPath('tests/vectors/body_counts.json'), 'utf8'));

/** The bytes of a body: texts, texts that are repeated, and bytes. */
const bytesOf = (body) => Buffer.concat(body.map((part) => {
  if (typeof part === 'string') return Buffer.from(part);
  return part.base64 === undefined ? Buffer.from(part.text.repeat(part.times)) : Buffer.from(part.base64, 'base64');
}));

for (const { name, unit, member, body, ...expected } of cases) {
  test(`a body is counted the same whatever its parts: ${name}`, () => {
    const bytes = bytesOf(body);
    for (const size of [1, 2, 3, 1000, bytes.length + 1]) {
      const counter = count(unit, member);
      for (let at = 0; at < bytes.length; at += size) counter.add(bytes.subarray(at, at + size));
      const { tokens = null, ...sum } = counter.sum();
      assert.deepEqual({ ...sum, tokens, gap: counter.gap() }, { bytes: bytes.length, ...expected }, `in parts of ${size}`);
    }
  });
}
