// What an object of the state keeps: texts by kind and id, some of which are due at a time. The core says what they mean.

const SCHEMA = `
CREATE TABLE IF NOT EXISTS rows (
  made INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, due INTEGER,
  UNIQUE (kind, id));
CREATE INDEX IF NOT EXISTS rows_by_due ON rows (due) WHERE due IS NOT NULL;
`;

/** Rows in the SQLite of a Durable Object, in the same table as the Worker's. */
export class SqlRows {
  constructor(sql) {
    this.sql = sql;
    sql.exec(SCHEMA);
  }

  get(kind, id) {
    return this.sql.exec('SELECT value FROM rows WHERE kind = ? AND id = ?', kind, id).toArray()[0]?.value;
  }

  put(kind, id, value, due) {
    this.sql.exec(`INSERT INTO rows (kind, id, value, due) VALUES (?, ?, ?, ?)
      ON CONFLICT (kind, id) DO UPDATE SET value = excluded.value, due = excluded.due`, kind, id, value, due ?? null);
  }

  remove(kind, id) {
    this.sql.exec('DELETE FROM rows WHERE kind = ? AND id = ?', kind, id);
  }

  due(now, limit) {
    return this.sql.exec('SELECT kind, id, value FROM rows WHERE due <= ? ORDER BY due LIMIT ?', now, limit).toArray();
  }

  nextDue() {
    return this.sql.exec('SELECT MIN(due) AS due FROM rows WHERE due IS NOT NULL').toArray()[0]?.due ?? undefined;
  }

  list(kind, after, limit) {
    const made = after === undefined ? undefined
      : this.sql.exec('SELECT made FROM rows WHERE kind = ? AND id = ?', kind, after).toArray()[0]?.made;
    const query = 'SELECT kind, id, value FROM rows WHERE kind = ? AND made > ? ORDER BY made LIMIT ?';
    return this.sql.exec(query, kind, made ?? 0, limit).toArray();
  }
}

/** Rows in a map: a map keeps the order in which its keys were made. */
export class MapRows {
  rows = new Map();

  key(kind, id) {
    return `${kind} ${id}`;
  }

  get(kind, id) {
    return this.rows.get(this.key(kind, id))?.value;
  }

  put(kind, id, value, due) {
    this.rows.set(this.key(kind, id), { kind, id, value, due });
  }

  remove(kind, id) {
    this.rows.delete(this.key(kind, id));
  }

  due(now, limit) {
    return [...this.rows.values()].filter(({ due }) => due <= now).sort((one, other) => one.due - other.due).slice(0, limit);
  }

  nextDue() {
    let next;
    for (const { due } of this.rows.values()) if (due !== undefined && !(due >= next)) next = due;
    return next;
  }

  list(kind, after, limit) {
    const rows = [...this.rows.values()].filter((row) => row.kind === kind);
    const at = after === undefined ? -1 : rows.findIndex(({ id }) => id === after);
    return rows.slice(at + 1, at + 1 + limit);
  }
}
