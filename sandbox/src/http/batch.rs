//! Calls that come together are written down together.
//!
//! Each call is a transaction of its own, and its answer leaves when it is on the disk: that takes some milliseconds on most
//! machines, and while the disk is waited for nothing else runs. So calls that have come meanwhile are served in one turn of the
//! runtime, which writes all of a turn at once. A call that is alone waits for nobody.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use worker::Delay;
use worker::js_sys::Promise;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::{JsFuture, future_to_promise};

/// The calls that have come and are not served yet.
#[derive(Debug, Default)]
pub(crate) struct Group {
    open: Cell<u32>,
    tick: Rc<RefCell<Option<Promise>>>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct One<'a>(&'a Group);

impl Group {
    pub(crate) fn enter(&self) -> One<'_> {
        self.open.set(self.open.get().saturating_add(1));
        One(self)
    }

    /// The turn that those who wait now are served in.
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

impl One<'_> {
    /// Waits for those that have come as well, if any have, to be served in the same turn.
    pub(crate) async fn turn(&self) {
        if self.0.open.get() > 1 {
            // A timer that failed is no reason to wait longer.
            let _ = JsFuture::from(self.0.tick()).await;
        }
    }
}

impl Drop for One<'_> {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get().saturating_sub(1));
    }
}
