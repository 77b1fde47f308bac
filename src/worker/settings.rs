use super::dialects::Speaker;
use super::env::{STATE, binding, variable};
use super::js;
use super::js_call::call;
use crate::paywall::dialects::{Dialects, Sources};
use crate::paywall::{Bindings, ConfigError, Document, Gate, Live, Settings};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use worker::Env;
use worker::js_sys::Reflect;
use worker::wasm_bindgen::JsValue;

/// The name of the configuration document: a variable, or a KV namespace in which it may change.
const CONFIG: &str = "CONFIG";
/// The key of the document in that namespace.
const CONFIG_KEY: &str = "paywall";

/// A gate, and the dialects that it speaks beside x402 with plans.
#[derive(Debug, Clone)]
pub(super) struct Spoken {
    pub(super) gate: Arc<Gate>,
    pub(super) speaker: Option<Rc<Speaker>>,
}

/// The variables that the dialects are read from.
const OF_DIALECTS: [&str; 10] = [
    "MPP",
    "X402V1",
    "PAYMENT_IDENTIFIER",
    "FACILITATOR_HEADERS",
    "ROUTES",
    "NVM_API_KEY",
    "NVM_ENVIRONMENT",
    "NVM_API_URL",
    "TOKEN_HEADER",
    "VERIFY_CACHE_SECONDS",
];

type Known = (Live, Option<Rc<Speaker>>);

thread_local! {
    /// Read once an isolate: its variables do not change under it. What is in KV may.
    static LIVE: RefCell<Option<Result<Known, ConfigError>>> = const { RefCell::new(None) };
    /// The document in the seller's code, and its gate.
    static CODED: RefCell<Option<(String, Arc<Gate>)>> = const { RefCell::new(None) };
}

/// The gate of a document in the seller's code, read once an isolate. Variables say what it does not.
pub(super) fn coded(env: &Env, text: &str) -> Result<Spoken, ConfigError> {
    let known = CODED
        .with_borrow(|coded| coded.as_ref().filter(|(known, _)| known == text).map(|(_, gate)| gate.clone()));
    if let Some(gate) = known {
        return Ok(Spoken { gate, speaker: None });
    }
    if !sources(Some(text), env)?.0.is_plain() {
        let problem =
            "with other dialects must be in the variables, which the Durable Object reads too".into();
        return Err(ConfigError { key: "routes".into(), problem });
    }
    let document = Document::parse(text)?;
    // The Durable Object settles as well, and does not see the code.
    for (name, variable) in [("environment", "NVM_ENVIRONMENT"), ("apiUrl", "NVM_API_URL")] {
        if document.text(variable).is_some() {
            let problem = format!("must be the variable {variable}, which the Durable Object reads too");
            return Err(ConfigError { key: name.into(), problem });
        }
    }
    let gate = Arc::new(Gate::new(read(&document, env, &Sources::default())?));
    warn(&gate);
    CODED.set(Some((text.into(), gate.clone())));
    Ok(Spoken { gate, speaker: None })
}

/// The gate with which the Durable Object calls the platform. The routes may be in the seller's code, which it does not see.
pub(super) async fn of_state(env: &Env) -> Result<Spoken, ConfigError> {
    if binding(env, CONFIG).is_some() || variable(env, "ROUTES").is_some() {
        return gate(env).await;
    }
    if let Some(gate) = CODED.with_borrow(|coded| coded.as_ref().map(|(_, gate)| gate.clone())) {
        return Ok(Spoken { gate, speaker: None });
    }
    let nothing = Document::parse(r#"{ "routes": {}, "unlisted": "deny" }"#)?;
    let gate = Arc::new(Gate::new(read(&nothing, env, &Sources::default())?));
    Ok(Spoken { gate, speaker: None })
}

fn warn(gate: &Gate) {
    for warning in gate.settings().warnings() {
        worker::console_warn!("{}", warning);
    }
}

/// The gate of this isolate.
pub(super) async fn gate(env: &Env) -> Result<Spoken, ConfigError> {
    let spoken = |(live, speaker): &Known| Spoken { gate: live.gate(), speaker: speaker.clone() };
    let known =
        || LIVE.with_borrow(|live| live.as_ref().map(|live| live.as_ref().map(spoken).map_err(Clone::clone)));
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
    let live = sources(text.as_deref(), env).and_then(|(dialects, sources)| {
        let live = Live::begin(sources.left_text(), |document| read(document, env, &sources), js::now())?;
        Ok((live, Speaker::new(dialects, &sources)))
    });
    if let Ok((live, _)) = &live {
        warn(&live.gate());
    }
    let gate = live.as_ref().map(spoken).map_err(Clone::clone);
    // An error is not kept if there is a KV namespace: the document may be corrected there.
    if live.is_ok() || namespace(env).is_none() {
        LIVE.set(Some(live));
    }
    gate
}

/// True if the document has to be read again by now.
pub(super) fn is_stale(env: &Env) -> bool {
    let stale = |live: &mut Option<Result<Known, ConfigError>>| {
        live.as_mut().and_then(|live| live.as_mut().ok()).is_some_and(|(live, _)| live.is_stale(js::now()))
    };
    namespace(env).is_some() && LIVE.with_borrow_mut(stale)
}

/// Reads the document again, while nobody waits. What cannot be read changes nothing.
pub(super) async fn refresh(env: &Env) {
    match document(env).await {
        Ok(text) => {
            let (dialects, sources) = match sources(text.as_deref(), env) {
                Ok(read) => read,
                Err(error) => return worker::console_warn!("{}: {}", error.code(), error),
            };
            let take = |live: &mut Option<Result<Known, ConfigError>>| {
                let (live, speaker) = live.as_mut()?.as_mut().ok()?;
                *speaker = Speaker::new(dialects, &sources);
                live.take(sources.left_text(), |document| read(document, env, &sources))
            };
            if let Some(line) = LIVE.with_borrow_mut(take) {
                worker::console_warn!("{}", line);
            }
        }
        Err(error) => worker::console_error!("{}: {:?}", CONFIG, error),
    }
}

/// The dialects, and the configuration that is left for the gate.
fn sources(document: Option<&str>, env: &Env) -> Result<(Dialects, Sources), ConfigError> {
    let document = document.map(Sources::read_document).transpose()?;
    let mut sources = Sources { document, ..Sources::default() };
    for name in OF_DIALECTS {
        if let Some(text) = variable(env, name) {
            sources.variables.insert(name.into(), text.into());
        }
    }
    let dialects = Dialects::read(&mut sources)?;
    if dialects.identifier().is_some() {
        let problem = "is not an option of a Worker in Rust".into();
        return Err(ConfigError { key: "paymentIdentifier".into(), problem });
    }
    dialects.check_state(bound(env, STATE))?;
    Ok((dialects, sources))
}

fn bound(env: &Env, name: &str) -> bool {
    binding(env, name).is_some_and(|binding| binding.is_object())
}

fn read(document: &Document, env: &Env, sources: &Sources) -> Result<Settings, ConfigError> {
    let bindings = Bindings {
        // The handler is the origin. The Worker may have bindings named ORIGIN, BUCKET and ASSETS for its own use.
        origin: true,
        state: bound(env, STATE),
        handler: true,
        ..Bindings::default()
    };
    let variable = |name: &str| match name {
        "ORIGIN_URL" | "PAGE_FILES" => None,
        name => sources.left_variable(name).or_else(|| variable(env, name)),
    };
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
