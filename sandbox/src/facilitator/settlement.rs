//! Payment of a request with a token, for x402 and MPP: the check whether it can be paid, and the settlement
//! (contract sections 4.5, 13.7, 13.8; the delegation specification, sections 5 and 6).

use crate::Desk;
use crate::catalog::credit_rules::{self, Charge, TopUp};
use crate::catalog::plans::Plan;
use crate::checkout::plan_orders::{self, Kind, Purchase};
use crate::delegations::delegation::{self, Ask, Delegation};
use crate::delegations::{charges, payment_methods};
use crate::http::error::{Outcome, Problem};
use crate::ledger::balances;
use crate::metering::agent_requests::{self, Cost};
use crate::storage::store::binds;
use crate::tokens::permission::{self, Permission};
use payments_wasm::wire::Credits;
use serde_json::{Value, json};

/// A valid token that matches the seller's offer.
pub(crate) struct Presented {
    pub(crate) permission: Permission,
    pub(crate) plan: Plan,
}

/// The amount to settle, and the request it is for.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) charge: Charge,
    pub(crate) request: Option<String>,
    /// The sub-tasks the amount was computed from.
    pub(crate) cost: Option<Cost>,
}

/// The outcome of a settle.
pub(crate) enum Settled {
    /// The payment succeeded.
    Paid(Receipt),
    /// The payment failed. It is not an `Err`, because an error would roll back the record of the attempt.
    Refused(Problem),
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
fn cover(desk: &Desk, presented: &Presented, missing: Credits) -> Outcome<Result<Cover, String>> {
    let Presented { permission, plan } = presented;
    if plan_orders::trial_used(desk, plan, &permission.holder)? {
        return Ok(Err("the plan is a trial and was ordered before".into()));
    }
    let Some(bought) = credit_rules::top_up(missing, plan.terms.grant.amount, plan.terms.total) else {
        return Ok(Err("no order of the plan brings enough".into()));
    };
    if plan.terms.trial && bought.orders > 1 {
        return Ok(Err("the plan is a trial and one order is too little".into()));
    }
    let Some(delegation) = delegation::find(desk, &permission.delegation_id)? else {
        return Ok(Err("the delegation is gone".into()));
    };
    Ok(match delegation.refuses(desk.call.now, ask(plan, bought)) {
        Some(reason) => Err(reason.to_owned()),
        None => Ok(Cover { bought, delegation }),
    })
}

fn ask(plan: &Plan, bought: TopUp) -> Ask<'_> {
    Ask { plan_id: &plan.id, crypto: plan.terms.crypto, money: plan.terms.money(), cents: bought.cents }
}

fn too_few(balance: Credits, needed: Credits, reason: &str) -> String {
    format!("Insufficient credits: {needed} needed, {balance} held, and no automatic top-up: {reason}")
}

/// Checks that the token can pay. Burns nothing.
pub(crate) fn check(
    desk: &Desk,
    presented: &Presented,
    asked: Option<Credits>,
) -> Outcome<Result<(), String>> {
    let Presented { permission, plan } = presented;
    let needed = plan.terms.grant.needed(asked);
    let balance = balances::total(desk, &plan.id, &permission.holder)?;
    if balance >= needed {
        return Ok(Ok(()));
    }
    let covered = cover(desk, presented, needed.saturating_sub(balance))?;
    Ok(covered.map(|_| ()).map_err(|reason| too_few(balance, needed, &reason)))
}

/// Tops up if needed, then burns. Both happen or neither, because the request is one transaction.
pub(crate) fn settle(desk: &Desk, presented: &Presented, due: &Due) -> Outcome<Settled> {
    let Presented { permission, plan } = presented;
    let charge = due.charge;
    let balance = balances::total(desk, &plan.id, &permission.holder)?;
    let refuse = |reason: &str| {
        Problem::new(402, "BCK.CREDITS.0003", too_few(balance, charge.hold, reason))
            .hint("Order the plan, or raise the delegation's limit.")
    };
    let mut order_tx = None;
    if balance < charge.hold {
        let cover = match cover(desk, presented, charge.hold.saturating_sub(balance))? {
            Ok(cover) => cover,
            Err(reason) => return Ok(Settled::Refused(refuse(&reason))),
        };
        match top_up(desk, presented, &cover)? {
            Ok(tx) => order_tx = Some(tx),
            Err(reason) => return Ok(Settled::Refused(refuse(reason))),
        }
    }
    let tx = desk.random.hex(32)?;
    let left = balances::burn(desk, &tx, &plan.id, &permission.holder, charge.burn)?
        .ok_or_else(|| refuse("what an order brought had run out"))?;
    permission::spend(desk, permission)?;
    desk.store.run(
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
            desk.call.now,
        ],
    )?;
    if let Some(cost) = &due.cost {
        agent_requests::settled(desk, cost, &tx)?;
    }
    Ok(Settled::Paid(Receipt { tx, burned: charge.burn, left, order_tx }))
}

/// Orders on the buyer's behalf and charges the delegation. The amount is reserved before the bank is asked, and
/// released if the bank declines.
fn top_up(desk: &Desk, presented: &Presented, cover: &Cover) -> Outcome<Result<String, &'static str>> {
    let Presented { permission, plan } = presented;
    let Cover { bought, delegation } = cover;
    let purchase = Purchase {
        plan,
        holder: &permission.holder,
        kind: Kind::TopUp,
        bought: *bought,
        delegation: Some(delegation),
    };
    if bought.cents == 0 {
        return plan_orders::deliver(desk, &purchase).map(Ok);
    }
    let Some(charge) = charges::reserve(desk, delegation, &plan.id, bought.cents)? else {
        return Ok(Err("the delegation's spending limit does not allow it"));
    };
    // The bank is asked only for a charge: an earlier verify cannot know its decision.
    if payment_methods::declines(desk, delegation.payment_method.as_deref())? {
        charges::failed(desk, &charge)?;
        return Ok(Err("the card was declined"));
    }
    let tx = plan_orders::deliver(desk, &purchase)?;
    charges::made(desk, &charge, &tx)?;
    Ok(Ok(tx))
}
