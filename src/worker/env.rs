//! Bindings and variables of the Worker.

use worker::Env;
use worker::js_sys;
use worker::wasm_bindgen::JsValue;

/// The name of the binding to the namespace of the state's objects.
pub(super) const STATE: &str = "PAYWALL_STATE";

/// A binding of the Worker, if there is one of that name.
pub(super) fn binding(env: &Env, name: &str) -> Option<JsValue> {
    let value = js_sys::Reflect::get(env, &JsValue::from_str(name)).ok()?;
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

/// A variable or secret as text; one that was given as JSON is printed again.
pub(super) fn variable(env: &Env, name: &str) -> Option<String> {
    let value = binding(env, name)?;
    match value.as_string() {
        Some(text) => Some(text),
        None => js_sys::JSON::stringify(&value).ok().and_then(|text| text.as_string()),
    }
}
