use super::ending::{EndReason, Ending, Unit};
use crate::codec;
use crate::codec::text::ByteSplit;
use alloc::vec::Vec;
use serde_json::Value;

/// The largest line or document in which a number is looked for, in bytes.
const MAX_TEXT_BYTES: usize = 256 * 1024;

/// Counts the body of an answer that is settled at its end: its bytes, and events or the last number at a path of members
/// as [`Unit`] says. For shells in Rust; those in JavaScript count in `meter.js`.
#[derive(Debug, Default)]
pub struct BodyCounter {
    unit: Option<Unit>,
    bytes: u64,
    events: u64,
    tokens: Option<u64>,
    line: Vec<u8>,
    /// The event that is being read has data.
    data: bool,
    /// The last byte was a carriage return: a line feed after it belongs to the same end of line.
    after_return: bool,
    /// All of the body, while it is small enough.
    whole: Option<Vec<u8>>,
    /// The last four bytes.
    last: Vec<u8>,
}

impl BodyCounter {
    /// Counts in this unit; bytes are always counted.
    #[must_use]
    pub fn new(unit: Option<Unit>) -> Self {
        let whole = matches!(unit, Some(Unit::Token(_))).then(Vec::new);
        Self { unit, whole, last: b"\n\n".to_vec(), ..Self::default() }
    }

    /// Counts a part of the body.
    pub fn add(&mut self, part: &[u8]) {
        self.bytes = self.bytes.saturating_add(part.len() as u64);
        self.last.extend(part.iter().skip(part.len().saturating_sub(4)));
        self.last.drain(..self.last.len().saturating_sub(4));
        if !matches!(self.unit, Some(Unit::Event | Unit::Token(_))) {
            return;
        }
        self.whole = self.whole.take().filter(|whole| whole.len() + part.len() <= MAX_TEXT_BYTES);
        if let Some(whole) = &mut self.whole {
            whole.extend_from_slice(part);
        }
        for &byte in part {
            match byte {
                b'\n' if self.after_return => self.after_return = false,
                b'\n' | b'\r' => {
                    self.after_return = byte == b'\r';
                    self.end_line();
                }
                _ => {
                    self.after_return = false;
                    if self.line.len() < MAX_TEXT_BYTES {
                        self.line.push(byte);
                    }
                }
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
                self.tokens = self.number(&whole);
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
        if self.line.is_empty() {
            self.events += u64::from(self.data);
            self.data = false;
            return;
        }
        self.data |= self.line == b"data" || self.line.starts_with(b"data:");
        self.look_at_line();
        self.line.clear();
    }

    fn look_at_line(&mut self) {
        let line = self.line.strip_prefix(b"data:").unwrap_or(&self.line);
        if let Some(number) = self.number(line.strip_prefix(b" ").unwrap_or(line)) {
            self.tokens = Some(number);
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
        let document = codec::parse_json(text)?;
        path.split_byte(b'.').try_fold(&document, |value: &Value, name| value.get(name))?.as_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    /// Counts a body that comes in parts of this size.
    fn counted(unit: Option<Unit>, body: &str, size: usize) -> (Ending, String) {
        let mut counter = BodyCounter::new(unit);
        for part in body.as_bytes().chunks(size) {
            counter.add(part);
        }
        (counter.ending(EndReason::Whole), counter.gap().into())
    }

    #[test]
    fn rule_20_a_body_is_counted_the_same_whatever_its_parts() {
        let tokens = || Some(Unit::Token("usage.total_tokens".into()));
        let open_ai = "data: {\"usage\":null}\n\ndata: {\"usage\":{\"total_tokens\":3}}\n\ndata: {\"usage\":{\"total_tokens\":7}}\n\ndata: [DONE]\n\n";
        for (name, unit, body, events, number, gap) in [
            ("nothing", None, "", 0, None, ""),
            ("bytes", Some(Unit::Byte), "abc", 0, None, "\n\n"),
            ("one line", None, "abc\n", 0, None, "\n"),
            ("events", Some(Unit::Event), "data: 1\n\n: keep\n\nevent: x\ndata\n\n", 2, None, ""),
            (
                "events with carriage returns",
                Some(Unit::Event),
                "data: 1\r\n\r\ndata: 2\r\rdata: 3\r\n\r\n",
                3,
                None,
                "",
            ),
            ("an event that was cut off", Some(Unit::Event), "data: 1\n\ndata: 2\n", 1, None, "\n"),
            ("an event without data", Some(Unit::Event), "event: x\nid: 1\n\ndatabase: 1\n\n", 0, None, ""),
            ("tokens of a stream", tokens(), open_ai, 4, Some(7), ""),
            (
                "tokens of a document",
                tokens(),
                "{\n \"usage\": {\n  \"total_tokens\": 12\n }\n}",
                0,
                Some(12),
                "\n\n",
            ),
            ("tokens in the last line", tokens(), "{\"usage\":{\"total_tokens\":5}}", 0, Some(5), "\n\n"),
            ("tokens as a text", tokens(), "{\"usage\":{\"total_tokens\":\"5\"}}", 0, None, "\n\n"),
            ("negative tokens", tokens(), "{\"usage\":{\"total_tokens\":-5}}", 0, None, "\n\n"),
            ("tokens elsewhere", tokens(), "{\"total_tokens\":5}", 0, None, "\n\n"),
        ] {
            for size in [1, 2, 3, 1000] {
                let (ending, found_gap) = counted(unit.clone(), body, size);
                let found = (ending.bytes, ending.events, ending.tokens, found_gap.as_str());
                assert_eq!(found, (body.len() as u64, events, number, gap), "{name}, in parts of {size}");
            }
        }
    }
}
