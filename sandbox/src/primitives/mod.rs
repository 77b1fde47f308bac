//! Values without state: time as text, random bytes, EIP-712.

pub(crate) mod contracts;
pub(crate) mod eip712;
pub(crate) mod memo;
pub(crate) mod random;
pub(crate) mod regex;
pub(crate) mod suggestion;
pub(crate) mod time;
