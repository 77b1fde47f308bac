//! Charges of a delegation. A charge is reserved before the bank is asked, then confirmed or released (the delegation
//! specification, sections 6.2 and 8.3; contract section 4.6).

use crate::Desk;
use crate::delegations::delegation::{self, Delegation};
use crate::http::error::Outcome;
use crate::http::request::Reply;
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
    fn post(&self, desk: &Desk, why: &'static str, from: Kind, to: Kind) -> Outcome<()> {
        let posting = Posting { entry: &self.id, why, amount: postings::cents(self.cents) };
        let of = |kind| Account::cents(kind, &self.delegation.id);
        postings::post(desk, posting, &of(from), &of(to))
    }

    fn record(&self, desk: &Desk, order_tx: Option<&str>) -> Outcome<()> {
        desk.store.run(
            "INSERT INTO charges (id, delegation_id, plan_id, cents, order_tx, at) VALUES (?, ?, ?, ?, ?, ?)",
            binds![
                self.id.as_str(),
                self.delegation.id.as_str(),
                self.plan_id,
                self.cents,
                order_tx,
                desk.call.now
            ],
        )
    }
}

/// Reserves an amount and one transaction of a delegation before a charge. Returns `None` if the limits do not allow
/// it. One statement checks and updates, so the limits hold whatever else runs.
pub(crate) fn reserve<'a>(
    desk: &Desk,
    delegation: &'a Delegation,
    plan_id: &'a str,
    cents: i64,
) -> Outcome<Option<Charge<'a>>> {
    let update = "UPDATE delegations SET spent_cents = spent_cents + ?1, transactions = transactions + 1
        WHERE id = ?2 AND revoked = 0 AND expires_at > ?3 AND spent_cents + ?1 <= limit_cents
        AND (max_transactions IS NULL OR transactions < max_transactions) RETURNING id";
    #[derive(Deserialize)]
    struct Row {}
    let id = delegation.id.as_str();
    if desk.store.first::<Row>(update, binds![cents, id, desk.call.now])?.is_none() {
        return Ok(None);
    }
    let prefix = if delegation.provider == "erc4337" { "tx" } else { "pi" };
    let id = format!("{prefix}_sandbox_{}", desk.random.hex(12)?.trim_start_matches("0x"));
    let charge = Charge { id, delegation, plan_id, cents };
    charge.post(desk, "reserve", Kind::Free, Kind::Reserved)?;
    Ok(Some(charge))
}

/// Releases a reservation whose charge failed, and records the attempt.
pub(crate) fn failed(desk: &Desk, charge: &Charge<'_>) -> Outcome<()> {
    desk.store.run(
        "UPDATE delegations SET spent_cents = spent_cents - ?, transactions = transactions - 1 WHERE id = ?",
        binds![charge.cents, charge.delegation.id.as_str()],
    )?;
    charge.post(desk, "release", Kind::Reserved, Kind::Free)?;
    charge.record(desk, None)
}

/// Confirms a reservation: the charge paid for the order `tx`.
pub(crate) fn made(desk: &Desk, charge: &Charge<'_>, tx: &str) -> Outcome<()> {
    charge.post(desk, "charge", Kind::Reserved, Kind::Spent)?;
    charge.record(desk, Some(tx))
}

/// `GET /api/v1/delegation/:id/transactions`: charges and failed attempts, newest first.
pub(crate) fn transactions(desk: &Desk, id: &str) -> Outcome {
    #[derive(Deserialize)]
    struct Row {
        id: String,
        plan_id: String,
        cents: i64,
        order_tx: Option<String>,
        at: i64,
    }
    let (delegation, page) = (delegation::own(desk, &accounts::caller(desk)?, id)?, desk.call.page());
    let rows: Vec<Row> = desk.store.rows(
        "SELECT id, plan_id, cents, order_tx, at FROM charges WHERE delegation_id = ?
         ORDER BY at DESC, rowid DESC LIMIT ? OFFSET ?",
        binds![delegation.id.as_str(), i64::from(page.size), page.skip()],
    )?;
    let total = desk.store.count(
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
    Reply::ok(json!({
        "transactions": transactions, "totalResults": total, "page": page.number, "offset": page.size,
    }))
}
