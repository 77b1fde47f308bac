//! Records for the operator: counters, the request log, the settlement log.

pub(crate) mod counters;
pub(crate) mod request_log;
pub(crate) mod settlement_log;
pub(crate) mod span;
