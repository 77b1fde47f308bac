//! The result of a step of the flow.

use super::pass_admission::PassAdmission;
use super::payment_attempt::{FreeAllowance, PaymentAttempt};
use crate::paywall::action::{Action, Forward, RequestHead};
use crate::paywall::event::OriginResponse;
use alloc::boxed::Box;

/// The result of a step: a state that waits for an action, the last action of the request, or the next phase.
#[derive(Debug)]
pub(crate) enum Progress<State> {
    /// The shell performs the action and reports its result to the state.
    Wait(State, Action),
    /// The request has ended with this action.
    Done(Action),
    /// The next phase takes over.
    Next(Next),
}

/// The beginning of a phase, with the data that it owns from now on.
#[derive(Debug)]
pub(crate) enum Next {
    /// Look at the request once more, now that the terms of its plan are known.
    Open(Box<RequestHead>),
    /// Verify the token.
    Verify(Box<PaymentAttempt>),
    /// Ask the state to admit the verified payment.
    Reserve(Box<PaymentAttempt>),
    /// Forward the request that is paid for.
    Forward(Box<PaymentAttempt>),
    /// Forward the request that an allowance pays for.
    ForwardByAllowance(FreeAllowance, Box<Forward>),
    /// Forward the request that a pass pays for.
    ForwardByPass(Box<PassAdmission>),
    /// Settle the payment: the origin did its work.
    Settle(Box<PaymentAttempt>, OriginResponse),
}

impl<State> Progress<State> {
    /// The same with the state inside another one.
    pub(crate) fn map<Outer>(self, outer: impl FnOnce(State) -> Outer) -> Progress<Outer> {
        match self {
            Self::Wait(state, action) => Progress::Wait(outer(state), action),
            Self::Done(action) => Progress::Done(action),
            Self::Next(next) => Progress::Next(next),
        }
    }
}
