//! The routes of delegations (contract section 4.6).

use crate::context::RequestContext;
use crate::delegations::delegation::{self, COLUMNS, Delegation};
use crate::http::error::{ApiError, Result};
use crate::http::fields::text;
use crate::http::response::Response;
use crate::identity::{accounts, widget_session};
use crate::storage::store::binds;
use serde_json::{Value, json};

/// `POST /api/v1/delegation/create`: with an API key or from a card page.
pub(crate) fn create(ctx: &RequestContext) -> Result {
    let caller = widget_session::caller(ctx)?;
    let body = ctx.request.json()?;
    let provider = text(&body, "provider").ok_or_else(|| ApiError::bad_request("provider is missing"))?;
    let delegation = delegation::open(ctx, &caller, &body, provider)?;
    Response::created(json!({ "delegationId": delegation.id }))
}

/// `GET /api/v1/delegation`. With `accessible=true`: the delegations that the calling key may use and that have money
/// left.
pub(crate) fn list(ctx: &RequestContext) -> Result {
    let (caller, page) = (accounts::caller(ctx)?, ctx.request.page());
    let filter = "owner = ?1 AND (?2 = '' OR ((api_key_id IS NULL OR api_key_id = ?2) AND revoked = 0 AND expires_at > ?3
        AND spent_cents < limit_cents AND (max_transactions IS NULL OR transactions < max_transactions)))";
    let key = match ctx.request.param("accessible") {
        Some("true") => caller.key_id.clone().unwrap_or_else(|| "none".into()),
        _ => String::new(),
    };
    let total = ctx.store.count(
        &format!("SELECT COUNT(*) AS count FROM delegations WHERE {filter}"),
        binds![caller.id(), key.as_str(), ctx.request.now],
    )?;
    let rows: Vec<Delegation> = ctx.store.rows(
        &format!(
            "SELECT {COLUMNS} FROM delegations WHERE {filter} ORDER BY created_at DESC, id LIMIT ?4 OFFSET ?5"
        ),
        binds![caller.id(), key.as_str(), ctx.request.now, i64::from(page.size), page.skip()],
    )?;
    let delegations: Vec<Value> = rows.iter().map(|row| row.view(ctx.request.now)).collect();
    Response::ok(json!({
        "delegations": delegations, "totalResults": total, "page": page.number, "offset": page.size,
    }))
}

/// The newest delegations with their owners, newest first.
pub(crate) fn newest(ctx: &RequestContext, most: i64) -> Result<Vec<Value>> {
    let query = format!("SELECT {COLUMNS} FROM delegations ORDER BY created_at DESC, rowid DESC LIMIT ?");
    let rows: Vec<Delegation> = ctx.store.rows(&query, binds![most])?;
    let views = rows.iter().map(|row| {
        let mut view = row.view(ctx.request.now);
        if let Some(view) = view.as_object_mut() {
            view.insert("owner".into(), row.owner.as_str().into());
        }
        view
    });
    Ok(views.collect())
}

/// `DELETE /sandbox/delegations/:id`: ends a delegation of any owner.
pub(crate) fn end_any(ctx: &RequestContext, id: &str) -> Result {
    let found = delegation::find(ctx, id)?;
    let found = found
        .ok_or_else(|| ApiError::new(404, "BCK.DELEGATION.0002", format!("Delegation {id} not found")))?;
    delegation::end(ctx, "id = ?", &found.id)?;
    Ok(Response::empty())
}

/// `GET /api/v1/delegation/:id`
pub(crate) fn get(ctx: &RequestContext, id: &str) -> Result {
    Response::ok(delegation::own(ctx, &accounts::caller(ctx)?, id)?.view(ctx.request.now))
}

/// `DELETE /api/v1/delegation/:id`: ends a delegation; its tokens no longer work.
pub(crate) fn revoke(ctx: &RequestContext, id: &str) -> Result {
    let delegation = delegation::own(ctx, &accounts::caller(ctx)?, id)?;
    delegation::end(ctx, "id = ?", &delegation.id)?;
    Response::ok(json!({ "success": true, "delegationId": delegation.id }))
}
