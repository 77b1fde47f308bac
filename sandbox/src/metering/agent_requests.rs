//! Requests that agents serve: begun by verify, metered by sub-tasks, or simulated (contract sections 4.4, 4.5).
//!
//! The hosted service knows the cost of a request from the calls of its language models. Here the tracked sub-tasks
//! stand in for them.

use crate::catalog::agents;
use crate::context::RequestContext;
use crate::http::error::{ApiError, Result};
use crate::http::fields::{decimal, member, text, uint256};
use crate::http::response::Response;
use crate::identity::accounts;
use crate::primitives::contracts;
use crate::storage::store::{Store, binds};
use payments_wasm::wire::Credits;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Minimum number of requests that are kept; older ones are deleted from time to time.
const MAX: i64 = 20_000;
/// One in millionths: margins and prices have six decimals.
const WHOLE: u128 = 1_000_000;
/// Maximum margin: ten times the cost.
const MAX_MARGIN: u128 = 10 * WHOLE;
/// The cost of a simulated request in millionths of a dollar: five cents.
const SIMULATED_COST: u128 = 50_000;
const STATUSES: [&str; 3] = ["SUCCESS", "FAILED", "PENDING"];

/// A request that has begun.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct AgentRequest {
    pub(crate) id: String,
    agent_id: Option<String>,
    pub(crate) plan_id: String,
    holder: String,
    /// Price of a credit in millionths of a dollar, for simulations only.
    price: Option<i64>,
}

impl AgentRequest {
    pub(crate) fn is_of(&self, holder: &str) -> bool {
        self.holder.eq_ignore_ascii_case(holder)
    }
}

/// The agent, plan and holder of a request.
pub(crate) struct RequestSubject<'a> {
    pub(crate) agent_id: Option<&'a str>,
    pub(crate) plan_id: &'a str,
    pub(crate) holder: &'a str,
}

/// Records the begin of a request and returns its id.
pub(crate) fn begin(ctx: &RequestContext, about: &RequestSubject<'_>, price: Option<i64>) -> Result<String> {
    let id = ctx.random.uuid()?;
    ctx.store.run(
        "INSERT INTO requests (id, agent_id, plan_id, holder, price, at) VALUES (?, ?, ?, ?, ?, ?)",
        binds![
            id.as_str(),
            about.agent_id,
            about.plan_id,
            about.holder.to_ascii_lowercase(),
            price,
            ctx.request.now,
        ],
    )?;
    Ok(id)
}

/// Deletes the oldest requests.
pub(crate) fn sweep(store: &Store) -> Result<()> {
    store.run("DELETE FROM requests WHERE rowid <= (SELECT MAX(rowid) FROM requests) - ?", binds![MAX])
}

/// Finds a request by its id.
pub(crate) fn find(ctx: &RequestContext, id: &str) -> Result<Option<AgentRequest>> {
    ctx.store.first("SELECT id, agent_id, plan_id, holder, price FROM requests WHERE id = ?", binds![id])
}

/// The unsettled sub-tasks of a request; for a batch, of all requests of the same agent, plan and holder.
fn tracked(ctx: &RequestContext, request: &AgentRequest, batch: bool) -> Result<Vec<(i64, Credits)>> {
    #[derive(Deserialize)]
    struct Row {
        id: i64,
        credits: String,
    }
    let open = "SELECT id, credits FROM tasks WHERE settled_by IS NULL AND";
    let (query, binds) = if batch {
        let of = "request_id IN (SELECT id FROM requests WHERE plan_id = ? AND holder = ? AND agent_id IS ?)";
        let binds = binds![request.plan_id.as_str(), request.holder.as_str(), request.agent_id.clone()];
        (format!("{open} {of} ORDER BY id"), binds)
    } else {
        (format!("{open} request_id = ? ORDER BY id"), binds![request.id.as_str()])
    };
    ctx.store
        .rows::<Row>(&query, binds)?
        .into_iter()
        .map(|row| {
            let credits =
                row.credits.parse().map_err(|_| ApiError::internal("storage: a task has no credits"))?;
            Ok((row.id, credits))
        })
        .collect()
}

/// The amount of a settle with a margin, and the sub-tasks it covers.
#[derive(Debug)]
pub(crate) struct Cost {
    pub(crate) credits: Credits,
    tasks: Vec<i64>,
}

/// The cost of a request with the seller's margin.
pub(crate) fn cost(ctx: &RequestContext, id: &str, margin: u128, batch: bool) -> Result<Cost> {
    let missing = || {
        ApiError::new(404, "BCK.PROTOCOL.0044", format!("Nothing was tracked for request {id}"))
            .hint("The sandbox sees no language model: track what it cost with POST /api/v1/protocol/agent-sub-tasks.")
    };
    let request = find(ctx, id)?.ok_or_else(missing)?;
    let tracked = tracked(ctx, &request, batch)?;
    if tracked.is_empty() {
        return Err(missing());
    }
    let sum = tracked.iter().try_fold(Credits::ZERO, |sum, (_, credits)| sum.checked_add(*credits));
    let credits = sum
        .and_then(|sum| with_margin(sum, margin))
        .ok_or_else(|| ApiError::bad_request("The tracked cost of the request is too large"))?;
    Ok(Cost { credits, tasks: tracked.into_iter().map(|(id, _)| id).collect() })
}

/// Marks the sub-tasks of a settle as settled.
pub(crate) fn settled(ctx: &RequestContext, cost: &Cost, tx: &str) -> Result<()> {
    cost.tasks
        .iter()
        .try_for_each(|id| ctx.store.run("UPDATE tasks SET settled_by = ? WHERE id = ?", binds![tx, *id]))
}

/// An amount plus a margin, rounded up to whole credits.
fn with_margin(sum: Credits, margin: u128) -> Option<Credits> {
    let sum = sum.to_string().parse::<u128>().ok()?;
    let scaled = sum.checked_mul(WHOLE.checked_add(margin)?)?;
    scaled.div_ceil(WHOLE).to_string().parse().ok()
}

/// `marginPercent` in millionths: `0.2` adds a fifth.
pub(crate) fn margin(body: &Map<String, Value>) -> Result<Option<u128>> {
    let Some(value) = member(body, "marginPercent") else { return Ok(None) };
    let parts = match value {
        Value::Number(number) => decimal(&number.to_string(), 6),
        Value::String(text) => decimal(text, 6),
        _ => None,
    };
    let margin = parts.map(u128::from).filter(|margin| *margin <= MAX_MARGIN);
    margin.map(Some).ok_or_else(|| ApiError::bad_request("marginPercent must be from 0 to 10"))
}

/// `POST /api/v1/protocol/agent-sub-tasks`
pub(crate) fn track(ctx: &RequestContext) -> Result {
    let caller = accounts::caller(ctx)?;
    let body = ctx.request.json()?;
    let id =
        text(&body, "agentRequestId").ok_or_else(|| ApiError::bad_request("agentRequestId is missing"))?;
    let request = find(ctx, id)?.ok_or_else(|| {
        ApiError::new(404, "BCK.PROTOCOL.0037", format!("Request {id} not found"))
            .hint("agentRequestId is returned by verify and by a simulation.")
    })?;
    let owner = match &request.agent_id {
        Some(agent_id) if request.price.is_none() => agents::owner(ctx, agent_id)?,
        _ => None,
    };
    if owner.is_some_and(|owner| !owner.eq_ignore_ascii_case(&caller.address)) {
        return Err(ApiError::new(401, "BCK.PROTOCOL.0016", "The request belongs to another user's agent"));
    }
    let credits = uint256(&body, "creditsToRedeem")?.unwrap_or(Credits::ZERO);
    let status = text(&body, "status").unwrap_or("SUCCESS").to_ascii_uppercase();
    if !STATUSES.contains(&status.as_str()) {
        return Err(ApiError::new(400, "BCK.AGENT.0001", "status must be SUCCESS, FAILED or PENDING"));
    }
    ctx.store.run(
        "INSERT INTO tasks (request_id, credits, tag, description, status, at) VALUES (?, ?, ?, ?, ?, ?)",
        binds![
            request.id.as_str(),
            credits.to_string(),
            text(&body, "tag"),
            text(&body, "description"),
            status,
            ctx.request.now,
        ],
    )?;
    let data = json!({ "agentRequestId": request.id, "creditsToRedeem": credits.to_string() });
    Response::created(json!({ "success": true, "httpStatus": 201, "data": data }))
}

/// `POST /api/v1/protocol/agents/simulate/start`: begins a request as verify would, without a plan.
pub(crate) fn simulate(ctx: &RequestContext) -> Result {
    let caller = accounts::caller(ctx)?;
    let body = ctx.request.json()?;
    let price = match member(&body, "pricePerCredit") {
        None => Some(10_000),
        Some(Value::Number(number)) => decimal(&number.to_string(), 6),
        Some(Value::String(text)) => decimal(text, 6),
        Some(_) => None,
    };
    let price = price.and_then(|price| i64::try_from(price).ok()).filter(|price| *price > 0);
    let price = price.ok_or_else(|| ApiError::bad_request("pricePerCredit must be a number above 0"))?;
    let (agent_id, plan_id) = (ctx.random.id()?, ctx.random.id()?);
    let about = RequestSubject { agent_id: Some(&agent_id), plan_id: &plan_id, holder: &caller.address };
    let id = begin(ctx, &about, Some(price))?;
    Response::created(json!({
        "agentRequestId": id,
        "agentName": text(&body, "agentName").unwrap_or("Simulated agent"),
        "agentId": agent_id,
        "balance": {
            "planId": plan_id, "planName": text(&body, "planName").unwrap_or("Simulated plan"), "planType": "credits",
            "holderAddress": caller.address, "balance": "1000000",
            "creditsContract": contracts::contract("NFT1155Credits"), "isSubscriber": true,
            "pricePerCredit": member(&body, "pricePerCredit").cloned().unwrap_or_else(|| json!(0.01)),
        },
        "urlMatching": "/simulated", "verbMatching": "POST",
        "batch": member(&body, "batch").and_then(Value::as_bool).unwrap_or(false),
    }))
}

/// `POST /api/v1/protocol/agents/simulate/finish`: the amount the request would have cost. Without tracked sub-tasks
/// the cost is that of a made-up model call of five cents.
pub(crate) fn finish(ctx: &RequestContext) -> Result {
    let caller = accounts::caller(ctx)?;
    let body = ctx.request.json()?;
    let id = text(&body, "agentRequestId").unwrap_or_default();
    let request = find(ctx, id)?.filter(|request| request.is_of(&caller.address));
    let simulated = request.as_ref().and_then(|request| request.price);
    let (Some(request), Some(price)) = (request, simulated) else {
        return Err(ApiError::new(404, "BCK.PROTOCOL.0044", format!("{id} is not a simulation of yours")));
    };
    let margin = margin(&body)?.unwrap_or_default();
    let tracked = tracked(ctx, &request, false)?;
    let credits = if tracked.is_empty() {
        simulated_credits(price, margin)
    } else {
        let sum = tracked.iter().try_fold(Credits::ZERO, |sum, (_, credits)| sum.checked_add(*credits));
        sum.and_then(|sum| with_margin(sum, margin))
    };
    let credits = credits.ok_or_else(|| ApiError::bad_request("The amount is too large"))?;
    // JavaScript clients read a number here.
    let number = credits.to_string().parse::<u64>().map_or(Value::from(credits.to_string()), Value::from);
    Response::created(json!({ "success": true, "creditsToRedeem": number, "agentRequestId": request.id }))
}

fn simulated_credits(price: i64, margin: u128) -> Option<Credits> {
    let price = u128::try_from(price).ok().filter(|price| *price > 0)?;
    let cost = SIMULATED_COST.checked_mul(WHOLE.checked_add(margin)?)?;
    cost.div_ceil(price.checked_mul(WHOLE)?).to_string().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_are_added_and_rounded_up() {
        for (name, sum, part, expected) in [
            ("none", 7u64, 0, 7u64),
            ("a fifth", 10, 200_000, 12),
            ("a fifth of one", 1, 200_000, 2),
            ("ten times", 3, 10_000_000, 33),
            ("of nothing", 0, 200_000, 0),
        ] {
            assert_eq!(with_margin(sum.into(), part), Some(expected.into()), "{name}");
        }
        assert_eq!(with_margin("9".repeat(60).parse().unwrap(), 0), None);
    }

    #[test]
    fn margins_in_millionths() {
        for (value, expected) in [
            (json!(0.2), Some(Some(200_000))),
            (json!("0.2"), Some(Some(200_000))),
            (json!(10), Some(Some(10_000_000))),
            (json!(10.1), None),
            (json!(-1), None),
            (json!("much"), None),
            (json!(null), Some(None)),
        ] {
            let body = json!({ "marginPercent": value });
            assert_eq!(margin(body.as_object().unwrap()).ok(), expected, "{value}");
        }
    }

    #[test]
    fn credits_of_a_simulation() {
        for (price, part, expected) in
            [(10_000, 0, 5u64), (10_000, 200_000, 6), (30_000, 0, 2), (1_000_000, 0, 1)]
        {
            assert_eq!(simulated_credits(price, part), Some(expected.into()), "{price} {part}");
        }
        assert_eq!(simulated_credits(0, 0), None);
    }
}
