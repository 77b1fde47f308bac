//! The loop that does what the buyer says: sends, asks, mints, and reports back. It decides nothing.

use super::convert::{approval, delegation, digits, function, policy, timeouts, whole};
use super::error::{aborted, from_fetch, set, spent_nothing};
use super::resources::Core;
use super::session::{Session, now};
use super::views;
use crate::bindings::http::{Fetcher, Head, Kept, sleep};
use crate::subscriber::{
    Action, Approval, CallId, CallResult, Command, Event, FetchId, FetchRequest, Finish, Offer, PlatformCall,
    Policy, Timeouts,
};
use crate::wire::DelegationRef;
use alloc::{boxed::Box, rc::Rc, sync::Arc, vec::Vec};
use core::future::Future;
use core::future::poll_fn;
use core::task::{Context, Poll, Waker};
use js_sys::{Array, Function, Object, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

/// What is read of a body that may hold an offer, in bytes: [`MAX_OFFER_BYTES`](crate::wire::MAX_OFFER_BYTES).
const MAX_BODY: u32 = 64 * 1024;

#[wasm_bindgen(module = "/src/bindings/subscriber/js/page.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn ask(
        approve: &Function,
        offer: &JsValue,
        plans: Core,
        plan_id: &str,
        kept: &Kept,
    ) -> Result<JsValue, JsValue>;
}

/// The next action of each fetch, who waits for it, and what has its timer.
///
/// Lists, not maps: a page has a handful of fetches under way, and a map is kilobytes of wasm.
#[derive(Default)]
pub(super) struct Mailbox {
    actions: Vec<(FetchId, Box<Action>)>,
    waiting: Vec<(FetchId, Waker)>,
    kept: Vec<(FetchId, Kept)>,
    /// Whom each fetch asks, and the number of the first that did.
    askers: Vec<(FetchId, (Function, u32))>,
}

/// Takes what is for `fetch` out of a list.
fn take<T>(list: &mut Vec<(FetchId, T)>, fetch: FetchId) -> Option<T> {
    let index = list.iter().position(|(other, _)| *other == fetch)?;
    Some(list.swap_remove(index).1)
}

/// What one call of `payments.fetch` may say differently from its instance.
#[derive(Clone, Default)]
pub(super) struct Hooks {
    policy: Option<Arc<Policy>>,
    limits: Option<Arc<Policy>>,
    approve: Option<Function>,
    select: Option<Function>,
    pub(super) delegation_id: Option<DelegationRef>,
    pub(super) fetcher: Fetcher,
    single_use: Option<bool>,
    prefetch: u32,
    timeouts: Timeouts,
    resume: Option<FetchId>,
}

impl Hooks {
    /// Reads them from the options of an instance, or of a call, where what is not given is the instance's.
    pub(super) fn read(options: &JsValue, instance: Option<&Self>) -> Result<Self, JsValue> {
        // Put together step by step: what was read until then is let go in one place.
        let mut hooks = match instance {
            Some(instance) => Self { limits: instance.policy.clone(), resume: None, ..instance.clone() },
            None => Self::default(),
        };
        hooks.policy = policy(options).or(hooks.policy.take());
        for (name, hook) in [("approve", &mut hooks.approve), ("select", &mut hooks.select)] {
            if let Some(given) = function(options, name) {
                *hook = Some(given);
            }
        }
        hooks.delegation_id = delegation(options)?;
        if let Some(fetch) = function(options, "fetch") {
            hooks.fetcher = Fetcher::new(Some(fetch));
        }
        hooks.single_use = whole(options, "tokenVersion").map(|version| version == 3).or(hooks.single_use);
        hooks.prefetch = whole(options, "prefetch").unwrap_or(hooks.prefetch);
        hooks.timeouts = timeouts(options, hooks.timeouts);
        hooks.resume = whole(options, "resume").map(Into::into);
        Ok(hooks)
    }
}

/// Fetches, and pays if need be.
///
/// With `quote`, nothing is paid: the result is the answer and the terms.
pub(super) async fn run(
    session: Rc<Session>,
    kept: Kept,
    mut hooks: Hooks,
    quote: bool,
    within: &JsValue,
) -> Result<JsValue, JsValue> {
    let mut request = FetchRequest {
        target: kept.target(),
        method: kept.method(),
        redirects: kept.redirects(),
        policy: hooks.policy.take(),
        limits: hooks.limits.take(),
        can_ask: hooks.approve.is_some(),
        asks: 0,
        within: None,
        delegation_id: hooks.delegation_id.take(),
        can_select: hooks.select.is_some(),
        single_use: hooks.single_use,
        prefetch: hooks.prefetch,
        quote,
        timeouts: hooks.timeouts,
        resume: hooks.resume,
    };
    let signal = kept.signal();
    if signal.aborted() {
        // Before it is opened: terms that are known would mint or order at once.
        return Err(spent_nothing(aborted(&signal.reason())));
    }
    let fetch = session.buyer.borrow_mut().name_fetch();
    let watcher = {
        let session = session.clone();
        Closure::<dyn FnMut(bool)>::new(move |late| {
            session.report(fetch, if late { Event::TimedOut } else { Event::Aborted });
        })
    };
    kept.watch(watcher.as_ref().unchecked_ref());
    {
        let mut mailbox = session.mailbox.borrow_mut();
        let Mailbox { kept: all, askers, .. } = &mut *mailbox;
        request.within =
            all.iter().find(|(_, other)| within == AsRef::<JsValue>::as_ref(other)).map(|(outer, _)| *outer);
        all.push((fetch, kept.clone()));
        if let Some(approve) = &hooks.approve {
            let same = askers.iter().find(|(_, (other, _))| other == approve).map(|(_, (_, number))| *number);
            request.asks = same.unwrap_or(fetch.number());
            askers.push((fetch, (approve.clone(), request.asks)));
        }
    }
    session.step(Step::Open(fetch, Box::new(request)));
    let mut course = Course { session, kept, hooks, fetch, quote, head: None, cause: None };
    let mut action = course.session.next_action(fetch).await;
    let result = loop {
        if let Action::Finish(finish) = &*action {
            break course.finish(finish);
        }
        let done = {
            let session = course.session.clone();
            let mut acting = core::pin::pin!(course.act(*action));
            // What comes while an action is under way is the end: an abort, a logout.
            poll_fn(|context| match acting.as_mut().poll(context) {
                Poll::Ready(event) => Poll::Ready(Ok(event)),
                Poll::Pending => session.poll_action(fetch, context).map(Err),
            })
            .await
        };
        action = match done {
            Err(end) => end,
            Ok(event) => {
                course.session.report(fetch, event);
                course.session.next_action(fetch).await
            }
        };
    };
    course.kept.done();
    {
        let mut mailbox = course.session.mailbox.borrow_mut();
        take(&mut mailbox.kept, fetch);
        take(&mut mailbox.askers, fetch);
    }
    result
}

struct Course {
    session: Rc<Session>,
    kept: Kept,
    hooks: Hooks,
    fetch: FetchId,
    /// Whether the terms are what is wanted.
    quote: bool,
    /// The seller's last answer.
    head: Option<Head>,
    /// What JavaScript threw last.
    cause: Option<JsValue>,
}

impl Course {
    async fn act(&mut self, action: Action) -> Event {
        match action {
            Action::Send(send) => match self.kept.present(&self.hooks.fetcher, &send).await {
                Ok(head) => {
                    let answer = head.look();
                    if let Some(old) = self.head.replace(head) {
                        old.drop();
                    }
                    Event::Answered(answer)
                }
                Err(cause) => {
                    self.cause = Some(cause);
                    Event::SendFailed
                }
            },
            Action::ReadBody => match &self.head {
                Some(head) => {
                    Event::Body(JsFuture::from(head.text(MAX_BODY)).await.ok().and_then(|t| t.as_string()))
                }
                None => Event::Body(None),
            },
            Action::Select(offers) => match self.select(&offers).await {
                Ok(choice) => Event::Selected(choice),
                Err(cause) => {
                    self.cause = Some(cause);
                    Event::ApproveFailed
                }
            },
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

    /// Which of several offers: the callback answers with one of them, or its place in the list.
    async fn select(&self, offers: &[Arc<Offer>]) -> Result<Option<usize>, JsValue> {
        let Some(select) = &self.hooks.select else { return Ok(None) };
        let list: Array = offers.iter().map(|offer| views::offer(offer)).collect();
        let answer = Promise::resolve(&select.call1(&JsValue::UNDEFINED, &list)?);
        let answer = JsFuture::from(self.kept.asked(&answer)).await?;
        let place = digits(&answer).and_then(|place| place.parse().ok());
        Ok(place.or_else(|| usize::try_from(list.index_of(&answer, 0)).ok()))
    }

    async fn ask(&self, offer: &Offer) -> Result<Approval, JsValue> {
        let Some(approve) = &self.hooks.approve else { return Ok(Approval::default()) };
        let plans = Core(self.session.clone());
        let answer = ask(approve, &views::offer(offer), plans, offer.plan_id().as_str(), &self.kept)?;
        approval(&JsFuture::from(self.kept.asked(&Promise::resolve(&answer))).await?)
    }

    fn finish(&mut self, finish: &Finish) -> Result<JsValue, JsValue> {
        self.session.buyer.borrow_mut().forget(self.fetch);
        match &finish.result {
            Ok(()) => {
                let result: JsValue = Object::new().into();
                if let Some(head) = &self.head {
                    set(&result, "response", &head.response());
                }
                if let Some(receipt) = &finish.receipt {
                    set(&result, "receipt", &views::receipt(receipt));
                }
                set(&result, "spend", &views::spend(&finish.spend, finish.receipt.as_deref()));
                if self.quote {
                    let offers: Array = finish.offers.iter().map(|offer| views::offer(offer)).collect();
                    set(&result, "offers", &offers);
                }
                Ok(result)
            }
            Err(error) => {
                let signal = self.kept.signal();
                if signal.aborted() {
                    self.cause = Some(signal.reason());
                }
                Err(from_fetch(error, finish, self.head.as_ref(), self.cause.as_ref()))
            }
        }
    }
}

/// Something that happens to the buyer.
pub(super) enum Step {
    Open(FetchId, Box<FetchRequest>),
    On(FetchId, Event),
    Finished(CallId, CallResult),
}

impl Session {
    fn step(self: &Rc<Self>, step: Step) {
        self.steps.borrow_mut().push(step);
        self.wake();
    }

    /// What is due is done now, or when the ledger says so.
    fn wake(self: &Rc<Self>) {
        if let Some(ledger) = self.ledger.get() {
            return ledger.wake();
        }
        self.take_up_orders();
        self.take_steps();
        self.keep_orders();
        self.pump();
    }

    pub(super) fn take_steps(&self) {
        let mut buyer = self.buyer.borrow_mut();
        for step in self.steps.take() {
            match step {
                Step::Open(fetch, request) => buyer.open_as(fetch, *request, now()),
                Step::On(fetch, event) => buyer.handle_event(fetch, event, now()),
                Step::Finished(job, result) => buyer.call_finished(job, result, now()),
            }
        }
    }

    /// Hands out what the buyer wants done: actions to their fetches, jobs to tasks of their own, news to listeners.
    pub(super) fn pump(self: &Rc<Self>) {
        let mut news = Vec::new();
        let mut woken = Vec::new();
        loop {
            let Some(command) = self.buyer.borrow_mut().poll_command() else { break };
            match command {
                Command::Do(fetch, action) => {
                    let mut mailbox = self.mailbox.borrow_mut();
                    // The newest replaces what was not begun: a token does not go out after an abort or a logout.
                    take(&mut mailbox.actions, fetch);
                    mailbox.actions.push((fetch, action));
                    woken.extend(take(&mut mailbox.waiting, fetch));
                }
                Command::Run(job) => spawn_local(work(self.clone(), job)),
                Command::Limit(fetch, limit) => {
                    let mailbox = self.mailbox.borrow();
                    if let Some((_, kept)) = mailbox.kept.iter().find(|(other, _)| *other == fetch) {
                        kept.limit(limit);
                    }
                }
                Command::Tell(notice) => news.push(notice),
            }
        }
        woken.into_iter().for_each(Waker::wake);
        if let Some(listener) = &self.on_event {
            for notice in &news {
                // A listener that throws hears the next event all the same.
                drop(listener.call1(&JsValue::UNDEFINED, &views::event(notice)));
            }
        }
    }

    fn report(self: &Rc<Self>, fetch: FetchId, event: Event) {
        self.step(Step::On(fetch, event));
    }

    async fn next_action(&self, fetch: FetchId) -> Box<Action> {
        poll_fn(|context| self.poll_action(fetch, context)).await
    }

    fn poll_action(&self, fetch: FetchId, context: &Context<'_>) -> Poll<Box<Action>> {
        let mut mailbox = self.mailbox.borrow_mut();
        take(&mut mailbox.waiting, fetch);
        match take(&mut mailbox.actions, fetch) {
            Some(action) => Poll::Ready(action),
            None => {
                mailbox.waiting.push((fetch, context.waker().clone()));
                Poll::Pending
            }
        }
    }

    /// Ends the session: nothing of it is used again.
    pub(super) fn log_out(self: &Rc<Self>) {
        *self.key.borrow_mut() = None;
        self.buyer.borrow_mut().log_out();
        self.wake();
    }
}

/// One job of the buyer's, on its own: an aborted fetch does not end what others wait for.
async fn work(session: Rc<Session>, job: PlatformCall) {
    if job.delay_ms > 0 {
        sleep(job.delay_ms).await;
    }
    let result = session.call(&job.request).await;
    session.step(Step::Finished(job.id, result));
}
