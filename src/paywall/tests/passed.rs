//! Open requests that end before their origin is asked, and answers that are kept for the next request without a token.

use super::*;
use alloc::{format, string::ToString};

/// Headers without those that differ from request to request.
fn stated(answer: &GateResponse) -> Vec<(String, String)> {
    let known = |name: &str| !matches!(name, "x-correlation-id" | "server-timing");
    answer
        .headers
        .iter()
        .filter(|(name, _)| known(name))
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

#[test]
fn an_open_request_is_passed_where_nothing_waits_for_its_answer() {
    let open = ("GET", "/health");
    for (name, (method, path), over, passes) in [
        ("open, no log", open, &[("LOG", "off")][..], true),
        ("open, no log, no timing", open, &[("LOG", "off"), ("SERVER_TIMING", "off")], true),
        ("a line of the log says its status", open, &[], false),
        (
            "CORS changes what its headers say",
            open,
            &[("LOG", "off"), ("ALLOWED_ORIGINS", r#"["*"]"#)],
            false,
        ),
        ("unlisted, passed", ("GET", "/other"), &[("LOG", "off"), ("UNLISTED", "pass")], true),
        ("unlisted, denied", ("GET", "/other"), &[("LOG", "off")], false),
        ("paid, without a token", ("POST", "/ask"), &[("LOG", "off")], false),
    ] {
        let (mut flow, action) = gate(over).open(&ask(method, path, &[]));
        let id = flow.correlation_id().to_string();
        let pass = flow.pass();
        assert_eq!(pass.is_some(), passes, "{name}");
        let Some(pass) = pass else { continue };
        assert_eq!(forwarded(action).method.as_str(), method, "{name}");
        let headers: Vec<_> = pass.headers.iter().collect();
        assert_eq!(headers, [("x-correlation-id", id.as_str())], "{name}");
        let timed = !over.contains(&("SERVER_TIMING", "off"));
        assert_eq!(pass.timing.as_deref(), timed.then_some("origin;dur="), "{name}");
        assert!(flow.take_deferred().is_empty(), "{name}");
        // It has ended.
        assert_eq!(responded(flow.handle_event(origin(200), NOW)).status, 500, "{name}");
    }
    let paid = ask("POST", "/ask", &[("payment-signature", &token())]);
    let (mut flow, _) = gate(&[("LOG", "off")]).open(&paid);
    assert_eq!(flow.pass(), None, "a payment is under way");
    assert!(matches!(flow.handle_event(valid(), NOW), Action::Forward(_)));
    assert_eq!(flow.pass(), None, "it is paid for");
}

#[test]
fn a_request_that_was_passed_in_vain_is_counted_once() {
    let gate = gate(&[("LOG", "off")]);
    let counted = || gate.shared.counters.page();
    let line = |outcome: &str, count: u8| format!("route=\"open\",outcome=\"{outcome}\"}} {count}\n");
    let request = ask("GET", "/health", &[]);
    for _ in 0..2 {
        assert!(gate.open(&request).0.pass().is_some());
        gate.waited_for_origin(7);
    }
    assert!(counted().contains(&line("open", 2)), "{}", counted());
    assert!(
        counted().contains("on=\"origin\"} 2\n") && counted().contains("on=\"origin\"} 14\n"),
        "{}",
        counted()
    );
    assert!(gate.open(&request).0.pass().is_some());
    let (mut flow, _) = gate.open(&request);
    flow.take_back();
    let answer = responded(flow.handle_event(Event::OriginFailed, NOW));
    assert_eq!((answer.status, &body(&answer)["code"]), (502, &json!("origin_unreachable")));
    assert!(counted().contains(&line("open", 2)) && counted().contains(&line("failed", 1)), "{}", counted());
}

#[test]
fn an_answer_without_a_token_is_the_same_when_it_was_kept() {
    let kept = gate(&[]);
    for _ in 0..2 {
        for (name, method, path, headers) in [
            ("a route", "POST", "/ask", &[][..]),
            ("with a query", "POST", "/ask?a=1", &[]),
            ("a page", "POST", "/ask", &[("accept", "text/html"), ("sec-fetch-mode", "navigate")]),
            ("another route", "GET", "/paid", &[]),
            ("no body", "HEAD", "/paid", &[]),
            ("one resource", "GET", "/files/one", &[]),
            ("another", "GET", "/files/two", &[]),
            ("a dearer one", "GET", "/files/secret", &[]),
            ("no token", "POST", "/ask", &[("payment-signature", "!")]),
        ] {
            let request = ask(method, path, headers);
            let (answer, fresh) = (responded(kept.open(&request).1), responded(gate(&[]).open(&request).1));
            assert_eq!((answer.status, &answer.body), (fresh.status, &fresh.body), "{name}");
            assert_eq!(stated(&answer), stated(&fresh), "{name}");
        }
    }
    // The list has an end, and what was dropped is made anew.
    for round in 0..200 {
        let answer = responded(kept.open(&ask("GET", &format!("/files/n{round}"), &[])).1);
        let offer = header(&answer.headers, "payment-required").unwrap();
        assert_eq!(offer["resource"]["url"], format!("https://shop.example/files/n{round}"));
    }
    let other = RequestHead { url: "https://other.example/ask".into(), ..ask("POST", "/ask", &[]) };
    let offer = header(&responded(kept.open(&other).1).headers, "payment-required").unwrap();
    assert_eq!(offer["resource"]["url"], "https://other.example/ask", "by its host");
}

#[test]
fn a_price_by_the_request_is_part_of_what_is_kept() {
    let routes = r#"{"GET /units": { "planId": "1001", "credits": { "by": "query", "name": "n", "each": 2, "most": 100 } }}"#;
    let Ok(settings) = settings(&[("ROUTES", routes)]) else { panic!("the route is refused") };
    let gate = knowing(Gate::new(settings), &["1001"]);
    for (query, credits) in [("n=1", "2"), ("n=3", "6"), ("n=1", "2")] {
        let answer = responded(gate.open(&ask("GET", &["/units?", query].concat(), &[])).1);
        let offer = header(&answer.headers, "payment-required").unwrap();
        assert_eq!(offer["accepts"][0]["extra"]["credits"], credits, "{query}");
    }
}
