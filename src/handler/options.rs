use crate::paywall::{Answer, Bindings, ConfigError, Document, Settings, near};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::cell::RefCell;

/// What `paywall()` was given, functions taken out.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
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
    #[serde(default)]
    pub(super) document: Option<String>,
}

/// What is wrong, by the name that it was given under.
#[derive(Serialize)]
pub(super) struct Wrong {
    key: String,
    problem: String,
    answer: super::action::Answered,
}

/// Options whose variables have another name than theirs.
const NAMES: [(&str, &str); 6] = [
    ("config", "CONFIG"),
    ("nvmApiKey", "NVM_API_KEY"),
    ("environment", "NVM_ENVIRONMENT"),
    ("backend", "NVM_API_URL"),
    ("origin", "ORIGIN_URL"),
    ("log", "LOG"),
];

/// Variables that are asked for only where others are there.
const SOMETIMES: [&str; 3] = ["PAGE_FILES", "PASS_KEYS", "REVOKED_PASSES"];

impl Options {
    /// The settings, checked. What no setting is asked by is no option: a name that is misspelt protects nothing.
    pub(super) fn settings(&self, document: &Document) -> Result<Settings, ConfigError> {
        let bindings =
            Bindings { origin: self.handler, state: self.state, handler: true, ..Bindings::default() };
        let asked = RefCell::new(Vec::new());
        let settings = Settings::read(
            |name| {
                asked.borrow_mut().push(name.to_string());
                document.text(name).or_else(|| self.variable(name))
            },
            bindings,
        );
        let settings = settings.map_err(|error| self.renamed(document.named(error)))?;
        let asked = asked.into_inner();
        let known = |name: String| asked.contains(&name) || SOMETIMES.contains(&name.as_str());
        match self.options.keys().find(|option| !known(variable_of(option))) {
            Some(unknown) => {
                let known = asked.iter().map(|name| option_of(name)).collect::<Vec<_>>();
                let problem = near::unknown("is not an option", unknown, known.iter().map(String::as_str));
                Err(ConfigError { key: unknown.clone(), problem })
            }
            None => Ok(settings),
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        let given = self.options.iter().find(|(option, _)| variable_of(option) == name);
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
        let missing = !self.variables.contains_key(name);
        match self.options.keys().find(|option| variable_of(option) == name) {
            Some(option) => ConfigError { key: format!("{option}{rest}"), ..error },
            None if missing => ConfigError { key: format!("{}{rest}", option_of(name)), ..error },
            None => error,
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

/// `verifyCacheSeconds` to `VERIFY_CACHE_SECONDS`.
fn variable_of(option: &str) -> String {
    if let Some((_, variable)) = NAMES.iter().find(|(name, _)| *name == option) {
        return (*variable).into();
    }
    let mut name = String::new();
    for letter in option.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

fn option_of(variable: &str) -> String {
    if let Some((option, _)) = NAMES.iter().find(|(_, name)| *name == variable) {
        return (*option).into();
    }
    let mut name = String::new();
    let mut upper = false;
    for letter in variable.chars() {
        match letter {
            '_' => upper = true,
            letter if upper => {
                name.push(letter);
                upper = false;
            }
            letter => name.push(letter.to_ascii_lowercase()),
        }
    }
    name
}

impl From<&ConfigError> for Wrong {
    fn from(error: &ConfigError) -> Self {
        Self {
            key: error.key.clone(),
            problem: error.problem.clone(),
            answer: Answer::misconfigured(error).into(),
        }
    }
}
