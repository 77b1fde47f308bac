//! Rule 18: cross-origin pages can pay, those that are allowed to.

use super::*;

const PAGE: &str = "https://app.example";

fn preflight(allowed: &str, over: &[(&str, &str)], path: &str, headers: &[(&str, &str)]) -> GateResponse {
    let over: Vec<_> = [("ALLOWED_ORIGINS", allowed)].iter().chain(over).copied().collect();
    responded(gate(&over).open(&ask("OPTIONS", path, headers)).1)
}

#[test]
fn a_preflight_is_answered_by_the_gate_alone() {
    let asks = |origin| [("origin", origin), ("access-control-request-method", "POST")];
    let table = [
        ("none allowed", "[]", PAGE, None),
        ("this one", r#"["https://app.example"]"#, PAGE, Some(PAGE)),
        ("among others", r#"["https://b.example", "https://app.example"]"#, PAGE, Some(PAGE)),
        ("any", r#"["*"]"#, PAGE, Some("*")),
        ("any, a file", r#"["*"]"#, "null", Some("*")),
        ("another", r#"["https://app.example"]"#, "https://evil.example", None),
        ("a suffix", r#"["https://app.example"]"#, "https://evil-app.example", None),
        ("a prefix", r#"["https://app.example"]"#, "https://app.example.evil.example", None),
        ("another port", r#"["https://app.example"]"#, "https://app.example:444", None),
        ("another scheme", r#"["https://app.example"]"#, "http://app.example", None),
        ("a file", r#"["https://app.example"]"#, "null", None),
        (
            "a port of this machine",
            r#"["http://localhost:4000"]"#,
            "http://localhost:4000",
            Some("http://localhost:4000"),
        ),
    ];
    for (name, allowed, origin, expected) in table {
        let answer = preflight(allowed, &[], "/ask", &asks(origin));
        assert_eq!(answer.headers.get("access-control-allow-origin"), expected, "{name}");
        assert_eq!(answer.status, if expected.is_some() { 204 } else { 403 }, "{name}");
        assert!(answer.headers.get("vary").unwrap().contains("Origin"), "{name}");
    }
}

#[test]
fn a_preflight_allows_what_a_payer_sends() {
    let base = "payment-signature, content-type, accept, authorization";
    for (asked, more) in [
        ("", ""),
        ("payment-signature", ""),
        ("Content-Type, PAYMENT-SIGNATURE", ""),
        ("idempotency-key,last-event-id", ", idempotency-key, last-event-id"),
        ("X-Correlation-Id, x-correlation-id", ", x-correlation-id"),
        ("cookie, host, x-payment-payer, x-anything", ""),
        ("\r\n, evil: 1", ""),
    ] {
        let headers = [
            ("origin", PAGE),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", asked),
        ];
        let answer = preflight(r#"["*"]"#, &[], "/ask", &headers);
        assert_eq!(
            answer.headers.get("access-control-allow-headers"),
            Some([base, more].concat().as_str()),
            "{asked}"
        );
    }
    let headers = [("origin", PAGE), ("access-control-request-method", "GET")];
    for (path, methods) in [
        ("/ask", "POST"),
        ("/PAID/", "GET, HEAD"),
        ("/open/form", "GET, HEAD, POST"),
        ("/unlisted", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
    ] {
        let answer = preflight(r#"["*"]"#, &[], path, &headers);
        assert_eq!(answer.headers.get("access-control-allow-methods"), Some(methods), "{path}");
    }
}

#[test]
fn what_is_only_passed_on_keeps_its_own_cors() {
    let gate = gate(&[("UNLISTED", "pass"), ("ALLOWED_ORIGINS", r#"["https://app.example"]"#)]);
    let headers = [("origin", PAGE), ("access-control-request-method", "GET")];
    let forward = forwarded(gate.open(&ask("OPTIONS", "/free", &headers)).1);
    assert_eq!(forward.method, Method::Options);
    let (mut flow, _) = gate.open(&ask("GET", "/free", &headers));
    let own = [("access-control-allow-origin", "https://other.example")].into_iter().collect();
    let delivery =
        delivered(flow.handle_event(Event::Origin(OriginResponse { status: 200, headers: own }), NOW));
    assert_eq!(
        delivery.headers.iter().collect::<Vec<_>>(),
        [("access-control-allow-origin", "https://other.example")]
    );
    // Not so what might be an alias of a paid path.
    assert_eq!(responded(gate.open(&ask("OPTIONS", "/paid.json", &headers)).1).status, 204);
}

#[test]
fn every_answer_to_an_allowed_page_can_be_read() {
    let gate = gate(&[("ALLOWED_ORIGINS", r#"["https://app.example"]"#)]);
    let token = token();
    let with_token = [("origin", PAGE), ("payment-signature", token.as_str())];
    let bare = [("origin", PAGE)];
    type Way = fn() -> Vec<Event>;
    type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], Way, u16);
    let table: [Row<'_>; 10] = [
        ("offer", "/ask", &bare, Vec::new, 402),
        ("not listed", "/nothing", &bare, Vec::new, 404),
        ("in doubt", "/ask;x", &bare, Vec::new, 400),
        ("refused", "/ask", &with_token, || Vec::from([answered(200, &json!({ "isValid": false }))]), 402),
        (
            "unavailable",
            "/ask",
            &with_token,
            || Vec::from([Event::Unanswered(FacilitatorError::TimedOut)]),
            503,
        ),
        ("origin failed", "/ask", &with_token, || Vec::from([valid(), Event::OriginFailed]), 502),
        ("origin said no", "/ask", &with_token, || Vec::from([valid(), origin(404)]), 0),
        ("paid", "/ask", &with_token, || Vec::from([valid(), origin(200), burned()]), 0),
        (
            "unknown",
            "/ask",
            &with_token,
            || Vec::from([valid(), origin(200), Event::Unanswered(FacilitatorError::TimedOut)]),
            0,
        ),
        ("open", "/open/form", &bare, || Vec::from([origin(200)]), 0),
    ];
    for (name, path, headers, way, status) in table {
        let (mut flow, mut action) = gate.open(&ask("POST", path, headers));
        for event in way() {
            action = flow.handle_event(event, NOW);
        }
        let headers = match action {
            Action::Respond(answer) => {
                assert_eq!(answer.status, status, "{name}");
                answer.headers
            }
            other => delivered(other).headers,
        };
        assert_eq!(headers.all("access-control-allow-origin").collect::<Vec<_>>(), [PAGE], "{name}");
        let exposed = headers.get("access-control-expose-headers").unwrap();
        for header in ["payment-required", "payment-response", "x-correlation-id"] {
            assert!(exposed.contains(header), "{name}");
        }
        assert_eq!(headers.get("vary"), Some("Origin"), "{name}");
    }
}

#[test]
fn the_origins_word_is_replaced_and_lists_are_merged() {
    let gate = gate(&[("ALLOWED_ORIGINS", r#"["https://app.example"]"#)]);
    let own = [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-credentials", "true"),
        ("access-control-expose-headers", "x-own, *"),
        ("Access-Control-Expose-Headers", "Payment-Response"),
        ("vary", "Accept, origin"),
    ];
    let answer = |origin: Option<&str>| {
        let headers: Vec<_> = origin.map(|origin| ("origin", origin)).into_iter().collect();
        let (mut flow, _) = gate.open(&ask("GET", "/health", &headers));
        delivered(flow.handle_event(
            Event::Origin(OriginResponse { status: 200, headers: own.into_iter().collect() }),
            NOW,
        ))
        .headers
    };
    let headers = answer(Some(PAGE));
    let headers: Vec<_> = headers.iter().collect();
    assert_eq!(
        headers,
        [
            ("vary", "Accept, origin"),
            ("access-control-allow-origin", PAGE),
            (
                "access-control-expose-headers",
                "payment-required, payment-response, payment-receipt-url, x-correlation-id, x-platform-correlation-id, retry-after, accept-ranges, content-range, etag, x-payment-pass, x-payment-pass-expires, x-payment-warning, x-own"
            ),
        ]
    );
    for origin in [None, Some("https://evil.example")] {
        assert_eq!(answer(origin).iter().collect::<Vec<_>>(), [("vary", "Accept, origin")]);
    }
}

#[test]
fn credentials_are_for_pages_that_are_named() {
    let over = [("ALLOWED_ORIGINS", r#"["https://app.example"]"#), ("ALLOW_CREDENTIALS", "yes")];
    for (over, origin, expected) in
        [(&over[..], PAGE, Some("true")), (&over[..1], PAGE, None), (&over[..], "https://evil.example", None)]
    {
        let gate = gate(over);
        let asks = [("origin", origin), ("access-control-request-method", "POST")];
        let preflight = responded(gate.open(&ask("OPTIONS", "/ask", &asks)).1);
        let offer = responded(gate.open(&ask("POST", "/ask", &[("origin", origin)])).1);
        let (mut flow, _) = gate.open(&ask("GET", "/health", &[("origin", origin)]));
        let own = [("access-control-allow-credentials", "true"), ("access-control-allow-origin", "*")];
        let open = Event::Origin(OriginResponse { status: 200, headers: own.into_iter().collect() });
        let open = delivered(flow.handle_event(open, NOW)).headers;
        for headers in [&preflight.headers, &offer.headers, &open] {
            assert_eq!(
                headers.all("access-control-allow-credentials").collect::<Vec<_>>(),
                Vec::from_iter(expected)
            );
            // Never beside a star.
            assert_ne!(headers.get("access-control-allow-origin"), Some("*"));
        }
    }
}

#[test]
fn a_preflight_says_what_the_seller_set() {
    let asks = [
        ("origin", PAGE),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "X-API-Version, x-other, if-range"),
        ("access-control-request-private-network", "true"),
    ];
    let usual = preflight(r#"["*"]"#, &[], "/ask", &asks).headers;
    assert_eq!(usual.get("access-control-max-age"), Some("600"));
    assert_eq!(usual.get("access-control-allow-private-network"), None);
    assert!(!usual.get("access-control-allow-headers").unwrap().contains("x-api-version"));
    let over = [
        ("CORS_MAX_AGE", "0"),
        ("ALLOW_PRIVATE_NETWORK", "yes"),
        ("ALLOWED_HEADERS", r#"["x-api-version"]"#),
    ];
    let set = preflight(r#"["*"]"#, &over, "/ask", &asks).headers;
    assert_eq!(set.get("access-control-max-age"), Some("0"));
    assert_eq!(set.get("access-control-allow-private-network"), Some("true"));
    assert_eq!(
        set.get("access-control-allow-headers"),
        Some("payment-signature, content-type, accept, authorization, x-api-version, if-range")
    );
    assert!(set.get("vary").unwrap().contains("Access-Control-Request-Private-Network"));
    let unasked = preflight(r#"["*"]"#, &over, "/ask", &asks[..2]).headers;
    assert_eq!(unasked.get("access-control-allow-private-network"), None);
    // An origin that is not allowed gets none of these headers.
    let other = preflight(r#"["https://b.example"]"#, &over, "/ask", &asks).headers;
    assert_eq!(other.get("access-control-allow-private-network"), None);
}
