//! The drivers for native programs: a paying client and a paywall in one process, with a platform that is a function.

// Helpers of tests are tests too, which clippy does not see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod client;
mod dialects;
mod paywall;
mod stores;
mod world;
