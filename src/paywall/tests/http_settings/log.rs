//! Log lines and counters.

use super::*;

#[test]
fn a_request_is_one_line_that_says_what_it_came_to_and_no_secret() {
    type Row<'a> = (&'a str, Vec<Event>, &'a str, Option<&'a str>, u16, Option<&'a str>);
    let table: [Row<'_>; 8] = [
        ("settled", Vec::from([valid(), origin(200), burned()]), "settled", None, 200, Some("2")),
        ("uncharged", Vec::from([valid(), origin(404)]), "uncharged", None, 404, None),
        (
            "unknown",
            Vec::from([valid(), origin(200), Event::Unanswered(FacilitatorError::TimedOut)]),
            "unknown",
            None,
            200,
            None,
        ),
        (
            "refused",
            Vec::from([answered(200, &json!({ "isValid": false }))]),
            "refused",
            Some("payment_refused"),
            402,
            None,
        ),
        (
            "unavailable",
            Vec::from([Event::Unanswered(FacilitatorError::TimedOut)]),
            "unavailable",
            Some("facilitator_timeout"),
            503,
            None,
        ),
        (
            "failed",
            Vec::from([valid(), Event::OriginFailed]),
            "failed",
            Some("origin_unreachable"),
            502,
            None,
        ),
        ("slow", Vec::from([valid(), Event::OriginTimedOut]), "failed", Some("origin_timeout"), 504, None),
        (
            "refused at the end",
            Vec::from([
                valid(),
                origin(200),
                answered(200, &json!({ "success": false, "errorReason": "no" })),
            ]),
            "refused",
            Some("payment_refused"),
            402,
            None,
        ),
    ];
    for (name, events, outcome, code, status, credits) in table {
        let steps = events.len() as u64;
        let paid = name != "refused" && name != "unavailable";
        let (mut flow, action, _) =
            walk(USUAL, &[("x-correlation-id", "me"), ("cookie", "secret=1")], events.clone());
        assert!(matches!(action, Action::Respond(_) | Action::Deliver(_)), "{name}");
        let record = flow.record().unwrap_or_else(|| panic!("{name}: no record"));
        assert_eq!(flow.record(), None, "once");
        let text = record.line.unwrap();
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (line["event"].as_str(), line["outcome"].as_str()),
            (Some("request"), Some(outcome)),
            "{name}"
        );
        assert_eq!((line["code"].as_str(), line["status"].as_u64()), (code, Some(status.into())), "{name}");
        assert_eq!(
            (line["correlationId"].as_str(), line["route"].as_str()),
            (Some("me"), Some("POST /ask")),
            "{name}"
        );
        assert_eq!((line["method"].as_str(), line["path"].as_str()), (Some("POST"), Some("/ask")), "{name}");
        assert_eq!(line["payer"].as_str(), paid.then_some("0xb1"), "{name}");
        assert_eq!(line["credits"].as_str(), credits, "{name}");
        assert_eq!((line["at"].as_u64(), line["ms"].as_u64()), (Some(NOW), Some(10 * steps)), "{name}");
        assert_eq!(line["waits"]["verify"], 10, "{name}");
        let hash = line["token"].as_str().unwrap();
        assert!(hash.starts_with("sha256:") && hash.len() == 71, "{name}");
        for secret in [token().as_str(), KEY, "secret=1", "0xfeed"] {
            assert!(!text.contains(secret), "{name}: {secret}");
        }
        let credits: u64 = credits.map_or(0, |credits| credits.parse().unwrap());
        assert_eq!(record.numbers, [u64::from(status), 10 * steps, credits], "{name}");
        assert_eq!(record.texts[..3], ["POST", outcome, code.unwrap_or_default()], "{name}");
        // No line where none is wanted; what is counted is the same.
        let (mut flow, _, _) = walk(&[("LOG", "off")], &[("x-correlation-id", "me")], events);
        let quiet = flow.record().unwrap();
        assert_eq!((quiet.line, quiet.numbers), (None, record.numbers), "{name}");
    }
    // The same token in another spelling is the same in the log.
    let spelled = |token: &str| {
        let request = ask("POST", "/ask", &[("payment-signature", token)]);
        let (mut flow, _) = gate(USUAL).open(&request);
        let _ = flow.handle_event(Event::Unanswered(FacilitatorError::TimedOut), NOW);
        let line: Value = serde_json::from_str(&flow.record().unwrap().line.unwrap()).unwrap();
        line["token"].as_str().unwrap().to_string()
    };
    assert_eq!(spelled(&token()), spelled(&base64::encode_standard(payload().to_string().as_bytes())));
}

#[test]
fn what_is_not_paid_for_is_written_down_too() {
    let gate = gate(&[("UNLISTED", "pass")]);
    for (method, path, event, route, outcome, status) in [
        ("GET", "/health?key=secret", Some(origin(200)), "open", "open", 200),
        ("GET", "/free", Some(origin(503)), "unlisted", "passed", 503),
        ("GET", "/paid", None, "GET /paid", "offered", 402),
        ("POST", "/paid", None, "unlisted", "denied", 405),
        ("GET", "/paid;x", None, "unlisted", "denied", 400),
        ("OPTIONS", "/paid", None, "unlisted", "answered", 204),
    ] {
        let (mut flow, _) = gate.open(&ask(method, path, &[]));
        if let Some(event) = event {
            let _ = flow.handle_event(event, NOW + 5);
        }
        let line = flow.record().unwrap().line.unwrap();
        assert!(!line.contains("secret"), "a query is not written down");
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (line["route"].as_str(), line["outcome"].as_str()),
            (Some(route), Some(outcome)),
            "{method} {path}"
        );
        assert_eq!(line["status"], status, "{method} {path}");
    }
}

#[test]
fn the_counters_are_for_whoever_has_the_secret() {
    const SECRET: &str = "0123456789abcdef";
    const PATH: &str = "/.well-known/payments/metrics";
    let gate = gate(&[("METRICS_TOKEN", SECRET)]);
    let token = token();
    for _ in 0..3 {
        let (mut flow, _) = gate.open(&ask("POST", "/ask", &[("payment-signature", &token)]));
        for (event, now) in [(valid(), NOW + 7), (origin(200), NOW + 8), (burned(), NOW + 10)] {
            let _ = flow.handle_event(event, now);
        }
    }
    let _ = gate.open(&ask("GET", "/files/a", &[]));
    let read = |headers: &[(&str, &str)], method: &str, path: &str| {
        responded(gate.open(&ask(method, path, headers)).1)
    };
    let bearer = format!("Bearer {SECRET}");
    let page = read(&[("authorization", &bearer)], "GET", PATH);
    assert_eq!((page.status, page.headers.get("cache-control")), (200, Some("no-store")));
    assert_eq!(page.headers.get("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = page.body.unwrap();
    for line in [
        r#",route="POST /ask",outcome="settled"} 3"#,
        r#",route="GET /files/:name",outcome="offered"} 1"#,
        r#"paywall_credits_settled_total{isolate=""#,
        r#",route="POST /ask"} 6"#,
        r#",on="verify"} 3"#,
        r#",on="verify"} 21"#,
        r#",on="settle"} 6"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains(SECRET) && !text.contains(&token) && !text.contains("0xb1"));
    for (headers, method, path, status) in [
        (&[][..], "GET", PATH, 401),
        (&[("authorization", "Bearer 0123456789abcdeg")], "GET", PATH, 401),
        (&[("authorization", SECRET)], "GET", PATH, 401),
        (&[("authorization", "Basic MDEyMzQ1Njc4OWFiY2RlZg==")], "GET", PATH, 401),
        (&[("authorization", &bearer)], "HEAD", PATH, 200),
        (&[("authorization", &bearer)], "POST", PATH, 405),
        (&[("authorization", "bearer   0123456789abcdef ")], "GET", "/.well-known//payments/%6detrics/", 200),
        (&[("authorization", &bearer)], "GET", "/.well-known/payments/metric", 404),
    ] {
        assert_eq!(read(headers, method, path).status, status, "{method} {path} {headers:?}");
    }
    // Where nobody set a secret there is nothing.
    assert_eq!(
        responded(super::gate(&[]).open(&ask("GET", PATH, &[("authorization", "Bearer ")])).1).status,
        404
    );
}
