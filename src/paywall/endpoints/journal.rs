//! The journal: `GET /.well-known/payments/journal`, with the bearer token of the counters.
//!
//! It lists the answers of all payers that were delivered and are not known to be paid for, the oldest first, in pages.
//! `?after=` goes on behind an entry. `?payer=` lists all entries of one payer.

use super::metrics;
use crate::codec;
use crate::codec::text::ByteSplit;
use crate::paywall::action::{Action, RequestHead};
use crate::paywall::event::Event;
use crate::paywall::flow::context::Context;
use crate::paywall::flow::progress::Progress;
use crate::paywall::response::gate_response::GateResponse;
use crate::paywall::state::{Command, Entry, PAGE, Reply, StateCall, shard};

/// A request for a page of the journal.
#[derive(Debug)]
pub(crate) struct JournalRequest;

impl JournalRequest {
    /// Asks the state for a page; `None` where something else is asked for, or the settings have no token for it.
    pub(crate) fn begin(
        request: &RequestHead,
        context: &mut Context,
    ) -> Option<Result<(Self, Action), GateResponse>> {
        let target = match metrics::authorized(request, "journal", context.settings())? {
            Ok(target) => target,
            Err(answer) => {
                context.log.route = "own".into();
                return Some(Err(answer));
            }
        };
        context.log.route = "own".into();
        if !context.settings().state {
            let message = "Without a state there is no journal. Unknown outcomes are in the log.";
            return Some(Err(GateResponse::error(404, "journal_unavailable", message)));
        }
        let query = target.query.as_deref().unwrap_or_default();
        let parameter = |name: &str| {
            let mut pairs = query.split_byte(b'&').filter_map(|pair| pair.split_once_byte(b'='));
            pairs.find(|(known, _)| *known == name).map(|(_, value)| value).filter(|value| !value.is_empty())
        };
        let payer = parameter("payer");
        let shard = payer.map_or_else(shard::book, |payer| shard::shard("payer", payer));
        let command = Command::Journal { after: parameter("after").map(Into::into), book: payer.is_none() };
        Some(Ok((Self, Action::State(StateCall { shard, command }))))
    }

    pub(crate) fn handle(self, event: Event, context: &Context) -> Progress<Self> {
        let answer = match event {
            Event::State(Reply::Journal { entries }) => {
                let more = entries.len() >= PAGE as usize;
                let next = entries.last().filter(|_| more).map(|entry| entry.id.as_str());
                let listed = entries.iter().map(Entry::to_value).collect::<Vec<_>>();
                let page = codec::object(Vec::from([("entries", listed.into()), ("next", next.into())]));
                GateResponse::document(200, codec::print(&page))
            }
            Event::State(_) | Event::StateFailed => GateResponse::state_unavailable(),
            _ => return Progress::Done(context.unexpected_event()),
        };
        Progress::Done(context.respond(answer))
    }
}
