//! The gate's own addresses below `/.well-known/payments`: status, passes, metrics, receipts, the journal.

pub(crate) mod journal;
pub(crate) mod metrics;
pub(crate) mod passes;
pub(crate) mod receipts;
pub(crate) mod status;
