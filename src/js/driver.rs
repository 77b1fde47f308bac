//! The loop that does what the buyer says: sends, asks, mints, and reports back. It decides nothing.

use super::convert::approval;
use super::error::{from_fetch, reject_because, set};
use super::payments::ConsentContext;
use super::request::{Replay, answer_target, target_of};
use super::session::{Session, now};
use super::views::{EventView, Jsonish, OfferView, ReceiptView, SpendView};
use crate::subscriber::{
    Action, Answer, Command, Event, FetchId, FetchRequest, Finish, Job, Offer, Policy, Redirected, Redirects,
    Send,
};
use crate::transport::{bounded_text, sleep};
use crate::wire::{DelegationId, MAX_OFFER_BYTES, PAYMENT_REQUIRED, PAYMENT_RESPONSE};
use alloc::{boxed::Box, rc::Rc, vec::Vec};
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Poll, Waker};
use js_sys::{Function, Object, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

/// The next action of each fetch, and who waits for it.
///
/// Lists, not maps: a page has a handful of fetches under way, and a map is kilobytes of wasm.
#[derive(Default)]
pub(super) struct Mailbox {
    actions: Vec<(FetchId, Box<Action>)>,
    waiting: Vec<(FetchId, Waker)>,
}

/// Takes what is for `fetch` out of a list.
fn take<T>(list: &mut Vec<(FetchId, T)>, fetch: FetchId) -> Option<T> {
    let index = list.iter().position(|(other, _)| *other == fetch)?;
    Some(list.swap_remove(index).1)
}

/// What one call of `payments.fetch` may say differently from its instance.
pub(super) struct Hooks {
    pub(super) policy: Option<Policy>,
    pub(super) approve: Option<Function>,
    pub(super) delegation_id: Option<DelegationId>,
}

/// Fetches, and pays if need be.
pub(super) async fn run(session: Rc<Session>, replay: Replay, hooks: Hooks) -> Result<JsValue, JsValue> {
    let request = FetchRequest {
        target: replay.target.clone(),
        method: replay.method(),
        redirects: replay.redirects(),
        policy: hooks.policy,
        can_ask: hooks.approve.is_some(),
        delegation_id: hooks.delegation_id,
    };
    let fetch = session.buyer.borrow_mut().open(request, now());
    let signal = replay.signal();
    let mut course = Course { session, replay, approve: hooks.approve, fetch, response: None, cause: None };
    loop {
        course.session.pump();
        let action = unless_aborted(&signal, course.session.next_action(fetch)).await;
        let event = match action.map(|action| *action) {
            Some(Action::Finish(finish)) => return course.finish(&finish),
            Some(action) => unless_aborted(&signal, course.act(action)).await,
            None => None,
        };
        let aborted = event.is_none();
        course.report(event.unwrap_or(Event::Aborted));
        if aborted {
            course.session.pump();
            // The buyer ends an aborted fetch at once.
            if let Action::Finish(finish) = *course.session.next_action(fetch).await {
                return course.finish(&finish);
            }
        }
    }
}

struct Course {
    session: Rc<Session>,
    replay: Replay,
    approve: Option<Function>,
    fetch: FetchId,
    /// The seller's last answer.
    response: Option<web_sys::Response>,
    /// What JavaScript threw last.
    cause: Option<JsValue>,
}

impl Course {
    fn report(&self, event: Event) {
        self.session.buyer.borrow_mut().on(self.fetch, event, now());
    }

    async fn act(&mut self, action: Action) -> Event {
        match action {
            Action::Send(send) => self.send(&send).await,
            Action::ReadBody => Event::Body(self.read_body().await),
            Action::Ask(offer) => match self.ask(&offer).await {
                Ok(approval) => Event::Approved(approval),
                Err(cause) => {
                    self.cause = Some(cause);
                    Event::ApproveFailed
                }
            },
            // The loop's own.
            Action::Finish(_) => Event::Aborted,
        }
    }

    async fn send(&mut self, send: &Send) -> Event {
        let sent = match self.replay.build(send) {
            Ok(request) => self.session.fetcher.send(&request).await,
            Err(cause) => Err(cause),
        };
        match sent {
            Ok(response) => {
                let answer = look_at(&response, send);
                if let Some(body) = self.response.replace(response).and_then(|old| old.body()) {
                    // An answer that nobody will read is let go; that it was is of no interest.
                    if !body.locked() {
                        drop(body.cancel());
                    }
                }
                Event::Answered(answer)
            }
            Err(cause) => {
                self.cause = Some(cause);
                Event::SendFailed
            }
        }
    }

    /// The last answer's body, read from a copy: the answer itself stays readable.
    async fn read_body(&self) -> Option<alloc::string::String> {
        let copy = self.response.as_ref()?.clone().ok()?;
        bounded_text(&copy, MAX_OFFER_BYTES).await
    }

    async fn ask(&self, offer: &Offer) -> Result<crate::subscriber::Approval, JsValue> {
        let Some(approve) = &self.approve else { return Ok(crate::subscriber::Approval::default()) };
        let context =
            ConsentContext::new(self.session.clone(), offer.plan_id().clone(), self.replay.signal());
        let answer = approve.call2(&JsValue::UNDEFINED, &OfferView::of(offer).to_js(), &context.into())?;
        approval(&JsFuture::from(Promise::resolve(&answer)).await?)
    }

    fn finish(mut self, finish: &Finish) -> Result<JsValue, JsValue> {
        self.session.buyer.borrow_mut().forget(self.fetch);
        let aborted = self.replay.signal().aborted();
        match (&finish.result, &self.response) {
            (Ok(()), Some(response)) => {
                let result: JsValue = Object::new().into();
                set(&result, "response", response);
                if let Some(receipt) = &finish.receipt {
                    set(&result, "receipt", &ReceiptView::of(receipt).to_js());
                }
                set(&result, "spend", &SpendView::of(finish).to_js());
                Ok(result)
            }
            (Ok(()), None) => Err(reject_because("no answer", "internal", &JsValue::UNDEFINED)),
            (Err(error), response) => {
                if aborted {
                    self.cause = Some(self.replay.signal().reason());
                }
                Err(from_fetch(error, finish, response.as_ref(), self.cause.as_ref()))
            }
        }
    }
}

/// The head of an answer, for the buyer.
fn look_at(response: &web_sys::Response, send: &Send) -> Answer {
    let headers = response.headers();
    let header = |name| headers.get(name).ok().flatten();
    let target = answer_target(response);
    let status = response.status();
    let hidden = response.type_() == web_sys::ResponseType::Opaqueredirect;
    let location = match (send.redirects, hidden, status) {
        (Redirects::Manual, true, _) => Some(Redirected::Somewhere),
        (Redirects::Manual, false, 301 | 302 | 303 | 307 | 308) => {
            let from = target.as_ref().map(|target| target.url.as_str());
            header("location").and_then(|to| target_of(&to, from)).map(Redirected::To)
        }
        _ => None,
    };
    Answer {
        status,
        redirected: response.redirected(),
        offer: header(PAYMENT_REQUIRED),
        receipt: header(PAYMENT_RESPONSE),
        location,
        target,
    }
}

impl Session {
    /// Hands out what the buyer wants done: actions to their fetches, jobs to tasks of their own, news to listeners.
    fn pump(self: &Rc<Self>) {
        let mut news = Vec::new();
        let mut woken = Vec::new();
        loop {
            let Some(command) = self.buyer.borrow_mut().next_command() else { break };
            match command {
                Command::Do(fetch, action) => {
                    let mut mailbox = self.mailbox.borrow_mut();
                    mailbox.actions.push((fetch, action));
                    woken.extend(take(&mut mailbox.waiting, fetch));
                }
                Command::Run(job) => spawn_local(work(self.clone(), job)),
                Command::Tell(notice) => news.push(notice),
            }
        }
        woken.into_iter().for_each(Waker::wake);
        if let Some(listener) = &self.on_event {
            for notice in &news {
                // A listener that throws hears the next event all the same.
                drop(listener.call1(&JsValue::UNDEFINED, &EventView::of(notice).to_js()));
            }
        }
    }

    async fn next_action(&self, fetch: FetchId) -> Box<Action> {
        poll_fn(|context| {
            let mut mailbox = self.mailbox.borrow_mut();
            match take(&mut mailbox.actions, fetch) {
                Some(action) => Poll::Ready(action),
                None => {
                    take(&mut mailbox.waiting, fetch);
                    mailbox.waiting.push((fetch, context.waker().clone()));
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Ends the session: nothing of it is used again.
    pub(super) fn log_out(self: &Rc<Self>) {
        *self.key.borrow_mut() = None;
        self.buyer.borrow_mut().log_out();
        self.pump();
    }
}

/// One job of the buyer's, on its own: an aborted fetch does not end what others wait for.
async fn work(session: Rc<Session>, job: Job) {
    if job.delay_ms > 0 {
        sleep(job.delay_ms).await;
    }
    let result = session.call(&job.request).await;
    session.buyer.borrow_mut().finished(job.id, result, now());
    session.pump();
}

/// The outcome of some work, or nothing once the signal has fired.
async fn unless_aborted<T>(signal: &web_sys::AbortSignal, work: impl Future<Output = T>) -> Option<T> {
    if signal.aborted() {
        return None;
    }
    let listener: core::cell::RefCell<Option<Closure<dyn FnMut()>>> = core::cell::RefCell::new(None);
    let fired = Promise::new(&mut |resolve, _| {
        let closure = Closure::once(move || {
            drop(resolve.call0(&JsValue::UNDEFINED));
        });
        drop(signal.add_event_listener_with_callback("abort", closure.as_ref().unchecked_ref()));
        *listener.borrow_mut() = Some(closure);
    });
    let mut fired = pin!(JsFuture::from(fired));
    let mut work = pin!(work);
    let outcome = poll_fn(|context| {
        if let Poll::Ready(outcome) = work.as_mut().poll(context) {
            return Poll::Ready(Some(outcome));
        }
        fired.as_mut().poll(context).map(|_| None)
    })
    .await;
    if let Some(closure) = listener.borrow_mut().take() {
        drop(signal.remove_event_listener_with_callback("abort", closure.as_ref().unchecked_ref()));
    }
    outcome
}
