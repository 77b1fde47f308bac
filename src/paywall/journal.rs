use super::digest;
use super::price::Terms;
use crate::wire::{AccessToken, MAX_TOKEN_BYTES, base64};
use alloc::{
    format,
    string::{String, ToString},
};
use serde_json::json;

/// One line for the seller to reconcile by: a request whose settlement was sent and whose outcome is not known, and
/// that was delivered (rule 21). JSON; the token is named by a hash of what it decodes to, never said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    line: String,
}

impl Journal {
    /// `why` is the code of what came instead of an outcome; `now` is in milliseconds since 1970.
    pub(crate) fn unknown(
        terms: &Terms,
        token: &AccessToken,
        payer: Option<&str>,
        request_id: Option<&str>,
        why: &str,
        now: u64,
    ) -> Self {
        let line = json!({
            "event": "settlement_unknown",
            "at": now,
            "route": terms.route,
            "plan": terms.plan_id.as_str(),
            "agent": terms.agent_id.as_ref().map(crate::wire::AgentId::as_str),
            "network": terms.network,
            "credits": terms.credits.to_string(),
            "payer": payer,
            "requestId": request_id,
            "token": fingerprint(token),
            "why": why,
        });
        Self { line: line.to_string() }
    }

    /// The line, without an end of line.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }
}

/// A token by the bytes it decodes to, whatever alphabet and padding it came in: `sha256:` and hexadecimal digits, as
/// `basenc -d --base64url | sha256sum` gives them.
fn fingerprint(token: &AccessToken) -> String {
    let bytes = base64::decode(token.secret().expose(), MAX_TOKEN_BYTES, "token").unwrap_or_default();
    format!("sha256:{}", digest::sha256(&bytes))
}
