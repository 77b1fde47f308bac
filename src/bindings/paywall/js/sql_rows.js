// The rows that an object of the state keeps: texts by kind and id, some of which are due at a time. The core says what they mean.
import { KEEP_IN_MEMORY_MS, KEEP_MS, MAX_CLOSED } from './shell_limits.js';

/** Rows as the core reads them: kind, id and value, one after the other. */
const flat = (rows) => JSON.stringify(rows.flatMap(({ kind, id, value }) => [kind, id, value]));

/** Rows in the SQLite of a Durable Object; the core has the schema of their table. */
export class SqlRows {
  keepMs = KEEP_MS;

  constructor(sql, schema) {
    this.sql = sql;
    this.soonest = undefined;
    sql.exec(schema);
  }

  get(kind, id) {
    return this.sql.exec('SELECT value FROM rows WHERE kind = ? AND id = ?', kind, id).toArray()[0]?.value;
  }

  put(kind, id, value, due) {
    this.sql.exec(`INSERT INTO rows (kind, id, value, due) VALUES (?, ?, ?, ?)
      ON CONFLICT (kind, id) DO UPDATE SET value = excluded.value, due = excluded.due`, kind, id, value, due ?? null);
    if (due !== undefined && !(due >= this.soonest)) this.soonest = due;
  }

  /** The first time at which a row is due that was put since the last call. */
  takeSoonest() {
    const { soonest } = this;
    this.soonest = undefined;
    return soonest;
  }

  remove(kind, id) {
    this.sql.exec('DELETE FROM rows WHERE kind = ? AND id = ?', kind, id);
  }

  /** There is room here. */
  spare() {}

  due(now, limit) {
    return flat(this.sql.exec('SELECT kind, id, value FROM rows WHERE due <= ? ORDER BY due LIMIT ?', now, limit).toArray());
  }

  nextDue() {
    return this.sql.exec('SELECT MIN(due) AS due FROM rows WHERE due IS NOT NULL').toArray()[0]?.due ?? undefined;
  }

  list(kind, after, limit) {
    const made = after === undefined ? undefined
      : this.sql.exec('SELECT made FROM rows WHERE kind = ? AND id = ?', kind, after).toArray()[0]?.made;
    const query = 'SELECT kind, id, value FROM rows WHERE kind = ? AND made > ? ORDER BY made LIMIT ?';
    return flat(this.sql.exec(query, kind, made ?? 0, limit).toArray());
  }
}

/** Rows in this process: each kind in the order in which its rows were made, and those that are due in a heap. */
export class MapRows {
  keepMs = KEEP_IN_MEMORY_MS;
  rows = new Map();
  kinds = new Map();
  heap = [];
  /** How many in the heap are not due at that time any more. */
  stale = 0;
  made = 0;

  /** `spared` are the rows of a process that may be dropped, the longest known first; `emptied` is called where the last row was one of them. */
  constructor(spared = [], emptied) {
    this.spared = spared;
    this.emptied = emptied;
  }

  get(kind, id) {
    return this.rows.get(`${kind} ${id}`)?.value;
  }

  put(kind, id, value, due) {
    const key = `${kind} ${id}`;
    let row = this.rows.get(key);
    if (!row) {
      row = { kind, id, value, due: undefined, made: ++this.made };
      this.rows.set(key, row);
      if (!this.kinds.has(kind)) this.kinds.set(kind, { rows: [], removed: 0 });
      this.kinds.get(kind).rows.push(row);
    }
    row.value = value;
    if (row.due === due) return;
    this.#forget(row);
    row.due = due;
    if (due !== undefined) this.#push({ due, row });
  }

  remove(kind, id) {
    const row = this.rows.get(`${kind} ${id}`);
    if (row) this.drop(row);
  }

  spare(kind, id) {
    const row = this.rows.get(`${kind} ${id}`);
    if (!row || this.spared.push([row, this]) <= MAX_CLOSED) return;
    const [oldest, rows] = this.spared.shift();
    rows.drop(oldest);
    if (rows.rows.size === 0) rows.emptied?.();
  }

  drop(row) {
    if (row.removed) return;
    this.rows.delete(`${row.kind} ${row.id}`);
    this.#forget(row);
    row.removed = true;
    const all = this.kinds.get(row.kind);
    // Half of it at the most is gone, so that nothing is moved more than a few times.
    if (++all.removed * 2 > all.rows.length) Object.assign(all, { rows: all.rows.filter(({ removed }) => !removed), removed: 0 });
  }

  due(now, limit) {
    const found = [];
    while (found.length < limit && this.#first() && this.heap[0].due <= now) found.push(this.#pop());
    for (const one of found) this.#push(one);
    return flat(found.map(({ row }) => row));
  }

  nextDue() {
    return this.#first()?.due;
  }

  list(kind, after, limit) {
    const rows = this.kinds.get(kind)?.rows ?? [];
    const made = after === undefined ? 0 : this.rows.get(`${kind} ${after}`)?.made ?? 0;
    let [from, to] = [0, rows.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (rows[middle].made > made) to = middle;
      else from = middle + 1;
    }
    const found = [];
    for (; from < rows.length && found.length < limit; from++) {
      const { id, value, removed } = rows[from];
      if (!removed) found.push({ kind, id, value });
    }
    return flat(found);
  }

  /** A row is not due any more at the time for which it is in the heap, half of which at the most is so. */
  #forget(row) {
    if (row.due === undefined) return;
    row.due = undefined;
    if (++this.stale * 2 <= this.heap.length) return;
    // A sorted list is a heap.
    this.heap = this.heap.filter((one) => one.row.due === one.due).sort((one, other) => one.due - other.due);
    this.stale = 0;
  }

  /** Returns the row that is due first. A row that was put off or dropped since is not due at that time any more. */
  #first() {
    for (; this.heap.length > 0 && this.heap[0].row.due !== this.heap[0].due; this.stale--) this.#pop();
    return this.heap[0];
  }

  #push(one) {
    const { heap } = this;
    let at = heap.push(one) - 1;
    for (let above; at > 0 && heap[(above = (at - 1) >> 1)].due > one.due; at = above) heap[at] = heap[above];
    heap[at] = one;
  }

  #pop() {
    const { heap } = this;
    const [first] = heap;
    const last = heap.pop();
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below + 1 < heap.length && heap[below + 1].due < heap[below].due) below++;
      if (!(heap[below]?.due < last.due)) break;
      heap[at] = heap[below];
      at = below;
    }
    heap[at] = last;
    return first;
  }
}
