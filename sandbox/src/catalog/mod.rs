//! Plans and agents: price, credits, endpoints.

pub(crate) mod agents;
pub(crate) mod credit_rules;
pub(crate) mod currency;
pub(crate) mod endpoint_patterns;
pub(crate) mod plan_terms;
pub(crate) mod plans;
pub(crate) mod redemption;
