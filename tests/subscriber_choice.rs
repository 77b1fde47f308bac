//! Which offer, and who is asked about it: choice, quotes, questions, remembered answers.

mod support;

use payments_wasm::subscriber::{Approval, FetchId, FetchRequest};
use support::{ORIGIN, Seller, SimulatedPlatform, anywhere, buy, offer, target, yes};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn a_remembered_approval_is_not_asked_for_again() {
    let mut world = SimulatedPlatform::new().balance(1_000).seller(|send, _| {
        let price = if send.target.is_none() { 2 } else { 3 };
        match &send.token {
            None => Seller::offer(&offer("plan", price)),
            Some(_) => Seller::paid(price, 90),
        }
    });
    world.approval = Some(Approval { approve: true, remember: true, ..Approval::default() });
    for path in ["/ask", "/ask", "/other"] {
        let fetch = world.fetch("POST", path);
        assert!(world.run_one(fetch).result.is_ok());
    }
    assert_eq!(world.asked, 1);
}

#[test]
fn a_remembered_approval_pays_and_does_not_buy() {
    // (name, what the buyer knows of the balance before the second fetch, asked in all, orders in all)
    for (name, left, knows) in [("known to be short", 1, true), ("found to be short by a refusal", 0, false)]
    {
        let mut world = SimulatedPlatform::new().balance(2 + left);
        world.plan_credits = 10;
        world.approval = Some(Approval { remember: true, ..buy() });
        world.reported_balance = true;
        let first = world.fetch("POST", "/ask");
        assert!(world.run_one(first).result.is_ok());
        assert_eq!((world.asked, world.orders), (1, 0), "{name}");
        if !knows {
            world.now += 60_000;
        }
        let second = world.fetch("POST", "/ask");
        assert!(world.run_one(second).result.is_ok(), "{name}");
        assert_eq!((world.asked, world.orders), (2, 1), "{name}");
    }
}

#[test]
fn among_several_offers_what_is_held_comes_first_then_the_price_then_the_order() {
    type Row =
        (&'static str, Vec<(&'static str, u64)>, Vec<(&'static str, Option<(u64, f64)>)>, &'static str);
    let rows: Vec<Row> = vec![
        ("held", vec![("a", 2), ("b", 2)], vec![("a", Some((0, 0.01))), ("b", Some((5, 9.0)))], "b"),
        (
            "held by none: the price",
            vec![("a", 2), ("b", 2)],
            vec![("a", Some((0, 0.5))), ("b", Some((1, 0.1)))],
            "b",
        ),
        (
            "held by both: the price",
            vec![("a", 9), ("b", 2)],
            vec![("a", Some((9, 0.1))), ("b", Some((9, 0.2)))],
            "b",
        ),
        (
            "a dear credit, few of them",
            vec![("a", 100), ("b", 1)],
            vec![("a", Some((0, 0.1))), ("b", Some((0, 1.0)))],
            "b",
        ),
        (
            "a cheap credit, a few of them",
            vec![("a", 1), ("b", 6)],
            vec![("a", Some((0, 5.0))), ("b", Some((0, 0.5)))],
            "b",
        ),
        (
            "alike: the seller's order",
            vec![("a", 2), ("b", 2)],
            vec![("a", Some((9, 0.1))), ("b", Some((9, 0.1)))],
            "a",
        ),
        ("not to be learned", vec![("a", 2), ("b", 2)], vec![("a", None), ("b", Some((0, 0.1)))], "b"),
        ("nothing to be learned", vec![("a", 2), ("b", 2)], vec![("a", None), ("b", None)], "a"),
    ];
    for (name, accepts, plans, taken) in rows {
        let json = offers(&accepts);
        let mut world = SimulatedPlatform::new().seller(move |send, _| match &send.token {
            None => Seller::offer(&json),
            Some(_) => Seller::paid(2, 1),
        });
        world.policy = Some(anywhere());
        world.plans = plans.into_iter().map(|(plan, held)| (plan.to_string(), held)).collect();
        let fetch = world.fetch("POST", "/ask");
        assert!(world.run_one(fetch).result.is_ok(), "{name}");
        assert!(world.mint_bodies[0].contains(&format!(r#""planId":"{taken}""#)), "{name}");
        assert!(world.choices.is_empty());
    }
}

#[test]
fn whoever_is_to_choose_chooses() {
    for (choice, expected) in
        [(Some(1), Ok("b")), (Some(2), Err("consent_denied")), (None, Err("consent_denied"))]
    {
        let json = offers(&[("a", 2), ("b", 2)]);
        let mut world = SimulatedPlatform::new().seller(move |send, _| match &send.token {
            None => Seller::offer(&json),
            Some(_) => Seller::paid(2, 1),
        });
        world.policy = Some(anywhere());
        world.select = choice;
        world.request = Some(FetchRequest {
            can_select: true,
            ..FetchRequest::new(support::target(support::ORIGIN, "/ask"), "GET")
        });
        let fetch = world.fetch("GET", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(world.choices, [["a", "b"]]);
        match expected {
            Ok(plan) => assert!(world.mint_bodies[0].contains(&format!(r#""planId":"{plan}""#))),
            Err(code) => assert_eq!(end.result.unwrap_err().code(), code),
        }
    }
}

#[test]
fn a_quote_says_the_terms_and_does_nothing() {
    let json = offers(&[("a", 2), ("b", 3)]);
    let mut world = SimulatedPlatform::new().seller(move |_, _| Seller::offer(&json));
    world.approval = Some(buy());
    world.request = Some(FetchRequest {
        quote: true,
        ..FetchRequest::new(support::target(support::ORIGIN, "/ask"), "GET")
    });
    let fetch = world.fetch("GET", "/ask");
    let end = world.run_one(fetch);
    assert!(end.result.is_ok());
    assert_eq!(end.offers.iter().map(|offer| offer.plan_id().as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((world.asked, world.mints, world.orders, world.platform_calls), (0, 0, 0, 0));
}

#[test]
fn a_quote_of_what_was_paid_before_is_a_quote() {
    let mut world = SimulatedPlatform::new().balance(100);
    world.approval = Some(yes());
    let paid = world.fetch("GET", "/ask");
    assert!(world.run_one(paid).result.is_ok());
    let before = (world.asked, world.mints, world.paid_sends, world.burned);
    let target = support::target(support::ORIGIN, "/ask");
    world.request = Some(FetchRequest { quote: true, ..FetchRequest::new(target, "GET") });
    let quote = world.fetch("GET", "/ask");
    let end = world.run_one(quote);
    assert_eq!((world.asked, world.mints, world.paid_sends, world.burned), before);
    assert_eq!((end.offers.len(), end.spend.requests), (1, 1));
    assert!(!end.offers[0].remembered);
}

#[test]
fn a_server_that_names_a_thousand_plans_does_not_have_us_ask_for_them_all() {
    let plans: Vec<String> = (0..64).map(|index| format!("p{index}")).collect();
    let json = offers(&plans.iter().map(|plan| (plan.as_str(), 2)).collect::<Vec<_>>());
    let mut world = SimulatedPlatform::new().seller(move |send, _| match &send.token {
        None => Seller::offer(&json),
        Some(_) => Seller::paid(2, 1),
    });
    world.policy = Some(anywhere());
    let fetch = world.fetch("POST", "/ask");
    assert!(world.run_one(fetch).result.is_ok());
    assert_eq!(world.platform_calls - world.mints, 8, "looks at balances");
}

#[test]
fn a_question_that_fails_or_is_denied_lets_the_next_be_asked() {
    for (throws, code) in [(true, "approve_failed"), (false, "consent_denied")] {
        let mut world = SimulatedPlatform::new().balance(100);
        world.approve_throws = throws;
        world.approval = (!throws).then(Approval::default);
        let fetches: Vec<_> = (0..3).map(|_| world.fetch("POST", "/ask")).collect();
        world.run();
        for fetch in fetches {
            assert_eq!(world.end(fetch).result.unwrap_err().code(), code);
        }
        assert_eq!((world.asked, world.most_asked_at_once), (3, 1));
        assert_eq!(world.buyer.open_fetches(), 0, "what has ended and been told is forgotten");
    }
}

#[test]
fn one_question_at_a_time_and_a_remembered_answer_for_all_who_wait() {
    for (remember, asked) in [(true, 1), (false, 20)] {
        let mut world = SimulatedPlatform::new().balance(1_000);
        world.approval = Some(Approval { remember, ..yes() });
        let fetches: Vec<_> = (0..20).map(|_| world.fetch("POST", "/ask")).collect();
        world.run();
        for fetch in fetches {
            assert!(world.end(fetch).result.is_ok());
        }
        assert_eq!(world.asked, asked);
        assert_eq!(world.most_asked_at_once, 1);
    }
}

#[test]
fn rule_3_two_ways_to_pay_of_one_plan_are_one_look_at_its_balance_and_one_question() {
    // (name, whether somebody is asked, what the platform says of the balance)
    for (name, asked, held) in [
        ("a policy", false, Some((5, 0.1))),
        ("somebody is asked", true, Some((5, 0.1))),
        ("a policy, and nothing to be learned", false, None),
        ("somebody is asked, and nothing to be learned", true, None),
    ] {
        let json = offers(&[("a", 3), ("a", 2)]);
        let mut world = SimulatedPlatform::new().seller(move |send, _| match &send.token {
            None => Seller::offer(&json),
            Some(_) => Seller::paid(2, 1),
        });
        world.approval = asked.then(yes);
        world.policy = (!asked).then(anywhere);
        world.plans = [("a".to_string(), held)].into();
        let fetch = world.fetch("POST", "/ask");
        assert!(world.run_one(fetch).result.is_ok(), "{name}");
        assert_eq!((world.asked, world.mints, world.platform_calls), (u32::from(asked), 1, 2), "{name}");
    }
}

/// An offer of several plans, `(plan, credits)`, in that order.
fn offers(plans: &[(&str, u64)]) -> String {
    let entries: Vec<String> = plans
        .iter()
        .map(|(plan, credits)| {
            format!(
                r#"{{"scheme":"nvm:erc4337","network":"eip155:84532","planId":"{plan}","extra":{{"credits":"{credits}"}}}}"#
            )
        })
        .collect();
    format!(r#"{{"x402Version":2,"resource":{{"url":"/ask"}},"accepts":[{}]}}"#, entries.join(","))
}

/// A fetch by the code that is being asked about `outer`, of whomever has that number.
fn inner(world: &mut SimulatedPlatform, outer: FetchId, asks: u32) -> FetchId {
    world.request =
        Some(FetchRequest { asks, within: Some(outer), ..FetchRequest::new(target(ORIGIN, "/risk"), "GET") });
    let fetch = world.fetch("GET", "/risk");
    world.run();
    fetch
}

#[test]
fn whoever_is_asked_may_pay_before_the_answer_but_not_wait_for_itself() {
    let mut world = SimulatedPlatform::new().balance(100);
    world.approval = Some(yes());
    world.hold_questions = true;
    world.request = Some(FetchRequest { asks: 1, ..FetchRequest::new(target(ORIGIN, "/ask"), "POST") });
    let outer = world.fetch("POST", "/ask");
    world.run();

    // The same callback would be asked the same: it would never answer.
    let same = inner(&mut world, outer, 1);
    let error = world.end(same).result.unwrap_err();
    assert_eq!(error.code(), "approve_reentered");

    // Another is asked at once, and what that one begins is inside the first question too.
    let other = inner(&mut world, outer, 2);
    assert_eq!(world.most_asked_at_once, 2);
    let deeper = inner(&mut world, other, 1);
    assert_eq!(world.end(deeper).result.unwrap_err().code(), "approve_reentered");

    // An unrelated fetch with the same question waits meanwhile, for a limited time.
    world.request = Some(FetchRequest { asks: 1, ..FetchRequest::new(target(ORIGIN, "/ask"), "POST") });
    let later = world.fetch("POST", "/ask");
    world.run();
    assert_eq!(world.most_asked_at_once, 2);
    assert_eq!(world.limits.get(&later), Some(&Some(300_000)));
    world.hold_questions = false;
    world.run();
    for fetch in [outer, other, later] {
        assert!(world.end(fetch).result.is_ok());
    }
    assert_eq!(world.limits.get(&later), Some(&None), "its own question may take as long as it takes");
    assert_eq!(world.asked, 3);
}
