//! Reader for one entry of a seed file; errors name the member.

use crate::http::error::{ApiError, Result};
use crate::http::fields::member;
use crate::primitives::suggestion;
use serde_json::{Map, Value};

/// Maximum length of an entry's name.
const MAX_NAME: usize = 80;

/// An error in the file.
pub(crate) fn wrong(message: String) -> ApiError {
    ApiError::new(400, "SANDBOX.SEED", message).hint("Nothing of the file was applied.")
}

/// Adds the place in the file to an error of the platform.
pub(crate) fn under(path: &str, error: ApiError) -> ApiError {
    if error.code == "SANDBOX.SEED" || error.status >= 500 {
        return error;
    }
    wrong(format!("{path}: {}", error.message))
}

/// An entry and its path in the file.
pub(crate) struct Entry<'a> {
    pub(crate) path: String,
    map: &'a Map<String, Value>,
}

impl<'a> Entry<'a> {
    /// Reads an object and refuses members that are not in `members`.
    pub(crate) fn read(value: &'a Value, path: String, members: &[&str]) -> Result<Self> {
        let map = value.as_object().ok_or_else(|| wrong(format!("{path} must be an object")))?;
        if let Some(name) = map.keys().find(|name| !members.contains(&name.as_str())) {
            return Err(wrong(suggestion::unknown(&format!("{path}.{name}"), "a member", members)));
        }
        Ok(Self { path, map })
    }

    /// The entry's name in the file; other entries refer to it.
    pub(crate) fn name(&self) -> Result<String> {
        let name = self.need("id")?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.len() > MAX_NAME || !name.chars().all(plain) {
            return Err(wrong(format!(
                "{}.id must be up to {MAX_NAME} letters, digits, dots, dashes and underscores",
                self.path
            )));
        }
        Ok(name.to_owned())
    }

    /// The whole entry as text, to detect changes.
    pub(crate) fn as_text(&self) -> String {
        Value::Object(self.map.clone()).to_string()
    }

    pub(crate) fn changed(&self, name: &str) -> ApiError {
        let message = format!("{}: {name} exists already with other terms", self.path);
        ApiError::new(409, "SANDBOX.SEED_CHANGED", message)
            .hint("Give it another id, or start over: POST /sandbox/reset. Nothing of the file was applied.")
    }

    /// Adds this entry's place to an error of the platform.
    pub(crate) fn within(&self, error: ApiError) -> ApiError {
        under(&self.path, error)
    }

    pub(crate) fn wrong(&self, name: &str, must: &str) -> ApiError {
        wrong(format!("{}.{name} {must}", self.path))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        member(self.map, name).is_some()
    }

    /// A non-blank string.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>> {
        match member(self.map, name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "must be a text")),
        }
    }

    pub(crate) fn need(&self, name: &str) -> Result<&'a str> {
        self.text(name)?.ok_or_else(|| self.wrong(name, "is missing"))
    }

    /// One of these words; the first is the default.
    pub(crate) fn one_of(&self, name: &str, words: &[&'static str]) -> Result<&'static str> {
        let Some(text) = self.text(name)? else { return Ok(words.first().copied().unwrap_or_default()) };
        let found = words.iter().find(|word| **word == text).copied();
        found.ok_or_else(|| self.wrong(name, &format!("must be one of {}", words.join(", "))))
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool> {
        match member(self.map, name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.wrong(name, "must be true or false")),
        }
    }

    /// A non-negative integer.
    pub(crate) fn whole(&self, name: &str) -> Result<Option<i64>> {
        let number = crate::http::fields::whole(self.map, name);
        number.map_err(|_| self.wrong(name, "must be a whole number"))
    }

    /// A number of credits in decimal, or `usual` if absent.
    pub(crate) fn credits(&self, name: &str, usual: &str) -> Result<String> {
        match crate::http::fields::uint256(self.map, name) {
            Ok(found) => Ok(found.map_or_else(|| usual.to_owned(), |credits| credits.to_string())),
            Err(_) => Err(self.wrong(name, "must be a number of credits, in digits")),
        }
    }

    /// A list of strings.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<&'a str>> {
        let wrong = || self.wrong(name, "must be a list of texts");
        match member(self.map, name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => {
                items.iter().map(|item| item.as_str().ok_or_else(wrong)).collect::<Result<_>>()
            }
            Some(_) => Err(wrong()),
        }
    }

    /// A list of objects with these members.
    pub(crate) fn entries(&self, name: &str, members: &[&str]) -> Result<Vec<Entry<'a>>> {
        match member(self.map, name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .iter()
                .enumerate()
                .map(|(index, item)| Entry::read(item, format!("{}.{name}[{index}]", self.path), members))
                .collect(),
            Some(_) => Err(self.wrong(name, "must be a list")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn errors_name_the_member() {
        let value = json!({
            "id": "a b", "name": 7, "on": "yes", "n": -1, "c": "x", "list": "x", "texts": [1], "word": "c", "none": null,
        });
        let members = ["id", "name", "on", "n", "c", "list", "texts", "word", "none"];
        let entry = Entry::read(&value, "plans[2]".into(), &members).unwrap();
        for (error, expected) in [
            (entry.name().unwrap_err(), "plans[2].id must be up to 80 letters"),
            (entry.text("name").unwrap_err(), "plans[2].name must be a text"),
            (entry.need("none").unwrap_err(), "plans[2].none is missing"),
            (entry.flag("on").unwrap_err(), "plans[2].on must be true or false"),
            (entry.whole("n").unwrap_err(), "plans[2].n must be a whole number"),
            (entry.credits("c", "1").unwrap_err(), "plans[2].c must be a number of credits"),
            (entry.entries("list", &[]).err().unwrap(), "plans[2].list must be a list"),
            (entry.texts("texts").unwrap_err(), "plans[2].texts must be a list of texts"),
            (entry.one_of("word", &["a", "b"]).unwrap_err(), "plans[2].word must be one of a, b"),
            (entry.within(ApiError::bad_request("no")), "plans[2]: no"),
            (entry.within(ApiError::internal("disk")), "disk"),
            (
                Entry::read(&json!({ "x": 1 }), "users[0]".into(), &["id"]).err().unwrap(),
                "users[0].x is not a member: id",
            ),
        ] {
            assert!(error.message.starts_with(expected), "{}", error.message);
        }
        assert_eq!(entry.credits("none", "9").unwrap(), "9");
    }
}
