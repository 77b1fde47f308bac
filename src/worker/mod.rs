//! The Cloudflare Workers shell of the paywall: does what the gate says and reports back. It decides nothing.

mod origin;
mod settings;
mod wires;

use crate::paywall::{Action, Answer, Delivery, Event, Gate, PlanQuery, RequestHead};
use origin::Served;
use std::rc::Rc;
use worker::{Context, Env, event, web_sys};

/// Answers one request: as the gate says, or with 500 and the key's name if the configuration is wrong, whatever
/// was asked (fail closed).
#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    match settings::gate(&env) {
        Ok(gate) => {
            let answer = serve(&gate, request, &env).await;
            if let Some(query) = gate.stale_plan(wires::now()) {
                context.wait_until(refresh(gate, query));
            }
            answer
        }
        Err(error) => {
            worker::console_error!("{}: {}", error.code(), error);
            wires::answer(Answer::misconfigured(&error))
        }
    }
}

/// Asks for a plan again, when nobody waits.
async fn refresh(gate: Rc<Gate>, query: PlanQuery) {
    let answer = wires::call(gate.settings(), &query.request).await.ok();
    gate.learn(&query, answer.as_ref(), wires::now());
}

/// One visit, from its first step to its answer.
async fn serve(gate: &Rc<Gate>, request: web_sys::Request, env: &Env) -> worker::Result<web_sys::Response> {
    let head = RequestHead {
        method: request.method(),
        url: request.url(),
        headers: wires::headers(&request.headers()),
        seed: wires::chance(),
        now: wires::now(),
    };
    let (mut visit, mut action) = gate.open(&head);
    let mut origin: Option<Served> = None;
    loop {
        let event = match action {
            Action::Respond(answer) => {
                if let Some(origin) = &origin {
                    wires::cancel(&origin.response);
                }
                return wires::answer(answer);
            }
            Action::Deliver(Delivery { headers, journal }) => {
                if let Some(journal) = journal {
                    worker::console_error!("{}", journal.line());
                }
                return wires::deliver(origin, headers);
            }
            Action::Call(call) => match wires::call(gate.settings(), &call).await {
                Ok(answer) => Event::Answered(answer),
                Err(silence) => Event::Unanswered(silence),
            },
            Action::Forward(forward) => match origin::ask(&request, &forward, env).await {
                Ok(served) => {
                    let head = served.head.clone();
                    origin = Some(served);
                    Event::Origin(head)
                }
                Err(error) => {
                    worker::console_error!("origin: {}", error);
                    Event::OriginFailed
                }
            },
        };
        action = visit.on(event, wires::now());
    }
}
