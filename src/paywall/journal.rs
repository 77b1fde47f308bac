use super::digest;
use super::price::Terms;
use crate::wire::AccessToken;
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
        let payload = serde_json::to_vec(token.document()).unwrap_or_default();
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
            "token": format!("sha256:{}", digest::sha256(&payload)),
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
