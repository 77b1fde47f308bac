//! Receipts that are fetched: `GET /.well-known/payments/receipts/<name>`, answered from the state.

use crate::codec;
use crate::codec::text::ByteSplit;
use crate::paywall::action::Action;
use crate::paywall::event::Event;
use crate::paywall::flow::context::Context;
use crate::paywall::flow::progress::Progress;
use crate::paywall::http::method::Method;
use crate::paywall::http::path::CanonicalPath;
use crate::paywall::response::gate_response::GateResponse;
use crate::paywall::state::shard::SHARD_DIGITS;
use crate::paywall::state::{Command, EntryStatus, Reply, StateCall};
use crate::wire::{MAX_RECEIPT_BYTES, PAYMENT_RESPONSE, Receipt};
use alloc::string::{String, ToString};

/// The path before a receipt's name.
const FOLDER: [&str; 3] = [".well-known", "payments", "receipts"];
/// Hexadecimal digits of the id of a request.
const ID_DIGITS: usize = 32;

/// The absolute path of a request's receipt. Who does not know it cannot guess it: 128 bits of it are chance.
pub(crate) fn path(shard: &str, id: &str) -> String {
    ["/", &FOLDER.join("/"), "/", shard, "-", id].concat()
}

/// The object and the request id of the receipt that is asked for, if one is.
fn asked(method: Method, path: &CanonicalPath) -> Option<(String, String)> {
    let [a, b, c, name] = path.segments() else { return None };
    let here = [a, b, c].into_iter().zip(FOLDER).all(|(asked, ours)| asked == ours);
    let (shard, id) = name.split_once_byte(b'-')?;
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let name = shard.len() == SHARD_DIGITS && id.len() == ID_DIGITS && hex(shard) && hex(id);
    let read = matches!(method, Method::Get | Method::Head);
    (here && name && read && !path.is_directory()).then(|| (shard.to_string(), id.to_string()))
}

/// A request for a receipt.
#[derive(Debug)]
pub(crate) struct ReceiptRequest;

impl ReceiptRequest {
    /// Asks the state for the receipt that a path names; `None` where it names none.
    pub(crate) fn begin(
        method: Method,
        path: &CanonicalPath,
        context: &mut Context,
    ) -> Option<(Self, Action)> {
        let (shard, id) = asked(method, path)?;
        context.log.route = "own".into();
        Some((Self, Action::State(StateCall { shard, command: Command::Receipt { id } })))
    }

    pub(crate) fn handle(self, event: Event, context: &Context) -> Progress<Self> {
        let answer = match event {
            Event::State(Reply::Receipt { status, receipt }) => found(status, receipt),
            Event::State(Reply::Nothing) => {
                GateResponse::error(404, "receipt_unknown", "There is no such receipt.")
            }
            Event::State(_) | Event::StateFailed => GateResponse::state_unavailable(),
            _ => return Progress::Done(context.unexpected_event()),
        };
        Progress::Done(context.respond(answer))
    }
}

fn found(status: EntryStatus, receipt: Option<serde_json::Value>) -> GateResponse {
    if let Some(receipt) = receipt {
        let text = codec::print(&receipt);
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
            let message = "The settlement is not finished yet. Ask again later.";
            GateResponse::error(202, "receipt_pending", message).with("retry-after", "2")
        }
        EntryStatus::Unresolved => GateResponse::error(
            404,
            "receipt_unresolved",
            "It is not known if this was charged; the seller will look into it.",
        ),
        _ => GateResponse::error(404, "receipt_none", "Nothing was charged."),
    }
}
