//! API keys: `local:<header>.<payload>.<signature>`, a JWT that names the account (contract sections 2.1, 13.1).
//!
//! Keys are signed (ES256K) with the account's key, but the signature is not checked: any key whose payload names an
//! account is accepted. This lets the official test suites bring their own keys.

use crate::http::error::{ApiError, Result};
use crate::http::request::Request;
use crate::primitives::random::Random;
use payments_wasm::wire::base64;
use serde_json::{Value, json};

/// Maximum size of a key in bytes.
const MAX_KEY_BYTES: usize = 8 * 1024;
/// The year 2060 in seconds: keys of the hosted service are valid for decades, too.
const FAR: i64 = 2_840_140_800;

/// The issuer of the sandbox's API keys.
const ISSUER: &str = "0x5a6db0c500000000000000000000000000000000";
/// The claim that tags a key with an organization.
const ORG: &str = "orgId";

/// The account that a key belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The account's address as written in the key.
    pub(crate) address: String,
    /// The key's id, its `jti`: cards and delegations refer to keys by it.
    pub(crate) key_id: Option<String>,
    /// The organization the key is tagged with.
    pub(crate) org: Option<String>,
}

impl Identity {
    /// The account's id: addresses that differ in case are the same account.
    pub(crate) fn id(&self) -> String {
        self.address.to_ascii_lowercase()
    }
}

/// The caller, read from the API key (contract section 13.1). A missing or unreadable key is a 401.
pub(crate) fn caller(request: &Request) -> Result<Identity> {
    let header = request.authorization.as_deref();
    read_bearer(header.ok_or_else(|| ApiError::unauthorized("The API key is missing"))?, request.now)
}

/// Reads `Bearer <key>`, with or without an environment prefix before the key's colon.
pub(crate) fn read_bearer(header: &str, now: i64) -> Result<Identity> {
    let key = match header.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key.trim(),
        _ => return Err(ApiError::unauthorized("Authorization is not a bearer token")),
    };
    let broken = || ApiError::unauthorized("The API key cannot be read");
    let payload = key.split('.').nth(1).ok_or_else(broken)?;
    let payload = base64::decode(payload, MAX_KEY_BYTES, "key").map_err(|_| broken())?;
    let payload: Value = serde_json::from_slice(&payload).map_err(|_| broken())?;
    let address =
        payload.get("sub").and_then(Value::as_str).filter(|sub| is_address(sub)).ok_or_else(broken)?;
    if payload.get("exp").and_then(Value::as_i64).is_some_and(|exp| exp <= now / 1000) {
        return Err(ApiError::unauthorized("The API key has expired"));
    }
    let claim = |name: &str| payload.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(Identity { address: address.to_owned(), key_id: claim("jti"), org: claim(ORG) })
}

/// A newly issued key.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) key: String,
    /// Its `jti`.
    pub(crate) id: String,
    /// Expiry in seconds.
    pub(crate) expires: i64,
}

/// Issues a key for an account, valid for `secs` seconds, or for decades if absent.
pub(crate) fn mint(
    address: &str,
    now: i64,
    secs: Option<i64>,
    org: Option<&str>,
    random: Random,
    sign: impl FnOnce(&Value) -> String,
) -> Result<Issued> {
    let expires = secs.map_or(FAR, |secs| (now / 1000).saturating_add(secs));
    let id = random.hex(32)?;
    let mut payload = json!({
        "iss": ISSUER,
        "sub": address,
        "jti": id,
        "iat": now / 1000,
        "exp": expires,
        "o11y": format!("sk-helicone-sandbox-{}", random.hex(8)?.trim_start_matches("0x")),
    });
    if let (Some(org), Some(payload)) = (org, payload.as_object_mut()) {
        payload.insert(ORG.into(), org.into());
    }
    Ok(Issued { key: format!("local:{}", sign(&payload)), id, expires })
}

/// `0x` and 40 hexadecimal digits.
pub(crate) fn is_address(text: &str) -> bool {
    text.strip_prefix("0x").is_some_and(|hex| hex.len() == 40 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "0xAbcdef0123456789abcdef0123456789abcdef01";

    fn unsigned(payload: &Value) -> String {
        format!("e30.{}.x", base64::encode_url(payload.to_string().as_bytes()))
    }

    fn bearer(prefix: &str, payload: &Value) -> String {
        format!("Bearer {prefix}e30.{}.sig", base64::encode_url(payload.to_string().as_bytes()))
    }

    #[test]
    fn any_key_whose_payload_names_an_account_is_accepted() {
        for prefix in ["local:", "sandbox:", "nvm:", "live-staging:", ""] {
            let identity = read_bearer(&bearer(prefix, &json!({ "sub": ADDRESS })), 0).unwrap();
            assert_eq!(identity.address, ADDRESS, "{prefix}");
            assert_eq!(identity.id(), ADDRESS.to_lowercase());
        }
    }

    #[test]
    fn unreadable_keys_are_a_401() {
        for header in [
            "",
            "Bearer",
            "Bearer ",
            "Basic e30.e30.x",
            "Bearer local:abc",
            "Bearer local:e30.!!.x",
            "Bearer local:e30.e30.x",
            &bearer("local:", &json!({ "sub": 7 })),
            &bearer("local:", &json!({ "sub": "0x12" })),
            &bearer("local:", &json!({ "sub": ADDRESS, "exp": 9 })),
            &bearer("local:", &json!({ "sub": ADDRESS, "exp": 10 })),
            &format!("Bearer local:e30.{}.x", "A".repeat(40_000)),
        ] {
            let error = read_bearer(header, 10_000).unwrap_err();
            assert_eq!((error.status, error.code), (401, "BCK.AUTH.0002"), "{header}");
        }
    }

    #[test]
    fn an_issued_key_has_all_claims_that_payments_py_requires() {
        let Issued { key, id, .. } =
            mint(ADDRESS, 1_000, None, Some("org-1"), Random::fixed(7), unsigned).unwrap();
        assert!(key.starts_with("local:") && key.matches(':').count() == 1);
        let identity = read_bearer(&format!("Bearer {key}"), 1_000).unwrap();
        assert_eq!((identity.address.as_str(), identity.key_id), (ADDRESS, Some(id)));
        assert_eq!(identity.org.as_deref(), Some("org-1"));
        let payload = base64::decode(key.split('.').nth(1).unwrap(), 4096, "key").unwrap();
        let payload: Value = serde_json::from_slice(&payload).unwrap();
        for claim in ["iss", "sub", "jti", "exp", "o11y"] {
            assert!(payload.get(claim).is_some(), "{claim}");
        }
    }
    #[test]
    fn keys_expire() {
        let Issued { key, expires, .. } =
            mint(ADDRESS, 1_500, Some(2), None, Random::fixed(7), unsigned).unwrap();
        assert_eq!(expires, 3);
        for (now, good) in [(1_500, true), (2_999, true), (3_000, false), (9_000, false)] {
            assert_eq!(read_bearer(&format!("Bearer {key}"), now).is_ok(), good, "{now}");
        }
    }
}
