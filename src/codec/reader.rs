//! A small reader of JSON for the gate's WebAssembly: a token, an answer of the platform and each row of the state is a
//! document, and to have JavaScript read them costs two crossings, a copy each way and a walk. It reads what `serde_json`
//! reads, which a test compares.

use alloc::{string::String, vec::Vec};
use serde_json::{Map, Number, Value};

/// How deep arrays and objects may be nested.
const MOST_DEPTH: u32 = 127;

/// Reads a document. `fraction` reads a number that is not a whole one of 64 bits.
pub(crate) fn read(text: &str, fraction: fn(&str) -> Option<Number>) -> Option<Value> {
    let mut reader = Reader { rest: text, fraction };
    let value = reader.value(MOST_DEPTH)?;
    reader.skip_space();
    reader.rest.is_empty().then_some(value)
}

#[cfg(all(feature = "paywall", target_family = "wasm"))]
pub(crate) use gate::parse_json;

#[cfg(all(feature = "paywall", target_family = "wasm"))]
mod gate {
    use super::read;
    use serde_json::{Number, Value};
    use wasm_bindgen::prelude::*;

    #[wasm_bindgen]
    extern "C" {
        /// The number that a text says.
        #[wasm_bindgen(js_name = Number)]
        fn number(text: &str) -> f64;
    }

    /// Reads a JSON document in UTF-8; `None` for what is not one.
    pub(crate) fn parse_json(bytes: &[u8]) -> Option<Value> {
        // No amount is read from a fraction, and to read one is more code than all else here.
        read(core::str::from_utf8(bytes).ok()?, |text| Number::from_f64(number(text)))
    }
}

struct Reader<'a> {
    rest: &'a str,
    fraction: fn(&str) -> Option<Number>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    /// Goes on by so many bytes, and gives them.
    fn take(&mut self, length: usize) -> Option<&'a str> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    /// The bytes from here that are chosen.
    fn take_while(&mut self, chosen: impl Fn(u8) -> bool) -> Option<&'a str> {
        let length = self.rest.bytes().position(|byte| !chosen(byte)).unwrap_or(self.rest.len());
        self.take(length)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.take(1);
        }
    }

    /// Takes a byte if it is the next one after blanks.
    fn takes(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(byte);
        if found {
            self.take(1);
        }
        found
    }

    fn value(&mut self, depth: u32) -> Option<Value> {
        self.skip_space();
        match self.peek()? {
            b'"' => self.string().map(Value::String),
            b'{' => self.object(depth.checked_sub(1)?),
            b'[' => self.array(depth.checked_sub(1)?),
            b'-' | b'0'..=b'9' => self.number().map(Value::Number),
            _ => {
                let word = self.take_while(|byte| byte.is_ascii_lowercase())?;
                match word {
                    "true" => Some(Value::Bool(true)),
                    "false" => Some(Value::Bool(false)),
                    "null" => Some(Value::Null),
                    _ => None,
                }
            }
        }
    }

    fn object(&mut self, depth: u32) -> Option<Value> {
        self.take(1)?;
        let mut members = Map::new();
        if self.takes(b'}') {
            return Some(Value::Object(members));
        }
        loop {
            self.skip_space();
            let name = self.string()?;
            if !self.takes(b':') {
                return None;
            }
            members.insert(name, self.value(depth)?);
            if self.takes(b'}') {
                return Some(Value::Object(members));
            }
            if !self.takes(b',') {
                return None;
            }
        }
    }

    fn array(&mut self, depth: u32) -> Option<Value> {
        self.take(1)?;
        let mut entries = Vec::new();
        if self.takes(b']') {
            return Some(Value::Array(entries));
        }
        loop {
            entries.push(self.value(depth)?);
            if self.takes(b']') {
                return Some(Value::Array(entries));
            }
            if !self.takes(b',') {
                return None;
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        if self.peek()? != b'"' {
            return None;
        }
        self.take(1)?;
        let plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
        let mut text = String::from(self.take_while(plain)?);
        loop {
            match self.take(1)? {
                "\"" => return Some(text),
                "\\" => text.push(self.escaped()?),
                _ => return None,
            }
            text.push_str(self.take_while(plain)?);
        }
    }

    /// The character after a backslash.
    fn escaped(&mut self) -> Option<char> {
        Some(match self.take(1)? {
            "\"" => '"',
            "\\" => '\\',
            "/" => '/',
            "b" => '\u{8}',
            "f" => '\u{c}',
            "n" => '\n',
            "r" => '\r',
            "t" => '\t',
            "u" => {
                let unit = self.unit()?;
                if !(0xd800..0xdc00).contains(&unit) {
                    return char::from_u32(unit);
                }
                // Half of a character: the other half follows.
                if self.take(2)? != "\\u" {
                    return None;
                }
                let other = self.unit()?.checked_sub(0xdc00).filter(|other| *other < 0x400)?;
                return char::from_u32(0x10000 + ((unit - 0xd800) << 10) + other);
            }
            _ => return None,
        })
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Option<u32> {
        let digits = self.take(4)?;
        digits.chars().try_fold(0, |unit, digit| Some(unit << 4 | digit.to_digit(16)?))
    }

    fn number(&mut self) -> Option<Number> {
        let from = self.rest;
        let negative = self.peek() == Some(b'-');
        if negative {
            self.take(1)?;
        }
        let digits = self.take_while(|byte| byte.is_ascii_digit())?;
        if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
            return None;
        }
        let mut whole = true;
        if self.peek() == Some(b'.') {
            whole = false;
            self.take(1)?;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            whole = false;
            self.take(1)?;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.take(1)?;
            }
            self.digits()?;
        }
        if whole {
            let magnitude = digits
                .bytes()
                .try_fold(0_u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
            match magnitude {
                Some(magnitude) if !negative => return Some(magnitude.into()),
                // There is no minus zero among whole numbers.
                Some(magnitude) if magnitude > 0 => {
                    if let Some(number) = 0_i64.checked_sub_unsigned(magnitude) {
                        return Some(number.into());
                    }
                }
                _ => {}
            }
        }
        (self.fraction)(from.get(..from.len() - self.rest.len())?)
    }

    /// One digit or more.
    fn digits(&mut self) -> Option<()> {
        let digits = self.take_while(|byte| byte.is_ascii_digit())?;
        (!digits.is_empty()).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fraction(text: &str) -> Option<Number> {
        Number::from_f64(text.parse().ok()?)
    }

    fn check(text: &str) {
        let expected = serde_json::from_str::<Value>(text).ok();
        assert_eq!(read(text, fraction), expected, "{text}");
    }

    #[test]
    fn reads_what_serde_json_reads() {
        for text in [
            "",
            " ",
            "null",
            " true ",
            "false",
            "nul",
            "nullx",
            "truefalse",
            "True",
            "{}",
            "[]",
            "{ }",
            "[ ]",
            "[1 , 2]",
            "[1,]",
            "[,1]",
            "{\"a\":1,}",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{\"a\":1 \"b\":2}",
            "{\"a\":{\"b\":[{}]}}",
            "{\"a\":1,\"b\":2,\"a\":3}",
            "\"",
            "\"a",
            "\"a\"b",
            "\"\\",
            "\"\\x\"",
            "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
            "\"\\u0041\\u00e9\\u20AC\"",
            "\"\\ud83d\\ude00\"",
            "\"\\ud83d\"",
            "\"\\ude00\"",
            "\"\\ud83dx\"",
            "\"\\ud83d\\u0041\"",
            "\"\\u00\"",
            "\"\\u00g0\"",
            "\"\\u+123\"",
            "\"\\u0000\"",
            "\"a\nb\"",
            "\"a\u{0}\"",
            "\"\u{7f}\u{e9}\u{1f600}\"",
            "'a'",
            "\u{feff}1",
            "0",
            "-0",
            "-",
            "01",
            "-01",
            "1",
            "-1",
            "18446744073709551615",
            "18446744073709551616",
            "9223372036854775807",
            "-9223372036854775808",
            "-9223372036854775809",
            "1.5",
            "-1.5",
            "1.",
            ".5",
            "1.e1",
            "1e5",
            "1E+5",
            "1e-5",
            "1e",
            "1e+",
            "1e400",
            "-1e400",
            "1.0",
            "0.1",
            "0e0",
            "1 2",
            "[1]]",
            "+1",
            "Infinity",
            "NaN",
            "\u{a0}1",
            "1\u{b}",
            "[1\r\n\t,2]",
            "//",
            "[\"\\u2028\u{2028}\"]",
        ] {
            check(text);
        }
        for depth in 126..130 {
            check(&["[".repeat(depth), "]".repeat(depth)].concat());
            check(&["{\"a\":".repeat(depth), "1".into(), "}".repeat(depth)].concat());
        }
    }

    #[test]
    fn reads_every_beginning_and_every_changed_byte_alike() {
        let document = r#"{"a":[1,-2.5e3,"\u00e9\ud83d\ude00x",null,{"b":true}],"":"\\\""}"#;
        for at in 0..=document.len() {
            check(document.get(..at).unwrap());
            for other in [" ", "\"", "\\", "{", "]", ",", ":", "0", "e", "u", "\n"] {
                if let (Some(before), Some(after)) = (document.get(..at), document.get(at + 1..)) {
                    check(&[before, other, after].concat());
                }
            }
        }
    }
}
