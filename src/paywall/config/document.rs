//! The configuration as one JSON document: a file, or a value that changes while the gate runs. What it says comes before
//! the variables of the same meaning; secrets are variables only.

use super::keys::MEMBERS;
use super::settings::{Bindings, ConfigError, Settings, wrong};
use crate::codec;
use crate::paywall::gate::Gate;
use crate::paywall::suggestion;
use alloc::{
    format,
    rc::Rc,
    string::{String, ToString},
};
use serde_json::{Map, Value, json};

/// The name that errors use for the document as a whole.
const CONFIG: &str = "CONFIG";
/// The member that names a JSON schema for editors.
const SCHEMA: &str = "$schema";

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
        let members = codec::parse_object(text).ok_or_else(|| {
            wrong(CONFIG, "must be a JSON object, like {\"routes\": {}, \"unlisted\": \"deny\"}")
        })?;
        let known = |name: &String| name == SCHEMA || MEMBERS.iter().any(|(known, _)| known == name);
        match members.keys().find(|name| !known(name)) {
            Some(name) => {
                let names = MEMBERS.iter().map(|(known, _)| *known);
                Err(wrong(
                    name.as_str(),
                    suggestion::unknown("is not a key of the configuration", name, names),
                ))
            }
            None => Ok(Self { members }),
        }
    }

    /// The document's value of a variable, as the text that the variable would have.
    pub(crate) fn text(&self, variable: &str) -> Option<String> {
        let (name, _) = MEMBERS.iter().find(|(_, known)| *known == variable)?;
        match self.members.get(*name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            value => Some(value.to_string()),
        }
    }

    /// An error by the key that the seller wrote.
    pub(crate) fn named(&self, mut error: ConfigError) -> ConfigError {
        let end = error.key.find(|letter: char| !letter.is_ascii_uppercase() && letter != '_');
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

/// A gate whose configuration may change while it runs.
///
/// The known document is used while it is read again. A new document that is wrong is refused: the old one stays in
/// use, and the error is logged once.
#[derive(Debug)]
pub struct Live {
    gate: Rc<Gate>,
    /// The document that was read last, right or wrong.
    text: Option<String>,
    /// When it was last read or asked for.
    asked: u64,
}

/// For how long a document is not read again, in milliseconds.
const FRESH_MS: u64 = 5_000;

impl Live {
    /// Begins with a document, or without one where there is none. `read` reads the settings.
    ///
    /// # Errors
    /// The first key that is missing or wrong: there is no gate then, and nothing is let through.
    pub fn begin(
        text: Option<String>,
        read: impl FnOnce(&Document) -> Result<Settings, ConfigError>,
        now: u64,
    ) -> Result<Self, ConfigError> {
        let document = document(text.as_deref())?;
        Ok(Self { gate: Rc::new(Gate::new(read(&document)?)), text, asked: now })
    }

    /// The gate as it is now. A visit keeps to the settings that it began with.
    #[must_use]
    pub fn gate(&self) -> Rc<Gate> {
        self.gate.clone()
    }

    /// True if the document should be read again now, in the background. Returns true at most once in some seconds.
    pub fn is_stale(&mut self, now: u64) -> bool {
        // A clock that was set back is no reason to wait for it.
        let stale = now.checked_sub(self.asked).is_none_or(|age| age >= FRESH_MS);
        if stale {
            self.asked = now;
        }
        stale
    }

    /// Takes the document as it is now. Hands back a line for the log where it is another than before.
    pub fn take(
        &mut self,
        text: Option<String>,
        read: impl FnOnce(&Document) -> Result<Settings, ConfigError>,
    ) -> Option<String> {
        if text == self.text {
            return None;
        }
        let settings = document(text.as_deref()).and_then(|document| read(&document));
        self.text = text;
        let line = match settings {
            Ok(settings) => {
                self.gate = Rc::new(self.gate.with_settings(settings));
                json!({ "event": "config_changed" })
            }
            Err(error) => json!({
                "event": "config_refused", "code": error.code(), "key": error.key, "problem": error.problem,
                "message": format!("The new configuration is wrong: {error}. The old one stays."),
            }),
        };
        Some(line.to_string())
    }
}

fn document(text: Option<&str>) -> Result<Document, ConfigError> {
    text.map_or_else(|| Ok(Document::default()), Document::parse)
}
