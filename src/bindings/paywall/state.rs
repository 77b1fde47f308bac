//! The state's rows where JavaScript keeps them: SQLite of a Durable Object, a map of one process.

use super::action;
use super::action::{Call, Key};
use super::event::Happened;
use crate::paywall::Gate;
use crate::paywall::state::{self, Command, PlatformResponse, Row, Rows, RowsError, Task};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// What an object keeps: `src/bindings/paywall/js/sql_rows.js`.
    #[derive(Debug)]
    pub type JsRows;

    #[wasm_bindgen(method, catch)]
    fn get(this: &JsRows, kind: &str, id: &str) -> Result<Option<String>, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn put(this: &JsRows, kind: &str, id: &str, value: &str, due: Option<f64>) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    fn remove(this: &JsRows, kind: &str, id: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    fn due(this: &JsRows, now: f64, limit: u32) -> Result<Vec<Found>, JsValue>;

    #[wasm_bindgen(method, catch, js_name = nextDue)]
    fn next_due(this: &JsRows) -> Result<Option<f64>, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn list(this: &JsRows, kind: &str, after: Option<&str>, limit: u32) -> Result<Vec<Found>, JsValue>;

    #[wasm_bindgen(method, getter, js_name = keepMs)]
    fn keep_ms(this: &JsRows) -> f64;

    /// A row, as it was found.
    pub type Found;

    #[wasm_bindgen(method, getter)]
    fn kind(this: &Found) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn id(this: &Found) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn value(this: &Found) -> Option<String>;
}

/// Something that an object of the state has to do.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Job {
    job: state::Job,
    rows: Kept,
    key: Key,
}

#[wasm_bindgen]
impl Job {
    /// A call of the platform, as an action has it.
    #[wasm_bindgen(getter)]
    pub fn call(&self) -> Result<JsValue, JsValue> {
        match &self.job.task {
            Task::Call(call) => super::to_js(&Call::new(call, &self.key)),
            Task::Tell(_) => Ok(JsValue::UNDEFINED),
        }
    }

    /// What another object is to be told, where there is no call: `{ shard, command }`.
    #[wasm_bindgen(getter)]
    pub fn tell(&self) -> Result<JsValue, JsValue> {
        match &self.job.task {
            Task::Tell(call) => super::to_js(&action::Told::from(call)),
            Task::Call(_) => Ok(JsValue::UNDEFINED),
        }
    }

    /// Takes what came of it, an event, and gives the lines for the log.
    pub fn told(mut self, event: Happened, now: f64) -> Result<Vec<String>, JsValue> {
        let told = match event.is_reply() {
            true => PlatformResponse::Heard,
            false => event.answer().map_or(PlatformResponse::Unanswered, PlatformResponse::Answered),
        };
        let mut lines = Vec::new();
        state::on_response(&mut self.rows, &self.job, told, now as u64, &mut |line| lines.push(line))
            .map_err(failed)?;
        Ok(lines)
    }
}

pub(super) fn due(gate: &Gate, rows: JsRows, now: u64, key: Key) -> Result<Option<Job>, JsValue> {
    let mut rows = Kept(rows);
    let job = gate.due(&mut rows, now, &mut |line| log(&line)).map_err(failed)?;
    Ok(job.map(|job| Job { job, rows, key }))
}

pub(super) fn apply(rows: JsRows, command: &str, now: u64) -> Result<String, JsValue> {
    Ok(state::apply(&mut Kept(rows), &read(command)?, now).map_err(failed)?.to_text())
}

fn read(command: &str) -> Result<Command, JsValue> {
    Command::from_text(command).map_err(|error| JsError::new(&error.to_string()).into())
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console)]
    fn log(line: &str);
}

fn failed(error: RowsError) -> JsValue {
    JsError::new(&error.to_string()).into()
}

#[derive(Debug)]
struct Kept(JsRows);

fn broken(error: JsValue) -> RowsError {
    let error: Result<js_sys::Error, _> = error.dyn_into();
    RowsError(error.map_or_else(|_| "failed".into(), |error| error.message().into()))
}

fn found(rows: Vec<Found>) -> Result<Vec<Row>, RowsError> {
    let row = |found: Found| Some(Row { kind: found.kind()?, id: found.id()?, value: found.value()? });
    let rows: Option<_> = rows.into_iter().map(row).collect();
    rows.ok_or_else(|| RowsError("a row has no text".into()))
}

impl Rows for Kept {
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
        found(self.0.due(now as f64, limit).map_err(broken)?)
    }

    fn next_due(&self) -> Result<Option<u64>, RowsError> {
        Ok(self.0.next_due().map_err(broken)?.map(|due| due as u64))
    }

    fn list(&self, kind: &str, after: Option<&str>, limit: u32) -> Result<Vec<Row>, RowsError> {
        found(self.0.list(kind, after, limit).map_err(broken)?)
    }

    fn keep_ms(&self) -> u64 {
        self.0.keep_ms() as u64
    }
}
