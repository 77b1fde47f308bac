//! A request that waits for the terms of its plan.

use super::context::Context;
use super::progress::{Next, Progress};
use crate::paywall::action::{Action, RequestHead};
use crate::paywall::event::Event;
use crate::paywall::facilitator::plan_terms::PlanQuery;
use crate::paywall::response::gate_response::GateResponse;
use crate::wire::PlanId;
use alloc::boxed::Box;

/// How often a request looks if another one has learned the terms, in milliseconds. It cannot await the other's call: in
/// workerd a call belongs to the request that began it, and ends with it.
const LOOK_MS: u32 = 20;

/// A request that waits for the terms of its plan: its own call asks for them, or another request's.
#[derive(Debug)]
pub(crate) struct PlanLookup {
    request: Box<RequestHead>,
    query: PlanQuery,
}

impl PlanLookup {
    /// Asks for a plan, unless another request does, or the platform has just failed to answer.
    pub(crate) fn begin(
        plan_id: PlanId,
        request: &RequestHead,
        context: &Context,
    ) -> Result<(Self, Action), GateResponse> {
        let plans = &context.shared.plans;
        if plans.is_pausing(&plan_id, request.now) {
            return Err(plan_unknown());
        }
        let asked = plans.in_flight(&plan_id, request.now);
        let query = PlanQuery::new(plan_id);
        let action = if asked { Action::Wait(LOOK_MS) } else { Action::Call(query.request.clone()) };
        Ok((Self { request: Box::new(request.clone()), query }, action))
    }

    /// Stores the answer, and has the request looked at as if it came now.
    pub(crate) fn handle(self, event: &Event, context: &Context) -> Progress<Self> {
        let Self { mut request, query } = self;
        request.now = context.now;
        let answer = match event {
            Event::Answered(answer) => Some(answer),
            Event::Unanswered(_) => None,
            Event::Waited => return Progress::Next(Next::Open(request)),
            _ => return Progress::Done(context.unexpected_event()),
        };
        let environment = context.settings().environment();
        context.shared.plans.learn(&query, answer, environment, context.now);
        Progress::Next(Next::Open(request))
    }
}

pub(crate) fn plan_unknown() -> GateResponse {
    let message = "The plan of this resource could not be read. Nothing was charged; try again later.";
    GateResponse::unavailable("plan_unknown", message)
}
