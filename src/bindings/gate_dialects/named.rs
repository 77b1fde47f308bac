//! Payments that have names, for JavaScript: `paywall::dialects::NamedPayment`.

use super::whole;
use crate::codec::{parse_json, print};
use crate::paywall::dialects::{Earlier, NameEnd, NameRefusal, NamedPayment, NoteChange, note};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use serde_json::{Value, json};
use wasm_bindgen::prelude::*;

/// A payment that has a name, for one request. Times are in milliseconds.
#[wasm_bindgen(js_name = NamedPayment, skip_typescript)]
#[derive(Debug)]
pub struct JsNamedPayment(NamedPayment);

#[wasm_bindgen(js_class = NamedPayment)]
impl JsNamedPayment {
    /// The payment of a name; the parts make two requests the same one.
    #[wasm_bindgen(constructor)]
    pub fn new(name: &str, method: &str, url: &str, payment: &str, digest: &str) -> Self {
        Self(NamedPayment::new(name, &[method, url, payment, digest]))
    }

    /// The object of the state that keeps the name.
    pub fn shard(&self) -> String {
        self.0.shard().into()
    }

    /// The record that is there, JSON: an answer, a refusal, or nothing where the name is free.
    pub fn earlier(&self, note: &str) -> Option<String> {
        self.0.earlier(note).map(|earlier| match earlier {
            Earlier::Answer { status, headers, body } => {
                print(&json!({ "status": status, "headers": headers, "body": body }))
            }
            Earlier::Refused(refusal) => print(&refused(&refusal)),
        })
    }

    /// The command that claims the name, for the platform's answer to the verification.
    pub fn claim(&self, status: u16, body: &str, now: f64) -> Option<String> {
        self.0.claim(status, body, whole(now))
    }

    /// Takes the reply of the claim: true where the name is this request's.
    pub fn claimed(&mut self, reply: &str) -> bool {
        self.0.claimed(reply)
    }

    /// Ends the request, JSON: `{ keep }`, `{ free }` with a command, a refusal, or nothing.
    pub fn end(&self, status: u16, receipt: Option<String>) -> Option<String> {
        match self.0.end(status, receipt.as_deref()) {
            NameEnd::Pass => None,
            NameEnd::Lost(refusal) => Some(print(&refused(&refusal))),
            NameEnd::Free(command) => Some(print(&json!({ "free": command }))),
            NameEnd::Keep => Some(print(&json!({ "keep": true }))),
        }
    }

    /// The command that keeps an answer. `headers` are JSON: pairs of name and value.
    pub fn keep(&self, status: u16, headers: &str, body: Option<String>, now: f64) -> String {
        let pairs = match parse_json(headers.as_bytes()) {
            Some(Value::Array(pairs)) => pairs,
            _ => Vec::new(),
        };
        let text =
            |pair: &Value, at: usize| pair.get(at).and_then(Value::as_str).unwrap_or_default().to_string();
        let headers: Vec<_> = pairs.iter().map(|pair| (text(pair, 0), text(pair, 1))).collect();
        self.0.keep(status, &headers, body.as_deref(), whole(now))
    }
}

/// Performs a command on a note: the reply, or what becomes of the note, JSON.
#[wasm_bindgen(js_name = takeNote, skip_typescript)]
pub fn take_note(stored: Option<String>, command: &str, now: f64) -> String {
    let (reply, change) = note(stored.as_deref(), command, whole(now));
    let change = match change {
        NoteChange::Stays => json!({ "reply": reply }),
        NoteChange::Written(text, end) => json!({ "reply": reply, "text": text, "end": end }),
        NoteChange::Removed => json!({ "reply": reply, "removed": true }),
    };
    print(&change)
}

pub(super) fn refused(refusal: &NameRefusal) -> Value {
    json!({
        "refused": refusal.status, "code": refusal.code, "message": refusal.message, "retryAfter": refusal.retry_after(),
        "receipt": refusal.receipt,
    })
}
