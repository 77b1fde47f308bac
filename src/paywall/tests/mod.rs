//! The rules of money for a seller, a table each. A row has a name; a rule is found by its number.

mod aliases;
mod answers;
mod cache;
mod canonical;
mod choice;
mod client_gone;
mod conditional_requests;
mod config;
mod cors;
mod document;
mod entry_with_claim;
mod faults;
mod harness;
mod headers;
mod http_settings;
mod limits;
mod open_deliveries;
mod own_addresses;
mod passed;
mod passes;
mod payment;
mod payment_options;
mod plans;
mod policy;
mod price;
mod route_config;
mod routes;
mod schema;
mod schema_dialects;
mod settlement_bounds;
mod state;
mod state_bounds;
mod state_memory;
mod threads;
mod tokens;
mod unknown_names;

use super::*;
use crate::api;
use crate::wire::base64;
use alloc::{string::String, vec::Vec};
use serde_json::{Value, json};
use std::sync::LazyLock;

pub(super) const NOW: u64 = 1_790_000_000_000;
pub(super) const ROUTES: &str = r#"{
    "POST /ask": { "planId": "1001", "credits": 2, "agentId": "2002", "description": "An answer" },
    "GET /paid": { "planId": "1001", "credits": 1 },
    "GET /files/:name": { "planId": "1001", "credits": 1 },
    "GET /files/secret": { "planId": "1001", "credits": 100 },
    "POST /card": { "planId": "1001", "credits": "5", "network": "stripe" }
}"#;

/// The page files of a build: `PAGE_FILES`.
pub(super) static PAGE_FILES: LazyLock<String> = LazyLock::new(|| {
    let texts: Value = serde_json::from_str(include_str!("../page/texts.json")).unwrap();
    json!({
        "id": "0123abcd", "files": ["page.js", "core.packed.js"], "layout": include_str!("../page/page.html"),
        "frame": include_str!("../page/frame.html"), "style": include_str!("../page/page.css"), "texts": texts,
    })
    .to_string()
});

/// A seller's key that says nothing.
pub(super) const KEY: &str = "local:e30.e30.c2ln";

/// Settings with these variables over the usual ones.
pub(super) fn settings(over: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    settings_with(over, false)
}

/// The same with what the Worker is bound to.
pub(super) fn settings_with(
    over: &[(&str, &str)],
    bindings: impl Into<Bindings>,
) -> Result<Settings, ConfigError> {
    let usual = [
        ("NVM_API_KEY", KEY),
        ("NVM_ENVIRONMENT", "custom"),
        ("NVM_API_URL", "http://127.0.0.1:3001"),
        ("ORIGIN_URL", "https://origin.example"),
        ("ROUTES", ROUTES),
        ("UNLISTED", "deny"),
        ("OPEN_ROUTES", r#"["GET /health", "GET /open/:page", "POST /open/form"]"#),
    ];
    let find = |table: &[(&str, &str)], name: &str| {
        table.iter().find(|(known, _)| *known == name).map(|(_, value)| String::from(*value))
    };
    Settings::read(|name| find(over, name).or_else(|| find(&usual, name)), bindings)
}

/// A gate with these settings that knows the plans of the tests, as crypto.
pub(super) fn gate(over: &[(&str, &str)]) -> Gate {
    knowing(Gate::new(settings(over).unwrap()), &["1001", "1"])
}

/// The same gate, told by the platform that these plans are paid for with crypto.
pub(super) fn knowing(gate: Gate, plans: &[&str]) -> Gate {
    for plan in plans {
        gate.shared.plans.insert(plan, "nvm:erc4337", "eip155:84532", NOW);
    }
    gate
}

pub(super) fn ask(method: &str, path: &str, headers: &[(&str, &str)]) -> RequestHead {
    RequestHead {
        method: method.into(),
        url: ["https://shop.example", path].concat(),
        headers: headers.iter().map(|(name, value)| (*name, *value)).collect(),
        now: NOW,
        ..RequestHead::default()
    }
}

/// The payload of a token for plan 1001.
pub(super) fn payload() -> Value {
    json!({
        "x402Version": 2,
        "accepted": { "scheme": "nvm:erc4337", "network": "eip155:84532", "planId": "1001", "extra": {} },
        "payload": { "signature": "0xfeed", "authorization": { "from": "0xb1", "sessionKeys": [] } },
        "extensions": {},
    })
}

pub(super) fn encode(payload: &Value) -> String {
    base64::encode_url(payload.to_string().as_bytes())
}

pub(super) fn token() -> String {
    encode(&payload())
}

pub(super) fn answered(status: u16, body: &Value) -> Event {
    Event::Answered(api::Response { status, body: body.to_string(), correlation_id: None })
}

pub(super) fn valid() -> Event {
    answered(200, &json!({ "isValid": true, "payer": "0xb1", "agentRequestId": "req-1" }))
}

pub(super) fn burned() -> Event {
    let receipt = json!({
        "success": true, "payer": "0xb1", "transaction": "0xabc", "network": "eip155:84532",
        "creditsRedeemed": "2", "remainingBalance": "8",
    });
    answered(200, &receipt)
}

pub(super) fn origin(status: u16) -> Event {
    Event::Origin(OriginResponse { status, headers: [("content-type", "text/plain")].into_iter().collect() })
}

/// A request of `POST /ask` with a token, brought to the state before the `event`s that follow.
pub(super) fn payment(events: Vec<Event>) -> (RequestFlow, Action) {
    let gate = gate(&[]);
    let (mut flow, mut action) = gate.open(&ask("POST", "/ask", &[("payment-signature", &token())]));
    for event in events {
        action = flow.handle_event(event, NOW);
    }
    (flow, action)
}

pub(super) fn responded(action: Action) -> GateResponse {
    match action {
        Action::Respond(answer) => answer,
        other => panic!("not answered: {other:?}"),
    }
}

pub(super) fn called(action: Action) -> (String, Value) {
    match action {
        Action::Call(call) => {
            (call.path.into_owned(), serde_json::from_str(call.body.as_deref().unwrap_or("null")).unwrap())
        }
        other => panic!("no call: {other:?}"),
    }
}

/// The request to the origin, without the headers that every request gets (see `http_settings`).
pub(super) fn forwarded(action: Action) -> Forward {
    match action {
        Action::Forward(mut forward) => {
            assert!(forward.headers.get("x-correlation-id").is_some());
            forward.headers.remove("x-correlation-id");
            forward
        }
        other => panic!("not forwarded: {other:?}"),
    }
}

/// The response to the client, without the headers that every response gets (see `http_settings`).
pub(super) fn delivered(action: Action) -> Delivery {
    match action {
        Action::Deliver(mut delivery) => {
            assert!(delivery.headers.get("x-correlation-id").is_some());
            delivery.headers.remove("x-correlation-id");
            delivery.headers.remove("server-timing");
            delivery
        }
        other => panic!("not delivered: {other:?}"),
    }
}

pub(super) fn body(answer: &GateResponse) -> Value {
    serde_json::from_str(answer.body.as_deref().unwrap_or("null")).unwrap()
}

/// A `payment-required` or `payment-response` header, read.
pub(super) fn header(headers: &HeaderList, name: &str) -> Option<Value> {
    let value = headers.get(name)?;
    assert!(value.len() % 4 == 0 && !value.contains(['-', '_']), "not standard base64: {value}");
    Some(serde_json::from_slice(&base64::decode(value, 1 << 16, "header").unwrap()).unwrap())
}
