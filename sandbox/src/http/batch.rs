//! Batching of writes.
//!
//! Each request is a transaction of its own, and its response leaves when the transaction is on disk. This takes some
//! milliseconds on most machines, and the Durable Object is idle meanwhile. So requests that arrived in the meantime
//! are served in one turn of the runtime, which writes everything of a turn at once. A single request does not wait.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use worker::Delay;
use worker::js_sys::Promise;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::{JsFuture, future_to_promise};

/// The requests that have arrived and are not served yet.
#[derive(Debug, Default)]
pub(crate) struct WriteBatch {
    open: Cell<u32>,
    tick: Rc<RefCell<Option<Promise>>>,
}

/// A request's place in the batch, until it is dropped.
#[derive(Debug)]
pub(crate) struct BatchTicket<'a>(&'a WriteBatch);

impl WriteBatch {
    pub(crate) fn enter(&self) -> BatchTicket<'_> {
        self.open.set(self.open.get().saturating_add(1));
        BatchTicket(self)
    }

    /// The turn in which the waiting requests are served.
    fn tick(&self) -> Promise {
        let started = self.tick.borrow().clone();
        started.unwrap_or_else(|| {
            let slot = Rc::clone(&self.tick);
            let tick = future_to_promise(async move {
                Delay::from(Duration::ZERO).await;
                slot.replace(None);
                Ok(JsValue::UNDEFINED)
            });
            self.tick.replace(Some(tick.clone()));
            tick
        })
    }
}

impl BatchTicket<'_> {
    /// Waits for the shared turn if other requests are waiting too.
    pub(crate) async fn wait(&self) {
        if self.0.open.get() > 1 {
            // If the timer fails, the request is served at once.
            let _ = JsFuture::from(self.0.tick()).await;
        }
    }
}

impl Drop for BatchTicket<'_> {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get().saturating_sub(1));
    }
}
