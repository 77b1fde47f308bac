use crate::codec;
use crate::paywall::sha256;
use crate::wire::{AccessToken, MAX_TOKEN_BYTES, base64};
use alloc::string::String;
use serde_json::Value;

/// One line for the seller to reconcile by: a request that was delivered, and whose settlement did not come to a good
/// end, or to none that is known (rule 21). JSON; the token is named by a hash of what it decodes to, never said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettlementLogLine {
    line: String,
}

impl SettlementLogLine {
    pub(crate) fn new(line: &Value) -> Self {
        Self { line: codec::print(line) }
    }

    /// The line, without an end of line.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }
}

/// A token by the bytes it decodes to, whatever alphabet and padding it came in: `sha256:` and hexadecimal digits, as
/// `basenc -d --base64url | sha256sum` gives them.
pub(crate) fn fingerprint(token: &AccessToken) -> String {
    let bytes = base64::decode(token.secret().expose(), MAX_TOKEN_BYTES, "token").unwrap_or_default();
    ["sha256:", &sha256::sha256(&bytes)].concat()
}
