//! A gate whose configuration may change while it runs.

use super::config::document::Document;
use super::config::error::ConfigError;
use super::config::settings::Settings;
use super::gate::Gate;
use crate::codec;
use alloc::{string::String, sync::Arc};

/// A gate whose configuration may change while it runs.
///
/// The known document is used while it is read again. A new document that is wrong is refused: the old one stays in
/// use, and the error is logged once.
#[derive(Debug)]
pub struct Live {
    gate: Arc<Gate>,
    /// The document that was read last, right or wrong.
    text: Option<String>,
    /// When it was last read or asked for.
    asked: u64,
}

/// For how long a document is not read again, in milliseconds.
const FRESH_MS: u64 = 5_000;

impl Live {
    /// Begins with a document, or without one where there is none. `read` reads the settings. `now` is in milliseconds
    /// since 1970.
    ///
    /// # Errors
    /// The first key that is missing or wrong: there is no gate then, and nothing is let through.
    pub fn begin(
        text: Option<String>,
        read: impl FnOnce(&Document) -> Result<Settings, ConfigError>,
        now: u64,
    ) -> Result<Self, ConfigError> {
        let document = document(text.as_deref())?;
        Ok(Self { gate: Arc::new(Gate::new(read(&document)?)), text, asked: now })
    }

    /// The gate as it is now. A request keeps to the settings that it began with.
    #[must_use]
    pub fn gate(&self) -> Arc<Gate> {
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
                self.gate = Arc::new(self.gate.with_settings(settings));
                Vec::from([("event", "config_changed".into())])
            }
            Err(error) => {
                let message =
                    ["The new configuration is wrong: ", &error.message(), ". The old one stays."].concat();
                Vec::from([
                    ("event", "config_refused".into()),
                    ("code", error.code().into()),
                    ("key", error.key.into()),
                    ("problem", error.problem.into()),
                    ("message", message.into()),
                ])
            }
        };
        Some(codec::print(&codec::object(line)))
    }
}

fn document(text: Option<&str>) -> Result<Document, ConfigError> {
    text.map_or_else(|| Ok(Document::default()), Document::parse)
}
