//! `GET /protocol/token/:planId/:agentId`: an access token without an x402 request (contract section 3, row 47).

use crate::catalog::{agents, plans};
use crate::context::RequestContext;
use crate::delegations::delegation;
use crate::http::error::{ApiError, Result};
use crate::http::fields::id;
use crate::http::response::Response;
use crate::identity::accounts;
use crate::storage::store::binds;
use crate::tokens::issue;
use serde::Deserialize;
use serde_json::json;

/// Issues a token for a plan and one of its agents. The call names no delegation: the caller's newest valid one that
/// may pay this plan is used.
pub(crate) fn get(ctx: &RequestContext, plan_id: &str, agent_id: &str) -> Result {
    #[derive(Deserialize)]
    struct Row {
        id: String,
    }
    let caller = accounts::caller(ctx)?;
    let (plan, agent_id) = (plans::load(ctx, plan_id)?, id(agent_id, "agentId")?);
    agents::load(ctx, &agent_id)?;
    if !agents::has_plan(ctx, &agent_id, &plan.id)? {
        let message = format!("Plan {} is not on agent {agent_id}", plan.id);
        return Err(ApiError::new(403, "BCK.PROTOCOL.0026", message));
    }
    let query = "SELECT id FROM delegations WHERE owner = ?1 AND revoked = 0 AND expires_at > ?2
        AND (plan_id IS NULL OR plan_id = ?3) AND (api_key_id IS NULL OR api_key_id = ?4)
        AND (provider = 'erc4337') = ?5 ORDER BY created_at DESC, rowid DESC LIMIT 1";
    let binds = binds![
        caller.id(),
        ctx.request.now,
        plan.id.as_str(),
        caller.key_id.clone(),
        i64::from(plan.terms.crypto),
    ];
    let row: Row = ctx.store.first(query, binds)?.ok_or_else(|| {
        ApiError::new(400, "BCK.X402.0030", "There is no delegation that may pay this plan")
            .hint("Create one with POST /api/v1/delegation/create.")
    })?;
    let delegation = delegation::own(ctx, &caller, &row.id)?;
    let granted = issue::grant_for(ctx, &caller, &plan, Some(&agent_id), &delegation)?;
    Response::ok(json!({ "accessToken": granted.token, "permissionHash": granted.hash, "proxies": [] }))
}
