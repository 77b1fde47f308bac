use super::super::document::{self, Document};
use super::super::{MAX_ACCEPTS, MAX_OFFER_BYTES, WireError, WireErrorKind, base64, digits};
use super::{ExactOffer, ExactPayment, X402Version};
use crate::wire::Secret;
use alloc::{string::String, vec::Vec};
use serde_json::Value;

/// The `exact` offers of a `PaymentRequired` of either version, with what goes back beside a payment.
#[derive(Debug, Clone, PartialEq)]
pub struct ExactRequired {
    version: X402Version,
    resource: Option<Document>,
    extensions: Option<Document>,
    /// The offers, each with its place in `accepts`.
    offers: Vec<(usize, ExactOffer)>,
}

impl ExactRequired {
    /// Reads a `payment-required` header.
    ///
    /// # Errors
    /// Fails with the errors of [`from_json`](Self::from_json), and with `NotBase64`.
    pub fn from_header(value: &str) -> Result<Self, WireError> {
        let one = super::super::header::only_one(value);
        Self::from_json(&base64::decode(one, MAX_OFFER_BYTES, super::super::PAYMENT_REQUIRED)?)
    }

    /// Reads a document of version 1 or 2, at most 64 KiB and 64 entries. Entries of other schemes are skipped; malformed
    /// ones as well, where another can be read.
    ///
    /// # Errors
    /// `Version` for another version, `Missing` for `accepts` that is not there or empty, or the error of the first entry
    /// where every `exact` entry is malformed.
    pub fn from_json(bytes: &[u8]) -> Result<Self, WireError> {
        let document = document::parse(bytes, MAX_OFFER_BYTES, super::super::PAYMENT_REQUIRED)?;
        let version = X402Version::of(&document)?;
        let accepts = match document.get("accepts") {
            Some(Value::Array(list)) if list.is_empty() => None,
            Some(Value::Array(list)) => Some(list),
            None | Some(Value::Null) => None,
            Some(_) => return Err(WireError::new(WireErrorKind::WrongType, "accepts")),
        };
        let accepts = accepts.ok_or_else(|| WireError::new(WireErrorKind::Missing, "accepts"))?;
        if accepts.len() > MAX_ACCEPTS {
            return Err(WireError::new(WireErrorKind::TooLarge, "accepts"));
        }
        let (mut offers, mut broken) = (Vec::new(), None);
        for (place, entry) in accepts.iter().enumerate() {
            match ExactOffer::parse(entry, version) {
                Ok(Some(offer)) => offers.push((place, offer)),
                Ok(None) => {}
                Err(error) => {
                    let number = digits(u64::try_from(place).unwrap_or_default());
                    broken = broken.or(Some(error.within(&["accepts[", &number, "]"].concat())));
                }
            }
        }
        match broken {
            Some(error) if offers.is_empty() => Err(error),
            _ => Ok(Self {
                version,
                // An empty text or object says nothing.
                resource: document::object(&document, "resource").unwrap_or_default().cloned(),
                extensions: document::object(&document, "extensions")?
                    .filter(|found| !found.is_empty())
                    .cloned(),
                offers,
            }),
        }
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> X402Version {
        self.version
    }

    /// The offers, each with its place in `accepts`.
    #[must_use]
    pub fn offers(&self) -> &[(usize, ExactOffer)] {
        &self.offers
    }

    /// The URL of the resource that is paid for; empty where the seller names none.
    #[must_use]
    pub fn resource_url(&self, offer: &ExactOffer) -> String {
        let url = self.resource.as_ref().and_then(|resource| resource.get("url")?.as_str());
        url.unwrap_or(offer.resource()).into()
    }

    /// True if the seller requires a `payment-identifier`.
    #[must_use]
    pub fn requires_identifier(&self) -> bool {
        let extension = self.extensions.as_ref().and_then(|extensions| extensions.get(PAYMENT_IDENTIFIER));
        let required = extension.and_then(|extension| extension.get("info")?.get("required")?.as_bool());
        required == Some(true)
    }

    /// Names the payment, where the seller knows the extension: a payment that is sent twice under one name is taken once.
    ///
    /// # Errors
    /// `BadValue` for an id that is not 16 to 128 of `A-Z a-z 0-9 _ -`.
    pub fn identify(&mut self, id: &str) -> Result<(), WireError> {
        check_identifier(id)?;
        let extension =
            self.extensions.as_mut().and_then(|extensions| extensions.get_mut(PAYMENT_IDENTIFIER));
        if let Some(Value::Object(info)) = extension.and_then(|extension| extension.get_mut("info")) {
            info.insert("id".into(), id.into());
        }
        Ok(())
    }

    /// The document with one offer alone, and with what goes back beside a payment.
    #[must_use]
    pub fn with_only(&self, offer: &ExactOffer) -> Value {
        let mut document = Document::new();
        document.insert("x402Version".into(), self.version.number().into());
        document.insert("accepts".into(), Value::Array(Vec::from([offer.to_value()])));
        for (name, value) in [("resource", &self.resource), ("extensions", &self.extensions)] {
            if let Some(value) = value {
                document.insert(name.into(), Value::Object(value.clone()));
            }
        }
        Value::Object(document)
    }

    /// The payment as a token: the payload of version 2, whichever version the offer came in.
    #[must_use]
    pub fn token(&self, offer: &ExactOffer, payment: &ExactPayment) -> Secret {
        payment.token(offer, self.resource.as_ref(), self.extensions.as_ref())
    }

    /// The value of the payment header of a token.
    ///
    /// # Errors
    /// `NotBase64`, `NotJson` or `Missing` for what is not a token of [`token`](Self::token).
    pub fn header_of_token(&self, offer: &ExactOffer, token: &str) -> Result<Secret, WireError> {
        match self.version {
            X402Version::V2 => Ok(Secret::new(token)),
            X402Version::V1 => ExactPayment::of_token(token).map(|payment| payment.header(offer, None, None)),
        }
    }

    /// The value of the payment header.
    #[must_use]
    pub fn header(&self, offer: &ExactOffer, payment: &ExactPayment) -> Secret {
        payment.header(offer, self.resource.as_ref(), self.extensions.as_ref())
    }
}

/// The extension that names a payment.
const PAYMENT_IDENTIFIER: &str = "payment-identifier";

/// Checks the id of the extension `payment-identifier`.
///
/// # Errors
/// `BadValue` for an id that is not 16 to 128 of `A-Z a-z 0-9 _ -`.
pub fn check_identifier(id: &str) -> Result<(), WireError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    match (16..=128).contains(&id.len()) && id.bytes().all(allowed) {
        true => Ok(()),
        false => Err(WireError::new(WireErrorKind::BadValue, "payment-identifier")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::offer::tests::{solana, v1, v2};
    use super::super::{Authorization, EvmAddress};
    use super::*;
    use serde_json::json;

    fn read(document: &Value) -> Result<ExactRequired, WireError> {
        ExactRequired::from_json(document.to_string().as_bytes())
    }

    #[test]
    fn offers_are_read_of_both_versions_and_others_skipped() {
        let nevermined = json!({ "scheme": "nvm:erc4337", "network": "eip155:84532", "planId": "7" });
        let mut broken = v2();
        broken["amount"] = json!(1);
        let document = json!({
            "x402Version": 2, "resource": { "url": "https://api.example/paid" },
            "accepts": [nevermined, broken, v2(), solana()], "extensions": {},
        });
        let required = read(&document).unwrap();
        let places: Vec<_> = required.offers().iter().map(|(place, _)| *place).collect();
        assert_eq!((places, required.version()), (alloc::vec![2, 3], X402Version::V2));
        let (_, offer) = required.offers().first().unwrap();
        assert_eq!(required.resource_url(offer), "https://api.example/paid");
        let header = base64::encode_standard(document.to_string().as_bytes());
        assert_eq!(ExactRequired::from_header(&header), Ok(required));

        let required =
            read(&json!({ "x402Version": 1, "error": "X-PAYMENT header is required", "accepts": [v1()] }))
                .unwrap();
        let (_, offer) = required.offers().first().unwrap();
        assert_eq!(
            (required.version(), required.resource_url(offer).as_str()),
            (X402Version::V1, "https://api.example/paid")
        );
    }

    #[test]
    fn a_document_without_exact_offers_has_none() {
        let nevermined = json!({ "scheme": "nvm:erc4337", "network": "eip155:84532", "planId": "7" });
        let required = read(&json!({ "x402Version": 2, "accepts": [nevermined] })).unwrap();
        assert_eq!(required.offers(), []);
    }

    #[test]
    fn malformed_documents_name_the_member() {
        use WireErrorKind::{BadValue, Missing, TooLarge, Version, WrongType};
        let mut broken = v2();
        broken["payTo"] = json!("me");
        for (document, kind, field) in [
            (json!({ "accepts": [v2()] }), Missing, "x402Version"),
            (json!({ "x402Version": 3, "accepts": [v2()] }), Version, "x402Version"),
            (json!({ "x402Version": "2", "accepts": [v2()] }), Version, "x402Version"),
            (json!({ "x402Version": 2 }), Missing, "accepts"),
            (json!({ "x402Version": 2, "accepts": [] }), Missing, "accepts"),
            (json!({ "x402Version": 2, "accepts": {} }), WrongType, "accepts"),
            (json!({ "x402Version": 2, "accepts": alloc::vec![v2(); 65] }), TooLarge, "accepts"),
            (json!({ "x402Version": 2, "accepts": [broken] }), BadValue, "accepts[0].payTo"),
            (json!({ "x402Version": 2, "accepts": [v2()], "extensions": [] }), WrongType, "extensions"),
            (json!([]), WrongType, "payment-required"),
        ] {
            let error = read(&document).unwrap_err();
            assert_eq!((error.kind, &*error.field), (kind, field), "{document:.80}");
        }
    }

    #[test]
    fn a_payment_is_named_where_the_seller_knows_the_extension() {
        let info = json!({ "required": true });
        let document = json!({
            "x402Version": 2, "accepts": [v2()], "extensions": { "payment-identifier": { "info": info, "schema": {} } },
        });
        let mut required = read(&document).unwrap();
        assert!(required.requires_identifier());
        required.identify("pay_0123456789abcdef").unwrap();
        let (_, offer) = required.offers().first().cloned().unwrap();
        let from = EvmAddress::parse("0x857b06519E91e3A54538791bDbb0E22373e36b66", "from").unwrap();
        let authorization = Authorization::new(&offer, from, 1, [0; 32]).unwrap();
        let payment = ExactPayment::evm(&authorization, &["0x", &"ab".repeat(65)].concat()).unwrap();
        let header = required.header(&offer, &payment);
        let sent: Value =
            serde_json::from_slice(&base64::decode(header.expose(), 8192, "x").unwrap()).unwrap();
        assert_eq!(
            sent["extensions"]["payment-identifier"],
            json!({ "info": { "required": true, "id": "pay_0123456789abcdef" }, "schema": {} })
        );
        assert_eq!(sent["accepted"], v2());
        for id in ["", "pay_short", "pay_0123456789 abcdef", &"x".repeat(129)] {
            assert_eq!(required.identify(id).unwrap_err().kind, WireErrorKind::BadValue, "{id}");
        }
    }
}
