//! Credit balances of holders: lots are read and written here, and the balance is shown to clients.

use crate::catalog::credit_rules::{self, Lot};
use crate::catalog::plans::{self, Plan};
use crate::context::RequestContext;
use crate::http::error::{ApiError, Result};
use crate::http::response::Response;
use crate::identity::api_key::is_address;
use crate::ledger::postings::{self, Account, Kind, Posting};
use crate::primitives::contracts;
use crate::storage::store::binds;
use payments_wasm::wire::Credits;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct LotRow {
    expires_at: i64,
    balance: String,
}

/// The lots that have not expired.
pub(crate) fn lots(ctx: &RequestContext, plan_id: &str, holder: &str) -> Result<Vec<Lot>> {
    let rows: Vec<LotRow> = ctx.store.rows(
        "SELECT expires_at, balance FROM books WHERE unit = ? AND kind = 'held' AND owner = ? AND balance <> '0'
         AND (expires_at = 0 OR expires_at > ?)",
        binds![postings::credits_unit(plan_id), holder.to_ascii_lowercase(), ctx.request.now],
    )?;
    rows.into_iter()
        .map(|row| Ok(Lot { expires_at: row.expires_at, amount: postings::amount(&row.balance)? }))
        .collect()
}

/// The balance of a holder.
pub(crate) fn total(ctx: &RequestContext, plan_id: &str, holder: &str) -> Result<Credits> {
    Ok(credit_rules::total(&lots(ctx, plan_id, holder)?))
}

/// Issues credits for the purchase `tx`. They expire at `expires_at` (0: never).
pub(crate) fn add(
    ctx: &RequestContext,
    tx: &str,
    plan_id: &str,
    holder: &str,
    amount: Credits,
    expires_at: i64,
) -> Result<()> {
    let held = lots(ctx, plan_id, holder)?;
    if credit_rules::total(&held).checked_add(amount).is_none() {
        return Err(ApiError::new(500, "BCK.PROTOCOL.0007", "The balance would be above a uint256"));
    }
    let posting = Posting { entry: tx, why: "issue", amount };
    let issued = Account::credits(Kind::Issued, plan_id);
    postings::post(ctx, posting, &issued, &Account::held(plan_id, holder, expires_at))
}

/// Issues the credits of a plan by its terms. For a time plan, an order extends the time: the held credits move to
/// the later expiry, and the difference is burned or issued.
pub(crate) fn grant(
    ctx: &RequestContext,
    tx: &str,
    plan: &Plan,
    holder: &str,
    amount: Credits,
) -> Result<()> {
    let terms = &plan.terms.grant;
    if !terms.by_time {
        return add(ctx, tx, &plan.id, holder, amount, terms.expiry(ctx.request.now));
    }
    let held = lots(ctx, &plan.id, holder)?;
    let renewed = terms.renewal(&held, amount, ctx.request.now);
    let later = Account::held(&plan.id, holder, renewed.expires_at);
    for lot in held.iter().filter(|lot| lot.expires_at != renewed.expires_at) {
        let posting = Posting { entry: tx, why: "renew", amount: lot.amount };
        postings::post(ctx, posting, &Account::held(&plan.id, holder, lot.expires_at), &later)?;
    }
    let now = credit_rules::total(&held);
    let (missing, over) = (renewed.amount.saturating_sub(now), now.saturating_sub(renewed.amount));
    let posting = |why, amount| Posting { entry: tx, why, amount };
    postings::post(ctx, posting("issue", missing), &Account::credits(Kind::Issued, &plan.id), &later)?;
    postings::post(ctx, posting("merge", over), &later, &Account::credits(Kind::Burned, &plan.id))
}

/// Number of orders and grants of the plan that the holder received.
pub(crate) fn purchases(ctx: &RequestContext, plan_id: &str, holder: &str) -> Result<i64> {
    ctx.store.count(
        "SELECT COUNT(*) AS count FROM purchases WHERE plan_id = ? AND holder = ?",
        binds![plan_id, holder.to_ascii_lowercase()],
    )
}

/// The body of `GET /plans/:id/balance/:holder`.
pub(crate) fn view(ctx: &RequestContext, plan: &Plan, holder: &str) -> Result<Value> {
    let balance = credit_rules::total(&lots(ctx, &plan.id, holder)?);
    let ever = purchases(ctx, &plan.id, holder)? > 0;
    let terms = &plan.terms;
    let contract = if terms.grant.duration_secs > 0 { "NFT1155ExpirableCredits" } else { "NFT1155Credits" };
    Ok(json!({
        "planId": plan.id,
        "planName": plans::title(plan),
        "planType": terms.access_limit(),
        "holderAddress": holder,
        "balance": balance.to_string(),
        "creditsContract": contracts::contract(contract),
        "isSubscriber": if terms.grant.by_time { !balance.is_zero() } else { ever },
        "pricePerCredit": credit_rules::price_per_credit(terms.total, terms.grant.amount),
    }))
}

/// `GET /api/v1/protocol/plans/:planId/balance/:holder`: public.
pub(crate) fn get(ctx: &RequestContext, plan_id: &str, holder: &str) -> Result {
    let plan = plans::load(ctx, plan_id)?;
    if !is_address(holder) {
        return Err(ApiError::bad_request("The holder is not an address"));
    }
    Response::ok(view(ctx, &plan, holder)?)
}
