//! Reading the flat texts that JavaScript hands over. An empty field is an absent one.

use crate::codec::text::ByteSplit;
use crate::wire::Credits;
use alloc::{string::String, vec::Vec};

/// The fields of a text, in order.
pub(super) struct Fields<'a> {
    rest: Option<&'a str>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: Some(text) }
    }

    /// The next field; empty where there is none.
    #[inline(never)]
    pub(super) fn next(&mut self) -> &'a str {
        let Some(rest) = self.rest.take() else { return "" };
        match rest.split_once_byte(0) {
            None => rest,
            Some((field, rest)) => {
                self.rest = Some(rest);
                field
            }
        }
    }

    /// The next field, where it is not empty.
    #[inline(never)]
    pub(super) fn some(&mut self) -> Option<&'a str> {
        let field = self.next();
        (!field.is_empty()).then_some(field)
    }

    pub(super) fn string(&mut self) -> Option<String> {
        self.some().map(Into::into)
    }

    /// A text that may be empty: it has an equals sign before it.
    pub(super) fn value(&mut self) -> Option<String> {
        self.next().strip_prefix('=').map(Into::into)
    }

    /// All that is left, in which any character may be; with an equals sign before it where it is there.
    pub(super) fn last_value(self) -> Option<String> {
        self.rest?.strip_prefix('=').map(Into::into)
    }

    /// A whole number.
    #[inline(never)]
    pub(super) fn number(&mut self) -> Option<u64> {
        let field = self.some()?;
        field.bytes().try_fold(0u64, |sum, byte| {
            let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
            sum.checked_mul(10)?.checked_add(digit)
        })
    }

    pub(super) fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    /// `1`, `0`, or nothing.
    pub(super) fn flag(&mut self) -> Option<bool> {
        self.some().map(|field| field == "1")
    }

    pub(super) fn is_set(&mut self) -> bool {
        self.flag() == Some(true)
    }

    pub(super) fn credits(&mut self) -> Option<Credits> {
        self.some()?.parse().ok()
    }

    /// Texts with a line feed between them.
    pub(super) fn list(&mut self) -> Vec<String> {
        self.some().map(|field| field.split_byte(b'\n').map(Into::into).collect()).unwrap_or_default()
    }
}
