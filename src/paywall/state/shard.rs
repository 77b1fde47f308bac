//! The names of the state's objects.

use crate::paywall::sha256::sha256;
use alloc::string::String;

/// Hexadecimal digits of an object's name.
pub(crate) const SHARD_DIGITS: usize = 16;

/// The name of the object of one payer (`payer`) or one masked address (`address`): a hash, so that a receipt's URL can
/// contain it.
pub(crate) fn shard(kind: &str, who: &str) -> String {
    let mut digest = sha256([kind, ":", &who.trim().to_ascii_lowercase()].concat().as_bytes());
    digest.truncate(SHARD_DIGITS);
    digest
}

/// The name of the object that is the seller's book.
pub(crate) fn book() -> String {
    shard("journal", "")
}
