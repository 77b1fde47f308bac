//! The steps of a paid request: admission by payment or pass, settlement, debts of earlier answers.

pub(crate) mod admission;
pub(crate) mod debts;
pub(crate) mod pass_admission;
pub(crate) mod settlement;
