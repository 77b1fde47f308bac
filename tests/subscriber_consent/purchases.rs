//! Rules 8 to 10: purchases, and orders whose outcome is not clear.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn rule_10_one_call_does_the_whole_way_and_an_unclear_order_is_not_repeated() {
    // (name, the order's answer, when the credits appear, ends as, orders)
    for (name, answer, credits_after_ms, expected, orders) in [
        ("at once", Some((200, r#"{"success":true,"txHash":"0x1"}"#)), 0, Ok(()), 1),
        ("after a while", Some((201, r#"{"success":true}"#)), 9_000, Ok(()), 1),
        ("never", Some((200, r#"{"success":true}"#)), u64::MAX, Err("credits_timeout"), 1),
        ("refused", Some((400, r#"{"code":"BCK.PROTOCOL.0005"}"#)), 0, Err("BCK.PROTOCOL.0005"), 1),
        ("said no", Some((200, r#"{"success":false}"#)), 0, Err("order_refused"), 1),
        ("broke", Some((500, "oops")), 0, Err("purchase_outcome_unknown"), 1),
        ("lost", None, 0, Err("purchase_outcome_unknown"), 1),
    ] {
        let mut world = SimulatedPlatform::new().balance(0);
        world.approval = Some(buy());
        world.reported_balance = true;
        world.order_answer = answer.map(|(status, body)| (status, body.to_string()));
        world.credits_after_ms = credits_after_ms;
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.result.as_ref().map_err(FetchError::code).copied(), expected, "{name}");
        assert_eq!(world.orders, orders, "{name}");
        if expected == Ok(()) {
            assert_eq!(end.spend.purchases.len(), 1, "{name}");
            assert_eq!(world.mints, 1, "{name}");
        } else {
            assert_eq!(world.presented.len(), 0, "{name}");
        }
    }
}

#[test]
fn rule_8_an_abort_during_a_purchase_says_what_is_known_of_it() {
    // (name, whether the order has been answered, what the report says: transaction, confirmed)
    for (name, answered, expected) in
        [("ordering", false, (None, false)), ("waiting for the credits", true, (Some("0xorder"), true))]
    {
        let mut world = SimulatedPlatform::new().balance(0);
        world.approval = Some(buy());
        world.reported_balance = true;
        world.credits_after_ms = u64::MAX;
        world.hold_jobs = true;
        let (fetch, other) = (world.fetch("POST", "/ask"), world.fetch("POST", "/ask"));
        world.run();
        if answered {
            world.work_once();
        }
        world.buyer.handle_event(fetch, Event::Aborted, world.now);
        world.run();
        let end = world.end(fetch);
        assert_eq!(end.result.unwrap_err().code(), "aborted");
        let bought = &end.spend.purchases;
        assert_eq!(bought.len(), 1, "{name}");
        assert_eq!((bought[0].tx_hash.as_deref(), bought[0].confirmed), expected, "{name}");
        assert_eq!(world.orders, u32::from(answered), "{name}");
        let _ = other;
    }
    // A fetch that only waits for a balance has bought nothing.
    let mut world = SimulatedPlatform::new().balance(100);
    world.hold_jobs = true;
    let fetch = world.fetch("POST", "/ask");
    world.run();
    world.buyer.handle_event(fetch, Event::Aborted, world.now);
    world.run();
    assert_eq!(world.end(fetch).spend.purchases, []);
}

#[test]
fn an_order_of_unclear_outcome_holds_up_its_own_plan_only() {
    let asked = std::cell::Cell::new(0);
    let mut world = SimulatedPlatform::new().balance(0).seller(move |send, _| match &send.token {
        None => Seller::offer(&offer(if asked.replace(asked.get() + 1) == 0 { "one" } else { "two" }, 2)),
        Some(_) => Seller::paid(2, 0),
    });
    world.approval = Some(buy());
    world.reported_balance = true;
    world.order_answer = None;
    let first = world.fetch("POST", "/first");
    assert_eq!(world.run_one(first).result.unwrap_err().code(), "purchase_outcome_unknown");
    world.order_answer = Some((200, r#"{"success":true,"txHash":"0x2"}"#.into()));
    let second = world.fetch("POST", "/second");
    assert!(world.run_one(second).result.is_ok());
    assert_eq!(world.orders, 2);
}

#[test]
fn rule_9_and_10_an_order_whose_credits_do_not_show_is_reported_and_not_repeated() {
    // (name, the order's answer, the first fetch ends as, whether the purchase is known to have gone through)
    for (name, answer, code, confirmed) in [
        ("slow", Some((200, r#"{"success":true,"txHash":"0x1"}"#.to_string())), "credits_timeout", true),
        ("lost", None, "purchase_outcome_unknown", false),
        ("broke", Some((500, "oops".into())), "purchase_outcome_unknown", false),
    ] {
        let mut world = SimulatedPlatform::new().balance(0);
        world.policy = Some(buys());
        world.order_answer = answer;
        world.credits_after_ms = u64::MAX;
        let first = world.fetch("POST", "/ask");
        let end = world.run_one(first);
        assert_eq!(end.result.unwrap_err().code(), code, "{name}");
        assert_eq!(end.spend.purchases.len(), 1, "{name}");
        assert_eq!(end.spend.purchases[0].confirmed, confirmed, "{name}");
        for _ in 0..2 {
            let again = world.fetch("POST", "/ask");
            assert_eq!(world.run_one(again).result.unwrap_err().code(), "purchase_pending", "{name}");
        }
        assert_eq!((world.orders, world.paid_sends), (1, 0), "{name}");
    }
}
