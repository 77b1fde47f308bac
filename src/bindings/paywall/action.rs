//! Actions and views as JavaScript reads them.

use super::event::Wishes;
use super::lines::Lines;
use crate::api;
use crate::codec::text::ByteSplit;
use crate::codec::{object, print};
use crate::paywall::state::StateCall;
use crate::paywall::{
    Action, CanonicalRequest, Delivery, Forward, Gate, GateResponse, HeaderList, Meter, Origin, Payment,
    Phase, RequestFlow, Settled, StreamEnd, Unit,
};
use crate::wire::digits;
use alloc::sync::Arc;
use serde_json::Value;

/// The address and the key of the platform.
#[derive(Debug, Clone)]
pub(super) struct Platform(Arc<Gate>);

impl Platform {
    pub(super) fn new(gate: &Arc<Gate>) -> Self {
        Self(gate.clone())
    }

    /// A call: `call`, the end of its path, the URL, the method, the headers, and the body.
    pub(super) fn call(&self, call: &api::Request, correlation: Option<&str>) -> String {
        let mut lines = Lines::default();
        lines.push("call");
        lines.maybe(call.path.rsplit_once_byte(b'/').map(|(_, end)| end));
        lines.push(&[self.0.settings().facilitator(), &call.path].concat());
        lines.push(call.method.as_str());
        let mut headers = call.headers(Some(self.0.settings().key()), None);
        headers.extend(correlation.map(|correlation| ("x-correlation-id", correlation.into())));
        lines.pairs(headers.iter().map(|(name, value)| (*name, value.as_str())));
        lines.end(call.body.as_deref().unwrap_or_default())
    }
}

/// A call to the state: `state`, the object, the command.
pub(super) fn state_call(call: &StateCall) -> String {
    let mut lines = Lines::default();
    lines.push("state");
    lines.push(&call.shard);
    lines.end(&call.command.to_text())
}

/// One request on its way through the gate.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) flow: RequestFlow,
    pub(super) platform: Platform,
    pub(super) wishes: Wishes,
    /// The headers that JavaScript has: of the request, and then of the origin's answer.
    pub(super) headers: HeaderList,
    /// Set where the origin's answer is delivered with the headers that it has: JavaScript does not report them.
    pub(super) unchanged: bool,
}

impl Flow {
    /// An action, and true if it is the last one.
    pub(super) fn show(&mut self, action: Action) -> (String, bool) {
        match action {
            Action::Respond(answer) => (self.respond(&answer), true),
            Action::Call(call) => (self.platform.call(&call, Some(self.flow.correlation_id())), false),
            Action::State(call) => (state_call(&call), false),
            Action::Wait(milliseconds) => {
                let mut lines = Lines::default();
                lines.push("wait");
                (lines.end(&digits(milliseconds.into())), false)
            }
            Action::Price(question) => {
                let mut lines = Lines::default();
                lines.push("price");
                (lines.end(&question.route), false)
            }
            Action::Forward(forward) => (self.forward(&forward), false),
            Action::Deliver(delivery) => {
                let last = delivery.meter.is_none();
                (self.deliver(&delivery), last)
            }
            Action::Finish(finish) => (self.finish(&finish), true),
        }
    }

    /// `respond`, the end, the status, a file of the 402 page, the headers, the body.
    fn respond(&mut self, answer: &GateResponse) -> String {
        let mut lines = Lines::default();
        lines.push("respond");
        self.end(&mut lines);
        lines.number(answer.status.into());
        lines.maybe(answer.file.as_deref());
        headers(&mut lines, &answer.headers);
        match &answer.body {
            Some(body) => lines.end(&["1\n", body].concat()),
            None => lines.end("\n"),
        }
    }

    /// `forward`, the request, a switch for headers that are not reported, and the payment.
    fn forward(&mut self, forward: &Forward) -> String {
        let mut lines = Lines::default();
        lines.push("forward");
        self.request(&mut lines, forward);
        self.unchanged = self.flow.delivers_unchanged();
        lines.flag(self.unchanged);
        let payment = self.flow.payment().filter(|_| self.wishes.context);
        lines.end(&payment.map(|payment| payment_view(&payment)).unwrap_or_default())
    }

    /// For an open request that ends with it: `pass`, the request, the headers to set on the answer, and the
    /// beginning of its `server-timing`.
    pub(super) fn pass(&mut self, action: &Action) -> Option<String> {
        let Action::Forward(forward) = action else { return None };
        if !self.wishes.pass || self.wishes.keep {
            return None;
        }
        let pass = self.flow.pass()?;
        let mut lines = Lines::default();
        lines.push("pass");
        self.request(&mut lines, forward);
        lines.set(&pass.headers);
        Some(lines.end(pass.timing.as_deref().unwrap_or_default()))
    }

    /// The kind of origin, the key of an object, the method, the URL, a switch for the body, and the changes of the
    /// request's headers.
    fn request(&self, lines: &mut Lines, forward: &Forward) {
        let (kind, key) = match &forward.origin {
            Origin::Url => ("url", None),
            Origin::Service => ("service", None),
            Origin::Assets => ("assets", None),
            Origin::Bucket { key } => ("bucket", Some(key.as_str())),
        };
        lines.push(kind);
        lines.maybe(key);
        lines.push(forward.method.as_str());
        lines.push(&forward.url);
        lines.flag(forward.body);
        lines.changes(&self.headers, &forward.headers);
    }

    /// `deliver`, the end, a line for the log, the changes of the answer's headers, and how to count the body. An answer
    /// that is counted has no end yet.
    fn deliver(&mut self, delivery: &Delivery) -> String {
        let mut lines = Lines::default();
        lines.push("deliver");
        match &delivery.meter {
            None => self.end(&mut lines),
            Some(_) => {
                lines.number(0);
                lines.flag(false);
                self.record(&mut lines);
            }
        }
        lines.maybe(delivery.journal.as_ref().map(|line| line.line()));
        match self.unchanged {
            true => lines.set(&delivery.headers),
            false => lines.changes(&self.headers, &delivery.headers),
        }
        match &delivery.meter {
            Some(meter) => lines.end(&meter_text(meter)),
            None => lines.end(""),
        }
    }

    /// `finish`, the end, a line for the log, and the text to append to the body.
    fn finish(&mut self, finish: &StreamEnd) -> String {
        let mut lines = Lines::default();
        lines.push("finish");
        self.end(&mut lines);
        lines.maybe(finish.journal.as_ref().map(|line| line.line()));
        lines.end(finish.tail.as_deref().unwrap_or_default())
    }

    /// The end of a request: the calls to send to the state, a switch for calls that can wait, and its record.
    fn end(&mut self, lines: &mut Lines) {
        let calls = self.flow.take_deferred();
        lines.number(calls.len() as u64);
        for call in &calls {
            lines.push(&call.shard);
            lines.push(&call.command.to_text());
        }
        lines.flag(calls.iter().all(|call| call.command.can_wait()));
        self.record(lines);
    }

    /// The line of the log, and the data point: the route, five texts and three numbers.
    fn record(&mut self, lines: &mut Lines) {
        let Some(record) = self.flow.record() else {
            lines.push("");
            return lines.push("");
        };
        lines.maybe(record.line.as_deref());
        lines.flag(self.wishes.analytics);
        if self.wishes.analytics {
            lines.push(&record.route);
            for text in &record.texts {
                lines.push(text);
            }
            for number in record.numbers {
                lines.number(number);
            }
        }
    }
}

fn headers(lines: &mut Lines, headers: &HeaderList) {
    let pairs: Vec<_> = headers.iter().collect();
    lines.pairs(pairs.into_iter());
}

/// The unit, the member of a JSON document, a switch for a settlement at the end, and the call that renews the entry of an
/// answer that is still going out: the pause before it, the object and the command.
fn meter_text(meter: &Meter) -> String {
    let (unit, member) = match &meter.unit {
        Some(Unit::Event) => ("event", ""),
        Some(Unit::Token(member)) => ("token", member.as_str()),
        Some(Unit::Byte) | None => ("byte", ""),
    };
    let mut lines = Lines::default();
    lines.push(unit);
    lines.push(member);
    lines.flag(meter.to_the_end);
    let Some(renew) = &meter.renew else { return lines.end("") };
    lines.number(renew.every_ms.into());
    lines.push(&renew.call.shard);
    lines.end(&renew.call.command.to_text())
}

/// A payment as hooks and handlers see it: JSON.
pub(super) fn payment_view(payment: &Payment<'_>) -> String {
    let mut view = Vec::from([
        ("token", payment.token().into()),
        ("paymentRequired", payment.payment_required().to_value()),
        ("credits", payment.credits().digits().into()),
        ("verified", (payment.phase != Phase::Verifying).into()),
        ("planId", payment.plan_id().into()),
        ("route", payment.route().into()),
    ]);
    for (name, value) in [
        ("payer", payment.payer()),
        ("agentId", payment.agent_id()),
        ("agentRequestId", payment.request_id()),
    ] {
        view.extend(value.map(|value| (name, value.into())));
    }
    print(&object(view))
}

/// A request as hooks and price functions see it: JSON.
pub(super) fn request_view(request: &CanonicalRequest) -> String {
    let pair = |(name, value): (&str, &str)| Value::Array(Vec::from([name.into(), value.into()]));
    print(&object(Vec::from([
        ("method", request.method.as_str().into()),
        ("url", request.url.as_str().into()),
        ("headers", Value::Array(request.headers.iter().map(pair).collect())),
        ("body", request.body.into()),
    ])))
}

/// A settlement as hooks see it: JSON.
pub(super) fn settled_view(settled: &Settled) -> String {
    print(&object(Vec::from([
        ("credits", settled.credits.digits().into()),
        ("receipt", settled.receipt.to_value()),
    ])))
}

/// An answer to every request, where the configuration is wrong: the status, the headers, the body.
pub(super) fn answer_text(answer: &GateResponse) -> String {
    let mut lines = Lines::default();
    lines.number(answer.status.into());
    headers(&mut lines, &answer.headers);
    lines.end(answer.body.as_deref().unwrap_or_default())
}
