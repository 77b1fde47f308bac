//! The journal, for whoever has the secret of the counters: `GET /.well-known/payments/journal`.
//!
//! Lists deliveries that are not known to be paid, of all payers, oldest first, in pages: `?after=` continues after an
//! entry. `?payer=` lists all entries of one payer.

use super::receipts;
use crate::paywall::gate::{Action, Gate, RequestHead};
use crate::paywall::http::path::Target;
use crate::paywall::request_flow::{RequestFlow, Stage};
use crate::paywall::response::gate_response::GateResponse;
use crate::paywall::state;
use crate::paywall::state::{Command, Job, PAGE, Reply, Rows, RowsError, StateCall};
use alloc::string::String;
use serde_json::json;

impl Gate {
    /// Does what is due in an object of the state, as [`state::due`], and counts what nobody will know of.
    ///
    /// # Errors
    /// Where the storage fails.
    pub fn due(
        &self,
        rows: &mut impl Rows,
        now: u64,
        log: &mut impl FnMut(String),
    ) -> Result<Option<Job>, RowsError> {
        let job = state::due(rows, now, log)?;
        if let Some(route) = job.as_ref().and_then(|job| job.lapsed.as_ref()) {
            self.counters.unresolved(route);
        }
        Ok(job)
    }

    /// Asks the state for it; nothing where something else is asked for, or nobody may.
    pub(crate) fn journal(
        &self,
        request: &RequestHead,
        visit: &mut RequestFlow,
    ) -> Option<Result<Action, GateResponse>> {
        let asked = self.secret(request, "journal")?;
        visit.log.route = "own".into();
        Some(asked.and_then(|target| self.read_journal(&target, visit)))
    }

    fn read_journal(&self, target: &Target, visit: &mut RequestFlow) -> Result<Action, GateResponse> {
        if !self.settings().state {
            let message = "There is no state, so there is no journal: what is not known is only in the log.";
            return Err(GateResponse::error(404, "journal_unavailable", message));
        }
        let query = target.query.as_deref().unwrap_or_default();
        let said = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(known, _)| *known == name).map(|(_, value)| value).filter(|value| !value.is_empty())
        };
        let payer = said("payer");
        let shard = payer.map_or_else(receipts::book, |payer| receipts::shard("payer", payer));
        let command = Command::Journal { after: said("after").map(Into::into), book: payer.is_none() };
        visit.stage = Stage::Journal;
        Ok(Action::State(StateCall { shard, command }))
    }
}

impl RequestFlow {
    /// A page of it.
    pub(crate) fn found_journal(&self, reply: Reply) -> Action {
        let Reply::Journal { entries } = reply else {
            return self.respond(GateResponse::state_unavailable());
        };
        let more = entries.len() >= PAGE as usize;
        let next = entries.last().filter(|_| more).map(|entry| entry.visit.as_str());
        self.respond(GateResponse::document(200, json!({ "entries": entries, "next": next }).to_string()))
    }
}
