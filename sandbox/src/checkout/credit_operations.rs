//! Credit operations outside a payment: mint by the plan's owner, burn by the holder, redeem for a request (contract
//! section 4.1, routes 8 to 11).

use crate::catalog::credit_rules::TopUp;
use crate::catalog::plans::{self, Plan};
use crate::catalog::redemption::Redemption;
use crate::checkout::plan_orders::{self, Kind, Purchase};
use crate::context::RequestContext;
use crate::http::error::{ApiError, Result};
use crate::http::fields::{seconds, text, uint256, whole};
use crate::http::response::Response;
use crate::identity::accounts;
use crate::identity::api_key::{Identity, is_address};
use crate::ledger::{balances, burn};
use crate::metering::agent_requests;
use crate::primitives::time;
use crate::storage::store::binds;
use payments_wasm::wire::Credits;
use serde_json::{Map, Value, json};

/// The `NvmAPIResult` of the SDKs.
fn result(tx: &str, data: Value) -> Result {
    Response::created(json!({ "success": true, "txHash": tx, "httpStatus": 201, "data": data }))
}

/// A member that must be an amount above 0; `code` is the backend's error code otherwise.
fn positive(body: &Map<String, Value>, name: &str, code: &'static str) -> Result<Credits> {
    let amount: Credits = uint256(body, name)?.ok_or_else(|| ApiError::bad_uint256(name))?;
    if amount.is_zero() {
        return Err(ApiError::new(400, code, format!("{name} must be above 0")));
    }
    Ok(amount)
}

/// `POST /api/v1/protocol/plans/mint`: the owner mints credits.
pub(crate) fn mint(ctx: &RequestContext) -> Result {
    let body = ctx.request.json()?;
    hand_out(ctx, &body, "amount", 0)
}

/// `POST /api/v1/protocol/plans/mintExpirable`: the owner mints credits that expire.
pub(crate) fn mint_expirable(ctx: &RequestContext) -> Result {
    let body = ctx.request.json()?;
    let duration = seconds(&body, "creditsDuration")?.map_or(0, |(_, secs)| secs);
    hand_out(ctx, &body, "creditsAmount", duration)
}

fn hand_out(ctx: &RequestContext, body: &Map<String, Value>, amount: &str, duration: i64) -> Result {
    let plan = plans::load_owned(ctx, &plans::id_in(body, "planId")?)?;
    let credits = positive(body, amount, "BCK.CREDITS.0001")?;
    let holder = text(body, "creditsReceiver")
        .filter(|receiver| is_address(receiver))
        .ok_or_else(|| ApiError::bad_request("creditsReceiver is not an address"))?;
    let tx = give(ctx, &plan, holder, credits, duration)?;
    result(&tx, json!({ "planId": plan.id, "creditsReceiver": holder }))
}

/// Mints credits without a payment and returns the transaction. A duration of 0 means the plan's own.
pub(crate) fn give(
    ctx: &RequestContext,
    plan: &Plan,
    holder: &str,
    credits: Credits,
    duration: i64,
) -> Result<String> {
    let tx = ctx.random.hex(32)?;
    match duration {
        0 => balances::grant(ctx, &tx, plan, holder, credits)?,
        seconds => {
            let until = time::after(ctx.request.now, seconds);
            balances::add(ctx, &tx, &plan.id, holder, credits, until)?;
        }
    }
    let bought = TopUp { orders: 1, cents: 0, credits };
    plan_orders::record(ctx, &Purchase { plan, holder, kind: Kind::Mint, bought, delegation: None }, &tx)?;
    Ok(tx)
}

/// `POST /api/v1/protocol/plans/burn`: burns the caller's own credits, of any plan.
pub(crate) fn burn(ctx: &RequestContext) -> Result {
    let caller = accounts::caller(ctx)?;
    let body = ctx.request.json()?;
    let plan = plans::load(ctx, &plans::id_in(&body, "planId")?)?;
    let amount = positive(&body, "creditsAmount", "BCK.CREDITS.0002")?;
    let (tx, left) = take(ctx, &plan, &caller.address, amount, "burn", None)?.ok_or_else(|| {
        ApiError::new(402, "BCK.CREDITS.0003", "You hold fewer credits of the plan than that")
    })?;
    result(
        &tx,
        json!({ "planId": plan.id, "creditsBurned": amount.to_string(), "balance": left.to_string() }),
    )
}

/// `POST /api/v1/protocol/plans/redeem`: burns a subscriber's credits for a request. The plan's redemption type
/// decides who may do so, its bounds how much.
pub(crate) fn redeem(ctx: &RequestContext) -> Result {
    let caller = accounts::caller(ctx)?;
    let body = ctx.request.json()?;
    let plan = plans::load(ctx, &plans::id_in(&body, "planId")?)?;
    let holder = text(&body, "redeemFrom")
        .filter(|holder| is_address(holder))
        .ok_or_else(|| ApiError::bad_request("redeemFrom is not an address"))?;
    let request = text(&body, "agentRequestId");
    if !may_redeem(ctx, &caller, &plan, holder, request)? {
        let hint = "Settle with the subscriber's access token instead: POST /api/v1/x402/settle.";
        return Err(ApiError::new(
            403,
            "BCK.AUTH.0003",
            "You may not redeem this holder's credits of the plan",
        )
        .hint(hint));
    }
    let asked = positive(&body, "amount", "BCK.CREDITS.0002")?;
    let charge = plan.terms.grant.charge(Some(asked));
    let balance = balances::total(ctx, &plan.id, holder)?;
    let too_few =
        || ApiError::new(403, "BCK.PROTOCOL.0011", format!("{} needed, {balance} held", charge.hold));
    if balance < charge.hold {
        return Err(too_few());
    }
    let (tx, left) = take(ctx, &plan, holder, charge.burn, "redeem", request)?.ok_or_else(too_few)?;
    result(
        &tx,
        json!({
            "planId": plan.id, "creditsRedeemed": charge.burn.to_string(), "remainingBalance": left.to_string(),
        }),
    )
}

/// `POST /sandbox/accounts/:address/credits` `{planId, amount, expiresInSecs?}`: mints credits of any plan, as its
/// owner would.
pub(crate) fn top_up(ctx: &RequestContext, address: &str) -> Result {
    let account = accounts::load(ctx, address)?;
    let body = ctx.request.json()?;
    let plan = plans::load(ctx, &plans::id_in(&body, "planId")?)?;
    let credits = positive(&body, "amount", "BCK.CREDITS.0001")?;
    let tx = give(ctx, &plan, &account.address, credits, whole(&body, "expiresInSecs")?.unwrap_or(0))?;
    let balance = balances::total(ctx, &plan.id, &account.address)?;
    Response::created(json!({ "txHash": tx, "planId": plan.id, "balance": balance.to_string() }))
}

fn may_redeem(
    ctx: &RequestContext,
    caller: &Identity,
    plan: &Plan,
    holder: &str,
    request: Option<&str>,
) -> Result<bool> {
    let same = |address: &str| address.eq_ignore_ascii_case(&caller.address);
    Ok(match plan.terms.redemption {
        Redemption::GlobalRole => false,
        Redemption::Owner | Redemption::PlanRole => same(&plan.owner),
        // Subscribers agree for themselves, or through the token that their request was verified with.
        Redemption::Subscriber if same(holder) => true,
        Redemption::Subscriber => match request.filter(|_| same(&plan.owner)) {
            Some(id) => agent_requests::find(ctx, id)?
                .is_some_and(|request| request.plan_id == plan.id && request.is_of(holder)),
            None => false,
        },
    })
}

/// Burns credits and records it. Returns the transaction and the remaining balance; `None` if there are too few.
pub(crate) fn take(
    ctx: &RequestContext,
    plan: &Plan,
    holder: &str,
    amount: Credits,
    kind: &'static str,
    request: Option<&str>,
) -> Result<Option<(String, Credits)>> {
    let tx = ctx.random.hex(32)?;
    let Some(left) = burn::burn(ctx, &tx, &plan.id, holder, amount)? else { return Ok(None) };
    ctx.store.run(
        "INSERT INTO settlements (tx, plan_id, holder, credits, permission, order_tx, kind, request, at)
         VALUES (?, ?, ?, ?, '', NULL, ?, ?, ?)",
        binds![
            tx.as_str(),
            plan.id.as_str(),
            holder.to_ascii_lowercase(),
            amount.to_string(),
            kind,
            request,
            ctx.request.now,
        ],
    )?;
    Ok(Some((tx, left)))
}
