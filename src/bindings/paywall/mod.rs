//! The shell of the paywall for JavaScript: it hands texts over, one into the WebAssembly and one out of it for each step
//! ([`lines`]). The loop around it, `fetch`, timers and streams are in the `.js` files beside. All decisions are in
//! `paywall`.

mod action;
mod event;
mod lines;
mod options;
mod state;

use crate::paywall::state::ROWS_SCHEMA;
use crate::paywall::{Event, Forward, Live, Method, ObjectBody, ObjectHead, Origin, PlanQuery};
use crate::wire::digits;
use action::{Flow, Platform};
use event::Opening;
use lines::{Fields, Lines};
use options::Options;
use wasm_bindgen::prelude::*;

/// The gate of one `paywall()`, whose configuration may change while it runs.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Gate {
    live: Live,
    options: Options,
    stale: Option<PlanQuery>,
    /// The requests that are under way, by their numbers.
    flows: Vec<Option<Box<Flow>>>,
    /// Numbers that are free.
    free: Vec<u32>,
}

#[wasm_bindgen]
impl Gate {
    /// Reads the options and the variables, both JSON objects, the bindings that there are, and the document. Throws a
    /// text: the wrong key, the problem, and the answer to every request.
    #[wasm_bindgen(constructor)]
    pub fn new(
        options: &str,
        variables: &str,
        bindings: &str,
        document: Option<String>,
        now: f64,
    ) -> Result<Gate, JsValue> {
        let options = Options::new(options, variables, bindings)?;
        match Live::begin(document, |document| options.settings(document), now as u64) {
            Ok(live) => Ok(Self { live, options, stale: None, flows: Vec::new(), free: Vec::new() }),
            Err(error) => Err(JsValue::from_str(&options.refusal(error))),
        }
    }

    /// True where the document is to be read again, while nobody waits; true once in some seconds.
    #[wasm_bindgen(js_name = isStale)]
    pub fn is_stale(&mut self, now: f64) -> bool {
        self.live.is_stale(now as u64)
    }

    /// Takes the document as it is now. Gives a line for the log where it has changed.
    pub fn take(&mut self, document: Option<String>) -> Option<String> {
        self.live.take(document, |document| self.options.settings(document))
    }

    /// The settings that JavaScript needs: the time limits of the platform and of the origin, in milliseconds, how much of
    /// a body hooks and price functions may read, in bytes, and the warnings.
    pub fn settings(&self) -> String {
        let gate = self.live.gate();
        let settings = gate.settings();
        let mut lines = Lines::default();
        lines.number(settings.timeout_ms().into());
        lines.number(settings.origin_timeout_ms().into());
        lines.number(settings.max_body_bytes().into());
        lines.end(&settings.warnings().join("\n"))
    }

    /// Opens the flow of a request: its number, and the first action. There is no number where that is the last one.
    pub fn open(&mut self, head: &str) -> String {
        let Opening { head, wishes } = Opening::read(head);
        let gate = self.live.gate();
        let (flow, action) = gate.open(&head);
        let platform = Platform::new(&gate);
        let mut flow = Box::new(Flow { flow, platform, wishes, headers: head.headers, unchanged: false });
        if wishes.again {
            flow.flow.take_back();
        }
        let (text, last) = match flow.pass(&action) {
            Some(text) => (text, true),
            None => flow.show(action),
        };
        let number = match last && !wishes.keep {
            true => String::new(),
            false => {
                let number = self.free.pop().unwrap_or_else(|| {
                    self.flows.push(None);
                    u32::try_from(self.flows.len() - 1).unwrap_or(u32::MAX)
                });
                if let Some(place) = self.flows.get_mut(number as usize) {
                    *place = Some(flow);
                }
                digits(number.into())
            }
        };
        [&number, "\n", &text].concat()
    }

    /// Counts a wait for the origin of a request that ended with `pass`.
    pub fn waited(&self, milliseconds: f64) {
        self.live.gate().waited_for_origin(milliseconds as u64);
    }

    /// Takes an event, and gives the next action. After the last action the flow is gone, unless it is to be kept.
    pub fn step(&mut self, number: u32, event: &str) -> Option<String> {
        let flow = self.flows.get_mut(number as usize)?.as_mut()?;
        let (event, now) = event::read(event);
        if let Event::Origin(origin) = &event {
            flow.headers = origin.headers.clone();
        }
        let action = flow.flow.handle_event(event, now);
        let (text, last) = flow.show(action);
        if last && !flow.wishes.keep {
            self.close(number);
        }
        Some(text)
    }

    /// Drops a flow.
    pub fn close(&mut self, number: u32) {
        if self.flows.get_mut(number as usize).and_then(Option::take).is_some() {
            self.free.push(number);
        }
    }

    /// The client is gone: true if it is not charged.
    pub fn left(&mut self, number: u32) -> bool {
        self.flow(number).is_some_and(|flow| flow.flow.client_left())
    }

    /// The payment that is under way, for hooks: JSON.
    pub fn payment(&mut self, number: u32) -> Option<String> {
        self.flow(number)?.flow.payment().map(|payment| action::payment_view(&payment))
    }

    /// The request for hooks and price functions, on a paid route: JSON.
    pub fn request(&mut self, number: u32) -> Option<String> {
        self.flow(number)?.flow.request().map(action::request_view)
    }

    /// The settlement that was made, once: JSON.
    pub fn settled(&mut self, number: u32) -> Option<String> {
        self.flow(number)?.flow.settled_for().map(|settled| action::settled_view(&settled))
    }

    /// A call that asks again for the terms of a plan, if there is one; its result goes to `learned`.
    #[wasm_bindgen(js_name = stalePlan)]
    pub fn stale_plan(&mut self, now: f64) -> Option<String> {
        let gate = self.live.gate();
        self.stale = gate.stale_plan(now as u64);
        let query = self.stale.as_ref()?;
        Some(Platform::new(&gate).call(&query.request, None))
    }

    /// Takes the result of `stalePlan`, an event.
    pub fn learned(&mut self, event: &str, now: f64) {
        if let Some(query) = self.stale.take() {
            let answer = event::platform_answer(event);
            self.live.gate().learn(&query, answer.as_ref(), now as u64);
        }
    }

    /// The SQL that creates the table of an object's rows.
    #[wasm_bindgen(js_name = rowsSchema)]
    pub fn rows_schema() -> String {
        ROWS_SCHEMA.into()
    }

    /// Runs a command on the rows of an object, and gives the reply: both JSON.
    #[wasm_bindgen(js_name = applyCommand)]
    pub fn apply_command(rows: state::JsRows, command: &str, now: f64) -> Result<String, JsValue> {
        state::apply(rows, command, now as u64)
    }

    /// The next thing that an object of the state has to do.
    pub fn due(&self, rows: state::JsRows, now: f64) -> Result<Option<state::Job>, JsValue> {
        let gate = self.live.gate();
        state::due(&gate, rows, now as u64, Platform::new(&gate))
    }

    /// The answer for an object of a bucket, or a file. The text has the method, the size if it is known, the number of the
    /// request's headers, these headers, and those of the object; without the latter there is no object. Gives the status,
    /// the body (nothing, `whole`, or `part` with offset and length), and the headers.
    #[wasm_bindgen(js_name = forObject)]
    pub fn for_object(text: &str, exists: bool) -> String {
        let mut fields = Fields::new(text);
        let method = Method::parse(fields.next()).unwrap_or(Method::Get);
        let size = fields.maybe().and_then(|size| size.parse().ok());
        let count = fields.number();
        let headers = (0..count).map(|_| (fields.next(), fields.next())).collect();
        let forward = Forward { method, url: String::new(), origin: Origin::Assets, headers, body: false };
        let object = exists.then(|| ObjectHead { size, headers: fields.headers() });
        let answer = forward.for_object(object.as_ref());
        let mut lines = Lines::default();
        lines.number(answer.head.status.into());
        let (body, offset, length) = match answer.body {
            ObjectBody::Nothing => ("", 0, 0),
            ObjectBody::Whole => ("whole", 0, 0),
            ObjectBody::Part { offset, length } => ("part", offset, length),
        };
        lines.push(body);
        lines.number(offset);
        lines.number(length);
        let headers: Vec<_> = answer.head.headers.iter().collect();
        lines.pairs(headers.into_iter());
        lines.end("")
    }
}

impl Gate {
    fn flow(&mut self, number: u32) -> Option<&mut Flow> {
        self.flows.get_mut(number as usize)?.as_deref_mut()
    }
}
