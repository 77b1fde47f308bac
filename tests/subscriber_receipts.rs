//! A seller's word, as tables: whatever status and receipt answer a payment, no count is lowered, no purchase is confirmed, no
//! balance is set and nothing is paid twice. Rules of money 3, 5, 9, 10 and 12.

// Helpers of tests are tests too, which clippy does not see.
#![allow(clippy::unwrap_used)]

mod support;

use payments_wasm::subscriber::{Finish, Outcome, Policy, Redirected, ResponseHead};
use payments_wasm::wire::Credits;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use support::{
    ORIGIN, Seller, Shelf, SimulatedPlatform, anywhere, buy, buys, encode, held_only, offer, receipt, target,
    yes,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The most that a number of credits can be.
const MOST: &str = "115792089237316195423570985008687907853269984665640564039457584007913129639935";

/// The receipts that a seller may send for a payment that it settled, each with its name.
fn receipts() -> Vec<(&'static str, Option<String>)> {
    let with = |members: &str| Some(encode(&format!(r#"{{"success":true,"transaction":"0x1"{members}}}"#)));
    vec![
        ("no receipt", None),
        ("no amount", with("")),
        ("the amount", Some(receipt(true, 2, 98))),
        ("nothing redeemed", Some(receipt(true, 0, 100))),
        ("less redeemed", Some(receipt(true, 1, 99))),
        ("more redeemed", Some(receipt(true, 3, 97))),
        ("all there is redeemed", with(&format!(r#","creditsRedeemed":"{MOST}""#))),
        ("nothing left", with(r#","creditsRedeemed":"2","remainingBalance":"0""#)),
        ("a million left", with(r#","creditsRedeemed":"2","remainingBalance":"1000000""#)),
        ("a purchase", with(r#","creditsRedeemed":"2","orderTx":"0xbe""#)),
        ("not paid", Some(receipt(false, 0, 0))),
        ("not settled", Some(encode(r#"{"success":false,"errorReason":"not_settled"}"#))),
        ("garbage", Some("!!!".into())),
    ]
}

/// How a seller may answer a payment that it settled.
fn answers() -> Vec<(&'static str, ResponseHead)> {
    let page =
        || ResponseHead { location: Some(Redirected::To(target(ORIGIN, "/moved"))), ..Seller::status(303) };
    vec![
        ("200", Seller::status(200)),
        ("204", Seller::status(204)),
        ("a redirect within the origin", Seller::redirect(307, Redirected::To(target(ORIGIN, "/moved")))),
        ("a redirect elsewhere", Seller::redirect(307, Redirected::To(target("https://b.example", "/x")))),
        ("a redirect to a page", page()),
        ("a hidden redirect", Seller::redirect(0, Redirected::Somewhere)),
        ("400", Seller::status(400)),
        ("401", Seller::status(401)),
        ("401 with the offer", ResponseHead { status: 401, ..Seller::offer(&offer("plan", 2)) }),
        ("402", Seller::status(402)),
        ("402 with the offer", Seller::offer(&offer("plan", 2))),
        ("402 with a cheaper offer", Seller::offer(&offer("plan", 1))),
        ("402 with a dearer offer", Seller::offer(&offer("plan", 3))),
        ("402 with an offer without a price", Seller::offer(&support::offer_without_price("plan"))),
        ("402 with garbage", ResponseHead { offer: Some("!!!".into()), ..Seller::status(402) }),
        ("404", Seller::status(404)),
        ("429", Seller::status(429)),
        ("500", Seller::status(500)),
        ("503", Seller::status(503)),
        ("no answer", Seller::lost()),
    ]
}

/// A plan as the platform states it, what the seller asks, and what a presentation can cost by that.
struct Plan {
    name: &'static str,
    bounds: (u64, u64),
    access: &'static str,
    offer: String,
    most: u64,
    counts: u64,
}

fn plans() -> Vec<Plan> {
    let plan = |name, bounds, access, offer, most, counts| Plan { name, bounds, access, offer, most, counts };
    vec![
        plan("a dynamic plan", (1, 2), "credits", offer("plan", 2), 2, 2),
        plan("a fixed plan that is dearer than its offer", (7, 7), "credits", offer("plan", 1), 7, 7),
        plan("a dynamic plan up to ten", (1, 10), "credits", offer("plan", 1), 10, 10),
        plan("a plan cheaper than its offer", (1, 1), "credits", offer("plan", 4), 1, 4),
        plan(
            "a plan, and an offer without a price",
            (2, 5),
            "credits",
            support::offer_without_price("plan"),
            5,
            5,
        ),
        plan("time", (1, 1), "time", offer("plan", 2), 0, 2),
    ]
}

fn number(credits: Credits) -> u64 {
    credits.to_string().parse().unwrap()
}

/// A seller that takes the most for each presentation, and answers so.
fn takes_all(plan: &Plan, answer: ResponseHead) -> (SimulatedPlatform, Rc<Cell<u64>>) {
    let burned = Rc::new(Cell::new(0));
    let (taken, most, terms) = (burned.clone(), plan.most, plan.offer.clone());
    let mut world =
        SimulatedPlatform::new().balance(1_000).body(Some("<html>".into())).seller(move |send, _| {
            if send.token.is_none() {
                return Seller::offer(&terms);
            }
            taken.set(taken.get() + most);
            answer.clone()
        });
    (world.approval, world.policy) = (None, None);
    (world.plan_bounds, world.plan_access) = (plan.bounds, plan.access);
    (world, burned)
}

#[test]
fn rule_12_whatever_a_seller_says_no_more_is_burned_than_a_limit_allows() {
    let limit = Some(Credits::from(10));
    let policies = [
        ("in all", Policy { max_credits_total: limit, ..anywhere() }),
        ("an hour", Policy { max_credits_per_hour: limit, ..anywhere() }),
        ("a day", Policy { max_credits_per_day: limit, ..anywhere() }),
    ];
    for plan in plans() {
        for (status, answer) in answers() {
            for (said, header) in receipts() {
                for (index, (window, policy)) in policies.iter().enumerate() {
                    let name = format!("{}, {status}, {said}, {window}", plan.name);
                    let (mut world, burned) =
                        takes_all(&plan, ResponseHead { receipt: header.clone(), ..answer.clone() });
                    world.policy = Some(policy.clone());
                    // Single-use tokens are asked for; a platform may hand out others.
                    world.single_use = index != 0;
                    for _ in 0..7 {
                        let fetch = world.fetch("GET", "/ask");
                        let end = world.run_one(fetch);
                        assert_rule_9(&end, &name);
                    }
                    let counted = number(world.buyer.budget().total());
                    assert!(burned.get() <= 10 && counted <= 10, "{name}: {} burned", burned.get());
                    assert!(counted >= burned.get(), "{name}: {counted} counted");
                    // The budget is not used up by a word either: it is what was presented, at what that can cost.
                    let (paid, cost) = (u64::from(world.paid_sends), plan.counts);
                    if !status.contains("offer") {
                        assert_eq!(counted, paid * cost, "{name}");
                        assert!(paid >= (10 / cost).min(7), "{name}: {paid} presentations");
                    }
                    assert_eq!(world.terms_read, 1, "{name}");
                }
            }
        }
    }
}

/// Rule 9, for a fetch that had no consent to buying.
fn assert_rule_9(end: &Finish, name: &str) {
    let spend = &end.spend;
    if spend.credits_presented.is_zero() {
        assert_eq!((spend.outcome, spend.credits_settled), (Outcome::None, None), "{name}");
    } else {
        assert_ne!(spend.outcome, Outcome::None, "{name}");
    }
    if spend.outcome == Outcome::Settled {
        assert!(end.receipt.as_ref().is_some_and(|receipt| receipt.success()), "{name}");
    }
    assert!(spend.purchases.iter().all(|one| !one.confirmed), "{name}: nothing was ordered");
}

#[test]
fn rule_12_one_call_presents_no_more_than_its_limit_allows() {
    for (status, answer) in answers() {
        for (said, header) in receipts() {
            for (limit, most) in [(1, 0), (2, 2), (3, 2), (5, 5)] {
                let name = format!("{status}, {said}, at most {limit}");
                let plan = &plans()[0];
                let (mut world, burned) =
                    takes_all(plan, ResponseHead { receipt: header.clone(), ..answer.clone() });
                let limit = Some(Credits::from(limit));
                world.policy = Some(Policy { max_credits_per_request: limit, ..anywhere() });
                for round in 1..4 {
                    let before = burned.get();
                    let fetch = world.fetch("GET", "/ask");
                    let end = world.run_one(fetch);
                    assert!(burned.get() - before <= most, "{name}, round {round}");
                    assert!(end.spend.credits_presented <= Credits::from(most), "{name}, round {round}");
                }
            }
        }
    }
}

#[test]
fn rule_10_whatever_a_seller_says_nothing_is_ordered_where_the_credits_suffice() {
    for (status, answer) in answers() {
        for (said, header) in receipts() {
            for by_policy in [true, false] {
                let name = format!("{status}, {said}, by policy: {by_policy}");
                let answer = ResponseHead { receipt: header.clone(), ..answer.clone() };
                let mut world = SimulatedPlatform::new().balance(1_000).body(None);
                world.says = Some(Rc::new(move || answer.clone()));
                world.approval = (!by_policy).then(buy);
                world.policy = by_policy.then(buys);
                for _ in 0..5 {
                    let fetch = world.fetch("GET", "/ask");
                    world.run_one(fetch);
                    // Time goes on, or it does not.
                    world.now += if by_policy { 1 } else { 0 };
                }
                assert_eq!(world.orders, 0, "{name}");
            }
        }
    }
}

#[test]
fn rule_10_whatever_a_seller_says_only_what_is_held_is_presented_where_nothing_may_be_bought() {
    // Five credits are held, two are taken each time: the third payment would make the platform buy.
    for (status, answer) in answers() {
        for (said, header) in receipts() {
            let name = format!("{status}, {said}");
            let answer = ResponseHead { receipt: header, ..answer.clone() };
            let mut world = SimulatedPlatform::new().balance(5).body(None);
            world.says = Some(Rc::new(move || answer.clone()));
            (world.approval, world.policy) = (None, Some(held_only()));
            let mut codes = Vec::new();
            for _ in 0..5 {
                let fetch = world.fetch("GET", "/ask");
                codes.extend(world.run_one(fetch).result.err().map(|error| error.code().to_string()));
            }
            // A cheaper offer, or one without a price, needs no less: the platform can take two all the same.
            assert_eq!((world.paid_sends, world.burned, world.orders), (2, 4, 0), "{name}");
            assert_eq!(codes.last().map(String::as_str), Some("insufficient_credits"), "{name}");
        }
    }
}

#[test]
fn rule_12_a_receipt_that_names_more_counts_up_to_what_the_plan_allows() {
    let named = |redeemed: &str| encode(&format!(r#"{{"success":true,"creditsRedeemed":"{redeemed}"}}"#));
    // (what the receipt says, what counts; the offer says two, the plan allows ten)
    for (redeemed, counted) in [("0", 2), ("1", 2), ("2", 2), ("3", 3), ("10", 10), ("11", 10), (MOST, 10)] {
        let header = named(redeemed);
        let mut world = SimulatedPlatform::new().balance(1_000).seller(move |send, _| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) => Seller::receipt(200, header.clone()),
        });
        world.plan_bounds = (1, 10);
        // Nothing is limited, so the plan's terms were not read before.
        world.approval = Some(yes());
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.spend.credits_presented, Credits::from(2), "{redeemed}");
        assert_eq!(world.buyer.budget().total(), Credits::from(counted), "{redeemed}");
        assert_eq!(world.buyer.budget().by_origin(), [(ORIGIN, Credits::from(counted))], "{redeemed}");
        assert_eq!(world.terms_read, u32::from(counted > 2), "{redeemed}");
        // Another seller of another plan is paid as before.
        world.policy = Some(Policy { max_credits_total: Some(Credits::from(counted + 10)), ..anywhere() });
        let other = world.fetch("POST", "/other");
        assert!(world.run_one(other).result.is_ok(), "{redeemed}");
    }
}

#[test]
fn rule_12_a_receipt_that_names_more_stops_no_other_tab() {
    // (what the receipt says, what counts for both tabs: the plan allows ten)
    for (redeemed, counted) in [("2", 2), ("7", 7), (MOST, 10)] {
        let text = Rc::new(RefCell::new(String::new()));
        let tab = |name| {
            let header = encode(&format!(r#"{{"success":true,"creditsRedeemed":"{redeemed}"}}"#));
            let mut world =
                SimulatedPlatform::new().balance(1_000).seller(move |send, _| match &send.token {
                    None => Seller::offer(&offer("plan", 2)),
                    Some(_) => Seller::receipt(200, header.clone()),
                });
            world.plan_bounds = (1, 10);
            world.shelf = Some(Shelf { text: text.clone(), tab: name, full: false });
            world
        };
        let mut first = tab("a");
        first.approval = Some(yes());
        let fetch = first.fetch("POST", "/ask");
        assert!(first.run_one(fetch).result.is_ok(), "{redeemed}");
        assert_eq!(first.buyer.budget().total(), Credits::from(counted), "{redeemed}");
        // Another tab, another seller's path, and a page that is loaded again: what is left is left.
        for name in ["b", "c"] {
            for (most, paid) in [(counted + 9, false), (counted + 10, true)] {
                let mut other = tab(name);
                *other.shelf.as_mut().map(|shelf| &mut shelf.text).unwrap() =
                    Rc::new(RefCell::new(text.borrow().clone()));
                other.policy = Some(Policy { max_credits_total: Some(Credits::from(most)), ..anywhere() });
                let fetch = other.fetch("POST", "/other");
                assert_eq!(other.run_one(fetch).result.is_ok(), paid, "{redeemed}, {most}");
            }
        }
    }
}

#[test]
fn rule_5_a_401_that_says_it_was_paid_is_not_paid_again() {
    // (name, status, whether the token is from an earlier fetch, whether the answer carries the offer)
    for status in [401, 402] {
        for warm in [false, true] {
            for again in [None, Some(2), Some(3)] {
                let name = format!("{status}, old: {warm}, offer: {again:?}");
                let first = u32::from(warm);
                let mut world =
                    SimulatedPlatform::new().balance(100).seller(move |send, world| match &send.token {
                        None => Seller::offer(&offer("plan", 2)),
                        Some(_) if world.paid_sends <= first => Seller::paid(2, 98),
                        Some(_) => ResponseHead {
                            status,
                            offer: again.map(|price| encode(&offer("plan", price))),
                            ..Seller::receipt(status, receipt(true, 2, 96))
                        },
                    });
                world.approval = Some(yes());
                for _ in 0..first {
                    let fetch = world.fetch("POST", "/ask");
                    assert!(world.run_one(fetch).result.is_ok(), "{name}");
                }
                let fetch = world.fetch("POST", "/ask");
                let end = world.run_one(fetch);
                assert!(end.result.is_ok(), "the answer is the caller's: {name}");
                assert_eq!((world.paid_sends, world.mints, world.asked), (1 + first, 1, 1 + first), "{name}");
                assert_eq!(end.spend.outcome, Outcome::Settled, "{name}");
                assert_eq!(end.spend.credits_settled, Some(Credits::from(2)), "{name}");
            }
        }
    }
}

#[test]
fn rule_5_a_402_of_an_origin_that_failed_is_the_caller_s_to_read() {
    let not_settled = || Some(encode(r#"{"success":false,"errorReason":"not_settled","transaction":""}"#));
    for (status, warm, again) in [
        (402, false, None),
        (402, false, Some(2)),
        (402, true, Some(2)),
        (402, true, Some(3)),
        (401, true, Some(2)),
    ] {
        let name = format!("{status}, old: {warm}, offer: {again:?}");
        let first = u32::from(warm);
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, world| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) if world.paid_sends <= first => Seller::paid(2, 98),
            Some(_) => ResponseHead {
                status,
                offer: again.map(|price| encode(&offer("plan", price))),
                receipt: not_settled(),
                ..ResponseHead::default()
            },
        });
        world.approval = Some(yes());
        for _ in 0..first {
            let fetch = world.fetch("POST", "/ask");
            assert!(world.run_one(fetch).result.is_ok(), "{name}");
        }
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert!(end.result.is_ok(), "{name}");
        assert_eq!((world.paid_sends, world.mints), (1 + first, 1), "the handler runs once: {name}");
        assert_eq!((end.spend.outcome, end.spend.payment), (Outcome::Unknown, None), "{name}");
        assert_eq!(end.spend.credits_presented, Credits::from(2), "{name}");
    }
}

#[test]
fn rule_9_a_second_receipt_does_not_replace_the_first_in_what_was_settled() {
    let no_amount = || encode(r#"{"success":true,"transaction":"0x2"}"#);
    // (name, the receipt of the place that the first payment leads to, what was settled in all, the outcome)
    for (name, second, settled, outcome) in [
        ("an amount", Some(receipt(true, 3, 90)), 5, Outcome::Settled),
        ("nothing redeemed", Some(receipt(true, 0, 90)), 2, Outcome::Settled),
        ("no amount", Some(no_amount()), 2, Outcome::Settled),
        ("not paid", Some(receipt(false, 0, 0)), 2, Outcome::Unknown),
        ("garbage", Some("!!!".into()), 2, Outcome::Unknown),
        ("none", None, 2, Outcome::Unknown),
    ] {
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, world| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) if world.paid_sends == 1 => ResponseHead {
                receipt: Some(receipt(true, 2, 98)),
                ..Seller::redirect(303, Redirected::To(target(ORIGIN, "/second")))
            },
            Some(_) => ResponseHead { receipt: second.clone(), ..Seller::status(200) },
        });
        world.approval = Some(yes());
        let fetch = world.fetch("GET", "/ask");
        let end = world.run_one(fetch);
        assert!(end.result.is_ok(), "{name}");
        assert_eq!(world.paid_sends, 2, "{name}");
        assert_eq!(end.spend.credits_settled, Some(Credits::from(settled)), "{name}");
        assert_eq!(end.spend.outcome, outcome, "{name}");
        assert_eq!(world.buyer.records()[0].settled, Some(Credits::from(2)), "the books: {name}");
    }
}

#[test]
fn rule_3_an_offer_for_a_resource_of_another_host_is_refused() {
    // (what the offer says it is for, whether it may be paid)
    for (resource, paid) in [
        ("/ask", true),
        ("", true),
        ("https://api.example/ask", true),
        ("http://api.example/ask", true),
        ("mcp://tools/search", true),
        ("https://honest.example/ask", false),
        ("https://api.example:8443/ask", false),
        ("https://api.example.evil.example/ask", false),
        ("//honest.example/ask", false),
        ("HTTPS://honest.example", false),
        // As it stands in JSON: parsers leave a tab or a line end out.
        (r"h\tttps://honest.example/ask", false),
        (r"/\n/honest.example/ask", false),
        (r"\u00a0https://honest.example/ask", false),
    ] {
        for by_body in [false, true] {
            for approval in [None, Some(buy())] {
                let json = offer("plan", 2).replace(r#""url":"/ask""#, &format!(r#""url":"{resource}""#));
                let body = by_body.then(|| json.clone());
                let mut world = SimulatedPlatform::new().balance(100).body(body).seller(move |send, _| {
                    match &send.token {
                        None if by_body => Seller::status(402),
                        None => Seller::offer(&json),
                        Some(_) => Seller::paid(2, 98),
                    }
                });
                (world.approval, world.policy) = (approval, Some(anywhere()));
                let fetch = world.fetch("POST", "/ask");
                let error = world.run_one(fetch).result.err();
                let code = error.as_ref().map(|error| error.code());
                assert_eq!(code, (!paid).then_some("resource_mismatch"), "{resource}");
                if !paid {
                    assert_eq!((world.asked, world.platform_calls, world.sends), (0, 0, 1), "{resource}");
                }
            }
        }
    }
}
