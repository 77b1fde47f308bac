//! Limits, as tables: what a presentation counts, when it is written, and how many plans may be bought at what price, over
//! reloads and tabs too. Rules of money 3, 10 and 12.

// Helpers of tests are tests too, which clippy does not see.
#![allow(clippy::unwrap_used)]

mod presentations;
mod purchases;
#[path = "../support/mod.rs"]
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

/// A page of somebody who holds nothing: each payment needs an order.
fn poor() -> SimulatedPlatform {
    let mut world = SimulatedPlatform::new().balance(0);
    world.plan_credits = 2;
    world.now = 40 * HOUR;
    world
}
