use super::super::document::{self, Document};
use super::super::{WireError, WireErrorKind};
use super::{Amount, ChainId, EXACT, EvmAddress};
use alloc::string::String;
use serde_json::Value;

/// A version of x402.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum X402Version {
    /// Offers in bodies, `X-PAYMENT`, chains by name.
    V1,
    /// Offers in `payment-required`, `payment-signature`, chains by CAIP-2 name.
    V2,
}

impl X402Version {
    /// Its number on the wire.
    #[must_use]
    pub fn number(self) -> u64 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }

    /// The version that a document names.
    ///
    /// # Errors
    /// `Missing` without `x402Version`, `Version` for another.
    pub(crate) fn of(document: &Document) -> Result<Self, WireError> {
        match document.get("x402Version") {
            None | Some(Value::Null) => Err(WireError::new(WireErrorKind::Missing, "x402Version")),
            Some(Value::Number(number)) if number.as_u64() == Some(1) => Ok(Self::V1),
            Some(Value::Number(number)) if number.as_u64() == Some(2) => Ok(Self::V2),
            Some(_) => Err(WireError::new(WireErrorKind::Version, "x402Version")),
        }
    }
}

/// The longest that an authorization is signed for, in seconds, whatever a seller asks.
pub const MAX_TIMEOUT_SECS: u64 = 3_600;

/// An entry of `accepts` with the scheme `exact`: a fixed amount of an asset, to one recipient.
#[derive(Debug, Clone, PartialEq)]
pub struct ExactOffer {
    entry: Document,
    version: X402Version,
    chain: ChainId,
    amount: Amount,
}

impl ExactOffer {
    /// Reads an entry of `accepts`; `None` where it is of another scheme or of a chain that is neither EVM nor Solana.
    ///
    /// # Errors
    /// Names the member that is missing or wrong. `BadValue` for `extra.paymentFlow` or `extra.assetTransferMethod` that
    /// needs another payload than an EIP-3009 authorization.
    pub fn parse(entry: &Value, version: X402Version) -> Result<Option<Self>, WireError> {
        let Value::Object(entry) = entry else {
            return Err(WireError::new(WireErrorKind::WrongType, "entry"));
        };
        if document::required_text(entry, "scheme")? != EXACT {
            return Ok(None);
        }
        let network = document::required_text(entry, "network")?;
        let (chain, amount_name, other_name) = match version {
            X402Version::V1 => (ChainId::parse_v1(network), "maxAmountRequired", "amount"),
            X402Version::V2 => (ChainId::parse(network), "amount", "maxAmountRequired"),
        };
        let Some(chain) = chain else { return Ok(None) };
        // A decimal string only: a JSON number may have lost digits.
        let amount = document::required_text(entry, amount_name)?;
        // A signer that reads the other version's name must not find another amount than the one that was agreed to.
        let other = entry.get(other_name).filter(|other| !other.is_null());
        if other
            .is_some_and(|other| !matches!(other.as_str(), Some(text) if text.is_empty() || text == amount))
        {
            return Err(WireError::new(WireErrorKind::BadValue, other_name));
        }
        let amount = amount.parse().map_err(|_| WireError::new(WireErrorKind::BadValue, amount_name))?;
        let offer = Self { entry: entry.clone(), version, chain, amount };
        offer.check()?;
        Ok(Some(offer))
    }

    fn check(&self) -> Result<(), WireError> {
        let bad = |field: &'static str| Err(WireError::new(WireErrorKind::BadValue, field));
        document::required_text(&self.entry, "asset")?;
        document::required_text(&self.entry, "payTo")?;
        match self.entry.get("maxTimeoutSeconds") {
            None | Some(Value::Null) => {
                return Err(WireError::new(WireErrorKind::Missing, "maxTimeoutSeconds"));
            }
            Some(value) if value.as_u64().is_some_and(|seconds| seconds > 0) => {}
            Some(_) => return bad("maxTimeoutSeconds"),
        }
        let within = |error: WireError| error.within("extra");
        let extra = document::object(&self.entry, "extra")?;
        if let Some(extra) = extra {
            let flow = document::text(extra, "paymentFlow").map_err(within)?;
            if flow.is_some_and(|flow| !matches!(flow, "authorization" | "upfront")) {
                return bad("extra.paymentFlow");
            }
        }
        if self.chain.evm().is_none() {
            return Ok(());
        }
        EvmAddress::parse(self.asset(), "asset")?;
        EvmAddress::parse(self.pay_to(), "payTo")?;
        let extra = extra.ok_or_else(|| WireError::new(WireErrorKind::Missing, "extra"))?;
        let transfer = document::text(extra, "assetTransferMethod").map_err(within)?;
        if transfer.is_some_and(|method| method != "eip3009") {
            return bad("extra.assetTransferMethod");
        }
        for name in ["name", "version"] {
            document::required_text(extra, name).map_err(within)?;
        }
        Ok(())
    }

    /// The version of x402 that it came in.
    #[must_use]
    pub fn version(&self) -> X402Version {
        self.version
    }

    /// The chain.
    #[must_use]
    pub fn chain(&self) -> &ChainId {
        &self.chain
    }

    /// The name of the network as it came.
    #[must_use]
    pub fn network(&self) -> &str {
        self.text("network")
    }

    /// The price, in atomic units of the asset.
    #[must_use]
    pub fn amount(&self) -> Amount {
        self.amount
    }

    /// The asset: the address of its contract, or of its mint.
    #[must_use]
    pub fn asset(&self) -> &str {
        self.text("asset")
    }

    /// The recipient.
    #[must_use]
    pub fn pay_to(&self) -> &str {
        self.text("payTo")
    }

    /// How long an authorization is to hold, in seconds, at most [`MAX_TIMEOUT_SECS`].
    #[must_use]
    pub fn timeout_secs(&self) -> u64 {
        let asked = self.entry.get("maxTimeoutSeconds").and_then(Value::as_u64);
        asked.unwrap_or_default().min(MAX_TIMEOUT_SECS)
    }

    /// The name and the version of the asset's EIP-712 domain; empty on Solana.
    #[must_use]
    pub fn domain(&self) -> (&str, &str) {
        let extra = |name: &str| self.entry.get("extra").and_then(|extra| extra.get(name)?.as_str());
        (extra("name").unwrap_or_default(), extra("version").unwrap_or_default())
    }

    /// The URL of the resource that the entry itself names, as version 1 does; empty where it does not.
    #[must_use]
    pub fn resource(&self) -> &str {
        self.text("resource")
    }

    /// The name that a limit on money has: chain and asset, in lower case on EVM chains: `eip155:8453/0x…`.
    #[must_use]
    pub fn currency(&self) -> String {
        let asset = match self.chain {
            ChainId::Evm(_) => self.asset().to_ascii_lowercase(),
            ChainId::Solana(_) => self.asset().into(),
        };
        [&self.chain.caip2(), "/", &asset].concat()
    }

    /// The entry as it came.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Value::Object(self.entry.clone())
    }

    fn text(&self, name: &str) -> &str {
        self.entry.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    pub(in super::super) fn v2() -> Value {
        json!({
            "scheme": "exact", "network": "eip155:84532", "amount": "10000",
            "asset": "0x036CbD53842c5426634e7929541eC2318f3dCF7e", "payTo": "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
            "maxTimeoutSeconds": 60, "extra": { "name": "USDC", "version": "2" },
        })
    }

    pub(in super::super) fn v1() -> Value {
        json!({
            "scheme": "exact", "network": "base-sepolia", "maxAmountRequired": "10000",
            "resource": "https://api.example/paid", "description": "d", "mimeType": "application/json",
            "asset": "0x036CbD53842c5426634e7929541eC2318f3dCF7e", "payTo": "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
            "maxTimeoutSeconds": 60, "outputSchema": null, "extra": { "name": "USDC", "version": "2" },
        })
    }

    pub(in super::super) fn solana() -> Value {
        json!({
            "scheme": "exact", "network": "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1", "amount": "1000",
            "asset": "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU", "payTo": "2wKupLR9q6wXYppw8Gr2NvWxKBUqm4PPJKkQfoxHDBg4",
            "maxTimeoutSeconds": 60, "extra": { "feePayer": "EwWqGE4ZFKLofuestmU4LDdK7XM1N4ALgdZccwYugwGd" },
        })
    }

    #[test]
    fn offers_of_both_versions_are_read() {
        for (entry, version) in [(v2(), X402Version::V2), (v1(), X402Version::V1)] {
            let offer = ExactOffer::parse(&entry, version).unwrap().unwrap();
            assert_eq!((offer.chain().evm(), offer.amount()), (Some(84_532), Amount::from(10_000)));
            assert_eq!(offer.currency(), "eip155:84532/0x036cbd53842c5426634e7929541ec2318f3dcf7e");
            assert_eq!((offer.domain(), offer.timeout_secs()), (("USDC", "2"), 60));
            assert_eq!((offer.version().number(), offer.to_value()), (version.number(), entry));
        }
        let offer = ExactOffer::parse(&solana(), X402Version::V2).unwrap().unwrap();
        assert_eq!(
            offer.currency(),
            "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1/4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU"
        );
    }

    #[test]
    fn other_schemes_and_chains_are_skipped() {
        for (name, value) in [
            ("scheme", json!("upto")),
            ("scheme", json!("nvm:erc4337")),
            ("network", json!("cosmos:hub-4")),
            ("network", json!("stripe")),
        ] {
            let mut entry = v2();
            entry[name] = value;
            assert_eq!(ExactOffer::parse(&entry, X402Version::V2).unwrap(), None, "{entry}");
        }
        // The name of one version is no chain of the other.
        let mut entry = v2();
        entry["network"] = json!("base-sepolia");
        assert_eq!(ExactOffer::parse(&entry, X402Version::V2).unwrap(), None);
    }

    #[test]
    fn a_long_validity_is_cut() {
        let mut entry = v2();
        entry["maxTimeoutSeconds"] = json!(u64::MAX);
        let offer = ExactOffer::parse(&entry, X402Version::V2).unwrap().unwrap();
        assert_eq!(offer.timeout_secs(), MAX_TIMEOUT_SECS);
    }

    #[test]
    fn the_amount_of_the_other_version_is_the_same_or_says_nothing() {
        for (entry, version, other) in
            [(v2(), X402Version::V2, "maxAmountRequired"), (v1(), X402Version::V1, "amount")]
        {
            for (value, is_read) in
                [(json!("10000"), true), (json!(""), true), (json!(null), true), (json!("9999"), false)]
            {
                let mut entry = entry.clone();
                entry[other] = value;
                assert_eq!(ExactOffer::parse(&entry, version).is_ok(), is_read, "{entry}");
            }
        }
    }

    #[test]
    fn malformed_offers_name_the_member() {
        use WireErrorKind::{BadValue, Missing, WrongType};
        for (path, value, kind, field) in [
            ("scheme", json!(1), WrongType, "scheme"),
            ("network", json!(""), Missing, "network"),
            ("amount", json!(null), Missing, "amount"),
            ("amount", json!(10000), WrongType, "amount"),
            ("amount", json!("0.01"), BadValue, "amount"),
            ("amount", json!("-1"), BadValue, "amount"),
            ("amount", json!("1e4"), BadValue, "amount"),
            ("maxAmountRequired", json!("10001"), BadValue, "maxAmountRequired"),
            ("maxAmountRequired", json!(1), BadValue, "maxAmountRequired"),
            ("asset", json!(null), Missing, "asset"),
            ("asset", json!("USDC"), BadValue, "asset"),
            ("asset", json!("0x036CbD53842c5426634e7929541eC2318f3dCF7"), BadValue, "asset"),
            ("payTo", json!("0xzz9693Bc6afc0C5328bA36FaF03C514EF312287C"), BadValue, "payTo"),
            ("maxTimeoutSeconds", json!(null), Missing, "maxTimeoutSeconds"),
            ("maxTimeoutSeconds", json!(0), BadValue, "maxTimeoutSeconds"),
            ("maxTimeoutSeconds", json!("60"), BadValue, "maxTimeoutSeconds"),
            ("extra", json!(null), Missing, "extra"),
            ("extra", json!("x"), WrongType, "extra"),
            ("extra", json!({ "name": "USDC" }), Missing, "extra.version"),
            ("extra", json!({ "name": 1, "version": "2" }), WrongType, "extra.name"),
            (
                "extra",
                json!({ "name": "USDC", "version": "2", "assetTransferMethod": "permit2" }),
                BadValue,
                "extra.assetTransferMethod",
            ),
            (
                "extra",
                json!({ "name": "USDC", "version": "2", "paymentFlow": "escrow" }),
                BadValue,
                "extra.paymentFlow",
            ),
        ] {
            let mut entry = v2();
            entry[path] = value;
            let error = ExactOffer::parse(&entry, X402Version::V2).unwrap_err();
            assert_eq!((error.kind, &*error.field), (kind, field), "{entry}");
        }
        assert_eq!(ExactOffer::parse(&json!("x"), X402Version::V2).unwrap_err().kind, WrongType);
    }
}
