use alloc::{borrow::Cow, string::String};
use core::fmt;

/// Why something on the wire could not be read: what is wrong, and with which field.
///
/// It never holds a value that came in: a token or key must not travel in an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireError {
    /// The kind of problem.
    pub kind: WireErrorKind,
    /// The field it is wrong with, as a path: `accepts[0].scheme`.
    pub field: Cow<'static, str>,
}

/// The kinds of problems that received bytes can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireErrorKind {
    /// More bytes, or more entries, than we read.
    TooLarge,
    /// Not base64 of either alphabet.
    NotBase64,
    /// Not a JSON document in UTF-8.
    NotJson,
    /// A field that must be there is absent, null or empty.
    Missing,
    /// A field has another JSON type than it must have.
    WrongType,
    /// A field has a value it cannot have.
    BadValue,
    /// An x402 version other than 2.
    Version,
}

impl WireErrorKind {
    /// The kind of a stable code.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        [
            Self::TooLarge,
            Self::NotBase64,
            Self::NotJson,
            Self::Missing,
            Self::WrongType,
            Self::BadValue,
            Self::Version,
        ]
        .into_iter()
        .find(|kind| WireError::new(*kind, "").code() == code)
    }
}

impl WireError {
    /// An error about `field`.
    pub fn new(kind: WireErrorKind, field: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, field: field.into() }
    }

    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            WireErrorKind::TooLarge => "wire_too_large",
            WireErrorKind::NotBase64 => "wire_not_base64",
            WireErrorKind::NotJson => "wire_not_json",
            WireErrorKind::Missing => "wire_missing_field",
            WireErrorKind::WrongType => "wire_wrong_type",
            WireErrorKind::BadValue => "wire_bad_value",
            WireErrorKind::Version => "wire_version",
        }
    }

    /// The problem, as a continuation of the field's name: `accepts is missing`.
    #[must_use]
    pub fn what(&self) -> &'static str {
        match self.kind {
            WireErrorKind::TooLarge => "is too large",
            WireErrorKind::NotBase64 => "is not base64",
            WireErrorKind::NotJson => "is not JSON",
            WireErrorKind::Missing => "is missing",
            WireErrorKind::WrongType => "has the wrong type",
            WireErrorKind::BadValue => "has a value it cannot have",
            WireErrorKind::Version => "is not version 2",
        }
    }

    /// A message for a person: field and fault.
    #[must_use]
    pub fn message(&self) -> String {
        [&self.field, " ", self.what()].concat()
    }

    /// The same error, one level further out: `scheme` in `accepts[0]` is `accepts[0].scheme`.
    #[must_use]
    pub(crate) fn within(self, outer: &str) -> Self {
        Self { kind: self.kind, field: Cow::Owned([outer, ".", &self.field].concat()) }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.field)?;
        f.write_str(" ")?;
        f.write_str(self.what())
    }
}

impl core::error::Error for WireError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn an_error_has_a_code_for_programs_and_words_for_people() {
        for (kind, code, words) in [
            (WireErrorKind::TooLarge, "wire_too_large", "a.b is too large"),
            (WireErrorKind::NotBase64, "wire_not_base64", "a.b is not base64"),
            (WireErrorKind::NotJson, "wire_not_json", "a.b is not JSON"),
            (WireErrorKind::Missing, "wire_missing_field", "a.b is missing"),
            (WireErrorKind::WrongType, "wire_wrong_type", "a.b has the wrong type"),
            (WireErrorKind::BadValue, "wire_bad_value", "a.b has a value it cannot have"),
            (WireErrorKind::Version, "wire_version", "a.b is not version 2"),
        ] {
            let error = WireError::new(kind, "b").within("a");
            assert_eq!((error.code(), error.to_string().as_str()), (code, words));
            assert_eq!(WireErrorKind::of_code(code), Some(kind));
        }
    }
}
