//! `Serialize` and `Deserialize` of the wire types (feature `serde`), in the form that they have on the wire: amounts, ids and
//! names as texts, documents as objects. Reading checks as the types' own readers do. API keys and access tokens are
//! secrets and have neither.

use super::{Accept, Credits, Environment, Id, Network, PaymentRequired, Receipt, Scheme};
use alloc::string::{String, ToString as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

/// As a text, by `Display` and `FromStr`.
macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}

as_text!(Scheme, Network, Environment);

impl<K> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de, K> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for Credits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.digits())
    }
}

/// From a text of digits, or a whole number: see [`Credits::from_json`].
impl<'de> Deserialize<'de> for Credits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_json(&Value::deserialize(deserializer)?, "credits").map_err(D::Error::custom)
    }
}

/// As an object, by `to_value` and a reader of its bytes.
macro_rules! as_document {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.to_value().serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Value::deserialize(deserializer)?.to_string();
                Self::from_json(text.as_bytes()).map_err(D::Error::custom)
            }
        }
    )*};
}

as_document!(PaymentRequired, Receipt);

impl Serialize for Accept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Accept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::PlanId;
    use serde::de::DeserializeOwned;
    use serde_json::json;

    /// Reads a value and prints it again.
    fn again<T: Serialize + DeserializeOwned>(value: &Value) -> Option<Value> {
        let read: T = serde_json::from_value(value.clone()).ok()?;
        Some(serde_json::to_value(read).unwrap())
    }

    #[test]
    fn wire_types_are_read_and_printed_in_their_wire_form() {
        let accept = json!({
            "scheme": "nvm:erc4337", "network": "eip155:84532", "planId": "1001",
            "extra": { "version": "1", "credits": "2" }, "more": [1],
        });
        let offer =
            json!({ "x402Version": 2, "resource": { "url": "/ask" }, "accepts": [accept], "extensions": {} });
        let receipt = json!({ "success": true, "network": "eip155:84532", "transaction": "0x1", "creditsRedeemed": "2" });
        for (name, found, expected) in [
            (
                "credits",
                again::<Credits>(&json!(
                    "115792089237316195423570985008687907853269984665640564039457584007913129639935"
                )),
                Some(json!("115792089237316195423570985008687907853269984665640564039457584007913129639935")),
            ),
            ("credits as a number", again::<Credits>(&json!(7)), Some(json!("7"))),
            ("a fraction", again::<Credits>(&json!("1.5")), None),
            ("an id", again::<PlanId>(&json!("did:nv:1")), Some(json!("did:nv:1"))),
            ("an id that is a path", again::<PlanId>(&json!("../order")), None),
            ("a scheme", again::<Scheme>(&json!("nvm:card-delegation")), Some(json!("nvm:card-delegation"))),
            ("another scheme", again::<Scheme>(&json!("exact")), None),
            ("a network", again::<Network>(&json!("stripe")), Some(json!("stripe"))),
            ("an environment", again::<Environment>(&json!("staging_live")), Some(json!("staging_live"))),
            ("an option", again::<Accept>(&accept), Some(accept.clone())),
            (
                "an option without a plan",
                again::<Accept>(&json!({ "scheme": "nvm:erc4337", "network": "eip155:84532" })),
                None,
            ),
            ("an offer", again::<PaymentRequired>(&offer), Some(offer.clone())),
            (
                "an offer of version 1",
                again::<PaymentRequired>(&json!({ "x402Version": 1, "accepts": [] })),
                None,
            ),
            ("a receipt", again::<Receipt>(&receipt), Some(receipt.clone())),
        ] {
            assert_eq!(found, expected, "{name}");
        }
    }
}
