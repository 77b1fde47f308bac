//! The keys that sign, and the secrets that they are derived from.

pub(crate) mod account_key;
pub(crate) mod eip712_signature;
pub(crate) mod issuer_key;
pub(crate) mod jwt;
pub(crate) mod secrets;
