//! Reading JSON: `serde_json`, and in the npm package the engine's own `JSON`, since a second parser with its tables of
//! powers of ten would be a fifteenth of all that a page loads.
//!
//! Both read the same documents: nested at most 127 deep, whole numbers that JSON carries exactly as
//! such, the last of two members of one name.

/// Reads a JSON document in UTF-8; `None` for what is not one.
#[cfg(not(all(feature = "subscriber", target_family = "wasm")))]
pub(crate) fn parse(bytes: &[u8]) -> Option<serde_json::Value> {
    serde_json::from_slice(bytes).ok()
}

#[cfg(all(feature = "subscriber", target_family = "wasm"))]
pub(crate) use engine::parse;

#[cfg(all(feature = "subscriber", target_family = "wasm"))]
mod engine {
    use js_sys::{Array, JSON, Object};
    use serde_json::{Number, Value};
    use wasm_bindgen::{JsCast, JsValue};

    /// How deep a document may be nested, as with `serde_json`; what is deeper is refused, not followed.
    const MAX_DEPTH: u32 = 127;

    /// Reads a JSON document in UTF-8; `None` for what is not one.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Value> {
        let text = core::str::from_utf8(bytes).ok()?;
        read(&JSON::parse(text).ok()?, MAX_DEPTH)
    }

    fn read(value: &JsValue, depth: u32) -> Option<Value> {
        if let Some(text) = value.as_string() {
            return Some(Value::String(text));
        }
        if let Some(number) = value.as_f64() {
            return read_number(number).map(Value::Number);
        }
        if let Some(flag) = value.as_bool() {
            return Some(Value::Bool(flag));
        }
        if value.is_null() {
            return Some(Value::Null);
        }
        let depth = depth.checked_sub(1)?;
        if let Some(list) = value.dyn_ref::<Array>() {
            return list.iter().map(|one| read(&one, depth)).collect::<Option<_>>().map(Value::Array);
        }
        let members = Object::entries(value.unchecked_ref());
        let member = |pair: JsValue| {
            let pair: Array = pair.unchecked_into();
            Some((pair.get(0).as_string()?, read(&pair.get(1), depth)?))
        };
        members.iter().map(member).collect::<Option<_>>().map(Value::Object)
    }

    /// A whole number that a double holds exactly stays whole; one beyond may have been another before it was read, and
    /// is left a double, which no amount is read from.
    fn read_number(number: f64) -> Option<Number> {
        const EXACT: f64 = 9_007_199_254_740_991.0;
        #[allow(clippy::cast_possible_truncation)]
        let whole = number as i64;
        #[allow(clippy::cast_precision_loss)]
        if number.abs() <= EXACT && whole as f64 == number {
            return Some(Number::from(whole));
        }
        Number::from_f64(number)
    }
}
