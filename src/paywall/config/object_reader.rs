use super::error::MAX_TEXT_BYTES;
use super::problems::Problems;
use crate::paywall::pricing::settlement_policy::By;
use crate::paywall::suggestion;
use crate::wire::digits;
use alloc::string::String;
use serde_json::{Map, Value};

/// The members of an object of the configuration: a route, a plan of it, its price, a set of passes. What is missing or wrong is
/// noted, and read as nothing. A member that is `null` is not given.
pub(crate) struct ObjectReader<'a> {
    at: String,
    members: &'a Map<String, Value>,
    problems: &'a Problems,
}

/// The largest number that every reader of JSON reads the same.
const MAX_WHOLE: u64 = (1 << 53) - 1;

impl<'a> ObjectReader<'a> {
    /// Reads the object at the path `at`, whose members are `known`: `shape` says what it must be, `strange` what an unknown
    /// member is not.
    pub(crate) fn of(
        value: &'a Value,
        at: String,
        known: &[&str],
        shape: &str,
        strange: &str,
        problems: &'a Problems,
    ) -> Option<Self> {
        let Value::Object(members) = value else {
            problems.note(&at, shape);
            return None;
        };
        problems.value(suggestion::only(&at, members, known, strange));
        Some(Self { at, members, problems })
    }

    pub(crate) fn key(&self, name: &str) -> String {
        [&self.at, ".", name].concat()
    }

    /// Notes what is wrong with a member.
    #[cold]
    #[inline(never)]
    pub(crate) fn wrong(&self, name: &str, problem: &str) {
        self.problems.note(&self.key(name), problem);
    }

    /// Notes a member that has to be given, where it is not.
    #[inline(never)]
    pub(crate) fn need(&self, name: &str) {
        if self.get(name).is_none() {
            self.wrong(name, "is missing");
        }
    }

    /// The first member that is not among these.
    pub(crate) fn first_beyond(&self, known: &[&str]) -> Option<&'a str> {
        self.members.keys().map(String::as_str).find(|name| !known.contains(name))
    }

    #[inline(never)]
    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    #[inline(never)]
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        let value = self.get(name)?;
        let text = value.as_str().filter(|text| !text.is_empty() && text.len() <= MAX_TEXT_BYTES);
        if text.is_none() {
            self.wrong(name, "must be a text of at most 1024 bytes");
        }
        text
    }

    /// A text that is read further; where it cannot be, the problem is noted.
    pub(crate) fn parsed<T>(
        &self,
        name: &str,
        problem: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let parsed = parse(self.text(name)?);
        if parsed.is_none() {
            self.wrong(name, problem);
        }
        parsed
    }

    #[inline(never)]
    pub(crate) fn flag(&self, name: &str) -> bool {
        let Some(value) = self.get(name) else { return false };
        if !value.is_boolean() {
            self.wrong(name, "must be true or false");
        }
        value == &Value::Bool(true)
    }

    #[inline(never)]
    pub(crate) fn whole(&self, name: &str, least: u64) -> Option<u64> {
        let number = self.get(name)?.as_u64().filter(|number| (least..=MAX_WHOLE).contains(number));
        if number.is_none() {
            self.wrong(name, &["must be a whole number of at least ", &digits(least)].concat());
        }
        number
    }

    /// A whole number of at least 1 that has to be given.
    #[inline(never)]
    pub(crate) fn small(&self, name: &str, most: u32) -> u32 {
        self.need(name);
        let number = self.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
        let number = number.filter(|number| (1..=most).contains(number));
        if number.is_none() {
            self.wrong(name, &["must be a whole number from 1 to ", &digits(most.into())].concat());
        }
        number.unwrap_or_default()
    }

    pub(crate) fn object(&self, name: &str, known: &[&str]) -> Option<Self> {
        let value = self.get(name)?;
        let shape = ["must be an object with ", &known.join(", ")].concat();
        let strange = ["is not a key of ", name].concat();
        Self::of(value, self.key(name), known, &shape, &strange, self.problems)
    }

    /// The object that an entry of a member's array is.
    pub(crate) fn entry(
        &self,
        name: &str,
        index: usize,
        value: &'a Value,
        known: &[&str],
        shape: &str,
        strange: &str,
    ) -> Option<Self> {
        let at = [&self.key(name), "[", &digits(index as u64), "]"].concat();
        Self::of(value, at, known, shape, strange, self.problems)
    }

    /// The members, by name.
    pub(crate) fn members(&self) -> serde_json::map::Iter<'a> {
        self.members.iter()
    }

    /// Notes what is wrong with the object itself.
    pub(crate) fn wrong_itself(&self, problem: &str) {
        self.problems.note(&self.at, problem);
    }

    pub(crate) fn by(&self) -> Option<By> {
        self.need("by");
        self.parsed("by", "must be payer or address", By::parse)
    }
}
