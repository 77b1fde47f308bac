use super::super::document::{self, Document};
use super::super::{Secret, WireError, WireErrorKind, base64};
use super::auth_header::{AuthItem, items};
use super::{AUTHORIZATION, MAX_HEADER_BYTES, MppChallenge, SCHEME};
use alloc::string::{String, ToString as _};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// A credential of MPP: a challenge as it came, and what pays it. It does not print.
#[derive(Debug, Clone)]
pub struct MppCredential {
    /// The challenge that is answered.
    pub challenge: MppChallenge,
    /// The payer, as a DID, if the buyer names it.
    pub source: Option<String>,
    /// The access token of the method `nevermined`.
    access_token: Option<Secret>,
}

impl MppCredential {
    /// The value of the `Authorization` header that pays a challenge of Nevermined's with an access token.
    #[must_use]
    pub fn header(challenge: &MppChallenge, access_token: &Secret) -> Secret {
        let mut payload = Map::new();
        payload.insert("accessToken".into(), access_token.expose().into());
        let mut document = Map::new();
        document.insert("challenge".into(), challenge.to_value());
        document.insert("payload".into(), Value::Object(payload));
        let json = Zeroizing::new(document::print(&document));
        document::wipe(&mut document);
        Secret::new([SCHEME, " ", &base64::encode_url(json.as_bytes())].concat())
    }

    /// Reads the credential of an `Authorization` value; `None` where it names no `Payment` scheme. Other schemes may stand
    /// beside it.
    ///
    /// # Errors
    /// `BadValue` for more than one credential or none behind the scheme, and the errors of its members.
    pub fn from_header(header: &str) -> Result<Option<Self>, WireError> {
        if header.len() > MAX_HEADER_BYTES {
            return Err(WireError::new(WireErrorKind::TooLarge, AUTHORIZATION));
        }
        let found = items(header);
        let mut found = found.iter().filter(|item| item.scheme.eq_ignore_ascii_case(SCHEME));
        let Some(item) = found.next() else { return Ok(None) };
        let encoded = item.token.filter(|_| found.next().is_none());
        let encoded = encoded.ok_or_else(|| WireError::new(WireErrorKind::BadValue, AUTHORIZATION))?;
        let bytes = Zeroizing::new(base64::decode(encoded, MAX_HEADER_BYTES, AUTHORIZATION)?);
        let mut document = document::parse(&bytes, MAX_HEADER_BYTES, AUTHORIZATION)?;
        let credential = Self::read(&document);
        document::wipe(&mut document);
        credential.map(Some)
    }

    /// The credential alone, scheme and all, and the value that is left without it; `None` where there is not exactly one.
    #[must_use]
    pub fn split(header: &str) -> Option<(String, Option<String>)> {
        let found = items(header);
        let place =
            |item: &AuthItem<'_>| (item.scheme.as_ptr() as usize).checked_sub(header.as_ptr() as usize);
        let mut own = found.iter().enumerate().filter(|(_, item)| item.scheme.eq_ignore_ascii_case(SCHEME));
        let (index, item) = own.next().filter(|_| own.next().is_none())?;
        let start = place(item)?;
        let end = found.get(index + 1).map_or(Some(header.len()), place)?;
        let (before, after) = (header.get(..start)?, header.get(end..)?);
        let between = |c: char| c == ',' || c.is_whitespace();
        let rest = [before, after].concat();
        let rest = rest.trim_matches(between);
        let alone = [SCHEME, " ", item.token?].concat();
        Some((alone, Some(rest.to_string()).filter(|rest| !rest.is_empty())))
    }

    fn read(document: &Document) -> Result<Self, WireError> {
        let missing = |name: &'static str| WireError::new(WireErrorKind::Missing, name);
        let challenge = document::object(document, "challenge")?.ok_or_else(|| missing("challenge"))?;
        let payload = document::object(document, "payload")?.ok_or_else(|| missing("payload"))?;
        let token = document::text(payload, "accessToken").map_err(|error| error.within("payload"))?;
        Ok(Self {
            challenge: MppChallenge::from_document(challenge).map_err(|error| error.within("challenge"))?,
            source: document::text(document, "source")?.map(|source| source.to_string()),
            access_token: token.filter(|token| !token.is_empty()).map(Secret::new),
        })
    }

    /// The access token that pays, of the method `nevermined`.
    #[must_use]
    pub fn access_token(&self) -> Option<&Secret> {
        self.access_token.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use serde_json::json;

    fn challenge() -> MppChallenge {
        let header = r#"Payment id="i", realm="r", method="nevermined", intent="charge", request="e30", opaque="e30", description="ü""#;
        MppChallenge::parse_all(header).unwrap().remove(0).unwrap()
    }

    fn encoded(value: &Value) -> String {
        base64::encode_url(value.to_string().as_bytes())
    }

    #[test]
    fn a_credential_echoes_the_challenge_and_carries_the_token() {
        let header = MppCredential::header(&challenge(), &Secret::new("t0ken"));
        let credential = MppCredential::from_header(header.expose()).unwrap().unwrap();
        assert_eq!(credential.challenge, challenge());
        assert_eq!(credential.access_token().unwrap().expose(), "t0ken");
        assert!(!format!("{credential:?} {header:?}").contains("t0ken"));
    }

    #[test]
    fn credentials_are_read_in_every_notation() {
        let plain = encoded(
            &json!({ "challenge": challenge().to_value(), "payload": { "accessToken": "t" }, "source": "did:x" }),
        );
        for header in [
            format!("Payment {plain}"),
            format!("payment   {plain}"),
            format!("Payment {plain}, Bearer x"),
            format!("Bearer x, Payment {plain}"),
            format!("Payment {plain}=="),
        ] {
            let credential = MppCredential::from_header(&header).unwrap().unwrap();
            assert_eq!(
                (credential.challenge, credential.source.as_deref()),
                (challenge(), Some("did:x")),
                "{header}"
            );
        }
        assert!(MppCredential::from_header("Bearer x").unwrap().is_none());
    }

    #[test]
    fn a_credential_is_taken_out_of_the_header() {
        for (header, rest) in [
            ("Payment e30", None),
            ("payment   e30 ,", None),
            ("Payment e30, Bearer x", Some("Bearer x")),
            ("Bearer x, Payment e30", Some("Bearer x")),
            (
                "Basic abc, Payment e30, Digest realm=\"Payment e31\", b=c",
                Some("Basic abc, Digest realm=\"Payment e31\", b=c"),
            ),
        ] {
            let (alone, left) = MppCredential::split(header).unwrap();
            assert_eq!((alone.as_str(), left.as_deref()), ("Payment e30", rest), "{header}");
        }
        for header in ["", "Bearer x", "Payment e30, Payment e30", "Payment id=\"x\""] {
            assert_eq!(MppCredential::split(header), None, "{header}");
        }
    }

    #[test]
    fn malformed_credentials_name_the_member() {
        use WireErrorKind::{BadValue, Missing, NotBase64, NotJson, TooLarge, WrongType};
        let whole = json!({ "challenge": challenge().to_value(), "payload": { "accessToken": "t" } });
        let with = |path: &str, value: Value| {
            let mut changed = whole.clone();
            *changed.pointer_mut(path).unwrap() = value;
            format!("Payment {}", encoded(&changed))
        };
        let plain = encoded(&whole);
        for (header, kind, field) in [
            ("Payment".into(), BadValue, "authorization"),
            ("Payment id=\"i\"".into(), BadValue, "authorization"),
            (format!("Payment {plain}, Payment {plain}"), BadValue, "authorization"),
            ("Payment A".into(), NotBase64, "authorization"),
            ("Payment AAAA".into(), NotJson, "authorization"),
            (format!("Payment {}", "A".repeat(MAX_HEADER_BYTES)), TooLarge, "authorization"),
            (with("/challenge", Value::Null), Missing, "challenge"),
            (with("/challenge", json!("x")), WrongType, "challenge"),
            (with("/challenge/id", json!("")), Missing, "challenge.id"),
            (with("/challenge/request", json!("e30=")), NotBase64, "challenge.request"),
            (with("/payload", json!([])), WrongType, "payload"),
            (with("/payload/accessToken", json!(1)), WrongType, "payload.accessToken"),
        ] {
            let error = MppCredential::from_header(&header).unwrap_err();
            assert_eq!((error.kind, &*error.field), (kind, field), "{header:.60}");
        }
        let none = MppCredential::from_header(&with("/payload/accessToken", json!(""))).unwrap().unwrap();
        assert!(none.access_token().is_none());
    }
}
