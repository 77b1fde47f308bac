//! The task that does what comes due in the state: it settles again what may be, and tells the seller's journal.

use super::dialects;
use super::shared::Shared;
use super::state::State;
use crate::paywall::state::shell_limits::MAX_JOBS;
use crate::paywall::state::{self, Job, PlatformResponse, Rows, RowsError, Task};
use crate::transport::{Transport, now};
use core::time::Duration;
use std::sync::{Arc, Weak};

/// The shortest and the longest time between two looks at the store.
const MIN_PAUSE: Duration = Duration::from_millis(1);
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// The time until the next look after the store has failed.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

/// Starts the task, once for a state.
pub(super) fn start<T: Transport>(state: &State, shared: &Arc<Shared<T>>) {
    if state.is_first_start() {
        tokio::spawn(watch(state.clone(), Arc::downgrade(shared)));
    }
}

/// Does what comes due, until the last service of the paywall is gone.
async fn watch<T: Transport>(state: State, shared: Weak<Shared<T>>) {
    loop {
        let next = state.with_store(|store| store.next_due()).await;
        let Some(shared) = shared.upgrade() else { return };
        let pause = match next {
            Ok(Some((due, object))) if due <= now() => {
                reconcile(&state, &object, &shared).await.map(|()| MIN_PAUSE)
            }
            Ok(Some((due, _))) => Ok(Duration::from_millis(due.saturating_sub(now())).min(MAX_PAUSE)),
            Ok(None) => Ok(MAX_PAUSE),
            Err(error) => Err(error),
        };
        let pause = pause.unwrap_or_else(|error| {
            (shared.log)(&format!("state: {error}"));
            FAILURE_PAUSE
        });
        drop(shared);
        state.changed(pause).await;
    }
}

/// Does the jobs of one object.
async fn reconcile<T: Transport>(
    state: &State,
    object: &str,
    shared: &Arc<Shared<T>>,
) -> Result<(), RowsError> {
    for _ in 0..MAX_JOBS {
        let (gate, log) = (shared.gate.clone(), shared.log.clone());
        let due = move |mut rows: &mut dyn Rows| gate.due(&mut rows, now(), &mut |line| log(&line));
        let Some(job) = state.run(object.into(), due).await? else { break };
        let response = perform(state, &job, shared).await;
        let log = shared.log.clone();
        let report = move |mut rows: &mut dyn Rows| {
            state::on_response(&mut rows, &job, response, now(), &mut |line| log(&line))
        };
        state.run(object.into(), report).await?;
    }
    Ok(())
}

async fn perform<T: Transport>(state: &State, job: &Job, shared: &Shared<T>) -> PlatformResponse {
    let settings = shared.gate.settings();
    match &job.task {
        Task::Call(request) => {
            let timeout = Duration::from_millis(settings.timeout_ms().into());
            dialects::ask(shared, request, None, timeout, None)
                .await
                .map_or(PlatformResponse::Unanswered, PlatformResponse::Answered)
        }
        Task::Tell(call) => {
            state.ask_once(call).await.map_or(PlatformResponse::Unanswered, |_| PlatformResponse::Heard)
        }
    }
}
