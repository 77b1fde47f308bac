//! How long a step may take, and going on after an outcome that is not known: rules 5, 9 and 12.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod resume;
#[path = "../support/mod.rs"]
mod support;
mod time_limits;

use payments_wasm::subscriber::{Approval, FetchRequest, Finish, Policy, Timeouts};
use payments_wasm::wire::Credits;
use support::{ORIGIN, SimulatedPlatform, target, yes};

pub(crate) const TIMEOUTS: Timeouts =
    Timeouts { send: Some(1_000), platform: Some(2_000), approve: Some(3_000), credits: Some(4_000) };

pub(crate) fn request() -> FetchRequest {
    FetchRequest { timeouts: TIMEOUTS, ..FetchRequest::new(target(ORIGIN, "/ask"), "POST") }
}

pub(crate) fn counted(world: &SimulatedPlatform) -> u64 {
    world.buyer.budget().total().to_string().parse().unwrap()
}

pub(crate) fn code(end: &Finish) -> String {
    end.result.as_ref().map_or_else(|error| error.code().into(), |()| "ok".into())
}

/// A yes to paying from what is held, and a no to buying.
pub(crate) fn held_only_yes() -> Approval {
    Approval { purchase: Some(false), ..yes() }
}

pub(crate) fn limit(total: u64) -> Policy {
    Policy { max_credits_total: Some(Credits::from(total)), ..Policy::default() }
}
