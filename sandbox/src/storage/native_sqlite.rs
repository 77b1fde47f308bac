//! The store of the native tests: SQLite in memory, and a simulated crash. After a set number of statements every
//! further one fails, as if the process had died, until the limit is removed.

use crate::http::error::{ApiError, Result};
use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection, params_from_iter};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::cell::Cell;
use worker::SqlStorageValue;

/// The error message after a simulated crash.
pub(crate) const CRASHED: &str = "the process died";

#[derive(Debug)]
pub(crate) struct NativeSqlite {
    connection: Connection,
    crash_after: Cell<Option<u32>>,
}

impl NativeSqlite {
    pub(crate) fn new() -> Self {
        Self { connection: Connection::open_in_memory().unwrap(), crash_after: Cell::new(None) }
    }

    /// Sets the number of statements that still run; `None` removes the limit.
    pub(crate) fn set_crash_after(&self, statements: Option<u32>) {
        self.crash_after.set(statements);
    }

    fn count_statement(&self) -> Result<()> {
        match self.crash_after.get() {
            None => Ok(()),
            Some(0) => Err(ApiError::internal(CRASHED)),
            Some(left) => {
                self.crash_after.set(Some(left - 1));
                Ok(())
            }
        }
    }

    pub(crate) fn run(&self, query: &str, binds: &[SqlStorageValue]) -> Result<()> {
        self.count_statement()?;
        if binds.is_empty() {
            return self.connection.execute_batch(query).map_err(|error| broken(query, &error));
        }
        self.rows::<Value>(query, binds).map(|_| ())
    }

    pub(crate) fn rows<T: DeserializeOwned>(&self, query: &str, binds: &[SqlStorageValue]) -> Result<Vec<T>> {
        self.count_statement()?;
        let wrong = |error| broken(query, &error);
        let mut statement = self.connection.prepare_cached(query).map_err(wrong)?;
        let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
        let mut rows = statement.query(params_from_iter(binds.iter().map(bound))).map_err(wrong)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(wrong)? {
            let mut object = Map::new();
            for (index, name) in names.iter().enumerate() {
                object.insert(name.clone(), read(row.get_ref(index).map_err(wrong)?));
            }
            let row = serde_json::from_value(Value::Object(object));
            found.push(row.map_err(|error| ApiError::internal(format!("{query}: {error}")))?);
        }
        Ok(found)
    }

    pub(crate) fn transaction<T>(&self, mut work: impl FnMut() -> Result<T>) -> Result<T> {
        let transaction = self.connection.unchecked_transaction().map_err(|error| broken("begin", &error))?;
        let value = work()?;
        // A process that died before its commit has not committed.
        self.count_statement()?;
        transaction.commit().map_err(|error| broken("commit", &error))?;
        Ok(value)
    }
}

fn broken(query: &str, error: &rusqlite::Error) -> ApiError {
    ApiError::internal(format!("storage: {error}: {query}"))
}

fn bound(value: &SqlStorageValue) -> Sql {
    match value {
        SqlStorageValue::Null => Sql::Null,
        SqlStorageValue::Boolean(flag) => Sql::Integer(i64::from(*flag)),
        SqlStorageValue::Integer(number) => Sql::Integer(*number),
        SqlStorageValue::Float(number) => Sql::Real(*number),
        SqlStorageValue::String(text) => Sql::Text(text.clone()),
        SqlStorageValue::Blob(bytes) => Sql::Blob(bytes.clone()),
    }
}

fn read(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned().into(),
        ValueRef::Blob(_) => Value::Null,
    }
}
