//! x402 access tokens: issued, listed, revoked, verified.

pub(crate) mod authorization;
pub(crate) mod issue;
pub(crate) mod permission;
pub(crate) mod protocol;
pub(crate) mod verification;
