//! Access tokens: minted, kept, recognised (contract sections 4.5, 6.3, 13.6).

use super::call::{Reply, member, object, text, whole};
use super::delegations::{self, Delegation};
use super::keys::Identity;
use super::problem::{Outcome, Problem};
use super::random::Random;
use super::store::binds;
use super::{Desk, accounts, agents, deployment, plans};
use crate::wire::base64;
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(super) const CRYPTO: &str = "nvm:erc4337";
pub(super) const CARD: &str = "nvm:card-delegation";
/// Longest token that is read, in bytes decoded: a header that is longer reaches no server.
const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// What a token says of the payment. It must be what was issued; the rest a client may add to.
const SIGNED: [&str; 4] = ["x402Version", "resource", "accepted", "payload"];

/// A permission: what a token that was issued stands for.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Permission {
    pub(super) hash: String,
    /// The address as the token has it in `authorization.from`.
    pub(super) holder: String,
    pub(super) plan_id: String,
    pub(super) agent_id: Option<String>,
    pub(super) delegation_id: String,
    pub(super) network: String,
    token: String,
    single_use: i64,
    spent: i64,
    pub(super) expires_at: i64,
}

impl Permission {
    pub(super) fn used_up(&self) -> bool {
        self.single_use != 0 && self.spent != 0
    }

    fn issued(&self, member: &str) -> Option<Value> {
        let token: Value = serde_json::from_str(&self.token).ok()?;
        token.get(member).cloned()
    }

    /// The `accepted` that was paid for.
    pub(super) fn accepted(&self) -> Map<String, Value> {
        self.issued("accepted").and_then(|accepted| accepted.as_object().cloned()).unwrap_or_default()
    }

    /// The resource a single-use token is bound to; any other is bound to none.
    pub(super) fn resource(&self) -> Option<String> {
        let resource = self.issued("resource").filter(|_| self.single_use != 0)?;
        resource.get("url").and_then(Value::as_str).map(str::to_owned)
    }
}

/// `POST /api/v1/x402/permissions`
pub(super) fn mint(desk: &Desk) -> Outcome {
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
    let single_use = match whole(&body, "tokenVersion")? {
        None | Some(2) => false,
        Some(3) => true,
        Some(_) => return Err(Problem::bad_request("tokenVersion must be 2 or 3")),
    };
    accepted.insert("scheme".into(), scheme.as_str().into());
    accepted.insert("planId".into(), plan.id.as_str().into());
    accepted.entry("network").or_insert_with(|| network.as_str().into());

    let (credential, payload) = sign(&caller, &scheme, single_use, &delegation, desk.random)?;
    let mut token = Map::new();
    token.insert("x402Version".into(), 2.into());
    if let Some(resource) = member(&body, "resource").filter(|resource| resource.is_object()) {
        token.insert("resource".into(), without_nulls(resource));
    }
    token.insert("accepted".into(), without_nulls(&Value::Object(accepted)));
    token.insert("payload".into(), payload);
    token.insert("extensions".into(), json!({}));
    let token = Value::Object(token).to_string();

    let hash = desk.random.hex(32)?;
    desk.store.run(
        "INSERT INTO permissions (credential, hash, holder, plan_id, agent_id, delegation_id, network, token,
         single_use, spent, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        binds![
            credential,
            hash.as_str(),
            caller.address.as_str(),
            plan.id.as_str(),
            agent_id,
            delegation.id.as_str(),
            network,
            token.as_str(),
            i64::from(single_use),
            0i64,
            delegation.expires_at,
            desk.call.now,
        ],
    )?;
    Reply::created(json!({ "accessToken": base64::encode_url(token.as_bytes()), "permissionHash": hash }))
}

/// The agent that `accepted.extra` names: it must exist and be on the plan.
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

/// The delegation to pay from: one that exists, or, as before, one opened by the way (contract section 4.5).
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
    let delegation = match text(config, "delegationId") {
        Some(id) => delegations::find(desk, id)?
            .filter(|delegation| delegation.owner == caller.id())
            .ok_or_else(|| Problem::new(404, "BCK.DELEGATION.0002", format!("Delegation {id} not found")))?,
        None if config.contains_key("spendingLimitCents") => {
            let provider = if scheme == CARD { "stripe" } else { "erc4337" };
            delegations::open(desk, caller, config, provider)?
        }
        None => return Err(missing()),
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

/// The network the payment settles on. For cards the delegation's provider decides (contract section 2.3).
fn network_of(accepted: &Map<String, Value>, scheme: &str, delegation: &Delegation) -> Outcome<String> {
    let named = text(accepted, "network");
    match scheme {
        CRYPTO => match named {
            None => Ok("eip155:84532".to_owned()),
            Some(network) if network.starts_with("eip155:") => Ok(network.to_owned()),
            Some(_) => Err(Problem::bad_request("accepted.network is no network of nvm:erc4337")),
        },
        CARD => Ok(delegation.network().or(named).unwrap_or("stripe").to_owned()),
        _ => Err(Problem::bad_request("accepted.scheme must be nvm:erc4337 or nvm:card-delegation")),
    }
}

/// What makes a token this one and no other, and the `payload` that carries it.
fn sign(
    caller: &Identity,
    scheme: &str,
    single_use: bool,
    delegation: &Delegation,
    random: Random,
) -> Outcome<(String, Value)> {
    let mut authorization = json!({
        "from": caller.address,
        "sessionKeysProvider": "zerodev",
        "sessionKeys": [{ "id": "order", "data": random.hex(32)? }, { "id": "redeem", "data": random.hex(32)? }],
    });
    if let (true, Some(authorization)) = (single_use, authorization.as_object_mut()) {
        authorization.insert("nonce".into(), random.hex(32)?.into());
    }
    if scheme != CARD {
        let signature = random.hex(65)?;
        return Ok((signature.clone(), json!({ "signature": signature, "authorization": authorization })));
    }
    if let Some(keys) = authorization.get_mut("sessionKeys").and_then(Value::as_array_mut) {
        keys.retain(|key| key.get("id").is_some_and(|id| id == "redeem"));
    }
    let header = json!({ "alg": "ES256", "typ": "JWT" });
    let claims = json!({
        "iss": deployment::ISSUER, "sub": caller.address, "jti": random.uuid()?,
        "delegationId": delegation.id, "exp": delegation.expires_at / 1000,
    });
    let part = |value: &Value| base64::encode_url(value.to_string().as_bytes());
    let token = format!("{}.{}.{}", part(&header), part(&claims), base64::encode_url(&random.bytes(64)?));
    Ok((token.clone(), json!({ "token": token, "authorization": authorization })))
}

/// The permission a token stands for. Garbage is a 400; what was not issued here, or was changed since, is a 402.
pub(super) fn recognise(desk: &Desk, token: &str) -> Outcome<Permission> {
    let (credential, document) = open(token)?;
    let query = "SELECT hash, holder, plan_id, agent_id, delegation_id, network, token, single_use, spent, expires_at \
        FROM permissions WHERE credential = ?";
    let forged = || Problem::new(402, "BCK.X402.0005", "The access token is not valid");
    let permission: Permission = desk.store.first(query, binds![credential])?.ok_or_else(forged)?;
    let issued: Value = serde_json::from_str(&permission.token).unwrap_or(Value::Null);
    if !same(&issued, &document) {
        return Err(forged());
    }
    if permission.expires_at <= desk.call.now {
        return Err(Problem::new(402, "BCK.X402.0005", "The access token has expired")
            .hint("Mint a new one from a delegation that stands."));
    }
    if permission.used_up() {
        return Err(Problem::new(402, "BCK.X402.0059", "The access token was already used")
            .hint("It was good for one settle: mint a new one, never replay it."));
    }
    Ok(permission)
}

/// Marks a single-use token as used.
pub(super) fn spend(desk: &Desk, hash: &str) -> Outcome<()> {
    desk.store.run("UPDATE permissions SET spent = 1 WHERE hash = ?", binds![hash])
}

/// Decodes a token as far as it can be looked up.
fn open(token: &str) -> Outcome<(String, Value)> {
    let malformed = || Problem::new(400, "BCK.X402.0010", "The access token cannot be read");
    let bytes = base64::decode(token, MAX_TOKEN_BYTES, "x402AccessToken").map_err(|_| malformed())?;
    let document: Value = serde_json::from_slice(&bytes).map_err(|_| malformed())?;
    let payload = document.get("payload").and_then(Value::as_object).ok_or_else(malformed)?;
    let credential =
        text(payload, "signature").or_else(|| text(payload, "token")).ok_or_else(malformed)?.to_owned();
    Ok((credential, without_nulls(&document)))
}

/// Whether what was presented is what was issued, wherever it says what is paid. Order, whitespace and nulls do not
/// matter: MCP and A2A clients rebuild the token from its object (contract section 6.3).
fn same(issued: &Value, presented: &Value) -> bool {
    SIGNED.iter().all(|name| issued.get(name) == presented.get(name))
}

/// The document without members that are null.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), without_nulls(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(without_nulls).collect::<Vec<_>>().into(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Value {
        json!({
            "x402Version": 2,
            "accepted": { "scheme": CRYPTO, "network": "eip155:84532", "planId": "7", "extra": { "agentId": "8" } },
            "payload": { "signature": "0x01", "authorization": { "from": "0x02" } },
            "extensions": {},
        })
    }

    fn encode(value: &Value) -> String {
        base64::encode_url(value.to_string().as_bytes())
    }

    #[test]
    fn a_token_is_what_it_decodes_to() {
        let issued = token();
        let text = issued.to_string();
        for presented in [
            encode(&issued),
            base64::encode_standard(text.as_bytes()),
            base64::encode_url(serde_json::to_string_pretty(&issued).unwrap().as_bytes()),
            encode(&json!({ "extensions": { "more": 1 }, "payload": issued["payload"], "resource": null,
                            "accepted": issued["accepted"], "x402Version": 2 })),
        ] {
            let (credential, document) = open(&presented).unwrap();
            assert_eq!(credential, "0x01");
            assert!(same(&issued, &document), "{document}");
        }
    }

    #[test]
    fn a_token_that_was_changed_is_another() {
        for (path, value) in [
            ("/accepted/planId", json!("9")),
            ("/accepted/scheme", json!(CARD)),
            ("/accepted/extra/agentId", json!("9")),
            ("/payload/authorization/from", json!("0x03")),
            ("/payload/authorization", json!({ "from": "0x02", "nonce": "0x1" })),
            ("/x402Version", json!(1)),
        ] {
            let mut changed = token();
            *changed.pointer_mut(path).unwrap() = value;
            assert!(!same(&token(), &open(&encode(&changed)).unwrap().1), "{path}");
        }
    }

    #[test]
    fn garbage_is_a_400() {
        for text in [
            String::new(),
            "!!!".into(),
            "abc".into(),
            encode(&json!("text")),
            encode(&json!({})),
            encode(&json!({ "payload": {} })),
            encode(&json!({ "payload": { "signature": 7 } })),
            encode(&json!({ "payload": { "signature": " " } })),
            "A".repeat(100_000),
            base64::encode_url(&[0xff, 0xfe]),
        ] {
            let problem = open(&text).unwrap_err();
            assert_eq!((problem.status, problem.code), (400, "BCK.X402.0010"), "{text:.40}");
        }
    }
}
