//! One request: does what the gate says and reports back.

use super::dialects::{self, Speaker};
use super::hooks::{self, Handler, Hooks, PriceRequest};
use super::meter::Metered;
use super::time_limit::within;
use super::{durable_object, js, origin, report, settings};
use crate::paywall::dialects::Envelope;
use crate::paywall::{
    Action, Delivery, Ending, Event, Gate, GateResponse, Meter, OriginResponse, PaymentContext, Phase,
    PlanQuery, RequestFlow, RequestHead, StreamEnd,
};
use std::{rc::Rc, sync::Arc, time::Duration};
use worker::{Context, Delay, Env, web_sys};

/// Answers one request, and asks behind it for a plan that was said too long ago.
pub(super) async fn serve(shell: Shell, context: &Context) -> worker::Result<web_sys::Response> {
    let (gate, env) = (shell.gate.clone(), shell.env.clone());
    let answer = shell.serve(context).await;
    if settings::is_stale(&env) {
        context.wait_until(async move { settings::refresh(&env).await });
    }
    if let Some(query) = gate.stale_plan(js::now()) {
        context.wait_until(refresh(gate, query));
    }
    answer
}

/// Asks for a plan again, when nobody waits.
async fn refresh(gate: Arc<Gate>, query: PlanQuery) {
    let answer = js::call(gate.settings(), &query.request, None).await.ok();
    gate.learn(&query, answer.as_ref(), js::now());
}

/// One of the hooks of a payment.
type HookOf = fn(&Hooks) -> Option<&hooks::PaymentHook>;

/// The phase of the payment that is under way.
fn phase(flow: &RequestFlow) -> Option<Phase> {
    flow.payment().map(|payment| payment.phase)
}

/// One request, and what is at hand to answer it.
pub(super) struct Shell {
    pub(super) gate: Arc<Gate>,
    pub(super) request: web_sys::Request,
    pub(super) env: Env,
    /// The handler's answer.
    pub(super) answer: Option<web_sys::Response>,
    /// The handler, until it is called.
    pub(super) handler: Option<Handler>,
    pub(super) hooks: Hooks,
    /// The hooks of the payment were called.
    pub(super) asked: bool,
    /// The dialects beside x402 with plans, where there are any.
    pub(super) speaker: Option<Rc<Speaker>>,
    /// The request in another dialect, where the gate speaks any.
    pub(super) envelope: Option<Envelope>,
}

impl Shell {
    /// One request, from its first step to its answer. What comes after the answer nobody waits for.
    async fn serve(mut self, context: &Context) -> worker::Result<web_sys::Response> {
        let mut headers = js::headers(&self.request.headers());
        if let Some(speaker) = &self.speaker {
            match speaker.enter(&self.request, &mut headers, self.gate.settings()).await? {
                Ok(envelope) => self.envelope = Some(envelope),
                Err(refused) => return js::answer(&refused),
            }
        }
        let head = RequestHead {
            method: self.request.method(),
            url: self.request.url(),
            address: js::client_address(&self.request, &headers),
            headers,
            body_gone: js::is_gone(self.request.body_used(), self.request.body()),
            // The handler is chosen by nobody before the gate.
            routed: false,
            seed: js::seed()?,
            now: js::now(),
        };
        let (mut flow, mut action) = self.gate.open(&head);
        action = self.known_payment(&mut flow, action).await;
        loop {
            action = match action {
                Action::Respond(answer) => {
                    if let Some(answer) = &self.answer {
                        js::cancel(answer);
                    }
                    self.tell(&mut flow, context);
                    self.report(&mut flow);
                    let answer = match (&self.speaker, &self.envelope) {
                        (Some(speaker), Some(envelope)) => {
                            speaker.answer(envelope, answer, self.gate.settings()).await
                        }
                        _ => answer,
                    };
                    return self.own_answer(&flow, &answer);
                }
                Action::Deliver(Delivery { mut headers, journal, meter }) => {
                    if let Some(journal) = journal {
                        worker::console_error!("{}", journal.line());
                    }
                    self.report(&mut flow);
                    let answer = self.answer.take();
                    if let (Some(speaker), Some(envelope), Some(answer)) =
                        (&self.speaker, &self.envelope, &answer)
                    {
                        envelope.finish(&speaker.dialects, answer.status(), &mut headers);
                    }
                    let Some(meter) = meter else {
                        self.tell(&mut flow, context);
                        return js::deliver(answer, &headers);
                    };
                    let metered = Metered::new(&meter, answer.as_ref(), &self.request);
                    let body = match &metered {
                        Some(metered) => Some(metered.readable()),
                        None => answer.as_ref().and_then(web_sys::Response::body),
                    };
                    let response = js::deliver_body(answer, &headers, body);
                    context.wait_until(self.afterwards(flow, meter, metered));
                    return response;
                }
                Action::Finish(_) => return Err("an answer ended that was not delivered".into()),
                Action::Call(_)
                | Action::State(_)
                | Action::Wait(_)
                | Action::Price(_)
                | Action::Forward(_) => self.next(action, &mut flow).await,
            };
        }
    }

    /// Performs an action, calls the hooks, and returns the next action.
    async fn next(&mut self, action: Action, flow: &mut RequestFlow) -> Action {
        let verifies = matches!(action, Action::Call(_)) && phase(flow) == Some(Phase::Verifying);
        let refused = match verifies && !self.asked {
            true => self.payment_hook(flow, |hooks| hooks.before_verify.as_ref()).await,
            false => None,
        };
        self.asked |= verifies;
        let event = match refused {
            Some(refused) => refused,
            None => self.perform(action, flow).await,
        };
        let event = if self.is_gone() && flow.client_left() { Event::ClientGone } else { event };
        let mut action = flow.handle_event(event, js::now());
        if verifies && phase(flow) == Some(Phase::Verified) {
            let refused = self.payment_hook(flow, |hooks| hooks.after_verify.as_ref()).await;
            if let Some(refused) = refused {
                action = flow.handle_event(refused, js::now());
            }
        }
        let action = self.known_payment(flow, action).await;
        self.after_settle(flow).await;
        action
    }

    /// Calls the hooks of a payment whose verification is cached: they hear of every payment.
    async fn known_payment(&mut self, flow: &mut RequestFlow, action: Action) -> Action {
        if self.asked || phase(flow) != Some(Phase::Verified) {
            return action;
        }
        self.asked = true;
        let hooks: [HookOf; 2] = [|hooks| hooks.before_verify.as_ref(), |hooks| hooks.after_verify.as_ref()];
        for hook in hooks {
            if let Some(refused) = self.payment_hook(flow, hook).await {
                return flow.handle_event(refused, js::now());
            }
        }
        action
    }

    /// Calls a hook of the present payment; an event where it refuses.
    async fn payment_hook(&self, flow: &RequestFlow, hook: HookOf) -> Option<Event> {
        let hook = hook(&self.hooks)?;
        let payment = PaymentContext::from(flow.payment()?);
        hook(flow.request()?.clone(), payment).await.err().map(Event::Denied)
    }

    async fn after_settle(&self, flow: &mut RequestFlow) {
        if let Some(hook) = &self.hooks.after_settle
            && let Some(settled) = flow.settled_for()
            && let Some(request) = flow.request()
        {
            hook(request.clone(), settled).await;
        }
    }

    /// The gate's own answer, or the seller's words for it.
    fn own_answer(&self, flow: &RequestFlow, answer: &GateResponse) -> worker::Result<web_sys::Response> {
        let other = match (&self.hooks.payment_error, flow.request(), answer.status) {
            (Some(hook), Some(request), 402 | 503) => hook(request.clone(), answer),
            _ => None,
        };
        let Some(other) = other else { return js::answer(answer) };
        let other: web_sys::Response = other.into();
        let mut headers = js::headers(&other.headers());
        for (name, value) in answer.headers.iter() {
            let of_the_body = matches!(name, "content-type" | "content-length");
            if name == "cache-control" || !of_the_body && headers.get(name).is_none() {
                headers.set(name, value);
            }
        }
        let init = js::response_init(other.status(), &headers)?;
        Ok(web_sys::Response::new_with_opt_readable_stream_and_init(other.body().as_ref(), &init)?)
    }

    /// True if the client is gone, as far as the runtime tells (`enable_request_signal`).
    fn is_gone(&self) -> bool {
        self.request.signal().aborted()
    }

    /// Does what an action says, where it is something to wait for.
    async fn perform(&mut self, action: Action, flow: &RequestFlow) -> Event {
        let settings = self.gate.settings();
        match action {
            Action::Call(call) => {
                let (speaker, correlation) = (self.speaker.as_deref(), Some(flow.correlation_id()));
                match dialects::ask(speaker, settings, &call, correlation, self.envelope.as_mut()).await {
                    Ok(answer) => Event::Answered(answer),
                    Err(silence) => Event::Unanswered(silence),
                }
            }
            Action::State(call) => match durable_object::ask(&self.env, &call, settings.timeout_ms()).await {
                Ok(reply) => Event::State(reply),
                Err(error) => {
                    worker::console_error!("state: {}", error);
                    Event::StateFailed
                }
            },
            Action::Forward(forward) => {
                // A request is forwarded once.
                let Some(handler) = self.handler.take() else { return Event::OriginFailed };
                let paid = flow.payment().map(PaymentContext::from);
                let timeout = settings.origin_timeout_ms();
                match origin::hand_over(&self.request, &forward, handler, paid, timeout).await {
                    Ok(Some(answer)) => {
                        let headers = js::headers(&answer.headers());
                        let head = OriginResponse { status: answer.status(), headers };
                        self.answer = Some(answer);
                        Event::Origin(head)
                    }
                    Ok(None) => Event::OriginTimedOut,
                    Err(error) if origin::is_unusable(&error) => {
                        worker::console_error!("handler: {}", error);
                        Event::OriginUnusable
                    }
                    Err(error) => {
                        worker::console_error!("handler: {}", error);
                        Event::OriginFailed
                    }
                }
            }
            Action::Wait(ms) => {
                Delay::from(Duration::from_millis(ms.into())).await;
                Event::Waited
            }
            // Without a function no route is priced by one.
            Action::Price(question) => {
                let Some(price) = self.hooks.price.clone() else { return Event::Price(None) };
                let (request, too_large) = PriceRequest::new(
                    question.request,
                    Clone::clone(&self.request),
                    settings.max_body_bytes(),
                );
                match price(request, question.route).await {
                    _ if too_large.get() => Event::BodyTooLarge,
                    credits => Event::Price(credits),
                }
            }
            Action::Respond(_) | Action::Deliver(_) | Action::Finish(_) => Event::Price(None),
        }
    }

    fn report(&self, flow: &mut RequestFlow) {
        if let Some(record) = flow.record() {
            report::write(&record, &self.env);
        }
    }

    /// Hands what the state has to know to the state, behind the answer.
    fn tell(&self, flow: &mut RequestFlow, context: &Context) {
        let notes = flow.take_deferred();
        if notes.is_empty() {
            return;
        }
        let (env, patience) = (self.env.clone(), self.gate.settings().timeout_ms());
        context.wait_until(async move { durable_object::tell(&env, notes, patience).await });
    }

    /// Waits for the end of a body, and tells the state meanwhile that it goes on.
    async fn ended(&self, metered: &Metered, meter: &Meter) -> Ending {
        let Some(renew) = &meter.renew else { return metered.ended().await };
        loop {
            if let Some(ending) = within(renew.every_ms, metered.ended()).await {
                return ending;
            }
            let patience = self.gate.settings().timeout_ms();
            if let Err(error) = durable_object::ask_once(&self.env, &renew.call, patience).await {
                worker::console_error!("state: {}", error);
            }
        }
    }

    /// Goes on with a flow whose answer is on its way.
    async fn afterwards(mut self, mut flow: RequestFlow, meter: Meter, metered: Option<Metered>) {
        let ending = match &metered {
            Some(metered) if meter.to_the_end => self.ended(metered, &meter).await,
            _ => Ending::default(),
        };
        let mut action = flow.handle_event(Event::Ended(ending), js::now());
        loop {
            action = match action {
                Action::Finish(StreamEnd { tail, journal }) => {
                    if let Some(journal) = journal {
                        worker::console_error!("{}", journal.line());
                    }
                    if let Some(metered) = &metered {
                        metered.finish(tail);
                    }
                    break;
                }
                Action::Respond(_) | Action::Deliver(_) => break,
                action => {
                    let event = self.perform(action, &flow).await;
                    let action = flow.handle_event(event, js::now());
                    self.after_settle(&mut flow).await;
                    action
                }
            };
        }
        durable_object::tell(&self.env, flow.take_deferred(), self.gate.settings().timeout_ms()).await;
    }
}
