//! The double-entry ledger: postings, balances, audit.

pub(crate) mod audit;
pub(crate) mod balances;
pub(crate) mod book;
pub(crate) mod burn;
pub(crate) mod explorer;
pub(crate) mod invariants;
pub(crate) mod postings;
