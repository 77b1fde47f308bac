//! Secrets of the sandbox: generated once, stored, never shown.

use crate::context::RequestContext;
use crate::http::error::{ApiError, Result};
use crate::storage::store::binds;
use hmac::{Hmac, KeyInit, Mac};
use payments_wasm::wire::base64;
use serde::Deserialize;
use sha2::Sha256;

/// The name of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// Seals MPP challenges.
    Mpp,
    /// Signs card tokens and OAuth tokens.
    IssuerKey,
}

impl Name {
    fn text(self) -> &'static str {
        match self {
            Self::Mpp => "mpp",
            Self::IssuerKey => "house",
        }
    }
}

/// Loads a secret of 32 bytes, and generates it on first use.
pub(crate) fn load(ctx: &RequestContext, name: Name) -> Result<Vec<u8>> {
    #[derive(Deserialize)]
    struct Row {
        value: String,
    }
    let query = "SELECT value FROM secrets WHERE name = ?";
    if let Some(row) = ctx.store.first::<Row>(query, binds![name.text()])? {
        return base64::decode(&row.value, 64, "secret")
            .map_err(|_| ApiError::internal("storage: a secret cannot be read"));
    }
    let secret = ctx.random.bytes(32)?;
    let value = base64::encode_url(&secret);
    ctx.store.run("INSERT INTO secrets (name, value) VALUES (?, ?)", binds![name.text(), value])?;
    Ok(secret)
}

/// HMAC-SHA256 of a text.
pub(crate) fn seal(secret: &[u8], text: &str) -> Result<Vec<u8>> {
    let mut mac = mac(secret)?;
    mac.update(text.as_bytes());
    Ok(mac.finalize().into_bytes().to_vec())
}

/// Verifies a seal in constant time.
pub(crate) fn sealed(secret: &[u8], text: &str, seal: &[u8]) -> Result<bool> {
    let mut mac = mac(secret)?;
    mac.update(text.as_bytes());
    Ok(mac.verify_slice(seal).is_ok())
}

/// Compares two texts in constant time.
pub(crate) fn same(given: &str, wanted: &str) -> bool {
    let key = wanted.as_bytes();
    seal(key, wanted).and_then(|wanted| sealed(key, given, &wanted)).unwrap_or(false)
}

fn mac(secret: &[u8]) -> Result<Hmac<Sha256>> {
    Hmac::new_from_slice(secret).map_err(|_| ApiError::internal("a secret is invalid"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seals_are_those_of_rfc_4231() {
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let seal = seal(b"Jefe", "what do ya want for nothing?").unwrap();
        assert_eq!(seal.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), expected);
        assert!(sealed(b"Jefe", "what do ya want for nothing?", &seal).unwrap());
        assert!(!sealed(b"Jeff", "what do ya want for nothing?", &seal).unwrap());
        assert!(!sealed(b"Jefe", "what do ya want for nothing?", &[]).unwrap());
    }

    #[test]
    fn comparison_in_constant_time() {
        for (given, wanted, same_one) in [
            ("a secret", "a secret", true),
            ("a secre", "a secret", false),
            ("", "a secret", false),
            ("A secret", "a secret", false),
        ] {
            assert_eq!(same(given, wanted), same_one, "{given}");
        }
    }

    #[test]
    fn stored_names_of_secrets_never_change() {
        assert_eq!([Name::Mpp, Name::IssuerKey].map(Name::text), ["mpp", "house"]);
    }
}
