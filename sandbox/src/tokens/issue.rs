//! Permissions: issued, listed and revoked. A permission allows a seller to burn a buyer's credits with its token
//! (contract sections 4.5, 3).

use crate::catalog::plans::Plan;
use crate::catalog::{agents, plans};
use crate::context::RequestContext;
use crate::delegations::delegation::{self, Delegation};
use crate::http::error::{ApiError, Result};
use crate::http::fields::{member, object, text, whole};
use crate::http::response::Response;
use crate::identity::accounts;
use crate::identity::api_key::Identity;
use crate::primitives::time;
use crate::storage::store::binds;
use crate::tokens::permission::{self, COLUMNS, Draft, Permission};
use crate::tokens::protocol::{self, CARD, CRYPTO, Protocol};
use payments_wasm::wire::base64;
use serde_json::{Map, Value, json};

/// The default network: Base Sepolia.
const CHAIN: &str = "eip155:84532";

/// `POST /api/v1/x402/permissions`. MPP's route is the same, but its tokens are valid on the MPP routes only.
pub(crate) fn mint(ctx: &RequestContext, protocol: Protocol) -> Result {
    let caller = accounts::caller(ctx)?;
    let body = ctx.request.json()?;
    let mut accepted = object(&body, "accepted")?.clone();
    let scheme = text(&accepted, "scheme").unwrap_or(CRYPTO).to_owned();
    let plan_id = plans::id_in(&accepted, "planId")?;
    let plan = plans::find(ctx, &plan_id)?
        .ok_or_else(|| ApiError::new(404, "BCK.X402.0002", format!("Plan {plan_id} not found")))?;
    let agent_id = agent_of(ctx, &accepted, &plan.id)?;
    let delegation = delegation_of(ctx, &caller, &body, &scheme, &plan.id)?;
    let network = network_of(&accepted, &scheme, &delegation)?;
    let single_use = protocol == Protocol::X402 && single_use(ctx, &body, agent_id.as_deref())?;
    accepted.insert("scheme".into(), scheme.as_str().into());
    accepted.insert("planId".into(), plan.id.as_str().into());
    accepted.entry("network").or_insert_with(|| network.as_str().into());

    let draft = Draft {
        caller: &caller,
        protocol,
        scheme: &scheme,
        single_use,
        delegation: &delegation,
        plan_id: &plan.id,
        accepted: protocol::without_nulls(&Value::Object(accepted)),
        resource: member(&body, "resource")
            .filter(|resource| resource.is_object())
            .map(protocol::without_nulls),
    };
    let granted = grant(ctx, draft, agent_id.as_deref(), &network)?;
    Response::created(json!({ "accessToken": granted.token, "permissionHash": granted.hash }))
}

/// An issued permission.
pub(crate) struct Granted {
    /// The encoded token.
    pub(crate) token: String,
    pub(crate) hash: String,
}

/// Issues a reusable token for a plan, optionally for one agent, paid by a delegation that the caller has checked.
pub(crate) fn grant_for(
    ctx: &RequestContext,
    caller: &Identity,
    plan: &Plan,
    agent_id: Option<&str>,
    delegation: &Delegation,
) -> Result<Granted> {
    let scheme = if plan.terms.crypto { CRYPTO } else { CARD };
    let network = delegation.network().unwrap_or(CHAIN);
    let extra = agent_id.map_or_else(|| json!({}), |id| json!({ "agentId": id }));
    let draft = Draft {
        caller,
        protocol: Protocol::X402,
        scheme,
        single_use: false,
        delegation,
        plan_id: &plan.id,
        accepted: json!({ "scheme": scheme, "network": network, "planId": plan.id, "extra": extra }),
        resource: None,
    };
    grant(ctx, draft, agent_id, network)
}

/// Signs a token and stores its permission.
fn grant(ctx: &RequestContext, draft: Draft<'_>, agent_id: Option<&str>, network: &str) -> Result<Granted> {
    let Draft { caller, protocol, single_use, delegation, plan_id, .. } = draft;
    let signed = permission::sign(ctx, draft)?;
    ctx.store.run(
        "INSERT INTO permissions (credential, hash, holder, plan_id, agent_id, delegation_id, network, token,
         single_use, spent, expires_at, created_at, protocol, sessions)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        binds![
            signed.credential,
            signed.hash.as_str(),
            caller.address.as_str(),
            plan_id,
            agent_id,
            delegation.id.as_str(),
            network,
            signed.token.as_str(),
            i64::from(single_use),
            0i64,
            delegation.expires_at,
            ctx.request.now,
            protocol.name(),
            signed.sessions,
        ],
    )?;
    Ok(Granted { token: base64::encode_url(signed.token.as_bytes()), hash: signed.hash })
}

/// True if the token is single-use: requested, or set by the sandbox. A single-use token for an agent must name its
/// resource.
fn single_use(ctx: &RequestContext, body: &Map<String, Value>, agent_id: Option<&str>) -> Result<bool> {
    let asked = whole(body, "tokenVersion")?;
    if !matches!(asked, None | Some(2 | 3)) {
        return Err(ApiError::bad_request("tokenVersion must be 2 or 3"));
    }
    let url = member(body, "resource").and_then(|resource| resource.get("url")).and_then(Value::as_str);
    if asked == Some(3) && agent_id.is_some() && url.is_none_or(|url| url.trim().is_empty()) {
        return Err(ApiError::new(400, "BCK.X402.0012", "resource.url is missing")
            .hint("A single-use token for an agent must name its resource."));
    }
    Ok(asked.unwrap_or(ctx.settings.version) == 3)
}

/// The agent in `accepted.extra`. It must exist and be linked to the plan.
fn agent_of(ctx: &RequestContext, accepted: &Map<String, Value>, plan_id: &str) -> Result<Option<String>> {
    let extra = member(accepted, "extra").and_then(Value::as_object);
    let Some(agent_id) = extra.and_then(|extra| text(extra, "agentId")) else { return Ok(None) };
    if agents::find(ctx, agent_id)?.is_none() {
        return Err(ApiError::new(404, "BCK.X402.0001", format!("Agent {agent_id} not found")));
    }
    if !agents::has_plan(ctx, agent_id, plan_id)? {
        return Err(ApiError::new(
            400,
            "BCK.X402.0003",
            format!("Plan {plan_id} is not on agent {agent_id}"),
        ));
    }
    Ok(Some(agent_id.to_owned()))
}

/// The delegation that pays: an existing one, or one created by this call, as earlier versions did (contract section
/// 4.5).
fn delegation_of(
    ctx: &RequestContext,
    caller: &Identity,
    body: &Map<String, Value>,
    scheme: &str,
    plan_id: &str,
) -> Result<Delegation> {
    let missing = || {
        ApiError::new(400, "BCK.X402.0030", "delegationConfig is missing or empty")
            .hint("Create a delegation with POST /api/v1/delegation/create and send its id as delegationConfig.delegationId.")
    };
    let config = member(body, "delegationConfig").and_then(Value::as_object).ok_or_else(missing)?;
    let delegation = match (text(config, "delegationId"), text(config, "apiKeyId")) {
        (Some(id), _) => delegation::own(ctx, caller, id)?,
        (None, Some(key)) => delegation::of_key(ctx, caller, key, plan_id)?.ok_or_else(|| {
            ApiError::new(404, "BCK.DELEGATION.0002", format!("API key {key} has no valid delegation"))
        })?,
        (None, None) if config.contains_key("spendingLimitCents") => {
            let provider = if scheme == CARD { "stripe" } else { "erc4337" };
            delegation::open_inline(ctx, caller, config, provider)?
        }
        (None, None) => return Err(missing()),
    };
    if !delegation.is_valid(ctx.request.now) {
        return Err(ApiError::new(404, "BCK.DELEGATION.0002", "The delegation is revoked or has expired")
            .hint("Create a new one with POST /api/v1/delegation/create."));
    }
    if delegation.plan_id.as_deref().is_some_and(|bound| bound != plan_id) {
        return Err(ApiError::new(400, "BCK.X402.0014", "The delegation is bound to another plan"));
    }
    Ok(delegation)
}

/// The network the payment settles on. For cards it is the delegation's provider (contract section 2.3).
fn network_of(accepted: &Map<String, Value>, scheme: &str, delegation: &Delegation) -> Result<String> {
    let named = text(accepted, "network");
    match scheme {
        CRYPTO => match named {
            None => Ok(CHAIN.to_owned()),
            Some(network) if network.starts_with("eip155:") => Ok(network.to_owned()),
            Some(_) => Err(ApiError::bad_request("accepted.network is not a network of nvm:erc4337")),
        },
        CARD => Ok(delegation.network().or(named).unwrap_or("stripe").to_owned()),
        _ => Err(ApiError::bad_request("accepted.scheme must be nvm:erc4337 or nvm:card-delegation")),
    }
}

fn view(permission: &Permission, now: i64) -> Value {
    json!({
        "permissionHash": permission.hash,
        "status": permission.status(now),
        "planId": permission.plan_id,
        "agentId": permission.agent_id,
        "delegationId": permission.delegation_id,
        "holder": permission.holder,
        "scheme": permission.accepted().get("scheme"),
        "network": permission.network,
        "tokenVersion": if permission.single_use == 0 { 2 } else { 3 },
        "expiresAt": time::iso(permission.expires_at),
        "createdAt": time::iso(permission.created_at),
    })
}

/// Finds a permission of the caller. Permissions of others are reported as missing.
fn own(ctx: &RequestContext, hash: &str) -> Result<Permission> {
    let caller = accounts::caller(ctx)?;
    let query = format!("SELECT {COLUMNS} FROM permissions WHERE hash = ? AND lower(holder) = ?");
    ctx.store
        .first(&query, binds![hash, caller.id()])?
        .ok_or_else(|| ApiError::new(404, "BCK.X402.0015", format!("Permission {hash} not found")))
}

/// `GET /api/v1/x402/permissions/:hash`. The token itself is shown only when it is issued.
pub(crate) fn get(ctx: &RequestContext, hash: &str) -> Result {
    Response::ok(view(&own(ctx, hash)?, ctx.request.now))
}

/// `GET /sandbox/permissions/:hash`: the token, the signed data, the signing key and the session keys.
pub(crate) fn evidence(ctx: &RequestContext, hash: &str) -> Result {
    let query = format!("SELECT {COLUMNS} FROM permissions WHERE hash = ?");
    let permission: Permission = ctx
        .store
        .first(&query, binds![hash])?
        .ok_or_else(|| ApiError::new(404, "BCK.X402.0015", format!("Permission {hash} not found")))?;
    Response::ok(permission.evidence(ctx)?)
}

/// `GET /api/v1/x402/permissions`: the caller's permissions, newest first.
pub(crate) fn list(ctx: &RequestContext) -> Result {
    let (caller, page) = (accounts::caller(ctx)?, ctx.request.page());
    let filter = "lower(holder) = ?1 AND (?2 = '' OR plan_id = ?2)";
    let plan_id = ctx.request.param("planId").unwrap_or_default();
    let total = ctx.store.count(
        &format!("SELECT COUNT(*) AS count FROM permissions WHERE {filter}"),
        binds![caller.id(), plan_id],
    )?;
    let query = format!(
        "SELECT {COLUMNS} FROM permissions WHERE {filter} ORDER BY created_at {}, rowid DESC LIMIT ?3 OFFSET ?4",
        page.direction()
    );
    let binds = binds![caller.id(), plan_id, i64::from(page.size), page.skip()];
    let rows: Vec<Permission> = ctx.store.rows(&query, binds)?;
    let permissions: Vec<Value> = rows.iter().map(|row| view(row, ctx.request.now)).collect();
    Response::ok(json!({
        "permissions": permissions, "totalResults": total, "page": page.number, "offset": page.size,
    }))
}

/// `DELETE /api/v1/x402/permissions/:hash`: revokes a permission.
pub(crate) fn revoke(ctx: &RequestContext, hash: &str) -> Result {
    let permission = own(ctx, hash)?;
    if permission.revoked_at != 0 {
        return Err(ApiError::new(400, "BCK.X402.0016", "The permission is revoked already"));
    }
    ctx.store
        .run("UPDATE permissions SET revoked_at = ? WHERE hash = ?", binds![ctx.request.now.max(1), hash])?;
    Response::ok(json!({ "success": true, "permissionHash": hash }))
}
