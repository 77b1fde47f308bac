//! Budgets: limits, spend, pending orders, and their storage across tabs and reloads.

pub(crate) mod counts;
pub(crate) mod entry;
pub(crate) mod payment_record;
pub(crate) mod pending_orders;
pub(crate) mod persistence;
mod reservation;
pub(crate) mod spend;
