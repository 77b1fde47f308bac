//! Reports the outcome of a request: a line of the log, and a data point if an Analytics Engine is bound.

use super::env;
use crate::paywall::Record;
use worker::Env;
use worker::js_sys::{Array, Function, Object, Reflect};
use worker::wasm_bindgen::{JsCast as _, JsValue};

/// The name of the binding to an Analytics Engine's data set.
const ANALYTICS: &str = "ANALYTICS";

/// Writes it down. What fails here is nobody's answer.
pub(super) fn write(record: &Record, env: &Env) {
    if let Some(line) = &record.line {
        worker::console_log!("{}", line);
    }
    if let Some(set) = env::binding(env, ANALYTICS)
        && let Err(error) = point(&set, record)
    {
        worker::console_error!("analytics: {:?}", error);
    }
}

fn point(set: &JsValue, record: &Record) -> Result<(), JsValue> {
    let point = Object::new();
    let put = |name: &str, values: Array| Reflect::set(&point, &name.into(), &values).map(drop);
    put("indexes", [JsValue::from_str(&record.route)].iter().collect())?;
    put("blobs", record.texts.iter().map(|text| JsValue::from_str(text)).collect())?;
    put("doubles", record.numbers.iter().map(|number| JsValue::from_f64(*number as f64)).collect())?;
    let write: Function = Reflect::get(set, &"writeDataPoint".into())?.dyn_into()?;
    write.call1(set, &point).map(drop)
}
