//! Rules 19, 21 and 24 for a whole request: what is given back, what is told of a settlement, and for how long things are held.

use super::super::state::*;
use super::harness::{Walk, World, over, token_of};
use super::*;
use alloc::{format, string::ToString};

/// `GET /before`, `/after` and `/end` by when they settle, with these members.
pub(super) fn routes(more: &Value, settings: &[(&str, &str)]) -> World {
    let route = |settle: &str| {
        let mut route = json!({ "planId": "1001", "credits": 2, "scheme": "nvm:erc4337", "settle": settle });
        for (name, value) in more.as_object().unwrap() {
            // An answer that is settled before it is delivered is never open.
            if !(name == "unbounded" && settle == "before-delivery") {
                route[name] = value.clone();
            }
        }
        route
    };
    over(
        json!({
            "GET /before": route("before-delivery"), "GET /after": route("after-delivery"), "GET /end": route("at-end-of-stream"),
        }),
        settings,
    )
}

fn refused(code: &str) -> Event {
    answered(402, &json!({ "code": code, "message": "no" }))
}

fn silence() -> Event {
    Event::Unanswered(FacilitatorError::TimedOut)
}

/// A request with a single-use token where there is a nonce.
pub(super) fn pay(world: &mut World, path: &str, nonce: Option<&str>) -> Walk {
    let token = token_of("1001", "nvm:erc4337", "0xb1", nonce);
    world.go(ask("GET", path, &[("payment-signature", &token)]))
}

/// Lists what the gate gave back: the claim's nonce, the allowance, the plan of the open delivery.
fn released(walk: &Walk) -> Vec<(Option<String>, bool, Option<String>)> {
    let release = |command: &Command| match command {
        Command::Release { claim, allowance, open, .. } => {
            let nonce = claim.as_ref().map(|claim| claim.nonce.clone());
            Some((nonce, allowance.is_some(), open.clone()))
        }
        _ => None,
    };
    walk.commands.iter().filter_map(release).collect()
}

fn ends(walk: &Walk) -> Vec<SettlementOutcome> {
    let end = |command: &Command| match command {
        Command::Close { end, .. } => Some(end.clone()),
        _ => None,
    };
    walk.commands.iter().filter_map(end).collect()
}

#[test]
fn what_was_reserved_for_an_answer_that_failed_is_given_back_each_alone() {
    let free = json!({ "free": { "perDay": 5, "by": "payer" } });
    let none = json!({});
    for (name, more, path, nonce, expected) in [
        ("a claim", &none, "/before", Some("0x01"), (Some("0x01"), false, None)),
        ("an open delivery", &none, "/after", None, (None, false, Some("1001"))),
        ("an allowance", &free, "/before", None, (None, true, None)),
        ("a claim and an open delivery", &none, "/end", Some("0x01"), (Some("0x01"), false, Some("1001"))),
    ] {
        let mut world = routes(more, &[]).says(500, &[]);
        let walk = pay(&mut world, path, nonce);
        let expected = (expected.0.map(String::from), expected.1, expected.2.map(String::from));
        assert_eq!(released(&walk), [expected], "{name}");
        // The next request finds all of it.
        world = world.says(200, &[]);
        assert!(pay(&mut world, path, nonce).delivery.is_some(), "{name}");
    }
    // Nothing was reserved, so nothing is told.
    let walk = pay(&mut routes(&none, &[]).says(500, &[]), "/before", None);
    assert_eq!(released(&walk), []);
}

#[test]
fn what_cannot_be_written_down_is_not_settled_and_gives_back_what_it_had() {
    for (path, nonce, open, failing) in [
        ("/before", None, None, "write"),
        ("/before", Some("0x01"), None, "admit"),
        ("/after", Some("0x02"), Some("1001"), "write"),
    ] {
        let mut world = routes(&json!({}), &[]);
        world.failing = Some(failing);
        let walk = pay(&mut world, path, nonce);
        assert_eq!(walk.said(), (503, "state_unavailable".into()), "{path}");
        assert_eq!(walk.settled(), None, "{path}");
        assert_eq!(walk.receipt().unwrap()["errorReason"], "not_settled", "{path}");
        // The entry may have been made, though nobody said so.
        let closed =
            (failing == "write").then(|| SettlementOutcome::Released { why: "state_unavailable".into() });
        assert_eq!(ends(&walk), Vec::from_iter(closed), "{path}");
        let back = nonce.map(|nonce| (Some(nonce.into()), false, open.map(String::from)));
        assert_eq!(released(&walk), Vec::from_iter(back), "{path}");
        world.failing = None;
        assert!(pay(&mut world, path, nonce).delivery.is_some(), "{path}");
    }
}

/// A request of which the state says that it is not its own any more when it is to be written down.
fn lost(world: &mut World, path: &str, nonce: Option<&str>) -> (GateResponse, usize) {
    let token = token_of("1001", "nvm:erc4337", "0xb1", nonce);
    let (mut flow, mut action) = world.gate.open(&ask("GET", path, &[("payment-signature", &token)]));
    let mut settles = 0;
    loop {
        let event = match action {
            Action::Call(call) if call.path.ends_with("/verify") => valid(),
            Action::Call(_) => {
                settles += 1;
                burned()
            }
            Action::State(StateCall { command: Command::Write { .. }, .. }) => Event::State(Reply::Lost),
            Action::State(call) => Event::State(world.tell(&call)),
            Action::Forward(_) => origin(200),
            Action::Respond(answer) => return (answer, settles),
            other => panic!("{other:?}"),
        };
        action = flow.handle_event(event, NOW);
    }
}

#[test]
fn rule_24_what_is_not_its_own_any_more_is_neither_settled_nor_delivered() {
    // Its claim, or its lease, ran out while the origin worked, and another has it.
    for (path, nonce) in [("/before", None), ("/after", Some("0x02")), ("/end", None)] {
        let (answer, settles) = lost(&mut routes(&json!({}), &[]), path, nonce);
        assert_eq!((answer.status, settles), (503, 0), "{path} {nonce:?}");
        assert_eq!(body(&answer)["code"], "state_unavailable", "{path}");
        assert_eq!(
            header(&answer.headers, "payment-response").unwrap()["errorReason"],
            "not_settled",
            "{path}"
        );
    }
}

#[test]
fn rule_24_a_single_use_token_buys_one_answer_whatever_that_costs() {
    let by_origin = json!({ "by": "origin", "name": "x-c", "most": 2 });
    let free = json!({ "perDay": 5, "by": "payer" });
    for (name, more, price) in [
        ("the origin says nothing", json!({ "credits": by_origin }), "nothing"),
        ("the origin says zero", json!({ "credits": by_origin }), "0"),
        ("the payer's allowance", json!({ "free": free }), "2"),
    ] {
        for path in ["/before", "/after"] {
            let mut world = routes(&more, &[]).says(200, &[("x-c", price)]);
            let walk = pay(&mut world, path, Some("0x01"));
            assert_eq!((walk.said(), walk.settled()), ((0, String::new()), None), "{name} {path}");
            // However long after that it comes again: a claim alone would have run out.
            for later in [0, 3_600_000, 20 * 3_600_000] {
                world.now = NOW + later;
                let said = pay(&mut world, path, Some("0x01")).said();
                assert_eq!(said, (402, "payment_token_used".into()), "{name} {path}, {later} ms later");
            }
            assert!(pay(&mut world, path, Some("0x02")).delivery.is_some(), "{name} {path}");
        }
    }
}

#[test]
fn rule_21_without_state_a_spent_token_does_not_say_by_whom() {
    // (what the second settle is answered, what the receipt says, whether it is written into the log)
    for (name, second, receipt, logged) in [
        ("spent", refused("BCK.X402.0059"), None, true),
        ("too little credit", refused("BCK.CREDITS.0003"), None, true),
        ("silence", silence(), None, true),
        ("burned", burned(), Some(true), false),
    ] {
        let token = token_of("1001", "nvm:erc4337", "0xb1", Some("0x01"));
        let gate = gate(&[]);
        let (mut flow, mut action) = gate.open(&ask("POST", "/ask", &[("payment-signature", &token)]));
        for event in [valid(), origin(200), silence(), second] {
            action = flow.handle_event(event, NOW);
        }
        let delivery = delivered(action);
        let said = header(&delivery.headers, "payment-response").map(|receipt| receipt["success"] == true);
        assert_eq!((said, delivery.journal.is_some()), (receipt, logged), "{name}");
    }
}

#[test]
fn a_charge_that_cannot_be_written_down_is_owed_and_not_settled() {
    let mut world = routes(&json!({}), &[]);
    world.failing = Some("charge");
    let walk = pay(&mut world, "/after", None);
    assert!(walk.delivery.is_some() && walk.answer.is_none());
    assert_eq!(walk.settled(), None);
    let [SettlementOutcome::Owed { why, receipt: None, .. }] = &ends(&walk)[..] else {
        panic!("{:?}", ends(&walk))
    };
    assert_eq!(why, "state_unavailable");
}

#[test]
fn rule_24_a_token_that_was_refused_may_be_tried_again_unless_it_is_spent() {
    // Where nothing bounds what is open, what is refused after delivery is not owed.
    let unbounded = json!({ "unbounded": true });
    for path in ["/before", "/after", "/end"] {
        for (code, again) in [("BCK.CREDITS.0003", true), ("BCK.X402.0059", false)] {
            let mut world = routes(&unbounded, &[]);
            world.settle = Some(refused(code));
            let walk = pay(&mut world, path, Some("0x01"));
            let [SettlementOutcome::Refused { spent, delivered, receipt }] = &ends(&walk)[..] else {
                panic!("{path} {code}: {:?}", ends(&walk))
            };
            assert_eq!((*spent, *delivered), (!again, path != "/before"), "{path} {code}");
            assert_eq!(
                (&receipt["success"], &receipt["errorReason"]),
                (&json!(false), &json!(code)),
                "{path}"
            );
            world.settle = None;
            let said = pay(&mut world, path, Some("0x01")).said();
            let expected = if again { (0, String::new()) } else { (402, "payment_token_used".into()) };
            assert_eq!(said, expected, "{path} {code}");
        }
    }
}

#[test]
fn rule_19_what_is_refused_after_delivery_is_owed_where_it_can_still_be_paid() {
    let (bounded, unbounded) = (json!({}), json!({ "unbounded": true }));
    // The refusal, whether the token may pay later, what is told to the state.
    for (name, more, settle, nonce, end) in [
        ("too little credit", &bounded, refused("BCK.CREDITS.0003"), None, "owed with a receipt"),
        (
            "too little credit, single-use",
            &bounded,
            refused("BCK.CREDITS.0003"),
            Some("0x01"),
            "owed with a receipt",
        ),
        ("the token has ended", &bounded, refused("BCK.X402.0005"), None, "refused"),
        ("the delegation has ended", &bounded, refused("BCK.DELEGATION.0002"), None, "refused"),
        ("without a bound", &unbounded, refused("BCK.CREDITS.0003"), None, "refused"),
        ("the burn failed", &bounded, refused("BCK.X402.0009"), None, "owed"),
        ("the burn failed without a bound", &unbounded, refused("BCK.X402.0009"), None, "owed"),
        ("the platform is busy", &bounded, answered(429, &json!({})), None, "owed"),
        ("nobody answers", &bounded, silence(), None, "unknown"),
    ] {
        for path in ["/after", "/end"] {
            let mut world = routes(more, &[]);
            world.settle = Some(settle.clone());
            let walk = pay(&mut world, path, nonce);
            assert!(walk.delivery.is_some(), "{name}");
            let said: Vec<_> = ends(&walk)
                .iter()
                .map(|end| match end {
                    SettlementOutcome::Owed { receipt: Some(no), .. } if no["success"] == false => {
                        "owed with a receipt"
                    }
                    SettlementOutcome::Owed { receipt: None, .. } => "owed",
                    SettlementOutcome::Refused { delivered: true, .. } => "refused",
                    SettlementOutcome::Unknown { delivered: true, .. } => "unknown",
                    _ => "another",
                })
                .collect();
            assert_eq!(said, [end], "{name} {path}");
        }
    }
}

#[test]
fn rule_21_a_single_use_token_is_asked_about_twice() {
    let spent = || refused("BCK.X402.0059");
    let poor = || refused("BCK.CREDITS.0003");
    // The responses to the settles, their number, and whether the receipt says yes; nothing where none is known.
    type Row = (&'static str, Option<&'static str>, Vec<Event>, usize, Option<bool>);
    let rows: [Row; 7] = [
        ("the first arrived", Some("0x01"), Vec::from([silence(), spent()]), 2, Some(true)),
        ("the second does it", Some("0x01"), Vec::from([silence(), burned()]), 2, Some(true)),
        ("a no says nothing of the first", Some("0x01"), Vec::from([silence(), poor()]), 2, None),
        ("busy says nothing of it", Some("0x01"), Vec::from([silence(), answered(429, &json!({}))]), 2, None),
        ("silence again", Some("0x01"), Vec::from([silence(), silence()]), 2, None),
        ("a reusable token is not asked about", None, Vec::from([silence()]), 1, None),
        ("a no at once is one", Some("0x01"), Vec::from([spent()]), 1, Some(false)),
    ];
    for (name, nonce, settles, number, yes) in rows {
        for path in ["/before", "/after"] {
            let mut world = routes(&json!({}), &[]);
            world.settles = settles.clone().into();
            let walk = pay(&mut world, path, nonce);
            assert_eq!(walk.steps.iter().filter(|step| **step == "settle").count(), number, "{name} {path}");
            let reported = match &ends(&walk)[..] {
                [SettlementOutcome::Settled { receipt }] => Some(receipt["success"] == true),
                [SettlementOutcome::Refused { receipt, .. }] => Some(receipt["success"] == true),
                [SettlementOutcome::Unknown { delivered: true, .. }] => None,
                other => panic!("{name} {path}: {other:?}"),
            };
            assert_eq!(reported, yes, "{name} {path}");
            if path == "/before" {
                assert_eq!(walk.receipt().map(|receipt| receipt["success"] == true), yes, "{name}");
                assert_eq!(walk.delivery.is_some(), yes != Some(false), "{name}");
            }
        }
    }
}

#[test]
fn rule_19_a_stream_is_renewed_where_it_is_written_down() {
    for (name, path, state, renewed) in [
        ("to the end", "/end", true, true),
        ("its headers only", "/after", true, false),
        ("without state", "/end", false, false),
    ] {
        let unbounded = json!({ "unbounded": true });
        let mut world = routes(&unbounded, &[]);
        if !state {
            let routes = json!({
                "GET /end": { "planId": "1001", "credits": 2, "scheme": "nvm:erc4337", "settle": "at-end-of-stream", "unbounded": true },
            });
            let routes = routes.to_string();
            let stateless = settings(&[("ROUTES", &routes)]).unwrap();
            world.gate = knowing(Gate::new(stateless), &["1001"]);
        }
        let walk = pay(&mut world, path, None);
        let meter = walk.delivery.unwrap().meter.unwrap();
        assert_eq!(meter.to_the_end, path == "/end", "{name}");
        assert_eq!(meter.renew.is_some(), renewed, "{name}");
        if let Some(renewal) = meter.renew {
            // Three times within its lease, so that one that is lost does not end it.
            let Command::Renew { lease, .. } = renewal.call.command else { panic!("{renewal:?}") };
            assert!(u64::from(renewal.every_ms) * 3 <= lease, "{name}");
        }
    }
}

#[test]
fn a_settlement_is_held_for_two_calls_and_what_comes_between() {
    for timeout in [1_000_u64, 10_000, 120_000] {
        let text = timeout.to_string();
        for (path, index) in [("/before", 0), ("/after", 2)] {
            let walk = pay(&mut routes(&json!({}), &[("TIMEOUT_MS", &text)]), path, None);
            let lease = match &walk.commands[index] {
                Command::Write { lease, .. } | Command::Charge { lease, .. } => *lease,
                other => panic!("{path}: {other:?}"),
            };
            assert_eq!(lease, 3 * timeout + 5_000, "{path} {timeout}");
        }
    }
}

#[test]
fn each_route_has_a_rate_of_its_own() {
    for by in ["payer", "address"] {
        let limit = json!({ "limit": { "requests": 1, "seconds": 3600, "by": by } });
        let mut world = routes(&limit, &[]);
        let mut go = |path: &str| {
            let request = ask("GET", path, &[("payment-signature", &token())]);
            world.go(RequestHead { address: Some("192.0.2.1".into()), ..request }).said().0
        };
        assert_eq!([go("/before"), go("/after"), go("/before"), go("/after")], [0, 0, 429, 429], "{by}");
    }
}

#[test]
fn who_waits_for_an_earlier_answer_waits_five_seconds_in_all() {
    let mut world = routes(&json!({}), &[]);
    // An earlier answer whose isolate is lost.
    let head = ask("GET", "/after", &[("payment-signature", &token())]);
    let (mut flow, mut action) = world.gate.open(&RequestHead { seed: [200; 16], ..head });
    while !matches!(action, Action::Deliver(_)) {
        let event = match action {
            Action::Call(_) => valid(),
            Action::State(call) => Event::State(world.tell(&call)),
            Action::Forward(_) => origin(200),
            other => panic!("{other:?}"),
        };
        action = flow.handle_event(event, NOW);
    }
    let walk = pay(&mut world, "/after", None);
    assert_eq!(walk.said(), (429, "payment_in_progress".into()));
    assert_eq!(world.now - NOW, 5_000);
    let asked = walk.steps.iter().filter(|step| **step == "admit").count();
    let expected = format!("verify {}admit respond", "admit wait ".repeat(asked - 1));
    assert_eq!(walk.steps.join(" "), expected);
}
