use super::Keys;
use crate::codec;
use crate::codec::text::ByteSplit;
use crate::paywall::sha256;
use crate::wire::{Credits, base64};
use alloc::string::{String, ToString};
use serde_json::Value;

/// A pass as it was sold: `v1.<key id>.<payload>.<HMAC-SHA-256>`, the last two base64url. What is signed is all of it
/// before the last dot. The payload is JSON and no secret; the pass is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pass {
    /// The id by which it is revoked, and which the origin receives: 32 hexadecimal digits.
    pub(crate) id: String,
    pub(crate) payer: String,
    /// The set of routes, by its name.
    pub(crate) set: String,
    /// The plan that paid.
    pub(crate) plan: String,
    /// The price that was paid; what costs more is not opened.
    pub(crate) tier: Credits,
    /// In seconds since 1970.
    pub(crate) issued: u64,
    /// In seconds since 1970; from then on it opens nothing.
    pub(crate) expires: u64,
}

/// Why a pass opens nothing. The request goes on as if it had none; without a payment the 402 says this code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PassError {
    /// More than [`MAX_PASS_BYTES`].
    TooLarge,
    /// Not a pass.
    Malformed,
    /// Not signed by us, or with a key that is gone.
    Forged,
    /// The pass is for another set of routes, or from a plan that does not pay for this one.
    OtherRoute,
    /// For less than this costs.
    OtherTier,
    /// The payment token of the same request belongs to another payer.
    OtherPayer,
    /// Over.
    Expired,
    /// From the future: a clock that is more than [`SKEW_SECONDS`] wrong made it.
    NotYet,
    /// Taken back.
    Revoked,
}

/// The largest size of a pass, in bytes. With its cookie's name and attributes it fits the 4096 bytes that browsers
/// accept.
pub(crate) const MAX_PASS_BYTES: usize = 1024;
/// How far the clock of the gate that sold a pass may be ahead of ours, in seconds.
const SKEW_SECONDS: u64 = 60;
const VERSION: &str = "v1";

impl PassError {
    /// The stable code.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "pass_too_large",
            Self::Malformed => "pass_malformed",
            Self::Forged => "pass_forged",
            Self::OtherRoute => "pass_for_another_route",
            Self::OtherTier => "pass_for_another_price",
            Self::OtherPayer => "pass_of_another_payer",
            Self::Expired => "pass_expired",
            Self::NotYet => "pass_not_yet_valid",
            Self::Revoked => "pass_revoked",
        }
    }

    /// For people.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::TooLarge | Self::Malformed | Self::Forged => {
                "This access pass was not issued by this service."
            }
            Self::OtherRoute => "This access pass is for another resource.",
            Self::OtherTier => "This access pass was sold for less than this resource costs.",
            Self::OtherPayer => "This access pass and the payment token have different payers.",
            Self::Expired => "This access pass has expired.",
            Self::NotYet => "This access pass is from the future.",
            Self::Revoked => "This access pass was taken back.",
        }
    }
}

impl Pass {
    /// The pass as text, signed with the first key.
    pub(crate) fn sign(&self, keys: &Keys) -> String {
        let payload = codec::object(Vec::from([
            ("id", self.id.as_str().into()),
            ("payer", self.payer.as_str().into()),
            ("set", self.set.as_str().into()),
            ("plan", self.plan.as_str().into()),
            ("tier", self.tier.digits().into()),
            ("iat", self.issued.into()),
            ("exp", self.expires.into()),
        ]));
        let payload = base64::encode_url(codec::print(&payload).as_bytes());
        let signed = [VERSION, keys.signer(), &payload].join(".");
        let mac = base64::encode_url(&keys.sign(&signed));
        [signed, mac].join(".")
    }

    /// Reads a pass; the signature is looked at before anything that it says. `now` is in milliseconds since 1970.
    pub(crate) fn open(text: &str, keys: &Keys, now: u64) -> Result<Self, PassError> {
        if text.len() > MAX_PASS_BYTES {
            return Err(PassError::TooLarge);
        }
        let (signed, mac) = text.rsplit_once_byte(b'.').ok_or(PassError::Malformed)?;
        let mut parts = signed.split_byte(b'.');
        let (Some(VERSION), Some(id), Some(payload), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(PassError::Malformed);
        };
        let mac = base64::decode(mac, MAX_PASS_BYTES, "pass").map_err(|_| PassError::Malformed)?;
        if !keys.verify(id, signed, &mac) {
            return Err(PassError::Forged);
        }
        let payload = base64::decode(payload, MAX_PASS_BYTES, "pass").map_err(|_| PassError::Malformed)?;
        let pass = Self::read(&payload).ok_or(PassError::Malformed)?;
        let seconds = now / 1000;
        if pass.issued > seconds.saturating_add(SKEW_SECONDS) {
            return Err(PassError::NotYet);
        }
        if pass.expires <= seconds {
            return Err(PassError::Expired);
        }
        Ok(pass)
    }

    fn read(payload: &[u8]) -> Option<Self> {
        let payload = crate::codec::parse_json(payload)?;
        let text = |name: &str| payload.get(name).and_then(Value::as_str).map(ToString::to_string);
        let number = |name: &str| payload.get(name).and_then(Value::as_u64);
        Some(Self {
            id: text("id")?,
            payer: text("payer")?,
            set: text("set")?,
            plan: text("plan")?,
            tier: Credits::from_json(payload.get("tier")?, "tier").ok()?,
            issued: number("iat")?,
            expires: number("exp")?,
        })
    }
}

/// An id derived from a secret text: the first half of its SHA-256, in hexadecimal digits.
pub(super) fn id(parts: &[&str]) -> String {
    sha256::sha256(parts.join("\n").as_bytes()).chars().take(32).collect()
}
