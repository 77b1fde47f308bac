//! The endpoint that says what a pass or a token opens.

use super::*;

#[test]
fn a_holder_sees_what_is_held() {
    let pass = bought();
    let list = |headers: &[(&str, &str)], now: u64| {
        let request = RequestHead { now, ..ask("GET", "/.well-known/payments/passes", headers) };
        let answer = responded(gate(&SOLD).open(&request).1);
        assert_eq!((answer.status, answer.headers.get("cache-control")), (200, Some("no-store")));
        body(&answer)["passes"].clone()
    };
    let cookie = format!("__Host-payment-pass-all={pass}");
    let held = list(&[("cookie", &cookie), (PASS, &pass)], NOW);
    assert_eq!(held.as_array().unwrap().len(), 1, "one pass is one, however it came");
    let one = &held[0];
    assert_eq!(
        (&one["set"], &one["payer"], &one["expires"]),
        (&"all".into(), &"0xb1".into(), &(NOW / 1000 + 3600).into())
    );
    assert!(!held.to_string().contains("v1.k1"), "the pass itself is not told");
    assert_eq!(list(&[("cookie", &cookie)], NOW + 3_600_000), json!([]));
    assert_eq!(list(&[(PASS, "v1.k1.x.yyyy")], NOW), json!([]));
    assert_eq!(list(&[], NOW), json!([]));
}

#[test]
fn a_token_is_asked_after_for_nothing() {
    let status =
        |headers: &[(&str, &str)]| gate(&[]).open(&ask("GET", "/.well-known/payments/status", headers));
    let answer = responded(status(&[]).1);
    assert_eq!((answer.status, body(&answer)["code"].as_str()), (402, Some("payment_missing")));
    let offer = header(&answer.headers, "payment-required").unwrap();
    assert_eq!(offer["resource"]["url"], "https://shop.example/.well-known/payments/status");
    let asked: Vec<_> =
        offer["accepts"].as_array().unwrap().iter().map(|one| one["extra"]["credits"].clone()).collect();
    assert!(asked.iter().all(|credits| credits == "0") && asked.len() == 2, "{offer}");

    let token = token();
    let (mut flow, action) = status(&[("payment-signature", &token)]);
    let (path, verify) = called(action);
    assert_eq!((path.as_str(), &verify["maxAmount"]), ("/api/v1/x402/verify", &"0".into()));
    let answer = responded(flow.handle_event(valid(), NOW));
    assert_eq!(
        (answer.status, &body(&answer)["payer"], &body(&answer)["plan"]),
        (200, &"0xb1".into(), &"1001".into())
    );

    for (name, event, code) in [
        ("a no", answered(200, &json!({ "isValid": false, "invalidReason": "expired" })), 402),
        ("silence", Event::Unanswered(FacilitatorError::TimedOut), 503),
        ("out of turn", origin(200), 500),
    ] {
        let (mut flow, _) = status(&[("payment-signature", &token)]);
        assert_eq!(responded(flow.handle_event(event, NOW)).status, code, "{name}");
    }
    let mut other = payload();
    other["accepted"]["planId"] = "77".into();
    let answer = responded(status(&[("payment-signature", &encode(&other))]).1);
    assert_eq!(body(&answer)["code"], "payment_for_another_plan");
}

#[test]
fn what_is_asked_after_is_offered_as_its_plan_says() {
    const STATUS: &str = "/.well-known/payments/status";
    let card = json!({ "id": "1001", "registry": { "price": { "isCrypto": false } } });
    let token = token();
    for (name, headers) in
        [("without a token", Vec::new()), ("with one", Vec::from([("payment-signature", token.as_str())]))]
    {
        let gate = ignorant("", Bindings::default());
        let open = || gate.open(&RequestHead { now: NOW, ..ask("GET", STATUS, &headers) });
        let (mut flow, action) = open();
        let Action::Call(call) = action else { panic!("{name}: {action:?}") };
        assert_eq!(call.path, "/api/v1/protocol/plans/1001", "{name}");
        let answer = responded(flow.handle_event(Event::Unanswered(FacilitatorError::TimedOut), NOW));
        assert_eq!((answer.status, body(&answer)["code"].as_str()), (503, Some("plan_unknown")), "{name}");

        gate.shared.plans.clear();
        let (mut flow, _) = open();
        let offer = match flow.handle_event(answered(200, &card), NOW) {
            Action::Respond(answer) => body(&answer),
            action => called(action).1["paymentRequired"].clone(),
        };
        assert_eq!(offer["accepts"][0]["scheme"], "nvm:card-delegation", "{name}: {offer}");
        assert_eq!(offer["accepts"].as_array().unwrap().len(), 1, "{name}: {offer}");
    }
    // Where one is known, a stranger's plan keeps nobody waiting.
    let routes = r#"{ "POST /ask": { "plans": [{ "planId": "7", "credits": 1 }, { "planId": "1001", "credits": 2 }] } }"#;
    let gate = gate(&[("ROUTES", routes), ("OPEN_ROUTES", "[]")]);
    for headers in [Vec::new(), Vec::from([("payment-signature", token.as_str())])] {
        let offer = match gate.open(&ask("GET", STATUS, &headers)).1 {
            Action::Respond(answer) => body(&answer),
            action => called(action).1["paymentRequired"].clone(),
        };
        assert_eq!(offer["accepts"].as_array().unwrap().len(), 1, "{offer}");
    }
}

#[test]
fn a_page_of_an_allowed_origin_may_ask_after_tokens_and_passes() {
    for unlisted in ["deny", "pass"] {
        let over =
            [SOLD[0], SOLD[1], ("ALLOWED_ORIGINS", r#"["https://app.example"]"#), ("UNLISTED", unlisted)];
        for (path, asked) in [("status", "payment-signature"), ("passes", PASS)] {
            let headers = [
                ("origin", "https://app.example"),
                ("access-control-request-method", "GET"),
                ("access-control-request-headers", asked),
            ];
            let path = format!("/.well-known/payments/{path}");
            let answer = responded(gate(&over).open(&ask("OPTIONS", &path, &headers)).1);
            let header = |name: &str| answer.headers.get(name).unwrap_or_default();
            assert_eq!((answer.status, header("access-control-allow-methods")), (204, "GET, HEAD"), "{path}");
            assert!(header("access-control-allow-headers").contains(asked), "{path}");
        }
    }
}
