use super::client::Client;
use super::config::settings::Settings;
use super::facilitator::plan_terms::PlanLookup;
use super::facilitator::result;
use super::facilitator::result::{SettleResult, VerifyResult};
use super::facilitator::verification_cache::VerificationCache;
use super::flow::admission;
use super::flow::admission::{FreeAllowance, PaymentAttempt, PendingPayment};
use super::flow::debts::{Debt, SettledDebt};
use super::flow::pass_admission::PassAdmission;
use super::flow::settlement::SettlementAttempt;
use super::gate::{Action, CanonicalRequest, Delivery};
use super::http::headers;
use super::http::headers::HeaderList;
use super::observe::request_log::RequestLog;
use super::payment_context::Settled as Settlement;
use super::pricing::price::Ending;
use super::response::gate_response::GateResponse;
use super::state::{Command, Reply, StateCall};
use crate::api::{self, x402};
use crate::wire::{Credits, PAYMENT_RESPONSE};
use alloc::{rc::Rc, string::String, vec::Vec};
use core::cell::RefCell;

/// One request on its way through the gate: verify, origin, settle, deliver (rule 19).
///
/// It is told what happened with [`handle_event`](Self::handle_event) and says what to do next. It is in one stage at a time, and an
/// event that does not belong to it ends the visit with a 500 and nothing delivered.
#[derive(Debug)]
pub struct RequestFlow {
    pub(crate) log: RequestLog,
    pub(crate) settings: Rc<Settings>,
    pub(crate) cache: Rc<RefCell<VerificationCache>>,
    /// By what the state and the receipt know it.
    pub(crate) id: String,
    /// The time of the last event, in milliseconds since 1970.
    pub(crate) now: u64,
    /// The URL that this service is reached at, without a path.
    pub(crate) base: String,
    /// What the state is to be told when the visit is over.
    pub(crate) deferred: Vec<StateCall>,
    /// The `origin` header: the page that asks, where one does.
    pub(crate) page: Option<String>,
    /// Whether CORS is ours to say: not for what is only passed on.
    pub(crate) cors_applies: bool,
    /// Whether a WebSocket was asked for that is paid for: then a 101 is a success (rule 19).
    pub(crate) websocket: bool,
    /// Whether an answer has no body, since `HEAD` was asked.
    pub(crate) head_only: bool,
    /// Who asks, for pages and passes.
    pub(crate) client: Client,
    pub(crate) stage: Stage,
    /// The request as hooks and price functions see it, where it is for a paid route.
    pub(crate) request: Option<CanonicalRequest>,
    /// What was settled, for whoever asks.
    pub(crate) settlement: Option<Settlement>,
    /// Whether the client went away while the settle was under way.
    pub(crate) client_gone: bool,
    /// Whether its settle was sent.
    pub(crate) settle_sent: bool,
}

/// What happened to the last [`Action`].
#[derive(Debug, Clone)]
pub enum Event {
    /// The facilitator answered.
    Answered(api::Response),
    /// The facilitator did not, or not in full. What was asked may have happened.
    Unanswered(FacilitatorError),
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
    Origin(OriginResponse),
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
pub enum FacilitatorError {
    /// Not within the timeout.
    TimedOut,
    /// No connection, or it broke.
    Unreachable,
    /// More than [`MAX_ANSWER_BYTES`](api::MAX_ANSWER_BYTES), or not UTF-8.
    Unreadable,
}

/// An origin's response without its body.
#[derive(Debug, Clone, Default)]
pub struct OriginResponse {
    /// The HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderList,
}

#[derive(Debug)]
pub(crate) enum Stage {
    /// The platform is asked for a plan.
    LookingUpPlan(PlanLookup),
    /// A receipt is asked for.
    Receipt,
    /// The journal is asked for.
    Journal,
    /// An open or passed request is at the origin.
    ForwardedFree,
    /// The rate of an address is asked for.
    CheckingRate(PendingPayment),
    /// The seller's handler is asked.
    Pricing(PendingPayment),
    /// The allowance of an address is asked for.
    CheckingAllowance(PendingPayment, FreeAllowance),
    /// What is free of charge for want of a token is at the origin.
    ForwardedByAllowance(FreeAllowance),
    /// The rate of who holds a pass is asked for.
    CheckingPassRate(PassAdmission),
    /// What a pass pays for is at the origin.
    ForwardedByPass(PassAdmission),
    /// A token is at the facilitator, to be asked after and not to pay.
    CheckingToken(x402::Verify),
    /// The token is at the facilitator.
    Verifying(PaymentAttempt),
    /// What the request needs of the state is asked for.
    Admitting(PaymentAttempt),
    /// The payer has an answer that is not settled: the request waits for that.
    WaitingForEarlier(PaymentAttempt),
    /// The payer owes for an earlier answer, and that is being settled.
    SettlingDebt(Debt),
    /// It was, and what became of it is being written down.
    ClosingDebt(SettledDebt),
    /// The verified request is at the origin.
    ForwardedPaid(PaymentAttempt),
    /// The origin did it, and the settlement is being written down before it is sent.
    Journaling(SettlementAttempt),
    /// The origin did it, and waits for the settlement.
    Settling(SettlementAttempt),
    /// It is written down that an answer goes out that is settled later.
    JournalingDelivery(SettlementAttempt),
    /// The answer goes out.
    Delivering(SettlementAttempt),
    /// It went out, and what it costs is being written down.
    RecordingCharge(SettlementAttempt),
    /// It went out, and is being settled.
    SettlingDeferred(SettlementAttempt),
    /// It was answered.
    Done,
}

impl FacilitatorError {
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

impl OriginResponse {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl RequestFlow {
    /// Takes what happened, says what to do next. `now` is in milliseconds since 1970.
    #[must_use]
    pub fn handle_event(&mut self, event: Event, now: u64) -> Action {
        self.now = now;
        self.log.on_event(&event, now);
        let action = self.step(event, now);
        self.finish_action(action)
    }

    fn step(&mut self, event: Event, now: u64) -> Action {
        let stage = core::mem::replace(&mut self.stage, Stage::Done);
        match (stage, event) {
            (
                Stage::LookingUpPlan(waiting),
                event @ (Event::Answered(_) | Event::Unanswered(_) | Event::Waited),
            ) => self.plan_looked_up(waiting, &event, now),
            (stage, Event::ClientGone) => self.client_left_before_delivery(stage),
            (stage, Event::Denied(words)) => self.denied(stage, &words),
            (Stage::Receipt, Event::State(reply)) => self.found_receipt(reply),
            (Stage::Receipt | Stage::Journal, Event::StateFailed) => {
                self.respond(GateResponse::state_unavailable())
            }
            (Stage::Journal, Event::State(reply)) => self.found_journal(reply),
            (Stage::CheckingRate(pending), Event::State(reply)) => self.rate_checked(pending, &reply),
            (Stage::CheckingRate(_), Event::StateFailed) => self.state_unavailable(),
            (Stage::Pricing(pending), Event::Price(price)) => self.price_computed(pending, price),
            (Stage::Pricing(_), Event::BodyTooLarge) => {
                let message =
                    "The body of this request is too large to be priced by it. Nothing was charged.";
                self.respond(GateResponse::error(413, "body_too_large", message).uncharged())
            }
            (Stage::CheckingAllowance(pending, granted), Event::State(reply)) => {
                self.allowance_checked(pending, granted, &reply)
            }
            (Stage::CheckingAllowance(_, granted), Event::StateFailed) => {
                self.return_allowance(granted);
                self.state_unavailable()
            }
            (Stage::Verifying(payment), Event::Answered(answer)) => {
                let verdict = admission::verdict(&payment, &answer);
                self.verified(payment, verdict)
            }
            // Verify burns nothing, and a pooled connection may have died of old age: once more.
            (Stage::Verifying(mut payment), Event::Unanswered(FacilitatorError::Unreachable))
                if !payment.verify_retried =>
            {
                payment.verify_retried = true;
                let call = api::Call::request(&payment.verify);
                self.stage = Stage::Verifying(payment);
                Action::Call(call)
            }
            (Stage::Verifying(payment), Event::Unanswered(silence)) => {
                self.verified(payment, VerifyResult::Unavailable(silence.code().into()))
            }
            (Stage::Admitting(payment), Event::State(reply)) => self.admitted(payment, &reply),
            (Stage::Admitting(payment), Event::StateFailed) => self.admission_failed(&payment),
            (Stage::WaitingForEarlier(payment), Event::Waited) => self.reserve(payment),
            (Stage::SettlingDebt(debt), Event::Answered(answer)) => self.debt_settled(debt, Ok(&answer)),
            (Stage::SettlingDebt(debt), Event::Unanswered(silence)) => self.debt_settled(debt, Err(silence)),
            (Stage::ClosingDebt(cleared), Event::State(reply)) => self.debt_closed(cleared, Some(&reply)),
            (Stage::ClosingDebt(cleared), Event::StateFailed) => self.debt_closed(cleared, None),
            (Stage::CheckingPassRate(pass_admission), Event::State(reply)) => {
                self.pass_rate_checked(pass_admission, &reply)
            }
            (Stage::CheckingPassRate(_), Event::StateFailed) => self.state_unavailable(),
            (Stage::CheckingToken(verify), Event::Answered(answer)) => self.told(&verify, Ok(&answer)),
            (Stage::CheckingToken(verify), Event::Unanswered(silence)) => self.told(&verify, Err(silence)),
            (
                stage,
                event @ (Event::Origin(_)
                | Event::OriginFailed
                | Event::OriginTimedOut
                | Event::OriginUnusable),
            ) => self.origin_answered(stage, event),
            (Stage::Journaling(attempt), Event::State(reply)) => self.settlement_journaled(attempt, &reply),
            (Stage::Journaling(attempt), Event::StateFailed) => self.journal_failed(attempt),
            (Stage::Settling(attempt), Event::Answered(answer)) => {
                let settled = attempt.read(&answer);
                self.settled(attempt, settled)
            }
            (Stage::Settling(attempt), Event::Unanswered(silence)) => {
                self.settled(attempt, SettleResult::Unknown(silence.code().into()))
            }
            (Stage::JournalingDelivery(attempt), Event::State(reply)) => {
                self.delivery_journaled(attempt, &reply)
            }
            (Stage::JournalingDelivery(attempt), Event::StateFailed) => self.journal_failed(attempt),
            (Stage::Delivering(attempt), Event::Ended(ending)) => self.delivery_ended(attempt, &ending),
            (Stage::RecordingCharge(attempt), Event::State(_)) => self.settle_deferred(attempt),
            (Stage::RecordingCharge(attempt), Event::StateFailed) => {
                self.deferred_settled(attempt, SettleResult::NotTried("state_unavailable".into()))
            }
            (Stage::SettlingDeferred(attempt), Event::Answered(answer)) => {
                let settled = attempt.read(&answer);
                self.deferred_settled(attempt, settled)
            }
            (Stage::SettlingDeferred(attempt), Event::Unanswered(silence)) => {
                self.deferred_settled(attempt, SettleResult::Unknown(silence.code().into()))
            }
            (stage, _) => self.unexpected_event(stage),
        }
    }

    /// What the state is to be told once the visit is over: nobody waits for it, but it has to arrive, so it is told
    /// again until it does. Each may arrive more than once.
    #[must_use]
    pub fn take_deferred(&mut self) -> Vec<StateCall> {
        core::mem::take(&mut self.deferred)
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
                | Stage::SettlingDebt(_)
                | Stage::ClosingDebt(_)
                | Stage::Delivering(_)
                | Stage::RecordingCharge(_)
                | Stage::SettlingDeferred(_)
                | Stage::Done
        )
    }

    /// The client is gone before its answer began. Says whether it is not charged: [`Event::ClientGone`] is to be told then,
    /// in the place of what happened. Else the settle that is under way counts for nothing if nobody answers it: it is not
    /// settled another time.
    pub fn client_left(&mut self) -> bool {
        self.client_gone = true;
        self.is_uncharged()
    }

    /// Ends the visit with an answer of our own.
    pub(crate) fn respond(&self, mut answer: GateResponse) -> Action {
        // A preflight has said it all already.
        if self.cors_applies && answer.status != 204 {
            self.settings.cors.apply(self.page.as_deref(), &mut answer.headers);
        }
        Action::Respond(answer)
    }

    /// Ends a visit that has got no further than to be looked at: whoever sent a token with it is told that it was not
    /// charged.
    pub(crate) fn reject_early(&self, answer: GateResponse) -> Action {
        let failed = answer.status >= 400 && self.log.saw_token();
        self.respond(if failed { answer.uncharged() } else { answer })
    }

    /// Ends the visit with the origin's answer, as it is but for CORS.
    pub(crate) fn forward_response(&self, mut headers: HeaderList) -> Action {
        if self.cors_applies {
            self.settings.cors.apply(self.page.as_deref(), &mut headers);
        }
        Action::Deliver(Delivery { headers, journal: None, meter: None })
    }

    /// What came of the request at the origin.
    fn origin_answered(&mut self, stage: Stage, event: Event) -> Action {
        let paid = !matches!(stage, Stage::ForwardedFree);
        let answer = match (&stage, &event) {
            // Not to be told on: an interim answer, a socket that nobody asked for, a number beyond HTTP.
            (
                Stage::ForwardedFree
                | Stage::ForwardedPaid(_)
                | Stage::ForwardedByAllowance(_)
                | Stage::ForwardedByPass(_),
                Event::Origin(OriginResponse { status: status @ (..=199 | 600..), .. }),
            ) if *status != 101 || (paid && !self.websocket) => Some((
                502,
                "origin_garbled",
                "The service behind this gate made no sense. Nothing was charged.",
            )),
            (
                Stage::ForwardedFree
                | Stage::ForwardedPaid(_)
                | Stage::ForwardedByAllowance(_)
                | Stage::ForwardedByPass(_),
                Event::OriginFailed,
            ) => Some((
                502,
                "origin_unreachable",
                "The service behind this gate did not answer. Nothing was charged.",
            )),
            (
                Stage::ForwardedFree
                | Stage::ForwardedPaid(_)
                | Stage::ForwardedByAllowance(_)
                | Stage::ForwardedByPass(_),
                Event::OriginTimedOut,
            ) => Some((
                504,
                "origin_timeout",
                "The service behind this gate did not answer in time. Nothing was charged.",
            )),
            (
                Stage::ForwardedFree
                | Stage::ForwardedPaid(_)
                | Stage::ForwardedByAllowance(_)
                | Stage::ForwardedByPass(_),
                Event::OriginUnusable,
            ) => Some((
                502,
                "origin_unusable",
                "The body of the answer was read before it came to the gate, so it cannot be delivered. Nothing was charged.",
            )),
            _ => None,
        };
        if let Some((status, code, message)) = answer {
            self.release_stage(stage);
            return self.respond(GateResponse::error(status, code, message).uncharged());
        }
        match (stage, event) {
            (Stage::ForwardedFree, Event::Origin(origin)) => self.forward_response(origin.headers),
            (stage @ (Stage::ForwardedPaid(_) | Stage::ForwardedByAllowance(_)), Event::Origin(origin))
                if !origin.is_success() && origin.status != 101 =>
            {
                self.release_stage(stage);
                let mut headers = origin.headers;
                headers::keep_private(&mut headers);
                headers.set(PAYMENT_RESPONSE, result::not_settled());
                self.forward_response(headers)
            }
            (Stage::ForwardedByAllowance(_), Event::Origin(origin)) => self.deliver_by_allowance(origin),
            (Stage::ForwardedByPass(pass_admission), Event::Origin(origin)) => {
                self.deliver_by_pass(&pass_admission, &origin)
            }
            (Stage::ForwardedPaid(payment), Event::Origin(origin)) => self.start_settlement(payment, origin),
            (stage, _) => self.unexpected_event(stage),
        }
    }

    /// The client is gone: nothing is delivered, nothing is charged.
    fn client_left_before_delivery(&mut self, stage: Stage) -> Action {
        match stage {
            Stage::Journaling(attempt) | Stage::JournalingDelivery(attempt) => {
                self.release_entry(&attempt, "client_gone");
            }
            stage @ (Stage::Settling(_)
            | Stage::SettlingDebt(_)
            | Stage::ClosingDebt(_)
            | Stage::Delivering(_)
            | Stage::RecordingCharge(_)
            | Stage::SettlingDeferred(_)
            | Stage::Done) => return self.unexpected_event(stage),
            stage => self.release_stage(stage),
        }
        self.respond(
            GateResponse::error(499, "client_gone", "The client went away. Nothing was charged.").uncharged(),
        )
    }

    /// An event that does not belong: nothing more is done, and what was reserved is given back.
    pub(crate) fn unexpected_event(&mut self, stage: Stage) -> Action {
        self.release_stage(stage);
        self.respond(GateResponse::error(500, "gate_out_of_step", "Internal error: unexpected state."))
    }

    fn release_stage(&mut self, stage: Stage) {
        match stage {
            Stage::Verifying(payment)
            | Stage::Admitting(payment)
            | Stage::WaitingForEarlier(payment)
            | Stage::ForwardedPaid(payment) => self.release(&payment),
            Stage::ForwardedByAllowance(granted) | Stage::CheckingAllowance(_, granted) => {
                self.return_allowance(granted)
            }
            // Its entry says how it stands, and the reconciler looks into it.
            _ => {}
        }
    }

    fn return_allowance(&mut self, granted: FreeAllowance) {
        let (allowance, visit) = (Some(granted.allowance), self.id.clone());
        self.defer(granted.shard, Command::Release { visit, claim: None, allowance, open: None });
    }
}
