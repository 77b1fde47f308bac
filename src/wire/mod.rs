//! Bytes to types and back: x402 headers, access tokens, receipts, base64, credits, networks, MPP ([`mpp`]) and the scheme
//! `exact` ([`exact`]).
//!
//! Every type checks itself when it is made and bounds its size; nothing here knows JavaScript, a network, a clock
//! or an address of Nevermined's. What a document says beyond what we know is kept as it came.

pub mod base64;
pub mod exact;
pub mod mpp;

mod accept;
mod access_token;
mod api_key;
mod credits;
mod document;
mod environment;
mod error;
mod header;
mod id;
mod payment_required;
mod receipt;
mod scheme;
mod secret;
#[cfg(feature = "serde")]
mod serde;
mod suggestion;

pub use accept::Accept;
pub use access_token::AccessToken;
pub use api_key::ApiKey;
pub use credits::Credits;
pub(crate) use credits::digits;
pub use environment::Environment;
pub use error::{WireError, WireErrorKind};
pub use header::{PAYMENT_REQUIRED, PAYMENT_RESPONSE, PAYMENT_SIGNATURE};
pub use id::{AgentId, DelegationRef, Id, PlanId, ResourceId, kind as id_kind};
pub use payment_required::{PaymentRequired, Resource};
pub(crate) use receipt::NOT_SETTLED;
pub use receipt::Receipt;
pub use scheme::{Network, Scheme};
pub use secret::Secret;
pub use suggestion::nearest_name;

/// The largest decoded [`PaymentRequired`], in bytes (money rule 2).
pub const MAX_OFFER_BYTES: usize = 64 * 1024;
/// The largest [`AccessToken`] as a header value, in bytes: the size that common servers accept for one header.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// The largest decoded [`Receipt`], in bytes.
pub const MAX_RECEIPT_BYTES: usize = 16 * 1024;
/// How many entries `accepts` may have.
pub const MAX_ACCEPTS: usize = 64;
