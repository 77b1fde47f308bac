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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SECRET: &[u8] = b"test-vector-secret";

    fn encoded(value: &Value) -> String {
        base64::encode_url(value.to_string().as_bytes())
    }

    fn challenge(request: &Value) -> MppChallenge {
        MppChallenge {
            id: "i".into(),
            realm: "api.example.com".into(),
            method: "tempo".into(),
            intent: "charge".into(),
            request: encoded(request),
            expires: None,
            digest: None,
            description: None,
            opaque: None,
        }
    }

    /// The published vectors of the challenge id; request and opaque are canonical JSON.
    #[test]
    fn ids_are_those_of_the_published_vectors() {
        let amount = json!({ "amount": "1000000" });
        let base = || challenge(&amount);
        let expires = || Some("2025-01-06T12:00:00Z".into());
        let digest = || Some("sha-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE".into());
        let opaque = |value: Value| Some(encoded(&value));
        let intent = json!({ "pi": "pi_3abc123XYZ" });
        let more = json!({ "amount": "1000000", "currency": "0x1234", "recipient": "0xabcd" });
        let nested =
            json!({ "amount": "1000000", "currency": "0x1234", "methodDetails": { "chainId": 42431 } });
        for (name, challenge, id) in [
            ("required members only", base(), "X6v1eo7fJ76gAxqY0xN9Jd__4lUyDDYmriryOM-5FO4"),
            (
                "expires",
                MppChallenge { expires: expires(), ..base() },
                "ChPX33RkKSZoSUyZcu8ai4hhkvjZJFkZVnvWs5s0iXI",
            ),
            (
                "expires and digest",
                MppChallenge { expires: expires(), digest: digest(), ..base() },
                "m39jbWWCIfmfJZSwCfvKFFtBl0Qwf9X4nOmDb21peLA",
            ),
            ("several members", challenge(&more), "_H5TOnnlW0zduQ5OhQ3EyLVze_TqxLDPda2CGZPZxOc"),
            ("nested members", challenge(&nested), "TqujwpuDDg_zsWGINAd5XObO2rRe6uYufpqvtDmr6N8"),
            ("an empty request", challenge(&json!({})), "yLN7yChAejW9WNmb54HpJIWpdb1WWXeA3_aCx4dxmkU"),
            (
                "another realm",
                MppChallenge { realm: "payments.other.com".into(), ..base() },
                "3F5bOo2a9RUihdwKk4hGRvBvzQmVPBMDvW0YM-8GD00",
            ),
            (
                "another method",
                MppChallenge { method: "stripe".into(), ..base() },
                "o0ra2sd7HcB4Ph0Vns69gRDUhSj5WNOnUopcDqKPLz4",
            ),
            (
                "another intent",
                MppChallenge { intent: "session".into(), ..base() },
                "aAY7_IEDzsznNYplhOSE8cERQxvjFcT4Lcn-7FHjLVE",
            ),
            (
                "opaque",
                MppChallenge { opaque: opaque(intent.clone()), ..base() },
                "rxzKZ2qjXvinqCH96RORTZEPs1KXsA-0AUjrCAPFOWc",
            ),
            (
                "opaque and expires",
                MppChallenge { opaque: opaque(intent), expires: expires(), ..base() },
                "KAfoMrA4fnzS1DPWN_cUv_b3_yHxCizdp6OhH7gluMY",
            ),
            (
                "an empty opaque object",
                MppChallenge { opaque: opaque(json!({})), ..base() },
                "vb4IyH-0LdJ3s7L0QAw8jIzcZkyxksPhIvEfmHmzA9k",
            ),
            (
                "opaque with several members",
                MppChallenge {
                    opaque: opaque(json!({ "deposit": "dep_456", "pi": "pi_3abc123XYZ" })),
                    ..base()
                },
                "aKskU8sadR5ZuFbUCsIwhO-ENxuVpTw17FdwHEXsJDk",
            ),
        ] {
            assert_eq!(challenge.sealed_id(SECRET), id, "{name}");
        }
    }

    /// The draft does not escape pipes, so two different challenges can have one id. The members are compared, not the id.
    #[test]
    fn a_pipe_in_a_member_is_not_escaped() {
        let amount = json!({ "amount": "1000000" });
        let one = MppChallenge { realm: "a|b".into(), method: "lightning".into(), ..challenge(&amount) };
        let other = MppChallenge { realm: "a".into(), method: "b|lightning".into(), ..challenge(&amount) };
        assert_eq!(one.sealed_id(b"s"), other.sealed_id(b"s"));
        assert_ne!(one, other);
    }

    fn nevermined(request: &Value) -> MppChallenge {
        MppChallenge { method: "nevermined".into(), ..challenge(request) }
    }

    fn header(request: &Value) -> String {
        nevermined(request).to_header()
    }

    #[test]
    fn a_challenge_is_read_as_it_was_written() {
        let whole = MppChallenge {
            expires: Some("2026-11-20T10:00:00.000Z".into()),
            digest: Some(super::super::body_digest(b"hello")),
            description: Some("5\" and \\ more, please".into()),
            opaque: Some(encoded(&json!({ "n": 1 }))),
            ..nevermined(&json!({ "planId": "7", "credits": "2" }))
        };
        let header = ["Bearer x, ", &whole.to_header(), ", Payment id=\"only\""].concat();
        let found = MppChallenge::parse_all(&header).unwrap();
        assert_eq!(found.first().unwrap().as_ref().unwrap(), &whole);
        let error = found.get(1).unwrap().as_ref().unwrap_err();
        assert_eq!((error.kind, &*error.field), (WireErrorKind::Missing, "challenge.realm"));
        assert_eq!(whole.expires_at(), Some(1_795_168_800));
        assert_eq!(whole.digest.as_deref(), Some("sha-256=LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="));
        assert!(MppChallenge::is_in(&header) && !MppChallenge::is_in("Bearer realm=\"Payment id=x\""));
    }

    #[test]
    fn challenges_of_several_methods_stand_in_one_header() {
        let theirs = challenge(&json!({ "amount": "1" }));
        let ours = nevermined(&json!({ "planId": "7", "credits": 2, "agentId": "8" }));
        let header = [theirs.to_header(), ours.to_header()].join(", ");
        let found: Vec<_> = MppChallenge::parse_all(&header)
            .unwrap()
            .into_iter()
            .map(|one| one.unwrap().nevermined())
            .collect();
        let charge = NeverminedCharge {
            plan_id: PlanId::parse("7", "planId").unwrap(),
            credits: 2.into(),
            agent_id: Some(AgentId::parse("8", "agentId").unwrap()),
        };
        assert_eq!(found, [Ok(None), Ok(Some(charge))]);
    }

    #[test]
    fn malformed_challenges_name_the_parameter() {
        use WireErrorKind::{BadValue, Missing, NotBase64};
        let good = header(&json!({ "planId": "7", "credits": "2" }));
        let request = encoded(&json!({ "planId": "7", "credits": "2" }));
        let with = |from: &str, to: &str| good.replace(from, to);
        // The last letter of base64 of 1 or 2 bytes has bits that stand for nothing.
        let trailing = with(&request, "e31");
        for (name, header, kind, field) in [
            ("no id", with(r#"id="i""#, r#"id="""#), Missing, "challenge.id"),
            ("no realm", with(r#"realm="api.example.com", "#, ""), Missing, "challenge.realm"),
            ("a repeated parameter", with(r#"id="i""#, r#"id="i", ID="j""#), BadValue, "challenge.id"),
            ("a token in the place of parameters", "Payment abc==".into(), BadValue, "challenge.parameters"),
            (
                "a quote without end",
                with(r#"realm="api.example.com""#, r#"realm="api.example.com"#),
                BadValue,
                "challenge.parameters",
            ),
            ("a semicolon", with(r#"id="i","#, r#"id="i";"#), BadValue, "challenge.parameters"),
            ("padding", with(&request, "e30="), NotBase64, "challenge.request"),
            ("trailing bits", trailing, NotBase64, "challenge.request"),
            ("the other alphabet", with(&request, "+/+/"), NotBase64, "challenge.request"),
            ("no base64", with(&request, "{}"), NotBase64, "challenge.request"),
            ("a time that is none", [&good, r#", expires="soon""#].concat(), BadValue, "challenge.expires"),
            ("opaque with padding", [&good, r#", opaque="e30=""#].concat(), NotBase64, "challenge.opaque"),
        ] {
            let found = MppChallenge::parse_all(&header).unwrap();
            let error = found.first().unwrap().as_ref().unwrap_err();
            assert_eq!((error.kind, &*error.field), (kind, field), "{name}: {header}");
        }
        assert_eq!(MppChallenge::parse_all(r#"Basic realm="Payment id=x""#).unwrap(), []);
        let many = alloc::vec![good.as_str(); 17].join(", ");
        for large in [many, "x".repeat(MAX_HEADER_BYTES + 1)] {
            assert_eq!(MppChallenge::parse_all(&large).unwrap_err().kind, WireErrorKind::TooLarge);
        }
    }

    #[test]
    fn malformed_requests_name_the_member() {
        use WireErrorKind::{BadValue, Missing, NotJson, WrongType};
        for (request, kind, field) in [
            (json!({ "credits": 1 }), Missing, "challenge.request.planId"),
            (json!({ "planId": "", "credits": 1 }), Missing, "challenge.request.planId"),
            (json!({ "planId": 1, "credits": 1 }), WrongType, "challenge.request.planId"),
            (json!({ "planId": "../x", "credits": 1 }), BadValue, "challenge.request.planId"),
            (json!({ "planId": "1" }), Missing, "challenge.request.credits"),
            (json!({ "planId": "1", "credits": 1.5 }), BadValue, "challenge.request.credits"),
            (json!({ "planId": "1", "credits": "1e3" }), BadValue, "challenge.request.credits"),
            (json!({ "planId": "1", "credits": true }), WrongType, "challenge.request.credits"),
            (json!({ "planId": "1", "credits": 1, "agentId": 2 }), WrongType, "challenge.request.agentId"),
            (json!([1]), WrongType, "challenge.request"),
        ] {
            let error = nevermined(&request).nevermined().unwrap_err();
            assert_eq!((error.kind, &*error.field), (kind, field), "{request}");
        }
        let no_json = MppChallenge { request: "AAAA".into(), ..nevermined(&json!({})) };
        assert_eq!(no_json.nevermined().unwrap_err().kind, NotJson);
        let session = MppChallenge { intent: "session".into(), ..nevermined(&json!({})) };
        assert_eq!(session.nevermined(), Ok(None));
    }
}
