//! Permissions: issued, listed and revoked. A permission allows a seller to burn a buyer's credits with its token
//! (contract sections 4.5, 3).

use crate::Desk;
use crate::catalog::plans::Plan;
use crate::catalog::{agents, plans};
use crate::delegations::delegation::{self, Delegation};
use crate::http::error::{Outcome, Problem};
use crate::http::request::{Reply, member, object, text, whole};
use crate::identity::accounts;
use crate::identity::api_key::Identity;
use crate::primitives::time;
use crate::storage::store::binds;
use crate::tokens::permission::{self, COLUMNS, Draft, Permission, Protocol};
use payments_wasm::wire::base64;
use serde_json::{Map, Value, json};

pub(crate) const CRYPTO: &str = "nvm:erc4337";
pub(crate) const CARD: &str = "nvm:card-delegation";
/// The default network: Base Sepolia.
const CHAIN: &str = "eip155:84532";

/// `POST /api/v1/x402/permissions`. MPP's route is the same, but its tokens are valid on the MPP routes only.
pub(crate) fn mint(desk: &Desk, protocol: Protocol) -> Outcome {
    let caller = accounts::caller(desk)?;
    let body = desk.call.json()?;
    let mut accepted = object(&body, "accepted")?.clone();
    let scheme = text(&accepted, "scheme").unwrap_or(CRYPTO).to_owned();
    let plan_id = plans::id_in(&accepted, "planId")?;
    let plan = plans::find(desk, &plan_id)?
        .ok_or_else(|| Problem::new(404, "BCK.X402.0002", format!("Plan {plan_id} not found")))?;
    let agent_id = agent_of(desk, &accepted, &plan.id)?;
    let delegation = delegation_of(desk, &caller, &body, &scheme, &plan.id)?;
    let network = network_of(&accepted, &scheme, &delegation)?;
    let single_use = protocol == Protocol::X402 && single_use(desk, &body, agent_id.as_deref())?;
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
        accepted: permission::without_nulls(&Value::Object(accepted)),
        resource: member(&body, "resource")
            .filter(|resource| resource.is_object())
            .map(permission::without_nulls),
    };
    let granted = grant(desk, draft, agent_id.as_deref(), &network)?;
    Reply::created(json!({ "accessToken": granted.token, "permissionHash": granted.hash }))
}

/// An issued permission.
pub(crate) struct Granted {
    /// The encoded token.
    pub(crate) token: String,
    pub(crate) hash: String,
}

/// Issues a reusable token for a plan, optionally for one agent, paid by a delegation that the caller has checked.
pub(crate) fn grant_for(
    desk: &Desk,
    caller: &Identity,
    plan: &Plan,
    agent_id: Option<&str>,
    delegation: &Delegation,
) -> Outcome<Granted> {
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
    grant(desk, draft, agent_id, network)
}

/// Signs a token and stores its permission.
fn grant(desk: &Desk, draft: Draft<'_>, agent_id: Option<&str>, network: &str) -> Outcome<Granted> {
    let Draft { caller, protocol, single_use, delegation, plan_id, .. } = draft;
    let signed = permission::sign(desk, draft)?;
    desk.store.run(
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
            desk.call.now,
            protocol.name(),
            signed.sessions,
        ],
    )?;
    Ok(Granted { token: base64::encode_url(signed.token.as_bytes()), hash: signed.hash })
}

/// True if the token is single-use: requested, or set by the sandbox. A single-use token for an agent must name its
/// resource.
fn single_use(desk: &Desk, body: &Map<String, Value>, agent_id: Option<&str>) -> Outcome<bool> {
    let asked = whole(body, "tokenVersion")?;
    if !matches!(asked, None | Some(2 | 3)) {
        return Err(Problem::bad_request("tokenVersion must be 2 or 3"));
    }
    let url = member(body, "resource").and_then(|resource| resource.get("url")).and_then(Value::as_str);
    if asked == Some(3) && agent_id.is_some() && url.is_none_or(|url| url.trim().is_empty()) {
        return Err(Problem::new(400, "BCK.X402.0012", "resource.url is missing")
            .hint("A single-use token that names an agent names the resource as well."));
    }
    Ok(asked.unwrap_or(desk.settings.version) == 3)
}

/// The agent in `accepted.extra`. It must exist and be linked to the plan.
fn agent_of(desk: &Desk, accepted: &Map<String, Value>, plan_id: &str) -> Outcome<Option<String>> {
    let extra = member(accepted, "extra").and_then(Value::as_object);
    let Some(agent_id) = extra.and_then(|extra| text(extra, "agentId")) else { return Ok(None) };
    if agents::find(desk, agent_id)?.is_none() {
        return Err(Problem::new(404, "BCK.X402.0001", format!("Agent {agent_id} not found")));
    }
    if !agents::has_plan(desk, agent_id, plan_id)? {
        return Err(Problem::new(400, "BCK.X402.0003", format!("Plan {plan_id} is not on agent {agent_id}")));
    }
    Ok(Some(agent_id.to_owned()))
}

/// The delegation that pays: an existing one, or one created by this call, as earlier versions did (contract section
/// 4.5).
fn delegation_of(
    desk: &Desk,
    caller: &Identity,
    body: &Map<String, Value>,
    scheme: &str,
    plan_id: &str,
) -> Outcome<Delegation> {
    let missing = || {
        Problem::new(400, "BCK.X402.0030", "delegationConfig is missing or empty")
            .hint("Create a delegation with POST /api/v1/delegation/create and send its id as delegationConfig.delegationId.")
    };
    let config = member(body, "delegationConfig").and_then(Value::as_object).ok_or_else(missing)?;
    let delegation = match (text(config, "delegationId"), text(config, "apiKeyId")) {
        (Some(id), _) => delegation::own(desk, caller, id)?,
        (None, Some(key)) => delegation::of_key(desk, caller, key, plan_id)?.ok_or_else(|| {
            Problem::new(404, "BCK.DELEGATION.0002", format!("No delegation of API key {key} stands"))
        })?,
        (None, None) if config.contains_key("spendingLimitCents") => {
            let provider = if scheme == CARD { "stripe" } else { "erc4337" };
            delegation::open(desk, caller, config, provider)?
        }
        (None, None) => return Err(missing()),
    };
    if !delegation.stands(desk.call.now) {
        return Err(Problem::new(404, "BCK.DELEGATION.0002", "The delegation is revoked or has expired")
            .hint("Create a new one with POST /api/v1/delegation/create."));
    }
    if delegation.plan_id.as_deref().is_some_and(|bound| bound != plan_id) {
        return Err(Problem::new(400, "BCK.X402.0014", "The delegation is bound to another plan"));
    }
    Ok(delegation)
}

/// The network the payment settles on. For cards it is the delegation's provider (contract section 2.3).
fn network_of(accepted: &Map<String, Value>, scheme: &str, delegation: &Delegation) -> Outcome<String> {
    let named = text(accepted, "network");
    match scheme {
        CRYPTO => match named {
            None => Ok(CHAIN.to_owned()),
            Some(network) if network.starts_with("eip155:") => Ok(network.to_owned()),
            Some(_) => Err(Problem::bad_request("accepted.network is no network of nvm:erc4337")),
        },
        CARD => Ok(delegation.network().or(named).unwrap_or("stripe").to_owned()),
        _ => Err(Problem::bad_request("accepted.scheme must be nvm:erc4337 or nvm:card-delegation")),
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
fn own(desk: &Desk, hash: &str) -> Outcome<Permission> {
    let caller = accounts::caller(desk)?;
    let query = format!("SELECT {COLUMNS} FROM permissions WHERE hash = ? AND lower(holder) = ?");
    desk.store
        .first(&query, binds![hash, caller.id()])?
        .ok_or_else(|| Problem::new(404, "BCK.X402.0015", format!("Permission {hash} not found")))
}

/// `GET /api/v1/x402/permissions/:hash`. The token itself is shown only when it is issued.
pub(crate) fn get(desk: &Desk, hash: &str) -> Outcome {
    Reply::ok(view(&own(desk, hash)?, desk.call.now))
}

/// `GET /sandbox/permissions/:hash`: the token, the signed data, the signing key and the session keys.
pub(crate) fn evidence(desk: &Desk, hash: &str) -> Outcome {
    let query = format!("SELECT {COLUMNS} FROM permissions WHERE hash = ?");
    let permission: Permission = desk
        .store
        .first(&query, binds![hash])?
        .ok_or_else(|| Problem::new(404, "BCK.X402.0015", format!("Permission {hash} not found")))?;
    Reply::ok(permission.evidence(desk)?)
}

/// `GET /api/v1/x402/permissions`: the caller's permissions, newest first.
pub(crate) fn list(desk: &Desk) -> Outcome {
    let (caller, page) = (accounts::caller(desk)?, desk.call.page());
    let filter = "lower(holder) = ?1 AND (?2 = '' OR plan_id = ?2)";
    let plan_id = desk.call.param("planId").unwrap_or_default();
    let total = desk.store.count(
        &format!("SELECT COUNT(*) AS count FROM permissions WHERE {filter}"),
        binds![caller.id(), plan_id],
    )?;
    let query = format!(
        "SELECT {COLUMNS} FROM permissions WHERE {filter} ORDER BY created_at {}, rowid DESC LIMIT ?3 OFFSET ?4",
        page.direction()
    );
    let binds = binds![caller.id(), plan_id, i64::from(page.size), page.skip()];
    let rows: Vec<Permission> = desk.store.rows(&query, binds)?;
    let permissions: Vec<Value> = rows.iter().map(|row| view(row, desk.call.now)).collect();
    Reply::ok(json!({
        "permissions": permissions, "totalResults": total, "page": page.number, "offset": page.size,
    }))
}

/// `DELETE /api/v1/x402/permissions/:hash`: revokes a permission.
pub(crate) fn revoke(desk: &Desk, hash: &str) -> Outcome {
    let permission = own(desk, hash)?;
    if permission.revoked_at != 0 {
        return Err(Problem::new(400, "BCK.X402.0016", "The permission is revoked already"));
    }
    desk.store
        .run("UPDATE permissions SET revoked_at = ? WHERE hash = ?", binds![desk.call.now.max(1), hash])?;
    Reply::ok(json!({ "success": true, "permissionHash": hash }))
}
