use super::state::STATE;
use crate::paywall::{Bindings, ConfigError, Gate, Settings};
use std::cell::RefCell;
use std::rc::Rc;
use worker::wasm_bindgen::JsValue;
use worker::{Env, js_sys};

/// Whether this is a library in a Worker of somebody's own.
const LIBRARY: bool = !cfg!(feature = "worker-entry");
/// Where the entry puts the files of the 402 page; `PAGE_FILES` names them.
const PAGE_CONTENT: &str = "PAGE_CONTENT";

thread_local! {
    /// Read once an isolate: its variables do not change under it.
    static GATE: RefCell<Option<Result<Rc<Gate>, ConfigError>>> = const { RefCell::new(None) };
}

/// The gate of this isolate.
pub(super) fn gate(env: &Env) -> Result<Rc<Gate>, ConfigError> {
    if let Some(known) = GATE.with_borrow(Clone::clone) {
        return known;
    }
    let bound = |name: &str| binding(env, name).is_some_and(|binding| binding.is_object());
    let bindings = Bindings {
        // In a Worker of somebody's own the handler is the origin, and may have bindings of these names.
        origin: LIBRARY || bound("ORIGIN"),
        bucket: !LIBRARY && bound("BUCKET"),
        assets: !LIBRARY && bound("ASSETS"),
        state: bound(STATE),
        handler: LIBRARY,
    };
    let gate =
        Settings::read(|name| variable(env, name).filter(|_| !LIBRARY || name != "ORIGIN_URL"), bindings)
            .map(|settings| Rc::new(Gate::new(settings)));
    if let Ok(gate) = &gate {
        for warning in gate.settings().warnings() {
            worker::console_warn!("{}", warning);
        }
    }
    GATE.set(Some(gate.clone()));
    gate
}

/// A binding of the Worker, if there is one of that name.
pub(super) fn binding(env: &Env, name: &str) -> Option<JsValue> {
    let value = js_sys::Reflect::get(env, &JsValue::from_str(name)).ok()?;
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

/// The text of a file that the entry carries for the 402 page.
pub(super) fn file(env: &Env, name: &str) -> Option<String> {
    js_sys::Reflect::get(&binding(env, PAGE_CONTENT)?, &JsValue::from_str(name)).ok()?.as_string()
}

/// A variable or secret as text; one that was given as JSON is printed again.
fn variable(env: &Env, name: &str) -> Option<String> {
    let value = binding(env, name)?;
    match value.as_string() {
        Some(text) => Some(text),
        None => js_sys::JSON::stringify(&value).ok().and_then(|text| text.as_string()),
    }
}
