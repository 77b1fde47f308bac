// docs/public-api.txt records the public items of the Rust crate, so that a change of them is seen in review. `npm run public-api` writes it; this test
// compares names with the sources, which costs nothing. A change of a signature alone is for the command.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { declared, isImplemented, recorded } from '../../scripts/lib/public-api.mjs';

test('the record has the public items of the sources, and no others', () => {
  const [record, sources] = [recorded(), declared()];
  assert.ok(record.size > 400, `${record.size}`);
  // The module of ids is exported under another name; the Durable Object is exported to workerd, and to no Rust.
  const missing = [...sources].filter((item) => !record.has(item) && !['mod kind', 'struct PaywallState'].includes(item));
  // Types of a trait's implementation, and modules that are exported under another name, are not declared as items.
  const gone = [...record].filter((item) => !sources.has(item) && !item.startsWith('type ') && item !== 'mod id_kind' && !(item.startsWith('fn ') && isImplemented(item.slice(3))));
  assert.deepEqual({ missing, gone }, { missing: [], gone: [] }, 'npm run public-api writes docs/public-api.txt anew');
});

test('an item that is new or gone is seen', () => {
  const record = recorded('pub fn payments_wasm::wire::Credits::from_u64(u64) -> Self\n#[non_exhaustive] pub enum payments_wasm::wire::Scheme\npub trait payments_wasm::transport::Transport: core::marker::Send\n');
  assert.deepEqual([...record], ['fn from_u64', 'enum Scheme', 'trait Transport']);
});
