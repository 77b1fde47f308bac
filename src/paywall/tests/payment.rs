//! The seller's hooks can read a payment and refuse it, and never let one through.

use super::*;
use crate::wire::Credits;

fn denied(events: Vec<Event>) -> (RequestFlow, GateResponse) {
    let (mut flow, _) = payment(events);
    let action = flow.handle_event(Event::Denied("not you".into()), NOW);
    (flow, responded(action))
}

#[test]
fn a_refusal_before_the_origin_is_asked_is_a_402_in_its_words() {
    for (name, events) in [("before verify", Vec::new()), ("after verify", Vec::from([valid()]))] {
        let (mut flow, answer) = denied(events);
        assert_eq!(answer.status, 402, "{name}");
        let body: Value = serde_json::from_str(answer.body.as_deref().unwrap()).unwrap();
        assert_eq!(
            (&body["code"], &body["message"]),
            (&json!("payment_denied"), &json!("not you")),
            "{name}"
        );
        assert!(answer.headers.get("payment-required").is_some(), "{name}");
        assert!(flow.payment().is_none() && flow.settled_for().is_none(), "{name}");
    }
}

#[test]
fn a_refusal_that_comes_too_late_is_out_of_step() {
    let (_, answer) = denied(Vec::from([valid(), origin(200)]));
    assert_eq!(answer.status, 500);
    let gate = gate(&[]);
    let (mut flow, _) = gate.open(&ask("GET", "/health", &[]));
    assert_eq!(responded(flow.handle_event(Event::Denied(String::new()), NOW)).status, 500);
}

#[test]
fn what_is_known_of_a_payment_grows_on_its_way() {
    let at = |events: Vec<Event>| {
        let (flow, _) = payment(events);
        flow.payment().map(|payment| {
            assert_eq!((payment.token(), payment.plan_id()), (token().as_str(), "1001"));
            assert_eq!((payment.agent_id(), payment.route()), (Some("2002"), "POST /ask"));
            (payment.phase, payment.credits(), payment.request_id().map(String::from))
        })
    };
    let credits = Credits::from(2);
    let id = Some(String::from("req-1"));
    for (name, events, expected) in [
        ("asked", Vec::new(), Some((Phase::Verifying, credits, None))),
        ("verified", Vec::from([valid()]), Some((Phase::Verified, credits, id.clone()))),
        ("done", Vec::from([valid(), origin(200)]), Some((Phase::Answered, credits, id))),
        ("not done", Vec::from([valid(), origin(500)]), None),
        ("settled", Vec::from([valid(), origin(200), burned()]), None),
    ] {
        assert_eq!(at(events), expected, "{name}");
    }
    let (flow, _) = gate(&[]).open(&ask("POST", "/ask", &[]));
    assert!(flow.payment().is_none(), "without a token");
}

#[test]
fn a_settlement_is_said_once() {
    let (mut flow, _) = payment(Vec::from([valid(), origin(200), burned()]));
    let settled = flow.settled_for().unwrap();
    assert_eq!((settled.credits, settled.receipt.success()), (Credits::from(2), true));
    assert!(flow.settled_for().is_none());
}

#[test]
fn a_token_comes_in_the_headers_that_are_named() {
    let good = token();
    let twice = [("x-a", "x"), ("x-a", "y")];
    for (name, setting, headers, verified) in [
        ("the usual one", "", Vec::from([("payment-signature", good.as_str())]), true),
        ("one", "X-A", Vec::from([("x-a", good.as_str())]), true),
        ("one, and the usual one is none", "X-A", Vec::from([("payment-signature", good.as_str())]), false),
        ("the second of two", r#"["x-a", "x-b"]"#, Vec::from([("x-b", good.as_str())]), true),
        (
            "the first that says something",
            r#"["x-a", "x-b"]"#,
            Vec::from([("x-a", " "), ("x-b", &good)]),
            true,
        ),
        ("two of one name", "x-a", twice.to_vec(), false),
    ] {
        let gate = gate(&[("TOKEN_HEADER", setting)]);
        let (mut flow, action) = gate.open(&ask("POST", "/ask", &headers));
        if !verified {
            assert_eq!(responded(action).status, 402, "{name}");
            continue;
        }
        assert_eq!(called(action).1["x402AccessToken"], json!(good), "{name}");
        let Action::Forward(forward) = flow.handle_event(valid(), NOW) else {
            panic!("{name}: not forwarded")
        };
        assert!(!forward.headers.iter().any(|(_, value)| value == good), "{name}: the origin sees the token");
    }
}

#[test]
fn a_token_header_that_is_none_is_refused() {
    for setting in ["x token", "x:a", "host", "Cookie", "[1]", r#"[""]"#, r#"["x-a", "content-type"]"#] {
        assert_eq!(settings(&[("TOKEN_HEADER", setting)]).unwrap_err().key, "TOKEN_HEADER", "{setting}");
    }
}
