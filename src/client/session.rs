//! The values that all fetches of a client share: the buyer, its commands, and the platform calls under way.

use crate::api::{self, retry::pause_before_retry};
use crate::subscriber::{
    Action, Approval, Buyer, CallId, CallResult, Command, FetchId, Offer, Policy, Timeouts,
};
use crate::transport::{CallError, Transport, call, now};
use crate::wire::{ApiKey, DelegationRef};
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) type Approve =
    Box<dyn Fn(Arc<Offer>) -> Pin<Box<dyn Future<Output = Approval> + Send>> + Send + Sync>;
type SharedCall = (CallId, Pin<Box<dyn Future<Output = CallResult> + Send>>);

/// The body of a platform call that took too long, with status 408: it may have been done.
const LATE: &str = r#"{"code":"platform_timeout","message":"Nevermined did not answer in time"}"#;

pub(super) struct Session<T> {
    connection: Arc<Connection<T>>,
    pub(super) policy: Arc<Policy>,
    pub(super) approve: Option<Approve>,
    pub(super) timeouts: Timeouts,
    state: Mutex<State>,
    /// The platform calls under way. Whichever fetch is polled takes them forward, so that none depends on the fetch that
    /// began it.
    calls: Mutex<Vec<SharedCall>>,
}

/// The connection to the platform.
pub(super) struct Connection<T> {
    pub(super) transport: T,
    key: ApiKey,
    backend: String,
    timeout: Duration,
}

/// The buyer, and what it wants of each fetch.
pub(super) struct State {
    pub(super) buyer: Buyer,
    /// The next action of each fetch. A newer one replaces it: a token does not go out after an abort.
    actions: Vec<(FetchId, Box<Action>)>,
    /// The new time limits, in milliseconds.
    limits: Vec<(FetchId, Option<u32>)>,
    waiting: Vec<(FetchId, Waker)>,
}

/// The next action of a fetch, and a new limit of its step in milliseconds, or that it has none.
pub(super) type Due = (Option<Box<Action>>, Option<Option<u32>>);

/// Takes the entry of a fetch out of a list.
fn take<V>(list: &mut Vec<(FetchId, V)>, fetch: FetchId) -> Option<V> {
    let index = list.iter().position(|(other, _)| *other == fetch)?;
    Some(list.swap_remove(index).1)
}

impl<T: Transport> Session<T> {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn new(
        transport: T,
        key: ApiKey,
        backend: String,
        delegation: Option<DelegationRef>,
        policy: Arc<Policy>,
        approve: Option<Approve>,
        timeouts: Timeouts,
        timeout: Duration,
    ) -> Self {
        let mut buyer = Buyer::new();
        buyer.log_in(key.account().map(Into::into), delegation);
        Self {
            connection: Arc::new(Connection { transport, key, backend, timeout }),
            policy,
            approve,
            timeouts,
            state: Mutex::new(State { buyer, actions: Vec::new(), limits: Vec::new(), waiting: Vec::new() }),
            calls: Mutex::default(),
        }
    }

    pub(super) fn transport(&self) -> &T {
        &self.connection.transport
    }

    /// Sends a call of the platform, again where that is safe and may help.
    pub(super) async fn call(&self, request: &api::Request) -> CallResult {
        self.connection.call(request).await
    }

    /// Lets something happen to the buyer, and hands out its commands.
    pub(super) fn step<R>(&self, happen: impl FnOnce(&mut Buyer) -> R) -> R {
        let mut begun: Vec<SharedCall> = Vec::new();
        let mut woken = Vec::new();
        let result = {
            let mut state = self.lock();
            let result = happen(&mut state.buyer);
            while let Some(command) = state.buyer.poll_command() {
                let State { actions, limits, waiting, .. } = &mut *state;
                match command {
                    Command::Do(fetch, action) => {
                        take(actions, fetch);
                        actions.push((fetch, action));
                        woken.extend(take(waiting, fetch));
                    }
                    Command::Limit(fetch, limit) => {
                        take(limits, fetch);
                        limits.push((fetch, limit));
                        woken.extend(take(waiting, fetch));
                    }
                    Command::Run(platform_call) => {
                        let connection = self.connection.clone();
                        let work = async move {
                            if platform_call.delay_ms > 0 {
                                connection
                                    .transport
                                    .sleep(Duration::from_millis(platform_call.delay_ms))
                                    .await;
                            }
                            connection.call(&platform_call.request).await
                        };
                        begun.push((platform_call.id, Box::pin(work)));
                    }
                    Command::Tell(_) => {}
                }
            }
            if !begun.is_empty() {
                woken.extend(state.waiting.drain(..).map(|(_, waker)| waker));
            }
            result
        };
        self.calls().append(&mut begun);
        woken.into_iter().for_each(Waker::wake);
        result
    }

    /// The next action of a fetch, and the new limit of its step. Meanwhile takes the platform calls forward.
    pub(super) fn poll_action(&self, fetch: FetchId, context: &mut Context<'_>) -> Poll<Due> {
        // Another fetch may be polling the calls in this moment, and wakes this one when they bring something.
        let mut calls = core::mem::take(&mut *self.calls());
        while !calls.is_empty() {
            let mut finished = Vec::new();
            calls.retain_mut(|(id, work)| match work.as_mut().poll(context) {
                Poll::Ready(result) => {
                    finished.push((*id, result));
                    false
                }
                Poll::Pending => true,
            });
            if finished.is_empty() {
                break;
            }
            for (id, result) in finished {
                self.step(|buyer| buyer.call_finished(id, result, now()));
            }
            // The results may have begun others.
            calls.append(&mut self.calls());
        }
        self.calls().append(&mut calls);
        let mut state = self.lock();
        let State { actions, limits, waiting, .. } = &mut *state;
        take(waiting, fetch);
        let (action, limit) = (take(actions, fetch), take(limits, fetch));
        if action.is_none() && limit.is_none() {
            waiting.push((fetch, context.waker().clone()));
            return Poll::Pending;
        }
        Poll::Ready((action, limit))
    }

    /// Forgets a fetch that is over or was dropped, and lets the others take the calls forward.
    pub(super) fn close(&self, fetch: FetchId) {
        self.step(|buyer| {
            // Without effect on one that has finished.
            buyer.handle_event(fetch, crate::subscriber::Event::Aborted, now());
            buyer.forget(fetch);
        });
        let woken = {
            let mut state = self.lock();
            take(&mut state.actions, fetch);
            take(&mut state.limits, fetch);
            core::mem::take(&mut state.waiting)
        };
        woken.into_iter().for_each(|(_, waker)| waker.wake());
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn calls(&self) -> MutexGuard<'_, Vec<SharedCall>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Transport> Connection<T> {
    async fn call(&self, request: &api::Request) -> CallResult {
        let mut random = [0; 17];
        // Without random bytes the id is not new, which costs no more than a search in a log.
        let _ = getrandom::fill(&mut random);
        let [jitter, id @ ..] = random;
        let correlation = format!("{:032x}", u128::from_be_bytes(id));
        let mut tries = 0;
        loop {
            tries += 1;
            let (backend, key) = (self.backend.as_str(), Some(self.key.secret()));
            let result = call(&self.transport, backend, request, key, Some(&correlation), self.timeout).await;
            let status = result.as_ref().ok().map(|response| response.status);
            match pause_before_retry(status, tries, None, jitter) {
                Some(pause) if request.is_idempotent() => {
                    self.transport.sleep(Duration::from_millis(pause)).await;
                }
                _ => {
                    return match result {
                        Ok(response) => Some(response),
                        Err(CallError::TimedOut) => Some(api::Response {
                            status: 408,
                            body: LATE.into(),
                            correlation_id: Some(correlation),
                        }),
                        Err(CallError::Unreachable | CallError::Unreadable) => None,
                    };
                }
            }
        }
    }
}
