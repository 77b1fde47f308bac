//! Limits, as tables: what a presentation counts, when it is written, and how many plans may be bought at what price, over
//! reloads and tabs too. Rules of money 3, 10 and 12.

// Helpers of tests are tests too, which clippy does not see.
#![allow(clippy::unwrap_used)]

mod support;

use payments_wasm::api::plans::PlanPrice;
use payments_wasm::subscriber::{
    Approval, FetchError, FetchRequest, Finish, Policy, PurchaseLimits, Redirected, Redirects,
};
use payments_wasm::wire::Credits;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use support::{ORIGIN, Seller, Shelf, SimulatedPlatform, anywhere, buy, buys, held_only, offer, target, yes};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const HOUR: u64 = 3_600_000;

fn code(end: &Finish) -> &str {
    end.result.as_ref().map_or_else(FetchError::code, |()| "")
}

fn broken(end: &Finish) -> Option<&'static str> {
    match &end.result {
        Err(FetchError::BudgetExceeded(limit)) => Some(limit),
        _ => None,
    }
}

fn one(world: &mut SimulatedPlatform, path: &str) -> Finish {
    let fetch = world.fetch("POST", path);
    world.run_one(fetch)
}

/// The total of credits that the kept text counts as spent.
fn spent(text: &str) -> u64 {
    text.lines().last().and_then(|line| line.strip_prefix("s - ")?.parse().ok()).unwrap_or_default()
}

#[test]
fn rule_12_an_offer_s_own_price_counts_at_an_origin_that_is_trusted_by_name_and_nowhere_else() {
    let total =
        |credits: u64| Policy { max_credits_total: Some(Credits::from(credits)), ..Policy::default() };
    let here = || vec![ORIGIN.to_string()];
    let trusting = |origins| Policy { count_price: true, origins, ..total(1_000) };
    let other = || "https://other.example".to_string();
    // (name, the call's policy, the instance's, the plan's least and most, the offer's price, what counts)
    type Row = (&'static str, Policy, Option<Policy>, (u64, u64), Option<u64>, u64);
    let rows: Vec<Row> = vec![
        ("trusted by name", trusting(here()), None, (1, 10), Some(2), 2),
        ("among others", trusting(vec![other(), ORIGIN.into()]), None, (1, 10), Some(2), 2),
        ("not trusted", Policy { count_price: false, ..trusting(here()) }, None, (1, 10), Some(2), 10),
        ("trusted with every origin", trusting(vec!["*".into()]), None, (1, 10), Some(2), 10),
        ("trusted, and no price", trusting(here()), None, (1, 10), None, 10),
        ("trusted, and the plan takes more at the least", trusting(here()), None, (7, 7), Some(1), 7),
        ("trusted, and dearer than the plan", trusting(here()), None, (1, 10), Some(12), 12),
        ("the instance's limits do not trust", trusting(here()), Some(total(1_000)), (1, 10), Some(2), 10),
        (
            "the instance's limits trust too",
            trusting(here()),
            Some(Policy { count_price: true, origins: here(), ..total(1_000) }),
            (1, 10),
            Some(2),
            2,
        ),
        ("the instance limits no credits", trusting(here()), Some(Policy::default()), (1, 10), Some(2), 2),
        (
            "only the instance's limits trust",
            Policy { origins: here(), ..total(1_000) },
            Some(trusting(here())),
            (1, 10),
            Some(2),
            10,
        ),
    ];
    for (name, own, instance, bounds, price, counts) in rows {
        let json = price.map_or_else(|| support::offer_without_price("plan"), |price| offer("plan", price));
        let mut world = SimulatedPlatform::new().balance(1_000).seller(move |send, _| match &send.token {
            None => Seller::offer(&json),
            Some(_) => Seller::status(200),
        });
        world.plan_bounds = bounds;
        world.policy = Some(own);
        let request = FetchRequest::new(target(ORIGIN, "/ask"), "POST");
        world.request = Some(FetchRequest { limits: instance.map(Arc::new), ..request });
        let end = one(&mut world, "/ask");
        assert_eq!(code(&end), "", "{name}");
        assert_eq!(end.spend.credits_presented, Credits::from(counts), "{name}");
        assert_eq!(world.buyer.budget().total(), Credits::from(counts), "{name}");
    }
}

#[test]
fn rule_12_a_plan_s_terms_are_read_once_a_session_before_anybody_is_asked_and_only_where_a_limit_is_set() {
    let limited = || Policy { max_credits_per_day: Some(Credits::from(100)), ..anywhere() };
    // (name, who is asked, the policy, looks at the terms over three fetches of which two are at once)
    for (name, approval, policy, looks) in [
        ("a limit", None, Some(limited()), 1),
        ("a limit, and somebody is asked", Some(yes()), Some(limited()), 1),
        ("no limit", Some(yes()), Some(anywhere()), 0),
        ("nothing at all", Some(yes()), None, 0),
    ] {
        let mut world = SimulatedPlatform::new().balance(100);
        (world.approval, world.policy) = (approval, policy);
        (world.hold_jobs, world.hold_terms) = (true, true);
        let pair = [world.fetch("POST", "/ask"), world.fetch("POST", "/other")];
        world.run();
        if looks > 0 {
            assert_eq!((world.asked, world.mints), (0, 0), "{name}: first the terms");
        }
        (world.hold_jobs, world.hold_terms) = (false, false);
        world.run();
        for fetch in pair {
            assert_eq!(code(&world.end(fetch)), "", "{name}");
        }
        assert_eq!(code(&one(&mut world, "/third")), "", "{name}");
        assert_eq!(world.terms_read, looks, "{name}");
        let asks_for_single_use = world.mint_bodies[0].contains(r#""tokenVersion":3"#);
        assert_eq!(asks_for_single_use, looks > 0, "{name}: a reusable token can be settled again");
    }
}

#[test]
fn rule_12_what_is_presented_is_kept_before_it_is_sent() {
    // (name, how each paid sending is answered, what is kept before each of them)
    type Answered = fn(u32) -> payments_wasm::subscriber::ResponseHead;
    let near: Answered = |paid| match paid {
        1 => Seller::redirect(307, Redirected::To(target(ORIGIN, "/moved"))),
        _ => Seller::paid(2, 9),
    };
    let dearer: Answered =
        |paid| if paid == 1 { Seller::offer(&offer("plan", 3)) } else { Seller::paid(3, 9) };
    let table: [(&str, Answered, &[u64]); 4] = [
        ("paid", |_| Seller::paid(2, 9), &[2]),
        ("no answer", |_| Seller::lost(), &[2]),
        ("led on within the origin", near, &[2, 4]),
        ("refused on other terms", dearer, &[2, 5]),
    ];
    for (name, answer, expected) in table {
        let text = Rc::new(RefCell::new(String::new()));
        let (shelf, counted) = (text.clone(), Rc::new(RefCell::new(Vec::new())));
        let kept = counted.clone();
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, world| {
            if send.token.is_none() {
                return Seller::offer(&offer("plan", 2));
            }
            kept.borrow_mut().push(spent(&shelf.borrow()));
            answer(world.paid_sends)
        });
        world.shelf = Some(Shelf { text, tab: "one", full: false });
        world.approval = Some(yes());
        let fetch = world.fetch("GET", "/ask");
        world.run_one(fetch);
        assert_eq!(*counted.borrow(), expected, "{name}");
    }
}

#[test]
fn rule_12_what_cannot_be_kept_is_not_sent_and_what_was_sent_before_stays_unknown() {
    // (name, whether the first answer leads on or refuses on other terms)
    for (name, leads_on) in [("led on within the origin", true), ("refused on other terms", false)] {
        let text = Rc::new(RefCell::new(String::new()));
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, _| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) if leads_on => Seller::redirect(307, Redirected::To(target(ORIGIN, "/moved"))),
            Some(_) => Seller::offer(&offer("plan", 3)),
        });
        world.shelf = Some(Shelf { text: text.clone(), tab: "one", full: false });
        world.approval = Some(yes());
        world.hold_paid = true;
        let fetch = world.fetch("GET", "/ask");
        world.run();
        world.hold_paid = false;
        world.shelf.as_mut().unwrap().full = true;
        let end = world.run_one(fetch);
        assert_eq!(code(&end), "storage_unavailable", "{name}");
        assert_eq!(world.paid_sends, 1, "{name}");
        assert_eq!(end.spend.outcome, payments_wasm::subscriber::Outcome::Unknown, "{name}");
        assert_eq!(end.spend.credits_presented, Credits::from(2), "{name}");
        let books: Vec<_> = world.buyer.records().iter().map(|one| (one.outcome, one.presented)).collect();
        assert_eq!(books, [(payments_wasm::subscriber::Outcome::Unknown, Credits::from(2))], "{name}");
        assert_eq!(spent(&text.borrow()), 2, "{name}");
    }
}

#[test]
fn rule_6_12_a_redirect_is_followed_with_the_token_only_within_the_limits() {
    let limit = |credits: u64| Some(Credits::from(credits));
    // (name, the policy, what is held, presentations)
    for (name, policy, held, paid) in [
        ("no limit", anywhere(), 100, 2),
        ("a call may present four", Policy { max_credits_per_request: limit(4), ..anywhere() }, 100, 2),
        ("a call may present three", Policy { max_credits_per_request: limit(3), ..anywhere() }, 100, 1),
        ("four in all", Policy { max_credits_total: limit(4), ..anywhere() }, 100, 2),
        ("three in all", Policy { max_credits_total: limit(3), ..anywhere() }, 100, 1),
        ("only what is held, enough for both", held_only(), 4, 2),
        ("only what is held, enough for one", held_only(), 3, 1),
    ] {
        let mut world = SimulatedPlatform::new().balance(held);
        let came = Cell::new(0);
        world.says = Some(Rc::new(move || match came.replace(came.get() + 1) {
            0 => Seller::redirect(307, Redirected::To(target(ORIGIN, "/moved"))),
            _ => Seller::status(200),
        }));
        (world.policy, world.redirects) = (Some(policy), Redirects::Follow);
        let end = one(&mut world, "/ask");
        assert_eq!(world.paid_sends, paid, "{name}");
        assert_eq!(world.buyer.budget().total(), Credits::from(2 * u64::from(paid)), "{name}");
        assert_eq!(end.result.is_ok(), paid == 2, "{name}");
    }
}

#[test]
fn rule_5_a_token_that_ended_is_not_presented_by_a_fetch_that_waits_with_it() {
    let mut world = SimulatedPlatform::new().balance(100).seller(|send, world| match &send.token {
        Some(_) if world.paid_sends == 2 => Seller::status(402),
        Some(_) => Seller::paid(2, 98),
        None => Seller::offer(&offer("plan", 2)),
    });
    world.approval = Some(yes());
    assert_eq!(code(&one(&mut world, "/ask")), "");
    // Two fetches have the token in hand: one is on the wire, the other waits for the balance.
    world.hold_paid = true;
    let refused = world.fetch("POST", "/ask");
    world.run();
    world.hold_jobs = true;
    world.approval = Some(Approval { purchase: Some(false), ..yes() });
    let waiting = world.fetch("POST", "/ask");
    world.run();
    world.hold_paid = false;
    world.run();
    assert_eq!(code(&world.end(refused)), "payment_refused");
    world.hold_jobs = false;
    world.run();
    assert_eq!(code(&world.end(waiting)), "");
    assert_eq!((world.paid_sends, world.mints), (3, 2));
    assert_ne!(world.presented[1], world.presented[2]);
}

/// A page of somebody who holds nothing: each payment needs an order.
fn poor() -> SimulatedPlatform {
    let mut world = SimulatedPlatform::new().balance(0);
    world.plan_credits = 2;
    world.now = 40 * HOUR;
    world
}

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
