//! Tokens and where they go, as tables: rules of money 4, 5, 6 and 13.

mod minting;
mod origins;
mod refusals;
#[path = "../support/mod.rs"]
mod support;
