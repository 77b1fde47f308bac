use super::super::document::{self, Document};
use super::super::{MAX_TOKEN_BYTES, Secret, WireError, WireErrorKind, base64};
use super::address::is_hex;
use super::solana::MAX_TRANSACTION;
use super::{Authorization, ExactOffer, X402Version};
use alloc::string::ToString as _;
use core::fmt;
use serde_json::{Map, Value};

/// The payment of an `exact` offer: a signed authorization, or a signed transaction of Solana's. Whoever has it can send it, so it does not print.
#[derive(Clone, PartialEq)]
pub struct ExactPayment(Document);

impl fmt::Debug for ExactPayment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExactPayment(..)")
    }
}

/// The most bytes of a signature: a contract wallet's can be long (ERC-1271, ERC-6492).
const MAX_SIGNATURE: usize = 8 * 1024;

impl ExactPayment {
    /// The payment of an EVM offer.
    ///
    /// # Errors
    /// `BadValue` for a signature that is not `0x` and 65 bytes or more in hexadecimal.
    pub fn evm(authorization: &Authorization, signature: &str) -> Result<Self, WireError> {
        check_signature(signature)?;
        let mut payload = Map::new();
        payload.insert("signature".into(), signature.into());
        payload.insert("authorization".into(), authorization.to_value());
        Ok(Self(payload))
    }

    /// The payment of a Solana offer: a transaction that the payer has signed, in base64.
    ///
    /// # Errors
    /// `Missing`, `NotBase64` or `TooLarge` for what is not one.
    pub fn solana(transaction: &str) -> Result<Self, WireError> {
        base64::decode(transaction, MAX_TRANSACTION, "transaction")?;
        let mut payload = Map::new();
        payload.insert("transaction".into(), transaction.into());
        Ok(Self(payload))
    }

    /// The payment of an EVM offer, by the authorization as it stands in a payload.
    ///
    /// # Errors
    /// Fails with the errors of [`evm`](Self::evm), and with `WrongType` for an authorization that is no object.
    pub fn of_value(authorization: Option<Value>, signature: &str) -> Result<Self, WireError> {
        let Some(authorization @ Value::Object(_)) = authorization else {
            return Err(WireError::new(WireErrorKind::WrongType, "authorization"));
        };
        check_signature(signature)?;
        let mut payload = Map::new();
        payload.insert("signature".into(), signature.into());
        payload.insert("authorization".into(), authorization);
        Ok(Self(payload))
    }

    /// The payment of a token.
    ///
    /// # Errors
    /// `NotBase64`, `NotJson`, or `Missing` for a token without a payload.
    pub fn of_token(token: &str) -> Result<Self, WireError> {
        let bytes = base64::decode(token, MAX_TOKEN_BYTES, "payment")?;
        let document = document::parse(&bytes, MAX_TOKEN_BYTES, "payment")?;
        let payload = document::object(&document, "payload")?.cloned();
        payload.map(Self).ok_or_else(|| WireError::new(WireErrorKind::Missing, "payload"))
    }

    /// The payment as a token: base64 of the payload of version 2.
    #[must_use]
    pub fn token(
        &self,
        offer: &ExactOffer,
        resource: Option<&Document>,
        extensions: Option<&Document>,
    ) -> Secret {
        let document = self.of_version(X402Version::V2, offer, resource, extensions);
        Secret::new(base64::encode_standard(document.to_string().as_bytes()))
    }

    /// The value of the payment header: `payment-signature` in version 2, `X-PAYMENT` in version 1. In version 2 the entry
    /// goes back as it came, and with it the resource and the extensions of the offer.
    #[must_use]
    pub fn header(
        &self,
        offer: &ExactOffer,
        resource: Option<&Document>,
        extensions: Option<&Document>,
    ) -> Secret {
        Secret::new(base64::encode_standard(
            self.document(offer, resource, extensions).to_string().as_bytes(),
        ))
    }

    /// The `PaymentPayload` of the version that the offer came in.
    #[must_use]
    pub fn document(
        &self,
        offer: &ExactOffer,
        resource: Option<&Document>,
        extensions: Option<&Document>,
    ) -> Value {
        self.of_version(offer.version(), offer, resource, extensions)
    }

    fn of_version(
        &self,
        version: X402Version,
        offer: &ExactOffer,
        resource: Option<&Document>,
        extensions: Option<&Document>,
    ) -> Value {
        let mut document = Map::new();
        document.insert("x402Version".into(), version.number().into());
        match version {
            X402Version::V1 => {
                document.insert("scheme".into(), super::EXACT.into());
                document.insert("network".into(), offer.network().into());
            }
            X402Version::V2 => {
                for (name, value) in [("resource", resource), ("extensions", extensions)] {
                    if let Some(value) = value {
                        document.insert(name.into(), Value::Object(value.clone()));
                    }
                }
                document.insert("accepted".into(), offer.to_value());
            }
        }
        document.insert("payload".into(), Value::Object(self.0.clone()));
        Value::Object(document)
    }
}

fn check_signature(signature: &str) -> Result<(), WireError> {
    match (132..=MAX_SIGNATURE).contains(&signature.len()) && is_hex(signature) {
        true => Ok(()),
        false => Err(WireError::new(WireErrorKind::BadValue, "signature")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::offer::tests::{solana, v1, v2};
    use super::super::{EvmAddress, X402Version};
    use super::*;
    use alloc::string::String;
    use serde_json::json;

    fn paid(entry: &Value, version: X402Version) -> (ExactOffer, ExactPayment, Authorization) {
        let offer = ExactOffer::parse(entry, version).unwrap().unwrap();
        let from = EvmAddress::parse("0x857b06519E91e3A54538791bDbb0E22373e36b66", "from").unwrap();
        let authorization = Authorization::new(&offer, from, 1_740_672_094, [7; 32]).unwrap();
        let payment = ExactPayment::evm(&authorization, &signature()).unwrap();
        (offer, payment, authorization)
    }

    fn signature() -> String {
        ["0x", &"ab".repeat(65)].concat()
    }

    #[test]
    fn version_2_sends_the_entry_back_as_it_came() {
        let (offer, payment, authorization) = paid(&v2(), X402Version::V2);
        let resource = json!({ "url": "https://api.example/paid" });
        let extensions = json!({ "bazaar": { "info": {} } });
        let expected = json!({
            "x402Version": 2, "resource": resource, "accepted": v2(), "extensions": extensions,
            "payload": { "signature": signature(), "authorization": authorization.to_value() },
        });
        let header = payment.header(&offer, resource.as_object(), extensions.as_object());
        let read: Value =
            serde_json::from_slice(&base64::decode(header.expose(), 4096, "x").unwrap()).unwrap();
        assert_eq!(read, expected);
        let without = payment.document(&offer, None, None);
        assert_eq!((without.get("resource"), without.get("extensions")), (None, None));
    }

    #[test]
    fn version_1_names_scheme_and_network() {
        let (offer, payment, authorization) = paid(&v1(), X402Version::V1);
        let resource = Map::new();
        assert_eq!(
            payment.document(&offer, Some(&resource), None),
            json!({
                "x402Version": 1, "scheme": "exact", "network": "base-sepolia",
                "payload": { "signature": signature(), "authorization": authorization.to_value() },
            })
        );
    }

    #[test]
    fn solana_is_paid_by_a_transaction() {
        let offer = ExactOffer::parse(&solana(), X402Version::V2).unwrap().unwrap();
        let document = ExactPayment::solana("AQAB").unwrap().document(&offer, None, None);
        assert_eq!(document["payload"], json!({ "transaction": "AQAB" }));
        for (transaction, kind) in [
            ("".to_string(), WireErrorKind::Missing),
            ("{}".into(), WireErrorKind::NotBase64),
            ("A".repeat(8 * 1024), WireErrorKind::TooLarge),
        ] {
            assert_eq!(ExactPayment::solana(&transaction).unwrap_err().kind, kind);
        }
    }

    #[test]
    fn a_signature_is_hexadecimal() {
        let (_, _, authorization) = paid(&v2(), X402Version::V2);
        for signature in [
            "",
            "0x",
            &"ab".repeat(66),
            &["0x", &"ab".repeat(64)].concat(),
            &["0x", &"zz".repeat(65)].concat(),
        ] {
            let error = ExactPayment::evm(&authorization, signature).unwrap_err();
            assert_eq!((error.kind, &*error.field), (WireErrorKind::BadValue, "signature"), "{signature}");
        }
        // A contract wallet's.
        assert!(ExactPayment::evm(&authorization, &["0x", &"ab".repeat(300)].concat()).is_ok());
    }
}
