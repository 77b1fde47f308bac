//! Writing JSON, member by member: a serializer would be two kilobytes of wasm after gzip. An absent member is left out; credits are
//! texts of digits.

// The core writes little with it, the bindings the rest.
#![cfg_attr(not(feature = "subscriber"), allow(dead_code))]

use crate::codec::quote;
use crate::wire::{Credits, digits};
use alloc::string::String;

/// A JSON text in the making.
#[derive(Default)]
pub(crate) struct JsonText(String);

impl JsonText {
    pub(crate) fn done(self) -> String {
        self.0
    }

    /// An object.
    pub(crate) fn object(&mut self, members: &dyn Fn(&mut Self)) {
        self.between('{', '}', members);
    }

    /// An object as a member.
    pub(crate) fn member(&mut self, name: &str, members: &dyn Fn(&mut Self)) {
        self.name(name);
        self.object(members);
    }

    /// A list as a member.
    pub(crate) fn list(&mut self, name: &str, entries: &dyn Fn(&mut Self)) {
        self.name(name);
        self.between('[', ']', entries);
    }

    /// A list.
    pub(crate) fn entries(&mut self, entries: &mut dyn FnMut(&mut Self)) {
        self.0.push('[');
        entries(self);
        self.0.push(']');
    }

    #[inline(never)]
    fn between(&mut self, open: char, close: char, inside: &dyn Fn(&mut Self)) {
        self.comma();
        self.0.push(open);
        inside(self);
        self.0.push(close);
    }

    fn comma(&mut self) {
        if !matches!(self.0.as_bytes().last(), None | Some(b'{' | b'[' | b':')) {
            self.0.push(',');
        }
    }

    #[inline(never)]
    fn name(&mut self, name: &str) {
        self.text_value(name);
        self.0.push(':');
    }

    #[inline(never)]
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        self.text_value(text);
    }

    pub(crate) fn some_text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    #[inline(never)]
    pub(crate) fn number(&mut self, name: &str, number: u64) {
        self.name(name);
        self.0.push_str(&digits(number));
    }

    pub(crate) fn flag(&mut self, name: &str, flag: bool) {
        self.name(name);
        self.0.push_str(if flag { "true" } else { "false" });
    }

    pub(crate) fn credits(&mut self, name: &str, credits: Credits) {
        self.text(name, &credits.digits());
    }

    pub(crate) fn some_credits(&mut self, name: &str, credits: Option<Credits>) {
        if let Some(credits) = credits {
            self.credits(name, credits);
        }
    }

    fn text_value(&mut self, text: &str) {
        self.comma();
        quote(text, &mut self.0);
    }
}
