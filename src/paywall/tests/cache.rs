//! Rule 23: a verification is believed for seconds where the seller says so, and cannot be used to overspend.

use super::harness::{Walk, World, over, token_of};
use super::*;

const SECONDS: u64 = 5;

fn caching() -> World {
    let fixed = |credits: u64| json!({ "planId": "1001", "credits": credits, "scheme": "nvm:erc4337" });
    let mut late = fixed(2);
    late["settle"] = "after-delivery".into();
    let mut free = fixed(2);
    free["free"] = json!({ "perDay": 1, "by": "payer" });
    let routes = json!({
        "GET /two": fixed(2), "GET /other": fixed(2), "GET /three": fixed(3), "GET /late": late, "GET /free": free,
        "GET /n": { "planId": "1001", "scheme": "nvm:erc4337", "credits": { "by": "query", "name": "n", "each": 1, "most": 9 } },
        "GET /said": { "planId": "1001", "scheme": "nvm:erc4337", "credits": { "by": "origin", "name": "x-c", "most": 2 } },
    });
    over(routes, &[("VERIFY_CACHE_SECONDS", "5")])
}

fn get(world: &mut World, path: &str) -> Walk {
    world.go(ask("GET", path, &[("payment-signature", &token())]))
}

/// Tells if the request was verified, and its status.
fn verified_and_status(walk: &Walk) -> (bool, u16) {
    (walk.verified.is_some(), walk.answer.as_ref().map_or(200, |answer| answer.status))
}

#[test]
fn rule_23_off_by_default() {
    let route = json!({ "GET /two": { "planId": "1001", "credits": 2, "scheme": "nvm:erc4337" } });
    let mut world = over(route, &[]);
    for _ in 0..3 {
        assert_eq!(verified_and_status(&get(&mut world, "/two")), (true, 200));
    }
}

#[test]
fn rule_23_a_yes_is_believed_for_its_time_and_no_longer() {
    let mut world = caching();
    for (name, at, verified) in [
        ("the first", 0, true),
        ("at once", 0, false),
        ("at the end of its time", SECONDS * 1000 - 1, false),
        ("when it is over", SECONDS * 1000, true),
        ("and again", SECONDS * 1000 + 1, false),
    ] {
        world.now = NOW + at;
        let walk = get(&mut world, "/two");
        assert_eq!(verified_and_status(&walk), (verified, 200), "{name}");
        // It is settled each time, and the origin is told who pays.
        assert_eq!(walk.settled(), Some("2"), "{name}");
        let forward = walk.forward.unwrap();
        assert_eq!(forward.get("x-payment-payer"), Some("0xb1"), "{name}");
        // The platform's id is one request's.
        assert_eq!(forward.get("x-payment-request-id").is_some(), verified, "{name}");
    }
}

#[test]
fn rule_23_token_route_and_amount_are_what_it_is_known_by() {
    let other = token_of("1001", "nvm:erc4337", "0xb2", None);
    let single = token_of("1001", "nvm:erc4337", "0xb1", Some("0x07"));
    for (name, path, token, verified) in [
        ("the same", "/n?n=2", None, false),
        ("another amount", "/n?n=3", None, true),
        ("another route", "/two", None, true),
        ("another token", "/n?n=2", Some(&other), true),
        ("a single-use token", "/n?n=2", Some(&single), true),
    ] {
        let mut world = caching();
        assert_eq!(verified_and_status(&get(&mut world, "/n?n=2")), (true, 200), "{name}");
        let token = token.cloned().unwrap_or_else(super::token);
        let walk = world.go(ask("GET", path, &[("payment-signature", &token)]));
        assert_eq!(verified_and_status(&walk), (verified, 200), "{name}");
    }
    // A single-use token is never believed, nor what is delivered before it is settled, nor what may be free.
    for path in ["/late", "/free"] {
        let mut world = caching();
        for _ in 0..3 {
            assert_eq!(verified_and_status(&get(&mut world, path)), (true, 200), "{path}");
        }
    }
}

#[test]
fn rule_23_a_yes_does_not_survive_a_refused_settlement() {
    for (name, answer) in [
        ("refused", answered(402, &json!({ "code": "BCK.CREDITS.0003", "message": "no" }))),
        ("refused with a 200", answered(200, &json!({ "success": false, "errorReason": "no" }))),
        ("not known", answered(500, &json!({}))),
    ] {
        let mut world = caching();
        for path in ["/two", "/other", "/two"] {
            get(&mut world, path);
        }
        world.settle = Some(answer);
        assert!(get(&mut world, "/two").verified.is_none(), "{name}");
        world.settle = None;
        // On no route of this payer.
        assert!(get(&mut world, "/other").verified.is_some(), "{name}: /other");
        assert!(get(&mut world, "/two").verified.is_some(), "{name}: /two");
    }
    // A token that was not tried says nothing about the buyer.
    let mut world = caching();
    get(&mut world, "/two");
    world.settle = Some(answered(429, &json!({})));
    assert_eq!(verified_and_status(&get(&mut world, "/two")), (false, 503));
    world.settle = None;
    assert_eq!(verified_and_status(&get(&mut world, "/two")), (false, 200));
}

#[test]
fn rule_23_what_is_left_is_what_may_be_owed() {
    // The payer's balance, and the number of verified requests of 2 credits: the receipts state the remaining balance.
    for (held, verified) in [
        (1000, [true, false, false, false]),
        (6, [true, false, false, true]),
        (4, [true, false, true, true]),
        (2, [true, true, true, true]),
    ] {
        let mut world = caching();
        world.held = held;
        for (index, verified) in verified.into_iter().enumerate() {
            if world.held < 2 {
                world.verify =
                    Some(answered(200, &json!({ "isValid": false, "invalidReason": "too little" })));
            }
            let walk = get(&mut world, "/two");
            assert_eq!(walk.verified.is_some(), verified, "{held} held, request {index}");
        }
    }
}

#[test]
fn rule_23_credits_on_their_way_are_counted() {
    // Requests that are all verified or believed before the first is settled: no more are believed than are held.
    let mut world = caching();
    world.held = 6;
    // The first says what is left: 4.
    assert!(get(&mut world, "/two").verified.is_some());
    let open = |world: &World, path: &str| {
        let (flow, action) = world
            .gate
            .open(&RequestHead { now: NOW, ..ask("GET", path, &[("payment-signature", &token())]) });
        (matches!(action, Action::Forward(_)), flow)
    };
    let first = open(&world, "/two");
    let second = open(&world, "/two");
    let third = open(&world, "/two");
    assert_eq!([first.0, second.0, third.0], [true, true, false]);
    // One that failed at the origin owes nothing any more.
    let mut second = second.1;
    let _ = second.handle_event(origin(500), NOW);
    assert!(open(&world, "/two").0);
    // One that went away neither.
    let mut first = first.1;
    let _ = first.handle_event(Event::ClientGone, NOW);
    assert!(open(&world, "/two").0);
    assert!(!open(&world, "/two").0);
}

#[test]
fn rule_23_what_cost_less_owes_less() {
    let mut world = caching().says(200, &[("x-c", "nothing")]);
    world.held = 2;
    assert!(get(&mut world, "/said").verified.is_some());
    for index in 0..3 {
        let walk = get(&mut world, "/said");
        assert_eq!((walk.verified.is_some(), walk.settled()), (false, None), "{index}");
    }
}

#[test]
fn rule_23_what_was_not_counted_is_not_taken_back() {
    for event in [
        Event::Denied("no".into()),
        Event::ClientGone,
        answered(402, &json!({ "code": "BCK.X402.0005", "message": "no" })),
        answered(500, &json!({})),
    ] {
        let world = caching();
        let request = || ask("GET", "/two", &[("payment-signature", &token())]);
        // One is at the origin, and all that is known to be held is owed for it.
        let (mut first, _) = world.gate.open(&request());
        assert!(matches!(first.handle_event(valid(), NOW), Action::Forward(_)));
        // Another is verified, and goes no further.
        let (mut second, action) = world.gate.open(&request());
        assert_eq!(called(action).0, "/api/v1/x402/verify");
        let _ = second.handle_event(event.clone(), NOW);
        let (_, action) = world.gate.open(&request());
        assert!(matches!(action, Action::Call(_)), "believed beyond what is held, after {event:?}");
    }
}
