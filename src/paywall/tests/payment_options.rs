//! Rule 19: verify before work, settle before delivery. Rule 25: what the origin sees.

use super::*;
use alloc::string::ToString;

#[test]
fn the_whole_way() {
    let gate = gate(&[]);
    let headers = [("payment-signature", token()), ("accept", "text/plain".to_string())];
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (mut flow, action) = gate.open(&ask("POST", "/ask?q=1", &headers));

    let (path, verify) = called(action);
    assert_eq!(path, "/api/v1/x402/verify");
    assert_eq!(verify["maxAmount"], "2");
    assert_eq!(verify["paymentRequired"]["accepts"][0]["planId"], "1001");

    let forward = forwarded(flow.handle_event(valid(), NOW));
    assert_eq!((forward.method, forward.url.as_str()), (Method::Post, "https://origin.example/ask?q=1"));
    let headers: Vec<_> = forward.headers.iter().collect();
    assert_eq!(
        headers,
        [
            ("accept", "text/plain"),
            ("x-payment-payer", "0xb1"),
            ("x-payment-plan", "1001"),
            ("x-payment-agent", "2002"),
            ("x-payment-credits", "2"),
            ("x-payment-request-id", "req-1"),
        ]
    );

    let (path, settle) = called(flow.handle_event(origin(200), NOW));
    assert_eq!(path, "/api/v1/x402/settle");
    let mut expected = verify;
    expected["agentRequestId"] = "req-1".into();
    assert_eq!(settle, expected);

    let delivery = delivered(flow.handle_event(burned(), NOW));
    assert_eq!(delivery.journal, None);
    let receipt = header(&delivery.headers, "payment-response").unwrap();
    assert_eq!((&receipt["success"], &receipt["remainingBalance"]), (&true.into(), &"8".into()));
    assert_eq!(delivery.headers.get("cache-control"), Some("private"));
    assert_eq!(delivery.headers.get("content-type"), Some("text/plain"));
}

#[test]
fn only_a_2xx_is_settled() {
    for status in [200, 201, 202, 204, 206, 226, 299] {
        let (_, action) = payment(Vec::from([valid(), origin(status)]));
        assert_eq!(called(action).0, "/api/v1/x402/settle", "{status}");
    }
    for status in [300, 301, 302, 304, 307, 400, 401, 402, 404, 409, 418, 429, 500, 503, 599] {
        let (_, action) = payment(Vec::from([valid(), origin(status)]));
        let delivery = delivered(action);
        let receipt = header(&delivery.headers, "payment-response").unwrap();
        assert_eq!(
            (&receipt["success"], &receipt["errorReason"]),
            (&false.into(), &"not_settled".into()),
            "{status}"
        );
        assert_eq!(delivery.journal, None);
    }
    // A receipt that the origin makes up does not pass for ours.
    let forged = [("payment-response", "e30="), ("x-own", "kept")].into_iter().collect();
    let (_, action) =
        payment(Vec::from([valid(), Event::Origin(OriginResponse { status: 500, headers: forged })]));
    let headers = delivered(action).headers;
    assert_eq!(headers.iter().filter(|(name, _)| *name == "payment-response").count(), 1);
    assert_eq!(header(&headers, "payment-response").unwrap()["errorReason"], "not_settled");
    assert_eq!(headers.get("x-own"), Some("kept"));
    let (_, action) = payment(Vec::from([valid(), Event::OriginFailed]));
    let answer = responded(action);
    assert_eq!((answer.status, body(&answer)["code"].as_str()), (502, Some("origin_unreachable")));
}

#[test]
fn what_cannot_be_told_on_is_a_502_and_costs_nothing() {
    for status in [0, 100, 101, 103, 199, 600, 999] {
        let (_, action) = payment(Vec::from([valid(), origin(status)]));
        let answer = responded(action);
        assert_eq!(
            (answer.status, body(&answer)["code"].as_str()),
            (502, Some("origin_garbled")),
            "{status}"
        );
    }
}

#[test]
fn the_payer_is_the_facilitators_word_else_the_tokens() {
    for (answer, expected) in [
        (json!({ "isValid": true, "payer": "0xverified" }), Some("0xverified")),
        // The token's own word was not vouched for.
        (json!({ "isValid": true, "payer": "" }), None),
        (json!({ "isValid": true }), None),
        // A value that cannot be a header's is left out.
        (json!({ "isValid": true, "payer": "a\r\nx-admin: 1" }), None),
        (json!({ "isValid": true, "payer": "x".repeat(600) }), None),
        (json!({ "isValid": true, "payer": "\u{fc}" }), None),
    ] {
        let (_, action) = payment(Vec::from([answered(200, &answer)]));
        assert_eq!(forwarded(action).headers.get("x-payment-payer"), expected, "{answer}");
    }
}

#[test]
fn an_open_route_is_forwarded_without_a_word_of_payment() {
    let gate = gate(&[]);
    let request = ask("GET", "/health", &[("payment-signature", &token()), ("x-payment-payer", "0xme")]);
    let (mut flow, action) = gate.open(&request);
    assert_eq!(forwarded(action).headers, HeaderList::new());
    assert_eq!(delivered(flow.handle_event(origin(200), NOW)).headers.get("payment-response"), None);
    assert_eq!(responded(gate.open(&request).0.handle_event(Event::OriginFailed, NOW)).status, 502);
}

#[test]
fn a_socket_is_settled_before_it_is_handed_over_and_nothing_else_is_upgraded_to() {
    let routes = r#"{
        "GET /paid": {"planId": "1001", "credits": 1},
        "POST /paid": {"planId": "1001", "credits": 1},
        "GET /later": {"planId": "1001", "credits": 1, "settle": "at-end-of-stream", "receipt": "event", "unbounded": true}
    }"#;
    let gate = gate(&[("ROUTES", routes)]);
    let open = |method: &str, path: &str, protocol: &str| {
        gate.open(&ask(method, path, &[("payment-signature", &token()), ("upgrade", protocol)]))
    };
    for (method, path, protocol, code) in [
        ("GET", "/paid", "h2c", "upgrade_not_supported"),
        ("GET", "/paid", "", "upgrade_not_supported"),
        ("GET", "/paid", "websocket, h2c", "upgrade_not_supported"),
        ("HEAD", "/paid", "websocket", "upgrade_not_supported"),
        ("POST", "/paid", "websocket", "upgrade_not_supported"),
        ("GET", "/later", "websocket", "upgrade_not_supported"),
    ] {
        let answer = responded(open(method, path, protocol).1);
        assert_eq!(answer.status, 400, "{method} {path} {protocol}");
        assert!(method == "HEAD" || body(&answer)["code"] == code, "{method} {path} {protocol}");
    }
    // Without a token there is an offer.
    assert_eq!(responded(gate.open(&ask("GET", "/paid", &[("upgrade", "websocket")])).1).status, 402);
    let (mut flow, verify) = open("GET", "/paid", " WebSocket ");
    assert_eq!(called(verify).0, "/api/v1/x402/verify");
    assert_eq!(forwarded(flow.handle_event(valid(), NOW)).headers.get("upgrade"), Some(" WebSocket "));
    assert_eq!(called(flow.handle_event(origin(101), NOW)).0, "/api/v1/x402/settle");
    let delivery = delivered(flow.handle_event(burned(), NOW));
    assert_eq!(header(&delivery.headers, "payment-response").unwrap()["success"], true);
    // Refused: the socket is not handed over.
    let (mut flow, _) = open("GET", "/paid", "websocket");
    for event in [valid(), origin(101)] {
        let _ = flow.handle_event(event, NOW);
    }
    assert_eq!(responded(flow.handle_event(answered(200, &json!({ "success": false })), NOW)).status, 402);
    // Not opened: not paid for.
    let (mut flow, _) = open("GET", "/paid", "websocket");
    let _ = flow.handle_event(valid(), NOW);
    let headers = delivered(flow.handle_event(origin(426), NOW)).headers;
    assert_eq!(header(&headers, "payment-response").unwrap()["errorReason"], "not_settled");
}

#[test]
fn an_event_out_of_turn_delivers_nothing() {
    type Make = fn() -> Event;
    let events: [(&str, Make); 6] = [
        ("verified", valid),
        ("settled", burned),
        ("silence", || Event::Unanswered(FacilitatorError::TimedOut)),
        ("origin 200", || origin(200)),
        ("origin 500", || origin(500)),
        ("origin failed", || Event::OriginFailed),
    ];
    // In each state, the events that belong to another.
    type Way = fn() -> Vec<Event>;
    let states: [(&str, Way, &[&str]); 3] = [
        ("verifying", Vec::new, &["origin 200", "origin 500", "origin failed"]),
        ("working", || Vec::from([valid()]), &["verified", "settled", "silence"]),
        ("settling", || Vec::from([valid(), origin(200)]), &["origin 200", "origin 500", "origin failed"]),
    ];
    for (state, way, wrong) in states {
        for (name, event) in events.iter().filter(|(name, _)| wrong.contains(name)) {
            let (mut flow, _) = payment(way());
            let answer = responded(flow.handle_event(event(), NOW));
            assert_eq!(
                (answer.status, body(&answer)["code"].as_str()),
                (500, Some("gate_out_of_step")),
                "{state}, {name}"
            );
        }
    }
    // After the end, whatever comes.
    for (name, event) in events {
        let (mut flow, _) = payment(Vec::from([valid(), origin(200), burned()]));
        assert_eq!(responded(flow.handle_event(event(), NOW)).status, 500, "{name}");
    }
}
