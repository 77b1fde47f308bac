use super::document::{self, Document};
use super::{Accept, MAX_TOKEN_BYTES, Secret, WireError, WireErrorKind, base64};
use crate::codec::text::ByteSplit;
use alloc::string::String;
use core::fmt;
use serde_json::Value;
use zeroize::Zeroizing;

/// An x402 access token: base64url of a JSON `PaymentPayload`, a bearer secret (contract section 6.3).
///
/// A v2 token may be used again until its delegation ends; a v3 token, one with a `nonce`, once.
#[derive(Clone)]
pub struct AccessToken {
    secret: Secret,
    /// All but `accepted`: there stands a null in its place.
    rest: Document,
    accepted: Accept,
    from: Option<String>,
    nonce: Option<String>,
    expires_at: Option<u64>,
}

impl AccessToken {
    /// Reads a token as it came, in a header or from the platform: either alphabet, padded or not, at most
    /// [`MAX_TOKEN_BYTES`].
    ///
    /// # Errors
    /// A [`WireError`] that names the member, never the token.
    pub fn decode(text: &str) -> Result<Self, WireError> {
        const WHAT: &str = "access token";
        if text.len() > MAX_TOKEN_BYTES {
            return Err(WireError::new(WireErrorKind::TooLarge, WHAT));
        }
        let decoded = Zeroizing::new(base64::decode(text, MAX_TOKEN_BYTES, WHAT)?);
        let mut document = document::parse(&decoded, MAX_TOKEN_BYTES, WHAT)?;
        document::require_version_2(&document)?;
        let accepted = match document.get_mut("accepted").map(Value::take) {
            None => return Err(WireError::new(WireErrorKind::Missing, "accepted")),
            Some(entry) => Accept::parse(entry).map_err(|error| error.within("accepted"))?,
        };
        let payload = document::object(&document, "payload")?
            .ok_or_else(|| WireError::new(WireErrorKind::Missing, "payload"))?;
        let authorization = document::object(payload, "authorization").map_err(|e| e.within("payload"))?;
        let of = |name| match authorization {
            Some(authorization) => document::text(authorization, name)
                .map(|text| text.filter(|text| !text.chars().all(char::is_whitespace)).map(Into::into))
                .map_err(|error| error.within("payload.authorization")),
            None => Ok(None),
        };
        let (from, nonce) = (of("from")?, of("nonce")?);
        let expires_at =
            document::text(payload, "token").map_err(|e| e.within("payload"))?.and_then(jwt_expiry);
        Ok(Self { secret: Secret::new(text), accepted, from, nonce, expires_at, rest: document })
    }

    /// Encodes a payload as the platform does: compact JSON, base64url without padding.
    ///
    /// # Errors
    /// As [`decode`](Self::decode): what is not a token is not encoded.
    pub fn encode(payload: Document) -> Result<Self, WireError> {
        Self::decode(&base64::encode_url(document::print(&payload).as_bytes()))
    }

    /// The token as it is sent.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The accepted payment option: scheme, network, plan.
    #[must_use]
    pub fn accepted(&self) -> &Accept {
        &self.accepted
    }

    /// The payer's account.
    #[must_use]
    pub fn payer(&self) -> Option<&str> {
        self.from.as_deref()
    }

    /// The nonce that makes it single-use, where it has one.
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// True if the token may be presented once only. Decided by its content, not by the type that was requested
    /// (section 4.5).
    #[must_use]
    pub fn is_single_use(&self) -> bool {
        self.nonce.is_some()
    }

    /// When it ends, in seconds since 1970, where it says so (card tokens do).
    #[must_use]
    pub fn expires_at(&self) -> Option<u64> {
        self.expires_at
    }

    /// The whole payload as it came.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut document = self.rest.clone();
        document.insert("accepted".into(), self.accepted.to_value());
        Value::Object(document)
    }
}

impl Drop for AccessToken {
    fn drop(&mut self) {
        document::wipe(&mut self.rest);
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("scheme", &self.accepted.scheme_name())
            .field("plan_id", &self.accepted.plan_id())
            .field("single_use", &self.is_single_use())
            .finish_non_exhaustive()
    }
}

/// The `exp` of a JWT, unverified; nothing where it has none or is no JWT.
fn jwt_expiry(jwt: &str) -> Option<u64> {
    let claims = base64::decode(jwt.split_byte(b'.').nth(1)?, MAX_TOKEN_BYTES, "token").ok()?;
    document::parse(&claims, MAX_TOKEN_BYTES, "token").ok()?.get("exp")?.as_u64()
}
