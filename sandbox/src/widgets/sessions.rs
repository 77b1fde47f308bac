//! The routes of widget sessions (contract section 8.3).

use crate::context::RequestContext;
use crate::http::error::{ApiError, Result};
use crate::http::fields::text;
use crate::http::response::Response;
use crate::identity::accounts;
use crate::identity::widget_session::{self, Issued};
use crate::pages::return_url;
use crate::primitives::time;
use serde_json::json;

/// `POST /api/v1/widgets/session/self`: opens a session for the caller, which may return to this machine.
pub(crate) fn start(ctx: &RequestContext) -> Result {
    let caller = accounts::caller(ctx)?;
    let body = ctx.request.json()?;
    let text = text(&body, "returnUrl").ok_or_else(|| ApiError::bad_request("returnUrl is missing"))?;
    let url = return_url::parse(text)
        .ok_or_else(|| ApiError::bad_request("returnUrl must be an http or https address"))?;
    let Issued { token, expires_at } = widget_session::issue(ctx, &caller, url.as_str(), None)?;
    Response::created(json!({
        "sessionToken": token, "userId": caller.id(), "userWallet": caller.address,
        "apiKeyHash": caller.key_id, "expiresAt": time::iso(expires_at),
        "isReturnUrlAllowed": return_url::is_loopback(&url),
    }))
}

/// `GET /api/v1/widgets/session/validate`
pub(crate) fn validate(ctx: &RequestContext) -> Result {
    let token = ctx.request.bearer().unwrap_or_default();
    let session = widget_session::find(ctx, token)?;
    let url = ctx.request.returning.as_deref();
    if url.is_some_and(|url| session.target(url).is_none()) {
        return Err(widget_session::not_there());
    }
    Response::ok(json!({
        "valid": true, "userId": session.owner().id(), "userWallet": session.owner,
        "expiresAt": time::iso(session.expires_at), "isReturnUrlAllowed": url.is_some(),
    }))
}
