//! The activity log of an organization (contract section 4.8).

use crate::context::RequestContext;
use crate::http::error::{ApiError, Result};
use crate::http::response::Response;
use crate::identity::accounts;
use crate::identity::api_key::Identity;
use crate::identity::membership;
use crate::primitives::time;
use crate::storage::store::binds;
use serde::Deserialize;
use serde_json::{Value, json};

/// Records an event if there is an organization.
pub(crate) fn record(
    ctx: &RequestContext,
    org_id: Option<&str>,
    event: &str,
    actor: Option<&Identity>,
    subject: &Value,
) -> Result<()> {
    let Some(org_id) = org_id else { return Ok(()) };
    ctx.store.run(
        "INSERT INTO events (id, org_id, event, actor, subject, at) VALUES (?, ?, ?, ?, ?, ?)",
        binds![
            ctx.random.uuid()?,
            org_id,
            event,
            actor.map(Identity::id),
            subject.to_string(),
            ctx.request.now,
        ],
    )
}

/// `GET /api/v1/organizations/:orgId/activity`: newest first, for members, while the subscription is active.
pub(crate) fn list(ctx: &RequestContext, org_id: &str) -> Result {
    #[derive(Deserialize)]
    struct Row {
        id: String,
        event: String,
        actor: Option<String>,
        subject: String,
        at: i64,
    }
    let caller = accounts::caller(ctx)?;
    membership::visible(ctx, &caller, org_id)?;
    if !membership::load(ctx, org_id)?.entitled() {
        return Err(ApiError::new(
            403,
            "BCK.AUTH.0009",
            "The organization's subscription does not include this",
        ));
    }
    let parameter = |name: &str| ctx.request.param(name).unwrap_or_default().to_owned();
    let moment = |name: &str, none: i64| match ctx.request.param(name) {
        None => Ok(none),
        Some(text) => time::parse(text)
            .ok_or_else(|| ApiError::bad_request(format!("{name} must be a time like 2026-11-20T10:00:00Z"))),
    };
    let (from, to) = (moment("from", i64::MIN / 4096)?, moment("to", i64::MAX / 4096)?);
    let number = |name: &str, most: i64, none: i64| {
        let given = ctx.request.param(name).and_then(|text| text.parse::<i64>().ok());
        given.unwrap_or(none).clamp(1, most)
    };
    let (page, limit) = (number("page", 1_000_000, 1), number("limit", 200, 50));
    // The filter is a comma-separated list: a name is searched with a comma on both sides.
    let filter = "org_id = ?1 AND at >= ?2 AND at <= ?3 AND (?4 = '' OR actor = lower(?4))
        AND (?5 = '' OR instr(',' || ?5 || ',', ',' || event || ',') > 0)";
    let binds =
        || binds![org_id, from, to, parameter("actorUserId"), parameter("eventType").replace(' ', "")];
    let total = ctx.store.count(&format!("SELECT COUNT(*) AS count FROM events WHERE {filter}"), binds())?;
    let mut paged = binds();
    paged.extend(binds![limit, (page - 1) * limit]);
    let rows: Vec<Row> = ctx.store.rows(
        &format!(
            "SELECT id, event, actor, subject, at FROM events WHERE {filter} ORDER BY at DESC, rowid DESC
             LIMIT ?6 OFFSET ?7"
        ),
        paged,
    )?;
    let items = rows.iter().map(|row| {
        let subject: Value = serde_json::from_str(&row.subject).unwrap_or(Value::Null);
        json!({
            "id": row.id, "eventType": row.event, "actorUserId": row.actor, "subject": subject, "metadata": null,
            "occurredAt": time::iso(row.at),
        })
    });
    Response::ok(json!({ "items": items.collect::<Vec<_>>(), "total": total }))
}
