//! Settings that tests can change (`/sandbox/settings`), and the clock's offset.

use crate::http::error::{ApiError, Result};
use crate::http::fields::{member, whole};
use crate::primitives::suggestion;
use crate::storage::store::{Store, binds};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The name of the clock's offset.
pub(crate) const OFFSET: &str = "clockOffsetMs";
/// The name of the time of the last change by a route under `/sandbox`.
pub(crate) const REVISION: &str = "revision";
const DELAY: &str = "creditsDelaySecs";
const VERSION: &str = "tokenVersion";
const LEGAL: &str = "legalConsent";
const MPP: &str = "mpp";
const NAMES: [&str; 4] = [DELAY, VERSION, LEGAL, MPP];

/// The settings; the defaults apply after a start or a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The offset of the sandbox's clock to the machine's, in milliseconds.
    pub(crate) offset: i64,
    /// Delay of credits after an order or a checkout, in seconds.
    pub(crate) delay: i64,
    /// The default token version: 2, reusable, or 3, single-use.
    pub(crate) version: i64,
    /// True if accounts must accept the legal documents first.
    pub(crate) legal: bool,
    /// True if there is a secret for MPP; without one the MPP routes are off.
    pub(crate) mpp: bool,
    /// Grows with every change by a route under `/sandbox`.
    pub(crate) revision: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { offset: 0, delay: 0, version: 2, legal: false, mpp: true, revision: 0 }
    }
}

impl Settings {
    pub(crate) fn load(store: &Store) -> Result<Self> {
        #[derive(Deserialize)]
        struct Row {
            name: String,
            value: i64,
        }
        let mut settings = Self::default();
        for Row { name, value } in store.rows::<Row>("SELECT name, value FROM settings", binds![])? {
            match name.as_str() {
                OFFSET => settings.offset = value,
                REVISION => settings.revision = value,
                DELAY => settings.delay = value,
                VERSION => settings.version = value,
                LEGAL => settings.legal = value != 0,
                MPP => settings.mpp = value != 0,
                _ => {}
            }
        }
        Ok(settings)
    }

    pub(crate) fn view(&self) -> Value {
        json!({ DELAY: self.delay, VERSION: self.version, LEGAL: self.legal, MPP: self.mpp })
    }

    /// Stores all settings that tests can change.
    pub(crate) fn store(&self, store: &Store) -> Result<()> {
        store_value(store, DELAY, self.delay)?;
        store_value(store, VERSION, self.version)?;
        store_value(store, LEGAL, i64::from(self.legal))?;
        store_value(store, MPP, i64::from(self.mpp))
    }

    /// The settings after the changes in `body`.
    pub(crate) fn changed(mut self, body: &Map<String, Value>) -> Result<Self> {
        if let Some(name) = body.keys().find(|name| !NAMES.contains(&name.as_str())) {
            return Err(ApiError::bad_request(suggestion::unknown(name, "a setting", &NAMES)));
        }
        if let Some(delay) = whole(body, DELAY)? {
            self.delay = delay.min(31_557_600);
        }
        match whole(body, VERSION)? {
            None => {}
            Some(version @ (2 | 3)) => self.version = version,
            Some(_) => return Err(ApiError::bad_request(format!("{VERSION} must be 2 or 3"))),
        }
        self.legal = switch(body, LEGAL)?.unwrap_or(self.legal);
        self.mpp = switch(body, MPP)?.unwrap_or(self.mpp);
        Ok(self)
    }
}

fn switch(body: &Map<String, Value>, name: &str) -> Result<Option<bool>> {
    match member(body, name) {
        None => Ok(None),
        Some(Value::Bool(on)) => Ok(Some(*on)),
        Some(_) => Err(ApiError::bad_request(format!("{name} must be true or false"))),
    }
}

/// Stores one setting.
pub(crate) fn store_value(store: &Store, name: &str, value: i64) -> Result<()> {
    store.run(
        "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        binds![name, value],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validation_of_settings() {
        for (body, expected) in [
            (json!({}), Some((5, 2))),
            (json!({ "creditsDelaySecs": 0 }), Some((0, 2))),
            (json!({ "tokenVersion": 3 }), Some((5, 3))),
            (json!({ "tokenVersion": "3", "creditsDelaySecs": 9 }), Some((9, 3))),
            (json!({ "tokenVersion": 4 }), None),
            (json!({ "creditsDelaySecs": -1 }), None),
            (json!({ "creditDelaySecs": 1 }), None),
            (json!({ "legalConsent": true, "mpp": false }), Some((5, 2))),
            (json!({ "mpp": "off" }), None),
        ] {
            let settings = Settings { delay: 5, ..Settings::default() };
            let changed = settings.changed(body.as_object().unwrap()).ok();
            assert_eq!(changed.map(|settings| (settings.delay, settings.version)), expected, "{body}");
        }
        let body = json!({ "legalConsent": true, "mpp": false });
        let settings = Settings::default().changed(body.as_object().unwrap()).unwrap();
        assert_eq!((settings.legal, settings.mpp), (true, false));
    }
}
