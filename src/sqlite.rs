//! The state of a paywall in a SQLite database: it survives a restart (feature `sqlite`).

use crate::paywall::state::{ObjectStore, Row, Rows, RowsError, Work};
use core::fmt;
use rusqlite::{Connection, OptionalExtension as _, ToSql, Transaction, params};
use std::path::Path;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS payments_state (
  made INTEGER PRIMARY KEY, object TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL,
  due INTEGER, UNIQUE (object, kind, id));
CREATE INDEX IF NOT EXISTS payments_state_by_due ON payments_state (due) WHERE due IS NOT NULL;
";

/// The objects of the state in one table, `payments_state`, of a database. The file belongs to one process at a time.
///
/// ```
/// use payments_wasm::paywall::state::ObjectStore;
/// use payments_wasm::sqlite::SqliteStore;
///
/// let mut store = SqliteStore::in_memory()?;
/// store.run("payer", &mut |rows| rows.put("claim", "1", "{}", Some(5)))?;
/// assert_eq!(store.next_due()?, Some((5, "payer".into())));
/// # Ok::<(), payments_wasm::paywall::state::RowsError>(())
/// ```
pub struct SqliteStore {
    connection: Connection,
}

impl SqliteStore {
    /// Opens the database in a file, or makes it. Each change is on disk before it counts.
    ///
    /// # Errors
    /// The file cannot be opened, or another process holds it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RowsError> {
        Self::new(Connection::open(path).map_err(failed)?)
    }

    /// A database in memory, for tests.
    ///
    /// # Errors
    /// SQLite has no memory.
    pub fn in_memory() -> Result<Self, RowsError> {
        Self::new(Connection::open_in_memory().map_err(failed)?)
    }

    fn new(connection: Connection) -> Result<Self, RowsError> {
        let pragmas =
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
        connection.execute_batch(pragmas).map_err(failed)?;
        connection.execute_batch(SCHEMA).map_err(failed)?;
        Ok(Self { connection })
    }
}

impl ObjectStore for SqliteStore {
    fn run(&mut self, object: &str, work: &mut Work<'_>) -> Result<(), RowsError> {
        // Dropped without a commit it changes nothing.
        let transaction = self.connection.transaction().map_err(failed)?;
        work(&mut SqliteRows { transaction: &transaction, object })?;
        transaction.commit().map_err(failed)
    }

    fn next_due(&mut self) -> Result<Option<(u64, String)>, RowsError> {
        let query = "SELECT due, object FROM payments_state WHERE due IS NOT NULL ORDER BY due LIMIT 1";
        let row = self.connection.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?)));
        row.optional().map_err(failed)
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}

/// The rows of one object, within a transaction.
struct SqliteRows<'a> {
    transaction: &'a Transaction<'a>,
    object: &'a str,
}

impl SqliteRows<'_> {
    fn found(&self, condition: &str, binds: &[&dyn ToSql]) -> Result<Vec<Row>, RowsError> {
        let query = format!("SELECT kind, id, value FROM payments_state WHERE {condition}");
        let mut statement = self.transaction.prepare_cached(&query).map_err(failed)?;
        let rows = statement
            .query_map(binds, |row| Ok(Row { kind: row.get(0)?, id: row.get(1)?, value: row.get(2)? }));
        rows.and_then(Iterator::collect).map_err(failed)
    }

    fn execute(&self, query: &str, binds: &[&dyn ToSql]) -> Result<(), RowsError> {
        let mut statement = self.transaction.prepare_cached(query).map_err(failed)?;
        statement.execute(binds).map(drop).map_err(failed)
    }
}

impl Rows for SqliteRows<'_> {
    fn get(&self, kind: &str, id: &str) -> Result<Option<String>, RowsError> {
        let found = self.found("object = ? AND kind = ? AND id = ?", params![self.object, kind, id])?;
        Ok(found.into_iter().next().map(|row| row.value))
    }

    fn put(&mut self, kind: &str, id: &str, value: &str, due: Option<u64>) -> Result<(), RowsError> {
        let query = "INSERT INTO payments_state (object, kind, id, value, due) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (object, kind, id) DO UPDATE SET value = excluded.value, due = excluded.due";
        self.execute(query, params![self.object, kind, id, value, due.map(time)])
    }

    fn remove(&mut self, kind: &str, id: &str) -> Result<(), RowsError> {
        let query = "DELETE FROM payments_state WHERE object = ? AND kind = ? AND id = ?";
        self.execute(query, params![self.object, kind, id])
    }

    fn due(&self, now: u64, limit: u32) -> Result<Vec<Row>, RowsError> {
        self.found("object = ? AND due <= ? ORDER BY due LIMIT ?", params![self.object, time(now), limit])
    }

    fn next_due(&self) -> Result<Option<u64>, RowsError> {
        let query = "SELECT MIN(due) FROM payments_state WHERE object = ? AND due IS NOT NULL";
        self.transaction.query_row(query, [self.object], |row| row.get(0)).map_err(failed)
    }

    fn list(&self, kind: &str, after: Option<&str>, limit: u32) -> Result<Vec<Row>, RowsError> {
        let made = "SELECT made FROM payments_state WHERE object = ?1 AND kind = ?2 AND id = ?3";
        let condition =
            format!("object = ?1 AND kind = ?2 AND made > ifnull(({made}), 0) ORDER BY made LIMIT ?4");
        self.found(&condition, params![self.object, kind, after, limit])
    }
}

/// A time as SQLite holds it.
fn time(milliseconds: u64) -> i64 {
    i64::try_from(milliseconds).unwrap_or(i64::MAX)
}

fn failed(error: rusqlite::Error) -> RowsError {
    RowsError(error.to_string())
}
