//! What holders have: lots of credits, read and written; the balance as clients read it.

use super::Desk;
use super::call::Reply;
use super::deployment;
use super::keys::is_address;
use super::ledger::{self, Lot};
use super::plans::{self, Plan};
use super::problem::{Outcome, Problem};
use super::store::binds;
use crate::wire::Credits;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct LotRow {
    expires_at: i64,
    amount: String,
}

/// The lots that still count.
pub(super) fn lots(desk: &Desk, plan_id: &str, holder: &str) -> Outcome<Vec<Lot>> {
    let rows: Vec<LotRow> = desk.store.rows(
        "SELECT expires_at, amount FROM lots WHERE plan_id = ? AND holder = ? AND (expires_at = 0 OR expires_at > ?)",
        binds![plan_id, holder.to_ascii_lowercase(), desk.call.now],
    )?;
    rows.into_iter()
        .map(|row| {
            let amount =
                row.amount.parse().map_err(|_| Problem::internal("storage: a lot is not a uint256"))?;
            Ok(Lot { expires_at: row.expires_at, amount })
        })
        .collect()
}

/// What a holder has of a plan.
pub(super) fn total(desk: &Desk, plan_id: &str, holder: &str) -> Outcome<Credits> {
    Ok(ledger::total(&lots(desk, plan_id, holder)?))
}

/// Writes a lot; an empty one goes.
fn write(desk: &Desk, plan_id: &str, holder: &str, lot: Lot) -> Outcome<()> {
    let holder = holder.to_ascii_lowercase();
    if lot.amount.is_zero() {
        return desk.store.run(
            "DELETE FROM lots WHERE plan_id = ? AND holder = ? AND expires_at = ?",
            binds![plan_id, holder, lot.expires_at],
        );
    }
    desk.store.run(
        "INSERT INTO lots (plan_id, holder, expires_at, amount) VALUES (?, ?, ?, ?)
         ON CONFLICT (plan_id, holder, expires_at) DO UPDATE SET amount = excluded.amount",
        binds![plan_id, holder, lot.expires_at, lot.amount.to_string()],
    )
}

/// Adds credits that run out at `expires_at` (0: never).
pub(super) fn add(desk: &Desk, plan_id: &str, holder: &str, amount: Credits, expires_at: i64) -> Outcome<()> {
    let held = lots(desk, plan_id, holder)?;
    let held = held.iter().find(|lot| lot.expires_at == expires_at).map_or(Credits::ZERO, |lot| lot.amount);
    let amount = held
        .checked_add(amount)
        .ok_or_else(|| Problem::new(500, "BCK.PROTOCOL.0007", "The balance would be above a uint256"))?;
    write(desk, plan_id, holder, Lot { expires_at, amount })
}

/// Hands out credits of a plan on its terms. Of a plan that sells time, time is added to what is left of it.
pub(super) fn grant(desk: &Desk, plan: &Plan, holder: &str, amount: Credits) -> Outcome<()> {
    let terms = &plan.terms.grant;
    if !terms.by_time {
        return add(desk, &plan.id, holder, amount, terms.expiry(desk.call.now));
    }
    let held = lots(desk, &plan.id, holder)?;
    for lot in &held {
        write(desk, &plan.id, holder, Lot { amount: Credits::ZERO, ..*lot })?;
    }
    let renewed = terms.renewal(&held, amount, desk.call.now);
    write(desk, &plan.id, holder, renewed)
}

/// Takes credits and hands back what is left; `None`, and nothing taken, where there are too few.
pub(super) fn burn(desk: &Desk, plan_id: &str, holder: &str, amount: Credits) -> Outcome<Option<Credits>> {
    let held = lots(desk, plan_id, holder)?;
    let Some(left) = ledger::take(&held, amount) else { return Ok(None) };
    for lot in left.iter().filter(|lot| !held.contains(lot)) {
        write(desk, plan_id, holder, *lot)?;
    }
    Ok(Some(ledger::total(&left)))
}

/// How often the holder ordered the plan, or was given credits of it.
pub(super) fn purchases(desk: &Desk, plan_id: &str, holder: &str) -> Outcome<i64> {
    desk.store.count(
        "SELECT COUNT(*) AS count FROM purchases WHERE plan_id = ? AND holder = ?",
        binds![plan_id, holder.to_ascii_lowercase()],
    )
}

/// The balance as `GET /plans/:id/balance/:holder` answers it.
pub(super) fn view(desk: &Desk, plan: &Plan, holder: &str) -> Outcome<Value> {
    let balance = ledger::total(&lots(desk, &plan.id, holder)?);
    let ever = purchases(desk, &plan.id, holder)? > 0;
    let terms = &plan.terms;
    let contract = if terms.grant.duration_secs > 0 { "NFT1155ExpirableCredits" } else { "NFT1155Credits" };
    Ok(json!({
        "planId": plan.id,
        "planName": plans::title(plan),
        "planType": terms.access_limit(),
        "holderAddress": holder,
        "balance": balance.to_string(),
        "creditsContract": deployment::contract(contract),
        "isSubscriber": if terms.grant.by_time { !balance.is_zero() } else { ever },
        "pricePerCredit": ledger::price_per_credit(terms.total, terms.grant.amount),
    }))
}

/// `GET /api/v1/protocol/plans/:planId/balance/:holder`: anyone may read it.
pub(super) fn get(desk: &Desk, plan_id: &str, holder: &str) -> Outcome {
    let plan = plans::load(desk, plan_id)?;
    if !is_address(holder) {
        return Err(Problem::bad_request("The holder is not an address"));
    }
    Reply::ok(view(desk, &plan, holder)?)
}
