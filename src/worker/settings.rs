use super::env::{STATE, binding, variable};
use super::js;
use super::js_call::call;
use crate::paywall::{Bindings, ConfigError, Document, Gate, Live, Settings};
use std::cell::RefCell;
use std::sync::Arc;
use worker::Env;
use worker::js_sys::Reflect;
use worker::wasm_bindgen::JsValue;

/// The name of the configuration document: a variable, or a KV namespace in which it may change.
const CONFIG: &str = "CONFIG";
/// The key of the document in that namespace.
const CONFIG_KEY: &str = "paywall";

thread_local! {
    /// Read once an isolate: its variables do not change under it. What is in KV may.
    static LIVE: RefCell<Option<Result<Live, ConfigError>>> = const { RefCell::new(None) };
    /// The document in the seller's code, and its gate.
    static CODED: RefCell<Option<(String, Arc<Gate>)>> = const { RefCell::new(None) };
}

/// The gate of a document in the seller's code, read once an isolate. Variables say what it does not.
pub(super) fn coded(env: &Env, text: &str) -> Result<Arc<Gate>, ConfigError> {
    let known = CODED
        .with_borrow(|coded| coded.as_ref().filter(|(known, _)| known == text).map(|(_, gate)| gate.clone()));
    if let Some(gate) = known {
        return Ok(gate);
    }
    let document = Document::parse(text)?;
    // The Durable Object settles as well, and does not see the code.
    for (name, variable) in [("environment", "NVM_ENVIRONMENT"), ("apiUrl", "NVM_API_URL")] {
        if document.text(variable).is_some() {
            let problem = format!("must be the variable {variable}, which the Durable Object reads too");
            return Err(ConfigError { key: name.into(), problem });
        }
    }
    let gate = Arc::new(Gate::new(read(&document, env)?));
    warn(&gate);
    CODED.set(Some((text.into(), gate.clone())));
    Ok(gate)
}

/// The gate with which the Durable Object calls the platform. The routes may be in the seller's code, which it does not see.
pub(super) async fn of_state(env: &Env) -> Result<Arc<Gate>, ConfigError> {
    if binding(env, CONFIG).is_some() || variable(env, "ROUTES").is_some() {
        return gate(env).await;
    }
    if let Some(gate) = CODED.with_borrow(|coded| coded.as_ref().map(|(_, gate)| gate.clone())) {
        return Ok(gate);
    }
    let nothing = Document::parse(r#"{ "routes": {}, "unlisted": "deny" }"#)?;
    Ok(Arc::new(Gate::new(read(&nothing, env)?)))
}

fn warn(gate: &Gate) {
    for warning in gate.settings().warnings() {
        worker::console_warn!("{}", warning);
    }
}

/// The gate of this isolate.
pub(super) async fn gate(env: &Env) -> Result<Arc<Gate>, ConfigError> {
    let known = || {
        LIVE.with_borrow(|live| live.as_ref().map(|live| live.as_ref().map(Live::gate).map_err(Clone::clone)))
    };
    if let Some(known) = known() {
        return known;
    }
    let text = match document(env).await {
        Ok(text) => text,
        // Not known, and not wrong: the next request asks again.
        Err(error) => {
            worker::console_error!("{}: {:?}", CONFIG, error);
            let problem = "cannot be read at the moment".into();
            return Err(ConfigError { key: CONFIG.into(), problem });
        }
    };
    // Another request may have been quicker.
    if let Some(known) = known() {
        return known;
    }
    let live = Live::begin(text, |document| read(document, env), js::now());
    if let Ok(live) = &live {
        warn(&live.gate());
    }
    let gate = live.as_ref().map(Live::gate).map_err(Clone::clone);
    // An error is not kept if there is a KV namespace: the document may be corrected there.
    if live.is_ok() || namespace(env).is_none() {
        LIVE.set(Some(live));
    }
    gate
}

/// True if the document has to be read again by now.
pub(super) fn is_stale(env: &Env) -> bool {
    let stale = |live: &mut Option<Result<Live, ConfigError>>| {
        live.as_mut().and_then(|live| live.as_mut().ok()).is_some_and(|live| live.is_stale(js::now()))
    };
    namespace(env).is_some() && LIVE.with_borrow_mut(stale)
}

/// Reads the document again, while nobody waits. What cannot be read changes nothing.
pub(super) async fn refresh(env: &Env) {
    match document(env).await {
        Ok(text) => {
            let take = |live: &mut Option<Result<Live, ConfigError>>| {
                live.as_mut()?.as_mut().ok()?.take(text, |document| read(document, env))
            };
            if let Some(line) = LIVE.with_borrow_mut(take) {
                worker::console_warn!("{}", line);
            }
        }
        Err(error) => worker::console_error!("{}: {:?}", CONFIG, error),
    }
}

fn read(document: &Document, env: &Env) -> Result<Settings, ConfigError> {
    let bound = |name: &str| binding(env, name).is_some_and(|binding| binding.is_object());
    let bindings = Bindings {
        // The handler is the origin. The Worker may have bindings named ORIGIN, BUCKET and ASSETS for its own use.
        origin: true,
        state: bound(STATE),
        handler: true,
        ..Bindings::default()
    };
    let variable = |name: &str| variable(env, name).filter(|_| !matches!(name, "ORIGIN_URL" | "PAGE_FILES"));
    Settings::read_document(document, variable, bindings)
}

/// The namespace that the document is in, where it is in one.
fn namespace(env: &Env) -> Option<JsValue> {
    let found = binding(env, CONFIG)?;
    Reflect::get(&found, &"get".into()).is_ok_and(|get| get.is_function()).then_some(found)
}

/// The text of the document, where there is one.
async fn document(env: &Env) -> Result<Option<String>, JsValue> {
    match namespace(env) {
        Some(namespace) => Ok(call(&namespace, "get", &[&CONFIG_KEY.into()]).await?.as_string()),
        None => Ok(variable(env, CONFIG)),
    }
}
