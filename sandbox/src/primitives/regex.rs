//! Regular expressions of the JavaScript engine, because a Rust library would double the sandbox's size.

use worker::js_sys::{Array, Function, Reflect, global};
use worker::wasm_bindgen::{JsCast, JsValue};

/// True if a regular expression matches. An invalid expression never matches.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let test = || {
        let expression = compile(pattern)?;
        let test = Reflect::get(&expression, &"test".into())?.dyn_into::<Function>()?;
        test.call1(&expression, &text.into())
    };
    test().is_ok_and(|found| found.is_truthy())
}

/// True if the pattern is a regular expression.
pub(crate) fn is_valid(pattern: &str) -> bool {
    compile(pattern).is_ok()
}

fn compile(pattern: &str) -> Result<JsValue, JsValue> {
    let constructor: Function = Reflect::get(&global(), &"RegExp".into())?.dyn_into()?;
    Reflect::construct(&constructor, &Array::of1(&pattern.into()))
}
