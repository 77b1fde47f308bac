// The state of one process: what is asked of its rows costs the same however many there are, and they do not grow for ever.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_CLOSED } from '../../src/bindings/paywall/js/shell_limits.js';
import { MapRows } from '../../src/bindings/paywall/js/sql_rows.js';

/** The same in the plainest way. */
class PlainRows {
  rows = [];
  find = (kind, id) => this.rows.find((row) => row.kind === kind && row.id === id);
  get(kind, id) { return this.find(kind, id)?.value; }
  put(kind, id, value, due) {
    const row = this.find(kind, id);
    if (row) Object.assign(row, { value, due });
    else this.rows.push({ kind, id, value, due });
  }
  remove(kind, id) { this.rows = this.rows.filter((row) => row.kind !== kind || row.id !== id); }
  due(now) { return this.rows.filter(({ due }) => due <= now); }
  nextDue() { return this.rows.reduce((next, { due }) => (due === undefined || next <= due ? next : due), undefined); }
  list(kind, after, limit) {
    const rows = this.rows.filter((row) => row.kind === kind);
    return rows.slice(rows.findIndex(({ id }) => id === after) + 1).slice(0, limit);
  }
}

/** The rows of a flat text: kind, id and value, one after the other. */
function read(text) {
  const flat = JSON.parse(text);
  return Array.from({ length: flat.length / 3 }, (_, row) => ({ kind: flat[3 * row], id: flat[3 * row + 1], value: flat[3 * row + 2] }));
}

/** Numbers that are the same in each run. */
function chance(seed) {
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

test('rows in memory are what the plainest rows are, after any changes', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const next = chance(seed);
    const [rows, plain] = [new MapRows(), new PlainRows()];
    for (let step = 0; step < 400; step++) {
      const [kind, id] = [['entry', 'nonce', 'open'][next(3)], `v${next(30)}`];
      if (next(4) > 0) {
        const due = next(5) === 0 ? undefined : next(100);
        for (const one of [rows, plain]) one.put(kind, id, `${step}`, due);
      } else {
        for (const one of [rows, plain]) one.remove(kind, id);
      }
      if (next(8) === 0) rows.spare(kind, id);
      const now = next(110);
      assert.equal(rows.nextDue(), plain.nextDue());
      assert.equal(rows.get(kind, id), plain.get(kind, id));
      const names = (found) => found.map((row) => `${row.kind} ${row.id} ${row.value}`).sort();
      const due = read(rows.due(now, 1000));
      assert.deepEqual(names(due), names(plain.due(now)));
      const times = due.map((row) => plain.find(row.kind, row.id).due);
      assert.deepEqual(times, times.toSorted((one, other) => one - other), 'the longest due first');
      assert.equal(read(rows.due(now, 2)).length, Math.min(2, due.length));
      const ids = (found) => found.map((row) => row.id);
      assert.deepEqual(ids(read(rows.list(kind, undefined, 7))), ids(plain.list(kind, undefined, 7)));
      if (plain.find(kind, id)) assert.deepEqual(ids(read(rows.list(kind, id, 7))), ids(plain.list(kind, id, 7)));
    }
  }
});

test('what is kept of a hundred thousand payments that have run out is nothing', () => {
  const rows = new MapRows();
  for (let payment = 0; payment < 100_000; payment++) {
    rows.put('entry', `v${payment}`, 'settling', payment + 35_000);
    rows.put('entry', `v${payment}`, 'settled', payment + rows.keepMs);
    for (const { kind, id } of read(rows.due(payment, 64))) rows.remove(kind, id);
  }
  for (let due; (due = rows.nextDue()) !== undefined;) for (const { kind, id } of read(rows.due(due, 64))) rows.remove(kind, id);
  assert.deepEqual([rows.rows.size, rows.heap.length, rows.kinds.get('entry').rows.length], [0, 0, 0]);
});

test('of closed entries the newest ten thousand are kept, of all payers together, and nothing else is dropped', () => {
  const spared = [];
  let emptied = 0;
  const payers = Array.from({ length: 7 }, () => new MapRows(spared, () => { emptied++; }));
  payers[0].put('entry', 'under way', 'settling', 1e9);
  payers[0].put('nonce', 'n1', 'spent', 1e9);
  for (let payment = 0; payment < 100_000; payment++) {
    // One of them pays in the first half only.
    const rows = payment < 50_000 ? payers[payment % 7] : payers[payment % 6];
    rows.put('entry', `v${payment}`, 'settling', payment + 35_000);
    rows.put('entry', `v${payment}`, 'settled', payment + rows.keepMs);
    rows.spare('entry', `v${payment}`);
  }
  const kept = payers.reduce((sum, { rows }) => sum + rows.size, 0);
  assert.equal(kept, MAX_CLOSED + 2);
  assert.equal(payers[0].get('entry', 'under way'), 'settling');
  assert.equal(payers[0].get('nonce', 'n1'), 'spent');
  assert.equal(payers[89_999 % 6].get('entry', 'v89999'), undefined);
  assert.equal(payers[90_000 % 6].get('entry', 'v90000'), 'settled');
  assert.equal(emptied, 1, 'the payer of the first half is gone');
  for (const { rows, heap, kinds } of payers) {
    assert.ok(heap.length <= 2 * rows.size, `${heap.length} in the heap of ${rows.size}`);
    assert.ok((kinds.get('entry')?.rows.length ?? 0) <= 2 * rows.size);
  }
  assert.equal(payers[0].nextDue(), Math.min(1e9, 90_000 + payers[0].keepMs));
});

test('a step costs about as much with 64,000 rows as with 1,000', () => {
  const compared = (rows) => {
    let count = 0;
    // A due time that counts how often it is looked at.
    const at = (due) => ({ valueOf() { count++; return due; } });
    for (let row = 0; row < rows.size; row++) rows.rows.put('entry', `v${row}`, '', at(row));
    count = 0;
    for (let step = 0; step < 100; step++) {
      rows.rows.put('entry', `w${step}`, '', at(rows.size - step));
      rows.rows.due(-1, 64);
      rows.rows.nextDue();
    }
    return count;
  };
  const few = compared({ rows: new MapRows(), size: 1_000 });
  const many = compared({ rows: new MapRows(), size: 64_000 });
  assert.ok(many < few * 3, `${few} looks with 1,000 rows, ${many} with 64,000`);
});
