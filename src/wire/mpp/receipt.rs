use super::super::document::{self, Document};
use super::super::{WireError, base64};
use super::{MAX_HEADER_BYTES, PAYMENT_RECEIPT};
use alloc::string::{String, ToString as _};

/// The receipt of a payment by MPP. It stands beside what was paid for, never on an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MppReceipt {
    /// `success`; a server that states a failure says so here.
    pub status: String,
    /// The payment method.
    pub method: String,
    /// The transaction, or what the method has in its place.
    pub reference: String,
    /// When it was settled, RFC 3339, as it came.
    pub timestamp: String,
}

impl MppReceipt {
    /// Reads the `Payment-Receipt` header.
    ///
    /// # Errors
    /// `NotBase64`, `NotJson`, or names the member that is missing or wrong.
    pub fn from_header(value: &str) -> Result<Self, WireError> {
        let bytes = base64::decode(value.trim(), MAX_HEADER_BYTES, PAYMENT_RECEIPT)?;
        let document = document::parse(&bytes, MAX_HEADER_BYTES, PAYMENT_RECEIPT)?;
        let member = |name| document::required_text(&document, name).map(|text| text.to_string());
        Ok(Self {
            status: member("status")?,
            method: member("method")?,
            reference: member("reference")?,
            timestamp: member("timestamp")?,
        })
    }

    /// True if the payment was settled.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status == "success"
    }

    /// The value of the `Payment-Receipt` header.
    #[must_use]
    pub fn to_header(&self) -> String {
        let mut document = Document::new();
        for (name, value) in [
            ("status", &self.status),
            ("method", &self.method),
            ("timestamp", &self.timestamp),
            ("reference", &self.reference),
        ] {
            document.insert(name.into(), value.as_str().into());
        }
        base64::encode_url(document::print(&document).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::WireErrorKind;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_receipt_is_read_as_it_was_written() {
        let receipt = MppReceipt {
            status: "success".into(),
            method: "nevermined".into(),
            reference: "0xabc".into(),
            timestamp: "2026-11-20T10:00:00Z".into(),
        };
        let header = receipt.to_header();
        assert_eq!(MppReceipt::from_header(&header).unwrap(), receipt);
        assert!(receipt.is_success() && !MppReceipt { status: "failed".into(), ..receipt }.is_success());
    }

    #[test]
    fn malformed_receipts_name_the_member() {
        use WireErrorKind::{Missing, NotBase64, NotJson, WrongType};
        let encoded = |value: serde_json::Value| base64::encode_url(value.to_string().as_bytes());
        for (header, kind, field) in [
            (String::new(), Missing, "payment-receipt"),
            ("!!".into(), NotBase64, "payment-receipt"),
            ("AAAA".into(), NotJson, "payment-receipt"),
            (encoded(json!([])), WrongType, "payment-receipt"),
            (encoded(json!({})), Missing, "status"),
            (
                encoded(json!({ "status": "success", "method": "m", "reference": "", "timestamp": "t" })),
                Missing,
                "reference",
            ),
            (encoded(json!({ "status": 1 })), WrongType, "status"),
        ] {
            let error = MppReceipt::from_header(&header).unwrap_err();
            assert_eq!((error.kind, &*error.field), (kind, field), "{header}");
        }
    }
}
