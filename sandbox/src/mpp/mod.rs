//! The Machine Payments Protocol: challenges, verify and settle.

pub(crate) mod challenge;
pub(crate) mod mpp_routes;
