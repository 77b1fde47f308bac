//! What the head of an answer may weigh. Proxies and servers take 8 KB of it as a rule, and some drop what is more without
//! a word.

use super::answer::Answer;
use super::headers::HeaderList;
use crate::wire::{PAYMENT_REQUIRED, PAYMENT_RESPONSE, Receipt, base64};
use alloc::string::{String, ToString};
use serde_json::{Map, Value};

/// The most that the headers of an answer may weigh, in bytes: under 8 KB with the status line.
pub(crate) const HEADER_BUDGET: usize = 8000;
/// What a member of a cut receipt may weigh, in bytes.
const MAX_MEMBER_BYTES: usize = 200;
/// What a receipt has to say (x402 v2 and contract section 4.5).
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
pub(crate) fn fit_answer(answer: &mut Answer) {
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

/// The same receipt with no more than it has to say; nothing where it is none.
fn cut(header: &str) -> Option<String> {
    let receipt = Receipt::from_header(header).ok()?.to_value();
    let mut short = Map::new();
    for name in MEMBERS {
        if let Some(value) = receipt.get(name).filter(|value| value.to_string().len() <= MAX_MEMBER_BYTES) {
            short.insert(name.into(), value.clone());
        }
    }
    Some(base64::encode_standard(Value::Object(short).to_string().as_bytes()))
}
