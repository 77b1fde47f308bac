//! Treatment of every request, whatever the decision: its id, its timings, its log line, its size limits. Rules 17, 18,
//! 21 and 25: disclosure, and who may read it.

mod headers;
mod log;

use super::*;
use alloc::{format, string::ToString};

const USUAL: &[(&str, &str)] = &[];

/// `POST /ask` with a token and these headers more, told these events, each ten milliseconds after the last.
fn walk(
    over: &[(&str, &str)],
    headers: &[(&str, &str)],
    events: Vec<Event>,
) -> (RequestFlow, Action, Vec<HeaderList>) {
    let token = token();
    let headers: Vec<_> = [("payment-signature", token.as_str())].iter().chain(headers).copied().collect();
    let request = RequestHead { seed: [7; 16], ..ask("POST", "/ask", &headers) };
    let (mut flow, mut action) = gate(over).open(&request);
    let mut sent = Vec::new();
    for (step, event) in events.into_iter().enumerate() {
        if let Action::Forward(forward) = &action {
            sent.push(forward.headers.clone());
        }
        action = flow.handle_event(event, NOW + 10 * (step as u64 + 1));
    }
    (flow, action, sent)
}

fn headers_of(action: &Action) -> &HeaderList {
    match action {
        Action::Respond(answer) => &answer.headers,
        Action::Deliver(delivery) => &delivery.headers,
        Action::Forward(forward) => &forward.headers,
        other => panic!("no headers: {other:?}"),
    }
}
