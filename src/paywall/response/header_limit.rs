//! Limits the size of a response head. Proxies and servers usually accept 8 KB, and some drop a larger head silently.

use super::gate_response::GateResponse;
use crate::codec;
use crate::paywall::http::headers::HeaderList;
use crate::wire::{PAYMENT_REQUIRED, PAYMENT_RESPONSE, Receipt, base64};
use alloc::string::String;
use serde_json::Map;

/// The most that the headers of an answer may weigh, in bytes: under 8 KB with the status line.
pub(crate) const HEADER_BUDGET: usize = 8000;
/// The largest size of a member of a shortened receipt, in bytes.
const MAX_MEMBER_BYTES: usize = 200;
/// The members that a receipt must have (x402 v2 and contract section 4.5).
const MEMBERS: [&str; 8] = [
    "success",
    "errorReason",
    "payer",
    "transaction",
    "network",
    "creditsRedeemed",
    "remainingBalance",
    "orderTx",
];

/// Fits an answer of our own: the receipt is cut to what it has to say, and an offer that does not fit then is left to the
/// body, where it stands anyway. An answer to `HEAD` has none: who gets it asks with `GET`.
pub(crate) fn fit_answer(answer: &mut GateResponse) {
    fit_delivery(&mut answer.headers);
    if weight(&answer.headers) > HEADER_BUDGET {
        answer.headers.remove(PAYMENT_REQUIRED);
    }
}

/// Fits the origin's headers with ours: a receipt is cut and never left out; what the origin says is its own matter.
pub(crate) fn fit_delivery(headers: &mut HeaderList) {
    if weight(headers) <= HEADER_BUDGET {
        return;
    }
    if let Some(short) = headers.get(PAYMENT_RESPONSE).and_then(cut) {
        headers.set(PAYMENT_RESPONSE, short);
    }
}

fn weight(headers: &HeaderList) -> usize {
    headers.iter().map(|(name, value)| name.len() + value.len() + ": \r\n".len()).sum()
}

/// The same receipt with its essential members only; `None` if it is no receipt.
fn cut(header: &str) -> Option<String> {
    let receipt = Receipt::from_header(header).ok()?.to_value();
    let mut short = Map::new();
    for name in MEMBERS {
        if let Some(value) = receipt.get(name).filter(|value| codec::print(value).len() <= MAX_MEMBER_BYTES) {
            short.insert(name.into(), value.clone());
        }
    }
    Some(base64::encode_standard(codec::print_object(&short).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Headers that weigh so much, an offer and a receipt among them.
    fn weighing(bytes: usize, receipt: &str) -> HeaderList {
        let mut headers = HeaderList::new();
        headers.set(PAYMENT_REQUIRED, "e30=");
        headers.set(PAYMENT_RESPONSE, receipt);
        headers.set("x-own", "");
        let known = weight(&headers);
        headers.set("x-own", "x".repeat(bytes - known));
        // As it goes over the wire.
        let wire: usize =
            headers.iter().map(|(name, value)| alloc::format!("{name}: {value}\r\n").len()).sum();
        assert_eq!(wire, bytes);
        headers
    }

    #[test]
    fn what_fits_to_the_byte_stays() {
        let receipt = r#"{"success":true,"transaction":"0x1","network":"x","extra":1}"#;
        let receipt = base64::encode_standard(receipt.as_bytes());
        let other = |headers| GateResponse { headers, body: Some(String::new()), ..GateResponse::empty(402) };
        for (bytes, offered, whole) in [
            (HEADER_BUDGET, true, true),
            (HEADER_BUDGET + 1, true, false),
            (HEADER_BUDGET + 100, false, false),
        ] {
            let mut answer = other(weighing(bytes, &receipt));
            fit_answer(&mut answer);
            assert_eq!(answer.headers.get(PAYMENT_REQUIRED).is_some(), offered, "{bytes}");
            assert_eq!(answer.headers.get(PAYMENT_RESPONSE) == Some(&receipt), whole, "{bytes}");
            let kept = Receipt::from_header(answer.headers.get(PAYMENT_RESPONSE).unwrap()).unwrap();
            assert_eq!((kept.success(), kept.text("transaction")), (true, Some("0x1")));
        }
        // Nothing of ours to cut.
        let mut answer = other(weighing(HEADER_BUDGET + 1, "no receipt"));
        fit_answer(&mut answer);
        assert_eq!(answer.headers.get(PAYMENT_RESPONSE), Some("no receipt"));
        assert_eq!(answer.headers.get(PAYMENT_REQUIRED), None);
        let mut answer = other(weighing(HEADER_BUDGET, "no receipt"));
        fit_answer(&mut answer);
        assert!(answer.headers.get(PAYMENT_REQUIRED).is_some());
    }

    #[test]
    fn a_member_of_a_receipt_may_weigh_so_much() {
        for (length, kept) in [(MAX_MEMBER_BYTES - 2, true), (MAX_MEMBER_BYTES - 1, false)] {
            let receipt = serde_json::json!({ "success": true, "payer": "p".repeat(length) }).to_string();
            let short = cut(&base64::encode_standard(receipt.as_bytes())).unwrap();
            assert_eq!(Receipt::from_header(&short).unwrap().text("payer").is_some(), kept, "{length}");
        }
    }
}
