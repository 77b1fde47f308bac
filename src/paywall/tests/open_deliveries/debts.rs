//! Owed answers, the journal, and what a token learns of its payment.

use super::*;

#[test]
fn what_was_refused_after_delivery_is_owed_until_that_token_pays_for_it() {
    for (name, settle, said, settles) in [
        ("still too little", refused("BCK.CREDITS.0003"), (402, "payment_owed"), 1),
        ("the platform is busy", answered(429, &json!({})), (503, "facilitator_busy"), 1),
        ("the burn fails", answered(500, &json!({ "code": "BCK.X402.0009" })), (503, "BCK.X402.0009"), 1),
        ("the token has ended", refused("BCK.X402.0005"), (0, ""), 2),
        // Two of them are of the new token, which is single-use.
        ("nobody knows", Event::Unanswered(FacilitatorError::TimedOut), (0, ""), 3),
        ("it pays", burned(), (0, ""), 2),
    ] {
        let mut world = later(&json!({}));
        world.settle = Some(refused("BCK.CREDITS.0003"));
        assert!(go(&mut world, "/r").delivery.is_some());
        assert_eq!(entry(&world).status, EntryStatus::Owed, "{name}");
        let token = token_of("1001", "nvm:erc4337", "0xb1", Some("0x01"));
        world.settle = Some(settle);
        let walk = world.go(ask("GET", "/r", &[("payment-signature", &token)]));
        assert_eq!(walk.said(), (said.0, said.1.into()), "{name}");
        // The settle that is tried is that of the same token.
        let steps = walk.steps.iter().filter(|step| **step == "settle").count();
        assert_eq!(steps, settles, "{name}: {:?}", walk.steps);
        if let Some(answer) = &walk.answer {
            assert_eq!(answer.headers.get("payment-required"), None, "{name}");
            assert_eq!(walk.receipt().unwrap()["errorReason"], "not_settled", "{name}");
            assert_eq!(answer.headers.get("retry-after").is_some(), said.0 == 503, "{name}");
            assert!(!walk.steps.contains(&"origin"), "{name}");
        }
        let stands = match name {
            "the token has ended" => EntryStatus::Refused,
            "nobody knows" => EntryStatus::Unresolved,
            "it pays" => EntryStatus::Settled,
            _ => EntryStatus::Owed,
        };
        assert_eq!(entry(&world).status, stands, "{name}");
        // The debt may have burned the last credits: what goes on is verified once more.
        let verifies = walk.steps.iter().filter(|step| **step == "verify").count();
        assert_eq!(verifies, if walk.answer.is_none() { 2 } else { 1 }, "{name}: {:?}", walk.steps);
    }
}

#[test]
fn a_debt_that_was_settled_is_written_down_before_the_next_answer_begins() {
    for settle in [burned(), Event::Unanswered(FacilitatorError::TimedOut), refused("BCK.X402.0005")] {
        let mut world = later(&json!({}));
        world.settle = Some(refused("BCK.CREDITS.0003"));
        assert!(go(&mut world, "/r").delivery.is_some());
        world.settle = Some(settle);
        world.failing = Some("close");
        let walk = go(&mut world, "/r");
        assert_eq!(walk.said(), (503, "state_unavailable".into()));
        assert_eq!(walk.receipt().unwrap()["errorReason"], "not_settled");
        assert!(!walk.steps.contains(&"origin"), "{:?}", walk.steps);
        // It is told once more behind the answer, and not settled again.
        assert!(entry(&world).status.is_final(), "{:?}", entry(&world).status);
        (world.settle, world.failing) = (None, None);
        let walk = go(&mut world, "/r");
        assert_eq!(
            (walk.sum(), walk.steps.iter().filter(|step| **step == "settle").count()),
            ("2 of 2".into(), 1)
        );
    }
}

#[test]
fn what_is_owed_is_settled_by_one_request_at_a_time() {
    let mut world = later(&json!({}));
    world.settle = Some(refused("BCK.CREDITS.0003"));
    let _ = go(&mut world, "/r");
    let ask = |world: &mut World, seed: u8| {
        let head = RequestHead { seed: [seed; 16], ..request("", &[]) };
        let (mut flow, _) = world.gate.open(&head);
        let Action::State(admit) = flow.handle_event(valid(), NOW) else { panic!("not admitted") };
        let reply = world.tell(&admit);
        (flow, reply)
    };
    let (_, first) = ask(&mut world, 210);
    let Reply::Owing { entry: owed } = first else { panic!("{first:?}") };
    assert!(owed.settle_body.is_some() && owed.rounds == 1);
    assert_eq!(ask(&mut world, 211).1, Reply::InProgress);
    // A late result of the earlier settle changes nothing.
    let shard = crate::paywall::state::shard::shard("payer", "0xb1");
    let again = crate::wire::Secret::new("{}");
    let late = SettlementOutcome::Owed { why: "late".into(), again, receipt: None };
    world.tell(&StateCall {
        shard,
        command: Command::Close { id: owed.id.clone(), end: late, after: 1, round: 0 },
    });
    assert_eq!(entry(&world).status, EntryStatus::Settling);
    // Whoever has it dies: nobody knows, and it is not held against the payer.
    let rows = world.objects.values_mut().next().unwrap();
    let due = rows.next_due().unwrap().unwrap();
    world.now = due.max(NOW + 40_000);
    for rows in world.objects.values_mut() {
        assert!(next(rows, world.now, &mut Vec::new()).is_none(), "a reusable token is not settled again");
    }
    assert_eq!(entry(&world).status, EntryStatus::Unresolved);
    world.settle = None;
    assert_eq!(go(&mut world, "/r").sum(), "2 of 2");
}

#[test]
fn the_journal_is_for_whoever_has_the_token_and_holds_no_other() {
    let mut world = later(&json!({}));
    let bearer = [("authorization", "Bearer 0123456789abcdef")];
    let path = "/.well-known/payments/journal";
    assert_eq!(world.go(ask("GET", path, &[])).said(), (401, "journal_unauthorized".into()));
    assert_eq!(world.go(ask("POST", path, &bearer)).said().0, 405);
    let empty = world.go(ask("GET", path, &bearer)).answer.unwrap();
    assert_eq!((empty.status, body(&empty)), (200, json!({ "entries": [], "next": null })));
    // One that nobody knows of, one that is owed, one that is paid for.
    world.settle = Some(Event::Unanswered(FacilitatorError::TimedOut));
    let _ = go(&mut world, "/r");
    world.settle = Some(refused("BCK.CREDITS.0003"));
    let _ = go(&mut world, "/r");
    world.settle = None;
    let _ = go(&mut world, "/before");
    let mut log = Vec::new();
    world.files(&mut log);
    assert_eq!(log.len(), 1, "{log:?}");
    assert!(log[0].contains("settlement_unresolved") && !log[0].contains(&token()));
    let listed = world.go(ask("GET", path, &bearer)).answer.unwrap();
    let entries = body(&listed)["entries"].as_array().unwrap().clone();
    let stands: Vec<_> = entries.iter().map(|entry| entry["status"].as_str().unwrap()).collect();
    assert_eq!(stands, ["unresolved", "owed"]);
    let text = listed.body.unwrap();
    assert!(!text.contains(&token()) && !text.contains("0xfeed") && !text.contains("again"), "{text}");
    let after = format!("{path}?after={}", entries[0]["id"].as_str().unwrap());
    let page = body(&world.go(ask("GET", &after, &bearer)).answer.unwrap());
    assert_eq!(page["entries"].as_array().unwrap().len(), 1);
    let all = body(&world.go(ask("GET", &format!("{path}?payer=0xB1"), &bearer)).answer.unwrap());
    assert_eq!(all["entries"].as_array().unwrap().len(), 3);
    // How it ended is in the book too.
    let _ = go(&mut world, "/r");
    world.files(&mut log);
    let listed = body(&world.go(ask("GET", path, &bearer)).answer.unwrap());
    assert_eq!(listed["entries"][1]["status"], "settled");
    let metrics =
        world.go(ask("GET", "/.well-known/payments/metrics", &bearer)).answer.unwrap().body.unwrap();
    assert!(
        metrics
            .lines()
            .any(|line| line.starts_with("paywall_unresolved_total{") && line.ends_with("/r\"} 1"))
    );
    // Without a state there is none, and without a token of the counters nobody may ask.
    let stateless = gate(&[("METRICS_TOKEN", "0123456789abcdef")]);
    let (_, action) = stateless.open(&ask("GET", path, &bearer));
    assert_eq!(body(&responded(action))["code"], "journal_unavailable");
    let (_, action) = gate(&[]).open(&ask("GET", path, &bearer));
    assert_eq!(responded(action).status, 404);
}

#[test]
fn every_answer_to_a_token_says_what_became_of_it() {
    // The requested part, the events that follow, the status and the text of the receipt.
    type Row = (&'static str, Vec<Event>, u16, &'static str);
    let rows: [Row; 6] = [
        ("/nowhere", Vec::new(), 404, "not_settled"),
        ("/paid;x", Vec::new(), 400, "not_settled"),
        ("/ask", Vec::from([refused("BCK.X402.0005")]), 402, "BCK.X402.0005"),
        ("/ask", Vec::from([answered(429, &json!({}))]), 503, "not_settled"),
        ("/ask", Vec::from([valid(), origin(200), answered(429, &json!({}))]), 503, "not_settled"),
        ("/ask", Vec::from([valid(), origin(200), answered(401, &json!({}))]), 503, "not_settled"),
    ];
    for (path, events, status, reason) in rows {
        let (mut flow, mut action) = gate(&[]).open(&ask("POST", path, &[("payment-signature", &token())]));
        for event in events {
            action = flow.handle_event(event, NOW);
        }
        let answer = responded(action);
        assert_eq!(answer.status, status, "{path}");
        let receipt = header(&answer.headers, "payment-response").unwrap();
        assert_eq!((&receipt["success"], &receipt["errorReason"]), (&false.into(), &reason.into()), "{path}");
    }
    // A price that a handler does not say.
    let route =
        json!({ "planId": "1001", "scheme": "nvm:erc4337", "credits": { "by": "handler", "most": 5 } });
    let mut world = super::harness::world(route);
    let walk = world.go(request("", &[]));
    assert_eq!(walk.said(), (500, "price_failed".into()));
    assert_eq!(walk.receipt().unwrap()["errorReason"], "not_settled");
    assert!(body(walk.answer.as_ref().unwrap())["message"].to_string().contains("Nothing was charged"));
    // A plan of which nothing can be found out.
    let unknown = gate(&[]);
    unknown.shared.plans.clear();
    let (mut flow, _) = unknown.open(&ask("POST", "/ask", &[("payment-signature", &token())]));
    let answer = responded(flow.handle_event(Event::Unanswered(FacilitatorError::TimedOut), NOW));
    assert_eq!((answer.status, body(&answer)["code"].as_str()), (503, Some("plan_unknown")));
    assert_eq!(header(&answer.headers, "payment-response").unwrap()["errorReason"], "not_settled");
    // A request without a token learns nothing about one.
    let (_, action) = gate(&[]).open(&ask("POST", "/ask", &[]));
    assert_eq!(responded(action).headers.get("payment-response"), None);
}

#[test]
fn rule_21_a_state_that_cannot_be_reached_is_a_503_and_no_offer() {
    let route = json!({ "planId": "1001", "scheme": "nvm:erc4337", "credits": 1, "free": { "perDay": 2, "by": "address" } });
    let world = super::harness::world(route);
    let (mut flow, action) = world.gate.open(&ask("GET", "/r", &[]));
    assert!(matches!(action, Action::State(_)));
    let answer = responded(flow.handle_event(Event::StateFailed, NOW));
    assert_eq!((answer.status, answer.headers.get("retry-after")), (503, Some("5")));
    assert_eq!(answer.headers.get("payment-required"), None);
}
