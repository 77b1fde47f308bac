//! The Durable Object's SQLite: schema, queries, and the transaction that every call runs in.

use super::problem::{Outcome, Problem};
use super::{oauth, widget_keys};
use serde::de::DeserializeOwned;
use worker::js_sys::{Function, Reflect};
use worker::wasm_bindgen::closure::ScopedClosure;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{SqlStorage, SqlStorageValue, State};

/// uint256 amounts are decimal TEXT, since SQLite's integers reach JavaScript as doubles. Times are milliseconds,
/// money that a delegation bounds is in cents: both are far below 2^53.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS accounts (
  id TEXT PRIMARY KEY, address TEXT NOT NULL, name TEXT NOT NULL, created_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS plans (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, org TEXT, terms TEXT NOT NULL, created_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS plans_by_owner ON plans (owner, created_at);
CREATE TABLE IF NOT EXISTS agents (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, org TEXT, metadata TEXT NOT NULL, api TEXT NOT NULL,
  created_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS agents_by_owner ON agents (owner, created_at);
CREATE TABLE IF NOT EXISTS agent_plans (
  agent_id TEXT NOT NULL, plan_id TEXT NOT NULL, PRIMARY KEY (agent_id, plan_id));
CREATE INDEX IF NOT EXISTS agents_by_plan ON agent_plans (plan_id);
CREATE TABLE IF NOT EXISTS lots (
  plan_id TEXT NOT NULL, holder TEXT NOT NULL, expires_at INTEGER NOT NULL, amount TEXT NOT NULL,
  PRIMARY KEY (plan_id, holder, expires_at));
CREATE TABLE IF NOT EXISTS purchases (
  tx TEXT PRIMARY KEY, plan_id TEXT NOT NULL, holder TEXT NOT NULL, kind TEXT NOT NULL, quantity TEXT NOT NULL,
  cents INTEGER NOT NULL, delegation_id TEXT, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS purchases_by_holder ON purchases (plan_id, holder);
CREATE TABLE IF NOT EXISTS settlements (
  tx TEXT PRIMARY KEY, plan_id TEXT NOT NULL, holder TEXT NOT NULL, credits TEXT NOT NULL, permission TEXT NOT NULL,
  order_tx TEXT, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS delegations (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, provider TEXT NOT NULL, payment_method TEXT, currency TEXT NOT NULL,
  limit_cents INTEGER NOT NULL, spent_cents INTEGER NOT NULL, transactions INTEGER NOT NULL,
  max_transactions INTEGER, plan_id TEXT, api_key_id TEXT, revoked INTEGER NOT NULL, expires_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS delegations_by_owner ON delegations (owner, created_at);
CREATE TABLE IF NOT EXISTS permissions (
  credential TEXT PRIMARY KEY, hash TEXT NOT NULL, holder TEXT NOT NULL, plan_id TEXT NOT NULL, agent_id TEXT,
  delegation_id TEXT NOT NULL, network TEXT NOT NULL, token TEXT NOT NULL, single_use INTEGER NOT NULL,
  spent INTEGER NOT NULL, expires_at INTEGER NOT NULL, created_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS checkouts (
  id TEXT PRIMARY KEY, plan_id TEXT NOT NULL, holder TEXT NOT NULL, paid INTEGER NOT NULL,
  expires_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS consents (
  account TEXT NOT NULL, document TEXT NOT NULL, version TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (account, document, version));
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS faults (
  id INTEGER PRIMARY KEY AUTOINCREMENT, rule TEXT NOT NULL, seed TEXT NOT NULL, seen INTEGER NOT NULL,
  struck INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS arrivals (
  tx TEXT PRIMARY KEY, plan_id TEXT NOT NULL, holder TEXT NOT NULL, kind TEXT NOT NULL, cents INTEGER NOT NULL,
  due_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS keys (id TEXT PRIMARY KEY, account TEXT NOT NULL, revoked INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS methods (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, provider TEXT NOT NULL, brand TEXT NOT NULL, last4 TEXT NOT NULL,
  exp_month INTEGER NOT NULL, exp_year INTEGER NOT NULL, alias TEXT, api_keys TEXT, declines INTEGER NOT NULL,
  removed INTEGER NOT NULL, created_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS methods_by_owner ON methods (owner, created_at);
CREATE TABLE IF NOT EXISTS widgets (
  token TEXT PRIMARY KEY, owner TEXT NOT NULL, return_url TEXT NOT NULL, expires_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS intents (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, provider TEXT NOT NULL, used INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS requests (
  id TEXT PRIMARY KEY, agent_id TEXT, plan_id TEXT NOT NULL, holder TEXT NOT NULL, price INTEGER, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS tasks (
  id INTEGER PRIMARY KEY AUTOINCREMENT, request_id TEXT NOT NULL, credits TEXT NOT NULL, tag TEXT, description TEXT,
  status TEXT NOT NULL, settled_by TEXT, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS tasks_by_request ON tasks (request_id);
CREATE TABLE IF NOT EXISTS charges (
  id TEXT PRIMARY KEY, delegation_id TEXT NOT NULL, plan_id TEXT NOT NULL, cents INTEGER NOT NULL, order_tx TEXT,
  at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS charges_by_delegation ON charges (delegation_id);
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS signers (account TEXT PRIMARY KEY, secret TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS challenges (
  id TEXT PRIMARY KEY, tx TEXT NOT NULL, result TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS organizations (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, active INTEGER NOT NULL, created_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS members (
  id TEXT PRIMARY KEY, org_id TEXT NOT NULL, account TEXT NOT NULL, address TEXT NOT NULL, role TEXT NOT NULL,
  active INTEGER NOT NULL, external_id TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  UNIQUE (org_id, account), UNIQUE (org_id, external_id));
CREATE INDEX IF NOT EXISTS members_by_account ON members (account);
CREATE TABLE IF NOT EXISTS customers (
  org_id TEXT NOT NULL, account TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (org_id, account));
CREATE TABLE IF NOT EXISTS events (
  id TEXT PRIMARY KEY, org_id TEXT NOT NULL, event TEXT NOT NULL, actor TEXT, subject TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS events_by_org ON events (org_id, at);
CREATE TABLE IF NOT EXISTS sales (
  id TEXT PRIMARY KEY, org_id TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL, status TEXT NOT NULL,
  refunded INTEGER NOT NULL, description TEXT, buyer_ref TEXT, intent TEXT NOT NULL, secret TEXT NOT NULL,
  expires_at INTEGER NOT NULL, idempotency_key TEXT, line_items TEXT, metadata TEXT, at INTEGER NOT NULL,
  UNIQUE (org_id, idempotency_key));
CREATE TABLE IF NOT EXISTS calls (
  id INTEGER PRIMARY KEY AUTOINCREMENT, method TEXT NOT NULL, path TEXT NOT NULL, status INTEGER NOT NULL,
  at INTEGER NOT NULL);
";

/// Columns that came later: a data folder of before gets them when it is opened.
const ADDED: [(&str, &str, &str); 21] = [
    ("permissions", "sessions", "TEXT NOT NULL DEFAULT '[]'"),
    ("accounts", "email", "TEXT"),
    ("widgets", "widget_key", "TEXT"),
    ("widgets", "origins", "TEXT"),
    ("permissions", "protocol", "TEXT NOT NULL DEFAULT 'x402'"),
    ("delegations", "merchant", "TEXT"),
    ("calls", "fault", "TEXT"),
    ("permissions", "revoked_at", "INTEGER NOT NULL DEFAULT 0"),
    ("settlements", "kind", "TEXT NOT NULL DEFAULT 'settle'"),
    ("settlements", "request", "TEXT"),
    ("plans", "listed", "INTEGER NOT NULL DEFAULT 1"),
    ("agents", "listed", "INTEGER NOT NULL DEFAULT 1"),
    ("calls", "query", "TEXT"),
    ("calls", "correlation", "TEXT"),
    ("calls", "account", "TEXT"),
    ("calls", "request", "TEXT"),
    ("calls", "response", "TEXT"),
    ("keys", "key", "TEXT"),
    ("keys", "org", "TEXT"),
    ("keys", "expires_at", "INTEGER"),
    ("keys", "created_at", "INTEGER"),
];

/// The values of a query's `?`s.
macro_rules! binds {
    ($($value:expr),* $(,)?) => { vec![$(worker::SqlStorageValue::from($value)),*] };
}
pub(super) use binds;

/// The storage of the one object that the sandbox is.
#[derive(Debug, Clone)]
pub(super) struct Store {
    sql: SqlStorage,
    storage: JsValue,
}

impl Store {
    pub(super) fn new(state: &State) -> Outcome<Self> {
        let storage = Reflect::get(state.as_raw(), &"storage".into()).map_err(worker::Error::from)?;
        Ok(Self { sql: state.storage().sql(), storage })
    }

    /// Makes the tables and columns that are missing.
    pub(super) fn prepare(&self) -> Outcome<()> {
        self.run(SCHEMA, Vec::new())?;
        self.run(oauth::SCHEMA, Vec::new())?;
        self.run(widget_keys::SCHEMA, Vec::new())?;
        for (table, column, kind) in ADDED {
            let there = "SELECT COUNT(*) AS count FROM pragma_table_info(?) WHERE name = ?";
            if self.count(there, binds![table, column])? == 0 {
                self.run(&format!("ALTER TABLE {table} ADD COLUMN {column} {kind}"), Vec::new())?;
            }
        }
        self.run(super::seed::SCHEMA, Vec::new())?;
        // Charges were once kept with the purchases alone.
        self.run(
            "INSERT INTO charges (id, delegation_id, plan_id, cents, order_tx, at)
             SELECT tx, delegation_id, plan_id, cents, tx, at FROM purchases
             WHERE delegation_id IS NOT NULL AND cents > 0 AND tx NOT IN (SELECT id FROM charges)
             AND tx NOT IN (SELECT order_tx FROM charges WHERE order_tx IS NOT NULL)",
            Vec::new(),
        )
    }

    /// Empties every table.
    pub(super) fn clear(&self) -> Outcome<()> {
        #[derive(serde::Deserialize)]
        struct Row {
            name: String,
        }
        // Tables of the runtime's own begin with `_cf_`.
        let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 4) <> '_cf_'
            AND substr(name, 1, 7) <> 'sqlite_'";
        let tables: Vec<Row> = self.rows(tables, Vec::new())?;
        tables.iter().try_for_each(|table| self.run(&format!("DELETE FROM {}", table.name), Vec::new()))
    }

    pub(super) fn run(&self, query: &str, binds: Vec<SqlStorageValue>) -> Outcome<()> {
        self.sql.exec(query, binds)?;
        Ok(())
    }

    pub(super) fn rows<T: DeserializeOwned>(
        &self,
        query: &str,
        binds: Vec<SqlStorageValue>,
    ) -> Outcome<Vec<T>> {
        Ok(self.sql.exec(query, binds)?.to_array()?)
    }

    /// The first row, if there is one.
    pub(super) fn first<T: DeserializeOwned>(
        &self,
        query: &str,
        binds: Vec<SqlStorageValue>,
    ) -> Outcome<Option<T>> {
        Ok(self.rows(query, binds)?.into_iter().next())
    }

    /// The number that a `SELECT COUNT(*) AS count ...` finds.
    pub(super) fn count(&self, query: &str, binds: Vec<SqlStorageValue>) -> Outcome<i64> {
        #[derive(serde::Deserialize)]
        struct Row {
            count: i64,
        }
        Ok(self.first::<Row>(query, binds)?.map_or(0, |row| row.count))
    }

    /// Runs `work` in one storage transaction: what it wrote stands if it succeeds, and nothing of it if it does not.
    ///
    /// `transactionSync` has no binding in the worker crate. It fits better than its asynchronous sibling: there is no
    /// await in it, so no other call of this object can come between.
    pub(super) fn transaction<T>(&self, mut work: impl FnMut() -> Outcome<T>) -> Outcome<T> {
        let mut outcome = None;
        let mut body = || -> Result<JsValue, JsValue> {
            let result = work();
            let failed = result.is_err();
            outcome = Some(result);
            if failed { Err(JsValue::from_str("rolled back")) } else { Ok(JsValue::UNDEFINED) }
        };
        let finished = {
            let closure = ScopedClosure::<dyn FnMut() -> Result<JsValue, JsValue>>::borrow_mut(&mut body);
            Reflect::get(&self.storage, &"transactionSync".into())
                .and_then(|function| function.dyn_into::<Function>())
                .and_then(|function| function.call1(&self.storage, closure.as_js_value()))
        };
        match (outcome, finished) {
            (Some(Ok(value)), Ok(_)) => Ok(value),
            (Some(Err(problem)), _) => Err(problem),
            (_, Err(error)) => Err(worker::Error::from(error).into()),
            (None, Ok(_)) => Err(Problem::internal("storage: the transaction did not run")),
        }
    }
}
