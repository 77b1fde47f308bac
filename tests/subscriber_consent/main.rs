//! Consent, purchases and budgets, as tables: rules of money 3, 10 and 12.

mod budgets;
mod consent;
mod purchases;
#[path = "../support/mod.rs"]
mod support;

use payments_wasm::subscriber::{Approval, Event, FetchError, FetchRequest, Outcome, Policy};
use payments_wasm::wire::Credits;
use std::sync::Arc;
use support::{Seller, SimulatedPlatform, anywhere, buy, buys, held_only, offer, target, yes};
