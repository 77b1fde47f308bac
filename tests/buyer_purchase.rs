//! Who buys, and who keeps anybody from buying: rules 3, 9, 10 and 15.

#![allow(clippy::unwrap_used)]

mod world;

use payments_wasm::subscriber::{Approval, FetchError, FetchRequest, Policy};
use payments_wasm::wire::Credits;
use std::rc::Rc;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;
use world::{ORIGIN, Seller, World, anywhere, buy, buys, encode, held_only, offer, plan, target, yes};

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
        let mut world = World::new().balance(held);
        let ask = FetchRequest::new(target(ORIGIN, "/ask"), "POST");
        world.request = Some(FetchRequest { limits: instance.map(Rc::new), ..ask });
        (world.approval, world.policy) = (approval, own);
        // An order is made where it is known that the credits do not suffice.
        world.buyer.note_balance(&plan("plan"), Credits::from(held), world.now);
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        let expected = if paid { Ok(()) } else { Err("insufficient_credits") };
        assert_eq!(end.result.as_ref().map_err(FetchError::code).copied(), expected, "{name}");
        assert_eq!((world.orders, world.paid_sends), (orders, u32::from(paid)), "{name}");
    }
}

#[test]
fn rule_3_with_a_plain_no_an_old_balance_that_suffices_is_enough() {
    let mut world = World::new().balance(10);
    world.policy = Some(held_only());
    for (name, calls) in [("cold", 2), ("warm", 0), ("after an hour", 0)] {
        let before = world.platform_calls;
        let fetch = world.fetch("POST", "/ask");
        assert!(world.run_one(fetch).result.is_ok(), "{name}");
        assert_eq!(world.platform_calls - before, calls, "{name}");
        world.now += 3_600_000;
    }
}

#[test]
fn rule_12_a_purchase_that_a_receipt_tells_of_is_not_confirmed() {
    let header = encode(r#"{"success":true,"creditsRedeemed":"2","remainingBalance":"98","orderTx":"0xbe"}"#);
    let mut world = World::new().seller(move |send, _| match &send.token {
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
        let mut world = World::new().balance(held).seller(move |send, _| match &send.token {
            None => Seller::offer(card),
            Some(_) => Seller::paid(2, 0),
        });
        world.approval = Some(Approval { purchase, ..yes() });
        world.told_balance = true;
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
        let mut world = World::new().balance(held);
        world.buyer.note_balance(&plan("plan"), Credits::from(old), world.now);
        world.now += 3_600_000;
        world.policy = Some(policy);
        let fetch = world.fetch("POST", "/ask");
        let error = world.run_one(fetch).result.err();
        let code = (!paid).then_some("insufficient_credits");
        assert_eq!(error.as_ref().map(FetchError::code), code, "{name}");
        assert_eq!(
            (world.paid_sends, world.platform_calls - world.mints),
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
        let mut world = World::new().balance(0);
        world.approval = Some(buy());
        world.told_balance = true;
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
