//! Values without state: time as text, random bytes, EIP-712.

pub(crate) mod eip712;
pub(crate) mod random;
pub(crate) mod time;
