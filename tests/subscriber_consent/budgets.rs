//! Rule 12: budgets under concurrency and over time.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn rule_12_concurrent_requests_cannot_together_exceed_a_limit() {
    let mut world = SimulatedPlatform::new().balance(1_000);
    world.policy = Some(Policy { max_credits_total: Some(Credits::from(9)), ..anywhere() });
    let fetches: Vec<_> = (0..10).map(|_| world.fetch("POST", "/ask")).collect();
    world.run();
    let ends: Vec<_> = fetches.into_iter().map(|fetch| world.end(fetch)).collect();
    assert_eq!(ends.iter().filter(|end| end.result.is_ok()).count(), 4);
    assert_eq!(world.burned, 8);
    for end in ends.iter().filter_map(|end| end.result.as_ref().err()) {
        assert_eq!(end.code(), "budget_exceeded");
    }
}

#[test]
fn rule_12_a_yes_that_comes_after_others_have_spent_is_looked_at_once_more() {
    let limit = |credits: u64| Some(Credits::from(credits));
    let total = |credits| Policy { max_credits_total: limit(credits), ..anywhere() };
    let hour = |credits| Policy { max_credits_per_hour: limit(credits), ..anywhere() };
    // (the limit, how many of three yeses lead to a payment of two credits)
    for (name, policy, paid) in [
        ("room for one", total(3), 1),
        ("room for two", total(5), 2),
        ("room for all", total(6), 3),
        ("an hour with room for one", hour(2), 1),
    ] {
        let mut world = SimulatedPlatform::new().balance(1_000);
        (world.policy, world.approval, world.hold_questions) = (Some(policy), Some(yes()), true);
        // Three sellers: somebody is asked about each of them at the same time.
        let fetches = ["https://a.example", "https://b.example", "https://c.example"].map(|origin| {
            world.request = Some(FetchRequest::new(target(origin, "/ask"), "POST"));
            world.fetch("POST", "/ask")
        });
        world.run();
        assert_eq!((world.most_asked_at_once, world.paid_sends), (3, 0), "{name}");
        world.hold_questions = false;
        world.run();
        let ends = fetches.map(|fetch| world.end(fetch).result.map_err(|error| error.code().to_owned()));
        assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), paid, "{name}: {ends:?}");
        for end in ends.into_iter().filter_map(Result::err) {
            assert_eq!(end, "budget_exceeded", "{name}");
        }
        assert_eq!(world.burned, 2 * paid as u64, "{name}");
    }
}

#[test]
fn rule_12_limits_by_the_hour_and_the_day_let_go_with_time() {
    const HOUR: u64 = 3_600_000;
    let limit = |credits: u64| Some(Credits::from(credits));
    let mut world = SimulatedPlatform::new().balance(1_000);
    world.now = 40 * HOUR;
    world.policy =
        Some(Policy { max_credits_per_hour: limit(4), max_credits_per_day: limit(7), ..anywhere() });
    // (hours that pass before, which limit stands against it); two credits each
    for (step, (hours, broken)) in [
        (0, None),
        (0, None),
        (0, Some("maxCreditsPerHour")),
        (2, None),
        (0, Some("maxCreditsPerDay")),
        (21, Some("maxCreditsPerDay")),
        (2, None),
        (0, None),
        (0, Some("maxCreditsPerHour")),
    ]
    .into_iter()
    .enumerate()
    {
        world.now += hours * HOUR;
        let fetch = world.fetch("POST", "/ask");
        let said = world.run_one(fetch).result.err().map(|error| error.message());
        let expected = broken.map(|limit| format!("the payment would exceed the policy's {limit}"));
        assert_eq!(said, expected, "step {step}");
    }
    assert_eq!(world.buyer.budget().spent(), Credits::from(10));
}

#[test]
fn what_was_spent_is_told_by_origin_and_plan_and_payment() {
    let mut world = SimulatedPlatform::new().balance(1_000);
    world.approval = Some(yes());
    for path in ["/ask", "/other"] {
        let fetch = world.fetch("POST", path);
        world.run_one(fetch);
    }
    let free = SimulatedPlatform::new().seller(|_, _| Seller::status(200));
    assert_eq!(free.buyer.records().len(), 0);
    let budget = world.buyer.budget();
    assert_eq!(budget.by_origin(), [(support::ORIGIN, Credits::from(4))]);
    assert_eq!(budget.by_plan(), [("plan", Credits::from(4))]);
    let records: Vec<_> = world.buyer.records().iter().collect();
    assert_eq!(records.len(), 2);
    assert_eq!((records[0].offer.target.path.as_str(), records[0].settled), ("/ask", Some(Credits::from(2))));
    assert_eq!((records[1].outcome, records[1].transaction.as_deref()), (Outcome::Settled, Some("0x1")));
}

#[test]
fn rule_12_what_a_refused_token_presented_stays_counted_and_the_next_has_its_share() {
    let refusing = || {
        SimulatedPlatform::new().balance(100).seller(|send, world| match &send.token {
            Some(_) if world.paid_sends != 2 => Seller::paid(2, 90),
            _ => Seller::offer(&offer("plan", 2)),
        })
    };
    let total = |credits: u64| Some(Policy { max_credits_total: Some(Credits::from(credits)), ..anywhere() });
    let mut world = refusing();
    world.policy = total(6);
    let first = world.fetch("POST", "/ask");
    assert!(world.run_one(first).result.is_ok());
    world.hold_jobs = true;
    let refused = world.fetch("POST", "/ask");
    world.run();
    assert_eq!(
        world.buyer.budget().spent(),
        Credits::from(4),
        "the first fetch, and the token that was refused"
    );
    assert_eq!(world.buyer.budget().total(), Credits::from(6), "and what the next token can cost");
    let other = world.fetch("POST", "/ask");
    world.run();
    assert_eq!(world.end(other).result.unwrap_err().code(), "budget_exceeded");
    world.buyer.handle_event(refused, Event::Aborted, world.now);
    assert_eq!(world.buyer.budget().total(), Credits::from(4));
    assert_eq!(world.run_one(refused).spend.outcome, Outcome::Unknown);

    // Where the limit does not allow another token, none is minted.
    let mut world = refusing();
    world.policy = total(5);
    let first = world.fetch("POST", "/ask");
    assert!(world.run_one(first).result.is_ok());
    let refused = world.fetch("POST", "/ask");
    let end = world.run_one(refused);
    assert_eq!((end.result.unwrap_err().code(), end.spend.outcome), ("budget_exceeded", Outcome::Unknown));
    assert_eq!((world.mints, world.buyer.budget().total()), (1, Credits::from(4)));
}
