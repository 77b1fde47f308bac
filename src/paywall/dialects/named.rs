//! Payments that have names (the x402 extension `payment-identifier`): a request that is sent again under the same name gets the answer that
//! was paid for, and is not paid for twice.
//!
//! The record of a name is a note in the state: claimed with the verification of the payment, it holds the answer in the end.

use super::Dialects;
use crate::codec::{parse_json, print, text::ByteSplit};
use crate::wire::base64;
use crate::wire::exact::check_identifier;
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// For how long an answer is kept, and for how long a request may be under way, in milliseconds.
const KEEP_MS: u64 = 3_600_000;
const LEASE_MS: u64 = 900_000;
/// The largest payment that is looked at for a name, in bytes.
const MAX_PAYMENT: usize = 64 * 1024;

/// A payment that has a name, for one request.
#[derive(Debug, Clone)]
pub struct NamedPayment {
    shard: String,
    /// The hash of what makes two requests the same one.
    print: String,
    claim: Claim,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    Open,
    Ours,
    Lost,
}

/// The refusal of a request for the name of its payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameRefusal {
    /// The HTTP status.
    pub status: u16,
    /// The code.
    pub code: &'static str,
    /// The reason, as a text.
    pub message: &'static str,
    /// The receipt of the answer that was paid for.
    pub receipt: Option<String>,
}

const fn refusal(status: u16, code: &'static str, message: &'static str) -> NameRefusal {
    NameRefusal { status, code, message, receipt: None }
}

const INVALID: NameRefusal = refusal(
    400,
    "payment_identifier_invalid",
    "The name of the payment must be 16 to 128 of A-Z a-z 0-9 _ -.",
);
const NAMELESS: NameRefusal = refusal(
    400,
    "payment_identifier_missing",
    "The payment must have a name: the extension payment-identifier.",
);
const CONFLICT: NameRefusal =
    refusal(409, "payment_identifier_conflict", "This name belongs to another payment or another request.");
const UNDER_WAY: NameRefusal =
    refusal(409, "payment_in_progress", "The request with this payment is under way.");
const GONE: NameRefusal = refusal(
    409,
    "payment_answer_gone",
    "This request was paid for and answered, and its answer is not kept.",
);

impl NameRefusal {
    /// When to try again, in seconds; `None` where that is of no use.
    #[must_use]
    pub fn retry_after(&self) -> Option<u8> {
        (self.code == UNDER_WAY.code).then_some(1)
    }
}

/// The record that is there under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Earlier {
    /// The answer that was paid for.
    Answer {
        /// The HTTP status.
        status: u16,
        /// Names and values.
        headers: Vec<(String, String)>,
        /// The body in base64.
        body: String,
    },
    /// The request is refused.
    Refused(NameRefusal),
}

/// The end of a request with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameEnd {
    /// The answer goes out as it is.
    Pass,
    /// Another request took the name: the answer does not go out.
    Lost(NameRefusal),
    /// The answer goes out, and this command frees the name.
    Free(String),
    /// The answer goes out, and is kept.
    Keep,
}

impl Dialects {
    /// The name of the payment in a header; `None` where it has none, or where names are not asked for.
    ///
    /// # Errors
    /// The refusal of a payment whose name cannot be one, or that must have one.
    pub fn name_of(&self, token: Option<&str>) -> Result<Option<String>, NameRefusal> {
        let (Some(required), Some(token)) = (self.identifier, token) else { return Ok(None) };
        let document = || parse_json(&base64::decode(token.trim(), MAX_PAYMENT, "payment").ok()?);
        let id = document()
            .and_then(|document| document.pointer("/extensions/payment-identifier/info/id").cloned());
        match id {
            None | Some(Value::Null) if required => Err(NAMELESS),
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(id)) if check_identifier(&id).is_ok() => Ok(Some(id)),
            Some(_) => Err(INVALID),
        }
    }
}

impl NamedPayment {
    /// The payment of a name. `parts` make two requests the same one: method, URL, payment, digest of the body.
    #[must_use]
    pub fn new(name: &str, parts: &[&str]) -> Self {
        let parts = Value::from(parts.iter().map(|part| Value::from(*part)).collect::<Vec<_>>());
        let place: String = hash(name).chars().take(32).collect();
        Self { shard: ["name:", &place].concat(), print: hash(&print(&parts)), claim: Claim::Open }
    }

    /// The object of the state that keeps the name.
    #[must_use]
    pub fn shard(&self) -> &str {
        &self.shard
    }

    /// Reads the record that is there; `None` where the name is free.
    #[must_use]
    pub fn earlier(&self, note: &str) -> Option<Earlier> {
        if note.is_empty() {
            return None;
        }
        let record = parse_json(note.as_bytes()).unwrap_or_default();
        let text = |name: &str| record.get(name).and_then(Value::as_str);
        if text("print") != Some(&self.print) {
            return Some(Earlier::Refused(CONFLICT));
        }
        if text("state") != Some("done") {
            return Some(Earlier::Refused(UNDER_WAY));
        }
        let pairs = record.get("headers").and_then(Value::as_array).into_iter().flatten();
        let headers: Vec<(String, String)> = pairs
            .filter_map(|pair| Some((pair.get(0)?.as_str()?.to_string(), pair.get(1)?.as_str()?.to_string())))
            .collect();
        let Some(body) = text("body") else {
            let receipt = headers.iter().find(|(name, _)| name == "payment-response");
            return Some(Earlier::Refused(NameRefusal {
                receipt: receipt.map(|(_, value)| value.clone()),
                ..GONE
            }));
        };
        let status = record.get("status").and_then(Value::as_u64).and_then(|status| status.try_into().ok());
        Some(Earlier::Answer { status: status.unwrap_or(200), headers, body: body.into() })
    }

    /// The command that claims the name, once the platform has answered the verification and the payment is good. `now`
    /// is in milliseconds since 1970.
    #[must_use]
    pub fn claim(&self, status: u16, body: &str, now: u64) -> Option<String> {
        let is_valid = || parse_json(body.as_bytes())?.get("isValid")?.as_bool();
        let is_good = (200..300).contains(&status) && is_valid() == Some(true);
        (is_good && self.claim == Claim::Open).then(|| {
            write("", now.saturating_add(LEASE_MS), &print(&json!({ "state": "begun", "print": self.print })))
        })
    }

    /// Takes the reply of the claim: true where the name is this request's.
    pub fn claimed(&mut self, reply: &str) -> bool {
        self.claim = if reply.is_empty() { Claim::Ours } else { Claim::Lost };
        self.claim == Claim::Ours
    }

    /// Ends the request, by the status of its answer and its receipt.
    #[must_use]
    pub fn end(&self, status: u16, receipt: Option<&str>) -> NameEnd {
        let is_refused = |receipt: &str| {
            let receipt =
                base64::decode(receipt, MAX_PAYMENT, "receipt").ok().and_then(|bytes| parse_json(&bytes));
            receipt.is_some_and(|receipt| receipt.get("success") == Some(&Value::Bool(false)))
        };
        match self.claim {
            Claim::Lost => NameEnd::Lost(UNDER_WAY),
            Claim::Open => NameEnd::Pass,
            Claim::Ours if !(200..300).contains(&status) || receipt.is_some_and(is_refused) => {
                NameEnd::Free(write("!", 0, ""))
            }
            Claim::Ours => NameEnd::Keep,
        }
    }

    /// The command that keeps an answer; without a body where it is too large, or broke off. `now` is in milliseconds since 1970.
    #[must_use]
    pub fn keep(&self, status: u16, headers: &[(String, String)], body: Option<&str>, now: u64) -> String {
        let mut record = Map::new();
        record.insert("state".into(), "done".into());
        record.insert("print".into(), self.print.as_str().into());
        record.insert("status".into(), status.into());
        record.insert("headers".into(), headers.iter().map(|(name, value)| json!([name, value])).collect());
        if let Some(body) = body {
            record.insert("body".into(), body.into());
        }
        write("!", now.saturating_add(KEEP_MS), &print(&Value::Object(record)))
    }
}

/// The change of the note in an object of the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoteChange {
    /// It stays.
    Stays,
    /// It is written, and ends at a time in milliseconds.
    Written(String, u64),
    /// It is removed.
    Removed,
}

/// Performs a command on the note of an object: its reply, and the change. `note` reads it; `note TIME` and a text on the next line write one
/// where there is none, `note! TIME` in any case. A note that has ended is none. Times are in milliseconds since 1970.
#[must_use]
pub fn note(stored: Option<&str>, command: &str, now: u64) -> (String, NoteChange) {
    let ends = |text: &str| text.parse::<u64>().ok().filter(|end| *end > now);
    let there = stored.and_then(|stored| {
        let (end, text) = stored.split_once_byte(b'\n')?;
        ends(end).map(|_| text)
    });
    let reply = || there.unwrap_or_default().to_string();
    let Some((head, text)) = command.split_once_byte(b'\n') else { return (reply(), NoteChange::Stays) };
    let (word, until) = head.split_once_byte(b' ').unwrap_or((head, ""));
    if there.is_some() && !word.ends_with('!') {
        return (reply(), NoteChange::Stays);
    }
    let change = match ends(until) {
        Some(end) => NoteChange::Written([until, "\n", text].concat(), end),
        None => NoteChange::Removed,
    };
    (String::new(), change)
}

fn write(over: &str, until: u64, text: &str) -> String {
    ["note", over, " ", &until.to_string(), "\n", text].concat()
}

fn hash(text: &str) -> String {
    let bytes = Sha256::digest(text.as_bytes());
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.filter_map(|nibble| char::from_digit(nibble.into(), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    const NOW: u64 = 1_000_000;
    const PARTS: [&str; 4] = ["POST", "http://shop/ask", "token", "sha-256=x"];

    fn named() -> NamedPayment {
        NamedPayment::new("pay_0123456789abcdef", &PARTS)
    }

    fn written(command: &str, stored: Option<&str>) -> (String, Option<String>) {
        match note(stored, command, NOW) {
            (reply, NoteChange::Written(text, _)) => (reply, Some(text)),
            (reply, NoteChange::Stays) => (reply, stored.map(Into::into)),
            (reply, NoteChange::Removed) => (reply, None),
        }
    }

    #[test]
    fn a_note_is_written_once_read_until_it_ends_and_overwritten_by_who_holds_it() {
        let there = "1000001\nfirst";
        for (stored, command, reply, left) in [
            (None, "note", "", None),
            (Some(there), "note", "first", Some(there)),
            (Some("1000000\nended"), "note", "", Some("1000000\nended")),
            (None, "note 1000009\nsecond\nline", "", Some("1000009\nsecond\nline")),
            (Some(there), "note 1000009\nsecond", "first", Some(there)),
            (Some("999\nended"), "note 1000009\nsecond", "", Some("1000009\nsecond")),
            (Some(there), "note! 1000009\nsecond", "", Some("1000009\nsecond")),
            (Some(there), "note! 0\n", "", None),
            (Some("no end"), "note", "", Some("no end")),
        ] {
            assert_eq!(
                written(command, stored),
                (reply.into(), left.map(Into::into)),
                "{command} on {stored:?}"
            );
        }
    }

    #[test]
    fn a_name_is_claimed_once_with_the_verification_and_gives_the_answer_that_was_paid_for() {
        let (mut first, mut second) = (named(), named());
        assert_eq!(first.earlier(""), None);
        let claim = first.claim(200, r#"{"isValid":true}"#, NOW).unwrap();
        let (reply, stored) = written(&claim, None);
        assert!(first.claimed(&reply));
        assert_eq!(
            first.claim(200, r#"{"isValid":true}"#, NOW),
            None,
            "a second verification claims nothing"
        );
        let (reply, stored) =
            written(&second.claim(200, r#"{"isValid":true}"#, NOW).unwrap(), stored.as_deref());
        assert!(!second.claimed(&reply));
        assert_eq!(second.end(200, None), NameEnd::Lost(UNDER_WAY));
        let (note, _) = written("note", stored.as_deref());
        assert_eq!(named().earlier(&note), Some(Earlier::Refused(UNDER_WAY)));

        assert_eq!(first.end(200, None), NameEnd::Keep);
        let headers = [("payment-response".to_string(), "e30=".to_string())];
        let (_, stored) = written(&first.keep(201, &headers, Some("aGk="), NOW), stored.as_deref());
        let (note, _) = written("note", stored.as_deref());
        let answer = Earlier::Answer { status: 201, headers: headers.to_vec(), body: "aGk=".into() };
        assert_eq!(named().earlier(&note), Some(answer));
        for part in 0..PARTS.len() {
            let mut parts = PARTS;
            *parts.get_mut(part).unwrap() = "another";
            let other = NamedPayment::new("pay_0123456789abcdef", &parts);
            assert_eq!(other.shard(), first.shard());
            assert_eq!(other.earlier(&note), Some(Earlier::Refused(CONFLICT)), "{part}");
        }
        let (_, stored) = written(&first.keep(200, &headers, None, NOW), stored.as_deref());
        let (note, _) = written("note", stored.as_deref());
        let gone = NameRefusal { receipt: Some("e30=".into()), ..GONE };
        assert_eq!(named().earlier(&note), Some(Earlier::Refused(gone)));
    }

    #[test]
    fn what_was_not_verified_claims_nothing_and_what_was_not_charged_frees_the_name() {
        for (status, body) in
            [(200, r#"{"isValid":false}"#), (402, r#"{"isValid":true}"#), (200, "{"), (200, "{}")]
        {
            assert_eq!(named().claim(status, body, NOW), None, "{status} {body}");
        }
        assert_eq!(named().end(200, None), NameEnd::Pass, "nothing was claimed");
        let refused = base64::encode_standard(br#"{"success":false}"#);
        let settled = base64::encode_standard(br#"{"success":true}"#);
        for (status, receipt, kept) in [
            (200, Some(&*settled), true),
            (204, None, true),
            (200, Some("garbled"), true),
            (200, Some(&*refused), false),
            (500, None, false),
            (402, Some(&*refused), false),
        ] {
            let mut payment = named();
            assert!(payment.claimed(""));
            let end = payment.end(status, receipt);
            let expected = if kept { NameEnd::Keep } else { NameEnd::Free("note! 0\n".into()) };
            assert_eq!(end, expected, "{status} {receipt:?}");
        }
    }

    #[test]
    fn a_name_is_read_where_names_are_asked_for() {
        let payment = |id: Value| {
            let document = json!({ "extensions": { "payment-identifier": { "info": { "id": id } } } });
            base64::encode_standard(document.to_string().as_bytes())
        };
        let good = "pay_0123456789abcdef";
        let none = base64::encode_url(b"{}");
        for (asked, token, found) in [
            (None, Some(payment(json!(good))), Ok(None)),
            (Some(false), None, Ok(None)),
            (Some(true), None, Ok(None)),
            (Some(false), Some(payment(json!(good))), Ok(Some(good.to_string()))),
            (Some(false), Some(none.clone()), Ok(None)),
            (Some(false), Some("no base64!".into()), Ok(None)),
            (Some(true), Some(none), Err(NAMELESS)),
            (Some(true), Some("no base64!".into()), Err(NAMELESS)),
            (Some(false), Some(payment(json!("short"))), Err(INVALID)),
            (Some(false), Some(payment(json!(7))), Err(INVALID)),
        ] {
            let dialects = Dialects { identifier: asked, ..Dialects::default() };
            assert_eq!(dialects.name_of(token.as_deref()), found, "{asked:?} {token:?}");
        }
        assert!(!format!("{:?}", named()).contains("token"));
    }
}
