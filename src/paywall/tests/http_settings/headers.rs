//! Ids, timings and the size of the head.

use super::*;

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
fn the_head_of_an_answer_stays_under_8_kb() {
    let weight = |headers: &HeaderList| {
        headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>()
    };
    let long = "d".repeat(1000);
    let plans: Vec<_> = (1..=8)
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
