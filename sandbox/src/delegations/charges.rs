//! Charges of a delegation. A charge is reserved before the bank is asked, then confirmed or released (the delegation
//! specification, sections 6.2 and 8.3; contract section 4.6).

use crate::context::RequestContext;
use crate::delegations::delegation::{self, Delegation};
use crate::http::error::Result;
use crate::http::response::Response;
use crate::identity::accounts;
use crate::ledger::postings::{self, Account, Kind, Posting};
use crate::primitives::time;
use crate::storage::store::binds;
use serde::Deserialize;
use serde_json::{Value, json};

/// A reserved charge: its amount no longer counts as available.
pub(crate) struct Charge<'a> {
    id: String,
    delegation: &'a Delegation,
    plan_id: &'a str,
    cents: i64,
}

impl Charge<'_> {
    fn post(&self, ctx: &RequestContext, why: &'static str, from: Kind, to: Kind) -> Result<()> {
        let posting = Posting { entry: &self.id, why, amount: postings::cents(self.cents) };
        let of = |kind| Account::cents(kind, &self.delegation.id);
        postings::post(ctx, posting, &of(from), &of(to))
    }

    fn record(&self, ctx: &RequestContext, order_tx: Option<&str>) -> Result<()> {
        ctx.store.run(
            "INSERT INTO charges (id, delegation_id, plan_id, cents, order_tx, at) VALUES (?, ?, ?, ?, ?, ?)",
            binds![
                self.id.as_str(),
                self.delegation.id.as_str(),
                self.plan_id,
                self.cents,
                order_tx,
                ctx.request.now
            ],
        )
    }
}

/// Reserves an amount and one transaction of a delegation before a charge. Returns `None` if the limits do not allow
/// it. One statement checks and updates, so the limits hold whatever else runs.
pub(crate) fn reserve<'a>(
    ctx: &RequestContext,
    delegation: &'a Delegation,
    plan_id: &'a str,
    cents: i64,
) -> Result<Option<Charge<'a>>> {
    let update = "UPDATE delegations SET spent_cents = spent_cents + ?1, transactions = transactions + 1
        WHERE id = ?2 AND revoked = 0 AND expires_at > ?3 AND spent_cents + ?1 <= limit_cents
        AND (max_transactions IS NULL OR transactions < max_transactions) RETURNING id";
    #[derive(Deserialize)]
    struct Row {}
    let id = delegation.id.as_str();
    if ctx.store.first::<Row>(update, binds![cents, id, ctx.request.now])?.is_none() {
        return Ok(None);
    }
    let prefix = if delegation.provider == "erc4337" { "tx" } else { "pi" };
    let id = format!("{prefix}_sandbox_{}", ctx.random.hex(12)?.trim_start_matches("0x"));
    let charge = Charge { id, delegation, plan_id, cents };
    charge.post(ctx, "reserve", Kind::Free, Kind::Reserved)?;
    Ok(Some(charge))
}

/// Releases a reservation whose charge failed, and records the attempt.
pub(crate) fn failed(ctx: &RequestContext, charge: &Charge<'_>) -> Result<()> {
    ctx.store.run(
        "UPDATE delegations SET spent_cents = spent_cents - ?, transactions = transactions - 1 WHERE id = ?",
        binds![charge.cents, charge.delegation.id.as_str()],
    )?;
    charge.post(ctx, "release", Kind::Reserved, Kind::Free)?;
    charge.record(ctx, None)
}

/// Confirms a reservation: the charge paid for the order `tx`.
pub(crate) fn made(ctx: &RequestContext, charge: &Charge<'_>, tx: &str) -> Result<()> {
    charge.post(ctx, "charge", Kind::Reserved, Kind::Spent)?;
    charge.record(ctx, Some(tx))
}

/// `GET /api/v1/delegation/:id/transactions`: charges and failed attempts, newest first.
pub(crate) fn transactions(ctx: &RequestContext, id: &str) -> Result {
    #[derive(Deserialize)]
    struct Row {
        id: String,
        plan_id: String,
        cents: i64,
        order_tx: Option<String>,
        at: i64,
    }
    let (delegation, page) = (delegation::own(ctx, &accounts::caller(ctx)?, id)?, ctx.request.page());
    let rows: Vec<Row> = ctx.store.rows(
        "SELECT id, plan_id, cents, order_tx, at FROM charges WHERE delegation_id = ?
         ORDER BY at DESC, rowid DESC LIMIT ? OFFSET ?",
        binds![delegation.id.as_str(), i64::from(page.size), page.skip()],
    )?;
    let total = ctx.store.count(
        "SELECT COUNT(*) AS count FROM charges WHERE delegation_id = ?",
        binds![delegation.id.as_str()],
    )?;
    let transactions: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "id": row.id, "delegationId": delegation.id, "planId": row.plan_id,
                "status": if row.order_tx.is_some() { "Succeeded" } else { "Failed" },
                "amountCents": row.cents.to_string(), "currency": delegation.currency, "txHash": row.order_tx,
                "createdAt": time::iso(row.at),
            })
        })
        .collect();
    Response::ok(json!({
        "transactions": transactions, "totalResults": total, "page": page.number, "offset": page.size,
    }))
}
