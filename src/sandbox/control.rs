//! What only a sandbox has: a log of calls for tests, and a way to start over.

use super::call::{Call, Reply};
use super::problem::Outcome;
use super::store::{Store, binds};
use super::{Desk, clock};
use serde::Deserialize;
use serde_json::{Value, json};

/// How many calls are remembered at least; older ones are thrown away now and then.
const MOST_CALLS: i64 = 5_000;

/// Remembers a call, with what it was answered or would have been; 0 is a call that was dropped. The sandbox's own routes are not calls of the API.
pub(super) fn log(store: &Store, call: &Call, status: u16, fault: Option<&str>, now: i64) -> Outcome<()> {
    if call.path.first().is_some_and(|first| first == "sandbox") {
        return Ok(());
    }
    store.run(
        "INSERT INTO calls (method, path, status, fault, at) VALUES (?, ?, ?, ?, ?)",
        binds![call.method.as_str(), format!("/{}", call.path.join("/")), i64::from(status), fault, now],
    )
}

/// Forgets the oldest calls.
pub(super) fn sweep(store: &Store) -> Outcome<()> {
    store.run("DELETE FROM calls WHERE id <= (SELECT MAX(id) FROM calls) - ?", binds![MOST_CALLS])
}

/// `GET /sandbox/calls`: oldest first.
pub(super) fn calls(desk: &Desk) -> Outcome {
    #[derive(Deserialize)]
    struct Row {
        method: String,
        path: String,
        status: i64,
        fault: Option<String>,
        at: i64,
    }
    let rows: Vec<Row> =
        desk.store.rows("SELECT method, path, status, fault, at FROM calls ORDER BY id", binds![])?;
    let calls: Vec<Value> = rows
        .iter()
        .map(|row| {
            let mut call = json!({
                "method": row.method, "path": row.path, "status": row.status, "at": clock::iso(row.at),
            });
            if let (Some(fault), Some(call)) = (&row.fault, call.as_object_mut()) {
                call.insert("fault".into(), fault.as_str().into());
            }
            call
        })
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
