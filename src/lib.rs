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
#[cfg(any(feature = "subscriber", feature = "paywall", feature = "builder"))]
mod bindings;
mod codec;
pub mod paywall;
pub mod subscriber;
pub mod wire;

#[cfg(feature = "worker")]
pub mod worker;

#[cfg(doctest)]
#[doc = include_str!("../docs/rust.md")]
struct RustBlocks;
