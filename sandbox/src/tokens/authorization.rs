//! The authorization that a buyer signs in an access token (contract section 6.3; the smart account specification,
//! section 3).
//!
//! The contract names the members but not the EIP-712 domain and types, so these are the sandbox's own. Version 2
//! signs the payer, the session keys and the plan. Version 3 also signs the agent, the resource, the verb and a
//! single-use nonce. MPP tokens are signed under a separate domain, which keeps the two protocols apart.

use crate::context::RequestContext;
use crate::http::error::Result;
use crate::http::fields::{member, text};
use crate::primitives::contracts;
use crate::primitives::eip712;
use crate::tokens::protocol::Protocol;

use serde_json::{Map, Value, json};

/// A session key for one operation: its permissions and its expiry. The token carries its hash.
pub(crate) fn session_key(
    ctx: &RequestContext,
    operation: &str,
    account: &str,
    plan_id: &str,
    delegation: (&str, i64),
) -> Result<(Value, Value)> {
    let key = json!({
        "operation": operation, "account": account, "planId": plan_id, "delegationId": delegation.0,
        "expiresAt": delegation.1 / 1000, "secret": ctx.random.hex(32)?,
    });
    let hash =
        format!("0x{}", crate::primitives::random::hexadecimal(&eip712::keccak(key.to_string().as_bytes())));
    Ok((json!({ "id": operation, "data": hash }), key))
}

/// The EIP-712 data of a token. `None` if the token has no authorization of this kind.
pub(crate) fn typed_data(token: &Map<String, Value>, protocol: Protocol) -> Option<Value> {
    let accepted = member(token, "accepted")?.as_object()?;
    let authorization = member(token, "payload")?.get("authorization")?.as_object()?;
    let chain: u64 = text(accepted, "network")?.strip_prefix("eip155:")?.parse().ok()?;
    let nonce = text(authorization, "nonce");
    let field = |name: &str, kind: &str| json!({ "name": name, "type": kind });
    let mut fields = vec![
        field("from", "address"),
        field("sessionKeysProvider", "string"),
        field("sessionKeys", "SessionKey[]"),
        field("planId", "uint256"),
    ];
    let keys = member(authorization, "sessionKeys")?.as_array()?;
    let keys: Vec<Value> =
        keys.iter().map(|key| json!({ "id": key.get("id"), "data": key.get("data") })).collect();
    let mut message = json!({
        "from": text(authorization, "from")?,
        "sessionKeysProvider": text(authorization, "sessionKeysProvider")?,
        "sessionKeys": keys,
        "planId": text(accepted, "planId")?,
    });
    if let (Some(nonce), Some(message)) = (nonce, message.as_object_mut()) {
        let extra = member(accepted, "extra").and_then(Value::as_object);
        let named = |name: &str| extra.and_then(|extra| text(extra, name));
        let resource =
            member(token, "resource").and_then(|resource| resource.get("url")).and_then(Value::as_str);
        for (name, kind, value) in [
            ("agentId", "uint256", named("agentId").unwrap_or("0")),
            ("resource", "string", resource.unwrap_or_default()),
            ("httpVerb", "string", named("httpVerb").unwrap_or_default()),
            ("nonce", "bytes32", nonce),
        ] {
            fields.push(field(name, kind));
            message.insert(name.into(), value.into());
        }
    }
    let (name, version, kind) = match (protocol, nonce) {
        (Protocol::Mpp, _) => ("Nevermined-MPP", "1", "MppAccessToken"),
        (Protocol::X402, None) => ("Nevermined", "2", "X402AccessToken"),
        (Protocol::X402, Some(_)) => ("Nevermined", "3", "X402AccessToken"),
    };
    Some(json!({
        "types": {
            "EIP712Domain": [
                field("name", "string"), field("version", "string"), field("chainId", "uint256"),
                field("verifyingContract", "address"),
            ],
            kind: fields,
            "SessionKey": [field("id", "string"), field("data", "bytes32")],
        },
        "primaryType": kind,
        "domain": {
            "name": name, "version": version, "chainId": chain, "verifyingContract": contracts::contract("NVMConfig"),
        },
        "message": message,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(nonce: bool) -> Map<String, Value> {
        let mut token = json!({
            "accepted": { "network": "eip155:84532", "planId": "7", "extra": { "agentId": "8", "httpVerb": "POST" } },
            "resource": { "url": "/ask" },
            "payload": { "authorization": {
                "from": "0xabcdef0123456789abcdef0123456789abcdef01", "sessionKeysProvider": "zerodev",
                "sessionKeys": [{ "id": "order", "data": format!("0x{}", "11".repeat(32)) }],
            }},
        });
        if nonce {
            token["payload"]["authorization"]["nonce"] = format!("0x{}", "22".repeat(32)).into();
        }
        token.as_object().unwrap().clone()
    }

    fn digest(token: &Map<String, Value>, protocol: Protocol) -> [u8; 32] {
        eip712::digest(&typed_data(token, protocol).unwrap()).unwrap()
    }

    #[test]
    fn signed_members_by_version() {
        for (name, path, value, in_two, in_three) in [
            (
                "who pays",
                "/payload/authorization/from",
                json!("0xabcdef0123456789abcdef0123456789abcdef02"),
                true,
                true,
            ),
            ("a session key", "/payload/authorization/sessionKeys/0/id", json!("redeem"), true, true),
            ("the plan", "/accepted/planId", json!("9"), true, true),
            ("the network", "/accepted/network", json!("eip155:8453"), true, true),
            ("the agent", "/accepted/extra/agentId", json!("9"), false, true),
            ("the verb", "/accepted/extra/httpVerb", json!("GET"), false, true),
            ("the resource", "/resource/url", json!("/other"), false, true),
        ] {
            for (single, covered) in [(false, in_two), (true, in_three)] {
                let mut changed = Value::Object(token(single));
                *changed.pointer_mut(path).unwrap() = value.clone();
                let differs = digest(changed.as_object().unwrap(), Protocol::X402)
                    != digest(&token(single), Protocol::X402);
                assert_eq!(differs, covered, "{name}, single use: {single}");
            }
        }
    }

    #[test]
    fn the_domains_differ() {
        let all = [
            digest(&token(false), Protocol::X402),
            digest(&token(true), Protocol::X402),
            digest(&token(false), Protocol::Mpp),
        ];
        assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
    }
}
