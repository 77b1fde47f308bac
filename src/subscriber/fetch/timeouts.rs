//! How long each step of a fetch may take. A shell has the timers; what a step is, and what its end means, is said here.

use super::state::{Fetch, Phase};
use crate::subscriber::{Buyer, Command, FetchError, FetchId};

/// How long the steps of a fetch may take, in milliseconds; `None` for as long as they take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// Each request to the seller, until its head is there; where that is a 402, until its terms are.
    pub send: Option<u32>,
    /// Each thing that the platform is asked for: a token, a balance, an order.
    pub platform: Option<u32>,
    /// Whoever is asked, or chooses.
    pub approve: Option<u32>,
    /// The credits of an order that went through; `None` for a minute.
    pub credits: Option<u32>,
}

/// What a fetch is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::subscriber) enum Step {
    Send,
    Platform,
    Order,
    Approve,
    /// The answer to the same question to another fetch.
    Queue,
    Credits,
}

/// How long the answer to another fetch's question is waited for where nobody says, in milliseconds: it may wait for this
/// fetch, and a runtime does not always tell.
const QUEUE_MS: u32 = 5 * 60_000;

impl Timeouts {
    fn of(&self, step: Step) -> Option<u32> {
        match step {
            Step::Send => self.send,
            Step::Platform | Step::Order => self.platform,
            Step::Approve => self.approve,
            Step::Queue => Some(QUEUE_MS),
            Step::Credits => self.credits,
        }
    }
}

impl Fetch {
    fn step(&self, purchase: Option<Step>) -> Step {
        match self.phase {
            Phase::SendingUnpaid | Phase::Paying | Phase::ReadingOffer | Phase::ReadingRefusal => Step::Send,
            Phase::Queued if self.request.timeouts.approve.is_none() => Step::Queue,
            Phase::Asking | Phase::Queued => Step::Approve,
            Phase::Choosing if self.request.can_select => Step::Approve,
            Phase::Preparing => purchase.unwrap_or(Step::Platform),
            Phase::Choosing | Phase::ReadingTerms | Phase::Done => Step::Platform,
        }
    }
}

impl Buyer {
    /// Says of each fetch that is at another step than it was how long that may take.
    pub(in crate::subscriber) fn limit_steps(&mut self) {
        for index in 0..self.visits.len() {
            let Some((fetch, visit)) = self.visits.get(index) else { return };
            let (fetch, step) = (*fetch, visit.step(self.purchase_step(*fetch)));
            let Some(visit) = self.fetch_mut(fetch) else { continue };
            let (before, request, had) = visit.timed;
            // Each request has its own time.
            if (before, request) != (step, visit.spend.requests) {
                let limit = visit.request.timeouts.of(step);
                visit.timed = (step, visit.spend.requests, limit);
                if limit.or(had).is_some() {
                    self.command(Command::Limit(fetch, limit));
                }
            }
        }
    }

    /// The time of a step is up.
    pub(in crate::subscriber) fn timed_out(&mut self, fetch: FetchId) {
        let Some(visit) = self.fetch_mut(fetch) else { return };
        let error = match visit.timed.0 {
            Step::Send => FetchError::SendTimeout,
            Step::Approve | Step::Queue => FetchError::ApproveTimeout,
            Step::Credits => FetchError::CreditsTimeout,
            // An order that is on its way may go through.
            Step::Order => FetchError::PurchaseUnknown,
            Step::Platform => FetchError::PlatformTimeout,
        };
        self.fail(fetch, error);
    }
}
