//! The state in this process: commands run on the objects of a store.

use crate::paywall::state::shell_limits::{FIRST_PAUSE_MS, MAX_ATTEMPTS};
use crate::paywall::state::{self, ObjectStore, Reply, Rows, RowsError, StateCall};
use crate::transport::now;
use core::time::Duration;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// The objects of a store. A task does what comes due: see `reconciler`.
#[derive(Clone)]
pub(super) struct State {
    store: Arc<Mutex<dyn ObjectStore>>,
    changed: Arc<Notify>,
    started: Arc<AtomicBool>,
}

impl State {
    pub(super) fn new(store: impl ObjectStore) -> Self {
        Self { store: Arc::new(Mutex::new(store)), changed: Arc::default(), started: Arc::default() }
    }

    /// Runs a command. A failed one is repeated once: what it does may happen twice.
    pub(super) async fn ask(&self, call: &StateCall) -> Result<Reply, RowsError> {
        match self.ask_once(call).await {
            Err(_) => self.ask_once(call).await,
            reply => reply,
        }
    }

    /// Runs a command once.
    pub(super) async fn ask_once(&self, call: &StateCall) -> Result<Reply, RowsError> {
        let StateCall { shard, command } = call.clone();
        let reply = self.run(shard, move |mut rows| state::apply(&mut rows, &command, now())).await?;
        self.wake();
        Ok(reply)
    }

    /// Runs commands that nobody waits for. They must arrive, so each is repeated until it does.
    pub(super) async fn tell(&self, calls: Vec<StateCall>, log: &(dyn Fn(&str) + Send + Sync)) {
        for call in calls {
            for attempt in 0..MAX_ATTEMPTS {
                match self.ask_once(&call).await {
                    Ok(_) => break,
                    Err(error) if attempt + 1 == MAX_ATTEMPTS => {
                        log(&format!("state: a command was lost: {error}"));
                    }
                    Err(_) => tokio::time::sleep(Duration::from_millis(FIRST_PAUSE_MS << attempt)).await,
                }
            }
        }
    }

    /// Does work on the rows of an object, on a thread that may block.
    pub(super) async fn run<R: Send + 'static>(
        &self,
        object: String,
        work: impl FnOnce(&mut dyn Rows) -> Result<R, RowsError> + Send + 'static,
    ) -> Result<R, RowsError> {
        let (mut work, mut result) = (Some(work), None);
        self.with_store(move |store| {
            store.run(&object, &mut |rows| {
                result = work.take().map(|work| work(rows)).transpose()?;
                Ok(())
            })?;
            result.ok_or_else(|| RowsError("the store did not run the work".into()))
        })
        .await
    }

    pub(super) async fn with_store<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn ObjectStore) -> Result<R, RowsError> + Send + 'static,
    ) -> Result<R, RowsError> {
        let store = self.store.clone();
        let task = tokio::task::spawn_blocking(move || {
            // A store keeps all changes of a work or none, so a panic leaves it whole.
            let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut *store)
        });
        task.await.map_err(|error| RowsError(error.to_string()))?
    }

    /// True once: the caller starts the task.
    pub(super) fn is_first_start(&self) -> bool {
        !self.started.swap(true, Ordering::Relaxed)
    }

    /// Waits until a command has changed the store, or for this time.
    pub(super) async fn changed(&self, pause: Duration) {
        let _ = tokio::time::timeout(pause, self.changed.notified()).await;
    }

    /// Has the task look at the store, and at the paywall that it works for.
    pub(super) fn wake(&self) {
        self.changed.notify_one();
    }
}
