//! Reading and writing JSON. It is read by `serde_json`; in the npm package's gate a reader of two kilobytes, and in its other builds the engine's own
//! `JSON`, since a second parser would be a tenth of all that a page loads.
//!
//! All read the same: JSON nested at most 127 deep, whole numbers that it carries exactly as such, the last of two
//! members of one name. It is written by one small writer everywhere.

#[cfg(not(all(feature = "npm", target_family = "wasm")))]
pub(crate) use native::parse_json;

/// Reads JSON, with or without a byte order mark before it.
pub(crate) fn parse_text(text: &str) -> Option<serde_json::Value> {
    parse_json(text.strip_prefix('\u{feff}').unwrap_or(text).as_bytes())
}

/// Reads a JSON object, with or without a byte order mark before it; `None` for what is not one.
pub(crate) fn parse_object(text: &str) -> Option<serde_json::Map<alloc::string::String, serde_json::Value>> {
    match parse_text(text)? {
        serde_json::Value::Object(members) => Some(members),
        _ => None,
    }
}

/// An object of these members. The macro `json!` goes by way of a serializer, which is half a kilobyte of wasm in the gate.
#[inline(never)]
pub(crate) fn object(members: alloc::vec::Vec<(&str, serde_json::Value)>) -> serde_json::Value {
    let mut object = serde_json::Map::new();
    for (name, value) in members {
        object.insert(name.into(), value);
    }
    serde_json::Value::Object(object)
}

pub(crate) mod calendar;
pub(crate) mod hex;
pub(crate) mod text;
mod writer;
// The subscriber writes texts alone.
#[allow(unused_imports)]
pub(crate) use writer::{print, print_object, quote};

#[cfg(any(test, all(feature = "paywall", target_family = "wasm")))]
mod reader;

#[cfg(all(feature = "paywall", target_family = "wasm"))]
pub(crate) use reader::parse_json;

#[cfg(all(feature = "npm", not(feature = "paywall"), target_family = "wasm"))]
pub(crate) use javascript::parse_json;

#[cfg(not(all(feature = "npm", target_family = "wasm")))]
mod native {
    /// Reads a JSON document in UTF-8; `None` for what is not one.
    pub(crate) fn parse_json(bytes: &[u8]) -> Option<serde_json::Value> {
        serde_json::from_slice(bytes).ok()
    }
}

#[cfg(all(feature = "npm", not(feature = "paywall"), target_family = "wasm"))]
mod javascript {
    use crate::codec::text::{ByteSplit, SplitByte, number};
    use alloc::{string::String, vec::Vec};
    use serde_json::{Map, Number, Value};
    use wasm_bindgen::prelude::*;

    #[wasm_bindgen(module = "/src/bindings/http/flatten.js")]
    extern "C" {
        /// A JSON text as a flat text; nothing where it is no JSON.
        fn flatten(text: &str) -> Option<String>;
    }

    /// Reads a JSON document in UTF-8; `None` for what is not one.
    pub(crate) fn parse_json(bytes: &[u8]) -> Option<Value> {
        let text = flatten(core::str::from_utf8(bytes).ok()?)?;
        read(&mut text.split_byte(0))
    }

    /// The letter before a value says its kind.
    fn read(values: &mut SplitByte<'_>) -> Option<Value> {
        let value = values.next()?;
        let content = value.get(1..)?;
        Some(match *value.as_bytes().first()? {
            b's' => Value::String(unescaped(content)),
            b'i' => Value::Number(match content.strip_prefix('-') {
                Some(digits) => number::<i64>(digits)?.wrapping_neg().into(),
                None => number::<u64>(content)?.into(),
            }),
            // Its bits: no amount is read from such a number.
            b'd' => Value::Number(Number::from_f64(f64::from_bits(number(content)?))?),
            b't' => Value::Bool(true),
            b'f' => Value::Bool(false),
            b'n' => Value::Null,
            b'[' => {
                let mut list = Vec::new();
                for _ in 0..number::<u32>(content)? {
                    list.push(read(values)?);
                }
                Value::Array(list)
            }
            _ => {
                // One by one: to collect a map is to sort it first, and a sort is another kilobyte of wasm.
                let mut members = Map::new();
                for _ in 0..number::<u32>(content)? {
                    let name = unescaped(values.next()?);
                    members.insert(name, read(values)?);
                }
                Value::Object(members)
            }
        })
    }

    /// NUL and the letter that stands for it are escaped in texts.
    fn unescaped(text: &str) -> String {
        let mut plain = String::with_capacity(text.len());
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            plain.push(match letter {
                '\u{1}' if letters.next() == Some('0') => '\0',
                letter => letter,
            });
        }
        plain
    }
}
