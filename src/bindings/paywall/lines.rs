//! The flat form of events and actions: one text, a field on each line. The last field may have lines of its own. Names
//! and values of headers cannot have any (Fetch standard), and JSON that is printed compactly has none.

use crate::codec::text::{ByteSplit, has, replace};
use crate::paywall::HeaderList;
use crate::wire::digits;

/// Writes a text of lines.
#[derive(Debug, Default)]
pub(super) struct Lines(String);

impl Lines {
    /// Adds a field of one line.
    pub(super) fn push(&mut self, field: &str) {
        // A field with an end of line would be read as two.
        if has(field, b'\n') {
            self.0.push_str(&replace(field, "\n", " "));
        } else {
            self.0.push_str(field);
        }
        self.0.push('\n');
    }

    pub(super) fn number(&mut self, number: u64) {
        self.push(&digits(number));
    }

    /// Adds a switch: `1` or nothing.
    pub(super) fn flag(&mut self, flag: bool) {
        self.push(if flag { "1" } else { "" });
    }

    /// Adds a field that may be missing, which is written as an empty one.
    pub(super) fn maybe(&mut self, field: Option<&str>) {
        self.push(field.unwrap_or_default());
    }

    /// Adds pairs, with their number before them.
    pub(super) fn pairs<'a>(&mut self, pairs: impl ExactSizeIterator<Item = (&'a str, &'a str)>) {
        self.number(pairs.len() as u64);
        for (name, value) in pairs {
            self.push(name);
            self.push(value);
        }
    }

    /// Adds the steps that set headers: `=name` puts one in place of all of its name. Measurements of the origin stay
    /// beside ours.
    pub(super) fn set(&mut self, headers: &HeaderList) {
        let steps: Vec<_> = headers
            .iter()
            .map(|(name, value)| {
                let sign = if name == "server-timing" { "+" } else { "=" };
                ([sign, name].concat(), value)
            })
            .collect();
        self.pairs(steps.iter().map(|(step, value)| (step.as_str(), *value)));
    }

    /// Adds the steps that change headers into others: `-name` drops all headers of a name, `+name` adds one.
    pub(super) fn changes(&mut self, from: &HeaderList, to: &HeaderList) {
        let mut steps: Vec<(String, &str)> = Vec::new();
        let is_listed =
            |steps: &[(String, &str)], name: &str| steps.iter().any(|(step, _)| step.get(1..) == Some(name));
        for (name, _) in from.iter() {
            if !from.all(name).eq(to.all(name)) && !is_listed(&steps, name) {
                steps.push((["-", name].concat(), ""));
                steps.extend(to.all(name).map(|value| (["+", name].concat(), value)));
            }
        }
        for (name, value) in to.iter() {
            if from.get(name).is_none() {
                steps.push((["+", name].concat(), value));
            }
        }
        self.pairs(steps.iter().map(|(step, value)| (step.as_str(), *value)));
    }

    /// Adds the last field, and ends the text.
    pub(super) fn end(mut self, last: &str) -> String {
        self.0.push_str(last);
        self.0
    }
}

/// Reads a text of lines.
#[derive(Debug)]
pub(super) struct Fields<'a>(&'a str);

impl<'a> Fields<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// The next field; empty where there is none.
    pub(super) fn next(&mut self) -> &'a str {
        let (field, rest) = self.0.split_once_byte(b'\n').unwrap_or((self.0, ""));
        self.0 = rest;
        field
    }

    /// The next field, where it is not empty.
    pub(super) fn maybe(&mut self) -> Option<&'a str> {
        Some(self.next()).filter(|field| !field.is_empty())
    }

    /// The next field as a whole number; 0 where it is none.
    pub(super) fn number(&mut self) -> u64 {
        self.next().parse().unwrap_or_default()
    }

    /// Headers, to the end of the text.
    pub(super) fn headers(&mut self) -> HeaderList {
        core::iter::from_fn(|| {
            let name = self.maybe()?;
            Some((name, self.next()))
        })
        .collect()
    }

    /// All that is left.
    pub(super) fn rest(self) -> &'a str {
        self.0
    }
}
