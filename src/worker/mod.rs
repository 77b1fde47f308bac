//! The paywall in a Cloudflare Worker in Rust (feature `worker`, target `wasm32-unknown-unknown`): a [`Paywall`] stands around the
//! Worker's handler.
//!
//! The Durable Object class `PaywallState` comes with this module; `wrangler.toml` binds it as `PAYWALL_STATE`.
//! `npx payments-wasm paywall init my-api --rust` writes a project that has it, with the build command and the module that loads the
//! WebAssembly. `docs/rust.md` has hooks, prices and what a panic does.
//!
//! This is a shell: it does what the gate of [`paywall`](crate::paywall) says, reports back, and decides nothing.

mod dialects;
mod durable_object;
mod env;
mod handler;
mod hooks;
mod js;
mod js_call;
mod meter;
mod origin;
mod report;
mod settings;
mod shell;
mod time_limit;

pub use crate::paywall::PaymentContext;
pub use handler::Paywall;
pub use hooks::PriceRequest;
