//! Tokens as they are presented: decoded, and who signed them found out from the signature (EIP-712; by card, the JWT).
//!
//! To recover a signer is the dearest part of a call. It is a function of the token's bytes alone, so tokens that proved sound
//! are remembered for a while; whether they are still good is asked of the storage each time.

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

/// Longest token that is read, in bytes decoded: a header that is longer reaches no server.
const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// How many of each kind are remembered.
const MOST: usize = 256;

/// A token, decoded.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// What makes it this one and no other: its signature, or the JWT in it.
    pub(crate) credential: String,
    /// Its JSON as it came.
    pub(crate) json: String,
    pub(crate) document: Value,
    pub(crate) proof: Proof,
}

/// What a token's signature says.
#[derive(Debug)]
pub(crate) enum Proof {
    /// That of this address, over who pays, what for and with which session keys.
    Signer(String),
    /// The sandbox's own, over these claims.
    Claims(Value),
    /// Nobody's.
    None,
}

/// What was found out of late and is dear to find out again: each is a function of a text alone, so none grows stale.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    tokens: Memo<Decoded>,
    pub(crate) terms: Memo<Terms>,
    pub(crate) signers: Memo<Signer>,
    pub(crate) houses: Memo<House>,
}

/// What was made of a text. The text may be a secret, so neither is shown.
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

    /// What is made of a text, if it was not made before.
    pub(crate) fn of(&self, text: &str, make: impl FnOnce(&str) -> Outcome<T>) -> Outcome<Rc<T>> {
        if let Some(made) = self.get(text) {
            return Ok(made);
        }
        let made = Rc::new(make(text)?);
        self.keep(text, &made);
        Ok(made)
    }
}

/// Decodes a token and finds out who signed it. Garbage is a 400; a signature that is none is left to the caller.
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

/// Decodes a token as far as it can be looked up.
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

/// Whether the claims of a card token are about one delegation and for this use (the delegation specification, section
/// 5.1). The issuer is not held against the address of this call: the sandbox has none that stays.
fn sound(claims: &Value) -> bool {
    let claim = |pointer: &str| claims.pointer(pointer).and_then(Value::as_str);
    claim("/aud") == Some(issue::CARD)
        && claim("/iss").is_some()
        && claim("/jti").is_some()
        && claim("/jti") == claim("/nvm/delegationId")
}

impl Proof {
    /// Whether it is the proof that this payer, whose key has the address `signer`, pays from this delegation, now.
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
