//! Table tests of what one fetch leaves for the next fetch, and of what no session may leave for the next session: rules of money
//! 5 and 13.

// Helpers of tests are tests too, which clippy does not see.
#![allow(clippy::unwrap_used)]

mod support;

use payments_wasm::subscriber::{Approval, Event, FetchError, FetchRequest, Outcome};
use payments_wasm::wire::DelegationRef;
use support::{ORIGIN, Seller, SimulatedPlatform, buy, held_only, offer, target, yes};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn rule_5_a_token_is_reused_until_shortly_before_it_ends() {
    // (when it ends, in seconds; when the second fetch begins, in milliseconds; tokens minted for both)
    for (end, second, mints) in [
        (None, 900_000_000, 1),
        (Some(2_000), 1_000_000, 1),
        (Some(2_000), 1_969_999, 1),
        (Some(2_000), 1_970_000, 2),
        (Some(2_000), 1_999_000, 2),
        (Some(2_000), 2_000_000, 2),
        (Some(2_000), 9_000_000, 2),
    ] {
        let mut world = SimulatedPlatform::new().balance(100).seller(|send, _| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) => Seller::paid(2, 98),
        });
        world.approval = Some(yes());
        let jwt = end.map(|end| format!("a.{}.c", support::encode_url(&format!(r#"{{"exp":{end}}}"#))));
        let token = support::encode_url(&format!(
            r#"{{"x402Version":2,"accepted":{{"scheme":"nvm:erc4337","network":"n","planId":"plan"}},"payload":{{"token":"{}"}}}}"#,
            jwt.unwrap_or_default()
        ));
        world.mint_answer = Some(Some((200, format!(r#"{{"accessToken":"{token}"}}"#))));
        for now in [1_000_000, second] {
            world.now = now;
            let fetch = world.fetch("POST", "/ask");
            assert!(world.run_one(fetch).result.is_ok());
        }
        assert_eq!((world.mints, world.paid_sends), (mints, 2), "{end:?} at {second}");
    }
}

#[test]
fn rule_5_a_new_token_takes_the_place_of_no_other() {
    // (name, plan, origin, delegation of the second token)
    for (name, plan, origin, delegation) in [
        ("of another plan", "other", ORIGIN, "d-1"),
        ("for another origin", "plan", "https://b.example", "d-1"),
        ("of another delegation", "plan", ORIGIN, "d-2"),
    ] {
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, world| match &send.token {
            None if world.sends > 2 => Seller::offer(&offer(plan, 2)),
            None => Seller::offer(&offer("plan", 2)),
            Some(_) => Seller::paid(2, 98),
        });
        world.approval = Some(yes());
        let first = || Some(FetchRequest::new(target(ORIGIN, "/ask"), "POST"));
        let second = Some(FetchRequest {
            delegation_id: Some(DelegationRef::parse(delegation, "delegationId").unwrap()),
            ..FetchRequest::new(target(origin, "/other"), "POST")
        });
        for request in [first(), second.clone(), first(), second] {
            world.request = request;
            let fetch = world.fetch("POST", "");
            assert!(world.run_one(fetch).result.is_ok(), "{name}");
        }
        assert_eq!((world.mints, world.sends), (2, 6), "{name}");
        let [first, second, third, fourth] = world.presented.as_slice() else { panic!("{name}") };
        assert_eq!((first == third, second == fourth, first == second), (true, true, false), "{name}");
    }
}

#[test]
fn rule_5_a_token_that_somebody_waits_for_is_not_one_at_hand() {
    let mut world = SimulatedPlatform::new().balance(1_000);
    world.approval = Some(yes());
    world.single_use = true;
    let request = |prefetch| {
        Some(FetchRequest {
            single_use: Some(true),
            prefetch,
            ..FetchRequest::new(target(ORIGIN, "/ask"), "POST")
        })
    };
    world.request = request(0);
    let first = world.fetch("POST", "/ask");
    assert!(world.run_one(first).result.is_ok());
    // Two more, each with a mint of its own; the second gives up, and its token is kept.
    world.request = request(1);
    world.hold_jobs = true;
    let (second, third) = (world.fetch("POST", "/ask"), world.fetch("POST", "/ask"));
    world.run();
    world.work_once();
    world.run();
    world.buyer.handle_event(third, Event::Aborted, world.now);
    world.hold_jobs = false;
    world.run();
    assert!(world.end(second).result.is_ok());
    assert_eq!(world.mints, 4, "the first, the second, the third, and one ahead");
}

#[test]
fn rule_13_a_session_leaves_nothing_behind_for_the_next() {
    // (name, logged out in between, requests, questions, mints and looks at the balance of a second fetch)
    for (name, logout, expected) in
        [("the same session", false, (1, 0, 0, 0)), ("another", true, (2, 1, 1, 0))]
    {
        let mut world = SimulatedPlatform::new().balance(100);
        world.approval = Some(Approval { remember: true, ..yes() });
        let first = world.fetch("POST", "/ask");
        assert!(world.run_one(first).result.is_ok());
        let before = (world.sends, world.asked, world.mints, world.platform_calls - world.mints);
        if logout {
            log_in_again(&mut world);
        }
        let second = world.fetch("POST", "/ask");
        assert!(world.run_one(second).result.is_ok());
        let (sends, asked, mints, looks) = expected;
        let after = (before.0 + sends, before.1 + asked, before.2 + mints, before.3 + looks);
        assert_eq!(
            (world.sends, world.asked, world.mints, world.platform_calls - world.mints),
            after,
            "{name}"
        );
        assert_eq!(world.buyer.records().len(), 2, "the books outlive a logout: {name}");
    }
}

#[test]
fn rule_13_what_was_known_of_an_account_is_not_believed_of_the_next() {
    // (logged out in between, looks at the balance of a second fetch that may not buy)
    for (logout, looks) in [(false, 0), (true, 1)] {
        let mut world = SimulatedPlatform::new().balance(100);
        world.policy = Some(held_only());
        let first = world.fetch("POST", "/ask");
        assert!(world.run_one(first).result.is_ok());
        if logout {
            log_in_again(&mut world);
        }
        let looked = |world: &SimulatedPlatform| world.platform_calls - world.mints - world.terms_read;
        let before = looked(&world);
        let second = world.fetch("POST", "/ask");
        assert!(world.run_one(second).result.is_ok());
        assert_eq!(looked(&world) - before, looks, "logged out: {logout}");
        assert_eq!(world.terms_read, 1 + u32::from(logout), "logged out: {logout}");
    }
}

#[test]
fn rule_13_an_order_of_unclear_outcome_is_its_own_account_s() {
    // (logged out in between, orders in all, how a second fetch ends)
    for (logout, orders, expected) in [(false, 1, Some("purchase_pending")), (true, 2, None)] {
        let mut world = SimulatedPlatform::new().balance(0);
        world.approval = Some(buy());
        world.reported_balance = true;
        let good = world.order_answer.take();
        let first = world.fetch("POST", "/ask");
        assert_eq!(world.run_one(first).result.unwrap_err().code(), "purchase_outcome_unknown");
        if logout {
            log_in_again(&mut world);
        }
        world.order_answer = good;
        let second = world.fetch("POST", "/ask");
        let error = world.run_one(second).result.err();
        assert_eq!(error.as_ref().map(FetchError::code), expected, "logged out: {logout}");
        assert_eq!(world.orders, orders, "logged out: {logout}");
    }
}

#[test]
fn rule_13_a_payment_that_a_logout_left_open_is_not_gone_on_with() {
    // (name, whether it is a logout that ends it, how going on with it ends)
    for (name, logout, expected) in [("aborted", false, None), ("logged out", true, Some("not_resumable"))] {
        let mut world = SimulatedPlatform::new().balance(100);
        world.approval = Some(yes());
        world.single_use = true;
        world.hold_paid = true;
        let first = world.fetch("POST", "/ask");
        world.run();
        if logout {
            log_in_again(&mut world);
        } else {
            world.buyer.handle_event(first, Event::Aborted, world.now);
        }
        let spend = world.run_one(first).spend;
        assert_eq!(spend.outcome, Outcome::Unknown, "{name}");
        assert_eq!(spend.payment, (!logout).then_some(first), "{name}");
        world.hold_paid = false;
        let request = FetchRequest::new(target(ORIGIN, "/ask"), "POST");
        world.request = Some(FetchRequest { resume: Some(first), ..request });
        let second = world.fetch("POST", "/ask");
        let error = world.run_one(second).result.err();
        assert_eq!(error.as_ref().map(FetchError::code), expected, "{name}");
    }
}

fn log_in_again(world: &mut SimulatedPlatform) {
    world.buyer.log_out();
    let delegation = DelegationRef::parse("d-1", "delegationId").unwrap();
    world.buyer.log_in(Some("0x0000000000000000000000000000000000000002".into()), Some(delegation));
}
