//! Widget sessions: a card page acts for an account with a session token instead of its API key (contract section 8.3).

use crate::context::RequestContext;
use crate::http::error::{ApiError, Result};
use crate::identity::accounts;
use crate::identity::api_key::Identity;
use crate::pages::return_url;
use crate::storage::store::binds;
use serde::Deserialize;
use worker::Url;

/// Lifetime of a session in milliseconds.
const LIFE: i64 = 2 * 3_600_000;
/// The prefix of a session token, which distinguishes it from an API key.
const PREFIX: &str = "wst_";
/// A valid session.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Session {
    pub(crate) owner: String,
    /// The app's callback, or the origin of the widget's site.
    return_url: String,
    pub(crate) expires_at: i64,
    /// The widget key of the session; none if the user opened it.
    widget_key: Option<String>,
    /// The key's origins as a JSON list.
    origins: Option<String>,
}

impl Session {
    pub(crate) fn owner(&self) -> Identity {
        Identity { address: self.owner.clone(), key_id: None, org: None }
    }

    /// The URLs that a page may return to. A user's own session: this machine and the URL it was opened for. A
    /// session of a widget key: the key's origins.
    pub(crate) fn target(&self, text: &str) -> Option<Url> {
        let url = return_url::parse(text)?;
        let allowed = match &self.origins {
            Some(stored) => origins(stored).contains(&url.origin().ascii_serialization()),
            None => {
                let opened = return_url::parse(&self.return_url)?;
                return_url::is_loopback(&url) && url.origin() == opened.origin()
            }
        };
        allowed.then_some(url)
    }
}

fn refused(code: &'static str, message: &str) -> ApiError {
    ApiError::new(401, code, message)
        .hint("Open a session with POST /api/v1/widgets/session/self, or with an init token at /api/v1/widgets/session.")
}

/// Finds a session by its token.
pub(crate) fn find(ctx: &RequestContext, token: &str) -> Result<Session> {
    let query = "SELECT owner, return_url, expires_at, widget_key, origins FROM widgets WHERE token = ?";
    let session: Session = ctx
        .store
        .first(query, binds![token])?
        .ok_or_else(|| refused("BCK.WIDGET_SESSION.0005", "The session token is unknown"))?;
    if session.expires_at <= ctx.request.now {
        return Err(refused("BCK.WIDGET_SESSION.0005", "The session has expired"));
    }
    if let Some(key) = &session.widget_key
        && !is_valid_key(ctx, key)?
    {
        return Err(refused("BCK.WIDGET_SESSION.0011", "The session's widget key was revoked"));
    }
    Ok(session)
}

/// The caller, by API key or by session token.
pub(crate) fn caller(ctx: &RequestContext) -> Result<Identity> {
    match ctx.request.bearer().filter(|token| token.starts_with(PREFIX)) {
        Some(token) => Ok(find(ctx, token)?.owner()),
        None => accounts::caller(ctx),
    }
}

/// A newly opened session.
pub(crate) struct Issued {
    pub(crate) token: String,
    pub(crate) expires_at: i64,
}

/// Opens a session of an account; a widget key's session stores the key's id and origins.
pub(crate) fn issue(
    ctx: &RequestContext,
    owner: &Identity,
    url: &str,
    key: Option<(&str, &str)>,
) -> Result<Issued> {
    let token = format!("{PREFIX}{}", ctx.random.hex(24)?.trim_start_matches("0x"));
    let expires_at = ctx.request.now.saturating_add(LIFE);
    let (key, origins) = key.unzip();
    ctx.store.run(
        "INSERT INTO widgets (token, owner, return_url, expires_at, widget_key, origins) VALUES (?, ?, ?, ?, ?, ?)",
        binds![token.as_str(), owner.address.as_str(), url, expires_at, key, origins],
    )?;
    Ok(Issued { token, expires_at })
}

/// The origins of a stored list.
pub(crate) fn origins(stored: &str) -> Vec<String> {
    serde_json::from_str(stored).unwrap_or_default()
}

/// True if a key exists and is not revoked.
fn is_valid_key(ctx: &RequestContext, id: &str) -> Result<bool> {
    let query = "SELECT COUNT(*) AS count FROM widget_keys WHERE id = ? AND revoked = 0";
    Ok(ctx.store.count(query, binds![id])? > 0)
}

/// The session may not return to this URL.
pub(crate) fn not_there() -> ApiError {
    ApiError::new(403, "BCK.WIDGET_SESSION.0012", "The session may not return to this URL")
        .hint("A session that you opened may return to localhost, 127.0.0.1 or [::1], on the origin it was opened for.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn return_urls_of_a_session() {
        let session = |url: &str| Session {
            owner: "0x1".into(),
            return_url: url.into(),
            expires_at: 0,
            widget_key: None,
            origins: None,
        };
        for (opened, target, ok) in [
            ("http://127.0.0.1:4000/callback", "http://127.0.0.1:4000/callback", true),
            ("http://127.0.0.1:4000/callback", "http://127.0.0.1:4000/callback?x=1", true),
            ("http://127.0.0.1:4000/callback", "http://127.0.0.1:4001/callback", false),
            ("http://127.0.0.1:4000/callback", "https://app.example/", false),
            ("https://app.example/", "https://app.example/", false),
            ("http://localhost:4000/", "javascript:alert(1)", false),
        ] {
            assert_eq!(session(opened).target(target).is_some(), ok, "{opened} {target}");
        }
        let origins = Some(json!(["https://app.example", "http://127.0.0.1:5000"]).to_string());
        let of_key = Session { widget_key: Some("k".into()), origins, ..session("https://app.example") };
        for (target, ok) in [
            ("https://app.example/cards?x=1", true),
            ("http://127.0.0.1:5000/", true),
            ("http://127.0.0.1:5001/", false),
            ("https://evil.example/", false),
            ("javascript:alert(1)", false),
        ] {
            assert_eq!(of_key.target(target).is_some(), ok, "{target}");
        }
    }
}
