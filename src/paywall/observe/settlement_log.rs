use crate::codec;
use crate::paywall::sha256;
use crate::wire::{AccessToken, MAX_TOKEN_BYTES, base64};
use alloc::string::String;
use serde_json::Value;

/// A log line of JSON about a request that was delivered, and whose settlement failed or has an unknown outcome (rule 21).
/// The seller reconciles by it. It names the token by a hash of its decoded bytes.
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

/// The hash of the decoded bytes of a token, the same for each alphabet and padding: `sha256:` and hexadecimal digits, as
/// `basenc -d --base64url | sha256sum` gives them.
pub(crate) fn fingerprint(token: &AccessToken) -> String {
    let bytes = base64::decode(token.secret().expose(), MAX_TOKEN_BYTES, "token").unwrap_or_default();
    ["sha256:", &sha256::sha256(&bytes)].concat()
}
