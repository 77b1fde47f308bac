//! The gate's own addresses: which methods they take, and that no other request is answered in their place.

use super::super::state::shard;
use super::*;
use alloc::string::ToString;

const BASE: &str = "/.well-known/payments/";
const TOKEN: [(&str, &str); 1] = [("METRICS_TOKEN", "0123456789abcdef")];
const SOLD: [(&str, &str); 2] = [
    ("PASSES", r#"{ "all": { "routes": ["GET /paid"], "seconds": 3600 } }"#),
    ("PASS_KEYS", "k1:0123456789abcdef0123456789abcdef"),
];

/// The status of the answer; 0 where the gate asks somebody first.
fn status(over: &[(&str, &str)], method: &str, name: &str, headers: &[(&str, &str)]) -> u16 {
    match gate(over).open(&ask(method, &[BASE, name].concat(), headers)).1 {
        Action::Respond(answer) => answer.status,
        _ => 0,
    }
}

#[test]
fn each_takes_its_methods() {
    // A preflight of a page that is not allowed.
    let wants = [("access-control-request-method", "GET")];
    for (name, over, method, headers, expected) in [
        ("status", &[][..], "GET", &[][..], 402),
        ("status", &[], "HEAD", &[], 402),
        ("status", &[], "POST", &[], 404),
        ("status", &[], "OPTIONS", &wants, 403),
        ("status", &[], "OPTIONS", &[], 204),
        // A header of preflights makes no preflight of another method.
        ("status", &[], "GET", &wants, 402),
        ("status", &[], "POST", &wants, 404),
        ("passes", &[], "GET", &[], 404),
        ("passes", &SOLD, "GET", &[], 200),
        ("passes", &SOLD, "HEAD", &[], 200),
        ("passes", &SOLD, "POST", &[], 405),
        ("passes", &SOLD, "OPTIONS", &wants, 403),
        ("passes", &SOLD, "GET", &wants, 200),
        ("passes/more", &SOLD, "GET", &[], 404),
        ("status/more", &[], "GET", &[], 404),
        ("other", &[], "GET", &[], 404),
    ] {
        assert_eq!(status(over, method, name, headers), expected, "{method} {name} {headers:?}");
    }
}

#[test]
fn a_token_that_comes_along_is_not_charged_and_is_told_so_where_it_is_refused() {
    let token = token();
    let headers = [("payment-signature", token.as_str())];
    for (name, over, expected) in [("metrics", &TOKEN[..], 401), ("passes", &SOLD, 200), ("other", &[], 404)]
    {
        let (_, action) = gate(over).open(&ask("GET", &[BASE, name].concat(), &headers));
        let answer = responded(action);
        assert_eq!(answer.status, expected, "{name}");
        let receipt = header(&answer.headers, "payment-response");
        let reason = receipt.map(|receipt| receipt["errorReason"].to_string());
        assert_eq!(reason.as_deref(), (expected >= 400).then_some("\"not_settled\""), "{name}");
    }
}

#[test]
fn the_sellers_book_keeps_its_name() {
    // The names must not change, so that the gate finds again the rows that earlier versions wrote.
    assert_eq!(shard::book(), "0cf2641d93fc9a1e");
    assert_eq!(shard::shard("payer", " 0xB1 "), "6bce07e8c2e0a206");
}
