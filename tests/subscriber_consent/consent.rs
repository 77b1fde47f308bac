//! Rule 3: consent, and what may be promised of the credits held.

use super::*;
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
