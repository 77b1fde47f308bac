// The rows that an object of the state keeps: texts by kind and id, some of which are due at a time. The core says what they mean.

const SCHEMA = `
CREATE TABLE IF NOT EXISTS rows (
  made INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, due INTEGER,
  UNIQUE (kind, id));
CREATE INDEX IF NOT EXISTS rows_by_due ON rows (due) WHERE due IS NOT NULL;
`;

/** Rows as the core reads them: kind, id and value, one after the other. */
const flat = (rows) => JSON.stringify(rows.flatMap(({ kind, id, value }) => [kind, id, value]));

/** Rows in the SQLite of a Durable Object, in the same table as the Worker's. */
export class SqlRows {
  keepMs = 30 * 86_400_000;

  constructor(sql) {
    this.sql = sql;
    this.soonest = undefined;
    sql.exec(SCHEMA);
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

/** The time for which closed entries are kept in memory, in milliseconds. */
const KEEP_IN_MEMORY = 10 * 60_000;

/** Rows in this process: each kind in the order in which its rows were made, and those that are due in a heap. */
export class MapRows {
  keepMs = KEEP_IN_MEMORY;
  rows = new Map();
  kinds = new Map();
  heap = [];
  made = 0;

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
    row.due = due;
    if (due !== undefined) this.#push({ due, row });
  }

  remove(kind, id) {
    const row = this.rows.get(`${kind} ${id}`);
    if (!row) return;
    this.rows.delete(`${kind} ${id}`);
    Object.assign(row, { due: undefined, removed: true });
    const all = this.kinds.get(kind);
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

  /** Returns the row that is due first. A row that was put off or dropped since is not due at that time any more. */
  #first() {
    while (this.heap.length > 0 && this.heap[0].row.due !== this.heap[0].due) this.#pop();
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
