use super::ending::{EndReason, Ending, Unit};
use crate::codec;
use crate::codec::text::ByteSplit;
use alloc::{string::String, vec::Vec};
use serde_json::Value;

/// The largest line or document in which a number is looked for, in units of UTF-16, as JavaScript counts.
const MAX_TEXT_UNITS: usize = 256 * 1024;
/// The first bytes of a text that says that it is UTF-8; they are not part of it.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
/// The largest whole number up to which a double has each.
const MAX_SAFE: u64 = (1 << 53) - 1;

/// Counts the body of an answer that is settled at its end: its bytes, and events or the last number at a path of members
/// as [`Unit`] says. For shells in Rust; those in JavaScript count the same in `meter.js` (`tests/vectors/body_counts.json`).
#[derive(Debug, Default)]
pub struct BodyCounter {
    unit: Option<Unit>,
    bytes: u64,
    events: u64,
    tokens: Option<u64>,
    line: Text,
    /// The event that is being read has data.
    data: bool,
    /// The last byte was a carriage return: a line feed after it belongs to the same end of line.
    after_return: bool,
    /// All of the body, while it is small enough.
    whole: Option<Text>,
    /// The last four bytes.
    last: Vec<u8>,
}

impl BodyCounter {
    /// Counts in this unit; bytes are always counted.
    #[must_use]
    pub fn new(unit: Option<Unit>) -> Self {
        let whole = matches!(unit, Some(Unit::Token(_))).then(Text::default);
        Self { unit, whole, last: b"\n\n".to_vec(), ..Self::default() }
    }

    /// Counts a part of the body.
    pub fn add(&mut self, part: &[u8]) {
        let before = self.bytes;
        self.bytes = before.saturating_add(part.len() as u64);
        self.last.extend(part.iter().skip(part.len().saturating_sub(4)));
        self.last.drain(..self.last.len().saturating_sub(4));
        if !matches!(self.unit, Some(Unit::Event | Unit::Token(_))) {
            return;
        }
        for (&byte, at) in part.iter().zip(before..) {
            self.whole = self.whole.take().and_then(|whole| whole.with(byte));
            match byte {
                b'\n' if self.after_return => self.after_return = false,
                b'\n' | b'\r' => {
                    self.after_return = byte == b'\r';
                    self.end_line();
                }
                _ => {
                    self.after_return = false;
                    self.line.push(byte);
                }
            }
            if at == 2 && self.line.bytes == BYTE_ORDER_MARK {
                self.line = Text::default();
                self.whole = self.whole.take().map(|_| Text::default());
            }
        }
    }

    /// The counts, for a body that ended so.
    #[must_use]
    pub fn ending(&mut self, how: EndReason) -> Ending {
        if let Some(Unit::Token(_)) = self.unit {
            self.look_at_line();
            // One document over many lines.
            if self.tokens.is_none()
                && let Some(whole) = self.whole.take()
            {
                self.tokens = self.number(&whole.bytes);
            }
        }
        Ending { how, bytes: self.bytes, events: self.events, tokens: self.tokens }
    }

    /// The text that must stand before an event that is appended.
    #[must_use]
    pub fn gap(&self) -> &'static str {
        let ends = |end: &[u8]| self.last.ends_with(end);
        match () {
            () if ends(b"\n\n") || ends(b"\r\r") || ends(b"\r\n\r\n") => "",
            () if ends(b"\r") || ends(b"\n") => "\n",
            () => "\n\n",
        }
    }

    fn end_line(&mut self) {
        if self.line.bytes.is_empty() {
            self.events += u64::from(self.data);
            self.data = false;
            return;
        }
        self.data |= self.line.bytes == b"data" || self.line.bytes.starts_with(b"data:");
        self.look_at_line();
        self.line = Text::default();
    }

    fn look_at_line(&mut self) {
        if !self.line.is_too_long {
            let line = self.line.bytes.strip_prefix(b"data:").unwrap_or(&self.line.bytes);
            self.tokens = self.number(line).or(self.tokens);
        }
    }

    /// The whole number at the path of members of a JSON document.
    fn number(&self, text: &[u8]) -> Option<u64> {
        let Some(Unit::Token(path)) = &self.unit else { return None };
        let member = path.rsplit_once_byte(b'.').map_or(path.as_str(), |(_, last)| last);
        let quoted: Vec<u8> = [b"\"", member.as_bytes(), b"\""].concat();
        if !text.windows(quoted.len()).any(|window| window == quoted) {
            return None;
        }
        let document = codec::parse_json(String::from_utf8_lossy(text).as_bytes())?;
        whole_number(path.split_byte(b'.').try_fold(&document, |value: &Value, name| value.get(name))?)
    }
}

/// The whole number of a JSON value, however it is written.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]
fn whole_number(value: &Value) -> Option<u64> {
    let written = || {
        let number = value.as_f64()?;
        let whole = number as u64;
        (whole as f64 == number).then_some(whole)
    };
    value.as_u64().or_else(written).filter(|number| *number <= MAX_SAFE)
}

/// The beginning of a text.
#[derive(Debug, Default)]
struct Text {
    bytes: Vec<u8>,
    units: usize,
    is_too_long: bool,
}

impl Text {
    fn push(&mut self, byte: u8) {
        self.units += match byte {
            0x80..=0xbf => 0,
            0xf0.. => 2,
            _ => 1,
        };
        self.is_too_long |= self.units > MAX_TEXT_UNITS;
        if !self.is_too_long {
            self.bytes.push(byte);
        }
    }

    /// The same with one more byte; `None` where it is too long then.
    fn with(mut self, byte: u8) -> Option<Self> {
        self.push(byte);
        (!self.is_too_long).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::base64;
    use alloc::vec;

    #[test]
    fn rule_20_a_body_is_counted_the_same_whatever_its_parts() {
        let vectors: Vec<Value> =
            serde_json::from_str(include_str!("../../../tests/vectors/body_counts.json")).unwrap();
        assert!(vectors.len() > 50, "{}", vectors.len());
        for vector in vectors {
            let name = vector["name"].as_str().unwrap();
            let unit = match vector["unit"].as_str().unwrap() {
                "token" => Some(Unit::Token(vector["member"].as_str().unwrap().into())),
                "event" => Some(Unit::Event),
                _ => None,
            };
            let body: Vec<u8> = vector["body"].as_array().unwrap().iter().flat_map(bytes).collect();
            for size in [1, 2, 3, 1000, body.len() + 1] {
                let mut counter = BodyCounter::new(unit.clone());
                body.chunks(size).for_each(|part| counter.add(part));
                let Ending { bytes, events, tokens, .. } = counter.ending(EndReason::Whole);
                let expected =
                    (body.len() as u64, vector["events"].as_u64().unwrap(), vector["tokens"].as_u64());
                assert_eq!((bytes, events, tokens), expected, "{name}, in parts of {size}");
                assert_eq!(counter.gap(), vector["gap"], "{name}, in parts of {size}");
            }
        }
    }

    /// A part of a vector's body: a text, a text that is repeated, or bytes.
    fn bytes(part: &Value) -> Vec<u8> {
        let text = |name: &str| part[name].as_str();
        match (part.as_str(), text("base64")) {
            (Some(text), _) => text.into(),
            (_, Some(bytes)) => base64::decode(bytes, 100, "body").unwrap(),
            _ => vec![text("text").unwrap(); part["times"].as_u64().unwrap() as usize].concat().into(),
        }
    }
}
