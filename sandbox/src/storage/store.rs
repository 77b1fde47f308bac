//! The storage: queries, and the transaction that every request runs in.
//!
//! The sandbox uses the Durable Object's SQLite. Native tests run the same queries over their own SQLite
//! (`native_sqlite.rs`).

use crate::http::error::{ApiError, Result};
#[cfg(all(test, not(target_arch = "wasm32")))]
use crate::storage::native_sqlite::NativeSqlite;
use crate::storage::schema::{ADDED, SCHEMA};
use serde::de::DeserializeOwned;
use worker::js_sys::{Function, Reflect};
use worker::wasm_bindgen::closure::ScopedClosure;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{SqlStorage, SqlStorageValue, State};

/// The bound values of a query.
macro_rules! binds {
    ($($value:expr),* $(,)?) => { vec![$(worker::SqlStorageValue::from($value)),*] };
}
pub(crate) use binds;

/// The storage of the Durable Object.
#[derive(Debug, Clone)]
pub(crate) struct Store(Engine);

#[derive(Debug, Clone)]
enum Engine {
    Object {
        sql: SqlStorage,
        storage: JsValue,
    },
    #[cfg(all(test, not(target_arch = "wasm32")))]
    NativeSqlite(std::rc::Rc<NativeSqlite>),
}

impl Store {
    pub(crate) fn new(state: &State) -> Result<Self> {
        let storage = Reflect::get(state.as_raw(), &"storage".into()).map_err(worker::Error::from)?;
        Ok(Self(Engine::Object { sql: state.storage().sql(), storage }))
    }

    #[cfg(all(test, not(target_arch = "wasm32")))]
    pub(crate) fn native(native: std::rc::Rc<NativeSqlite>) -> Self {
        Self(Engine::NativeSqlite(native))
    }

    /// Creates missing tables and columns.
    pub(crate) fn prepare(&self) -> Result<()> {
        self.run(SCHEMA, Vec::new())?;
        for (table, column, kind) in ADDED {
            let there = "SELECT COUNT(*) AS count FROM pragma_table_info(?) WHERE name = ?";
            if self.count(there, binds![table, column])? == 0 {
                self.run(&format!("ALTER TABLE {table} ADD COLUMN {column} {kind}"), Vec::new())?;
            }
        }
        // Older data folders have charges in `purchases` only.
        self.run(
            "INSERT INTO charges (id, delegation_id, plan_id, cents, order_tx, at)
             SELECT tx, delegation_id, plan_id, cents, tx, at FROM purchases
             WHERE delegation_id IS NOT NULL AND cents > 0 AND tx NOT IN (SELECT id FROM charges)
             AND tx NOT IN (SELECT order_tx FROM charges WHERE order_tx IS NOT NULL)",
            Vec::new(),
        )
    }

    /// True if there is a table with this name.
    pub(crate) fn has_table(&self, name: &str) -> Result<bool> {
        let tables = "SELECT COUNT(*) AS count FROM sqlite_master WHERE type = 'table' AND name = ?";
        Ok(self.count(tables, binds![name])? > 0)
    }

    /// Empties every table.
    pub(crate) fn clear(&self) -> Result<()> {
        #[derive(serde::Deserialize)]
        struct Row {
            name: String,
        }
        // The runtime's tables begin with `_cf_`.
        let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 4) <> '_cf_'
            AND substr(name, 1, 7) <> 'sqlite_'";
        let tables: Vec<Row> = self.rows(tables, Vec::new())?;
        tables.iter().try_for_each(|table| self.run(&format!("DELETE FROM {}", table.name), Vec::new()))
    }

    pub(crate) fn run(&self, query: &str, binds: Vec<SqlStorageValue>) -> Result<()> {
        match &self.0 {
            Engine::Object { sql, .. } => {
                sql.exec(query, binds)?;
                Ok(())
            }
            #[cfg(all(test, not(target_arch = "wasm32")))]
            Engine::NativeSqlite(native) => native.run(query, &binds),
        }
    }

    pub(crate) fn rows<T: DeserializeOwned>(
        &self,
        query: &str,
        binds: Vec<SqlStorageValue>,
    ) -> Result<Vec<T>> {
        match &self.0 {
            Engine::Object { sql, .. } => Ok(sql.exec(query, binds)?.to_array()?),
            #[cfg(all(test, not(target_arch = "wasm32")))]
            Engine::NativeSqlite(native) => native.rows(query, &binds),
        }
    }

    /// The first row, if there is one.
    pub(crate) fn first<T: DeserializeOwned>(
        &self,
        query: &str,
        binds: Vec<SqlStorageValue>,
    ) -> Result<Option<T>> {
        Ok(self.rows(query, binds)?.into_iter().next())
    }

    /// The result of a `SELECT COUNT(*) AS count ...`.
    pub(crate) fn count(&self, query: &str, binds: Vec<SqlStorageValue>) -> Result<i64> {
        #[derive(serde::Deserialize)]
        struct Row {
            count: i64,
        }
        Ok(self.first::<Row>(query, binds)?.map_or(0, |row| row.count))
    }

    /// Runs `work` in one storage transaction: it commits if `work` succeeds and rolls back if it fails.
    ///
    /// The worker crate has no binding for `transactionSync`. It fits better than the asynchronous API: without an
    /// await no other request of this object can interleave. The runtime sends no response before earlier writes are
    /// on disk (its output gate), so no acknowledged write is lost.
    pub(crate) fn transaction<T>(&self, mut work: impl FnMut() -> Result<T>) -> Result<T> {
        let storage = match &self.0 {
            Engine::Object { storage, .. } => storage,
            #[cfg(all(test, not(target_arch = "wasm32")))]
            Engine::NativeSqlite(native) => return native.transaction(work),
        };
        let mut outcome = None;
        let mut body = || -> Result<JsValue, JsValue> {
            let result = work();
            let failed = result.is_err();
            outcome = Some(result);
            if failed { Err(JsValue::from_str("rolled back")) } else { Ok(JsValue::UNDEFINED) }
        };
        let finished = {
            let closure = ScopedClosure::<dyn FnMut() -> Result<JsValue, JsValue>>::borrow_mut(&mut body);
            Reflect::get(storage, &"transactionSync".into())
                .and_then(|function| function.dyn_into::<Function>())
                .and_then(|function| function.call1(storage, closure.as_js_value()))
        };
        match (outcome, finished) {
            (Some(Ok(value)), Ok(_)) => Ok(value),
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(worker::Error::from(error).into()),
            (None, Ok(_)) => Err(ApiError::internal("storage: the transaction did not run")),
        }
    }
}
