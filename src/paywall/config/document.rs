//! The configuration as one JSON document: a file, or a value that changes while the gate runs. What it says comes before
//! the variables of the same meaning; secrets are variables only.

use super::bindings::Bindings;
use super::error::{ConfigError, Wrong, wrong};
use super::keys::MEMBERS;
use super::settings::Settings;
use crate::codec;
use crate::paywall::dialects::option_names;
use crate::paywall::suggestion;
use alloc::string::String;
use serde_json::{Map, Value};

/// The name that errors use for the document as a whole.
const CONFIG: &str = "CONFIG";
/// The member that names a JSON schema for editors.
const SCHEMA: &str = "$schema";

/// The names of variables that hold the names of headers end so.
pub(crate) const HEADER: &str = "_HEADER";

/// A value as the text that its variable would have. A number or a switch would be read as the name of a header, and is
/// none.
pub(crate) fn text_of(variable: &str, value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) if variable.ends_with(HEADER) => Some("?".into()),
        value => Some(codec::print(value)),
    }
}

/// The document, read.
#[derive(Debug, Clone, Default)]
pub struct Document {
    members: Map<String, Value>,
}

impl Document {
    /// Reads the text of a document.
    ///
    /// # Errors
    /// It is no JSON object, or has a member that is not known.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Self::checked(text).map_err(|error| *error)
    }

    fn checked(text: &str) -> Result<Self, Wrong> {
        let members = codec::parse_object(text).ok_or_else(|| {
            wrong(CONFIG, "must be a JSON object, like {\"routes\": {}, \"unlisted\": \"deny\"}")
        })?;
        let known = |name: &String| name == SCHEMA || MEMBERS.iter().any(|(known, _)| known == name);
        match members.keys().find(|name| !known(name)) {
            Some(name) => {
                let names = MEMBERS.iter().map(|(known, _)| *known).collect();
                Err(wrong(
                    name.as_str(),
                    suggestion::nearest(
                        "is not a key of the configuration",
                        name,
                        names,
                        &option_names::MEMBERS,
                    ),
                ))
            }
            None => Ok(Self { members }),
        }
    }

    /// The document's value of a variable, as the text that the variable would have.
    pub(crate) fn text(&self, variable: &str) -> Option<String> {
        let (name, _) = MEMBERS.iter().find(|(_, known)| *known == variable)?;
        text_of(variable, self.members.get(*name)?)
    }

    /// An error by the key that the seller wrote.
    pub(crate) fn named(&self, mut error: ConfigError) -> ConfigError {
        let end = error.key.bytes().position(|letter| !letter.is_ascii_uppercase() && letter != b'_');
        let (variable, rest) = error.key.split_at(end.unwrap_or(error.key.len()));
        if let Some((name, _)) = MEMBERS.iter().find(|(_, known)| *known == variable)
            && self.members.contains_key(*name)
        {
            error.key = [*name, rest].concat();
        }
        error
    }
}

impl Settings {
    /// Reads the document and, for what it does not say, the variables of a Worker: see [`read`](Self::read).
    ///
    /// # Errors
    /// The first key that is missing or wrong, as it is named where it stands.
    pub fn read_document(
        document: &Document,
        variable: impl Fn(&str) -> Option<String>,
        bindings: impl Into<Bindings>,
    ) -> Result<Self, ConfigError> {
        Self::read(|name| document.text(name).or_else(|| variable(name)), bindings)
            .map_err(|error| document.named(error))
    }
}
