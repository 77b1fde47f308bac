//! JSON documents that are kept as they came, with checked access to what we know of them.

use super::{WireError, WireErrorKind};
use crate::codec;
use alloc::string::String;
use serde_json::{Map, Value};
use zeroize::Zeroize;

/// A JSON object as it came, unknown members and their order included.
pub(crate) type Document = Map<String, Value>;

/// Reads a JSON object of at most `limit` bytes; `what` names it for the error.
pub(crate) fn parse(bytes: &[u8], limit: usize, what: &'static str) -> Result<Document, WireError> {
    if bytes.len() > limit {
        return Err(WireError::new(WireErrorKind::TooLarge, what));
    }
    match codec::parse_json(bytes) {
        Some(Value::Object(document)) => Ok(document),
        Some(_) => Err(WireError::new(WireErrorKind::WrongType, what)),
        None => Err(WireError::new(WireErrorKind::NotJson, what)),
    }
}

/// Prints a document as compact JSON.
pub(crate) fn print(document: &Document) -> String {
    codec::print_object(document)
}

/// Overwrites the texts of a document.
pub(crate) fn wipe(document: &mut Document) {
    for (_, value) in document.iter_mut() {
        match value {
            Value::String(text) => text.zeroize(),
            Value::Object(members) => wipe(members),
            _ => {}
        }
    }
}

/// A string member; absent and null are `None`.
pub(crate) fn text<'a>(document: &'a Document, name: &'static str) -> Result<Option<&'a str>, WireError> {
    match document.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(WireError::new(WireErrorKind::WrongType, name)),
    }
}

/// A string member that must be there and not be empty.
pub(crate) fn required_text<'a>(document: &'a Document, name: &'static str) -> Result<&'a str, WireError> {
    match text(document, name)? {
        None | Some("") => Err(WireError::new(WireErrorKind::Missing, name)),
        Some(text) => Ok(text),
    }
}

/// An object member; absent and null are `None`.
pub(crate) fn object<'a>(
    document: &'a Document,
    name: &'static str,
) -> Result<Option<&'a Document>, WireError> {
    match document.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(WireError::new(WireErrorKind::WrongType, name)),
    }
}

/// Checks `x402Version`: 2, as a number.
pub(crate) fn require_version_2(document: &Document) -> Result<(), WireError> {
    match document.get("x402Version") {
        Some(Value::Number(number)) if number.as_u64() == Some(2) => Ok(()),
        None | Some(Value::Null) => Err(WireError::new(WireErrorKind::Missing, "x402Version")),
        Some(_) => Err(WireError::new(WireErrorKind::Version, "x402Version")),
    }
}
