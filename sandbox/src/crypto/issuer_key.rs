//! The sandbox's own P-256 key.

use crate::context::RequestContext;
use crate::crypto::jwt::{invalid_key, jwt};
use crate::crypto::secrets;
use crate::http::error::Result;
use crate::primitives::eip712::keccak;
use crate::primitives::random::hexadecimal;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use payments_wasm::wire::base64;
use serde_json::{Value, json};
use std::fmt;
use std::rc::Rc;

/// The sandbox's own key. It signs card tokens and OAuth tokens.
pub(crate) struct IssuerKey(p256::ecdsa::SigningKey);

impl fmt::Debug for IssuerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IssuerKey")
    }
}

impl IssuerKey {
    pub(crate) fn load(ctx: &RequestContext) -> Result<Rc<Self>> {
        let secret = secrets::load(ctx, secrets::Name::IssuerKey)?;
        let text = hexadecimal(&secret);
        ctx.cache.get_or_insert(&text, |_| Self::of(secret))
    }

    fn of(mut secret: Vec<u8>) -> Result<Self> {
        // One number in 2^32 exceeds the order of this curve. Clearing the top bit makes every number valid.
        if let Some(first) = secret.first_mut() {
            *first &= 0x7f;
        }
        p256::ecdsa::SigningKey::from_slice(&secret).map(Self).map_err(invalid_key)
    }

    /// The key id: a hash of the public key.
    fn id(&self) -> String {
        let point = self.0.verifying_key().to_sec1_point(false);
        hexadecimal(keccak(point.as_bytes()).get(..8).unwrap_or_default())
    }

    /// An ES256 JWT.
    pub(crate) fn jwt(&self, payload: &Value) -> String {
        jwt("ES256", Some(&self.id()), payload, |text| {
            let signature: p256::ecdsa::Signature = self.0.sign(text.as_bytes());
            signature.to_bytes().to_vec()
        })
    }

    /// The claims of a JWT that this key signed.
    pub(crate) fn read(&self, jwt: &str) -> Option<Value> {
        let (text, signature) = jwt.rsplit_once('.')?;
        let (header, payload) = text.split_once('.')?;
        let part = |text: &str| base64::decode(text, 8 * 1024, "token").ok();
        let json = |text: &str| serde_json::from_slice::<Value>(&part(text)?).ok();
        let header = json(header)?;
        let named = |name: &str| header.get(name).and_then(Value::as_str);
        if named("alg") != Some("ES256") || named("kid") != Some(&self.id()) {
            return None;
        }
        let signature = p256::ecdsa::Signature::from_slice(&part(signature)?).ok()?;
        self.0.verifying_key().verify(text.as_bytes(), &signature).ok()?;
        json(payload)
    }

    /// The public key as a JWK set (RFC 7517).
    pub(crate) fn jwks(&self) -> Value {
        let point = self.0.verifying_key().to_sec1_point(false);
        let (x, y) = point.as_bytes().get(1..).unwrap_or_default().split_at_checked(32).unwrap_or_default();
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.id(),
            "x": base64::encode_url(x), "y": base64::encode_url(y),
        }]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jwks_verifies_the_issuer_key() {
        let issuer_key = IssuerKey(p256::ecdsa::SigningKey::from_slice(&[9; 32]).unwrap());
        let set = issuer_key.jwks();
        let key = &set["keys"][0];
        assert_eq!(base64::decode(key["x"].as_str().unwrap(), 64, "x").unwrap().len(), 32);
        let token = issuer_key.jwt(&json!({ "a": 1 }));
        let header = base64::decode(token.split('.').next().unwrap(), 256, "header").unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!((header["alg"].as_str(), &header["kid"]), (Some("ES256"), &key["kid"]));
        assert_eq!(issuer_key.read(&token), Some(json!({ "a": 1 })));
        let other = IssuerKey(p256::ecdsa::SigningKey::from_slice(&[8; 32]).unwrap());
        let (text, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = text.split_once('.').unwrap();
        let changed = base64::encode_url(br#"{"a":2}"#);
        let none = base64::encode_url(br#"{"alg":"none"}"#);
        for (name, forged) in [
            ("another's", other.jwt(&json!({ "a": 1 }))),
            ("changed", format!("{header}.{changed}.{signature}")),
            ("unsigned", format!("{none}.{changed}.")),
            ("cut", text.to_owned()),
            ("no JWT", "x".to_owned()),
        ] {
            assert_eq!(issuer_key.read(&forged), None, "{name}");
        }
    }
}
