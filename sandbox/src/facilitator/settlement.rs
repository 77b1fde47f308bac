//! Payment of a request with a token, for x402 and MPP: the check whether it can be paid, and the settlement
//! (contract sections 4.5, 13.7, 13.8; the delegation specification, sections 5 and 6).

use crate::catalog::credit_rules::{self, Charge, TopUp};
use crate::catalog::plans::Plan;
use crate::checkout::plan_orders::{self, Kind, Purchase};
use crate::context::RequestContext;
use crate::delegations::delegation::{self, ChargeRequest, Delegation};
use crate::delegations::{charges, payment_methods};
use crate::http::error::{ApiError, Result};
use crate::ledger::{balances, burn};
use crate::metering::agent_requests::{self, Cost};
use crate::storage::store::binds;
use crate::tokens::permission::{self, Permission};
use payments_wasm::wire::Credits;
use serde_json::{Value, json};

/// A valid token that matches the seller's offer.
pub(crate) struct PresentedToken {
    pub(crate) permission: Permission,
    pub(crate) plan: Plan,
}

/// The amount to settle, and the request it is for.
#[derive(Debug)]
pub(crate) struct AmountDue {
    pub(crate) charge: Charge,
    pub(crate) request: Option<String>,
    /// The sub-tasks the amount was computed from.
    pub(crate) cost: Option<Cost>,
}

/// The outcome of a settle.
pub(crate) enum SettleOutcome {
    /// The payment succeeded.
    Paid(Receipt),
    /// The payment failed. It is not an `Err`, because an error would roll back the record of the attempt.
    Refused(ApiError),
}

/// The amounts of a settle.
#[derive(Debug)]
pub(crate) struct Receipt {
    pub(crate) tx: String,
    burned: Credits,
    left: Credits,
    order_tx: Option<String>,
}

impl Receipt {
    /// The settle response: amounts are strings (contract section 4.5).
    pub(crate) fn view(&self, permission: &Permission) -> Value {
        let mut view = json!({
            "success": true, "payer": permission.holder, "transaction": self.tx, "network": permission.network,
            "creditsRedeemed": self.burned.to_string(), "remainingBalance": self.left.to_string(),
        });
        if let (Some(order_tx), Some(view)) = (&self.order_tx, view.as_object_mut()) {
            view.insert("orderTx".into(), order_tx.as_str().into());
        }
        view
    }
}

/// An automatic purchase: the number of orders and the delegation that pays.
struct Cover {
    bought: TopUp,
    delegation: Delegation,
}

/// The purchase that would cover a shortfall, or the reason why none can.
fn cover(
    ctx: &RequestContext,
    presented: &PresentedToken,
    missing: Credits,
) -> Result<Result<Cover, String>> {
    let PresentedToken { permission, plan } = presented;
    if plan_orders::trial_used(ctx, plan, &permission.holder)? {
        return Ok(Err("the plan is a trial and was ordered before".into()));
    }
    let Some(bought) = credit_rules::top_up(missing, plan.terms.grant.amount, plan.terms.total) else {
        return Ok(Err("no number of orders brings enough credits".into()));
    };
    if plan.terms.trial && bought.orders > 1 {
        return Ok(Err("the plan is a trial and one order is too little".into()));
    }
    let Some(delegation) = delegation::find(ctx, &permission.delegation_id)? else {
        return Ok(Err("the delegation no longer exists".into()));
    };
    Ok(match delegation.refuses(ctx.request.now, ask(plan, bought)) {
        Some(reason) => Err(reason.to_owned()),
        None => Ok(Cover { bought, delegation }),
    })
}

fn ask(plan: &Plan, bought: TopUp) -> ChargeRequest<'_> {
    ChargeRequest {
        plan_id: &plan.id,
        crypto: plan.terms.crypto,
        money: plan.terms.money(),
        cents: bought.cents,
    }
}

fn too_few(balance: Credits, needed: Credits, reason: &str) -> String {
    format!("Insufficient credits: {needed} needed, {balance} held, and no automatic top-up: {reason}")
}

/// Checks that the token can pay. Burns nothing.
pub(crate) fn check(
    ctx: &RequestContext,
    presented: &PresentedToken,
    asked: Option<Credits>,
) -> Result<Result<(), String>> {
    let PresentedToken { permission, plan } = presented;
    let needed = plan.terms.grant.needed(asked);
    let balance = balances::total(ctx, &plan.id, &permission.holder)?;
    if balance >= needed {
        return Ok(Ok(()));
    }
    let covered = cover(ctx, presented, needed.saturating_sub(balance))?;
    Ok(covered.map(|_| ()).map_err(|reason| too_few(balance, needed, &reason)))
}

/// Tops up if needed, then burns. Both happen or neither, because the request is one transaction.
pub(crate) fn settle(
    ctx: &RequestContext,
    presented: &PresentedToken,
    due: &AmountDue,
) -> Result<SettleOutcome> {
    let PresentedToken { permission, plan } = presented;
    let charge = due.charge;
    let balance = balances::total(ctx, &plan.id, &permission.holder)?;
    let refuse = |reason: &str| {
        ApiError::new(402, "BCK.CREDITS.0003", too_few(balance, charge.hold, reason))
            .hint("Order the plan, or raise the delegation's limit.")
    };
    let mut order_tx = None;
    if balance < charge.hold {
        let cover = match cover(ctx, presented, charge.hold.saturating_sub(balance))? {
            Ok(cover) => cover,
            Err(reason) => return Ok(SettleOutcome::Refused(refuse(&reason))),
        };
        match top_up(ctx, presented, &cover)? {
            Ok(tx) => order_tx = Some(tx),
            Err(reason) => return Ok(SettleOutcome::Refused(refuse(reason))),
        }
    }
    let tx = ctx.random.hex(32)?;
    let left = burn::burn(ctx, &tx, &plan.id, &permission.holder, charge.burn)?
        .ok_or_else(|| refuse("the purchased credits had expired"))?;
    permission::spend(ctx, permission)?;
    ctx.store.run(
        "INSERT INTO settlements (tx, plan_id, holder, credits, permission, order_tx, kind, request, at)
         VALUES (?, ?, ?, ?, ?, ?, 'settle', ?, ?)",
        binds![
            tx.as_str(),
            plan.id.as_str(),
            permission.holder.to_ascii_lowercase(),
            charge.burn.to_string(),
            permission.hash.as_str(),
            order_tx.clone(),
            due.request.clone(),
            ctx.request.now,
        ],
    )?;
    if let Some(cost) = &due.cost {
        agent_requests::settled(ctx, cost, &tx)?;
    }
    Ok(SettleOutcome::Paid(Receipt { tx, burned: charge.burn, left, order_tx }))
}

/// Orders on the buyer's behalf and charges the delegation. The amount is reserved before the bank is asked, and
/// released if the bank declines.
fn top_up(
    ctx: &RequestContext,
    presented: &PresentedToken,
    cover: &Cover,
) -> Result<Result<String, &'static str>> {
    let PresentedToken { permission, plan } = presented;
    let Cover { bought, delegation } = cover;
    let purchase = Purchase {
        plan,
        holder: &permission.holder,
        kind: Kind::TopUp,
        bought: *bought,
        delegation: Some(delegation),
    };
    if bought.cents == 0 {
        return plan_orders::deliver(ctx, &purchase).map(Ok);
    }
    let Some(charge) = charges::reserve(ctx, delegation, &plan.id, bought.cents)? else {
        return Ok(Err("the delegation's spending limit does not allow it"));
    };
    // The bank is asked only for a charge: an earlier verify cannot know its decision.
    if payment_methods::declines(ctx, delegation.payment_method.as_deref())? {
        charges::failed(ctx, &charge)?;
        return Ok(Err("the card was declined"));
    }
    let tx = plan_orders::deliver(ctx, &purchase)?;
    charges::made(ctx, &charge, &tx)?;
    Ok(Ok(tx))
}
