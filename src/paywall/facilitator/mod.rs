//! The answers of the platform: verify, settle and the terms of plans.

pub(crate) mod plan_terms;
pub(crate) mod result;
pub(crate) mod verification_cache;
