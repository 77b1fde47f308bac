//! Treatment of every request, whatever the decision: its id, its timings, its log line, its size limits. Rules 17, 18,
//! 21 and 25: disclosure, and who may read it.

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

#[test]
fn a_correlation_id_is_taken_or_made_and_said_to_all() {
    let paid = || Vec::from([valid(), origin(200), burned()]);
    for (given, taken) in [
        (None, false),
        (Some("req-1"), true),
        (Some("0af7651916cd43dd8448eb211c80319c"), true),
        (Some("user@host/1:2=3+4_5.6"), true),
        (Some(" req-1 "), true),
        (Some(""), false),
        (Some("a b"), false),
        (Some("a\r\nx-admin: 1"), false),
        (Some("{\"a\":1}"), false),
        (Some("\u{fc}"), false),
    ] {
        let headers: Vec<_> = given.map(|given| ("X-Correlation-Id", given)).into_iter().collect();
        let (flow, action, sent) = walk(USUAL, &headers, paid());
        let id = flow.correlation_id().to_string();
        match given.filter(|_| taken) {
            Some(given) => assert_eq!(id, given.trim()),
            None => assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}"),
        }
        assert_eq!(headers_of(&action).all("x-correlation-id").collect::<Vec<_>>(), [id.as_str()]);
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].all("x-correlation-id").collect::<Vec<_>>(), [id.as_str()], "{given:?}");
    }
    let long = "x".repeat(129);
    assert_ne!(walk(USUAL, &[("x-correlation-id", &long)], paid()).0.correlation_id(), long);
    // The generated id differs from a receipt's id, and for each request.
    let made = |seed: [u8; 16]| {
        let request = RequestHead { seed, ..ask("GET", "/paid", &[]) };
        gate(USUAL).open(&request).0.correlation_id().to_string()
    };
    assert!(!made([7; 16]).contains("0707") && made([7; 16]) != made([8; 16]));
    // Every answer says it, whoever gave it.
    for (method, path) in
        [("GET", "/paid"), ("GET", "/none"), ("GET", "/paid;x"), ("PURGE", "/paid"), ("OPTIONS", "/paid")]
    {
        let request = RequestHead {
            headers: [("x-correlation-id", "me")].into_iter().collect(),
            ..ask(method, path, &[])
        };
        assert_eq!(
            responded(gate(USUAL).open(&request).1).headers.get("x-correlation-id"),
            Some("me"),
            "{method} {path}"
        );
    }
}

#[test]
fn the_platforms_own_correlation_id_is_told_beside_ours() {
    let refused = |id: Option<&str>| {
        Event::Answered(api::Response {
            status: 402,
            body: json!({ "code": "BCK.X402.0005", "message": "no" }).to_string(),
            correlation_id: id.map(Into::into),
        })
    };
    for (said, expected) in [(Some("c-1"), Some("c-1")), (Some("me"), None), (None, None)] {
        let (_, action, _) = walk(USUAL, &[("x-correlation-id", "me")], Vec::from([refused(said)]));
        let headers = headers_of(&action);
        assert_eq!(headers.get("x-correlation-id"), Some("me"));
        assert_eq!(headers.get("x-platform-correlation-id"), expected, "{said:?}");
    }
}

#[test]
fn server_timing_says_what_was_waited_for() {
    let timed = |over: &[(&str, &str)], events: Vec<Event>| {
        let (_, action, _) = walk(over, &[], events);
        headers_of(&action).all("server-timing").map(ToString::to_string).collect::<Vec<_>>()
    };
    let with_own = |status| {
        let headers = [("server-timing", "db;dur=3")].into_iter().collect();
        Event::Origin(OriginResponse { status, headers })
    };
    for (name, events, expected) in [
        ("offered", Vec::new(), &[][..]),
        ("refused", Vec::from([answered(200, &json!({ "isValid": false }))]), &["verify;dur=10"]),
        ("failed", Vec::from([valid(), Event::OriginFailed]), &["verify;dur=10, origin;dur=10"]),
        ("not found", Vec::from([valid(), with_own(404)]), &["db;dur=3", "verify;dur=10, origin;dur=10"]),
        (
            "paid",
            Vec::from([valid(), with_own(200), burned()]),
            &["db;dur=3", "verify;dur=10, origin;dur=10, settle;dur=10"],
        ),
    ] {
        let events_off = events.clone();
        if name == "offered" {
            let answer = responded(gate(&[]).open(&ask("POST", "/ask", &[])).1);
            assert_eq!(answer.headers.get("server-timing"), None);
            continue;
        }
        assert_eq!(timed(&[], events), expected, "{name}");
        let off = timed(&[("SERVER_TIMING", "off")], events_off);
        assert!(off.iter().all(|value| value == "db;dur=3"), "{name}: {off:?}");
    }
}

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
        assert_eq!((line["id"].as_str(), line["route"].as_str()), (Some("me"), Some("POST /ask")), "{name}");
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

#[test]
fn the_head_of_an_answer_stays_under_8_kb() {
    let weight = |headers: &HeaderList| {
        headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>()
    };
    let long = "d".repeat(1000);
    let plans: Vec<_> = (0..8)
        .map(|plan| json!({ "planId": format!("{plan}{}", "7".repeat(70)), "scheme": "nvm:erc4337" }))
        .collect();
    let routes = json!({ "GET /:name": { "plans": plans, "credits": 1, "agentId": "5".repeat(70), "description": long } }).to_string();
    let gate = gate(&[("ROUTES", &routes), ("OPEN_ROUTES", "[]")]);
    // A small one stands in both places, a large one in the body alone.
    for (path, in_header) in [("/a", true), (&*format!("/{}", "a".repeat(3500)), false)] {
        let answer = responded(gate.open(&ask("GET", path, &[])).1);
        assert_eq!(answer.status, 402);
        assert!(weight(&answer.headers) < 8192, "{}", weight(&answer.headers));
        assert_eq!(answer.headers.get("payment-required").is_some(), in_header);
        let offer = body(&answer);
        assert_eq!(
            (offer["x402Version"].as_u64(), offer["accepts"].as_array().map(Vec::len)),
            (Some(2), Some(8))
        );
        let head = responded(gate.open(&ask("HEAD", path, &[])).1);
        assert!(weight(&head.headers) < 8192);
    }
    // A receipt is cut to what it has to say, and is there.
    let burned = |extra: &str| {
        answered(
            200,
            &json!({
                "success": true, "payer": "0xb1", "transaction": "0xabc", "network": "eip155:84532",
                "creditsRedeemed": "2", "remainingBalance": "8", "extra": extra,
            }),
        )
    };
    for (extra, kept) in [("small".to_string(), true), ("x".repeat(9000), false)] {
        let (_, action, _) = walk(USUAL, &[], Vec::from([valid(), origin(200), burned(&extra)]));
        let headers = headers_of(&action);
        assert!(weight(headers) < 8192);
        let receipt = header(headers, "payment-response").unwrap();
        assert_eq!((&receipt["success"], &receipt["creditsRedeemed"]), (&true.into(), &"2".into()));
        assert_eq!((&receipt["transaction"], &receipt["remainingBalance"]), (&"0xabc".into(), &"8".into()));
        assert_eq!(receipt.get("extra").is_some(), kept);
    }
    // The origin's header is kept.
    let own = [("x-own", "y".repeat(7900))].into_iter().collect();
    let (_, action, _) = walk(
        USUAL,
        &[],
        Vec::from([valid(), Event::Origin(OriginResponse { status: 200, headers: own }), burned("z")]),
    );
    assert_eq!(headers_of(&action).get("x-own").map(str::len), Some(7900));
    assert_eq!(header(headers_of(&action), "payment-response").unwrap()["success"], true);
}

#[test]
fn manners_that_are_wrong_are_named() {
    for (key, value) in [
        ("ORIGIN_TIMEOUT_MS", "0"),
        ("ORIGIN_TIMEOUT_MS", "600001"),
        ("ORIGIN_TIMEOUT_MS", "10s"),
        ("LOG", "all"),
        ("SERVER_TIMING", "yes"),
        ("METRICS_TOKEN", "short"),
        ("METRICS_TOKEN", "0123456789 abcdef"),
        ("ALLOW_CREDENTIALS", "true"),
        ("ALLOW_PRIVATE_NETWORK", "1"),
        ("CORS_MAX_AGE", "-1"),
        ("CORS_MAX_AGE", "86401"),
        ("ALLOWED_HEADERS", "x-own"),
        ("ALLOWED_HEADERS", r#"["X-Own"]"#),
        ("ALLOWED_HEADERS", r#"["*"]"#),
        ("ALLOWED_HEADERS", r#"["x-payment-payer"]"#),
        ("ALLOWED_HEADERS", r#"["x-http-method-override"]"#),
        ("ALLOWED_HEADERS", r#"[""]"#),
    ] {
        let error = settings(&[(key, value)]).err().unwrap_or_else(|| panic!("{key} {value} is taken"));
        assert_eq!(error.key, key, "{value}");
        assert!(!error.problem.contains(value) || value.len() < 4, "{value}");
    }
    let both = settings(&[("ALLOWED_ORIGINS", r#"["*"]"#), ("ALLOW_CREDENTIALS", "yes")]).unwrap_err();
    assert_eq!(both.key, "ALLOW_CREDENTIALS");
    assert_eq!(settings(&[]).unwrap().origin_timeout_ms(), 60_000);
    assert_eq!(settings(&[("ORIGIN_TIMEOUT_MS", " 5 ")]).unwrap().origin_timeout_ms(), 5);
    assert!(
        !format!("{:?}", settings(&[("METRICS_TOKEN", "0123456789abcdef")]).unwrap()).contains("0123456789")
    );
}
