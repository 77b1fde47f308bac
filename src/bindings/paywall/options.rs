use super::action::answer_text;
use super::lines::Lines;
use crate::codec::text::ByteSplit;
use crate::codec::text::has;
use crate::codec::{parse_object, print_object};
use crate::paywall::config::document::{HEADER, text_of};
use crate::paywall::config::keys::OPTIONS;
use crate::paywall::dialects::option_names;
use crate::paywall::{Bindings, ConfigError, Document, GateResponse, Settings, suggestion};
use serde_json::{Map, Value};
use wasm_bindgen::JsValue;

/// The options of `paywall()`, without functions.
#[derive(Debug)]
pub(super) struct Options {
    /// By the names of the library.
    options: Map<String, Value>,
    /// By the names of a Worker's variables: they hold where the options say nothing.
    variables: Map<String, Value>,
    bindings: Bindings,
    /// Set for the Worker that is configured by its variables alone: errors name those.
    deployed: bool,
}

/// An option that an entry gives, and no seller.
const PAGE_FILES: &str = "pageFiles";

impl Options {
    /// `bindings` has a letter for each: `o` a service that is the origin, `b` a bucket, `a` assets, `s` the state, `h` a
    /// handler; `w` is the Worker that is configured by its variables.
    pub(super) fn new(options: &str, variables: &str, bindings: &str) -> Result<Self, JsValue> {
        let read = |json: &str| {
            parse_object(json)
                .ok_or_else(|| JsValue::from(js_sys::Error::new("an option is nested too deep")))
        };
        let bound = |letter: u8| has(bindings, letter);
        Ok(Self {
            options: read(options)?,
            variables: read(variables)?,
            bindings: Bindings {
                origin: bound(b'o') || bound(b'h'),
                bucket: bound(b'b'),
                assets: bound(b'a'),
                state: bound(b's'),
                handler: !bound(b'w'),
            },
            deployed: bound(b'w'),
        })
    }

    /// A text for an error: the key, the problem, and the answer to every request.
    pub(super) fn refusal(&self, error: ConfigError) -> String {
        let error = self.renamed(error);
        let mut lines = Lines::default();
        lines.push(&error.key);
        lines.push(&error.problem);
        lines.end(&answer_text(&GateResponse::misconfigured(&error)))
    }

    /// The settings, checked. A name that is misspelt protects nothing, so it is refused first.
    pub(super) fn settings(&self, document: &Document) -> Result<Settings, ConfigError> {
        if let Some(unknown) = self.options.keys().find(|option| variable_of(option).is_none()) {
            let known = OPTIONS.iter().map(|(option, _)| *option).filter(|option| *option != PAGE_FILES);
            let problem =
                suggestion::nearest("is not an option", unknown, known.collect(), &option_names::MEMBERS);
            return Err(ConfigError { key: unknown.clone(), problem });
        }
        Settings::read(|name| document.text(name).or_else(|| self.variable(name)), self.bindings)
            .map_err(|error| self.renamed(document.named(error)))
    }

    fn variable(&self, name: &str) -> Option<String> {
        let given = self.options.iter().find(|(option, _)| variable_of(option) == Some(name));
        let value = given.map(|(_, value)| value).filter(|value| !value.is_null());
        match value.or_else(|| self.variables.get(name))? {
            // Switches of the configuration are words.
            Value::Bool(flag) if !name.ends_with(HEADER) => Some(switch(name, *flag).into()),
            Value::Object(routes) if name == "ROUTES" => Some(print_object(&priced(routes))),
            other => text_of(name, other),
        }
    }

    /// An error of a variable by the option's name, where it was an option.
    fn renamed(&self, error: ConfigError) -> ConfigError {
        if self.deployed {
            return error;
        }
        let (name, rest) = error.key.split_before(b"[.").unwrap_or((&error.key, ""));
        // A name that is not known stays as it was written. Others have the name of an option, or of the document's, by now.
        if (rest.is_empty() && error.problem.starts_with("is not a"))
            || name.bytes().any(|letter| letter.is_ascii_lowercase())
        {
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
