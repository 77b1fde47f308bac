//! The shell of the paywall for fetch handlers in JavaScript: what the gate says as plain objects, and what happened as
//! plain objects back. The loop around it, `fetch`, timers and streams are in the `.js` files beside: all that is decided is
//! decided in `paywall`.

mod action;
mod event;
mod options;
mod state;

use crate::paywall::{self, Live, PlanQuery};
use event::{Happened, Head};
use options::Options;
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

/// The gate of one `paywall()`, whose configuration may change while it runs.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Gate {
    live: Live,
    options: Options,
    stale: Option<PlanQuery>,
}

/// One request on its way through the gate.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Visit {
    visit: paywall::RequestFlow,
    first: Option<paywall::Action>,
    key: action::Key,
}

#[wasm_bindgen]
impl Gate {
    /// Reads the options. Throws `{ key, problem, answer }`: which of them is wrong, and what every request is answered
    /// then.
    #[wasm_bindgen(constructor)]
    pub fn new(given: options::Given, now: f64) -> Result<Gate, JsValue> {
        let mut options = Options::of(&given)?;
        match Live::begin(options.document.take(), |document| options.settings(document), now as u64) {
            Ok(live) => Ok(Self { live, options, stale: None }),
            Err(error) => Err(to_js(&options::Wrong::from(&options.renamed(error)))?),
        }
    }

    /// Whether the document is to be read again by now, while nobody waits; said once in some seconds.
    #[wasm_bindgen(js_name = isStale)]
    pub fn is_stale(&mut self, now: f64) -> bool {
        self.live.is_stale(now as u64)
    }

    /// Takes the document as it is now. Gives a line for the log where it is another than before.
    pub fn take(&mut self, document: Option<String>) -> Option<String> {
        self.live.take(document, |document| self.options.settings(document))
    }

    /// What cannot be promised, to be said at start.
    #[wasm_bindgen(getter)]
    pub fn warnings(&self) -> Vec<String> {
        self.live.gate().settings().warnings().to_vec()
    }

    /// How long a call of the platform may take, in milliseconds.
    #[wasm_bindgen(getter)]
    pub fn timeout(&self) -> u32 {
        self.live.gate().settings().timeout_ms()
    }

    /// How much of a body hooks and price functions may read, in bytes.
    #[wasm_bindgen(getter, js_name = maxBody)]
    pub fn max_body(&self) -> u32 {
        self.live.gate().settings().max_body_bytes()
    }

    /// How long the handler may take until its answer begins, in milliseconds.
    #[wasm_bindgen(getter, js_name = originTimeout)]
    pub fn origin_timeout(&self) -> u32 {
        self.live.gate().settings().origin_timeout_ms()
    }

    /// Opens a visit for a request without its body.
    pub fn open(&self, head: Head) -> Result<Visit, JsError> {
        let gate = self.live.gate();
        let (visit, action) = gate.open(&head.read()?);
        Ok(Visit { visit, first: Some(action), key: action::Key::of(gate.settings()) })
    }

    /// A call that asks again for a plan that was said too long ago, if there is one; to be told with `learned`.
    #[wasm_bindgen(js_name = stalePlan)]
    pub fn stale_plan(&mut self, now: f64) -> Result<JsValue, JsValue> {
        let gate = self.live.gate();
        self.stale = gate.stale_plan(now as u64);
        match &self.stale {
            Some(query) => to_js(&action::Call::new(&query.request, &action::Key::of(gate.settings()))),
            None => Ok(JsValue::UNDEFINED),
        }
    }

    /// What came of it: an event as a visit takes it.
    pub fn learned(&mut self, event: Happened, now: f64) {
        if let Some(query) = self.stale.take() {
            let answer = event.answer();
            self.live.gate().learn(&query, answer.as_ref(), now as u64);
        }
    }

    /// Does what a command says with an object's rows, and gives its reply: both JSON.
    #[wasm_bindgen(js_name = applyCommand)]
    pub fn apply_command(rows: state::JsRows, command: &str, now: f64) -> Result<String, JsValue> {
        state::apply(rows, command, now as u64)
    }

    /// The next thing that an object of the state has to do: `{ call }` or `{ tell }`, or nothing.
    pub fn due(&self, rows: state::JsRows, now: f64) -> Result<Option<state::Job>, JsValue> {
        let gate = self.live.gate();
        state::due(&gate, rows, now as u64, action::Key::of(gate.settings()))
    }
}

#[wasm_bindgen]
impl Visit {
    /// What to do first.
    pub fn begin(&mut self) -> Result<JsValue, JsValue> {
        let action = self.first.take();
        action.map_or(Ok(JsValue::UNDEFINED), |action| self.show(action))
    }

    /// Takes what happened, says what to do next.
    pub fn on(&mut self, event: Happened, now: f64) -> Result<JsValue, JsValue> {
        let action = self.visit.handle_event(event.into(), now as u64);
        self.show(action)
    }

    /// The payment that is under way, as hooks and the handler see it.
    #[wasm_bindgen(getter)]
    pub fn payment(&self) -> Result<JsValue, JsValue> {
        self.visit.payment().map_or(Ok(JsValue::UNDEFINED), |payment| to_js(&action::Paying::from(payment)))
    }

    /// The request as hooks and price functions see it, where it is for a paid route: `{ method, url, headers, body }`.
    #[wasm_bindgen(getter)]
    pub fn request(&self) -> Result<JsValue, JsValue> {
        self.visit.request().map_or(Ok(JsValue::UNDEFINED), |request| to_js(&action::Seen::from(request)))
    }

    /// The settlement that was made, once: `{ credits, receipt }`.
    pub fn settled(&mut self) -> Result<JsValue, JsValue> {
        self.visit
            .settled_for()
            .map_or(Ok(JsValue::UNDEFINED), |settled| to_js(&action::Burned::from(settled)))
    }

    /// The client is gone: whether it is not charged.
    pub fn left(&mut self) -> bool {
        self.visit.client_left()
    }

    /// The name of this visit that client, handler and platform share.
    #[wasm_bindgen(getter)]
    pub fn correlation(&self) -> String {
        self.visit.correlation_id().into()
    }

    /// What the state is to be told behind the answer: `[{ shard, command }]`.
    pub fn notes(&mut self) -> Result<JsValue, JsValue> {
        let notes: Vec<_> = self.visit.take_deferred().iter().map(action::Told::from).collect();
        to_js(&notes)
    }

    /// What the request came to, once: `{ line, route, texts, numbers }`.
    pub fn record(&mut self) -> Result<JsValue, JsValue> {
        self.visit.record().map_or(Ok(JsValue::UNDEFINED), |record| to_js(&action::Record::from(record)))
    }

    fn show(&self, action: paywall::Action) -> Result<JsValue, JsValue> {
        to_js(&action::Shown::new(action, &self.key))
    }
}

/// A value as a plain object: members that are not there are left out.
fn to_js(value: &impl Serialize) -> Result<JsValue, JsValue> {
    Ok(value.serialize(&Serializer::json_compatible())?)
}
