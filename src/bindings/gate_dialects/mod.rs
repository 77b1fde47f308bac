//! The dialects of 402 that a gate speaks beside x402 with plans, for JavaScript: `paywall::dialects`. Texts and JSON go in and out;
//! `js/gate_dialects.js` holds bodies, calls and the clock.

// wasm-bindgen exports public items only, and nothing in Rust reaches them.
#![allow(unreachable_pub)]

mod named;

use crate::codec::{parse_object, print, print_object};
use crate::paywall::dialects::{
    Arrival, Dialects, Entry, Outgoing, Platform, Question, Refused402, Sources, Supported,
};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use serde_json::{Value, json};
use wasm_bindgen::prelude::*;

/// The dialects of one gate.
#[wasm_bindgen(js_name = Dialects, skip_typescript)]
#[derive(Debug)]
pub struct JsDialects {
    dialects: Dialects,
    /// The configuration that is left for the gate.
    left: Sources,
    platform: Option<Platform>,
    supported: Supported,
}

#[wasm_bindgen(js_class = Dialects)]
impl JsDialects {
    /// Reads options, variables and document, JSON. Throws a text for an option that is wrong: its name, and the problem.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &str, variables: &str, document: Option<String>) -> Result<JsDialects, JsValue> {
        let read = || {
            let mut sources = Sources::parse(options, variables, document.as_deref())?;
            Dialects::read(&mut sources).map(|dialects| (dialects, sources))
        };
        let (dialects, left) =
            read().map_err(|error| JsValue::from_str(&[&error.key, "\n", &error.problem].concat()))?;
        // The gate says what is wrong with the platform's.
        let platform = left.platform();
        Ok(Self { dialects, left, platform, supported: Supported::default() })
    }

    /// The configuration that is left for the gate, three texts of JSON: options, variables, and the document where there is one.
    pub fn left(&self) -> Vec<String> {
        let Sources { options, variables, document } = &self.left;
        [Some(options), Some(variables), document.as_ref()].into_iter().flatten().map(print_object).collect()
    }

    /// The call for a challenge: URL, and names and values of headers, a line each.
    pub fn challenge(&self) -> String {
        let Some(platform) = &self.platform else { return String::new() };
        let mut lines = Vec::from([platform.url(Platform::CHALLENGE)]);
        for (name, value) in platform.headers() {
            lines.extend([name.to_string(), value]);
        }
        lines.join("\n")
    }

    /// The things that JavaScript needs: `{ mpp, bindBody, needsState, names, exact }`, `needsState` being an option, `names` the headers of tokens.
    pub fn about(&self) -> String {
        let mpp = self.dialects.mpp();
        print(&json!({
            "mpp": mpp.is_some(), "bindBody": mpp.is_some_and(|terms| terms.bind_body), "needsState": self.dialects.needs_state(),
            "names": self.left.token_headers(), "exact": !self.dialects.exact().is_empty(),
        }))
    }

    /// How long an offer waits for a facilitator's `/supported`, in milliseconds.
    pub fn patience(&self) -> f64 {
        f64::from(Supported::PATIENCE_MS)
    }

    /// The facilitators that are to be asked, JSON: `[[address, waits]]`.
    pub fn queries(&mut self, now: f64) -> String {
        let queries = self.supported.queries(&self.dialects, whole(now));
        let queries = queries.into_iter().map(|query| json!([query.facilitator, query.waits]));
        print(&Value::Array(queries.collect()))
    }

    /// Takes the answer of one; gives lines for the log, JSON.
    pub fn learn(&mut self, facilitator: &str, answer: Option<String>, now: f64) -> String {
        let lines = self.supported.learn(&self.dialects, facilitator, answer.as_deref(), whole(now));
        print(&lines.into())
    }

    /// Headers for facilitators, a JSON object by their addresses, where a variable has them.
    #[wasm_bindgen(js_name = facilitatorHeaders)]
    pub fn facilitator_headers(&self) -> Option<String> {
        self.dialects.facilitator_headers().map(|headers| headers.expose().to_string())
    }

    /// The name of a payment as JSON: a text, nothing, or a refusal.
    #[wasm_bindgen(js_name = nameOf)]
    pub fn name_of(&self, token: Option<String>) -> String {
        print(
            &self
                .dialects
                .name_of(token.as_deref())
                .map_or_else(|refusal| named::refused(&refusal), Value::from),
        )
    }

    /// True where payments of version 1 are taken.
    #[wasm_bindgen(js_name = speaksV1)]
    pub fn speaks_v1(&self) -> bool {
        self.dialects.speaks_v1()
    }

    /// Reads the payment of a request. Takes `{ authorization, token, xPayment, search, bodyDigest, now }`; gives `{ kind }` with
    /// `plain`, `body`, `refused` (`code`, `message`) or `paid` (`dialect`, `token`, `authorization`).
    pub fn enter(&self, arrival: &str) -> String {
        let arrival = parse_object(arrival).unwrap_or_default();
        let text = |name: &str| arrival.get(name).and_then(Value::as_str);
        let entry = self.dialects.enter(&Arrival {
            authorization: text("authorization"),
            token: text("token"),
            x_payment: text("xPayment"),
            search: text("search").unwrap_or_default(),
            body_digest: text("bodyDigest"),
            now: arrival.get("now").and_then(Value::as_u64).unwrap_or_default(),
        });
        let entry = match entry {
            Entry::Plain => json!({ "kind": "plain" }),
            Entry::NeedsBody => json!({ "kind": "body" }),
            Entry::Refused(refusal) => {
                json!({ "kind": "refused", "code": refusal.code, "message": refusal.message })
            }
            Entry::Paid(paid) => json!({
                "kind": "paid", "dialect": paid.dialect.name(), "token": paid.carrier.token().expose(), "authorization": paid.authorization,
            }),
        };
        print(&entry)
    }

    /// The 402 of the gate in all dialects. Takes `{ header, body, search, bodyDigest, code, message }`; gives
    /// `{ status, header, body, challenges }`, or nothing for what is no offer.
    pub fn offer(&self, answer: &str) -> Option<String> {
        let answer = parse_object(answer)?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let offer = self.dialects.offer(&Refused402 {
            header: text("header")?,
            body: text("body"),
            search: text("search").unwrap_or_default(),
            body_digest: text("bodyDigest"),
            refused: text("code").zip(text("message")),
            supported: Some(&self.supported),
        })?;
        Some(print(&json!({
            "status": offer.status, "header": offer.header, "body": offer.body, "challenges": offer.challenges,
        })))
    }

    /// The call that asks the gate's question about a payment of these dialects: `{ path, body }` of the platform's, `{ facilitator, path, body }`,
    /// or `{ status, body }` where nobody has to be asked; nothing for a token of the platform's.
    pub fn outgoing(&self, settles: bool, body: &str) -> Option<String> {
        let carrier = Dialects::carrier_of(body)?;
        let asked = match self.dialects.outgoing(question(settles), &carrier, body) {
            Outgoing::Platform(request) => json!({ "path": request.path, "body": request.body }),
            Outgoing::Facilitator { url, path, body } => {
                json!({ "facilitator": url, "path": path, "body": body })
            }
            Outgoing::Answer(answer) => json!({ "status": answer.status, "body": answer.body }),
        };
        Some(print(&asked))
    }

    /// The answer in the platform's words: the status, and the body on the lines behind it. `asked` is the body of the gate's call, `payer`
    /// the payer that was verified.
    pub fn incoming(
        &self,
        settles: bool,
        asked: &str,
        payer: Option<String>,
        status: u16,
        body: String,
    ) -> Option<String> {
        let dialect = Dialects::carrier_of(asked)?.dialect;
        let (status, body) =
            self.dialects.incoming(question(settles), dialect, payer.as_deref(), status, body);
        Some([&status.to_string(), "\n", &body].concat())
    }
}

/// Milliseconds are exact in a double.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(time: f64) -> u64 {
    time as u64
}

fn question(settles: bool) -> Question {
    if settles { Question::Settle } else { Question::Verify }
}
