//! Verify and settle.

pub(crate) mod settlement;
pub(crate) mod x402;
