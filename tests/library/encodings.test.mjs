// Files as editors and shells write them: with a byte order mark, in UTF-16, with CRLF.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readText } from '../../src/cli/text.js';

const folder = mkdtempSync(join(tmpdir(), 'payments-wasm-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const TEXT = JSON.stringify({ name: 'Zoë ☃', routes: {} }, null, 1).replaceAll('\n', '\r\n');
const swapped = (bytes) => Buffer.from(bytes).swap16();

for (const [name, bytes] of Object.entries({
  'UTF-8': Buffer.from(TEXT), 'UTF-8 with a mark': Buffer.from(`\ufeff${TEXT}`), 'UTF-16, as PowerShell writes it': Buffer.from(`\ufeff${TEXT}`, 'utf16le'),
  'UTF-16 the other way round': swapped(Buffer.from(`\ufeff${TEXT}`, 'utf16le')),
})) {
  test(`${name} is read`, () => {
    const path = join(folder, 'file.json');
    writeFileSync(path, bytes);
    assert.deepEqual(JSON.parse(readText(path)), JSON.parse(TEXT));
  });
}

test('what is in no such encoding is said to be', () => {
  const path = join(folder, 'file.json');
  for (const bytes of [Buffer.from('{"name":"Zo\xeb"}', 'latin1'), Buffer.from([0xff, 0xff, 0x00])]) {
    writeFileSync(path, bytes);
    assert.throws(() => readText(path), /UTF-8/);
  }
  assert.throws(() => readText(join(folder, 'nothing.json')), /ENOENT/);
});
