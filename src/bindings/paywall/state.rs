//! The state's rows in JavaScript: SQLite of a Durable Object, or a map of one process.

use super::action::{Platform, state_call};
use super::event;
use crate::codec;
use crate::paywall::Gate;
use crate::paywall::state::{self, Command, PlatformResponse, Row, Rows, RowsError, Task};
use serde_json::Value;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The rows of an object: `src/bindings/paywall/js/sql_rows.js`.
    #[derive(Debug)]
    pub type JsRows;

    #[wasm_bindgen(method, catch)]
    fn get(this: &JsRows, kind: &str, id: &str) -> Result<Option<String>, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn put(this: &JsRows, kind: &str, id: &str, value: &str, due: Option<f64>) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    fn remove(this: &JsRows, kind: &str, id: &str) -> Result<(), JsValue>;

    /// Rows as a JSON array of kind, id and value, one after the other.
    #[wasm_bindgen(method, catch)]
    fn due(this: &JsRows, now: f64, limit: u32) -> Result<String, JsValue>;

    #[wasm_bindgen(method, catch, js_name = nextDue)]
    fn next_due(this: &JsRows) -> Result<Option<f64>, JsValue>;

    /// As `due`.
    #[wasm_bindgen(method, catch)]
    fn list(this: &JsRows, kind: &str, after: Option<&str>, limit: u32) -> Result<String, JsValue>;

    #[wasm_bindgen(method)]
    fn spare(this: &JsRows, kind: &str, id: &str);

    #[wasm_bindgen(method, getter, js_name = keepMs)]
    fn keep_ms(this: &JsRows) -> f64;
}

/// Something that an object of the state has to do.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Job {
    job: state::Job,
    rows: ObjectRows,
    platform: Platform,
}

#[wasm_bindgen]
impl Job {
    /// The action: a `call` of the platform, or a call to another object of the `state`.
    pub fn action(&self) -> String {
        match &self.job.task {
            Task::Call(call) => self.platform.call(call, None),
            Task::Tell(call) => state_call(call),
        }
    }

    /// Takes the result, an event, and gives the lines for the log.
    pub fn done(mut self, event: &str, now: f64) -> Result<String, JsValue> {
        let response = match event::is_reply(event) {
            true => PlatformResponse::Heard,
            false => {
                event::platform_answer(event).map_or(PlatformResponse::Unanswered, PlatformResponse::Answered)
            }
        };
        let mut lines: Vec<String> = Vec::new();
        state::on_response(&mut self.rows, &self.job, response, now as u64, &mut |line| lines.push(line))
            .map_err(failed)?;
        Ok(lines.join("\n"))
    }
}

pub(super) fn due(gate: &Gate, rows: JsRows, now: u64, platform: Platform) -> Result<Option<Job>, JsValue> {
    let mut rows = ObjectRows(rows);
    let job = gate.due(&mut rows, now, &mut |line| log(&line)).map_err(failed)?;
    Ok(job.map(|job| Job { job, rows, platform }))
}

pub(super) fn apply(rows: JsRows, command: &str, now: u64) -> Result<String, JsValue> {
    let command = Command::from_text(command).map_err(|error| error_of(&error.message()))?;
    Ok(state::apply(&mut ObjectRows(rows), &command, now).map_err(failed)?.to_text())
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console)]
    fn log(line: &str);
}

fn failed(error: RowsError) -> JsValue {
    error_of(&error.message())
}

fn error_of(message: &str) -> JsValue {
    js_sys::Error::new(message).into()
}

#[derive(Debug)]
struct ObjectRows(JsRows);

fn broken(error: JsValue) -> RowsError {
    let error: Result<js_sys::Error, _> = error.dyn_into();
    RowsError(error.map_or_else(|_| "failed".into(), |error| error.message().into()))
}

fn rows_of(text: &str) -> Result<Vec<Row>, RowsError> {
    let unreadable = || RowsError("a row has no text".into());
    let Some(Value::Array(values)) = codec::parse_text(text) else { return Err(unreadable()) };
    let mut texts = values.into_iter();
    let mut rows = Vec::new();
    while let Some(kind) = texts.next() {
        match (kind, texts.next(), texts.next()) {
            (Value::String(kind), Some(Value::String(id)), Some(Value::String(value))) => {
                rows.push(Row { kind, id, value });
            }
            _ => return Err(unreadable()),
        }
    }
    Ok(rows)
}

impl Rows for ObjectRows {
    fn get(&self, kind: &str, id: &str) -> Result<Option<String>, RowsError> {
        self.0.get(kind, id).map_err(broken)
    }

    fn put(&mut self, kind: &str, id: &str, value: &str, due: Option<u64>) -> Result<(), RowsError> {
        self.0.put(kind, id, value, due.map(|due| due as f64)).map_err(broken)
    }

    fn remove(&mut self, kind: &str, id: &str) -> Result<(), RowsError> {
        self.0.remove(kind, id).map_err(broken)
    }

    fn due(&self, now: u64, limit: u32) -> Result<Vec<Row>, RowsError> {
        rows_of(&self.0.due(now as f64, limit).map_err(broken)?)
    }

    fn next_due(&self) -> Result<Option<u64>, RowsError> {
        Ok(self.0.next_due().map_err(broken)?.map(|due| due as u64))
    }

    fn list(&self, kind: &str, after: Option<&str>, limit: u32) -> Result<Vec<Row>, RowsError> {
        rows_of(&self.0.list(kind, after, limit).map_err(broken)?)
    }

    fn spare(&mut self, kind: &str, id: &str) {
        self.0.spare(kind, id);
    }

    fn keep_ms(&self) -> u64 {
        self.0.keep_ms() as u64
    }
}
