//! The native test harness and the tests over several rooms.

pub(crate) mod delegation_tests;
pub(crate) mod harness;
pub(crate) mod ledger_properties;
pub(crate) mod operations;
