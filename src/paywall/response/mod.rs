//! The gate's own responses: status and body, CORS, the limit on header sizes.

pub(crate) mod cors;
pub(crate) mod gate_response;
pub(crate) mod header_limit;
pub(crate) mod offer_cache;
pub(crate) mod passed_headers;
