//! MPP challenges and credentials: printing, parsing and sealing (contract section 7).

use crate::http::fields::{member, text};
use payments_wasm::wire::{Credits, base64};
use serde_json::{Map, Value, json};

/// Lifetime of a challenge in milliseconds, as the SDKs expect it (contract section 13.9).
pub(crate) const LIFE: i64 = 300_000;
/// The payment method and the intent.
const METHOD: &str = "nevermined";
const INTENT: &str = "charge";
/// Maximum size of a credential in bytes.
const MAX_CREDENTIAL: usize = 48 * 1024;

/// The payment request and the binding of a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    pub(crate) realm: String,
    /// The request as base64url of JSON, exactly as it is sent: the seal covers these bytes.
    request: String,
    /// The challenge as a header value.
    pub(crate) expires: String,
    pub(crate) digest: Option<String>,
    /// Resource, verb and nonce, as base64url of JSON.
    opaque: String,
    description: Option<String>,
}

/// The amount that a challenge asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChallengeRequest {
    pub(crate) plan_id: String,
    pub(crate) agent_id: Option<String>,
    pub(crate) credits: Credits,
}

/// The resource that a challenge is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) resource: String,
    pub(crate) verb: String,
}

/// A credential: the challenge's id, the challenge and the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) id: String,
    pub(crate) challenge: Challenge,
    pub(crate) token: String,
}

fn encoded(value: &Value) -> String {
    base64::encode_url(value.to_string().as_bytes())
}

fn decoded(text: &str) -> Option<Map<String, Value>> {
    let bytes = base64::decode(text, MAX_CREDENTIAL, "credential").ok()?;
    match serde_json::from_slice(&bytes).ok()? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

impl Challenge {
    /// Creates a challenge. The nonce `once` makes each challenge different, even if everything else is equal.
    pub(crate) fn new(
        realm: &str,
        asked: &ChallengeRequest,
        place: &Binding,
        once: &str,
        expires: String,
        (digest, description): (Option<&str>, Option<&str>),
    ) -> Self {
        let mut request = Map::new();
        request.insert("planId".into(), asked.plan_id.as_str().into());
        request.insert("credits".into(), asked.credits.to_string().into());
        if let Some(agent_id) = &asked.agent_id {
            request.insert("agentId".into(), agent_id.as_str().into());
        }
        Self {
            realm: realm.to_owned(),
            request: encoded(&Value::Object(request)),
            expires,
            digest: digest.map(str::to_owned),
            opaque: encoded(&json!({ "resource": place.resource, "httpVerb": place.verb, "nonce": once })),
            description: description.map(str::to_owned),
        }
    }

    /// The text that the id seals. The description is for display and not sealed.
    pub(crate) fn sealed_text(&self) -> String {
        let digest = self.digest.as_deref().unwrap_or_default();
        [&self.realm, METHOD, INTENT, &self.request, &self.expires, digest, &self.opaque].join("|")
    }

    /// The value of `WWW-Authenticate`.
    pub(crate) fn header(&self, id: &str) -> String {
        let mut header = format!(
            "Payment id={}, realm={}, method={}, intent={}, request={}, expires={}",
            quoted(id),
            quoted(&self.realm),
            quoted(METHOD),
            quoted(INTENT),
            quoted(&self.request),
            quoted(&self.expires),
        );
        for (name, value) in [
            ("digest", self.digest.as_ref()),
            ("opaque", Some(&self.opaque)),
            ("description", self.description.as_ref()),
        ] {
            if let Some(value) = value {
                header.push_str(&format!(", {name}={}", quoted(value)));
            }
        }
        header
    }

    pub(crate) fn asked(&self) -> Option<ChallengeRequest> {
        let request = decoded(&self.request)?;
        Some(ChallengeRequest {
            plan_id: text(&request, "planId")?.to_owned(),
            agent_id: text(&request, "agentId").map(str::to_owned),
            credits: Credits::from_json(member(&request, "credits")?, "credits").ok()?,
        })
    }

    pub(crate) fn place(&self) -> Option<Binding> {
        let opaque = decoded(&self.opaque)?;
        let field = |name: &str| opaque.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Binding { resource: field("resource")?, verb: field("httpVerb")? })
    }
}

impl Credential {
    /// Parses `Authorization: Payment <base64url>`. The scheme is case-insensitive, and other schemes may follow.
    pub(crate) fn read(header: &str) -> Option<Self> {
        let mut schemes = header.split(',').map(str::trim);
        let encoded = schemes.find_map(|scheme| {
            let (name, rest) = scheme.split_once(char::is_whitespace)?;
            name.eq_ignore_ascii_case("payment").then(|| rest.trim())
        })?;
        let document = decoded(encoded)?;
        let challenge = member(&document, "challenge")?.as_object()?;
        let payload = member(&document, "payload")?.as_object()?;
        let field = |name: &str| text(challenge, name).map(str::to_owned);
        if field("method").as_deref() != Some(METHOD) || field("intent").as_deref() != Some(INTENT) {
            return None;
        }
        Some(Self {
            id: field("id")?,
            token: text(payload, "accessToken")?.to_owned(),
            challenge: Challenge {
                realm: field("realm")?,
                request: field("request")?,
                expires: field("expires")?,
                digest: field("digest"),
                opaque: field("opaque")?,
                description: field("description"),
            },
        })
    }
}

/// A quoted header string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars().filter(|c| !c.is_control()) {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> ChallengeRequest {
        ChallengeRequest { plan_id: "7".into(), agent_id: Some("8".into()), credits: 2.into() }
    }

    fn place() -> Binding {
        Binding { resource: "/ask?q=1".into(), verb: "POST".into() }
    }

    fn challenge(once: &str) -> Challenge {
        let about = (Some("sha-256=x"), Some("5\" and \\ more, please"));
        Challenge::new("sandbox", &asked(), &place(), once, "2026-11-20T10:00:00.000Z".into(), about)
    }

    fn credential(change: impl Fn(&mut Value)) -> String {
        let challenge = challenge("n");
        let mut document = json!({
            "challenge": {
                "id": "i", "realm": challenge.realm, "method": METHOD, "intent": INTENT, "request": challenge.request,
                "expires": challenge.expires, "digest": challenge.digest, "opaque": challenge.opaque,
                "description": challenge.description,
            },
            "payload": { "accessToken": "t" },
        });
        change(&mut document);
        encoded(&document)
    }

    #[test]
    fn a_challenge_names_amount_and_resource() {
        let challenge = challenge("n");
        assert_eq!((challenge.asked(), challenge.place()), (Some(asked()), Some(place())));
        let header = challenge.header("i");
        assert!(header.starts_with("Payment id=\"i\", realm=\"sandbox\", method=\"nevermined\""), "{header}");
        assert!(header.ends_with("description=\"5\\\" and \\\\ more, please\""), "{header}");
    }

    #[test]
    fn the_seal_covers_all_but_the_description() {
        let plain = challenge("n");
        for (name, other) in [
            ("another time", challenge("m")),
            ("another realm", Challenge { realm: "x".into(), ..plain.clone() }),
            ("another request", Challenge { request: "x".into(), ..plain.clone() }),
            ("another end", Challenge { expires: "x".into(), ..plain.clone() }),
            ("no digest", Challenge { digest: None, ..plain.clone() }),
        ] {
            assert_ne!(plain.sealed_text(), other.sealed_text(), "{name}");
        }
        assert_eq!(plain.sealed_text(), Challenge { description: None, ..plain.clone() }.sealed_text());
    }

    #[test]
    fn credentials_are_parsed_in_any_notation() {
        let plain = credential(|_| ());
        let expected = Credential { id: "i".into(), challenge: challenge("n"), token: "t".into() };
        for header in [
            format!("Payment {plain}"),
            format!("payment   {plain}"),
            format!("Payment {plain}, Bearer x"),
            format!("Bearer x, Payment {plain}"),
            format!("Payment {plain}=="),
        ] {
            assert_eq!(Credential::read(&header), Some(expected.clone()), "{header:.30}");
        }
        for header in [
            String::new(),
            plain.clone(),
            format!("Bearer {plain}"),
            "Payment !!".into(),
            "Payment e30".into(),
            format!("Payment {}", credential(|d| d["payload"] = json!({}))),
            format!("Payment {}", credential(|d| d["challenge"]["method"] = "card".into())),
            format!("Payment {}", credential(|d| d["challenge"]["opaque"] = Value::Null)),
        ] {
            assert_eq!(Credential::read(&header), None, "{header:.30}");
        }
    }
}
