//! Verification of presented tokens: decoding, and recovery of the signer (EIP-712, or the JWT of a card token).
//!
//! Recovering a signer is the most expensive part of a request and depends on the token's bytes only, so the result
//! for valid tokens is cached. Whether the token is still usable is read from storage each time.

use crate::context::RequestContext;
use crate::crypto::eip712_signature;
use crate::crypto::issuer_key::IssuerKey;
use crate::http::error::{ApiError, Result};
use crate::http::fields::{member, text};
use crate::primitives::eip712;
use crate::tokens::protocol::{self, Protocol, without_nulls};

use crate::tokens::authorization;
use payments_wasm::wire::base64;
use serde_json::Value;
use std::rc::Rc;

/// Maximum decoded size of a token in bytes. Servers refuse longer headers.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// A decoded token.
#[derive(Debug)]
pub(crate) struct DecodedToken {
    /// Its unique part: its signature, or the JWT in it.
    pub(crate) credential: String,
    /// Its JSON as received.
    pub(crate) json: String,
    pub(crate) document: Value,
    pub(crate) proof: SignatureProof,
}

/// The result of verifying a token's signature.
#[derive(Debug)]
pub(crate) enum SignatureProof {
    /// Signed by this address: payer, purpose and session keys.
    Signer(String),
    /// Signed by the sandbox: these claims.
    Claims(Value),
    /// No valid signature.
    None,
}

/// Decodes a token and verifies its signature. An unreadable token is a 400; an invalid signature is left to the
/// caller.
pub(crate) fn open(ctx: &RequestContext, token: &str, protocol: Protocol) -> Result<Rc<DecodedToken>> {
    let key = format!("{}:{token}", protocol.name());
    if let Some(decoded) = ctx.cache.get(&key) {
        return Ok(decoded);
    }
    let mut decoded = decode(token)?;
    decoded.proof = prove(ctx, &decoded, protocol)?;
    let decoded = Rc::new(decoded);
    if !matches!(decoded.proof, SignatureProof::None) {
        ctx.cache.insert(&key, &decoded);
    }
    Ok(decoded)
}

/// Decodes a token without verifying it.
pub(crate) fn decode(token: &str) -> Result<DecodedToken> {
    let malformed = || ApiError::new(400, "BCK.X402.0010", "The access token cannot be read");
    let bytes = base64::decode(token, MAX_TOKEN_BYTES, "x402AccessToken").map_err(|_| malformed())?;
    let json = String::from_utf8(bytes).map_err(|_| malformed())?;
    let document: Value = serde_json::from_str(&json).map_err(|_| malformed())?;
    let payload = document.get("payload").and_then(Value::as_object).ok_or_else(malformed)?;
    let credential =
        text(payload, "signature").or_else(|| text(payload, "token")).ok_or_else(malformed)?.to_owned();
    Ok(DecodedToken { credential, json, document: without_nulls(&document), proof: SignatureProof::None })
}

fn prove(ctx: &RequestContext, decoded: &DecodedToken, protocol: Protocol) -> Result<SignatureProof> {
    let Some(token) = decoded.document.as_object() else { return Ok(SignatureProof::None) };
    let payload = member(token, "payload").and_then(Value::as_object);
    let by_card = payload.is_some_and(|payload| text(payload, "signature").is_none());
    if by_card {
        let claims = IssuerKey::load(ctx)?.read(&decoded.credential);
        let ours = claims.filter(sound);
        return Ok(ours.map_or(SignatureProof::None, SignatureProof::Claims));
    }
    let digest = authorization::typed_data(token, protocol).as_ref().and_then(eip712::digest);
    let signer = digest.and_then(|digest| eip712_signature::recover(&digest, &decoded.credential));
    Ok(signer.map_or(SignatureProof::None, SignatureProof::Signer))
}

/// True if the claims are those of a card token for one delegation (the delegation specification, section 5.1). The
/// issuer is not compared with the request's address, because the sandbox's address can change.
fn sound(claims: &Value) -> bool {
    let claim = |pointer: &str| claims.pointer(pointer).and_then(Value::as_str);
    claim("/aud") == Some(protocol::CARD)
        && claim("/iss").is_some()
        && claim("/jti").is_some()
        && claim("/jti") == claim("/nvm/delegationId")
}

impl SignatureProof {
    /// True if it proves that the payer with the key `signer` pays from this delegation now.
    pub(crate) fn is_of(&self, signer: &str, delegation_id: &str, now: i64) -> bool {
        match self {
            Self::Signer(found) => found == signer,
            Self::Claims(claims) => {
                let time = |name: &str| claims.get(name).and_then(Value::as_i64).unwrap_or_default();
                let id = claims.get("jti").and_then(Value::as_str);
                id == Some(delegation_id) && time("iat") <= now / 1000 && now / 1000 <= time("exp")
            }
            Self::None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unreadable_tokens_are_a_400() {
        let encode = |value: &Value| base64::encode_url(value.to_string().as_bytes());
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
            let error = decode(&text).unwrap_err();
            assert_eq!((error.status, error.code), (400, "BCK.X402.0010"), "{text:.40}");
        }
    }

    #[test]
    fn claims_of_a_card_token() {
        let claims =
            json!({ "iss": "i", "aud": "nvm:card-delegation", "jti": "d", "nvm": { "delegationId": "d" } });
        assert!(sound(&claims));
        for (pointer, value) in
            [("/aud", json!("other")), ("/jti", json!("e")), ("/iss", json!(null)), ("/nvm", json!({}))]
        {
            let mut changed = claims.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            assert!(!sound(&changed), "{pointer}");
        }
    }

    #[test]
    fn signature_proofs() {
        let claims = SignatureProof::Claims(json!({ "jti": "d", "iat": 100, "exp": 200 }));
        for (name, proof, delegation, now, ok) in [
            ("the payer's key", &SignatureProof::Signer("0x1".into()), "d", 0, true),
            ("another's key", &SignatureProof::Signer("0x2".into()), "d", 0, false),
            ("no signature", &SignatureProof::None, "d", 0, false),
            ("its delegation", &claims, "d", 150_000, true),
            ("another delegation", &claims, "e", 150_000, false),
            ("issued later than now", &claims, "d", 99_999, false),
            ("the last second", &claims, "d", 200_999, true),
            ("too late", &claims, "d", 201_000, false),
        ] {
            assert_eq!(proof.is_of("0x1", delegation, now), ok, "{name}");
        }
    }
}
