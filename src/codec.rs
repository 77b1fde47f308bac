//! Reading JSON and base64: `serde_json` and `base64`, and in the builds of the npm package the engine's own `JSON`,
//! since a second parser with its tables would be a tenth of all that a page loads.
//!
//! Both read the same: JSON nested at most 127 deep, whole numbers that it carries exactly as such, the last of two
//! members of one name; base64 of the standard alphabet without padding.

#[cfg(not(all(
    any(feature = "subscriber", feature = "paywall", feature = "builder", feature = "dialects"),
    target_family = "wasm"
)))]
pub(crate) use native::{decode_base64, parse_json};

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

#[cfg(all(
    any(feature = "subscriber", feature = "paywall", feature = "builder", feature = "dialects"),
    target_family = "wasm"
))]
pub(crate) use javascript::{decode_base64, parse_json};

#[cfg(not(all(
    any(feature = "subscriber", feature = "paywall", feature = "builder", feature = "dialects"),
    target_family = "wasm"
)))]
mod native {
    use alloc::vec::Vec;
    use base64::alphabet::STANDARD;
    use base64::engine::{DecodePaddingMode, Engine as _, GeneralPurpose, GeneralPurposeConfig};

    /// Trailing bits that stand for nothing are let pass, as `atob` does: a credential is what it decodes to.
    const LIBERAL: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::RequireNone)
            .with_decode_allow_trailing_bits(true),
    );

    /// Reads a JSON document in UTF-8; `None` for what is not one.
    pub(crate) fn parse_json(bytes: &[u8]) -> Option<serde_json::Value> {
        serde_json::from_slice(bytes).ok()
    }

    /// Reads base64 of the standard alphabet without padding; `None` for what is not that.
    pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
        LIBERAL.decode(text).ok()
    }
}

#[cfg(all(
    any(feature = "subscriber", feature = "paywall", feature = "builder", feature = "dialects"),
    target_family = "wasm"
))]
mod javascript {
    use alloc::{string::String, vec::Vec};
    use core::str::Split;
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
        read(&mut text.split('\0'))
    }

    /// Reads base64 of the standard alphabet without padding; `None` for what is not that. Trailing bits that stand for
    /// nothing are let pass: a credential is what it decodes to.
    pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(text.len());
        let (mut bits, mut count) = (0u32, 0u32);
        for letter in text.bytes() {
            let six = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'a'..=b'z' => letter - b'a' + 26,
                b'0'..=b'9' => letter - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(six);
            count += 6;
            if count >= 8 {
                count -= 8;
                bytes.push((bits >> count & 0xff) as u8);
            }
        }
        // One letter alone is not a byte.
        (count < 6).then_some(bytes)
    }

    /// The letter before a value says its kind.
    fn read(values: &mut Split<'_, char>) -> Option<Value> {
        let value = values.next()?;
        let content = value.get(1..)?;
        Some(match *value.as_bytes().first()? {
            b's' => Value::String(unescaped(content)),
            b'i' => Value::Number(content.parse::<i64>().ok()?.into()),
            // Its bits: no amount is read from such a number.
            b'd' => Value::Number(Number::from_f64(f64::from_bits(content.parse().ok()?))?),
            b't' => Value::Bool(true),
            b'f' => Value::Bool(false),
            b'n' => Value::Null,
            b'[' => {
                let mut list = Vec::new();
                for _ in 0..content.parse::<u32>().ok()? {
                    list.push(read(values)?);
                }
                Value::Array(list)
            }
            _ => {
                // One by one: to collect a map is to sort it first, and a sort is another kilobyte of wasm.
                let mut members = Map::new();
                for _ in 0..content.parse::<u32>().ok()? {
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
