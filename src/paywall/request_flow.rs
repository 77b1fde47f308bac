use super::action::{Action, CanonicalRequest, RequestHead};
use super::event::Event;
use super::flow::context::Context;
use super::flow::flow_state::FlowState;
use super::flow::opening;
use super::flow::progress::{Next, Progress};
use super::observe::request_log::Record;
use super::payment_context::{Payment, Settled};
use super::shared::Shared;
use super::state::StateCall;
#[cfg(any(test, feature = "paywall"))]
use super::{event::OriginResponse, http::headers::HeaderList};
#[cfg(any(test, feature = "paywall"))]
use alloc::string::String;
use alloc::vec::Vec;

/// One request on its way through the gate: verify, origin, settle, deliver (rule 19).
///
/// The shell reports the result of each action to [`handle_event`](Self::handle_event), which returns the next action. The
/// flow is in one state at a time. An event that does not belong to that state ends it with a 500, and nothing is
/// delivered.
#[derive(Debug)]
pub struct RequestFlow {
    context: Context,
    state: FlowState,
}

/// Additions to the origin's answer to an open request.
#[cfg(any(test, feature = "paywall"))]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pass {
    /// The headers to set.
    pub(crate) headers: HeaderList,
    /// Where the answer has a `server-timing` header: its value, which the milliseconds complete.
    pub(crate) timing: Option<String>,
}

impl RequestFlow {
    /// Opens the flow of a request, and returns the first action.
    pub(crate) fn open(shared: &Shared, request: &RequestHead) -> (Self, Action) {
        let request = &*opening::with_token(request, &shared.settings);
        let mut flow = Self { context: Context::new(shared.clone(), request), state: FlowState::Done };
        let progress = opening::open(request, &mut flow.context);
        let action = flow.follow(progress);
        (flow, action)
    }

    /// Takes the result of the last action and returns the next one. `now` is in milliseconds since 1970.
    #[must_use]
    pub fn handle_event(&mut self, event: Event, now: u64) -> Action {
        self.context.now = now;
        self.context.log.on_event(&event, now);
        let state = core::mem::replace(&mut self.state, FlowState::Done);
        let progress = state.handle(event, &mut self.context);
        self.follow(progress)
    }

    /// Goes from phase to phase until there is an action.
    fn follow(&mut self, mut progress: Progress<FlowState>) -> Action {
        let context = &mut self.context;
        let mut action = loop {
            match progress {
                Progress::Wait(state, action) => {
                    self.state = state;
                    break action;
                }
                Progress::Done(action) => {
                    self.state = FlowState::Done;
                    break action;
                }
                Progress::Next(Next::Open(request)) => progress = opening::reopen(&request, context),
                Progress::Next(next) => progress = FlowState::begin(next, context),
            }
        };
        context.finish_action(&mut action, self.state.waits_for_earlier());
        action
    }

    /// The calls to send to the state once the flow has ended. Nobody waits for them, but they must arrive: each is sent
    /// again until it does, and may arrive more than once.
    #[must_use]
    pub fn take_deferred(&mut self) -> Vec<StateCall> {
        self.context.take_deferred()
    }

    /// True where the origin's headers are delivered as they are, beside those that the gate adds: on open routes and for
    /// requests that are passed on, unless CORS is the gate's to answer. The shell may leave them out of
    /// [`Event::Origin`] then, and sets the headers of the delivery on the origin's answer.
    #[must_use]
    pub fn delivers_unchanged(&self) -> bool {
        self.state.is_free() && !self.context.answers_cors()
    }

    /// Ends an open request before its origin is asked, and says what to add to the origin's answer: where nothing is
    /// looked at of that answer, and no line of a log waits for it. The shell has only the wait to report then
    /// ([`Gate::waited_for_origin`](super::Gate::waited_for_origin)). If the origin does not answer after all, the shell
    /// opens the request once more, calls [`take_back`](Self::take_back) and reports what happened.
    #[cfg(any(test, feature = "paywall"))]
    pub(crate) fn pass(&mut self) -> Option<Pass> {
        if !self.delivers_unchanged() || self.context.settings().manners.log {
            return None;
        }
        let timing = self.context.log.ends_early(self.context.settings().manners.timing);
        let origin = OriginResponse { status: 200, headers: HeaderList::new() };
        match self.handle_event(Event::Origin(origin), self.context.now) {
            Action::Deliver(delivery) => Some(Pass { headers: delivery.headers, timing }),
            _ => None,
        }
    }

    /// This request was [passed](Self::pass) before, and that came to nothing: it is not counted twice.
    #[cfg(any(test, feature = "paywall"))]
    pub(crate) fn take_back(&self) {
        self.context.log.take_back();
    }

    /// The request as the seller's hooks and price functions see it; `None` where it is not for a paid route.
    #[must_use]
    pub fn request(&self) -> Option<&CanonicalRequest> {
        self.context.request.as_ref()
    }

    /// The payment that is under way; `None` where there is none, or not yet.
    #[must_use]
    pub fn payment(&self) -> Option<Payment<'_>> {
        self.state.payment()
    }

    /// The settlement that was made; returned once.
    #[must_use]
    pub fn settled_for(&mut self) -> Option<Settled> {
        self.context.settlement.take()
    }

    /// True where a client that goes away now is not charged: nothing was sent to be settled (rule 22).
    #[must_use]
    pub fn is_uncharged(&self) -> bool {
        self.state.is_uncharged()
    }

    /// The client is gone before its answer began. Returns true if it is not charged: [`Event::ClientGone`] is to be
    /// reported then, in place of the result of the action. Otherwise the settle that is under way is not sent another
    /// time if it is not answered.
    pub fn client_left(&mut self) -> bool {
        self.context.client_gone = true;
        self.is_uncharged()
    }

    /// The id of this request that the client, the origin and the platform share: the `x-correlation-id` of each
    /// [`Action::Call`].
    #[must_use]
    pub fn correlation_id(&self) -> &str {
        self.context.log.correlation_id()
    }

    /// The record of the request, after [`Action::Respond`] or [`Action::Deliver`]; returned once.
    #[must_use]
    pub fn record(&mut self) -> Option<Record> {
        self.context.log.take_record()
    }
}
