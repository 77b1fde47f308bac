//! The states of a request, each of which is a type that owns its data.

use super::admission::Admission;
use super::context::Context;
use super::forwarded::Forwarded;
use super::plan_lookup::PlanLookup;
use super::progress::{Next, Progress};
use super::reservation::Admitting;
use super::settlement::Settlement;
use super::verification::Verification;
use crate::paywall::endpoints::journal::JournalRequest;
use crate::paywall::endpoints::receipts::ReceiptRequest;
use crate::paywall::endpoints::status::TokenCheck;
use crate::paywall::event::Event;
use crate::paywall::payment_context::{Payment, Phase};
use crate::paywall::response::gate_response::GateResponse;
use alloc::string::String;

/// How many characters of a refusal by the seller's code a buyer receives.
const MAX_REFUSAL_CHARS: usize = 500;

/// The state of a request.
#[derive(Debug)]
pub(crate) enum FlowState {
    /// It waits for the terms of its plan.
    LookingUpPlan(PlanLookup),
    /// It asks for a receipt.
    Receipt(ReceiptRequest),
    /// It asks for the journal.
    Journal(JournalRequest),
    /// It asks if its token would pay.
    CheckingToken(TokenCheck),
    /// It waits for something before its payment is verified.
    Admission(Admission),
    /// Its token is verified.
    Verifying(Verification),
    /// The state admits its payment.
    Admitting(Admitting),
    /// It is at the origin.
    Forwarded(Forwarded),
    /// Its answer is settled.
    Settlement(Settlement),
    /// It was answered.
    Done,
}

impl FlowState {
    /// The state after an event that waits for its action, the end of the request, or the next phase.
    pub(crate) fn handle(self, event: Event, context: &mut Context) -> Progress<Self> {
        match (self, event) {
            (state, Event::ClientGone) => state.client_left(context),
            (state, Event::Denied(words)) => state.denied(&words, context),
            (Self::LookingUpPlan(lookup), event) => lookup.handle(&event, context).map(Self::LookingUpPlan),
            (Self::Receipt(request), event) => request.handle(event, context).map(Self::Receipt),
            (Self::Journal(request), event) => request.handle(event, context).map(Self::Journal),
            (Self::CheckingToken(check), event) => check.handle(&event, context).map(Self::CheckingToken),
            (Self::Admission(state), event) => state.handle(event, context).map(Self::Admission),
            (Self::Verifying(state), event) => state.handle(event, context).map(Self::Verifying),
            (Self::Admitting(state), event) => state.handle(event, context).map(Self::Admitting),
            (Self::Forwarded(state), event) => state.handle(event, context).map(Self::Forwarded),
            (Self::Settlement(state), event) => state.handle(event, context).map(Self::Settlement),
            (Self::Done, _) => Progress::Done(context.unexpected_event()),
        }
    }

    /// Begins a phase. [`Next::Open`] is the opening's to begin.
    pub(crate) fn begin(next: Next, context: &mut Context) -> Progress<Self> {
        match next {
            Next::Open(_) => Progress::Done(context.unexpected_event()),
            Next::Verify(payment) => Verification::begin(payment).map(Self::Verifying),
            Next::Reserve(payment) => Admitting::begin(payment, context).map(Self::Admitting),
            Next::Forward(payment) => Forwarded::paid(payment, context).map(Self::Forwarded),
            Next::ForwardByAllowance(free, forward) => {
                Forwarded::by_allowance(free, *forward).map(Self::Forwarded)
            }
            Next::ForwardByPass(pass) => Forwarded::by_pass(pass).map(Self::Forwarded),
            Next::Settle(payment, origin) => {
                Settlement::begin(payment, origin, context).map(Self::Settlement)
            }
        }
    }

    /// The payment that is under way, and where it stands.
    pub(crate) fn payment(&self) -> Option<Payment<'_>> {
        let (payment, phase) = match self {
            Self::Verifying(state) => (&*state.payment, Phase::Verifying),
            Self::Admitting(state) => (state.payment().0, Phase::Verified),
            Self::Forwarded(Forwarded::Paid(payment)) => (&**payment, Phase::Verified),
            Self::Settlement(state) => (state.payment(), Phase::Answered),
            _ => return None,
        };
        Some(Payment::new(payment, phase))
    }

    /// True where a client that goes away now is not charged: nothing was sent to be settled (rule 22).
    pub(crate) fn is_uncharged(&self) -> bool {
        match self {
            Self::Settlement(state) => state.is_uncharged(),
            Self::Admitting(state) => !state.payment().1,
            Self::Done => false,
            _ => true,
        }
    }

    /// True where the request is at the origin, and nothing pays for it.
    pub(crate) fn is_free(&self) -> bool {
        matches!(self, Self::Forwarded(Forwarded::Free))
    }

    /// True where the request waits for an earlier one of its payer.
    pub(crate) fn waits_for_earlier(&self) -> bool {
        matches!(self, Self::Admitting(Admitting::Waiting(_)))
    }

    /// The client is gone: nothing is delivered, nothing is charged.
    fn client_left(self, context: &mut Context) -> Progress<Self> {
        match self {
            state if !state.is_uncharged() => {
                state.release(context);
                return Progress::Done(context.unexpected_event());
            }
            Self::Settlement(state) => state.abandon(context),
            state => state.release(context),
        }
        let answer = GateResponse::error(499, "client_gone", "The client went away. Nothing was charged.");
        Progress::Done(context.respond(answer.uncharged()))
    }

    /// The seller's own code refused the payment before the origin was asked: 402 with its message, and nothing is charged.
    fn denied(self, words: &str, context: &mut Context) -> Progress<Self> {
        let payment = match self {
            Self::Verifying(Verification { payment, .. })
            | Self::Admitting(Admitting::Asking(payment) | Admitting::Waiting(payment))
            | Self::Forwarded(Forwarded::Paid(payment)) => payment,
            state => {
                state.release(context);
                return Progress::Done(context.unexpected_event());
            }
        };
        let words: String = words.chars().take(MAX_REFUSAL_CHARS).collect();
        let words = if words.is_empty() { "The payment was refused." } else { &words };
        let answer =
            GateResponse::payment_required(&payment.verify.payment_required, "payment_denied", words);
        Progress::Done(context.reject(&payment, answer))
    }

    /// Gives back the reservations. The entry of a settlement stays: the reconciler looks into it.
    fn release(self, context: &mut Context) {
        match self {
            Self::Verifying(Verification { payment, .. }) => context.release(&payment),
            Self::Admission(state) => state.release(context),
            Self::Admitting(state) => state.release(context),
            Self::Forwarded(state) => state.release(context),
            _ => {}
        }
    }
}
