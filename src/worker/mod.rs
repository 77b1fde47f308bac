//! The Cloudflare Workers shell of the paywall: does what the gate says and reports back. It decides nothing.

mod handler;
mod js;
mod meter;
mod origin;
mod report;
mod settings;
mod state;

pub use crate::paywall::PaymentContext;
use crate::paywall::{
    Action, Delivery, Ending, Event, Finish, Gate, Meter, PlanQuery, RequestFlow, RequestHead,
};
pub use handler::Paywall;

use meter::Metered;
use origin::Served;
use std::{sync::Arc, time::Duration};
use worker::{Context, Delay, Env, web_sys};
#[cfg(feature = "worker-entry")]
use {crate::paywall::GateResponse, worker::event};

/// Smaller and quicker than the default one of this target. Who uses the library chooses for themselves.
#[cfg(all(
    feature = "worker-entry",
    not(any(feature = "subscriber", feature = "paywall", feature = "builder")),
    target_family = "wasm"
))]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// Answers one request: as the gate says, or with 500 and the key's name if the configuration is wrong, whatever
/// was asked (fail closed).
#[cfg(feature = "worker-entry")]
#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    match settings::gate(&env).await {
        Ok(gate) => {
            let head = RequestHead::default();
            let shell = Shell { gate, request, env, origin: None, handler: None, price: None, head };
            serve(shell, &context).await
        }
        Err(error) => {
            worker::console_error!("{}: {}", error.code(), error);
            js::answer(GateResponse::misconfigured(&error), &env)
        }
    }
}

/// Answers one request, and asks behind it for a plan that was said too long ago.
async fn serve(shell: Shell, context: &Context) -> worker::Result<web_sys::Response> {
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

/// One request, and what is at hand to answer it.
struct Shell {
    gate: Arc<Gate>,
    request: web_sys::Request,
    env: Env,
    origin: Option<Served>,
    /// Who answers in the place of an origin, in the library.
    handler: Option<handler::Handler>,
    price: Option<handler::Price>,
    head: RequestHead,
}

impl Shell {
    /// One visit, from its first step to its answer. What comes after the answer nobody waits for.
    async fn serve(mut self, context: &Context) -> worker::Result<web_sys::Response> {
        let headers = js::headers(&self.request.headers());
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
        let (mut visit, mut action) = self.gate.open(&head);
        self.head = head;
        loop {
            action = match action {
                Action::Respond(answer) => {
                    if let Some(origin) = &self.origin {
                        js::cancel(&origin.response);
                    }
                    self.tell(&mut visit, context);
                    self.report(&mut visit);
                    return js::answer(answer, &self.env);
                }
                Action::Deliver(Delivery { headers, journal, meter }) => {
                    if let Some(journal) = journal {
                        worker::console_error!("{}", journal.line());
                    }
                    self.report(&mut visit);
                    let origin = self.origin.take();
                    let Some(meter) = meter else {
                        self.tell(&mut visit, context);
                        return js::deliver(origin, headers);
                    };
                    let served = origin.as_ref().map(|origin| &origin.response);
                    let metered = Metered::new(&meter, served, &self.request);
                    let body = match &metered {
                        Some(metered) => Some(metered.readable()),
                        None => served.and_then(web_sys::Response::body),
                    };
                    let response = js::deliver_body(origin, headers, body);
                    context.wait_until(self.afterwards(visit, meter, metered));
                    return response;
                }
                Action::Finish(_) => return Err("an answer ended that was not delivered".into()),
                Action::Call(_)
                | Action::State(_)
                | Action::Wait(_)
                | Action::Price(_)
                | Action::Forward(_) => {
                    let event = self.perform(action, &visit).await;
                    let event = if self.is_gone() && visit.client_left() { Event::ClientGone } else { event };
                    visit.handle_event(event, js::now())
                }
            };
        }
    }

    /// Whether the client is gone, as far as the runtime tells (`enable_request_signal`).
    fn is_gone(&self) -> bool {
        self.request.signal().aborted()
    }

    /// Does what an action says, where it is something to wait for.
    async fn perform(&mut self, action: Action, visit: &RequestFlow) -> Event {
        let settings = self.gate.settings();
        match action {
            Action::Call(call) => match js::call(settings, &call, Some(visit.correlation_id())).await {
                Ok(answer) => Event::Answered(answer),
                Err(silence) => Event::Unanswered(silence),
            },
            Action::State(call) => match state::ask(&self.env, &call, settings.timeout_ms()).await {
                Ok(reply) => Event::State(reply),
                Err(error) => {
                    worker::console_error!("state: {}", error);
                    Event::StateFailed
                }
            },
            Action::Forward(forward) => {
                let patience = settings.origin_timeout_ms();
                let answer = match self.handler.take() {
                    Some(handler) => {
                        let paid = visit.payment().map(PaymentContext::from);
                        origin::hand_over(&self.request, &forward, handler, paid, patience).await
                    }
                    None => origin::ask(&self.request, &forward, &self.env, patience).await,
                };
                match answer {
                    Ok(Some(served)) => {
                        let head = served.head.clone();
                        self.origin = Some(served);
                        Event::Origin(head)
                    }
                    Ok(None) => Event::OriginTimedOut,
                    Err(error) if origin::is_unusable(&error) => {
                        worker::console_error!("handler: {}", error);
                        Event::OriginUnusable
                    }
                    Err(error) => {
                        worker::console_error!("origin: {}", error);
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
                let request = question.request;
                let head = RequestHead {
                    method: request.method.as_str().into(),
                    url: request.url,
                    headers: request.headers,
                    ..self.head.clone()
                };
                Event::Price(self.price.as_ref().and_then(|price| price(&head, &question.route)))
            }
            Action::Respond(_) | Action::Deliver(_) | Action::Finish(_) => Event::Price(None),
        }
    }

    fn report(&self, visit: &mut RequestFlow) {
        if let Some(record) = visit.record() {
            report::write(&record, &self.env);
        }
    }

    /// Hands what the state has to know to the state, behind the answer.
    fn tell(&self, visit: &mut RequestFlow, context: &Context) {
        let notes = visit.take_deferred();
        if notes.is_empty() {
            return;
        }
        let (env, patience) = (self.env.clone(), self.gate.settings().timeout_ms());
        context.wait_until(async move { state::tell(&env, notes, patience).await });
    }

    /// Waits for the end of a body, and tells the state meanwhile that it goes on.
    async fn ended(&self, metered: &Metered, meter: &Meter) -> Ending {
        let Some(renew) = &meter.renew else { return metered.ended().await };
        loop {
            if let Some(ending) = origin::within(renew.every_ms, metered.ended()).await {
                return ending;
            }
            let patience = self.gate.settings().timeout_ms();
            if let Err(error) = state::ask_once(&self.env, &renew.call, patience).await {
                worker::console_error!("state: {}", error);
            }
        }
    }

    /// Goes on with a visit whose answer is on its way.
    async fn afterwards(mut self, mut visit: RequestFlow, meter: Meter, metered: Option<Metered>) {
        let ending = match &metered {
            Some(metered) if meter.to_the_end => self.ended(metered, &meter).await,
            _ => Ending::default(),
        };
        let mut action = visit.handle_event(Event::Ended(ending), js::now());
        loop {
            action = match action {
                Action::Finish(Finish { tail, journal }) => {
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
                    let event = self.perform(action, &visit).await;
                    visit.handle_event(event, js::now())
                }
            };
        }
        state::tell(&self.env, visit.take_deferred(), self.gate.settings().timeout_ms()).await;
    }
}
