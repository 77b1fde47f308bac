//! Steps that take too long (rules 4, 9 and 15).

use crate::support::{Seller, SimulatedPlatform, buy, offer, yes};
use crate::{code, counted, held_only_yes, limit, request};
use payments_wasm::subscriber::{FetchRequest, Outcome, Timeouts};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn rule_9_a_step_that_takes_too_long_ends_in_an_error_that_names_it() {
    let two = || {
        let other =
            r#""accepts":[{"scheme":"nvm:erc4337","network":"n","planId":"b","extra":{"credits":"2"}},"#;
        offer("a", 2).replace(r#""accepts":["#, other)
    };
    type Case = (&'static str, fn(&mut SimulatedPlatform), u32, &'static str, Outcome, u64);
    // (what is silent, how, the step's time, code, outcome, what counts in the budget)
    let table: [Case; 9] = [
        ("the seller", |_| {}, 1_000, "send_timeout", Outcome::None, 0),
        ("the seller, with a token", |w| w.hold_paid = true, 1_000, "send_timeout", Outcome::Unknown, 2),
        ("whoever is asked", |w| w.hold_questions = true, 3_000, "approve_timeout", Outcome::None, 0),
        ("whoever chooses", |w| w.hold_questions = true, 3_000, "approve_timeout", Outcome::None, 0),
        ("the balances to choose by", |w| w.hold_jobs = true, 2_000, "platform_timeout", Outcome::None, 0),
        ("a balance", |w| w.approval = Some(held_only_yes()), 2_000, "platform_timeout", Outcome::None, 0),
        ("the terms of a plan", |w| w.policy = Some(limit(9)), 2_000, "platform_timeout", Outcome::None, 0),
        ("a mint", |w| w.hold_jobs = true, 2_000, "platform_timeout", Outcome::None, 0),
        ("an order", |w| w.approval = Some(buy()), 2_000, "purchase_outcome_unknown", Outcome::None, 0),
    ];
    for (name, hold, limit, expected, outcome, in_budget) in table {
        let (chooses, orders) = (name == "whoever chooses", name == "an order");
        let several = chooses || name == "the balances to choose by";
        let mut world =
            SimulatedPlatform::new().balance(if orders { 0 } else { 100 }).seller(move |send, _| {
                match (&send.token, name) {
                    (Some(_), _) => Seller::paid(2, 98),
                    (None, "the seller") => Seller::silent(),
                    (None, _) if several => Seller::offer(&two()),
                    (None, _) => Seller::offer(&offer("plan", 2)),
                }
            });
        world.approval = Some(yes());
        hold(&mut world);
        world.hold_jobs |= orders || name == "a balance" || name == "the terms of a plan";
        world.hold_terms = true;
        world.reported_balance = orders;
        world.request = Some(FetchRequest { can_select: chooses, ..request() });
        let fetch = world.fetch("POST", "/ask");
        world.run();
        assert_eq!(world.limits.get(&fetch), Some(&Some(limit)), "{name}");
        let end = world.time_out(fetch);
        assert_eq!(code(&end), expected, "{name}");
        assert_eq!(end.spend.outcome, outcome, "{name}");
        assert_eq!(counted(&world), in_budget, "rule 12: {name}");
        let unsure: Vec<_> = end.spend.purchases.iter().map(|one| one.confirmed).collect();
        assert_eq!(unsure, if orders { vec![false] } else { vec![] }, "an order may go through: {name}");
        assert_eq!(end.spend.payment.is_some(), outcome == Outcome::Unknown, "{name}");
    }
}

#[test]
fn rule_15_credits_are_waited_for_as_long_as_the_caller_says() {
    // (name, the caller's time, whether it is the timer that ends it, how long the job looks at the least)
    for (name, credits, looks_for) in
        [("by default", None, 60_000), ("shorter", Some(5_000), 60_000), ("longer", Some(300_000), 300_000)]
    {
        let mut world = SimulatedPlatform::new().balance(0);
        world.credits_after_ms = u64::MAX;
        world.approval = Some(buy());
        world.reported_balance = true;
        world.request =
            Some(FetchRequest { timeouts: Timeouts { credits, ..Timeouts::default() }, ..request() });
        let start = world.now;
        let fetch = world.fetch("POST", "/ask");
        world.run();
        let end = world.end(fetch);
        assert_eq!(code(&end), "credits_timeout", "{name}");
        assert!(
            (looks_for..looks_for + 5_000).contains(&(world.now - start)),
            "{name}: {}",
            world.now - start
        );

        // The timer of the shell comes first.
        world.hold_jobs = true;
        let fetch = world.fetch("POST", "/ask");
        world.run();
        assert_eq!(
            world.limits.get(&fetch).copied().flatten(),
            credits,
            "an order of before is waited for: {name}"
        );
        let end = world.time_out(fetch);
        assert_eq!((code(&end).as_str(), end.spend.purchases.len()), ("credits_timeout", 1), "{name}");
        assert!(end.spend.purchases[0].confirmed, "{name}");
    }
}

#[test]
fn a_step_without_a_time_takes_the_last_away() {
    let mut world = SimulatedPlatform::new().balance(100);
    world.approval = Some(yes());
    world.hold_questions = true;
    world.hold_paid = true;
    world.request =
        Some(FetchRequest { timeouts: Timeouts { approve: Some(7), ..Timeouts::default() }, ..request() });
    let fetch = world.fetch("POST", "/ask");
    world.run();
    assert_eq!(world.limits.get(&fetch), Some(&Some(7)));
    world.hold_questions = false;
    world.run();
    assert_eq!(world.limits.get(&fetch), Some(&None), "the seller has all the time there is");

    // Without times nothing is said of them.
    let mut world = SimulatedPlatform::new().balance(100);
    world.approval = Some(yes());
    world.hold_paid = true;
    world.fetch("POST", "/ask");
    world.run();
    assert!(world.limits.is_empty());
}

#[test]
fn a_question_that_timed_out_lets_the_next_be_asked() {
    let mut world = SimulatedPlatform::new().balance(100);
    world.approval = Some(yes());
    world.hold_questions = true;
    world.request = Some(request());
    let (first, second) = (world.fetch("POST", "/ask"), world.fetch("POST", "/ask"));
    world.run();
    assert_eq!(code(&world.time_out(first)), "approve_timeout");
    world.hold_questions = false;
    world.run();
    assert_eq!(code(&world.end(second)), "ok");
    assert_eq!(counted(&world), 2);
}

#[test]
fn rule_4_credits_that_nobody_waits_for_any_more_are_not_looked_for_and_not_ordered_again() {
    let mut world = SimulatedPlatform::new().balance(0);
    world.credits_after_ms = 20_000;
    world.approval = Some(buy());
    world.reported_balance = true;
    world.hold_jobs = true;
    let fetch = world.fetch("POST", "/ask");
    world.run();
    world.work_once();
    let end = world.time_out(fetch);
    assert_eq!((code(&end).as_str(), end.spend.purchases.len()), ("credits_timeout", 1));
    world.hold_jobs = false;
    let calls = world.platform_calls;
    world.run();
    assert_eq!(world.platform_calls, calls + 1, "one more look, and no other");
    let next = world.fetch("POST", "/ask");
    assert_eq!(code(&world.run_one(next)), "ok");
    assert_eq!(world.orders, 1);
}
