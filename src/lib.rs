//! Pay for an HTTP resource from a page, charge for one from an edge Worker: x402 and Nevermined payment plans.
//!
//! The floors, each of which knows only those below it:
//!
//! * [`wire`]: bytes to types and back (headers, tokens, receipts, credits).
//! * [`api`]: the Nevermined HTTP API as data, one call a value.
//! * [`subscriber`] and [`paywall`]: the decisions, as state machines without I/O.
//! * the shells, one for each feature: `bindings` for JavaScript (`subscriber`, `paywall`, `builder`), `worker` (`worker`,
//!   and `worker-entry` for the Worker that is deployed as it is).

extern crate alloc;

pub mod api;
#[cfg(any(feature = "subscriber", feature = "paywall", feature = "builder", feature = "dialects"))]
mod bindings;
#[cfg(all(feature = "client", not(target_arch = "wasm32")))]
pub mod client;
mod codec;
pub mod paywall;
#[cfg(all(feature = "sqlite", not(target_arch = "wasm32")))]
pub mod sqlite;
pub mod subscriber;
#[cfg(all(feature = "tower", not(target_arch = "wasm32")))]
pub mod tower;
#[cfg(all(any(feature = "client", feature = "tower"), not(target_arch = "wasm32")))]
pub mod transport;
pub mod wire;
#[cfg(feature = "worker")]
pub mod worker;

#[cfg(doctest)]
#[doc = include_str!("../docs/rust.md")]
struct RustBlocks;
