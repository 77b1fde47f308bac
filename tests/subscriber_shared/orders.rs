//! Rules 4 and 10: orders that outlive a page.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn rules_4_and_10_a_page_loaded_again_in_the_middle_of_a_purchase_does_not_order_twice() {
    const NEVER: u64 = u64::MAX;
    type Row = (&'static str, bool, Option<(u16, &'static str)>, u64, bool, &'static str, bool);
    // (name, whether the order was answered before, with what, when the credits come, whether an order was made, how the
    // same fetch ends after, whether the purchase is known to have gone through)
    let rows: Vec<Row> = vec![
        ("sent, not answered", false, None, 5_000, true, "", false),
        ("sent, not answered, never made", false, None, NEVER, false, "purchase_pending", false),
        ("answered", true, Some((200, r#"{"success":true,"txHash":"0xorder"}"#)), 5_000, true, "", true),
        (
            "answered, never there",
            true,
            Some((200, r#"{"success":true,"txHash":"0xorder"}"#)),
            NEVER,
            true,
            "purchase_pending",
            true,
        ),
        (
            "answered with an odd name",
            true,
            Some((200, r#"{"success":true,"txHash":"a b\nc"}"#)),
            5_000,
            true,
            "",
            true,
        ),
        ("its answer lost", true, None, 5_000, true, "", false),
        ("broke", true, Some((500, "oops")), 5_000, true, "", false),
    ];
    for (name, answered, answer, credits_after_ms, made, end, confirmed) in rows {
        let mut world = SimulatedPlatform::new().balance(0);
        world.approval = Some(buy());
        world.reported_balance = true;
        world.hold_jobs = true;
        world.credits_after_ms = NEVER;
        world.order_answer = answer.map(|(status, body)| (status, body.into()));
        world.fetch("POST", "/ask");
        world.run();
        if answered {
            world.work_once();
        }
        assert_eq!(world.orders, u32::from(answered), "{name}");
        let mut again = reload(&world, credits_after_ms, made);
        again.hold_jobs = true;
        let fetches = [again.fetch("POST", "/ask"), again.fetch("POST", "/ask")];
        again.run();
        again.hold_jobs = false;
        again.run();
        let ends = fetches.map(|fetch| again.end(fetch));
        assert_eq!(again.orders, 0, "{name}: no second order");
        let purchases: Vec<_> = ends.iter().flat_map(|end| end.spend.purchases.clone()).collect();
        assert_eq!(purchases.len(), 1, "{name}: booked once");
        assert_eq!(purchases[0].confirmed, confirmed, "{name}");
        for finish in ends {
            assert_eq!(code(finish.result), end, "{name}");
        }
        if end.is_empty() {
            assert_eq!(waited_for(&again), 0, "{name}: done with");
            assert_eq!(again.buyer.stored_orders_text(), "b 16 1\n", "{name}: and counted");
        } else {
            assert_eq!(again.presented.len(), 0, "{name}: nothing is paid that would top up");
            let third = again.fetch("POST", "/ask");
            assert_eq!(code(again.run_one(third).result), end, "{name}: nor later");
            assert_eq!(again.orders, 0, "{name}");
        }
    }
}

#[test]
fn rule_4_an_order_stands_in_the_way_of_its_own_account_and_plan_for_a_day() {
    let mut world = SimulatedPlatform::new().balance(0);
    world.approval = Some(buy());
    world.reported_balance = true;
    world.hold_jobs = true;
    world.fetch("POST", "/ask");
    world.run();
    let me = "0x0000000000000000000000000000000000000001";
    let other = "0x0000000000000000000000000000000000000002";
    // (name, who is logged in, the plan that is asked for, hours later, what is held by then, orders, what ends it)
    for (name, holder, plan, hours, held, orders, end) in [
        ("the same", me, "plan", 0, 0, 0, "purchase_pending"),
        ("another account", other, "plan", 0, 0, 1, ""),
        ("another plan", me, "other", 0, 0, 1, ""),
        ("most of a day later", me, "plan", 23, 0, 0, "purchase_pending"),
        ("more than a day later", me, "plan", 25, 0, 1, ""),
        ("the credits are there", me, "plan", 0, 100, 0, ""),
        ("some credits have come, too few", me, "plan", 0, 1, 1, ""),
    ] {
        let asked = plan.to_string();
        let mut again = reload(&world, 0, false).balance(held).seller(move |send, _| match &send.token {
            None => Seller::offer(&offer(&asked, 2)),
            Some(_) => Seller::paid(2, 0),
        });
        again.buyer.log_in(Some(holder.into()), payments_wasm::wire::DelegationRef::parse("d-1", "d").ok());
        again.now += hours * HOUR;
        let fetch = again.fetch("POST", "/ask");
        assert_eq!(code(again.run_one(fetch).result), end, "{name}");
        assert_eq!(again.orders, orders, "{name}");
    }
}

#[test]
fn rule_4_an_order_outlives_a_logout_and_is_done_with_when_it_is_refused_or_its_credits_are_seen() {
    let delegation = || payments_wasm::wire::DelegationRef::parse("d-1", "d").ok();
    let me = || Some("0x0000000000000000000000000000000000000001".to_string());
    let waiting = || {
        let mut world = SimulatedPlatform::new().balance(0);
        world.approval = Some(buy());
        world.reported_balance = true;
        world.hold_jobs = true;
        world.fetch("POST", "/ask");
        world.run();
        world
    };
    let mut world = waiting();
    world.buyer.log_out();
    world.buyer.log_in(me(), delegation());
    world.hold_jobs = false;
    world.credits_come(1_000);
    let fetch = world.fetch("POST", "/ask");
    assert!(world.run_one(fetch).result.is_ok());
    assert_eq!(world.orders, 1, "the one that had gone out before the logout");

    let mut world = waiting();
    world.order_answer = Some((400, r#"{"code":"BCK.PROTOCOL.0005"}"#.into()));
    assert!(!world.buyer.stored_orders_text().is_empty());
    world.work_once();
    assert_eq!(world.buyer.stored_orders_text(), "", "refused");

    // (what is held by then, whether the order is still waited for)
    for (held, waits) in [(0, true), (1, false), (100, false)] {
        let mut world = waiting();
        world.buyer.record_balance(&support::plan("plan"), Credits::from(held), world.now);
        assert_eq!(waited_for(&world), usize::from(waits), "{held}");
        world.buyer.record_balance(&support::plan("other"), Credits::from(100), world.now);
        assert_eq!(waited_for(&world), usize::from(waits), "{held}, another plan");
    }
}

#[test]
fn rule_4_two_tabs_buy_a_plan_once() {
    let text = shelf();
    let mut tabs = [tab(&text, "one").balance(0), tab(&text, "two").balance(0)];
    let mut fetches = Vec::new();
    for (index, world) in tabs.iter_mut().enumerate() {
        world.approval = Some(buy());
        world.reported_balance = true;
        world.hold_jobs = true;
        fetches.push((index, world.fetch("POST", "/ask")));
        world.run();
    }
    for world in &mut tabs {
        world.credits_come(3_000);
        world.hold_jobs = false;
        world.run();
    }
    for (index, fetch) in fetches {
        assert_eq!(code(tabs[index].end(fetch).result), "", "tab {index}");
    }
    assert_eq!(tabs[0].orders + tabs[1].orders, 1);
}
