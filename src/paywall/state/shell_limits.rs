//! The limits of the shells in Rust that run the state. Those in JavaScript have the same in `state_store.js`.

/// How many jobs of an object are done before others have their turn.
pub(crate) const MAX_JOBS: u32 = 64;
/// How often a command that nobody waits for is sent until it arrives.
pub(crate) const MAX_ATTEMPTS: u32 = 6;
/// The pause after the first attempt, in milliseconds. Each later pause is twice as long.
pub(crate) const FIRST_PAUSE_MS: u64 = 100;
