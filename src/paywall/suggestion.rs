//! A name that is not known, and the one that was meant.

use super::config::error::{Wrong, wrong};
use crate::wire::nearest_name;
use alloc::{string::String, vec::Vec};
use serde_json::{Map, Value};

/// Refuses the first member of an object that is not known, by its path.
pub(crate) fn only(at: &str, members: &Map<String, Value>, known: &[&str], said: &str) -> Result<(), Wrong> {
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(wrong([at, ".", name].concat(), unknown(said, name, known.iter().copied()))),
        None => Ok(()),
    }
}

/// An error text for an unknown name, with the most similar known name, if there is one.
#[must_use]
pub fn unknown<'a>(said: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(said, name, known.collect(), &[])
}

/// The same, where the reader of dialects knows `more` names.
#[inline(never)]
pub(crate) fn nearest(said: &str, name: &str, mut known: Vec<&str>, more: &[&'static str]) -> String {
    known.extend_from_slice(more);
    match nearest_name(name, &known) {
        Some(meant) => [said, "; did you mean ", meant, "?"].concat(),
        None => said.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_was_meant_is_named() {
        let known = ["routes", "openRoutes", "unlisted", "timeoutMs", "log"];
        for (name, meant) in [
            ("rotues", Some("routes")),
            ("openroutes", Some("openRoutes")),
            ("unlistd", Some("unlisted")),
            ("timeout", Some("timeoutMs")),
            ("lgo", Some("log")),
            ("colour", None),
            ("x", None),
            ("", None),
        ] {
            let said = unknown("is not an option", name, known.into_iter());
            let expected = match meant {
                Some(meant) => format!("is not an option; did you mean {meant}?"),
                None => "is not an option".into(),
            };
            assert_eq!(said, expected, "{name}");
        }
    }
}
