//! A pass is sold, and shown in the place of a payment.

use super::*;

#[test]
fn a_pass_is_sold_with_what_was_settled_and_with_nothing_else() {
    let silence = || Event::Unanswered(FacilitatorError::TimedOut);
    let no = || answered(402, &json!({ "code": "BCK.CREDITS.0003", "message": "too few" }));
    for (name, events, sold) in [
        ("settled", Vec::from([valid(), origin(200), burned()]), true),
        ("not 2xx", Vec::from([valid(), origin(404)]), false),
        ("unknown, and delivered", Vec::from([valid(), origin(200), silence()]), false),
        ("refused at settlement", Vec::from([valid(), origin(200), no()]), false),
        ("refused at verify", Vec::from([no()]), false),
        ("no origin", Vec::from([valid(), Event::OriginFailed]), false),
    ] {
        let headers = match after(events) {
            Action::Deliver(delivery) => delivery.headers,
            Action::Respond(answer) => answer.headers,
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(headers.get(PASS).is_some(), sold, "{name}");
        assert_eq!(headers.get("set-cookie").is_some(), sold, "{name}");
    }
    // The origin's pass headers do not reach the client.
    let forged = [
        (PASS, "v1.forged"),
        ("set-cookie", "__Host-payment-pass-all=forged; Path=/"),
        ("set-cookie", "a=1"),
    ];
    let head = OriginResponse { status: 200, headers: forged.into_iter().collect() };
    let headers = delivered(after(Vec::from([valid(), Event::Origin(head), burned()]))).headers;
    assert!(headers.get(PASS).unwrap().starts_with("v1.k1."));
    let cookies: Vec<_> = headers.all("set-cookie").map(|cookie| cookie.split('=').next().unwrap()).collect();
    assert_eq!(cookies, ["a", "__Host-payment-pass-all"]);
    // A route that sells none.
    let card = ask("POST", "/card", &[("payment-signature", &token())]);
    assert_eq!(responded(gate(&SOLD).open(&card).1).headers.get(PASS), None);
}

#[test]
fn a_pass_is_let_through_without_being_verified_or_settled() {
    let pass = bought();
    let cookie = format!("a=1; __Host-payment-pass-all={pass}");
    for (name, path, headers) in [
        ("in the header", "/ask", Vec::from([(PASS, pass.as_str())])),
        ("a cheaper route of the set", "/paid", Vec::from([(PASS, pass.as_str())])),
        ("in a cookie", "/paid", Vec::from([("cookie", cookie.as_str())])),
        (
            "in a cookie, from a page of ours",
            "/ask",
            Vec::from([("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")]),
        ),
        (
            "beside a token of the same payer",
            "/ask",
            Vec::from([(PASS, pass.as_str()), ("payment-signature", &token())]),
        ),
    ] {
        let (mut flow, action) = shown(&[], path, &headers, NOW);
        let sent = forwarded(action).headers;
        let header = |name: &str| sent.get(name);
        assert_eq!(
            (header("x-payment-payer"), header("x-payment-plan")),
            (Some("0xb1"), Some("1001")),
            "{name}"
        );
        assert_eq!(header("x-payment-credits"), Some("0"), "{name}");
        assert_eq!(header("x-payment-agent"), (path == "/ask").then_some("2002"), "{name}");
        assert_eq!(header("payment-signature"), None, "{name}");
        assert_eq!(header(PASS).map(str::len), Some(32), "{name}: the id, not the pass");
        assert!(!sent.iter().any(|(_, value)| value.contains("v1.k1.")), "{name}: the origin sees the pass");
        assert_eq!(header("cookie"), name.contains("cookie").then_some("a=1"), "{name}");

        let headers = delivered(flow.handle_event(origin(200), NOW)).headers;
        assert_eq!(headers.get("payment-response"), None, "{name}: nothing was paid now");
        assert_eq!(headers.get("cache-control"), Some("private"), "{name}");
        assert_eq!(
            headers.get("x-payment-pass-expires"),
            Some((NOW / 1000 + 3600).to_string().as_str()),
            "{name}"
        );
        assert_eq!(headers.get(PASS), None, "{name}: it is not sold again");
        assert!(flow.take_deferred().is_empty());
    }
}

#[test]
fn what_the_origin_answers_to_a_pass_is_told_as_it_is() {
    let pass = bought();
    for status in [200, 206, 304, 404, 500] {
        let (mut flow, _) = shown(&[], "/ask", &[(PASS, &pass)], NOW);
        let headers = delivered(flow.handle_event(origin(status), NOW)).headers;
        assert_eq!(headers.get("payment-response"), None, "{status}");
    }
    for (event, code) in [(Event::OriginFailed, "origin_unreachable"), (origin(101), "origin_garbled")] {
        let (mut flow, _) = shown(&[], "/ask", &[(PASS, &pass)], NOW);
        let answer = responded(flow.handle_event(event, NOW));
        assert_eq!((answer.status, body(&answer)["code"].as_str()), (502, Some(code)));
    }
    // A socket that was asked for is one.
    let socket = [(PASS, pass.as_str()), ("upgrade", "websocket"), ("connection", "upgrade")];
    let (mut flow, _) = shown(&[], "/paid", &socket, NOW);
    assert_eq!(delivered(flow.handle_event(origin(101), NOW)).headers.get("payment-response"), None);
    // Near its end it says so.
    let late = NOW + 3_000_000;
    let (mut flow, _) = shown(&[], "/ask", &[(PASS, &pass)], late);
    assert_eq!(
        delivered(flow.handle_event(origin(200), late)).headers.get("x-payment-warning"),
        Some("pass-expires")
    );
}

#[test]
fn what_a_pass_does_not_open_is_to_be_paid() {
    let pass = bought();
    let id = |over: &[(&str, &str)]| {
        let (_, action) = shown(over, "/ask", &[(PASS, &pass)], NOW);
        forwarded(action).headers.get(PASS).map(ToString::to_string).unwrap()
    };
    let revoked = json!({ "passes": [id(&[])] }).to_string();
    let dearer = r#"{ "POST /ask": { "planId": "1001", "credits": 3 }, "GET /paid": { "planId": "1001", "credits": 1 } }"#;
    let replaced = r#"{ "POST /ask": { "planId": "1009", "scheme": "nvm:erc4337", "credits": 2 }, "GET /paid": { "planId": "1001", "credits": 1 } }"#;
    let other = format!("k2:{}", "f".repeat(32));
    let open = [("OPEN_ROUTES", "[]")];
    for (name, over, path, now, code) in [
        ("another route", &[][..], "/files/a", NOW, "payment_missing"),
        ("over", &[], "/ask", NOW + 3_600_000, "pass_expired"),
        ("taken back", &[("REVOKED_PASSES", revoked.as_str())], "/ask", NOW, "pass_revoked"),
        ("the price went up", &[("ROUTES", dearer), open[0]], "/ask", NOW, "pass_for_another_price"),
        ("the plan is gone", &[("ROUTES", replaced), open[0]], "/ask", NOW, "pass_for_another_route"),
        ("the key is gone", &[("PASS_KEYS", other.as_str())], "/ask", NOW, "pass_forged"),
    ] {
        let answer = responded(shown(over, path, &[(PASS, &pass)], now).1);
        assert_eq!((answer.status, body(&answer)["code"].as_str()), (402, Some(code)), "{name}");
        assert!(header(&answer.headers, "payment-required").is_some(), "{name}: it can be paid");
        // With a payment it is one.
        let (_, action) = shown(over, path, &[(PASS, &pass), ("payment-signature", &token())], now);
        assert!(matches!(action, Action::Call(_)) || name == "the plan is gone", "{name}: {action:?}");
    }
    // Somebody else's token pays for itself.
    let mut theirs = payload();
    theirs["payload"]["authorization"]["from"] = "0xb2".into();
    let headers = [(PASS, pass.as_str()), ("payment-signature", &encode(&theirs))];
    assert_eq!(called(shown(&[], "/ask", &headers, NOW).1).0, "/api/v1/x402/verify");
    // Where none are sold, none are taken.
    let headers = [(PASS, pass.as_str())];
    assert_eq!(responded(gate(&[]).open(&ask("POST", "/ask", &headers)).1).status, 402);
}

#[test]
fn each_plan_has_its_price() {
    let routes = r#"{ "POST /ask": { "plans": [{ "planId": "1009", "scheme": "nvm:erc4337", "credits": 9 }, { "planId": "1001", "credits": 2 }] },
        "GET /paid": { "plans": [{ "planId": "1009", "scheme": "nvm:erc4337", "credits": 1 }, { "planId": "1001", "credits": 3 }] } }"#;
    let over = [("ROUTES", routes), ("OPEN_ROUTES", "[]")];
    let (mut flow, _) = shown(&over, "/ask", &[("payment-signature", &token())], NOW);
    for event in [valid(), origin(200)] {
        drop(flow.handle_event(event, NOW));
    }
    let pass =
        delivered(flow.handle_event(burned(), NOW)).headers.get(PASS).map(ToString::to_string).unwrap();
    // Bought for 2 of plan 1001: it opens what costs that of this plan, whatever it costs of another.
    assert!(matches!(shown(&over, "/ask", &[(PASS, &pass)], NOW).1, Action::Forward(_)));
    let answer = responded(shown(&over, "/paid", &[(PASS, &pass)], NOW).1);
    assert_eq!(body(&answer)["code"], "pass_for_another_price");
}

#[test]
fn who_holds_a_pass_keeps_to_the_rate_of_a_payer() {
    let pass = bought();
    let routes = r#"{ "POST /ask": { "planId": "1001", "credits": 2, "limit": { "requests": 1, "seconds": 60, "by": "payer" } },
        "GET /paid": { "planId": "1001", "credits": 1 } }"#;
    let over = [SOLD[0], SOLD[1], ("ROUTES", routes), ("OPEN_ROUTES", "[]")];
    let gate = Gate::new(settings_with(&over, Bindings { state: true, ..Bindings::default() }).unwrap());
    let request = RequestHead { now: NOW, ..ask("POST", "/ask", &[(PASS, &pass)]) };
    let (mut flow, action) = gate.open(&request);
    assert!(matches!(action, Action::State(_)), "{action:?}");
    let forward = flow.handle_event(Event::State(Reply::Admitted { free: false }), NOW);
    assert_eq!(forwarded(forward).headers.get("x-payment-credits"), Some("0"));
    assert!(matches!(flow.handle_event(origin(200), NOW), Action::Deliver(_)));

    let (mut flow, _) = gate.open(&request);
    let answer = responded(flow.handle_event(Event::State(Reply::Limited { retry_after: 9 }), NOW));
    assert_eq!((answer.status, answer.headers.get("retry-after")), (429, Some("9")));
    let (mut flow, _) = gate.open(&request);
    assert_eq!(responded(flow.handle_event(Event::StateFailed, NOW)).status, 503);
}

#[test]
fn a_pass_is_good_where_nothing_is_known_of_its_plan() {
    let pass = bought();
    let asks = |gate: &Gate, headers: &[(&str, &str)]| {
        gate.open(&RequestHead { now: NOW, ..ask("POST", "/ask", headers) })
    };
    let gate = ignorant("", Bindings::default());
    assert_eq!(forwarded(asks(&gate, &[(PASS, &pass)]).1).headers.get("x-payment-credits"), Some("0"));
    // A request that needs a payment waits for the plan.
    for (name, headers) in
        [("without a pass", Vec::new()), ("with a bad one", Vec::from([(PASS, "v1.k1.x.yyyy")]))]
    {
        let (mut flow, action) = asks(&gate, &headers);
        assert!(matches!(action, Action::Call(_)), "{name}: {action:?}");
        assert_eq!(
            responded(flow.handle_event(Event::Unanswered(FacilitatorError::TimedOut), NOW + 9_000)).status,
            503,
            "{name}"
        );
        gate.shared.plans.clear();
    }
    // A pass that ends while the rate is looked at leaves nothing to be offered: no guess is.
    let limit = r#", "limit": { "requests": 9, "seconds": 60, "by": "address" }"#;
    let gate = ignorant(limit, Bindings { state: true, ..Bindings::default() });
    for (now, status) in [(NOW, None), (NOW + 3_600_000, Some(503))] {
        let (mut flow, action) = asks(&gate, &[(PASS, &pass)]);
        assert!(matches!(action, Action::State(_)), "{action:?}");
        let action = flow.handle_event(Event::State(Reply::Admitted { free: false }), now);
        match status {
            None => drop(forwarded(action)),
            Some(status) => {
                let answer = responded(action);
                assert_eq!((answer.status, body(&answer)["code"].as_str()), (status, Some("plan_unknown")));
            }
        }
    }
}

#[test]
fn the_log_tells_a_pass_from_a_payment() {
    let pass = bought();
    for (name, path, headers, route, outcome) in [
        ("a pass", "/ask", Vec::from([(PASS, pass.as_str())]), "POST /ask", "pass"),
        ("none", "/ask", Vec::new(), "POST /ask", "offered"),
        ("what is held", "/.well-known/payments/passes", Vec::new(), "own", "answered"),
    ] {
        let (mut flow, action) = shown(&[], path, &headers, NOW);
        if let Action::Forward(_) = action {
            drop(flow.handle_event(origin(200), NOW));
        }
        let record = flow.record().unwrap();
        assert_eq!((record.route.as_str(), record.texts[1].as_str()), (route, outcome), "{name}");
    }
}

#[test]
fn what_came_to_less_than_the_most_that_it_could_buys_no_pass() {
    let routes = json!({ "POST /ask": { "planId": "1001", "credits": { "by": "origin", "name": "x-cost", "most": 5 } } });
    let routes = routes.to_string();
    let passes = r#"{ "all": { "routes": ["POST /ask"], "seconds": 3600 } }"#;
    let gate = gate(&[("ROUTES", &routes), ("PASSES", passes), SOLD[1]]);
    for (cost, sold) in [("1", false), ("4", false), ("5", true)] {
        let (mut flow, _) = gate.open(&ask("POST", "/ask", &[("payment-signature", &token())]));
        let _ = flow.handle_event(valid(), NOW);
        let headers = [("x-cost", cost)].into_iter().collect();
        let _ = flow.handle_event(Event::Origin(OriginResponse { status: 200, headers }), NOW);
        let headers = delivered(flow.handle_event(burned(), NOW)).headers;
        assert_eq!(headers.get(PASS).is_some(), sold, "{cost} of 5");
    }
}
