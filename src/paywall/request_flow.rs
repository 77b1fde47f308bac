use super::client::Guest;
use super::config::settings::Settings;
use super::facilitator::plan_terms::Waiting;
use super::facilitator::result;
use super::facilitator::result::{Settled, Verdict};
use super::facilitator::verification_cache::Cache;
use super::flow::admission;
use super::flow::admission::{Errand, Gift, Paying};
use super::flow::debts::{Cleared, Debt};
use super::flow::pass_admission::Ride;
use super::flow::settlement::Bill;
use super::gate::{Action, CanonicalRequest, Delivery};
use super::http::headers;
use super::http::headers::HeaderList;
use super::observe::request_log::Watch;
use super::payment_context::Settled as Settlement;
use super::pricing::price::Ending;
use super::response::response::Answer;
use super::state::{Command, Reply, StateCall};
use crate::api::{self, x402};
use crate::wire::{Credits, PAYMENT_RESPONSE};
use alloc::{rc::Rc, string::String, vec::Vec};
use core::cell::RefCell;

/// One request on its way through the gate: verify, origin, settle, deliver (rule 19).
///
/// It is told what happened with [`on`](Self::on) and says what to do next. It is in one stage at a time, and an
/// event that does not belong to it ends the visit with a 500 and nothing delivered.
#[derive(Debug)]
pub struct Visit {
    pub(crate) watch: Watch,
    pub(crate) settings: Rc<Settings>,
    pub(crate) cache: Rc<RefCell<Cache>>,
    /// By what the state and the receipt know it.
    pub(crate) id: String,
    /// The time of the last event, in milliseconds since 1970.
    pub(crate) now: u64,
    /// The URL that this service is reached at, without a path.
    pub(crate) base: String,
    /// What the state is to be told when the visit is over.
    pub(crate) notes: Vec<StateCall>,
    /// The `origin` header: the page that asks, where one does.
    pub(crate) page: Option<String>,
    /// Whether CORS is ours to say: not for what is only passed on.
    pub(crate) governed: bool,
    /// Whether a WebSocket was asked for that is paid for: then a 101 is a success (rule 19).
    pub(crate) socket: bool,
    /// Whether an answer has no body, since `HEAD` was asked.
    pub(crate) head_only: bool,
    /// Who asks, for pages and passes.
    pub(crate) guest: Guest,
    pub(crate) stage: Stage,
    /// The request as hooks and price functions see it, where it is for a paid route.
    pub(crate) request: Option<CanonicalRequest>,
    /// What was settled, for whoever asks.
    pub(crate) settlement: Option<Settlement>,
    /// Whether the client went away while the settle was under way.
    pub(crate) gone: bool,
    /// Whether its settle was sent.
    pub(crate) sent: bool,
}

/// What happened to the last [`Action`].
#[derive(Debug, Clone)]
pub enum Event {
    /// The facilitator answered.
    Answered(api::Response),
    /// The facilitator did not, or not in full. What was asked may have happened.
    Unanswered(Silence),
    /// The object of the state answered.
    State(Reply),
    /// It did not. What was asked may have happened.
    StateFailed,
    /// The time is over.
    Waited,
    /// The seller's handler said what the request costs; nothing where it could not.
    Price(Option<Credits>),
    /// The seller's handler has read more of the body than [`max_body_bytes`](super::Settings::max_body_bytes) to say it.
    BodyTooLarge,
    /// The origin answered: status and headers. Its body stays where it is.
    Origin(OriginHead),
    /// The origin did not answer.
    OriginFailed,
    /// The origin's answer did not begin within its timeout.
    OriginTimedOut,
    /// The handler gave an answer that cannot be delivered: its body was read already, or somebody is reading it.
    OriginUnusable,
    /// The answer that was delivered with a meter has ended, and this was counted. Without
    /// [`to_the_end`](super::Meter::to_the_end) reported at once.
    Ended(Ending),
    /// The seller's own code refuses a payment, in these words, before or after it was verified and before the origin is
    /// asked. To be told in the place of what an action asks for.
    Denied(String),
    /// The client went away before anything was delivered (rule 22). May be told in the place of any other event.
    ClientGone,
}

/// Why there was no answer of the facilitator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// Not within the timeout.
    TimedOut,
    /// No connection, or it broke.
    Unreachable,
    /// More than [`MAX_ANSWER_BYTES`](api::MAX_ANSWER_BYTES), or not UTF-8.
    Unreadable,
}

/// An origin's response without its body.
#[derive(Debug, Clone, Default)]
pub struct OriginHead {
    /// The HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderList,
}

#[derive(Debug)]
pub(crate) enum Stage {
    /// The platform is asked for a plan.
    Learning(Waiting),
    /// A receipt is asked for.
    Receipt,
    /// The journal is asked for.
    Journal,
    /// An open or passed request is at the origin.
    Unpaid,
    /// The rate of an address is asked for.
    Limiting(Errand),
    /// The seller's handler is asked.
    Pricing(Errand),
    /// The allowance of an address is asked for.
    Asking(Errand, Gift),
    /// What is free of charge for want of a token is at the origin.
    Gift(Gift),
    /// The rate of who holds a pass is asked for.
    Boarding(Ride),
    /// What a pass pays for is at the origin.
    Riding(Ride),
    /// A token is at the facilitator, to be asked after and not to pay.
    Status(x402::Verify),
    /// The token is at the facilitator.
    Verifying(Paying),
    /// What the request needs of the state is asked for.
    Admitting(Paying),
    /// The payer has an answer that is not settled: the request waits for that.
    Queueing(Paying),
    /// The payer owes for an earlier answer, and that is being settled.
    Owing(Debt),
    /// It was, and what became of it is being written down.
    Clearing(Cleared),
    /// The verified request is at the origin.
    Working(Paying),
    /// The origin did it, and the settlement is being written down before it is sent.
    Writing(Bill),
    /// The origin did it, and waits for the settlement.
    Settling(Bill),
    /// It is written down that an answer goes out that is settled later.
    Promising(Bill),
    /// The answer goes out.
    Streaming(Bill),
    /// It went out, and what it costs is being written down.
    Charging(Bill),
    /// It went out, and is being settled.
    Collecting(Bill),
    /// It was answered.
    Over,
}

impl Silence {
    /// The stable code, as a 503 or the journal says it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TimedOut => "facilitator_timeout",
            Self::Unreachable => "facilitator_unreachable",
            Self::Unreadable => "facilitator_garbled",
        }
    }
}

impl OriginHead {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Visit {
    /// Takes what happened, says what to do next. `now` is in milliseconds since 1970.
    #[must_use]
    pub fn on(&mut self, event: Event, now: u64) -> Action {
        self.now = now;
        self.watch.happened(&event, now);
        let action = self.step(event, now);
        self.dress(action)
    }

    fn step(&mut self, event: Event, now: u64) -> Action {
        let stage = core::mem::replace(&mut self.stage, Stage::Over);
        match (stage, event) {
            (
                Stage::Learning(waiting),
                event @ (Event::Answered(_) | Event::Unanswered(_) | Event::Waited),
            ) => self.learned(waiting, &event, now),
            (stage, Event::ClientGone) => self.left(stage),
            (stage, Event::Denied(words)) => self.denied(stage, &words),
            (Stage::Receipt, Event::State(reply)) => self.found_receipt(reply),
            (Stage::Receipt | Stage::Journal, Event::StateFailed) => self.respond(Answer::stateless()),
            (Stage::Journal, Event::State(reply)) => self.found_journal(reply),
            (Stage::Limiting(errand), Event::State(reply)) => self.limited(errand, &reply),
            (Stage::Limiting(_), Event::StateFailed) => self.stateless(),
            (Stage::Pricing(errand), Event::Price(price)) => self.priced(errand, price),
            (Stage::Pricing(_), Event::BodyTooLarge) => {
                let message =
                    "The body of this request is too large to be priced by it. Nothing was charged.";
                self.respond(Answer::error(413, "body_too_large", message).uncharged())
            }
            (Stage::Asking(errand, gift), Event::State(reply)) => self.asked(errand, gift, &reply),
            (Stage::Asking(_, gift), Event::StateFailed) => {
                self.return_gift(gift);
                self.stateless()
            }
            (Stage::Verifying(paying), Event::Answered(answer)) => {
                let verdict = admission::verdict(&paying, &answer);
                self.verified(paying, verdict)
            }
            // Verify burns nothing, and a pooled connection may have died of old age: once more.
            (Stage::Verifying(mut paying), Event::Unanswered(Silence::Unreachable)) if !paying.again => {
                paying.again = true;
                let call = api::Call::request(&paying.verify);
                self.stage = Stage::Verifying(paying);
                Action::Call(call)
            }
            (Stage::Verifying(paying), Event::Unanswered(silence)) => {
                self.verified(paying, Verdict::Unavailable(silence.code().into()))
            }
            (Stage::Admitting(paying), Event::State(reply)) => self.admitted(paying, &reply),
            (Stage::Admitting(paying), Event::StateFailed) => self.unadmitted(&paying),
            (Stage::Queueing(paying), Event::Waited) => self.reserve(paying),
            (Stage::Owing(debt), Event::Answered(answer)) => self.called_in(debt, Ok(&answer)),
            (Stage::Owing(debt), Event::Unanswered(silence)) => self.called_in(debt, Err(silence)),
            (Stage::Clearing(cleared), Event::State(reply)) => self.cleared(cleared, Some(&reply)),
            (Stage::Clearing(cleared), Event::StateFailed) => self.cleared(cleared, None),
            (Stage::Boarding(ride), Event::State(reply)) => self.boarded(ride, &reply),
            (Stage::Boarding(_), Event::StateFailed) => self.stateless(),
            (Stage::Status(verify), Event::Answered(answer)) => self.told(&verify, Ok(&answer)),
            (Stage::Status(verify), Event::Unanswered(silence)) => self.told(&verify, Err(silence)),
            (
                stage,
                event @ (Event::Origin(_)
                | Event::OriginFailed
                | Event::OriginTimedOut
                | Event::OriginUnusable),
            ) => self.came_back(stage, event),
            (Stage::Writing(bill), Event::State(reply)) => self.written(bill, &reply),
            (Stage::Writing(bill), Event::StateFailed) => self.unwritten(bill),
            (Stage::Settling(bill), Event::Answered(answer)) => {
                let settled = bill.read(&answer);
                self.settled(bill, settled)
            }
            (Stage::Settling(bill), Event::Unanswered(silence)) => {
                self.settled(bill, Settled::Unknown(silence.code().into()))
            }
            (Stage::Promising(bill), Event::State(reply)) => self.promised(bill, &reply),
            (Stage::Promising(bill), Event::StateFailed) => self.unwritten(bill),
            (Stage::Streaming(bill), Event::Ended(ending)) => self.ended(bill, &ending),
            (Stage::Charging(bill), Event::State(_)) => self.collect(bill),
            (Stage::Charging(bill), Event::StateFailed) => {
                self.collected(bill, Settled::NotTried("state_unavailable".into()))
            }
            (Stage::Collecting(bill), Event::Answered(answer)) => {
                let settled = bill.read(&answer);
                self.collected(bill, settled)
            }
            (Stage::Collecting(bill), Event::Unanswered(silence)) => {
                self.collected(bill, Settled::Unknown(silence.code().into()))
            }
            (stage, _) => self.lost(stage),
        }
    }

    /// What the state is to be told once the visit is over: nobody waits for it, but it has to arrive, so it is told
    /// again until it does. Each may arrive more than once.
    #[must_use]
    pub fn notes(&mut self) -> Vec<StateCall> {
        core::mem::take(&mut self.notes)
    }

    /// The request as hooks and price functions of the seller's see it; nothing where it is not for a paid route.
    #[must_use]
    pub fn request(&self) -> Option<&CanonicalRequest> {
        self.request.as_ref()
    }

    /// Whether a client that goes away now is not charged: nothing was sent to be settled (rule 22).
    #[must_use]
    pub fn is_uncharged(&self) -> bool {
        !matches!(
            self.stage,
            Stage::Settling(_)
                | Stage::Owing(_)
                | Stage::Clearing(_)
                | Stage::Streaming(_)
                | Stage::Charging(_)
                | Stage::Collecting(_)
                | Stage::Over
        )
    }

    /// The client is gone before its answer began. Says whether it is not charged: [`Event::ClientGone`] is to be told then,
    /// in the place of what happened. Else the settle that is under way counts for nothing if nobody answers it: it is not
    /// settled another time.
    pub fn client_left(&mut self) -> bool {
        self.gone = true;
        self.is_uncharged()
    }

    /// Ends the visit with an answer of our own.
    pub(crate) fn respond(&self, mut answer: Answer) -> Action {
        // A preflight has said it all already.
        if self.governed && answer.status != 204 {
            self.settings.cors.apply(self.page.as_deref(), &mut answer.headers);
        }
        Action::Respond(answer)
    }

    /// Ends a visit that has got no further than to be looked at: whoever sent a token with it is told that it was not
    /// charged.
    pub(crate) fn turn_away(&self, answer: Answer) -> Action {
        let failed = answer.status >= 400 && self.watch.saw_token();
        self.respond(if failed { answer.uncharged() } else { answer })
    }

    /// Ends the visit with the origin's answer, as it is but for CORS.
    pub(crate) fn pass_on(&self, mut headers: HeaderList) -> Action {
        if self.governed {
            self.settings.cors.apply(self.page.as_deref(), &mut headers);
        }
        Action::Deliver(Delivery { headers, journal: None, meter: None })
    }

    /// What came of the request at the origin.
    fn came_back(&mut self, stage: Stage, event: Event) -> Action {
        let paid = !matches!(stage, Stage::Unpaid);
        let answer = match (&stage, &event) {
            // Not to be told on: an interim answer, a socket that nobody asked for, a number beyond HTTP.
            (
                Stage::Unpaid | Stage::Working(_) | Stage::Gift(_) | Stage::Riding(_),
                Event::Origin(OriginHead { status: status @ (..=199 | 600..), .. }),
            ) if *status != 101 || (paid && !self.socket) => Some((
                502,
                "origin_garbled",
                "The service behind this gate made no sense. Nothing was charged.",
            )),
            (Stage::Unpaid | Stage::Working(_) | Stage::Gift(_) | Stage::Riding(_), Event::OriginFailed) => {
                Some((
                    502,
                    "origin_unreachable",
                    "The service behind this gate did not answer. Nothing was charged.",
                ))
            }
            (
                Stage::Unpaid | Stage::Working(_) | Stage::Gift(_) | Stage::Riding(_),
                Event::OriginTimedOut,
            ) => Some((
                504,
                "origin_timeout",
                "The service behind this gate did not answer in time. Nothing was charged.",
            )),
            (
                Stage::Unpaid | Stage::Working(_) | Stage::Gift(_) | Stage::Riding(_),
                Event::OriginUnusable,
            ) => Some((
                502,
                "origin_unusable",
                "The body of the answer was read before it came to the gate, so it cannot be delivered. Nothing was charged.",
            )),
            _ => None,
        };
        if let Some((status, code, message)) = answer {
            self.release(stage);
            return self.respond(Answer::error(status, code, message).uncharged());
        }
        match (stage, event) {
            (Stage::Unpaid, Event::Origin(origin)) => self.pass_on(origin.headers),
            (stage @ (Stage::Working(_) | Stage::Gift(_)), Event::Origin(origin))
                if !origin.is_success() && origin.status != 101 =>
            {
                self.release(stage);
                let mut headers = origin.headers;
                headers::keep_private(&mut headers);
                headers.set(PAYMENT_RESPONSE, result::not_settled());
                self.pass_on(headers)
            }
            (Stage::Gift(_), Event::Origin(origin)) => self.give(origin),
            (Stage::Riding(ride), Event::Origin(origin)) => self.rode(&ride, &origin),
            (Stage::Working(paying), Event::Origin(origin)) => self.bill(paying, origin),
            (stage, _) => self.lost(stage),
        }
    }

    /// The client is gone: nothing is delivered, nothing is charged.
    fn left(&mut self, stage: Stage) -> Action {
        match stage {
            Stage::Writing(bill) | Stage::Promising(bill) => {
                self.unwrite(&bill, "client_gone");
            }
            stage @ (Stage::Settling(_)
            | Stage::Owing(_)
            | Stage::Clearing(_)
            | Stage::Streaming(_)
            | Stage::Charging(_)
            | Stage::Collecting(_)
            | Stage::Over) => return self.lost(stage),
            stage => self.release(stage),
        }
        self.respond(
            Answer::error(499, "client_gone", "The client went away. Nothing was charged.").uncharged(),
        )
    }

    /// An event that does not belong: nothing more is done, and what was reserved is given back.
    pub(crate) fn lost(&mut self, stage: Stage) -> Action {
        self.release(stage);
        self.respond(Answer::error(500, "gate_out_of_step", "The gate lost its place."))
    }

    fn release(&mut self, stage: Stage) {
        match stage {
            Stage::Verifying(paying)
            | Stage::Admitting(paying)
            | Stage::Queueing(paying)
            | Stage::Working(paying) => self.let_go(&paying),
            Stage::Gift(gift) | Stage::Asking(_, gift) => self.return_gift(gift),
            // Its entry says how it stands, and the reconciler looks into it.
            _ => {}
        }
    }

    fn return_gift(&mut self, gift: Gift) {
        let (allowance, visit) = (Some(gift.allowance), self.id.clone());
        self.note(gift.shard, Command::Release { visit, claim: None, allowance, open: None });
    }
}
