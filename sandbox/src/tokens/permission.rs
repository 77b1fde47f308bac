//! Access tokens and their permissions: how tokens are built, and how presented tokens are compared with issued ones
//! (contract sections 6.3, 13.6).

use crate::context::RequestContext;
use crate::crypto::issuer_key::IssuerKey;
use crate::crypto::{account_key, eip712_signature};
use crate::delegations::delegation::Delegation;
use crate::http::error::{ApiError, Result};
use crate::identity::api_key::Identity;
use crate::primitives::eip712::{self, keccak};
use crate::primitives::random::hexadecimal;
use crate::storage::store::binds;
use crate::tokens::authorization;
use crate::tokens::protocol::{CARD, Protocol};
use crate::tokens::verification::{self, DecodedToken, SignatureProof};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::rc::Rc;

/// Members about the payment. They must equal the issued token's; clients may add others.
const SIGNED: [&str; 4] = ["x402Version", "resource", "accepted", "payload"];
/// The columns of a [`Permission`].
pub(crate) const COLUMNS: &str = "hash, holder, plan_id, agent_id, delegation_id, network, token, single_use, spent, \
    revoked_at, expires_at, created_at, protocol, sessions";

/// The stored permission of an issued token.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Permission {
    pub(crate) hash: String,
    /// The holder's address as in `authorization.from`.
    pub(crate) holder: String,
    pub(crate) plan_id: String,
    pub(crate) agent_id: Option<String>,
    pub(crate) delegation_id: String,
    pub(crate) network: String,
    pub(crate) token: String,
    pub(crate) single_use: i64,
    spent: i64,
    pub(crate) revoked_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) created_at: i64,
    protocol: String,
    sessions: String,
    /// The address of the holder's signing key, if loaded.
    #[serde(default)]
    signer: Option<String>,
    /// The presented token, if there is one.
    #[serde(skip)]
    decoded: Option<Rc<DecodedToken>>,
}

impl Permission {
    pub(crate) fn used_up(&self) -> bool {
        self.single_use != 0 && self.spent != 0
    }

    /// The status as clients see it.
    pub(crate) fn status(&self, now: i64) -> &'static str {
        match self {
            _ if self.revoked_at != 0 => "Revoked",
            _ if self.used_up() => "Used",
            _ if self.expires_at <= now => "Expired",
            _ => "Active",
        }
    }

    /// The signed data and the signer, for verification with a wallet's own tools.
    pub(crate) fn evidence(&self, ctx: &RequestContext) -> Result<Value> {
        let token: Value = serde_json::from_str(&self.token).unwrap_or(Value::Null);
        let protocol = if self.protocol == Protocol::Mpp.name() { Protocol::Mpp } else { Protocol::X402 };
        let typed = token.as_object().and_then(|token| authorization::typed_data(token, protocol));
        let signature = token.pointer("/payload/signature").and_then(Value::as_str);
        let recovered = typed.as_ref().and_then(eip712::digest).zip(signature);
        let recovered =
            recovered.and_then(|(digest, signature)| eip712_signature::recover(&digest, signature));
        let sessions: Value = serde_json::from_str(&self.sessions).unwrap_or(Value::Null);
        Ok(json!({
            "permissionHash": self.hash, "protocol": self.protocol, "token": token, "typedData": typed,
            "signature": signature, "signer": account_key::load(ctx, &self.holder)?.address(), "recovered": recovered,
            "sessionKeys": sessions,
        }))
    }

    fn issued(&self, member: &str) -> Option<Value> {
        if let Some(decoded) = &self.decoded {
            return decoded.document.get(member).cloned();
        }
        let token: Value = serde_json::from_str(&self.token).ok()?;
        token.get(member).cloned()
    }

    /// The `accepted` terms of the token.
    pub(crate) fn accepted(&self) -> Map<String, Value> {
        self.issued("accepted").and_then(|accepted| accepted.as_object().cloned()).unwrap_or_default()
    }

    /// The resource in the token.
    pub(crate) fn resource(&self) -> Option<String> {
        let resource = self.issued("resource")?;
        resource.get("url").and_then(Value::as_str).map(str::to_owned)
    }

    /// The resource that a single-use token is bound to; reusable tokens are not bound.
    pub(crate) fn bound_to(&self) -> Option<String> {
        self.resource().filter(|_| self.single_use != 0)
    }
}

/// The content of a token to be issued.
pub(crate) struct Draft<'a> {
    pub(crate) caller: &'a Identity,
    pub(crate) protocol: Protocol,
    pub(crate) scheme: &'a str,
    pub(crate) single_use: bool,
    pub(crate) delegation: &'a Delegation,
    pub(crate) plan_id: &'a str,
    pub(crate) accepted: Value,
    pub(crate) resource: Option<Value>,
}

/// A signed token.
pub(crate) struct Signed {
    /// Its unique part: its signature, or the JWT in it.
    pub(crate) credential: String,
    /// The signed hash.
    pub(crate) hash: String,
    /// The token as JSON.
    pub(crate) token: String,
    /// The session keys as JSON.
    pub(crate) sessions: String,
}

/// Builds a token, signed by the account (EIP-712) or, for cards, with a JWT of the sandbox.
pub(crate) fn sign(ctx: &RequestContext, draft: Draft<'_>) -> Result<Signed> {
    let Draft { caller, delegation, plan_id, .. } = draft;
    let by_card = draft.scheme == CARD;
    let (mut keys, mut sessions) = (Vec::new(), Vec::new());
    for operation in ["order", "redeem"].into_iter().skip(usize::from(by_card)) {
        let bounds = (delegation.id.as_str(), delegation.expires_at);
        let (key, session) = authorization::session_key(ctx, operation, &caller.address, plan_id, bounds)?;
        keys.push(key);
        sessions.push(session);
    }
    let mut authorization =
        json!({ "from": caller.address, "sessionKeysProvider": "zerodev", "sessionKeys": keys });
    if let (true, Some(authorization)) = (draft.single_use, authorization.as_object_mut()) {
        authorization.insert("nonce".into(), ctx.random.hex(32)?.into());
    }
    let mut token = Map::new();
    token.insert("x402Version".into(), 2.into());
    if let Some(resource) = draft.resource {
        token.insert("resource".into(), resource);
    }
    token.insert("accepted".into(), draft.accepted);
    token.insert("payload".into(), json!({ "authorization": authorization }));
    token.insert("extensions".into(), json!({}));
    let (name, credential, hash) = if by_card {
        let jwt = IssuerKey::load(ctx)?.jwt(&claims(ctx, caller, delegation)?);
        let hash = keccak(jwt.as_bytes());
        ("token", jwt, hash)
    } else {
        let digest = authorization::typed_data(&token, draft.protocol).as_ref().and_then(eip712::digest);
        let digest = digest.ok_or_else(|| ApiError::bad_request("The token's terms cannot be signed"))?;
        ("signature", account_key::load(ctx, &caller.address)?.sign(&digest), digest)
    };
    if let Some(payload) = token.get_mut("payload").and_then(Value::as_object_mut) {
        payload.insert(name.into(), credential.as_str().into());
    }
    Ok(Signed {
        credential,
        hash: format!("0x{}", hexadecimal(&hash)),
        token: Value::Object(token).to_string(),
        sessions: Value::Array(sessions).to_string(),
    })
}

/// The claims of a card token (the delegation specification, section 3.3).
fn claims(ctx: &RequestContext, caller: &Identity, delegation: &Delegation) -> Result<Value> {
    let now = ctx.request.now / 1000;
    let owner: String = caller.id().chars().skip(2).take(14).collect();
    let mut nvm = json!({
        "delegationId": delegation.id, "provider": delegation.provider,
        "providerCustomerId": format!("cus_sandbox_{owner}"),
        "providerPaymentMethodId": delegation.payment_method,
        "spendingLimitCents": delegation.limit_cents(), "currency": delegation.currency,
        "merchantAccountId": delegation.merchant, "planId": delegation.plan_id,
        "maxTransactions": delegation.max_transactions(),
        // Two tokens of one delegation within one second differ.
        "nonce": ctx.random.hex(8)?,
    });
    if let Some(nvm) = nvm.as_object_mut() {
        nvm.retain(|_, value| !value.is_null());
    }
    Ok(json!({
        "iss": ctx.request.origin, "sub": caller.id(), "aud": CARD, "jti": delegation.id, "iat": now,
        "exp": delegation.expires_at / 1000, "nvm": nvm,
    }))
}

/// Finds the permission of a token. An unreadable token is a 400. A token that was not issued here, was changed, or
/// has another signer than its payer is a 402.
pub(crate) fn recognise(ctx: &RequestContext, token: &str, protocol: Protocol) -> Result<Permission> {
    let decoded = verification::open(ctx, token, protocol)?;
    let forged = |message: &str| {
        ApiError::new(402, "BCK.X402.0005", message).hint("Send the complete token, as it was issued.")
    };
    if matches!(decoded.proof, SignatureProof::None) {
        return Err(forged("The access token is not valid: its signature is invalid"));
    }
    let query = format!(
        "SELECT {COLUMNS}, (SELECT address FROM signers WHERE account = lower(holder)) AS signer FROM permissions
         WHERE credential = ?"
    );
    let unknown = || forged("The access token is not valid: it was not issued here");
    let mut permission: Permission =
        ctx.store.first(&query, binds![decoded.credential.as_str()])?.ok_or_else(unknown)?;
    let signer = match permission.signer.take().filter(|signer| !signer.is_empty()) {
        Some(signer) => signer,
        None => account_key::load(ctx, &permission.holder)?.address(),
    };
    if permission.expires_at <= ctx.request.now && permission.revoked_at == 0 {
        return Err(ApiError::new(
            402,
            "BCK.X402.0005",
            "The access token has expired, or its delegation was revoked",
        )
        .hint("Issue a new token from a valid delegation."));
    }
    if !decoded.proof.is_of(&signer, &permission.delegation_id, ctx.request.now) {
        return Err(forged("The access token is not valid: its signature is not its payer's"));
    }
    if decoded.json != permission.token {
        let issued: Value = serde_json::from_str(&permission.token).unwrap_or(Value::Null);
        if !same(&issued, &decoded.document) {
            return Err(forged("The access token is not valid: it was changed since it was issued"));
        }
    }
    if permission.protocol != protocol.name() {
        return Err(forged("The access token is not valid: it was issued for another protocol"));
    }
    if permission.revoked_at != 0 {
        return Err(ApiError::new(402, "BCK.X402.0005", "The access token was revoked")
            .hint("The buyer revoked it: issue a new token."));
    }
    if permission.used_up() {
        return Err(ApiError::new(402, "BCK.X402.0059", "The access token was already used")
            .hint("It was valid for one settle: issue a new token, never replay one."));
    }
    permission.decoded = Some(decoded);
    Ok(permission)
}

/// Marks a token as used on first use.
pub(crate) fn spend(ctx: &RequestContext, permission: &Permission) -> Result<()> {
    if permission.spent != 0 {
        return Ok(());
    }
    ctx.store.run("UPDATE permissions SET spent = 1 WHERE hash = ?", binds![permission.hash.as_str()])
}

/// True if the presented token equals the issued one in all members about the payment. Order, whitespace and nulls do
/// not matter: MCP and A2A clients rebuild the token from its object (contract section 6.3).
fn same(issued: &Value, presented: &Value) -> bool {
    SIGNED.iter().all(|name| issued.get(name) == presented.get(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::protocol::CRYPTO;
    use payments_wasm::wire::base64;

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
    fn tokens_are_compared_by_content() {
        let issued = token();
        let text = issued.to_string();
        for presented in [
            encode(&issued),
            base64::encode_standard(text.as_bytes()),
            base64::encode_url(serde_json::to_string_pretty(&issued).unwrap().as_bytes()),
            encode(&json!({ "extensions": { "more": 1 }, "payload": issued["payload"], "resource": null,
                            "accepted": issued["accepted"], "x402Version": 2 })),
        ] {
            let decoded = verification::decode(&presented).unwrap();
            assert_eq!(decoded.credential, "0x01");
            assert!(same(&issued, &decoded.document), "{}", decoded.document);
        }
    }

    #[test]
    fn a_changed_token_differs() {
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
            assert!(!same(&token(), &verification::decode(&encode(&changed)).unwrap().document), "{path}");
        }
    }

    #[test]
    fn status_of_a_permission() {
        let plain = Permission {
            hash: "h".into(),
            holder: "0x1".into(),
            plan_id: "7".into(),
            agent_id: None,
            delegation_id: "d".into(),
            network: "stripe".into(),
            token: "{}".into(),
            single_use: 0,
            spent: 0,
            revoked_at: 0,
            expires_at: 100,
            created_at: 1,
            protocol: "x402".into(),
            sessions: "[]".into(),
            signer: None,
            decoded: None,
        };
        for (name, permission, now, status) in [
            ("fresh", plain.clone(), 99, "Active"),
            ("late", plain.clone(), 100, "Expired"),
            ("reused", Permission { spent: 1, ..plain.clone() }, 99, "Active"),
            ("used up", Permission { single_use: 1, spent: 1, ..plain.clone() }, 99, "Used"),
            ("taken back", Permission { revoked_at: 5, ..plain.clone() }, 99, "Revoked"),
        ] {
            assert_eq!(permission.status(now), status, "{name}");
        }
    }
}
