use super::document::{self, Document};
use super::{Credits, MAX_RECEIPT_BYTES, WireError, WireErrorKind, base64, header::only_one};
use alloc::{string::String, vec::Vec};
use serde_json::Value;

/// `errorReason` of a gate that verified a payment and charged nothing, for example because its origin failed.
pub(crate) const NOT_SETTLED: &str = "not_settled";

/// The result of a settlement: x402 v2 `SettlementResponse` with Nevermined's additions (contract section 4.5). The
/// `payment-response` header carries it.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    document: Document,
    success: bool,
    credits_redeemed: Option<Credits>,
    remaining_balance: Option<Credits>,
}

impl Receipt {
    /// Reads the `payment-response` header.
    ///
    /// # Errors
    /// A [`WireError`]; whoever was served must not lose the answer over it (money rule 11).
    pub fn from_header(value: &str) -> Result<Self, WireError> {
        Self::from_json(&Self::json_of_header(value)?)
    }

    /// The text of the `payment-response` header, not yet read.
    pub(crate) fn json_of_header(value: &str) -> Result<Vec<u8>, WireError> {
        base64::decode(only_one(value), MAX_RECEIPT_BYTES, "payment-response")
    }

    /// Reads the platform's answer to settle.
    ///
    /// # Errors
    /// `Missing` or `WrongType` for `success`, or for an amount that is not one.
    pub fn from_json(bytes: &[u8]) -> Result<Self, WireError> {
        Self::from_document(document::parse(bytes, MAX_RECEIPT_BYTES, "payment-response")?)
    }

    fn from_document(document: Document) -> Result<Self, WireError> {
        let success = match document.get("success") {
            Some(Value::Bool(success)) => *success,
            None | Some(Value::Null) => return Err(WireError::new(WireErrorKind::Missing, "success")),
            Some(_) => return Err(WireError::new(WireErrorKind::WrongType, "success")),
        };
        let amount = |name| match document.get(name) {
            // A no is a no, whatever stands beside it.
            _ if !success => Ok(None),
            None | Some(Value::Null) => Ok(None),
            Some(value) => Credits::from_json(value, name).map(Some),
        };
        let (credits_redeemed, remaining_balance) = (amount("creditsRedeemed")?, amount("remainingBalance")?);
        Ok(Self { document, success, credits_redeemed, remaining_balance })
    }

    /// A receipt that says no: what a gate hands out when a settlement was refused (money rule 21).
    #[must_use]
    pub fn refused(reason: &str, network: &str) -> Self {
        let mut document = Document::new();
        document.insert("success".into(), false.into());
        document.insert("errorReason".into(), reason.into());
        document.insert("transaction".into(), "".into());
        document.insert("network".into(), network.into());
        Self { document, success: false, credits_redeemed: None, remaining_balance: None }
    }

    /// A receipt for so many credits where the platform's own is not at hand: what was asked turned out to have been
    /// burned, or was free of charge. It names no transaction.
    #[must_use]
    pub fn burned(credits: Credits, payer: Option<&str>, network: &str) -> Self {
        let mut document = Document::new();
        document.insert("success".into(), true.into());
        if let Some(payer) = payer {
            document.insert("payer".into(), payer.into());
        }
        document.insert("transaction".into(), "".into());
        document.insert("network".into(), network.into());
        document.insert("creditsRedeemed".into(), credits.digits().into());
        Self { document, success: true, credits_redeemed: Some(credits), remaining_balance: None }
    }

    /// The document.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Value::Object(self.document.clone())
    }

    /// True if the payment was settled.
    #[must_use]
    pub fn success(&self) -> bool {
        self.success
    }

    /// Credits that were burned.
    #[must_use]
    pub fn credits_redeemed(&self) -> Option<Credits> {
        self.credits_redeemed
    }

    /// Credits that the payer has left of the plan.
    #[must_use]
    pub fn remaining_balance(&self) -> Option<Credits> {
        self.remaining_balance
    }

    /// A text member by its name on the wire: `transaction`, `network`, `payer`, `orderTx`, `errorReason`. Absent,
    /// null and empty are `None`.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.document.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The document as compact JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        document::print(&self.document)
    }

    /// The value of the `payment-response` header: standard base64, padded.
    #[must_use]
    pub fn to_header(&self) -> String {
        base64::encode_standard(self.to_json().as_bytes())
    }
}
