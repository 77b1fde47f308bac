//! Tests of who buys, and of who keeps anybody from buying: rules 3, 9, 10 and 15.

#![allow(clippy::unwrap_used)]

mod support;

use payments_wasm::subscriber::{Approval, FetchError, FetchRequest, Policy};
use payments_wasm::wire::{Credits, DelegationRef};
use std::sync::Arc;
use support::{
    ORIGIN, Seller, SimulatedPlatform, anywhere, buy, buys, encode, held_only, offer, plan, target, yes,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn rule_3_a_plain_no_to_buying_keeps_the_platform_from_buying_too() {
    let policy = |purchase| Some(Policy { purchase, ..buys() });
    let no = || Approval { purchase: Some(false), ..yes() };
    // (name, who is asked, the call's policy, the instance's, what is held, whether it is paid, orders)
    for (name, approval, own, instance, held, paid, orders) in [
        ("a policy, and enough", None, policy(Some(false)), None, 2, true, 0),
        ("a policy, and too little", None, policy(Some(false)), None, 1, false, 0),
        ("a yes, and enough", Some(no()), None, None, 2, true, 0),
        ("a yes, and too little", Some(no()), None, None, 1, false, 0),
        ("the policy's no beside a yes that buys", Some(buy()), policy(Some(false)), None, 1, false, 0),
        (
            "the instance's no beside a policy that buys",
            None,
            policy(Some(true)),
            policy(Some(false)),
            1,
            false,
            0,
        ),
        ("the instance says nothing", None, policy(Some(true)), policy(None), 1, true, 1),
    ] {
        let mut world = SimulatedPlatform::new().balance(held);
        let ask = FetchRequest::new(target(ORIGIN, "/ask"), "POST");
        world.request = Some(FetchRequest { limits: instance.map(Arc::new), ..ask });
        (world.approval, world.policy) = (approval, own);
        // An order is made where it is known that the credits do not suffice.
        world.buyer.record_balance(&plan("plan"), Credits::from(held), world.now);
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        let expected = if paid { Ok(()) } else { Err("insufficient_credits") };
        assert_eq!(end.result.as_ref().map_err(FetchError::code).copied(), expected, "{name}");
        assert_eq!((world.orders, world.paid_sends), (orders, u32::from(paid)), "{name}");
    }
}

#[test]
fn rule_3_with_a_plain_no_an_old_balance_that_suffices_is_enough() {
    let mut world = SimulatedPlatform::new().balance(10);
    world.policy = Some(held_only());
    for (name, calls) in [("cold: terms, balance and token", 3), ("warm", 0), ("after an hour", 0)] {
        let before = world.platform_calls;
        let fetch = world.fetch("POST", "/ask");
        assert!(world.run_one(fetch).result.is_ok(), "{name}");
        assert_eq!(world.platform_calls - before, calls, "{name}");
        world.now += 3_600_000;
    }
}

#[test]
fn rule_3_12_with_a_plain_no_what_is_held_covers_the_most_that_the_platform_can_take() {
    let no = || Approval { purchase: Some(false), ..yes() };
    let trusting = || Policy { count_price: true, origins: vec![ORIGIN.into()], ..held_only() };
    // (name, who is asked, the policy, the plan's least and most, what is held, how many are paid; the offer says one)
    type Row = (&'static str, Option<Approval>, Option<Policy>, (u64, u64), u64, u64);
    let rows: Vec<Row> = vec![
        ("a fixed plan that is dearer than the offer", None, Some(held_only()), (7, 7), 20, 2),
        ("the same, held to the credit", None, Some(held_only()), (7, 7), 7, 1),
        ("the same, and one credit is wanting", None, Some(held_only()), (7, 7), 6, 0),
        ("a dynamic plan: the seller settles what it likes", None, Some(held_only()), (1, 10), 25, 2),
        ("a dynamic plan that takes more at the least", None, Some(held_only()), (3, 10), 9, 0),
        ("a plan of time takes nothing of what is held", None, Some(held_only()), (0, 0), 1, 4),
        ("whoever is asked says no", Some(no()), None, (7, 7), 20, 2),
        ("whoever is asked says no, and the plan is dynamic", Some(no()), None, (1, 10), 25, 2),
        ("a yes, and the policy says no", Some(yes()), Some(held_only()), (7, 7), 20, 2),
        ("a yes to buying, and the policy says no", Some(buy()), Some(held_only()), (7, 7), 20, 2),
        ("the price of a trusted origin counts", None, Some(trusting()), (1, 10), 3, 3),
        ("the price of a trusted origin, and the plan takes more", None, Some(trusting()), (3, 10), 7, 2),
        ("nothing is said of buying", None, Some(anywhere()), (7, 7), 0, 4),
    ];
    for (name, approval, policy, bounds, held, paid) in rows {
        let mut world = SimulatedPlatform::new().balance(held).seller(|send, _| match &send.token {
            None => Seller::offer(&offer("plan", 1)),
            Some(_) => Seller::status(200),
        });
        (world.plan_bounds, world.single_use) = (bounds, true);
        if bounds.1 == 0 {
            world.plan_access = "time";
        }
        (world.approval, world.policy) = (approval, policy);
        let mut codes = Vec::new();
        for _ in 0..4 {
            let fetch = world.fetch("POST", "/ask");
            codes.push(
                world.run_one(fetch).result.map_or_else(|error| error.code().to_string(), |()| String::new()),
            );
            // The platform takes the most that it can of what is held, and says so when it is asked; a trusted seller asks
            // for one.
            let each = if name.contains("trusted") { bounds.0 } else { bounds.1 };
            let left = held.saturating_sub(each * u64::from(world.paid_sends));
            world = world.balance(left);
        }
        assert_eq!(u64::from(world.paid_sends), paid, "{name}: {codes:?}");
        let refused = codes.iter().filter(|code| *code == "insufficient_credits").count() as u64;
        assert_eq!((refused, world.orders), (4 - paid, 0), "{name}: {codes:?}");
    }
}

#[test]
fn rule_3_with_a_plain_no_nothing_is_presented_of_a_plan_whose_terms_nobody_says() {
    for (approval, policy) in
        [(None, Some(held_only())), (Some(Approval { purchase: Some(false), ..yes() }), None)]
    {
        let mut world = SimulatedPlatform::new().balance(100);
        (world.approval, world.policy, world.plan_price) = (approval, policy, None);
        let fetch = world.fetch("POST", "/ask");
        assert_eq!(world.run_one(fetch).result.unwrap_err().code(), "network_error");
        assert_eq!((world.paid_sends, world.mints, world.orders), (0, 0, 0));
        assert!(world.buyer.budget().total().is_zero());
    }
}

#[test]
fn rule_12_a_plain_no_asks_for_single_use_tokens_as_a_limit_does() {
    for (name, policy, asks) in [("a plain no", held_only(), true), ("no word", anywhere(), false)] {
        let mut world = SimulatedPlatform::new().balance(100);
        world.policy = Some(policy);
        let fetch = world.fetch("POST", "/ask");
        assert!(world.run_one(fetch).result.is_ok(), "{name}");
        assert_eq!(world.mint_bodies[0].contains("tokenVersion"), asks, "{name}");
    }
}

#[test]
fn rule_3_an_order_of_a_key_without_an_account_stands_in_the_way_of_another() {
    // (what the platform answers to the first order, how it ends, how the next one ends, orders in all)
    let good = || Some((200, r#"{"success":true,"txHash":"0xorder"}"#.to_string()));
    for (answer, first, second, orders) in [
        (None, Some("purchase_outcome_unknown"), Some("purchase_pending"), 1),
        (
            Some((400, r#"{"code":"BCK.PROTOCOL.0005","message":"no"}"#.into())),
            Some("BCK.PROTOCOL.0005"),
            None,
            2,
        ),
        (good(), None, None, 2),
    ] {
        let mut world = SimulatedPlatform::new().balance(0);
        world.buyer.log_in(None, Some(DelegationRef::parse("d-1", "delegationId").unwrap()));
        // Whoever is asked knows the balance, since nobody can ask for one without an account.
        (world.approval, world.reported_balance) = (Some(buy()), true);
        world.order_answer = answer;
        for (index, expected) in [first, second].into_iter().enumerate() {
            world = world.balance(0);
            world.credits_come(u64::MAX);
            world.now += 1;
            let fetch = world.fetch("POST", "/ask");
            let error = world.run_one(fetch).result.err();
            let code = error.as_ref().map(FetchError::code);
            assert_eq!(code.filter(|code| *code != "payment_refused"), expected, "{index}");
            world.order_answer = good();
        }
        assert_eq!(world.orders, orders);
    }
}

#[test]
fn rule_12_a_purchase_that_a_receipt_tells_of_is_not_confirmed() {
    let header = encode(r#"{"success":true,"creditsRedeemed":"2","remainingBalance":"98","orderTx":"0xbe"}"#);
    let mut world = SimulatedPlatform::new().seller(move |send, _| match &send.token {
        None => Seller::offer(&offer("plan", 2)),
        Some(_) => Seller::receipt(200, header.clone()),
    });
    world.approval = Some(yes());
    let fetch = world.fetch("POST", "/ask");
    let bought = world.run_one(fetch).spend.purchases;
    let bought: Vec<_> =
        bought.iter().map(|one| (one.plan_id.as_str(), one.tx_hash.as_deref(), one.confirmed)).collect();
    assert_eq!(bought, [("plan", Some("0xbe"), false)], "the seller says so, the platform did not");
}

#[test]
fn rule_15_what_a_card_pays_for_is_not_ordered() {
    let card = r#"{"x402Version":2,"resource":{"url":"/ask"},"accepts":[{"scheme":"nvm:card-delegation",
        "network":"stripe","planId":"plan","extra":{"credits":"2"}}],"extensions":{}}"#;
    for (name, held, purchase, orders, paid) in [
        ("held", 2, Some(true), 0, 1),
        ("not held: bought from the card when it is settled", 0, Some(true), 0, 1),
        ("not held, and not to be bought", 0, Some(false), 0, 0),
    ] {
        let mut world = SimulatedPlatform::new().balance(held).seller(move |send, _| match &send.token {
            None => Seller::offer(card),
            Some(_) => Seller::paid(2, 0),
        });
        world.approval = Some(Approval { purchase, ..yes() });
        world.reported_balance = true;
        let fetch = world.fetch("POST", "/ask");
        assert_eq!(world.run_one(fetch).result.is_ok(), paid == 1, "{name}");
        assert_eq!((world.orders, world.paid_sends), (orders, paid), "{name}");
    }
}

#[test]
fn rule_10_an_old_balance_may_say_that_the_credits_suffice_and_never_that_they_do_not() {
    // (name, the policy, what was held an hour ago, what is held now, whether it is paid, looks at the balance)
    for (name, policy, old, held, paid, looks) in [
        ("a plain no, enough then", held_only(), 10, 10, true, 0),
        ("a plain no, too little then, enough now", held_only(), 1, 10, true, 1),
        ("a plain no, too little then and now", held_only(), 1, 1, false, 1),
        ("a purchase is allowed, enough then", buys(), 10, 10, true, 0),
        ("a purchase is allowed, too little then, enough now", buys(), 1, 10, true, 1),
        ("nothing hangs on it", anywhere(), 1, 10, true, 0),
    ] {
        let mut world = SimulatedPlatform::new().balance(held);
        world.buyer.record_balance(&plan("plan"), Credits::from(old), world.now);
        world.now += 3_600_000;
        world.policy = Some(policy);
        let fetch = world.fetch("POST", "/ask");
        let error = world.run_one(fetch).result.err();
        let code = (!paid).then_some("insufficient_credits");
        assert_eq!(error.as_ref().map(FetchError::code), code, "{name}");
        assert_eq!(
            (world.paid_sends, world.platform_calls - world.mints - world.terms_read),
            (u32::from(paid), looks),
            "{name}"
        );
    }
}

#[test]
fn rule_4_whoever_would_pay_waits_for_an_order_that_is_under_way() {
    let no = Approval { purchase: Some(false), ..yes() };
    // (name, who says yes to the second fetch, whether the credits of the order come, how it ends)
    for (name, approval, come, expected) in [
        ("a yes, and they come", Some(yes()), true, None),
        ("a yes, and they do not", Some(yes()), false, Some("purchase_pending")),
        ("a yes that buys, and they do not", Some(buy()), false, Some("purchase_pending")),
        ("only what is held: nothing is", Some(no), false, Some("insufficient_credits")),
    ] {
        let mut world = SimulatedPlatform::new().balance(0);
        world.approval = Some(buy());
        world.reported_balance = true;
        world.order_answer = None;
        let first = world.fetch("POST", "/ask");
        assert_eq!(world.run_one(first).result.unwrap_err().code(), "purchase_outcome_unknown", "{name}");
        if come {
            world.credits_come(1_000);
        }
        world.approval = approval;
        let second = world.fetch("POST", "/ask");
        let error = world.run_one(second).result.err();
        assert_eq!(error.as_ref().map(FetchError::code), expected, "{name}");
        assert_eq!((world.orders, world.paid_sends), (1, u32::from(come)), "{name}");
    }
}

#[test]
fn rule_3_while_the_caller_orders_by_hand_no_fetch_orders_the_plan() {
    const MINUTE: u64 = 60_000;
    // (name, the steps of an order by hand as (how it began, when it was answered), the time that goes by, orders of the fetch)
    type Steps = Vec<(&'static str, Option<u64>)>;
    let rows: Vec<(&str, Steps, u64, u32)> = vec![
        ("none", vec![], 0, 1),
        ("one that is not answered", vec![("", Some(1_000))], 0, 0),
        ("the same, hours later", vec![("", Some(1_000))], 600 * MINUTE, 0),
        ("one that was refused", vec![("", Some(1_000)), ("1000", None)], 0, 1),
        ("one whose credits may be on their way", vec![("", Some(1_000)), ("1000", Some(2_000))], 0, 0),
        ("the same, two minutes later", vec![("", Some(1_000)), ("1000", Some(2_000))], 2 * MINUTE, 1),
        (
            "a second that is refused leaves the first",
            vec![("", Some(1_000)), ("", Some(1_500)), ("1500", None)],
            0,
            0,
        ),
    ];
    for (name, steps, pause, orders) in rows {
        let mut world = SimulatedPlatform::new().balance(0);
        world.policy = Some(buys());
        // An order blocks for a day: the clock is beyond the first one.
        world.now += 10 * 24 * 60 * MINUTE;
        let began = world.now;
        let digits = |time: &str| match time {
            "" => String::new(),
            time => (began + time.parse::<u64>().unwrap()).to_string(),
        };
        for (at, now) in steps {
            world.buyer.order_by_hand(&plan("plan"), &digits(at), now.map(|now| began + now));
        }
        world.now += 3_000 + pause;
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(world.orders, orders, "{name}");
        assert_eq!(end.result.is_ok(), orders == 1, "{name}");
    }
}
