use super::error::{Wrong, wrong};
use super::values::{Switch, Whole};
use crate::codec;
use crate::codec::text::number;
use crate::wire::digits;
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::cell::OnceCell;
use serde_json::Value;

/// The first problem of the configuration. Readers note it and go on with a value that will not be used, and
/// [`finish`](Self::finish) says it at the end: to leave at each of a hundred places would weigh as much again.
#[derive(Debug, Default)]
pub(crate) struct Problems(OnceCell<Wrong>);

impl Problems {
    /// Notes a problem. Those after the first are not kept.
    #[cold]
    #[inline(never)]
    pub(crate) fn note(&self, key: &str, problem: &str) {
        self.keep(wrong(key, problem));
    }

    #[cold]
    #[inline(never)]
    fn keep(&self, error: Wrong) {
        drop(self.0.set(error));
    }

    /// The value of a result, whose error is noted.
    pub(crate) fn value<T>(&self, result: Result<T, Wrong>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.keep(error);
                None
            }
        }
    }

    /// The value that was read, if there is no problem.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, Wrong> {
        self.0.into_inner().map_or(Ok(value), Err)
    }
}

/// The variables of a configuration, which are read one by one.
pub(crate) struct Variables<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    pub(crate) problems: Problems,
}

impl<'a> Variables<'a> {
    pub(crate) fn new(variable: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { variable, problems: Problems::default() }
    }

    /// The text of a variable, unless it is empty.
    #[inline(never)]
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|text| !text.trim().is_empty())
    }

    #[inline(never)]
    pub(crate) fn whole(&self, read: &Whole) -> u32 {
        let Whole { key, least, most, usual } = *read;
        let Some(text) = self.text(key) else { return usual };
        let number = number(text.trim()).filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.problems.note(
                key,
                &["must be a whole number from ", &digits(least.into()), " to ", &digits(most.into())]
                    .concat(),
            );
        }
        number.unwrap_or(usual)
    }

    #[inline(never)]
    pub(crate) fn switch(&self, read: &Switch) -> bool {
        let [yes, no] = read.words;
        let text = self.text(read.key);
        match text.as_deref().map(str::trim) {
            None => read.usual,
            Some(word) => {
                if word != yes && word != no {
                    self.problems.note(read.key, &["must be \"", yes, "\" or \"", no, "\""].concat());
                }
                word == yes
            }
        }
    }

    /// The texts of an array; none if there is no array.
    #[inline(never)]
    pub(crate) fn strings(&self, name: &str) -> Vec<String> {
        let Some(text) = self.text(name) else { return Vec::new() };
        let texts = codec::parse_text(&text).as_ref().and_then(texts_of);
        if texts.is_none() {
            self.problems.note(name, "must be an array of texts");
        }
        texts.unwrap_or_default()
    }
}

/// The texts of an array that holds nothing else.
pub(crate) fn texts_of(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|text| text.as_str().map(ToString::to_string)).collect()
}
