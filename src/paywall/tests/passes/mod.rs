//! Access passes on their way through the gate: sold with what was settled, shown in the place of a payment.
//! Rules 19 (nothing for nothing) and 25 (what the origin sees).

mod admission;
mod status;

use super::super::state::Reply;
use super::*;
use alloc::{format, string::ToString};

const PASS: &str = "x-payment-pass";
const SOLD: [(&str, &str); 2] = [
    ("PASSES", r#"{ "all": { "routes": ["POST /ask", "GET /paid"], "seconds": 3600, "warnSeconds": 600 } }"#),
    ("PASS_KEYS", "k1:0123456789abcdef0123456789abcdef"),
];

/// The answer to a paid `POST /ask` after these events.
fn after(events: Vec<Event>) -> Action {
    let gate = gate(&SOLD);
    let (mut flow, mut action) = gate.open(&ask("POST", "/ask", &[("payment-signature", &token())]));
    for event in events {
        action = flow.handle_event(event, NOW);
    }
    action
}

fn bought() -> String {
    let headers = delivered(after(Vec::from([valid(), origin(200), burned()]))).headers;
    headers.get(PASS).unwrap().into()
}

/// A request with a pass, at a time.
fn shown(over: &[(&str, &str)], path: &str, headers: &[(&str, &str)], now: u64) -> (RequestFlow, Action) {
    let over = [over, &SOLD].concat();
    let method = if path == "/ask" { "POST" } else { "GET" };
    gate(&over).open(&RequestHead { now, ..ask(method, path, headers) })
}

/// A gate that sells passes and knows nothing of its plan.
fn ignorant(more: &str, bindings: Bindings) -> Gate {
    let routes = [
        r#"{ "POST /ask": { "planId": "1001", "credits": 2"#,
        more,
        r#" }, "GET /paid": { "planId": "1001", "credits": 1 } }"#,
    ]
    .concat();
    Gate::new(
        settings_with(&[SOLD[0], SOLD[1], ("ROUTES", &routes), ("OPEN_ROUTES", "[]")], bindings).unwrap(),
    )
}
