//! The Cloudflare Workers shell of the paywall: does what the gate says and reports back. It decides nothing.

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
