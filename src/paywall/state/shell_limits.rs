//! The limits of all shells that run the state. `npm run docs` writes them for JavaScript (`bindings/paywall/js/shell_limits.js`).

/// The number of jobs of an object that are done before others have their turn.
#[cfg(any(feature = "tower", feature = "worker"))]
pub(crate) const MAX_JOBS: u32 = 64;
/// The number of times that a command that nobody waits for is sent before it is given up.
#[cfg(any(feature = "tower", feature = "worker"))]
pub(crate) const MAX_ATTEMPTS: u32 = 6;
/// The pause after the first attempt, in milliseconds. Each later pause is twice as long.
#[cfg(any(feature = "tower", feature = "worker"))]
pub(crate) const FIRST_PAUSE_MS: u64 = 100;
/// The time for which closed entries are stored, in milliseconds: 30 days.
pub(crate) const KEEP_MS: u64 = 2_592_000_000;
/// The time for which closed entries are kept in memory, in milliseconds: ten minutes.
pub(crate) const KEEP_IN_MEMORY_MS: u64 = 600_000;
/// The number of closed entries that are kept in memory, of one object or of all of a store together.
pub(crate) const MAX_CLOSED: usize = 10_000;
