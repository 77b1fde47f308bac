//! Receipts that are fetched: `GET /.well-known/payments/receipts/<name>`, answered from the state.

use crate::paywall::gate::Action;
use crate::paywall::http::method::Method;
use crate::paywall::http::path::CanonicalPath;
use crate::paywall::request_flow::{RequestFlow, Stage};
use crate::paywall::response::gate_response::GateResponse;
use crate::paywall::sha256::sha256;
use crate::paywall::state::{Command, EntryStatus, Reply, StateCall};
use crate::wire::{MAX_RECEIPT_BYTES, PAYMENT_RESPONSE, Receipt};
use alloc::{
    format,
    string::{String, ToString},
};

/// The header that names a receipt's URL.
pub(crate) const RECEIPT_URL: &str = "payment-receipt-url";
/// The path before a receipt's name.
const FOLDER: [&str; 3] = [".well-known", "payments", "receipts"];
/// Hexadecimal digits of the name of an object, and of that of a visit.
const SHARD_DIGITS: usize = 16;
const VISIT_DIGITS: usize = 32;

/// The name of the object that keeps what is to be known of one payer or one network: a hash, so that a receipt's URL can
/// name it.
pub(crate) fn shard(kind: &str, who: &str) -> String {
    let digest = sha256(format!("{kind}:{}", who.trim().to_ascii_lowercase()).as_bytes());
    digest.chars().take(SHARD_DIGITS).collect()
}

/// The name of the object that is the seller's book.
pub(crate) fn book() -> String {
    shard("journal", "")
}

/// The absolute path of a visit's receipt. Who does not know it cannot guess it: 128 bits of it are chance.
pub(crate) fn path(shard: &str, visit: &str) -> String {
    format!("/{}/{shard}-{visit}", FOLDER.join("/"))
}

/// The object and the visit of the receipt that is asked for, if one is.
pub(crate) fn asked(method: Method, path: &CanonicalPath) -> Option<(String, String)> {
    let [a, b, c, name] = path.segments() else { return None };
    let here = [a, b, c].into_iter().zip(FOLDER).all(|(asked, ours)| asked == ours);
    let (shard, visit) = name.split_once('-')?;
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let name = shard.len() == SHARD_DIGITS && visit.len() == VISIT_DIGITS && hex(shard) && hex(visit);
    let read = matches!(method, Method::Get | Method::Head);
    (here && name && read && !path.is_directory()).then(|| (shard.to_string(), visit.to_string()))
}

impl RequestFlow {
    /// Asks for a receipt.
    pub(crate) fn find_receipt(&mut self, (shard, visit): (String, String)) -> Action {
        self.log.route = "own".into();
        self.stage = Stage::Receipt;
        Action::State(StateCall { shard, command: Command::Receipt { visit } })
    }

    pub(crate) fn found_receipt(&self, reply: Reply) -> Action {
        let answer = match reply {
            Reply::Receipt { status, receipt } => found(status, receipt),
            Reply::Nothing => GateResponse::error(404, "receipt_unknown", "There is no such receipt."),
            _ => GateResponse::state_unavailable(),
        };
        self.respond(answer)
    }
}

fn found(status: EntryStatus, receipt: Option<serde_json::Value>) -> GateResponse {
    if let Some(receipt) = receipt {
        let text = receipt.to_string();
        let mut answer = GateResponse::document(200, text.clone());
        if text.len() <= MAX_RECEIPT_BYTES
            && let Ok(receipt) = Receipt::from_json(text.as_bytes())
        {
            answer.headers.set(PAYMENT_RESPONSE, receipt.to_header());
        }
        return answer;
    }
    match status {
        EntryStatus::Delivering | EntryStatus::Settling | EntryStatus::Unknown | EntryStatus::Owed => {
            let message = "The settlement has not come to its end yet. Ask again later.";
            GateResponse::error(202, "receipt_pending", message).with("retry-after", "2")
        }
        EntryStatus::Unresolved => GateResponse::error(
            404,
            "receipt_unresolved",
            "Whether this was charged is not known; the seller looks into it.",
        ),
        _ => GateResponse::error(404, "receipt_none", "Nothing was charged."),
    }
}
