//! The state of the sandbox for the dashboard.

use crate::catalog::{agents, plans};
use crate::checkout::off_plan_orders;
use crate::context::RequestContext;
use crate::control::clock;
use crate::control::faults;
use crate::delegations::delegation_routes;
use crate::http::error::{ApiError, Result};
use crate::http::response::Response;
use crate::identity::accounts::StoredKey;
use crate::ledger::postings;
use crate::primitives::time;
use crate::storage::store::binds;
use payments_wasm::wire::Credits;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Maximum number of items per list: the newest.
const MAX: i64 = 200;
/// Maximum number of keys.
const MAX_KEYS: i64 = 2_000;

/// `GET /sandbox/state`: every list as `{total, items}`, newest first.
pub(crate) fn state(ctx: &RequestContext) -> Result {
    let list = |items: Vec<Value>, table: &str| {
        let total = ctx.store.count(&format!("SELECT COUNT(*) AS count FROM {table}"), binds![])?;
        Ok::<_, ApiError>(json!({ "total": total, "items": items }))
    };
    let mut orders = pending(ctx)?;
    orders.append(&mut bought(ctx)?);
    Response::ok(json!({
        "sandbox": {
            "version": env!("CARGO_PKG_VERSION"), "faulty": ctx.faults_enabled, "command": ctx.start_options.command,
            "ledger": true,
        },
        "clock": clock::view(ctx.request.now, ctx.settings.offset),
        "settings": ctx.settings.view(),
        "faults": faults::views(ctx)?,
        "accounts": list(accounts(ctx)?, "accounts")?,
        "plans": list(plans::newest(ctx, MAX)?, "plans")?,
        "agents": list(agents::newest(ctx, MAX)?, "agents")?,
        "balances": balances(ctx)?,
        "delegations": list(delegation_routes::newest(ctx, MAX)?, "delegations")?,
        "orders": list(orders, "purchases")?,
        "sales": list(off_plan_orders::newest(ctx, MAX)?, "sales")?,
        "organizations": list(organizations(ctx)?, "organizations")?,
    }))
}

fn accounts(ctx: &RequestContext) -> Result<Vec<Value>> {
    #[derive(Deserialize)]
    struct Row {
        id: String,
        address: String,
        name: String,
        email: Option<String>,
        created_at: i64,
    }
    let query = "SELECT id, address, name, email, created_at FROM accounts ORDER BY created_at DESC, rowid DESC LIMIT ?";
    let rows: Vec<Row> = ctx.store.rows(query, binds![MAX])?;
    let mut keys: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let query = format!("SELECT {} FROM keys ORDER BY rowid DESC LIMIT ?", StoredKey::COLUMNS);
    for key in ctx.store.rows::<StoredKey>(&query, binds![MAX_KEYS])?.iter().rev() {
        keys.entry(key.account.clone()).or_default().push(key.view(ctx.request.now, false));
    }
    let views = rows.into_iter().map(|row| {
        json!({
            "address": row.address, "name": row.name, "email": row.email, "createdAt": time::iso(row.created_at),
            "keys": keys.remove(&row.id).unwrap_or_default(),
        })
    });
    Ok(views.collect())
}

/// Balances by plan and holder, and the earliest expiry.
fn balances(ctx: &RequestContext) -> Result<Value> {
    #[derive(Deserialize)]
    struct Row {
        plan_id: String,
        holder: String,
        expires_at: i64,
        amount: String,
    }
    // The unit of credits is `credits:` and the plan's id.
    let query = "SELECT substr(unit, length(?1) + 1) AS plan_id, owner AS holder, expires_at, balance AS amount FROM books
        WHERE kind = 'held' AND balance <> '0' AND (expires_at = 0 OR expires_at > ?2) ORDER BY id DESC LIMIT ?3";
    let rows: Vec<Row> =
        ctx.store.rows(query, binds![postings::credits_unit(""), ctx.request.now, MAX * 4])?;
    let mut held: Vec<(Row, Credits)> = Vec::new();
    for row in rows {
        let amount = postings::amount(&row.amount)?;
        let known = held.iter_mut().find(|(one, _)| one.plan_id == row.plan_id && one.holder == row.holder);
        match known {
            Some((one, sum)) => {
                *sum = sum.saturating_add(amount);
                one.expires_at = match (one.expires_at, row.expires_at) {
                    (0, at) | (at, 0) => at,
                    (one, other) => one.min(other),
                };
            }
            None => held.push((row, amount)),
        }
    }
    let items: Vec<Value> = held
        .iter()
        .map(|(row, sum)| {
            json!({
                "planId": row.plan_id, "holder": row.holder, "balance": sum.to_string(),
                "expiresAt": (row.expires_at > 0).then(|| time::iso(row.expires_at)),
            })
        })
        .collect();
    Ok(json!({ "total": items.len(), "items": items }))
}

fn bought(ctx: &RequestContext) -> Result<Vec<Value>> {
    #[derive(Deserialize)]
    struct Row {
        tx: String,
        plan_id: String,
        holder: String,
        kind: String,
        quantity: String,
        cents: i64,
        delegation_id: Option<String>,
        at: i64,
    }
    let query = "SELECT tx, plan_id, holder, kind, quantity, cents, delegation_id, at FROM purchases
        ORDER BY at DESC, rowid DESC LIMIT ?";
    let rows: Vec<Row> = ctx.store.rows(query, binds![MAX])?;
    let views = rows.iter().map(|row| {
        json!({
            "tx": row.tx, "planId": row.plan_id, "holder": row.holder, "kind": row.kind, "quantity": row.quantity,
            "cents": row.cents, "delegationId": row.delegation_id, "at": time::iso(row.at), "pending": false,
        })
    });
    Ok(views.collect())
}

/// Purchases that are paid and not yet delivered.
fn pending(ctx: &RequestContext) -> Result<Vec<Value>> {
    #[derive(Deserialize)]
    struct Row {
        tx: String,
        plan_id: String,
        holder: String,
        kind: String,
        cents: i64,
        due_at: i64,
    }
    let query =
        "SELECT tx, plan_id, holder, kind, cents, due_at FROM arrivals ORDER BY due_at DESC, tx LIMIT ?";
    let rows: Vec<Row> = ctx.store.rows(query, binds![MAX])?;
    let views = rows.iter().map(|row| {
        json!({
            "tx": row.tx, "planId": row.plan_id, "holder": row.holder, "kind": row.kind, "quantity": "1",
            "cents": row.cents, "at": time::iso(row.due_at), "pending": true,
        })
    });
    Ok(views.collect())
}

fn organizations(ctx: &RequestContext) -> Result<Vec<Value>> {
    #[derive(Deserialize)]
    struct Row {
        id: String,
        name: String,
        kind: String,
        active: i64,
    }
    #[derive(Deserialize)]
    struct Member {
        org_id: String,
        address: String,
        role: String,
        active: i64,
    }
    let query =
        "SELECT id, name, kind, active FROM organizations ORDER BY created_at DESC, rowid DESC LIMIT ?";
    let rows: Vec<Row> = ctx.store.rows(query, binds![MAX])?;
    let query = "SELECT org_id, address, role, active FROM members ORDER BY created_at, rowid LIMIT ?";
    let members: Vec<Member> = ctx.store.rows(query, binds![MAX_KEYS])?;
    let views = rows.iter().map(|row| {
        let within = members.iter().filter(|member| member.org_id == row.id);
        let members: Vec<Value> = within
            .map(|member| {
                json!({ "address": member.address, "role": member.role, "isActive": member.active != 0 })
            })
            .collect();
        json!({ "orgId": row.id, "name": row.name, "type": row.kind, "isActive": row.active != 0, "members": members })
    });
    Ok(views.collect())
}
