//! Prices and the moment of settlement.

pub(crate) mod body_counter;
pub(crate) mod ending;
pub(crate) mod price;
pub(crate) mod settlement_policy;
