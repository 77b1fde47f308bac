use super::super::document::{self, Document};
use super::super::{AgentId, Credits, PlanId, WireError, WireErrorKind, base64};
use super::auth_header::{AuthItem, items, quoted};
use super::{MAX_CHALLENGES, MAX_HEADER_BYTES, SCHEME, timestamp};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value};
use sha2::Sha256;

#[cfg(test)]
mod tests;

/// One challenge of a `WWW-Authenticate: Payment` header.
#[derive(Clone, PartialEq, Eq)]
pub struct MppChallenge {
    /// The id: a seal of the server over the other members but the description.
    pub id: String,
    /// The protection space.
    pub realm: String,
    /// The payment method: `nevermined`, `tempo`, `stripe`, `evm`, ….
    pub method: String,
    /// The intent: `charge`, `session`, `subscription`.
    pub intent: String,
    /// The request as it came: base64url without padding, of JSON.
    pub request: String,
    /// When the challenge ends, RFC 3339, as it came.
    pub expires: Option<String>,
    /// The digest of the body that the challenge is bound to.
    pub digest: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Data of the server that the client sends back as it came: base64url without padding.
    pub opaque: Option<String>,
}

/// The terms of a challenge of the method `nevermined` with the intent `charge`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeverminedCharge {
    /// The plan whose credits pay.
    pub plan_id: PlanId,
    /// The price of the request, in credits.
    pub credits: Credits,
    /// The agent, where the seller names one.
    pub agent_id: Option<AgentId>,
}

impl MppChallenge {
    /// Reads the `Payment` challenges of a `WWW-Authenticate` value, in their order. Other schemes are skipped.
    ///
    /// # Errors
    /// `TooLarge` for more than 32 KiB or 16 challenges. Each challenge has its own result: `Missing` for an id, realm,
    /// method, intent or request that is not there, `BadValue` for a parameter that occurs twice, a quote that does not end
    /// or a time that is none, `NotBase64` for a request or opaque value with padding, the other alphabet or trailing bits.
    pub fn parse_all(header: &str) -> Result<Vec<Result<Self, WireError>>, WireError> {
        let too_large = || WireError::new(WireErrorKind::TooLarge, super::WWW_AUTHENTICATE);
        if header.len() > MAX_HEADER_BYTES {
            return Err(too_large());
        }
        let found: Vec<_> = items(header)
            .iter()
            .filter(|item| item.scheme.eq_ignore_ascii_case(SCHEME))
            .map(|item| Self::read(item).map_err(|error| error.within("challenge")))
            .collect();
        if found.len() > MAX_CHALLENGES { Err(too_large()) } else { Ok(found) }
    }

    /// True if a `WWW-Authenticate` value has a challenge of this scheme, well made or not.
    #[must_use]
    pub fn is_in(header: &str) -> bool {
        items(header).iter().any(|item| item.scheme.eq_ignore_ascii_case(SCHEME))
    }

    fn read(item: &AuthItem<'_>) -> Result<Self, WireError> {
        if let Some(name) = &item.repeated {
            return Err(WireError::new(WireErrorKind::BadValue, name.clone()));
        }
        if item.is_broken || item.token.is_some() {
            return Err(WireError::new(WireErrorKind::BadValue, "parameters"));
        }
        let required = |name: &'static str| {
            let value = item.parameter(name).map(ToString::to_string);
            value.ok_or_else(|| WireError::new(WireErrorKind::Missing, name))
        };
        let optional = |name: &str| item.parameter(name).map(ToString::to_string);
        let challenge = Self {
            id: required("id")?,
            realm: required("realm")?,
            method: required("method")?,
            intent: required("intent")?,
            request: required("request")?,
            expires: optional("expires"),
            digest: optional("digest"),
            description: optional("description"),
            opaque: optional("opaque"),
        };
        challenge.check()
    }

    /// Reads the challenge that a credential echoes.
    pub(super) fn from_document(document: &Document) -> Result<Self, WireError> {
        let required = |name| document::required_text(document, name).map(ToString::to_string);
        let optional = |name| {
            document::text(document, name).map(|text| text.filter(|text| !text.is_empty()).map(Into::into))
        };
        let challenge = Self {
            id: required("id")?,
            realm: required("realm")?,
            method: required("method")?,
            intent: required("intent")?,
            request: required("request")?,
            expires: optional("expires")?,
            digest: optional("digest")?,
            description: optional("description")?,
            opaque: optional("opaque")?,
        };
        challenge.check()
    }

    fn check(self) -> Result<Self, WireError> {
        check_base64url(&self.request, "request")?;
        if let Some(opaque) = &self.opaque {
            check_base64url(opaque, "opaque")?;
        }
        match &self.expires {
            Some(text) if timestamp::seconds(text).is_none() => {
                Err(WireError::new(WireErrorKind::BadValue, "expires"))
            }
            _ => Ok(self),
        }
    }

    /// The challenge as a JSON object: what a credential echoes.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut document = Map::new();
        for (name, value) in self.members() {
            if let Some(value) = value {
                document.insert(name.into(), value.into());
            }
        }
        Value::Object(document)
    }

    /// The value of a `WWW-Authenticate` header with this challenge.
    #[must_use]
    pub fn to_header(&self) -> String {
        let mut header = String::from(SCHEME);
        for (name, value) in self.members() {
            if let Some(value) = value {
                header.push_str(if header.len() == SCHEME.len() { " " } else { ", " });
                header.push_str(name);
                header.push('=');
                header.push_str(&quoted(value));
            }
        }
        header
    }

    fn members(&self) -> [(&'static str, Option<&str>); 9] {
        [
            ("id", Some(&self.id)),
            ("realm", Some(&self.realm)),
            ("method", Some(&self.method)),
            ("intent", Some(&self.intent)),
            ("request", Some(&self.request)),
            ("expires", self.expires.as_deref()),
            ("digest", self.digest.as_deref()),
            ("description", self.description.as_deref()),
            ("opaque", self.opaque.as_deref()),
        ]
    }

    /// When the challenge ends, in seconds since 1970.
    #[must_use]
    pub fn expires_at(&self) -> Option<u64> {
        self.expires.as_deref().and_then(timestamp::seconds)
    }

    /// The JSON that `request` holds.
    ///
    /// # Errors
    /// `NotBase64`, `NotJson` or `WrongType` for what is not an object.
    pub fn request_value(&self) -> Result<Value, WireError> {
        Ok(Value::Object(self.request_document()?))
    }

    fn request_document(&self) -> Result<Document, WireError> {
        let bytes = base64::decode(&self.request, MAX_HEADER_BYTES, "challenge.request")?;
        document::parse(&bytes, MAX_HEADER_BYTES, "challenge.request")
    }

    /// The terms of a challenge of Nevermined's; `None` for another method or intent.
    ///
    /// # Errors
    /// Names the member of the request that is missing or wrong.
    pub fn nevermined(&self) -> Result<Option<NeverminedCharge>, WireError> {
        if !self.method.eq_ignore_ascii_case("nevermined") || self.intent != "charge" {
            return Ok(None);
        }
        let within = |error: WireError| error.within("challenge.request");
        let request = self.request_document()?;
        let plan_id = document::required_text(&request, "planId").map_err(within)?;
        let agent_id = document::text(&request, "agentId").map_err(within)?.filter(|id| !id.is_empty());
        let credits = request.get("credits").filter(|value| !value.is_null());
        let credits = credits.ok_or_else(|| within(WireError::new(WireErrorKind::Missing, "credits")))?;
        Ok(Some(NeverminedCharge {
            plan_id: PlanId::parse(plan_id, "planId").map_err(within)?,
            credits: Credits::from_json(credits, "credits").map_err(within)?,
            agent_id: agent_id.map(|id| AgentId::parse(id, "agentId")).transpose().map_err(within)?,
        }))
    }

    /// The id that a server with this secret gives the challenge: base64url of HMAC-SHA256 over seven slots between pipes,
    /// where an absent member is empty. Pipes inside a member are not escaped, as the draft has it.
    #[must_use]
    pub fn sealed_id(&self, secret: &[u8]) -> String {
        let slot = |member: &Option<String>| member.clone().unwrap_or_default();
        let text = [
            self.realm.clone(),
            self.method.clone(),
            self.intent.clone(),
            self.request.clone(),
            slot(&self.expires),
            slot(&self.digest),
            slot(&self.opaque),
        ]
        .join("|");
        // HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
        mac.update(text.as_bytes());
        base64::encode_url(&mac.finalize().into_bytes())
    }
}

impl fmt::Debug for MppChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_header())
    }
}

/// Base64url as MPP writes it: one way to write each value, without padding.
fn check_base64url(text: &str, field: &'static str) -> Result<(), WireError> {
    let bytes = base64::decode(text, MAX_HEADER_BYTES, field)?;
    match base64::encode_url(&bytes) == text {
        true => Ok(()),
        false => Err(WireError::new(WireErrorKind::NotBase64, field)),
    }
}
