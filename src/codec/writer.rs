//! Writes JSON. A serializer with its ways to print a fraction is eight kilobytes of wasm after gzip.

use crate::wire::digits;
use alloc::string::String;
use serde_json::{Map, Value};

/// Writes a value as compact JSON.
pub(crate) fn print(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

/// Writes an object as compact JSON.
pub(crate) fn print_object(members: &Map<String, Value>) -> String {
    let mut text = String::new();
    write_object(members, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => text.push_str(&digits(number)),
            (None, Some(number)) => {
                text.push('-');
                text.push_str(&digits(number.unsigned_abs()));
            }
            (None, None) => text.push_str(&print_fraction(number)),
        },
        Value::String(value) => quote(value, text),
        Value::Array(entries) => {
            text.push('[');
            for (index, entry) in entries.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(entry, text);
            }
            text.push(']');
        }
        Value::Object(members) => write_object(members, text),
    }
}

fn write_object(members: &Map<String, Value>, text: &mut String) {
    text.push('{');
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        quote(name, text);
        text.push(':');
        write(value, text);
    }
    text.push('}');
}

/// Writes a JSON string.
#[inline(never)]
pub(crate) fn quote(value: &str, text: &mut String) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    text.push('"');
    let mut rest = value;
    while let Some(at) = rest.bytes().position(|byte| byte < b' ' || matches!(byte, b'"' | b'\\')) {
        let Some((plain, special)) = rest.split_at_checked(at) else { break };
        text.push_str(plain);
        let Some((special, after)) = special.split_at_checked(1) else { break };
        match special.bytes().next().unwrap_or_default() {
            b'\n' => text.push_str("\\n"),
            code @ 0..32 => {
                text.push_str("\\u00");
                let code = usize::from(code);
                text.extend([HEX.get(code >> 4), HEX.get(code & 15)].into_iter().flatten());
            }
            _ => {
                text.push('\\');
                text.push_str(special);
            }
        }
        rest = after;
    }
    text.push_str(rest);
    text.push('"');
}

/// A number that is not whole, by JavaScript where there is any.
#[cfg(all(feature = "npm", target_family = "wasm"))]
fn print_fraction(number: &serde_json::Number) -> String {
    use wasm_bindgen::prelude::*;

    #[wasm_bindgen]
    extern "C" {
        /// The text of a number.
        #[wasm_bindgen(js_name = String)]
        fn text(number: f64) -> String;
    }

    number.as_f64().map_or_else(String::new, text)
}

/// A number that is not whole.
#[cfg(not(all(feature = "npm", target_family = "wasm")))]
fn print_fraction(number: &serde_json::Number) -> String {
    alloc::string::ToString::to_string(number)
}

#[cfg(test)]
mod tests {
    use super::{print, print_object};
    use serde_json::{Value, json};

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for value in [
            json!(null),
            json!([]),
            json!({}),
            json!([true, false, null, [[]], {"a": {}}]),
            json!([0, 7, u64::MAX, -1, i64::MIN, 1.5, -0.25, 1e300, 1e-7]),
            json!({"plain": "text", "": "\u{e9}\u{1f600}\u{2028}\u{7f}", "a\"b\\c": "\u{0}\u{1}\u{8}\t\n\u{c}\r\u{1f} /\"\\"}),
        ] {
            let text = print(&value);
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value, "{text}");
            if let Value::Object(members) = &value {
                assert_eq!(print_object(members), text);
            }
        }
        assert_eq!(print(&json!({"b": [1, "x\ny"], "a": null})).len(), r#"{"b":[1,"x\ny"],"a":null}"#.len());
    }
}
