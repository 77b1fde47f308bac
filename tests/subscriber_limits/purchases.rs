//! Rules 3 and 10: how many plans may be bought, and at what price.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn rule_3_purchases_are_limited_by_the_hour_the_day_and_in_all() {
    let limits = |per_hour, per_day, total| PurchaseLimits { per_hour, per_day, total };
    let policy = |max_purchases| Policy { max_purchases, ..buys() };
    let (hour, day, all) =
        (Some("maxPurchasesPerHour"), Some("maxPurchasesPerDay"), Some("maxPurchasesTotal"));
    // (name, who is asked, the policy, then of each fetch: hours that pass before, the limit that stands against it)
    type Row = (&'static str, Option<Approval>, Policy, Vec<(u64, Option<&'static str>)>);
    let none = PurchaseLimits::default();
    let rows: Vec<Row> = vec![
        (
            "by a policy, nothing said",
            None,
            policy(none),
            vec![(0, None), (0, hour), (0, hour), (2, None), (0, hour)],
        ),
        ("a person is asked each time", Some(buy()), policy(none), vec![(0, None), (0, None), (0, None)]),
        (
            "two an hour",
            None,
            policy(limits(Some(2), None, None)),
            vec![(0, None), (0, None), (0, hour), (2, None)],
        ),
        (
            "three a day",
            None,
            policy(limits(None, Some(3), None)),
            vec![(0, None), (0, None), (5, None), (5, day), (5, day), (24, None)],
        ),
        (
            "two in all",
            None,
            policy(limits(None, None, Some(2))),
            vec![(0, None), (30, None), (30, all), (9_000, all)],
        ),
        ("none", None, policy(limits(Some(0), None, None)), vec![(0, hour), (2, hour)]),
        (
            "one an hour, whoever says yes",
            Some(buy()),
            policy(limits(Some(1), None, None)),
            vec![(0, None), (0, hour), (2, None)],
        ),
    ];
    for (name, approval, policy, fetches) in rows {
        // In one page; loaded again before each fetch, with all that is kept; and in two tabs.
        for pages in ["one page", "reloads", "two tabs"] {
            let text = Rc::new(RefCell::new(String::new()));
            let page = |tab| {
                let mut world = poor();
                world.shelf = Some(Shelf { text: text.clone(), tab, full: false });
                world
            };
            let mut tabs = [page("one"), page("two")];
            let mut now = tabs[0].now;
            for (step, (hours, limit)) in fetches.iter().enumerate() {
                now += hours * HOUR;
                if pages == "reloads" {
                    tabs[0] = page("one");
                }
                let world = &mut tabs[if pages == "two tabs" { step % 2 } else { 0 }];
                world.now = now;
                (world.approval, world.policy) = (approval.clone(), Some(policy.clone()));
                let before = world.orders;
                let end = one(world, "/ask");
                assert_eq!(broken(&end), *limit, "{name}, {pages}, step {step}");
                assert_eq!(end.result.is_ok(), limit.is_none(), "{name}, {pages}, step {step}");
                assert_eq!(world.orders - before, u32::from(limit.is_none()), "{name}, {pages}, step {step}");
                now = now.max(world.now);
            }
        }
    }
}

#[test]
fn rule_3_a_page_that_keeps_its_orders_alone_knows_how_many_there_were() {
    let mut first = poor();
    first.policy = Some(buys());
    assert_eq!(code(&one(&mut first, "/ask")), "");
    // (name, hours later, the limit that stands against another)
    for (name, hours, limit) in [("at once", 0, Some("maxPurchasesPerHour")), ("two hours later", 2, None)] {
        let mut again = poor();
        again.now = first.now + hours * HOUR;
        again.policy = Some(buys());
        again.buyer.load_orders(&first.buyer.stored_orders_text());
        let end = one(&mut again, "/ask");
        assert_eq!(broken(&end), limit, "{name}");
        assert_eq!(again.orders, u32::from(limit.is_none()), "{name}");
    }
}

#[test]
fn rule_3_purchases_of_several_plans_at_once_are_counted_together() {
    let mut world = poor().seller(|send, world| match &send.token {
        None => Seller::offer(&offer(if world.sends % 2 == 0 { "plan" } else { "other" }, 2)),
        Some(_) => Seller::paid(2, 0),
    });
    world.policy = Some(Policy { plans: vec!["plan".into(), "other".into()], ..buys() });
    world.plans = ["plan", "other"].map(|plan| (plan.to_string(), Some((0, 0.1)))).into();
    world.hold_jobs = true;
    let pair = [world.fetch("POST", "/one"), world.fetch("POST", "/two")];
    world.run();
    world.hold_jobs = false;
    world.run();
    let ends = pair.map(|fetch| world.end(fetch));
    assert_eq!((code(&ends[0]), broken(&ends[1])), ("credits_timeout", Some("maxPurchasesPerHour")));
    assert_eq!(world.orders, 1);
}

#[test]
fn rule_3_an_order_is_counted_before_it_is_sent_and_taken_back_only_where_the_platform_refused_it() {
    let counted = |world: &SimulatedPlatform| {
        let text = world.buyer.stored_text("one");
        let count = |kind: &str| text.lines().filter(|line| line.starts_with(kind)).count();
        (count("b "), count("B "), text.contains("B - 1\n"))
    };
    // (name, the platform's answer, whether the order stays counted)
    for (name, answer, stays) in [
        ("done", Some((200, r#"{"success":true}"#)), true),
        ("said no", Some((200, r#"{"success":false}"#)), false),
        ("refused", Some((400, "{}")), false),
        ("not allowed", Some((403, "{}")), false),
        ("not now", Some((429, "{}")), true),
        ("broke", Some((500, "oops")), true),
        ("garbled", Some((200, "oops")), true),
        ("lost", None, true),
    ] {
        let mut world = poor();
        world.policy = Some(buys());
        world.order_answer = answer.map(|(status, body)| (status, body.to_string()));
        world.hold_jobs = true;
        let fetch = world.fetch("POST", "/ask");
        world.run();
        // The balance is read, then the order goes out.
        world.work_once();
        assert_eq!(world.mints, 0, "{name}");
        assert_eq!(world.orders, 0, "{name}");
        assert_eq!(counted(&world), (1, 1, true), "{name}: before it is sent");
        world.work_once();
        assert_eq!(world.orders, 1, "{name}");
        assert_eq!(counted(&world).0, usize::from(stays), "{name}");
        assert_eq!(counted(&world).2, stays, "{name}");
        world.hold_jobs = false;
        world.run();
        world.end(fetch);
    }
}

#[test]
fn rule_3_a_purchase_costs_no_more_than_agreed_by_the_platform_s_price() {
    let most = |amount: u64, currency: &str| {
        Some(PlanPrice { amount: Credits::from(amount), currency: currency.into() })
    };
    let dollars = |amount: &str| format!(r#"{{"amounts":["{amount}"],"isCrypto":false,"currency":"USD"}}"#);
    let token = |address: &str, amount: &str| {
        format!(r#"{{"amounts":["{amount}"],"isCrypto":true,"tokenAddress":"{address}","currency":"USDC"}}"#)
    };
    let usdc = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
    let unknown = "0x00000000000000000000000000000000deadbeef";
    // (name, the most that is agreed to, the price as the platform states it, whether it is bought)
    let rows: Vec<(&str, Option<PlanPrice>, String, bool)> = vec![
        ("the same", most(5_000_000, "USD"), dollars("5000000"), true),
        ("less", most(5_000_001, "USD"), dollars("5000000"), true),
        ("dearer", most(4_999_999, "USD"), dollars("5000000"), false),
        (
            "dearer by far",
            most(5_000_000, "USD"),
            dollars("115792089237316195423570985008687907853269984665640564039457584007913129639935"),
            false,
        ),
        ("another currency", most(5_000_000, "EUR"), dollars("5000000"), false),
        ("the currency in lower case", most(5_000_000, "usd"), dollars("5000000"), true),
        (
            "several shares, dearer together",
            most(5_000_000, "USD"),
            r#"{"amounts":["3000000","3000000"],"isCrypto":false,"currency":"USD"}"#.into(),
            false,
        ),
        ("no price", most(5_000_000, "USD"), "null".into(), false),
        (
            "a price that is none",
            most(5_000_000, "USD"),
            r#"{"amounts":["x"],"isCrypto":false,"currency":"USD"}"#.into(),
            false,
        ),
        ("no amounts", most(5_000_000, "USD"), r#"{"isCrypto":false,"currency":"USD"}"#.into(), false),
        ("free", most(0, "USD"), r#"{"amounts":["0"],"isCrypto":false,"currency":"EUR"}"#.into(), true),
        ("USDC by its address", most(5_000_000, "USDC"), token(usdc, "5000000"), true),
        (
            "USDC by its address in lower case",
            most(5_000_000, "USDC"),
            token(&usdc.to_lowercase(), "5000000"),
            true,
        ),
        ("another token that is called USDC", most(5_000_000, "USDC"), token(unknown, "1"), false),
        ("another token by its address", most(5, unknown), token(unknown, "5"), true),
        ("dollars are not USDC", most(5_000_000, "USD"), token(usdc, "5000000"), false),
        (
            "no amount, and a contract that says the price",
            most(5_000_000, "USDC"),
            format!(r#"{{"amounts":[],"isCrypto":true,"externalPriceAddress":"{unknown}"}}"#),
            false,
        ),
        (
            "an amount of nothing, and a contract that says the price",
            most(5_000_000, "USDC"),
            format!(
                r#"{{"amounts":["0"],"isCrypto":true,"tokenAddress":"{usdc}","externalPriceAddress":"{unknown}"}}"#
            ),
            false,
        ),
        (
            "no contract that says the price",
            most(5_000_000, "USDC"),
            format!(
                r#"{{"amounts":["5000000"],"isCrypto":true,"tokenAddress":"{usdc}","externalPriceAddress":"0x{:040}"}}"#,
                0
            ),
            true,
        ),
        ("no price agreed to, but the plan", None, dollars("5000000"), true),
    ];
    for (name, max_price, price, bought) in rows {
        for approval in [None, Some(buy())] {
            let mut world = poor();
            world.plan_price = Some(price.clone());
            let plans = if max_price.is_some() { Vec::new() } else { vec!["plan".into()] };
            world.policy = Some(Policy { max_price: max_price.clone(), plans, ..buys() });
            world.approval = approval;
            let end = one(&mut world, "/ask");
            assert_eq!(broken(&end), (!bought).then_some("maxPrice"), "{name}");
            assert_eq!((end.result.is_ok(), world.orders), (bought, u32::from(bought)), "{name}");
            assert_eq!(world.paid_sends, u32::from(bought), "{name}");
        }
    }
    // Where the platform does not say the price, nothing is bought.
    let mut world = poor();
    world.plan_price = None;
    world.policy = Some(Policy { max_price: most(1_000_000_000, "USD"), ..buys() });
    assert_eq!(code(&one(&mut world, "/ask")), "network_error");
    assert_eq!((world.orders, world.paid_sends), (0, 0));
}

#[test]
fn rule_10_the_platform_is_asked_before_an_order_whatever_was_known() {
    // (name, what was read an hour ago, what is held, orders)
    for (name, old, held, orders) in [
        ("nothing known, enough held", None, 100, 0),
        ("nothing known, too little held", None, 1, 1),
        ("too little then, enough now", Some(0), 100, 0),
        ("too little then and now", Some(1), 1, 1),
    ] {
        for approval in [None, Some(buy())] {
            let mut world = poor().balance(held);
            if let Some(old) = old {
                world.buyer.record_balance(&support::plan("plan"), Credits::from(old), world.now);
                world.now += HOUR;
            }
            (world.approval, world.policy) = (approval, Some(buys()));
            assert_eq!(code(&one(&mut world, "/ask")), "", "{name}");
            assert_eq!(world.orders, orders, "{name}");
        }
    }
}
