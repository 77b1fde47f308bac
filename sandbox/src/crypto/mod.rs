//! The keys that sign, and the secrets that they are derived from.

pub(crate) mod secrets;
pub(crate) mod signing_keys;
