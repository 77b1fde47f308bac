//! The `Payment` HTTP authentication scheme (MPP, draft-httpauth-payment-01): challenges, credentials and receipts.
//!
//! Values are read as deployed servers send them. `request` and `opaque` go back byte for byte: the id of a challenge is a
//! seal over them.

mod auth_header;
mod challenge;
mod credential;
mod receipt;
mod timestamp;

pub use challenge::{MppChallenge, NeverminedCharge};
pub use credential::MppCredential;
pub use receipt::MppReceipt;

/// The response header that carries challenges.
pub const WWW_AUTHENTICATE: &str = "www-authenticate";
/// The request header that carries a credential.
pub const AUTHORIZATION: &str = "authorization";
/// The response header that carries a receipt; never on an error.
pub const PAYMENT_RECEIPT: &str = "payment-receipt";

/// The name of the authentication scheme, which has no case.
const SCHEME: &str = "Payment";
/// The most that a header of challenges, a credential or a receipt may weigh, in bytes.
const MAX_HEADER_BYTES: usize = 32 * 1024;
/// The most challenges that are read of one header.
const MAX_CHALLENGES: usize = 16;

/// The digest of a body as challenges and the platform name it: `sha-256=` and standard base64.
#[must_use]
pub fn body_digest(body: &[u8]) -> alloc::string::String {
    use sha2::Digest as _;
    ["sha-256=", &super::base64::encode_standard(&sha2::Sha256::digest(body))].concat()
}
