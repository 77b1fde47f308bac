//! Tests of the edges of a fetch's steps: a fetch that has ended stays ended, fetches share a purchase that is under way, and an
//! approval that comes late uses a token only for the delegation that the token is of (rules 3, 4, 8, 9 and 10).

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use payments_wasm::subscriber::{
    Approval, Event, FetchRequest, Finish, NoticeKind, Outcome, Policy, PurchaseLimits, Timeouts,
};
use payments_wasm::wire::DelegationRef;
use support::{
    ORIGIN, Seller, SimulatedPlatform, anywhere, buys, encode, held_only, offer, target, token, yes,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn code(end: &Finish) -> String {
    end.result.as_ref().map_or_else(|error| error.code().into(), |()| "ok".into())
}

/// A 402 that offers these plans.
fn plans(names: &[&str]) -> String {
    let entry = |plan: &&str| {
        format!(r#"{{"scheme":"nvm:erc4337","network":"n","planId":"{plan}","extra":{{"credits":"2"}}}}"#)
    };
    let entries: Vec<_> = names.iter().map(entry).collect();
    let foreign = r#"{"scheme":"exact","network":"eip155:1"}"#.to_owned();
    let entries = [entries, vec![foreign]].concat().join(",");
    format!(r#"{{"x402Version":2,"resource":{{"url":"/ask"}},"accepts":[{entries}],"extensions":{{}}}}"#)
}

fn chooses() -> FetchRequest {
    FetchRequest { can_select: true, ..FetchRequest::new(target(ORIGIN, "/ask"), "GET") }
}

#[test]
fn rule_3_where_nothing_can_be_paid_nobody_is_asked_and_no_consent_is_missing() {
    for (name, asks, selects) in [
        ("nobody can be asked", false, false),
        ("somebody can", true, false),
        ("a choice can be made", true, true),
    ] {
        let mut world = SimulatedPlatform::new().seller(|_, _| Seller::offer(&plans(&[])));
        world.approval = asks.then(yes);
        world.request = selects.then(chooses);
        let fetch = world.fetch("GET", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(
            (code(&end), world.asked, world.choices.len()),
            ("no_payable_offer".into(), 0, 0),
            "{name}"
        );
    }
}

#[test]
fn rule_3_a_choice_that_throws_is_no_consent() {
    let mut world = SimulatedPlatform::new().seller(|_, _| Seller::offer(&plans(&["a", "b"])));
    (world.approval, world.request, world.hold_questions) = (Some(yes()), Some(chooses()), true);
    let fetch = world.fetch("GET", "/ask");
    world.run();
    world.on(fetch, Event::ApproveFailed);
    let end = world.run_one(fetch);
    assert_eq!((code(&end), end.spend.outcome, world.mints), ("approve_failed".into(), Outcome::None, 0));
}

#[test]
fn rule_8_an_end_stays_the_end() {
    for late in [Event::Aborted, Event::TimedOut, Event::SendFailed, Event::ApproveFailed] {
        let mut world = SimulatedPlatform::new();
        world.policy = Some(anywhere());
        let fetch = world.fetch("GET", "/ask");
        world.run();
        world.on(fetch, late.clone());
        let end = world.run_one(fetch);
        assert_eq!((code(&end), end.spend.outcome), ("ok".into(), Outcome::Settled), "{late:?}");
    }
}

#[test]
fn a_notice_names_the_plan_once_the_terms_are_known() {
    let mut world = SimulatedPlatform::new().balance(0);
    (world.policy, world.single_use) = (Some(buys()), true);
    let fetch = world.fetch("GET", "/ask");
    assert_eq!(code(&world.run_one(fetch)), "ok");
    assert_eq!((world.orders, world.mints), (1, 1));
    let noticed: Vec<_> = world.notices.iter().zip(&world.noticed_plans).collect();
    assert!(noticed.iter().any(|(kind, _)| matches!(kind, NoticeKind::Order { tx_hash: Some(_) })));
    assert!(noticed.iter().any(|(kind, _)| matches!(kind, NoticeKind::Mint { single_use: true })));
    for (kind, plan) in noticed {
        let expected = if *kind == NoticeKind::Request { None } else { Some("plan") };
        assert_eq!(plan.as_deref(), expected, "{kind:?}");
    }
}

#[test]
fn rule_9_a_refusal_is_told_as_one_and_any_other_answer_without_a_receipt_as_unknown() {
    for (status, refused, unknown) in
        [(402, true, false), (401, true, false), (500, false, true), (200, false, true)]
    {
        let mut world = SimulatedPlatform::new().seller(move |send, _| match &send.token {
            Some(_) => Seller::status(status),
            None => Seller::offer(&offer("plan", 2)),
        });
        world.policy = Some(anywhere());
        let fetch = world.fetch("GET", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.spend.outcome, Outcome::Unknown, "{status}");
        let noticed = |kind: &NoticeKind| world.notices.contains(kind);
        assert_eq!(
            (noticed(&NoticeKind::Refused), noticed(&NoticeKind::Unknown)),
            (refused, unknown),
            "{status}"
        );
    }
}

#[test]
fn rule_4_a_purchase_under_way_is_shared_and_counts_once() {
    let limits = PurchaseLimits { per_hour: Some(1), ..PurchaseLimits::default() };
    let policy = || Policy { max_purchases: limits, ..buys() };
    let mut world = SimulatedPlatform::new().balance(0);
    (world.policy, world.hold_jobs) = (Some(policy()), true);
    let first = world.fetch("GET", "/ask");
    world.run();
    // The order is on its way when the second one needs it.
    world.work_once();
    let second = world.fetch("GET", "/other");
    world.run();
    world.hold_jobs = false;
    world.run();
    let ends = [first, second].map(|fetch| code(&world.end(fetch)));
    assert_eq!((ends, world.orders), (["ok".into(), "ok".into()], 1));
    // It was the only one of this hour.
    let mut world = SimulatedPlatform::new().balance(0);
    (world.policy, world.plan_credits) = (Some(policy()), 2);
    let ends: Vec<_> = (0..2)
        .map(|_| {
            let fetch = world.fetch("GET", "/ask");
            code(&world.run_one(fetch))
        })
        .collect();
    assert_eq!((ends, world.orders), (vec!["ok".into(), "budget_exceeded".to_owned()], 1));
}

#[test]
fn rule_10_without_an_account_nobody_can_say_that_the_credits_suffice() {
    for (name, policy, expected) in
        [("only what is held", held_only(), "insufficient_credits"), ("anything", anywhere(), "ok")]
    {
        let mut world = SimulatedPlatform::new();
        world.buyer.log_in(None, Some(DelegationRef::parse("d-1", "delegationId").unwrap()));
        world.policy = Some(policy);
        let fetch = world.fetch("GET", "/ask");
        let end = world.run_one(fetch);
        assert_eq!((code(&end).as_str(), world.paid_sends > 0), (expected, expected == "ok"), "{name}");
    }
}

#[test]
fn who_waits_for_the_answer_to_anothers_question_waits_as_long_as_a_question_may_take() {
    for (approve, limit) in [(Some(3_000), Some(3_000)), (None, Some(300_000))] {
        let timeouts = Timeouts { approve, ..Timeouts::default() };
        let request = FetchRequest { timeouts, ..FetchRequest::new(target(ORIGIN, "/ask"), "GET") };
        let mut world = SimulatedPlatform::new();
        (world.approval, world.request, world.hold_questions) = (Some(yes()), Some(request), true);
        let first = world.fetch("GET", "/ask");
        world.run();
        let second = world.fetch("GET", "/ask");
        world.run();
        let limit_of = |fetch| world.limits.get(&fetch).copied().flatten();
        assert_eq!((limit_of(first), limit_of(second)), (approve, limit), "{approve:?}");
        let end = world.time_out(second);
        assert_eq!((code(&end), world.mints), ("approve_timeout".into(), 0), "{approve:?}");
    }
}

#[test]
fn rule_4_a_token_that_comes_while_somebody_is_asked_again_is_used_for_the_delegation_it_is_of() {
    let other = DelegationRef::parse("d-2", "delegationId").unwrap();
    for (name, delegation, mints, presented) in
        [("the same", None, 2, "t2"), ("another", Some(other), 3, "t3")]
    {
        let mut world = SimulatedPlatform::new().balance(2);
        (world.policy, world.single_use) = (Some(held_only()), true);
        // The first approval holds for the session, and the first payment takes the last credits.
        world.approval = Some(Approval { remember: true, ..yes() });
        let first = world.fetch("GET", "/ask");
        assert_eq!((code(&world.run_one(first)).as_str(), world.mints), ("ok", 1), "{name}");
        // The second is short: it is asked about again, while its token is being minted.
        (world.hold_jobs, world.hold_questions) = (true, true);
        let second = world.fetch("GET", "/ask");
        world.run();
        world.work_once();
        world.work_once();
        assert_eq!((world.mints, world.asked), (2, 1), "{name}: minted, and not answered");
        // Credits have come, which whoever is asked looks at, and the answer is yes.
        let mut world = world.balance(100);
        world.reported_balance = true;
        world.approval = Some(Approval { delegation_id: delegation, ..yes() });
        (world.hold_jobs, world.hold_questions) = (false, false);
        let end = world.run_one(second);
        assert_eq!((code(&end).as_str(), world.asked, world.mints), ("ok", 2, mints), "{name}");
        assert_eq!(world.presented.last().unwrap(), &token(presented, true), "{name}");
    }
}

#[test]
fn an_offer_that_names_its_place_in_another_way_is_the_same_place() {
    for (resource, expected) in [
        ("https://api.example/ask", "ok"),
        ("http://api.example/ask", "ok"),
        ("/ask", "ok"),
        ("https://evil.example/ask", "resource_mismatch"),
        ("https://api.example:8443/ask", "resource_mismatch"),
    ] {
        let terms = offer("plan", 2).replace(r#""url":"/ask""#, &format!(r#""url":"{resource}""#));
        let mut world = SimulatedPlatform::new().seller(move |send, _| match &send.token {
            Some(_) => Seller::paid(2, 98),
            None => payments_wasm::subscriber::ResponseHead {
                status: 402,
                offer: Some(encode(&terms)),
                ..Default::default()
            },
        });
        world.policy = Some(anywhere());
        let fetch = world.fetch("GET", "/ask");
        assert_eq!(code(&world.run_one(fetch)), expected, "{resource}");
    }
}
