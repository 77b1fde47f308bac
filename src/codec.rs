//! Reading JSON and base64: `serde_json` and `base64`, and in the builds of the npm package the engine's own `JSON` and
//! `atob`, since a second parser with its tables would be a tenth of all that a page loads.
//!
//! Both read the same: JSON nested at most 127 deep, whole numbers that it carries exactly as such, the last of two
//! members of one name; base64 of the standard alphabet without padding.

#[cfg(not(all(
    any(feature = "subscriber", feature = "paywall", feature = "builder"),
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
    any(feature = "subscriber", feature = "paywall", feature = "builder"),
    target_family = "wasm"
))]
pub(crate) use javascript::{decode_base64, parse_json};

#[cfg(not(all(
    any(feature = "subscriber", feature = "paywall", feature = "builder"),
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

#[cfg(all(any(feature = "subscriber", feature = "paywall", feature = "builder"), target_family = "wasm"))]
mod javascript {
    use alloc::{string::String, vec::Vec};
    use js_sys::{Array, JSON, Object};
    use serde_json::{Map, Number, Value};
    use wasm_bindgen::prelude::*;

    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(catch)]
        fn atob(text: &str) -> Result<String, JsValue>;
    }

    /// How deep a document may be nested, as with `serde_json`; what is deeper is refused, not followed.
    const MAX_DEPTH: u32 = 127;

    /// Reads a JSON document in UTF-8; `None` for what is not one.
    pub(crate) fn parse_json(bytes: &[u8]) -> Option<Value> {
        let text = core::str::from_utf8(bytes).ok()?;
        read(&JSON::parse(text).ok()?, MAX_DEPTH)
    }

    /// Reads base64 of the standard alphabet without padding; `None` for what is not that.
    pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
        // `atob` skips white space and takes padding.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        if !text.bytes().all(plain) {
            return None;
        }
        // A letter a byte.
        atob(text).ok()?.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect()
    }

    fn read(value: &JsValue, depth: u32) -> Option<Value> {
        if let Some(text) = value.as_string() {
            return Some(Value::String(text));
        }
        if let Some(number) = value.as_f64() {
            return read_number(number).map(Value::Number);
        }
        if let Some(flag) = value.as_bool() {
            return Some(Value::Bool(flag));
        }
        if value.is_null() {
            return Some(Value::Null);
        }
        let depth = depth.checked_sub(1)?;
        if let Some(list) = value.dyn_ref::<Array>() {
            let list = list.iter().map(|one| read(&one, depth)).collect::<Option<_>>();
            return list.map(Value::Array);
        }
        // One by one: to collect a map is to sort it first, and a sort is another kilobyte of wasm.
        let mut members = Map::new();
        for pair in Object::entries(value.unchecked_ref()).iter() {
            let pair: Array = pair.unchecked_into();
            members.insert(pair.get(0).as_string()?, read(&pair.get(1), depth)?);
        }
        Some(Value::Object(members))
    }

    /// A whole number that a double holds exactly stays whole; one beyond may have been another before it was read, and
    /// is left a double, which no amount is read from.
    fn read_number(number: f64) -> Option<Number> {
        const EXACT: f64 = 9_007_199_254_740_991.0;
        #[allow(clippy::cast_possible_truncation)]
        let whole = number as i64;
        #[allow(clippy::cast_precision_loss)]
        if number.abs() <= EXACT && whole as f64 == number {
            return Some(Number::from(whole));
        }
        Number::from_f64(number)
    }
}
