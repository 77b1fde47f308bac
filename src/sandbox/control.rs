//! What only a sandbox has: a log of calls for tests, and a way to start over.

use super::call::Reply;
use super::problem::Outcome;
use super::store::{Store, binds};
use super::{Desk, clock};
use serde::Deserialize;
use serde_json::{Value, json};

/// How many calls are remembered.
const MOST_CALLS: i64 = 5_000;

/// Remembers a call. The sandbox's own routes are not calls of the API.
pub(super) fn log(store: &Store, method: &str, path: &[String], status: u16, now: i64) -> Outcome<()> {
    if path.first().is_some_and(|first| first == "sandbox") {
        return Ok(());
    }
    store.run(
        "INSERT INTO calls (method, path, status, at) VALUES (?, ?, ?, ?)",
        binds![method, format!("/{}", path.join("/")), i64::from(status), now],
    )?;
    store.run("DELETE FROM calls WHERE id <= (SELECT MAX(id) FROM calls) - ?", binds![MOST_CALLS])
}

/// `GET /sandbox/calls`: oldest first.
pub(super) fn calls(desk: &Desk) -> Outcome {
    #[derive(Deserialize)]
    struct Row {
        method: String,
        path: String,
        status: i64,
        at: i64,
    }
    let rows: Vec<Row> =
        desk.store.rows("SELECT method, path, status, at FROM calls ORDER BY id", binds![])?;
    let calls: Vec<Value> = rows
        .iter()
        .map(|row| json!({ "method": row.method, "path": row.path, "status": row.status, "at": clock::iso(row.at) }))
        .collect();
    Reply::ok(Value::Array(calls))
}

/// `DELETE /sandbox/calls`
pub(super) fn forget_calls(desk: &Desk) -> Outcome {
    desk.store.run("DELETE FROM calls", binds![])?;
    Ok(Reply::empty())
}

/// `POST /sandbox/reset`: as if it had just been started with an empty data folder.
pub(super) fn reset(desk: &Desk) -> Outcome {
    desk.store.clear()?;
    Ok(Reply::empty())
}
