//! Ways to credits: order, checkout, mint (contract sections 4.1, 8.4).

use super::call::{Reply, text, uint256, whole};
use super::keys::is_address;
use super::ledger::TopUp;
use super::plans::{self, Plan};
use super::problem::{Outcome, Problem};
use super::store::binds;
use super::{Desk, accounts, balances, clock};
use crate::wire::Credits;
use serde_json::{Map, Value, json};

/// How credits came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Order,
    TopUp,
    Checkout,
    Mint,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::TopUp => "top-up",
            Self::Checkout => "checkout",
            Self::Mint => "mint",
        }
    }
}

/// One purchase, to be written down.
pub(super) struct Purchase<'a> {
    pub(super) plan: &'a Plan,
    pub(super) holder: &'a str,
    pub(super) kind: Kind,
    pub(super) bought: TopUp,
    pub(super) delegation: Option<&'a str>,
}

/// A trial may be ordered once by each holder.
pub(super) fn trial_used(desk: &Desk, plan: &Plan, holder: &str) -> Outcome<bool> {
    let ordered =
        "SELECT COUNT(*) AS count FROM purchases WHERE plan_id = ? AND holder = ? AND kind <> 'mint'";
    let binds = binds![plan.id.as_str(), holder.to_ascii_lowercase()];
    Ok(plan.terms.trial && desk.store.count(ordered, binds)? > 0)
}

/// Hands out what a purchase brings and writes it down; the answer is its transaction.
pub(super) fn deliver(desk: &Desk, purchase: &Purchase<'_>) -> Outcome<String> {
    let plan = purchase.plan;
    let expires_at = plan.terms.grant.expiry(desk.call.now);
    balances::add(desk, &plan.id, purchase.holder, purchase.bought.credits, expires_at)?;
    record(desk, purchase)
}

fn record(desk: &Desk, purchase: &Purchase<'_>) -> Outcome<String> {
    let tx = desk.random.hex(32)?;
    desk.store.run(
        "INSERT INTO purchases (tx, plan_id, holder, kind, quantity, cents, delegation_id, at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        binds![
            tx.as_str(),
            purchase.plan.id.as_str(),
            purchase.holder.to_ascii_lowercase(),
            purchase.kind.name(),
            purchase.bought.orders.to_string(),
            purchase.bought.cents,
            purchase.delegation,
            desk.call.now,
        ],
    )?;
    Ok(tx)
}

/// One order of a plan, at its price.
pub(super) fn single(plan: &Plan) -> Outcome<TopUp> {
    let cents = i64::try_from(plan.terms.total.div_ceil(10_000)).map_err(|_| {
        Problem::new(500, "BCK.PROTOCOL.0005", "The price is more than the sandbox counts to")
    })?;
    Ok(TopUp { orders: 1, cents, credits: plan.terms.grant.amount })
}

fn refuse_second_trial(desk: &Desk, plan: &Plan, holder: &str) -> Outcome<()> {
    if trial_used(desk, plan, holder)? {
        return Err(Problem::new(
            409,
            "BCK.COMMON.0027",
            "A trial plan can be ordered once, and you have had it",
        ));
    }
    Ok(())
}

/// `POST /api/v1/protocol/plans/:planId/order`: the caller's wallet pays. Wallets of the sandbox never run dry.
pub(super) fn order(desk: &Desk, plan_id: &str) -> Outcome {
    let caller = accounts::caller(desk)?;
    let plan = plans::load(desk, plan_id)?;
    if !plan.terms.crypto {
        return Err(Problem::new(500, "BCK.PROTOCOL.0005", "This plan is paid by card, not from a wallet")
            .hint("Order it with POST /api/v1/fiat/stripe/payment and open the checkoutLink."));
    }
    refuse_second_trial(desk, &plan, &caller.address)?;
    let purchase = Purchase {
        plan: &plan,
        holder: &caller.address,
        kind: Kind::Order,
        bought: single(&plan)?,
        delegation: None,
    };
    result(&deliver(desk, &purchase)?)
}

/// `NvmAPIResult` of the SDKs.
fn result(tx: &str) -> Outcome {
    Reply::created(json!({ "success": true, "txHash": tx, "httpStatus": 201 }))
}

/// `POST /api/v1/protocol/plans/mint`: the owner hands out credits.
pub(super) fn mint(desk: &Desk) -> Outcome {
    let body = desk.call.json()?;
    hand_out(desk, &body, "amount", 0)
}

/// `POST /api/v1/protocol/plans/mintExpirable`: the same, with an end.
pub(super) fn mint_expirable(desk: &Desk) -> Outcome {
    let body = desk.call.json()?;
    let duration = whole(&body, "creditsDuration")?.unwrap_or(0);
    hand_out(desk, &body, "creditsAmount", duration)
}

fn hand_out(desk: &Desk, body: &Map<String, Value>, amount: &str, duration: i64) -> Outcome {
    let plan = plans::load_owned(desk, &plans::id_in(body, "planId")?)?;
    let credits: Credits = uint256(body, amount)?.ok_or_else(|| Problem::bad_uint256(amount))?;
    let holder = text(body, "creditsReceiver")
        .filter(|receiver| is_address(receiver))
        .ok_or_else(|| Problem::bad_request("creditsReceiver is not an address"))?;
    let expires_at = match duration {
        0 => plan.terms.grant.expiry(desk.call.now),
        seconds => clock::after(desk.call.now, seconds),
    };
    balances::add(desk, &plan.id, holder, credits, expires_at)?;
    let bought = TopUp { orders: 1, cents: 0, credits };
    result(&record(desk, &Purchase { plan: &plan, holder, kind: Kind::Mint, bought, delegation: None })?)
}
