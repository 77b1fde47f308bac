//! Signing keys: one secp256k1 key per account, and the sandbox's own P-256 key.

use crate::Desk;
use crate::crypto::secrets;
use crate::http::error::{Outcome, Problem};
use crate::primitives::eip712::{keccak, unhex};
use crate::primitives::random::hexadecimal;
use crate::storage::store::binds;
use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use payments_wasm::wire::base64;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt;
use std::rc::Rc;

/// The key of an account. It signs the account's tokens and API keys.
pub(crate) struct Signer(SigningKey);

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

fn broken<E>(_: E) -> Problem {
    Problem::internal("a signing key is of no use")
}

impl Signer {
    fn of(secret: &[u8]) -> Outcome<Self> {
        SigningKey::from_slice(secret).map(Self).map_err(broken)
    }

    /// Its Ethereum address.
    pub(crate) fn address(&self) -> String {
        address(self.0.verifying_key())
    }

    /// The signature of a digest: 65 bytes as wallets encode them, in hexadecimal.
    pub(crate) fn sign(&self, digest: &[u8; 32]) -> String {
        let (signature, recovery) = self.0.sign_prehash_recoverable(digest);
        let recovery = recovery.to_byte().saturating_add(27);
        format!("0x{}{recovery:02x}", hexadecimal(&signature.to_bytes()))
    }

    /// A JWT with this payload, signed with ES256K.
    pub(crate) fn jwt(&self, payload: &Value) -> String {
        jwt("ES256K", None, payload, |text| {
            let signature: Signature = self.0.sign(text.as_bytes());
            signature.to_bytes().to_vec()
        })
    }
}

fn jwt(alg: &str, kid: Option<&str>, payload: &Value, sign: impl Fn(&str) -> Vec<u8>) -> String {
    let mut header = json!({ "alg": alg, "typ": "JWT" });
    if let (Some(kid), Some(header)) = (kid, header.as_object_mut()) {
        header.insert("kid".into(), kid.into());
    }
    let part = |value: &Value| base64::encode_url(value.to_string().as_bytes());
    let text = format!("{}.{}", part(&header), part(payload));
    let signature = base64::encode_url(&sign(&text));
    format!("{text}.{signature}")
}

/// The address of a public key: the end of the hash of its point.
fn address(key: &VerifyingKey) -> String {
    let point = key.to_sec1_point(false);
    let hash = keccak(point.as_bytes().get(1..).unwrap_or_default());
    format!("0x{}", hexadecimal(hash.get(12..).unwrap_or_default()))
}

/// The address that signed a digest.
pub(crate) fn recover(digest: &[u8; 32], signature: &str) -> Option<String> {
    let bytes = unhex(signature)?;
    let (signature, recovery) = bytes.split_at_checked(64)?;
    let recovery = RecoveryId::from_byte(recovery.first()?.checked_sub(27)?)?;
    let signature = Signature::from_slice(signature).ok()?;
    VerifyingKey::recover_from_prehash(digest, &signature, recovery).ok().map(|key| address(&key))
}

/// Generates and stores the key of a new account, and returns its address.
pub(crate) fn create(desk: &Desk) -> Outcome<String> {
    let secret = desk.random.bytes(32)?;
    let address = Signer::of(&secret)?.address();
    keep(desk, &address, &secret, &address)?;
    Ok(address)
}

fn keep(desk: &Desk, account: &str, secret: &[u8], address: &str) -> Outcome<()> {
    desk.store.run(
        "INSERT INTO signers (account, secret, address) VALUES (?, ?, ?)",
        binds![account.to_ascii_lowercase(), base64::encode_url(secret), address],
    )
}

/// Stores a key that was created elsewhere, and returns the account's address.
pub(crate) fn adopt(desk: &Desk, secret: &[u8]) -> Outcome<String> {
    let address = Signer::of(secret)?.address();
    desk.store.run("DELETE FROM signers WHERE account = ?", binds![address.to_ascii_lowercase()])?;
    keep(desk, &address, secret, &address)?;
    Ok(address)
}

/// The key that signs for an account. An account opened here signs with the key of its address. An account that came
/// with its own API key gets a key with a different address, as the owner of a smart account has.
pub(crate) fn of(desk: &Desk, account: &str) -> Outcome<Rc<Signer>> {
    #[derive(Deserialize)]
    struct Row {
        secret: String,
    }
    let query = "SELECT secret FROM signers WHERE account = ?";
    if let Some(row) = desk.store.first::<Row>(query, binds![account.to_ascii_lowercase()])? {
        let signer = |secret: &str| Signer::of(&base64::decode(secret, 64, "secret").map_err(broken)?);
        return desk.seen.signers.of(&row.secret, signer);
    }
    let secret = desk.random.bytes(32)?;
    let signer = Signer::of(&secret)?;
    keep(desk, account, &secret, &signer.address())?;
    Ok(Rc::new(signer))
}

/// The sandbox's own key. It signs card tokens and OAuth tokens.
pub(crate) struct House(p256::ecdsa::SigningKey);

impl fmt::Debug for House {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("House")
    }
}

impl House {
    pub(crate) fn load(desk: &Desk) -> Outcome<Rc<Self>> {
        let secret = secrets::load(desk, secrets::Name::House)?;
        let text = hexadecimal(&secret);
        desk.seen.houses.of(&text, |_| Self::of(secret))
    }

    fn of(mut secret: Vec<u8>) -> Outcome<Self> {
        // One number in 2^32 exceeds the order of this curve. Clearing the top bit makes every number valid.
        if let Some(first) = secret.first_mut() {
            *first &= 0x7f;
        }
        p256::ecdsa::SigningKey::from_slice(&secret).map(Self).map_err(broken)
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
    fn addresses_are_those_of_wallets() {
        // The first account of the usual development chains.
        let secret = unhex("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80").unwrap();
        let signer = Signer::of(&secret).unwrap();
        assert_eq!(signer.address(), "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
    }

    #[test]
    fn a_signature_names_its_signer_and_no_other() {
        let signer = Signer::of(&[7; 32]).unwrap();
        let digest = keccak(b"something");
        let signature = signer.sign(&digest);
        assert_eq!(signature.len(), 132);
        assert_eq!(recover(&digest, &signature), Some(signer.address()));
        assert_ne!(recover(&keccak(b"else"), &signature), Some(signer.address()));
        for bad in ["", "0x", "0x00", &"0x00".repeat(65), &signature.replace("0x", "")] {
            assert_eq!(recover(&digest, bad), None, "{bad:.20}");
        }
    }

    #[test]
    fn the_house_shows_the_key_it_signs_with() {
        let house = House(p256::ecdsa::SigningKey::from_slice(&[9; 32]).unwrap());
        let set = house.jwks();
        let key = &set["keys"][0];
        assert_eq!(base64::decode(key["x"].as_str().unwrap(), 64, "x").unwrap().len(), 32);
        let token = house.jwt(&json!({ "a": 1 }));
        let header = base64::decode(token.split('.').next().unwrap(), 256, "header").unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!((header["alg"].as_str(), &header["kid"]), (Some("ES256"), &key["kid"]));
        assert_eq!(house.read(&token), Some(json!({ "a": 1 })));
        let other = House(p256::ecdsa::SigningKey::from_slice(&[8; 32]).unwrap());
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
            assert_eq!(house.read(&forged), None, "{name}");
        }
    }
}
