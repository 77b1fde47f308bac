//! What a test may set: how the platform behaves where it is free to (`/sandbox/settings`), and the clock's offset.

use crate::Desk;
use crate::http::error::{Outcome, Problem};
use crate::http::request::{Reply, member, whole};
use crate::storage::store::{Store, binds};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Under which name the clock's offset is kept.
pub(super) const OFFSET: &str = "clockOffsetMs";
/// Under which name it is kept when a route of the sandbox's own last changed something.
pub(super) const REVISION: &str = "revision";
const DELAY: &str = "creditsDelaySecs";
const VERSION: &str = "tokenVersion";
const LEGAL: &str = "legalConsent";
const MPP: &str = "mpp";
const NAMES: [&str; 4] = [DELAY, VERSION, LEGAL, MPP];

/// What is set. A sandbox that was just started or reset has these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settings {
    /// By how many milliseconds the sandbox's clock is ahead of the machine's.
    pub(super) offset: i64,
    /// How long after an order or a checkout its credits come.
    pub(super) delay: i64,
    /// The version of a token whose buyer asked for none: 2, reusable, or 3, single-use.
    pub(super) version: i64,
    /// Whether accounts must agree to the legal documents first.
    pub(super) legal: bool,
    /// Whether there is a secret for MPP; without one its routes are off.
    pub(super) mpp: bool,
    /// Grows with every change by a route of the sandbox's own.
    pub(super) revision: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { offset: 0, delay: 0, version: 2, legal: false, mpp: true, revision: 0 }
    }
}

impl Settings {
    pub(super) fn load(store: &Store) -> Outcome<Self> {
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

    pub(super) fn view(&self) -> Value {
        json!({ DELAY: self.delay, VERSION: self.version, LEGAL: self.legal, MPP: self.mpp })
    }

    /// Keeps what a test may set.
    pub(super) fn keep(&self, desk: &Desk) -> Outcome<()> {
        keep(desk, DELAY, self.delay)?;
        keep(desk, VERSION, self.version)?;
        keep(desk, LEGAL, i64::from(self.legal))?;
        keep(desk, MPP, i64::from(self.mpp))
    }

    /// These, changed as `body` says.
    pub(super) fn changed(mut self, body: &Map<String, Value>) -> Outcome<Self> {
        if let Some(name) = body.keys().find(|name| !NAMES.contains(&name.as_str())) {
            return Err(Problem::bad_request(format!("{name} is no setting: {}", NAMES.join(", "))));
        }
        if let Some(delay) = whole(body, DELAY)? {
            self.delay = delay.min(31_557_600);
        }
        match whole(body, VERSION)? {
            None => {}
            Some(version @ (2 | 3)) => self.version = version,
            Some(_) => return Err(Problem::bad_request(format!("{VERSION} must be 2 or 3"))),
        }
        self.legal = switch(body, LEGAL)?.unwrap_or(self.legal);
        self.mpp = switch(body, MPP)?.unwrap_or(self.mpp);
        Ok(self)
    }
}

fn switch(body: &Map<String, Value>, name: &str) -> Outcome<Option<bool>> {
    match member(body, name) {
        None => Ok(None),
        Some(Value::Bool(on)) => Ok(Some(*on)),
        Some(_) => Err(Problem::bad_request(format!("{name} must be true or false"))),
    }
}

/// Keeps one of them.
pub(super) fn keep(desk: &Desk, name: &str, value: i64) -> Outcome<()> {
    desk.store.run(
        "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        binds![name, value],
    )
}

/// `GET /sandbox/settings`
pub(super) fn get(desk: &Desk) -> Outcome {
    Reply::ok(desk.settings.view())
}

/// `POST /sandbox/settings`: those that are named; the others stay.
pub(super) fn set(desk: &Desk) -> Outcome {
    let settings = desk.settings.changed(&desk.call.json()?)?;
    settings.keep(desk)?;
    Reply::ok(settings.view())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_set() {
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
