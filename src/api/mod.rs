//! The Nevermined HTTP API as data: one call is one value that builds a [`Request`] and reads a [`Response`].
//!
//! Nothing here retries, sleeps or sends. A new call touches one file. "Section N" is a section of
//! the contract, `docs/nevermined-api.md`.

mod call;
pub(crate) mod calls;
mod deployment;
mod error;
mod http;
pub(crate) mod json_text;
pub(crate) mod query;

pub mod builder;
pub mod delegations;
pub mod plans;
pub mod retry;
pub mod x402;

pub use call::Call;
pub use deployment::Deployment;
pub(crate) use deployment::is_loopback;
pub use error::{ApiError, ApiErrorKind};
pub use http::{Auth, Method, Request, Response};

/// The API version that requests are pinned to, `Nevermined-Version` (section 1.1).
pub const API_VERSION: &str = "1.1";
/// The largest response of the platform, in bytes; a larger one is garbled.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;
