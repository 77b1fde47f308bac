//! The Durable Object of the state: rows in SQLite, commands over fetch, the reconciler on its alarm. What is decided is
//! decided in `paywall::state`.

use super::env::STATE;
use super::{dialects, js, settings};
use crate::paywall::state::shell_limits::{FIRST_PAUSE_MS, MAX_ATTEMPTS, MAX_JOBS};
use crate::paywall::state::{
    self, Command, PlatformResponse, ROWS_SCHEMA, Reply, Row, Rows, RowsError, StateCall, Task,
};
use std::cell::Cell;
use worker::js_sys::{Date, Reflect};
use worker::wasm_bindgen::JsValue;
use worker::web_sys::AbortSignal;
use worker::{
    Delay, DurableObject, Env, Error, Request, Response, ScheduledTime, SqlStorage, SqlStorageValue,
    durable_object,
};

/// The state that must exist only once for a payer or a network: claims, journal, allowances, rates, receipts.
#[durable_object(alarm)]
#[derive(Debug)]
pub struct PaywallState {
    state: worker::State,
    env: Env,
    prepared: Cell<bool>,
    /// When the alarm is set for, as far as this instance knows.
    alarm: Cell<Option<u64>>,
}

impl DurableObject for PaywallState {
    fn new(state: worker::State, env: Env) -> Self {
        Self { state, env, prepared: Cell::new(false), alarm: Cell::new(None) }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let command =
            Command::from_text(&request.text().await?).map_err(|error| Error::from(error.to_string()))?;
        let reply = state::apply(&mut self.rows()?, &command, js::now()).map_err(failed)?;
        self.wake().await?;
        Response::ok(reply.to_text())
    }

    async fn alarm(&self) -> worker::Result<Response> {
        self.alarm.set(None);
        let spoken = settings::of_state(&self.env).await.map_err(|error| Error::from(error.to_string()))?;
        let (gate, speaker) = (spoken.gate, spoken.speaker.as_deref());
        if settings::is_stale(&self.env) {
            settings::refresh(&self.env).await;
        }
        let mut log = |line: String| worker::console_log!("{}", line);
        for _ in 0..MAX_JOBS {
            let job = gate.due(&mut self.rows()?, js::now(), &mut log).map_err(failed)?;
            let Some(job) = job else { break };
            let response = match &job.task {
                Task::Call(call) => dialects::ask(speaker, gate.settings(), call, None, None)
                    .await
                    .map_or(PlatformResponse::Unanswered, PlatformResponse::Answered),
                Task::Tell(call) => {
                    let heard = ask_once(&self.env, call, gate.settings().timeout_ms()).await;
                    heard.map_or(PlatformResponse::Unanswered, |_| PlatformResponse::Heard)
                }
            };
            state::on_response(&mut self.rows()?, &job, response, js::now(), &mut log).map_err(failed)?;
        }
        self.wake().await?;
        Response::empty()
    }
}

impl PaywallState {
    fn rows(&self) -> worker::Result<SqlRows> {
        let sql = self.state.storage().sql();
        if !self.prepared.get() {
            sql.exec(ROWS_SCHEMA, None)?;
            self.prepared.set(true);
        }
        Ok(SqlRows { sql })
    }

    /// Sets the alarm for the next row that is due, unless it rings before.
    async fn wake(&self) -> worker::Result<()> {
        let Some(next) = self.rows()?.next_due().map_err(failed)? else { return Ok(()) };
        if self.alarm.get().is_none_or(|set| next < set || set < js::now()) {
            self.alarm.set(Some(next));
            let at = Date::new(&JsValue::from_f64(next.max(js::now()) as f64));
            self.state.storage().set_alarm(ScheduledTime::new(at)).await?;
        }
        Ok(())
    }
}

/// Asks an object, once more if it did not answer: what it is asked may arrive twice.
pub(super) async fn ask(env: &Env, call: &StateCall, patience_ms: u32) -> Result<Reply, Error> {
    match ask_once(env, call, patience_ms).await {
        Err(_) => ask_once(env, call, patience_ms).await,
        reply => reply,
    }
}

/// Tells objects what nobody waits for. It has to arrive, so it is told again until it does.
pub(super) async fn tell(env: &Env, notes: Vec<StateCall>, patience_ms: u32) {
    for note in notes {
        for round in 0..MAX_ATTEMPTS {
            match ask_once(env, &note, patience_ms).await {
                Ok(_) => break,
                Err(error) if round + 1 == MAX_ATTEMPTS => {
                    worker::console_error!("state: a note was lost: {} {:?}", error, note.command);
                }
                Err(_) => Delay::from(std::time::Duration::from_millis(FIRST_PAUSE_MS << round)).await,
            }
        }
    }
}

pub(super) async fn ask_once(env: &Env, call: &StateCall, patience_ms: u32) -> Result<Reply, Error> {
    let object = env.durable_object(STATE)?.get_by_name(&call.shard)?;
    let init = worker::web_sys::RequestInit::new();
    init.set_method("POST");
    init.set_body(&JsValue::from_str(&call.command.to_text()));
    init.set_signal(Some(&AbortSignal::timeout_with_u32(patience_ms)));
    let request = worker::web_sys::Request::new_with_str_and_init("http://state/", &init)?;
    let mut response = object.fetch_with_request(request.into()).await?;
    if response.status_code() != 200 {
        return Err(Error::from(format!("the state answered {}", response.status_code())));
    }
    Reply::from_text(&response.text().await?).map_err(|error| Error::from(error.to_string()))
}

fn failed(error: RowsError) -> Error {
    Error::from(error.to_string())
}

/// Rows of one table.
struct SqlRows {
    sql: SqlStorage,
}

impl SqlRows {
    fn exec(&self, query: &str, binds: Vec<SqlStorageValue>) -> Result<worker::SqlCursor, RowsError> {
        self.sql.exec(query, binds).map_err(|error| RowsError(error.to_string()))
    }

    fn found(&self, query: &str, binds: Vec<SqlStorageValue>) -> Result<Vec<Row>, RowsError> {
        let rows = self.exec(query, binds)?.map(|row| {
            let row = row.map_err(|error| RowsError(error.to_string()))?;
            let text = |name: &str| column(&row, name).and_then(|value| value.as_string());
            let found = (text("kind"), text("id"), text("value"));
            let (Some(kind), Some(id), Some(value)) = found else {
                return Err(RowsError("a row is not of the schema".into()));
            };
            Ok(Row { kind, id, value })
        });
        rows.collect()
    }

    fn number(&self, query: &str, binds: Vec<SqlStorageValue>) -> Result<Option<u64>, RowsError> {
        let first = Iterator::next(&mut self.exec(query, binds)?).transpose();
        let row = first.map_err(|error| RowsError(error.to_string()))?;
        Ok(row.and_then(|row| column(&row, "number")?.as_f64()).map(|number| number as u64))
    }
}

fn column(row: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(row, &JsValue::from_str(name)).ok()
}

fn time(time: u64) -> SqlStorageValue {
    SqlStorageValue::Integer(i64::try_from(time).unwrap_or(i64::MAX))
}

impl Rows for SqlRows {
    fn get(&self, kind: &str, id: &str) -> Result<Option<String>, RowsError> {
        let query = "SELECT kind, id, value FROM rows WHERE kind = ? AND id = ?";
        Ok(self.found(query, vec![kind.into(), id.into()])?.into_iter().next().map(|row| row.value))
    }

    fn put(&mut self, kind: &str, id: &str, value: &str, due: Option<u64>) -> Result<(), RowsError> {
        let query = "INSERT INTO rows (kind, id, value, due) VALUES (?, ?, ?, ?)
            ON CONFLICT (kind, id) DO UPDATE SET value = excluded.value, due = excluded.due";
        let due = due.map_or(SqlStorageValue::Null, time);
        self.exec(query, vec![kind.into(), id.into(), value.into(), due]).map(drop)
    }

    fn remove(&mut self, kind: &str, id: &str) -> Result<(), RowsError> {
        self.exec("DELETE FROM rows WHERE kind = ? AND id = ?", vec![kind.into(), id.into()]).map(drop)
    }

    fn due(&self, now: u64, limit: u32) -> Result<Vec<Row>, RowsError> {
        let query = "SELECT kind, id, value FROM rows WHERE due <= ? ORDER BY due LIMIT ?";
        self.found(query, vec![time(now), i64::from(limit).into()])
    }

    fn next_due(&self) -> Result<Option<u64>, RowsError> {
        self.number("SELECT MIN(due) AS number FROM rows WHERE due IS NOT NULL", Vec::new())
    }

    fn list(&self, kind: &str, after: Option<&str>, limit: u32) -> Result<Vec<Row>, RowsError> {
        let made = match after {
            None => 0,
            Some(id) => self
                .number(
                    "SELECT made AS number FROM rows WHERE kind = ? AND id = ?",
                    vec![kind.into(), id.into()],
                )?
                .unwrap_or(0),
        };
        let query = "SELECT kind, id, value FROM rows WHERE kind = ? AND made > ? ORDER BY made LIMIT ?";
        self.found(query, vec![kind.into(), time(made), i64::from(limit).into()])
    }
}
