use crate::codec::parse_object;
use crate::paywall::config::keys::OPTIONS;
use crate::paywall::{Bindings, ConfigError, Document, GateResponse, Settings, suggestion};
use serde::Serialize;
use serde_json::{Map, Value};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// What `paywall()` was given, as JavaScript hands it over; the first two are JSON.
    pub type Given;

    #[wasm_bindgen(method, getter)]
    fn options(this: &Given) -> String;
    #[wasm_bindgen(method, getter)]
    fn variables(this: &Given) -> String;
    #[wasm_bindgen(method, getter)]
    fn state(this: &Given) -> bool;
    #[wasm_bindgen(method, getter)]
    fn handler(this: &Given) -> bool;
    #[wasm_bindgen(method, getter)]
    fn document(this: &Given) -> Option<String>;
}

/// What `paywall()` was given, functions taken out.
#[derive(Debug)]
pub(super) struct Options {
    /// By the names of the library.
    options: Map<String, Value>,
    /// By the names of a Worker's variables: what the options do not say.
    variables: Map<String, Value>,
    /// Whether there is a state.
    state: bool,
    /// Whether a function answers, rather than a URL.
    handler: bool,
    /// The text of the document, where there is one: what it says comes before all that.
    pub(super) document: Option<String>,
}

/// What is wrong, by the name that it was given under.
#[derive(Serialize)]
pub(super) struct Wrong {
    key: String,
    problem: String,
    answer: super::action::Answered,
}

/// What an entry gives, and no seller.
const PAGE_FILES: &str = "pageFiles";

impl Options {
    pub(super) fn of(given: &Given) -> Result<Self, JsError> {
        let read =
            |json: &str| parse_object(json).ok_or_else(|| JsError::new("an option is nested too deep"));
        Ok(Self {
            options: read(&given.options())?,
            variables: read(&given.variables())?,
            state: given.state(),
            handler: given.handler(),
            document: given.document(),
        })
    }

    /// The settings, checked. A name that is misspelt protects nothing, so it is refused first.
    pub(super) fn settings(&self, document: &Document) -> Result<Settings, ConfigError> {
        if let Some(unknown) = self.options.keys().find(|option| variable_of(option).is_none()) {
            let known = OPTIONS.iter().map(|(option, _)| *option).filter(|option| *option != PAGE_FILES);
            let problem = suggestion::unknown("is not an option", unknown, known);
            return Err(ConfigError { key: unknown.clone(), problem });
        }
        let bindings =
            Bindings { origin: self.handler, state: self.state, handler: true, ..Bindings::default() };
        Settings::read(|name| document.text(name).or_else(|| self.variable(name)), bindings)
            .map_err(|error| self.renamed(document.named(error)))
    }

    fn variable(&self, name: &str) -> Option<String> {
        let given = self.options.iter().find(|(option, _)| variable_of(option) == Some(name));
        let value = given.map(|(_, value)| value).filter(|value| !value.is_null());
        match value.or_else(|| self.variables.get(name))? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            // Switches of the configuration are words.
            Value::Bool(flag) => Some(switch(name, *flag).into()),
            Value::Object(routes) if name == "ROUTES" => Some(Value::Object(priced(routes)).to_string()),
            other => Some(other.to_string()),
        }
    }

    /// An error of a variable by the option's name, where it was an option.
    pub(super) fn renamed(&self, error: ConfigError) -> ConfigError {
        let end = error.key.find(['[', '.']).unwrap_or(error.key.len());
        let (name, rest) = error.key.split_at(end);
        // It has the name of an option, or of the document's, by now.
        if name.bytes().any(|letter| letter.is_ascii_lowercase()) {
            return error;
        }
        match OPTIONS.iter().find(|(_, variable)| *variable == name) {
            Some((option, _)) if self.options.contains_key(*option) || !self.variables.contains_key(name) => {
                ConfigError { key: [*option, rest].concat(), ..error }
            }
            _ => error,
        }
    }
}

/// Routes without a price cost 1 credit, as with the official middleware.
fn priced(routes: &Map<String, Value>) -> Map<String, Value> {
    let mut routes = routes.clone();
    for route in routes.values_mut() {
        if let Value::Object(route) = route
            && !route.contains_key("credits")
            && !route.contains_key("plans")
        {
            route.insert("credits".into(), 1.into());
        }
    }
    routes
}

fn switch(name: &str, flag: bool) -> &'static str {
    match (name, flag) {
        ("LOG", true) => "requests",
        ("LOG" | "SERVER_TIMING", false) => "off",
        ("SERVER_TIMING", true) => "on",
        (_, true) => "yes",
        (_, false) => "no",
    }
}

fn variable_of(option: &str) -> Option<&'static str> {
    OPTIONS.iter().find(|(name, _)| *name == option).map(|(_, variable)| *variable)
}

impl From<&ConfigError> for Wrong {
    fn from(error: &ConfigError) -> Self {
        Self {
            key: error.key.clone(),
            problem: error.problem.clone(),
            answer: GateResponse::misconfigured(error).into(),
        }
    }
}
