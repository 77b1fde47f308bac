use super::shell_limits::KEEP_MS;
use alloc::{string::String, vec::Vec};
use core::fmt;

/// The table of the rows in the SQLite of a Durable Object.
#[cfg(any(feature = "worker", feature = "paywall"))]
pub(crate) const ROWS_SCHEMA: &str = "CREATE TABLE IF NOT EXISTS rows (\
    made INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, due INTEGER, UNIQUE (kind, id));\
    CREATE INDEX IF NOT EXISTS rows_by_due ON rows (due) WHERE due IS NOT NULL;";

/// The storage of an object: texts by kind and id, some of which are due at a time. It is SQLite in a Durable Object, and a
/// map in a test.
pub trait Rows {
    /// The text of a row.
    ///
    /// # Errors
    /// The storage fails.
    fn get(&self, kind: &str, id: &str) -> Result<Option<String>, RowsError>;

    /// Makes a row or changes it. `due` is when it is to be looked at, in milliseconds since 1970.
    ///
    /// # Errors
    /// The storage fails.
    fn put(&mut self, kind: &str, id: &str, value: &str, due: Option<u64>) -> Result<(), RowsError>;

    /// Drops a row.
    ///
    /// # Errors
    /// The storage fails.
    fn remove(&mut self, kind: &str, id: &str) -> Result<(), RowsError>;

    /// At most `limit` rows that are due, the longest due first.
    ///
    /// # Errors
    /// The storage fails.
    fn due(&self, now: u64, limit: u32) -> Result<Vec<Row>, RowsError>;

    /// When the next row is due.
    ///
    /// # Errors
    /// The storage fails.
    fn next_due(&self) -> Result<Option<u64>, RowsError>;

    /// At most `limit` rows of a kind, in the order in which they were made, those after the row `after`.
    ///
    /// # Errors
    /// The storage fails.
    fn list(&self, kind: &str, after: Option<&str>, limit: u32) -> Result<Vec<Row>, RowsError>;

    /// Marks a row that is only kept to be read: a store with little memory may drop it before it is due.
    fn spare(&mut self, _kind: &str, _id: &str) {}

    /// For how long what is closed is kept, in milliseconds: less where the rows fill a process's memory. The platform
    /// keeps the nonces of what it settled for good.
    fn keep_ms(&self) -> u64 {
        KEEP_MS
    }
}

impl<R: Rows + ?Sized> Rows for &mut R {
    fn get(&self, kind: &str, id: &str) -> Result<Option<String>, RowsError> {
        (**self).get(kind, id)
    }

    fn put(&mut self, kind: &str, id: &str, value: &str, due: Option<u64>) -> Result<(), RowsError> {
        (**self).put(kind, id, value, due)
    }

    fn remove(&mut self, kind: &str, id: &str) -> Result<(), RowsError> {
        (**self).remove(kind, id)
    }

    fn due(&self, now: u64, limit: u32) -> Result<Vec<Row>, RowsError> {
        (**self).due(now, limit)
    }

    fn next_due(&self) -> Result<Option<u64>, RowsError> {
        (**self).next_due()
    }

    fn list(&self, kind: &str, after: Option<&str>, limit: u32) -> Result<Vec<Row>, RowsError> {
        (**self).list(kind, after, limit)
    }

    fn spare(&mut self, kind: &str, id: &str) {
        (**self).spare(kind, id);
    }

    fn keep_ms(&self) -> u64 {
        (**self).keep_ms()
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The kind of the row.
    pub kind: String,
    /// Which one.
    pub id: String,
    /// The text of the row.
    pub value: String,
}

/// The storage failed, or what it holds is not ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowsError(pub String);

impl RowsError {
    pub(crate) fn message(&self) -> String {
        ["storage: ", &self.0].concat()
    }
}

impl fmt::Display for RowsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl core::error::Error for RowsError {}
