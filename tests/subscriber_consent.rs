//! Consent, purchases and budgets, as tables: rules of money 3, 10 and 12.

mod support;

use payments_wasm::subscriber::{Approval, Event, FetchError, FetchRequest, Outcome, Policy};
use payments_wasm::wire::Credits;
use std::sync::Arc;
use support::{Seller, SimulatedPlatform, anywhere, buy, buys, held_only, offer, target, yes};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn rule_3_nothing_is_paid_without_consent() {
    let limit = |credits: u64| Some(Credits::from(credits));
    let policy = |policy: Policy| Some(policy);
    type Row = (&'static str, Option<Approval>, Option<Policy>, u64, Result<(), &'static str>, u32);
    let rows: Vec<Row> = vec![
        ("asked: yes", Some(yes()), None, 100, Ok(()), 0),
        ("asked: no", Some(Approval::default()), None, 100, Err("consent_denied"), 0),
        ("asked: buy, and there is enough", Some(buy()), None, 100, Ok(()), 0),
        ("asked: buy, and there is nothing", Some(buy()), None, 0, Ok(()), 1),
        ("nobody asked, credits held", None, None, 100, Err("consent_required"), 0),
        (
            "nobody asked, a policy without origins",
            None,
            policy(Policy::default()),
            100,
            Err("consent_required"),
            0,
        ),
        (
            "nobody asked, a limit and no origins",
            None,
            policy(Policy { max_credits_total: limit(1_000), ..Policy::default() }),
            100,
            Err("consent_required"),
            0,
        ),
        (
            "nobody asked, plans and no origins",
            None,
            policy(Policy { plans: vec!["plan".into()], ..Policy::default() }),
            100,
            Err("consent_required"),
            0,
        ),
        (
            "nobody asked, purchases and no origins",
            None,
            policy(Policy { origins: Vec::new(), ..buys() }),
            100,
            Err("consent_required"),
            0,
        ),
        ("policy names every origin", None, policy(anywhere()), 100, Ok(()), 0),
        (
            "policy names the origin",
            None,
            policy(Policy { origins: vec![support::ORIGIN.into()], ..Policy::default() }),
            100,
            Ok(()),
            0,
        ),
        (
            "policy: price within",
            None,
            policy(Policy { max_credits_per_request: limit(2), ..anywhere() }),
            100,
            Ok(()),
            0,
        ),
        (
            "policy: price above",
            None,
            policy(Policy { max_credits_per_request: limit(1), ..anywhere() }),
            100,
            Err("budget_exceeded"),
            0,
        ),
        (
            "a limit holds whoever says yes",
            Some(buy()),
            policy(Policy { max_credits_total: limit(1), ..Policy::default() }),
            100,
            Err("budget_exceeded"),
            0,
        ),
        (
            "policy: another plan",
            None,
            policy(Policy { plans: vec!["other".into()], ..anywhere() }),
            100,
            Err("no_payable_offer"),
            0,
        ),
        (
            "policy: another origin",
            None,
            policy(Policy { origins: vec!["https://other.example".into()], ..Policy::default() }),
            100,
            Err("no_payable_offer"),
            0,
        ),
        (
            "policy: another network",
            None,
            policy(Policy { networks: vec!["eip155:8453".into()], ..anywhere() }),
            100,
            Err("no_payable_offer"),
            0,
        ),
        (
            "policy: another scheme",
            None,
            policy(Policy { schemes: vec!["nvm:card-delegation".into()], ..anywhere() }),
            100,
            Err("no_payable_offer"),
            0,
        ),
        ("policy without purchase buys nothing", None, policy(anywhere()), 0, Err("payment_refused"), 0),
        ("policy with purchase buys", None, policy(buys()), 0, Ok(()), 1),
        (
            "policy with purchase of anything buys nothing",
            None,
            policy(Policy { plans: Vec::new(), ..buys() }),
            0,
            Err("purchase_not_allowed"),
            0,
        ),
    ];
    for (name, approval, policy, balance, expected, orders) in rows {
        let mut world = SimulatedPlatform::new().balance(balance);
        world.approval = approval;
        world.policy = policy;
        world.reported_balance = true;
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.result.as_ref().map_err(FetchError::code).copied(), expected, "{name}");
        assert_eq!(world.orders, orders, "{name}");
        if expected.is_err() {
            assert_eq!(world.burned, 0, "{name}");
            let presented = world.paid_sends > 0;
            assert_eq!(presented, expected == Err("payment_refused"), "{name}");
            let outcome = if presented { Outcome::Unknown } else { Outcome::None };
            assert_eq!(end.spend.outcome, outcome, "{name}");
        }
        if expected == Err("consent_required") {
            assert_eq!(
                (world.sends, world.platform_calls),
                (1, 0),
                "nothing is read, minted or ordered: {name}"
            );
        }
    }
}

#[test]
fn rule_3_the_limits_of_an_instance_hold_beside_those_of_a_call() {
    for (name, own, others, code) in [
        ("both allow", 5, 5, None),
        ("the call's forbids", 1, 5, Some("budget_exceeded")),
        ("the instance's forbids", 5, 1, Some("budget_exceeded")),
    ] {
        let limit =
            |credits: u64| Some(Policy { max_credits_total: Some(Credits::from(credits)), ..anywhere() });
        let mut world = SimulatedPlatform::new().balance(100);
        world.policy = limit(own);
        let target = support::target(support::ORIGIN, "/ask");
        world.request =
            Some(FetchRequest { limits: limit(others).map(Arc::new), ..FetchRequest::new(target, "GET") });
        let fetch = world.fetch("GET", "/ask");
        assert_eq!(
            world.run_one(fetch).result.err().map(|error| error.code().to_string()).as_deref(),
            code,
            "{name}"
        );
    }
    let mut world = SimulatedPlatform::new().balance(100);
    world.policy = Some(anywhere());
    let target = support::target(support::ORIGIN, "/ask");
    let limits = Some(Arc::new(Policy { plans: vec!["other".into()], ..Policy::default() }));
    world.request = Some(FetchRequest { limits, ..FetchRequest::new(target, "GET") });
    let fetch = world.fetch("GET", "/ask");
    assert_eq!(world.run_one(fetch).result.unwrap_err().code(), "no_payable_offer");
}

#[test]
fn rule_3_credits_held_are_promised_once() {
    // Two credits each, nothing may be bought, five credits held: the first two may pay, whatever state they are in, and no token is
    // minted or sent for those who come too late.
    for (hold_paid, single_use) in [(false, false), (true, false), (false, true), (true, true)] {
        let name = format!("held back: {hold_paid}, single use: {single_use}");
        let mut world = SimulatedPlatform::new().balance(5);
        (world.hold_paid, world.single_use) = (hold_paid, single_use);
        world.policy = Some(held_only());
        let mut fetches: Vec<_> = (0..3).map(|_| world.fetch("POST", "/ask")).collect();
        world.run();
        if hold_paid {
            fetches.extend((0..2).map(|_| world.fetch("POST", "/ask")));
            world.run();
            world.hold_paid = false;
            world.run();
        }
        for (index, fetch) in fetches.into_iter().enumerate() {
            let error = world.end(fetch).result.err();
            let code = (index >= 2).then_some("insufficient_credits");
            assert_eq!(error.as_ref().map(FetchError::code), code, "{name}: {index}");
        }
        assert_eq!((world.paid_sends, world.burned), (2, 4), "{name}");
        assert_eq!(world.mints, if single_use { 2 } else { 1 }, "{name}");
    }
}

#[test]
fn rule_3_what_is_promised_of_one_plan_is_not_taken_from_another() {
    let asked = std::cell::Cell::new(0);
    let mut world = SimulatedPlatform::new().seller(move |send, _| match &send.token {
        None => Seller::offer(&offer(if asked.replace(asked.get() + 1) == 0 { "one" } else { "two" }, 2)),
        Some(_) => Seller::paid(2, 0),
    });
    world.policy = Some(held_only());
    world.plans = [("one", 2), ("two", 2)].map(|(plan, held)| (plan.to_string(), Some((held, 0.1)))).into();
    world.hold_paid = true;
    let first = world.fetch("POST", "/first");
    world.run();
    let second = world.fetch("POST", "/second");
    world.run();
    world.hold_paid = false;
    world.run();
    assert!(world.end(first).result.is_ok());
    assert!(world.end(second).result.is_ok());
}

#[test]
fn a_balance_in_doubt_is_read_again() {
    // (name, what a paid request is answered, looks at the balance over two fetches)
    let no_balance =
        support::encode(r#"{"success":true,"transaction":"0x1","network":"n","creditsRedeemed":"2"}"#);
    for (name, answer, looks) in [
        ("a receipt says what we know", Seller::paid(2, 98), 1),
        ("a receipt says that less is left", Seller::paid(2, 97), 2),
        ("a receipt says that nothing is left", Seller::paid(2, 0), 2),
        ("a receipt says that more is left", Seller::paid(2, 1_000_000), 1),
        ("a receipt says that nothing was taken", Seller::paid(0, 100), 1),
        ("a receipt says that all was taken", Seller::paid(100, 0), 2),
        ("a receipt does not say it", Seller::receipt(200, no_balance), 1),
        ("no receipt", Seller::status(200), 1),
        ("the connection died", Seller::lost(), 1),
        ("refused as a client error", Seller::status(404), 1),
    ] {
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, _| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) => answer.clone(),
        });
        world.policy = Some(held_only());
        for _ in 0..2 {
            let fetch = world.fetch("POST", "/ask");
            world.run_one(fetch);
        }
        assert_eq!(world.platform_calls - world.mints - world.terms_read, looks, "{name}");
    }
}

#[test]
fn rule_12_where_nobody_says_a_price_the_plan_does() {
    // (name, the limit, whether the platform says the plan's terms, how it ends)
    for (name, limit, known, expected) in [
        ("the plan's most is within", 2, true, None),
        ("the plan's most is above", 1, true, Some("budget_exceeded")),
        ("the platform does not say", 1_000, false, Some("network_error")),
    ] {
        let mut world = SimulatedPlatform::new().balance(100).seller(|send, _| match &send.token {
            None => Seller::offer(&support::offer_without_price("plan")),
            Some(_) => Seller::paid(2, 98),
        });
        world.policy = Some(Policy { max_credits_per_request: Some(Credits::from(limit)), ..anywhere() });
        world.plan_price = world.plan_price.filter(|_| known);
        let fetch = world.fetch("GET", "/ask");
        let error = world.run_one(fetch).result.err();
        assert_eq!(error.as_ref().map(FetchError::code), expected, "{name}");
        let (paid, counted) = if expected.is_none() { (1, 2) } else { (0, 0) };
        assert_eq!((world.paid_sends, world.mints, world.terms_read), (paid, paid, 1), "{name}");
        assert_eq!(world.buyer.budget().total(), Credits::from(counted), "{name}");
    }
}

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
