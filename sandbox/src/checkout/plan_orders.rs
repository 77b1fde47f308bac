//! Purchases of credits: order, checkout, automatic top-up (contract sections 4.1, 8.4).

use crate::catalog::credit_rules::TopUp;
use crate::catalog::plans::{self, Plan};
use crate::context::RequestContext;
use crate::delegations::delegation::Delegation;
use crate::http::error::{ApiError, Result};
use crate::http::response::Response;
use crate::identity::accounts;
use crate::ledger::balances;
use crate::ledger::postings::{self, Account, Kind as Money, Posting};
use crate::organizations::activity;
use crate::primitives::time;
use crate::storage::store::binds;
use serde::Deserialize;
use serde_json::json;

/// The kind of a purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Order,
    TopUp,
    Checkout,
    Mint,
}

#[derive(Deserialize)]
struct Arrival {
    tx: String,
    plan_id: String,
    holder: String,
    kind: String,
    cents: i64,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Order, Self::TopUp, Self::Checkout, Self::Mint];

    fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::TopUp => "top-up",
            Self::Checkout => "checkout",
            Self::Mint => "mint",
        }
    }
}

/// A purchase to be recorded.
pub(crate) struct Purchase<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) holder: &'a str,
    pub(crate) kind: Kind,
    pub(crate) bought: TopUp,
    pub(crate) delegation: Option<&'a Delegation>,
}

/// A trial can be ordered once per holder. An order that is paid and still pending counts.
pub(crate) fn trial_used(ctx: &RequestContext, plan: &Plan, holder: &str) -> Result<bool> {
    let ordered =
        "SELECT (SELECT COUNT(*) FROM purchases WHERE plan_id = ?1 AND holder = ?2 AND kind <> 'mint')
        + (SELECT COUNT(*) FROM arrivals WHERE plan_id = ?1 AND holder = ?2) AS count";
    let binds = binds![plan.id.as_str(), holder.to_ascii_lowercase()];
    Ok(plan.terms.trial && ctx.store.count(ordered, binds)? > 0)
}

/// Pays the plan's receivers: in token units from a wallet, in cents from a card. Money is posted from outside as
/// needed, because wallets and cards of the sandbox never run dry.
fn pay(ctx: &RequestContext, purchase: &Purchase<'_>, tx: &str) -> Result<()> {
    let Purchase { plan, bought, delegation, .. } = purchase;
    let terms = &plan.terms;
    let too_much = || ApiError::internal("the price is too large");
    let mut parts = Vec::new();
    for (receiver, price) in terms.shares() {
        let price = price.checked_mul(bought.orders).ok_or_else(too_much)?;
        parts.push((receiver, if terms.crypto { price } else { price / 10_000 }));
    }
    // The first receiver gets the remainder, and the fraction that rounds it up to a cent.
    if let (false, Some(first)) = (terms.crypto, parts.first().map(|(receiver, _)| *receiver)) {
        let whole = u128::try_from(bought.cents).map_err(|_| too_much())?;
        let sum = parts.iter().fold(0, |sum: u128, (_, part)| sum.saturating_add(*part));
        parts.push((first, whole.saturating_sub(sum)));
    }
    let unit = terms.tender();
    let card = delegation.and_then(|delegation| delegation.payment_method.as_deref());
    let payer = card.filter(|_| !terms.crypto).unwrap_or(purchase.holder);
    // A card delegation may name the seller's connected account.
    let merchant = delegation.and_then(|delegation| delegation.merchant.as_deref()).filter(|_| !terms.crypto);
    let buyer = Account::money(Money::Buyer, unit, payer);
    let outside = Account::money(Money::Outside, unit, "");
    for (receiver, part) in parts {
        let posting = |why| Ok::<_, ApiError>(Posting { entry: tx, why, amount: postings::units(part)? });
        let seller = Account::money(Money::Seller, unit, merchant.unwrap_or(receiver));
        postings::post(ctx, posting("fund")?, &outside, &buyer)?;
        postings::post(ctx, posting("pay")?, &buyer, &seller)?;
    }
    Ok(())
}

/// Issues the credits of a purchase, records it, and returns its transaction.
pub(crate) fn deliver(ctx: &RequestContext, purchase: &Purchase<'_>) -> Result<String> {
    let tx = ctx.random.hex(32)?;
    pay(ctx, purchase, &tx)?;
    balances::grant(ctx, &tx, purchase.plan, purchase.holder, purchase.bought.credits)?;
    record(ctx, purchase, &tx)?;
    Ok(tx)
}

/// The same with a delay in seconds: the payment is made now, and the credits arrive later.
pub(crate) fn deliver_after(ctx: &RequestContext, purchase: &Purchase<'_>, seconds: i64) -> Result<String> {
    if seconds == 0 {
        return deliver(ctx, purchase);
    }
    let tx = ctx.random.hex(32)?;
    pay(ctx, purchase, &tx)?;
    ctx.store.run(
        "INSERT INTO arrivals (tx, plan_id, holder, kind, cents, due_at) VALUES (?, ?, ?, ?, ?, ?)",
        binds![
            tx.as_str(),
            purchase.plan.id.as_str(),
            purchase.holder.to_ascii_lowercase(),
            purchase.kind.name(),
            purchase.bought.cents,
            time::after(ctx.request.now, seconds),
        ],
    )?;
    Ok(tx)
}

/// Issues all credits that are due by now. Every request begins with it.
pub(crate) fn arrive(ctx: &RequestContext) -> Result<()> {
    let query = "SELECT tx, plan_id, holder, kind, cents FROM arrivals WHERE due_at <= ? ORDER BY due_at, tx";
    for due in ctx.store.rows::<Arrival>(query, binds![ctx.request.now])? {
        ctx.store.run("DELETE FROM arrivals WHERE tx = ?", binds![due.tx.as_str()])?;
        let plan = plans::load(ctx, &due.plan_id)?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == due.kind).unwrap_or(Kind::Order);
        let bought = TopUp { cents: due.cents, ..single(&plan)? };
        let purchase = Purchase { plan: &plan, holder: &due.holder, kind, bought, delegation: None };
        balances::grant(ctx, &due.tx, &plan, &due.holder, bought.credits)?;
        record(ctx, &purchase, &due.tx)?;
    }
    Ok(())
}

/// Records a purchase.
pub(crate) fn record(ctx: &RequestContext, purchase: &Purchase<'_>, tx: &str) -> Result<()> {
    ctx.store.run(
        "INSERT INTO purchases (tx, plan_id, holder, kind, quantity, cents, delegation_id, at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        binds![
            tx,
            purchase.plan.id.as_str(),
            purchase.holder.to_ascii_lowercase(),
            purchase.kind.name(),
            purchase.bought.orders.to_string(),
            purchase.bought.cents,
            purchase.delegation.map(|delegation| delegation.id.as_str()),
            ctx.request.now,
        ],
    )?;
    if purchase.kind == Kind::Mint {
        return Ok(());
    }
    let subject = json!({ "kind": "plan", "id": purchase.plan.id, "purchaseId": tx });
    activity::record(ctx, purchase.plan.org.as_deref(), "plan.purchased", None, &subject)
}

/// One order of a plan at its price.
pub(crate) fn single(plan: &Plan) -> Result<TopUp> {
    let cents = i64::try_from(plan.terms.total.div_ceil(10_000))
        .map_err(|_| ApiError::new(500, "BCK.PROTOCOL.0005", "The price is too large"))?;
    Ok(TopUp { orders: 1, cents, credits: plan.terms.grant.amount })
}

/// Refuses a trial that the holder has had already.
pub(crate) fn refuse_second_trial(ctx: &RequestContext, plan: &Plan, holder: &str) -> Result<()> {
    if trial_used(ctx, plan, holder)? {
        return Err(ApiError::new(
            409,
            "BCK.COMMON.0027",
            "A trial plan can be ordered once, and you have had it",
        ));
    }
    Ok(())
}

/// `POST /api/v1/protocol/plans/:planId/order`: paid from the caller's wallet.
pub(crate) fn order(ctx: &RequestContext, plan_id: &str) -> Result {
    let caller = accounts::caller(ctx)?;
    let plan = plans::load(ctx, plan_id)?;
    if !plan.terms.crypto {
        return Err(ApiError::new(500, "BCK.PROTOCOL.0005", "This plan is paid by card, not from a wallet")
            .hint("Order it with POST /api/v1/fiat/stripe/payment and open the checkoutLink."));
    }
    refuse_second_trial(ctx, &plan, &caller.address)?;
    let purchase = Purchase {
        plan: &plan,
        holder: &caller.address,
        kind: Kind::Order,
        bought: single(&plan)?,
        delegation: None,
    };
    result(&deliver_after(ctx, &purchase, ctx.settings.delay)?)
}

/// The `NvmAPIResult` of the SDKs.
fn result(tx: &str) -> Result {
    Response::created(json!({ "success": true, "txHash": tx, "httpStatus": 201 }))
}
