//! Verification of presented tokens: decoding, and recovery of the signer (EIP-712, or the JWT of a card token).
//!
//! Recovering a signer is the most expensive part of a request and depends on the token's bytes only, so the result
//! for valid tokens is cached. Whether the token is still usable is read from storage each time.

use crate::Desk;
use crate::catalog::plan_terms::Terms;
use crate::crypto::signing_keys::{self, House, Signer};
use crate::http::error::{Outcome, Problem};
use crate::http::request::{member, text};
use crate::primitives::eip712;
use crate::tokens::permission::{Protocol, without_nulls};
use crate::tokens::{authorization, issue};
use payments_wasm::wire::base64;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

/// Maximum decoded size of a token in bytes. Servers refuse longer headers.
const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// Maximum number of entries per cache.
const MOST: usize = 256;

/// A decoded token.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// Its unique part: its signature, or the JWT in it.
    pub(crate) credential: String,
    /// Its JSON as received.
    pub(crate) json: String,
    pub(crate) document: Value,
    pub(crate) proof: Proof,
}

/// The result of verifying a token's signature.
#[derive(Debug)]
pub(crate) enum Proof {
    /// Signed by this address: payer, purpose and session keys.
    Signer(String),
    /// Signed by the sandbox: these claims.
    Claims(Value),
    /// No valid signature.
    None,
}

/// Caches of expensive results. Each result depends on its key only, so entries never become stale.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    tokens: Memo<Decoded>,
    pub(crate) terms: Memo<Terms>,
    pub(crate) signers: Memo<Signer>,
    pub(crate) houses: Memo<House>,
}

/// A cache by text. The text may be a secret, so `Debug` shows neither text nor value.
pub(crate) struct Memo<T>(RefCell<HashMap<String, Rc<T>>>);

impl<T> fmt::Debug for Memo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memo of {}", self.0.borrow().len())
    }
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T> Memo<T> {
    fn get(&self, text: &str) -> Option<Rc<T>> {
        self.0.borrow().get(text).cloned()
    }

    fn keep(&self, text: &str, made: &Rc<T>) {
        let mut kept = self.0.borrow_mut();
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(text.to_owned(), Rc::clone(made));
    }

    /// Returns the cached value of a text, or creates it.
    pub(crate) fn of(&self, text: &str, make: impl FnOnce(&str) -> Outcome<T>) -> Outcome<Rc<T>> {
        if let Some(made) = self.get(text) {
            return Ok(made);
        }
        let made = Rc::new(make(text)?);
        self.keep(text, &made);
        Ok(made)
    }
}

/// Decodes a token and verifies its signature. An unreadable token is a 400; an invalid signature is left to the
/// caller.
pub(crate) fn open(desk: &Desk, token: &str, protocol: Protocol) -> Outcome<Rc<Decoded>> {
    let key = format!("{}:{token}", protocol.name());
    if let Some(decoded) = desk.seen.tokens.get(&key) {
        return Ok(decoded);
    }
    let mut decoded = decode(token)?;
    decoded.proof = prove(desk, &decoded, protocol)?;
    let decoded = Rc::new(decoded);
    if !matches!(decoded.proof, Proof::None) {
        desk.seen.tokens.keep(&key, &decoded);
    }
    Ok(decoded)
}

/// Decodes a token without verifying it.
pub(crate) fn decode(token: &str) -> Outcome<Decoded> {
    let malformed = || Problem::new(400, "BCK.X402.0010", "The access token cannot be read");
    let bytes = base64::decode(token, MAX_TOKEN_BYTES, "x402AccessToken").map_err(|_| malformed())?;
    let json = String::from_utf8(bytes).map_err(|_| malformed())?;
    let document: Value = serde_json::from_str(&json).map_err(|_| malformed())?;
    let payload = document.get("payload").and_then(Value::as_object).ok_or_else(malformed)?;
    let credential =
        text(payload, "signature").or_else(|| text(payload, "token")).ok_or_else(malformed)?.to_owned();
    Ok(Decoded { credential, json, document: without_nulls(&document), proof: Proof::None })
}

fn prove(desk: &Desk, decoded: &Decoded, protocol: Protocol) -> Outcome<Proof> {
    let Some(token) = decoded.document.as_object() else { return Ok(Proof::None) };
    let payload = member(token, "payload").and_then(Value::as_object);
    let by_card = payload.is_some_and(|payload| text(payload, "signature").is_none());
    if by_card {
        let claims = House::load(desk)?.read(&decoded.credential);
        let ours = claims.filter(sound);
        return Ok(ours.map_or(Proof::None, Proof::Claims));
    }
    let digest = authorization::typed_data(token, protocol).as_ref().and_then(eip712::digest);
    let signer = digest.and_then(|digest| signing_keys::recover(&digest, &decoded.credential));
    Ok(signer.map_or(Proof::None, Proof::Signer))
}

/// True if the claims are those of a card token for one delegation (the delegation specification, section 5.1). The
/// issuer is not compared with the request's address, because the sandbox's address can change.
fn sound(claims: &Value) -> bool {
    let claim = |pointer: &str| claims.pointer(pointer).and_then(Value::as_str);
    claim("/aud") == Some(issue::CARD)
        && claim("/iss").is_some()
        && claim("/jti").is_some()
        && claim("/jti") == claim("/nvm/delegationId")
}

impl Proof {
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
    fn garbage_is_a_400() {
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
            let problem = decode(&text).unwrap_err();
            assert_eq!((problem.status, problem.code), (400, "BCK.X402.0010"), "{text:.40}");
        }
    }

    #[test]
    fn which_claims_are_a_card_tokens() {
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
    fn what_a_proof_proves() {
        let claims = Proof::Claims(json!({ "jti": "d", "iat": 100, "exp": 200 }));
        for (name, proof, delegation, now, ok) in [
            ("the payer's key", &Proof::Signer("0x1".into()), "d", 0, true),
            ("another's key", &Proof::Signer("0x2".into()), "d", 0, false),
            ("no signature", &Proof::None, "d", 0, false),
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
