use worker::js_sys::{self, Function, Promise, Reflect};
use worker::wasm_bindgen::{JsCast as _, JsValue};
use worker::wasm_bindgen_futures::JsFuture;

/// Calls a method that gives a promise.
pub(super) async fn call(target: &JsValue, name: &str, arguments: &[&JsValue]) -> Result<JsValue, JsValue> {
    let method: Function = Reflect::get(target, &name.into())?.dyn_into()?;
    let arguments: js_sys::Array = arguments.iter().copied().collect();
    let promise: Promise = method.apply(target, &arguments)?.dyn_into()?;
    JsFuture::from(promise).await
}
