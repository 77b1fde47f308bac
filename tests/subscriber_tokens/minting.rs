//! When a token is minted, and how often it is presented (rules 4 and 5).

use crate::support::{self, ORIGIN, SimulatedPlatform, buy, target, token, yes};
use payments_wasm::subscriber::{FetchRequest, Outcome};
use payments_wasm::wire::Credits;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn rule_4_a_hundred_first_fetches_cause_one_mint_and_one_order() {
    for (balance, orders, slow) in [(1_000, 0, false), (0, 1, false), (1_000, 0, true), (0, 1, true)] {
        let mut world = SimulatedPlatform::new().balance(balance);
        world.plan_credits = 1_000;
        world.approval = Some(buy());
        world.reported_balance = true;
        // A slow platform answers nothing until everybody waits for it.
        world.hold_jobs = slow;
        let fetches: Vec<_> = (0..100).map(|_| world.fetch("POST", "/ask")).collect();
        world.run();
        world.hold_jobs = false;
        world.run();
        for fetch in fetches {
            let end = world.end(fetch);
            assert!(end.result.is_ok(), "{:?}", end.result);
            assert_eq!(end.spend.outcome, Outcome::Settled);
        }
        assert_eq!((world.mints, world.orders, world.burned), (1, orders, 200));
        assert_eq!(world.buyer.budget().total(), Credits::from(200));
    }
}

#[test]
fn rule_5_a_cold_call_is_three_round_trips_and_a_warm_one_is_one() {
    let mut world = SimulatedPlatform::new().balance(100);
    world.approval = Some(yes());
    let first = world.fetch("POST", "/ask");
    let end = world.run_one(first);
    assert_eq!((world.sends, world.mints, world.platform_calls), (2, 1, 1));
    assert_eq!((end.spend.requests, end.spend.mints), (2, 1));
    let second = world.fetch("POST", "/ask");
    let end = world.run_one(second);
    assert!(end.result.is_ok());
    assert_eq!((world.sends, world.mints, world.platform_calls), (3, 1, 1));
    assert_eq!(end.spend.requests, 1);
}

#[test]
fn rule_5_terms_are_known_by_method_origin_and_path() {
    let other_origin = || Some(FetchRequest::new(support::target("https://other.example", "/ask"), "POST"));
    // (name, method, path, elsewhere, requests without a token)
    for (name, method, path, elsewhere, bare) in [
        ("the same", "POST", "/ask", false, 0),
        ("another method", "GET", "/ask", false, 1),
        ("another path", "POST", "/other", false, 1),
        ("another origin", "POST", "/ask", true, 1),
    ] {
        let mut world = SimulatedPlatform::new().balance(100);
        world.approval = Some(yes());
        let first = world.fetch("POST", "/ask");
        world.run_one(first);
        let before = world.sends - world.paid_sends;
        world.request = elsewhere.then(other_origin).flatten();
        let second = world.fetch(method, path);
        assert!(world.run_one(second).result.is_ok());
        assert_eq!(world.sends - world.paid_sends - before, bare, "{name}");
        assert_eq!(world.mints, if elsewhere { 2 } else { 1 }, "a token stays at its origin: {name}");
    }
}

#[test]
fn rule_5_a_single_use_token_is_never_presented_twice() {
    let mut world = SimulatedPlatform::new().balance(1_000);
    world.approval = Some(yes());
    world.single_use = true;
    let fetches: Vec<_> = (0..20).map(|_| world.fetch("POST", "/ask")).collect();
    world.run();
    let more = world.fetch("POST", "/ask");
    world.run();
    for fetch in fetches.into_iter().chain([more]) {
        assert!(world.end(fetch).result.is_ok());
    }
    assert_eq!(world.mints, 21);
    assert_eq!(world.presented.len(), 21);
    let mut unique = world.presented.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), 21);
}

#[test]
fn a_single_use_token_is_asked_for_by_resource_and_method_and_minted_ahead() {
    let mut world = SimulatedPlatform::new().balance(1_000);
    world.approval = Some(yes());
    world.single_use = true;
    world.request = Some(FetchRequest {
        single_use: Some(true),
        prefetch: 2,
        ..FetchRequest::new(support::target(support::ORIGIN, "/ask"), "POST")
    });
    let first = world.fetch("POST", "/ask");
    assert!(world.run_one(first).result.is_ok());
    for part in [r#""resource":{"url":"/ask"}"#, r#""httpVerb":"POST""#, r#""tokenVersion":3"#] {
        assert!(world.mint_bodies[0].contains(part), "{part}");
    }
    assert_eq!((world.mints, world.sends), (3, 2), "one used, two at hand");
    let second = world.fetch("POST", "/ask");
    let end = world.run_one(second);
    assert_eq!((end.spend.requests, end.spend.mints), (1, 0), "a warm request is one round trip");
    assert_eq!((world.mints, world.sends), (4, 3), "and the store is filled up again");

    // Mints that are under way count: two fetches at once fill the store once.
    world.hold_jobs = true;
    let pair = [world.fetch("POST", "/ask"), world.fetch("POST", "/ask")];
    world.run();
    world.hold_jobs = false;
    world.run();
    for fetch in pair {
        assert_eq!(world.end(fetch).spend.requests, 1);
    }
    assert_eq!(world.mints, 6, "two used, two at hand again");

    // A platform that does not know them mints a reusable one: nothing is minted ahead.
    let mut world = SimulatedPlatform::new().balance(1_000);
    world.approval = Some(yes());
    world.request = Some(FetchRequest {
        single_use: Some(true),
        prefetch: 2,
        ..FetchRequest::new(support::target(support::ORIGIN, "/ask"), "POST")
    });
    for _ in 0..3 {
        let fetch = world.fetch("POST", "/ask");
        assert!(world.run_one(fetch).result.is_ok());
    }
    assert_eq!(world.mints, 1);
}

#[test]
fn a_token_from_the_platform_that_is_garbage_spends_nothing() {
    let rows = [
        ("not JSON", Some((200, "oops".to_string())), "garbled_answer"),
        ("no token", Some((200, "{}".into())), "garbled_answer"),
        ("not a token", Some((200, r#"{"accessToken":"abc"}"#.into())), "garbled_answer"),
        ("wrong version", Some((200, token_json(r#"{"x402Version":1}"#))), "garbled_answer"),
        ("refused", Some((400, r#"{"code":"BCK.X402.0014","message":"m"}"#.into())), "BCK.X402.0014"),
        ("no envelope", Some((502, "<html>".into())), "http_502"),
        ("lost", None, "network_error"),
    ];
    for (name, answer, code) in rows {
        let mut world = SimulatedPlatform::new().balance(100);
        world.approval = Some(yes());
        world.mint_answer = Some(answer);
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.result.unwrap_err().code(), code, "{name}");
        assert_eq!(world.presented.len(), 0, "{name}");
        assert_eq!(world.buyer.budget().total(), Credits::ZERO, "{name}");
    }
    assert!(!token("x", false).is_empty());
}

#[test]
fn rule_5_a_token_that_ends_at_once_by_our_clock_is_minted_once() {
    let jwt = format!("a.{}.c", support::encode_url(r#"{"exp":900}"#));
    let token = support::encode_url(&format!(
        r#"{{"x402Version":2,"accepted":{{"scheme":"nvm:erc4337","network":"eip155:84532","planId":"plan","extra":{{}}}},"payload":{{"token":"{jwt}"}},"extensions":{{}}}}"#
    ));
    let mut world = SimulatedPlatform::new().balance(100);
    world.approval = Some(yes());
    world.mint_answer = Some(Some((200, format!(r#"{{"accessToken":"{token}"}}"#))));
    let fetch = world.fetch("POST", "/ask");
    assert!(world.run_one(fetch).result.is_ok());
    assert_eq!(world.mints, 1);
}

/// The answer to a mint: a token that ends then, in seconds since 1970.
fn ending(name: &str, end: u64, nonce: &str) -> Option<(u16, String)> {
    let jwt = format!("a.{}.c", support::encode_url(&format!(r#"{{"exp":{end}}}"#)));
    Some((
        200,
        token_json(&format!(
            r#"{{"x402Version":2,"accepted":{{"scheme":"nvm:erc4337","network":"eip155:84532","planId":"plan","extra":{{}}}},"payload":{{"token":"{jwt}","signature":"{name}","authorization":{{"from":"0xme"{nonce}}}}},"extensions":{{}}}}"#
        )),
    ))
}

#[test]
fn rule_5_a_fast_clock_throws_no_token_away() {
    const HOUR: u64 = 3_600;
    let start = SimulatedPlatform::new().now / 1000;
    // (name, how wrong this clock is in seconds, when the token ends by the right one)
    for (name, fast, end) in [
        ("right", 0, start + HOUR),
        ("fast by two hours", 2 * HOUR, start + HOUR),
        ("fast by two days", 48 * HOUR, start + HOUR),
        ("fast by all but half a minute", HOUR - 30, start + HOUR),
    ] {
        let mut world = SimulatedPlatform::new().balance(100);
        world.approval = Some(yes());
        world.now += fast * 1000;
        world.mint_answer = Some(ending("t", end, ""));
        for _ in 0..3 {
            let fetch = world.fetch("POST", "/ask");
            assert!(world.run_one(fetch).result.is_ok(), "{name}");
            world.now += 1_000;
        }
        assert_eq!((world.mints, world.paid_sends), (1, 3), "{name}");
    }
    // Where the clock was right when it came, a token is not presented after its end.
    let mut world = SimulatedPlatform::new().balance(100);
    world.approval = Some(yes());
    world.mint_answer = Some(ending("t", start + HOUR, ""));
    for _ in 0..2 {
        let fetch = world.fetch("POST", "/ask");
        assert!(world.run_one(fetch).result.is_ok());
        world.now += HOUR * 1000;
    }
    assert_eq!(world.mints, 2);
}

#[test]
fn rule_5_a_fast_clock_throws_no_single_use_token_away_that_was_minted_ahead() {
    let mut world = SimulatedPlatform::new().balance(100);
    world.approval = Some(yes());
    let end = world.now / 1000 + 3_600;
    world.now += 7_200_000;
    world.mint_answer = Some(ending("t", end, r#","nonce":"n""#));
    let wanted = FetchRequest {
        single_use: Some(true),
        prefetch: 1,
        ..FetchRequest::new(target(ORIGIN, "/ask"), "POST")
    };
    world.request = Some(wanted);
    for calls in 1..=3 {
        let fetch = world.fetch("POST", "/ask");
        assert!(world.run_one(fetch).result.is_ok());
        assert_eq!(world.mints, calls + 1, "one for each call, and one at hand");
    }
}

#[test]
fn rule_13_a_mint_under_way_at_logout_serves_nobody_afterwards() {
    let mut world = SimulatedPlatform::new().balance(100);
    world.approval = Some(yes());
    world.hold_jobs = true;
    world.fetch("POST", "/ask");
    world.run();
    world.buyer.log_out();
    let delegation = payments_wasm::wire::DelegationRef::parse("d-1", "delegationId").unwrap();
    world.buyer.log_in(Some("0x0000000000000000000000000000000000000002".into()), Some(delegation));
    let next = world.fetch("POST", "/ask");
    world.run();
    world.hold_jobs = false;
    world.run();
    assert!(world.end(next).result.is_ok());
    assert_eq!(world.mints, 2);
    assert_eq!(world.presented, [token("t2", false)]);
}

fn token_json(payload: &str) -> String {
    format!(r#"{{"accessToken":"{}"}}"#, support::encode_url(payload))
}
