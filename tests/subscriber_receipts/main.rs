//! A seller's word, as tables: whatever status and receipt answer a payment, no count is lowered, no purchase is confirmed, no
//! balance is set and nothing is paid twice. Rules of money 3, 5, 9, 10 and 12.

// Helpers of tests are tests too, which clippy does not see.
#![allow(clippy::unwrap_used)]

mod answers;
mod burned;
#[path = "../support/mod.rs"]
mod support;

use payments_wasm::subscriber::{Finish, Outcome, Policy, Redirected, ResponseHead};
use payments_wasm::wire::Credits;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use support::{
    ORIGIN, Seller, Shelf, SimulatedPlatform, anywhere, buy, buys, encode, held_only, offer, receipt, target,
    yes,
};

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
