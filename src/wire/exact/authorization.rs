use super::super::{WireError, WireErrorKind};
use super::{Amount, EvmAddress, ExactOffer, X402Version};
use crate::codec::hex::hex;
use alloc::string::{String, ToString as _};
use serde_json::{Map, Value, json};

/// An EIP-3009 authorization: what the payer of an offer signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// The payer.
    pub from: EvmAddress,
    /// The recipient.
    pub to: EvmAddress,
    /// The amount, in atomic units.
    pub value: Amount,
    /// From when it holds, in seconds since 1970.
    pub valid_after: u64,
    /// Until when it holds, in seconds since 1970.
    pub valid_before: u64,
    /// 32 random bytes, `0x` and 64 hexadecimal digits: it is spent once.
    pub nonce: String,
}

/// How much earlier than now an authorization of version 1 holds, in seconds: clocks differ. Version 2 has no beginning.
const SKEW_SECS: u64 = 600;

impl Authorization {
    /// The authorization that pays an offer at `now` (seconds since 1970), by 32 random bytes.
    ///
    /// # Errors
    /// `BadValue` for an offer that is not of an EVM chain.
    pub fn new(offer: &ExactOffer, from: EvmAddress, now: u64, nonce: [u8; 32]) -> Result<Self, WireError> {
        offer.chain().evm().ok_or_else(|| WireError::new(WireErrorKind::BadValue, "network"))?;
        Ok(Self {
            from,
            to: EvmAddress::parse(offer.pay_to(), "payTo")?,
            value: offer.amount(),
            valid_after: match offer.version() {
                X402Version::V1 => now.saturating_sub(SKEW_SECS),
                X402Version::V2 => 0,
            },
            valid_before: now.saturating_add(offer.timeout_secs()),
            nonce: ["0x", &hex(&nonce)].concat(),
        })
    }

    /// The typed data to sign, as `eth_signTypedData_v4` takes it.
    #[must_use]
    pub fn typed_data(&self, offer: &ExactOffer) -> Value {
        let member = |name: &str, kind: &str| json!({ "name": name, "type": kind });
        let (name, version) = offer.domain();
        json!({
            "types": {
                "EIP712Domain": [
                    member("name", "string"), member("version", "string"),
                    member("chainId", "uint256"), member("verifyingContract", "address"),
                ],
                "TransferWithAuthorization": [
                    member("from", "address"), member("to", "address"), member("value", "uint256"),
                    member("validAfter", "uint256"), member("validBefore", "uint256"), member("nonce", "bytes32"),
                ],
            },
            "primaryType": "TransferWithAuthorization",
            "domain": {
                "name": name, "version": version, "chainId": offer.chain().evm(), "verifyingContract": offer.asset(),
            },
            "message": self.to_value(),
        })
    }

    /// The authorization as it stands in a payload: numbers as decimal strings.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut document = Map::new();
        for (name, value) in [
            ("from", self.from.as_str()),
            ("to", self.to.as_str()),
            ("value", &self.value.to_string()),
            ("validAfter", &super::super::digits(self.valid_after)),
            ("validBefore", &super::super::digits(self.valid_before)),
            ("nonce", &self.nonce),
        ] {
            document.insert(name.into(), value.into());
        }
        Value::Object(document)
    }
}

#[cfg(test)]
mod tests {
    use super::super::offer::tests::{solana, v1, v2};
    use super::*;

    const FROM: &str = "0x857b06519E91e3A54538791bDbb0E22373e36b66";

    fn offer(entry: &Value, version: X402Version) -> ExactOffer {
        ExactOffer::parse(entry, version).unwrap().unwrap()
    }

    fn authorization(offer: &ExactOffer) -> Authorization {
        Authorization::new(offer, EvmAddress::parse(FROM, "from").unwrap(), 1_740_672_094, [7; 32]).unwrap()
    }

    #[test]
    fn an_authorization_is_the_offers_own_terms() {
        let offer = offer(&v2(), X402Version::V2);
        let nonce = ["0x", &"07".repeat(32)].concat();
        let authorization = authorization(&offer);
        assert_eq!(
            authorization.to_value(),
            json!({
                "from": FROM, "to": "0x209693Bc6afc0C5328bA36FaF03C514EF312287C", "value": "10000", "validAfter": "0",
                "validBefore": "1740672154", "nonce": nonce,
            })
        );
        let data = authorization.typed_data(&offer);
        assert_eq!(
            data["domain"],
            json!({
                "name": "USDC", "version": "2", "chainId": 84532,
                "verifyingContract": "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
            })
        );
        assert_eq!(
            (&data["message"], &data["primaryType"]),
            (&authorization.to_value(), &json!("TransferWithAuthorization"))
        );
    }

    #[test]
    fn version_1_allows_for_clocks_that_differ() {
        let authorization = authorization(&offer(&v1(), X402Version::V1));
        assert_eq!((authorization.valid_after, authorization.valid_before), (1_740_671_494, 1_740_672_154));
    }

    #[test]
    fn only_an_evm_offer_has_an_authorization() {
        let from = EvmAddress::parse(FROM, "from").unwrap();
        let error = Authorization::new(&offer(&solana(), X402Version::V2), from, 0, [0; 32]).unwrap_err();
        assert_eq!(&*error.field, "network");
    }

    #[test]
    fn addresses_are_equal_whatever_their_case() {
        let address = |text: &str| EvmAddress::parse(text, "from");
        assert_eq!(address(FROM), address(&FROM.to_lowercase().replace("0X", "0x")));
        for text in [
            "",
            "0x",
            FROM.trim_start_matches("0x"),
            "0x857b06519E91e3A54538791bDbb0E22373e36b6",
            "0x857b06519E91e3A54538791bDbb0E22373e36bé",
        ] {
            assert_eq!(address(text).unwrap_err().kind, WireErrorKind::BadValue, "{text}");
        }
    }
}
