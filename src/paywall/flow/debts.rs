//! What a payer owes for an answer that was delivered and not paid for: it is settled before another one is begun (rule 19).

use super::admission::Paying;
use crate::api::{self, x402};
use crate::paywall::facilitator::result;
use crate::paywall::facilitator::result::Settled;
use crate::paywall::gate::Action;
use crate::paywall::request_flow::{Silence, Stage, Visit};
use crate::paywall::response::response::Answer;
use crate::paywall::state::{Command, End, Entry, Reply, StateCall, debt_end};
use alloc::{boxed::Box, format, string::String};

/// An earlier answer's settle that this visit sends, and the request that waits for it.
#[derive(Debug)]
pub(crate) struct Debt {
    pub(crate) paying: Paying,
    entry: Box<Entry>,
}

/// What became of that settle, to be written down before the request goes on.
#[derive(Debug)]
pub(crate) struct Cleared {
    pub(crate) paying: Paying,
    command: Command,
}

impl Visit {
    /// Settles what is owed, with the token that it is owed by.
    pub(crate) fn call_in(&mut self, paying: Paying, entry: Box<Entry>) -> Action {
        let body = entry.again.as_ref().map(|again| again.expose().into());
        self.stage = Stage::Owing(Debt { paying, entry });
        Action::Call(api::Request::post("/api/v1/x402/settle", body))
    }

    /// What the facilitator says to it.
    pub(crate) fn called_in(&mut self, debt: Debt, answer: Result<&api::Response, Silence>) -> Action {
        let Debt { mut paying, entry } = debt;
        let settled = match answer {
            Ok(answer) => result::settled(x402::receipt(answer), &entry.network),
            Err(silence) => Settled::Unknown(silence.code().into()),
        };
        let Some(end) = debt_end(&entry, settled) else { return self.stateless() };
        let refused = match &end {
            End::Owed { receipt: Some(_), why, .. } => Some(owed(why)),
            End::Owed { why, .. } => Some(not_tried(why)),
            _ => None,
        };
        if matches!(end, End::Unknown { .. }) && entry.nonce.is_none() {
            self.watch.unresolved(&entry.route);
        }
        let command = self.closing(entry.visit.clone(), end, entry.rounds);
        if let Some(answer) = refused {
            self.note(paying.shard.clone(), command);
            return self.give_up(&paying, answer);
        }
        // Credits may have been burned since this request was verified.
        paying.waits_since.get_or_insert(self.now);
        let shard = paying.shard.clone();
        self.stage = Stage::Clearing(Cleared { paying, command: command.clone() });
        Action::State(StateCall { shard, command })
    }

    /// Whether it is written down.
    pub(crate) fn cleared(&mut self, cleared: Cleared, reply: Option<&Reply>) -> Action {
        let Cleared { paying, command } = cleared;
        if matches!(reply, Some(Reply::Done | Reply::Nothing)) {
            return self.reserve(paying);
        }
        self.note(paying.shard.clone(), command);
        self.give_up(&paying, Answer::stateless())
    }

    pub(crate) fn closing(&self, visit: String, end: End, round: u32) -> Command {
        Command::Close { visit, end, after: self.settings.timeout_ms().into(), round }
    }
}

fn owed(why: &str) -> Answer {
    let message = format!(
        "An earlier answer to this payer is not paid for: its settlement was refused ({why}). It is tried again with the \
         next request. Nothing was charged for this one."
    );
    Answer::error(402, "payment_owed", &message)
}

fn not_tried(why: &str) -> Answer {
    let message =
        "An earlier answer to this payer could not be settled. Nothing was charged; try again later.";
    Answer::unavailable(why, message)
}
