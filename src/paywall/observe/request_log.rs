use super::counters::Counters;
use super::span::Span;
use crate::codec;
use crate::codec::text::ByteSplit;
use crate::codec::text::split_once;
use crate::paywall::action::{Action, Delivery, RequestHead};
use crate::paywall::event::Event;
use crate::paywall::http::headers;
use crate::paywall::http::headers::HeaderList;
use crate::paywall::http::names::PASS_EXPIRES;
use crate::paywall::response::gate_response::GateResponse;
use crate::paywall::response::header_limit;
use crate::paywall::sha256::sha256;
use crate::wire::{
    Credits, MAX_TOKEN_BYTES, NOT_SETTLED, PAYMENT_RESPONSE, PAYMENT_SIGNATURE, Receipt, base64, digits,
};
use alloc::{
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use serde_json::{Map, Value};

/// Observes one request: gives it an id that all parties share, measures each wait, and records the outcome. It decides
/// nothing.
#[derive(Debug)]
pub(crate) struct RequestLog {
    counters: Arc<Counters>,
    /// The `x-correlation-id` of the request, or a new one.
    correlation: String,
    method: String,
    path: String,
    /// The route's key, or `unlisted`, `open` or `own`.
    pub(crate) route: String,
    saw_token: bool,
    /// The hash of the bytes that the token decodes to, for the log.
    token: Option<String>,
    payer: Option<String>,
    began: u64,
    /// The call that is awaited, and since when.
    waiting: Option<(Span, u64)>,
    waits: Vec<(Span, u64)>,
    origin_status: Option<u16>,
    record: Option<Record>,
    over: bool,
}

/// The outcome of one request, for logs and counters. It holds no token and no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// One line of JSON, without an end of line; nothing where the settings want no log.
    pub line: Option<String>,
    /// The route: the index of a data point.
    pub route: String,
    /// Method, outcome, code, payer, correlation id: the texts of a data point.
    pub texts: [String; 5],
    /// Status, milliseconds, credits burned: the numbers of a data point.
    pub numbers: [u64; 3],
}

/// The settings and the state of the request, as far as the log needs them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Completion {
    pub(crate) now: u64,
    /// Set where each request is a line of the log.
    pub(crate) log: bool,
    /// Set where answers have a `server-timing` header.
    pub(crate) timing: bool,
    pub(crate) settle_sent: bool,
    /// Set where the request waits for an earlier one of its payer.
    pub(crate) waits_for_earlier: bool,
}

/// The largest correlation id of a client, in bytes.
const MAX_CORRELATION_BYTES: usize = 128;
/// How many characters of a path are recorded.
const MAX_PATH_CHARS: usize = 256;
const CORRELATION: &str = "x-correlation-id";
/// The platform's correlation id, where it is another one.
const PLATFORM_CORRELATION: &str = "x-platform-correlation-id";

impl RequestLog {
    /// `id` is the request's seed in hexadecimal. `log` is set where each request is a line of the log.
    pub(crate) fn new(counters: &Arc<Counters>, request: &RequestHead, id: &str, log: bool) -> Self {
        // A hash, since a receipt can be fetched by the seed itself.
        let mut chance = sha256(["correlation:", id].concat().as_bytes());
        chance.truncate(32);
        counters.begin(&chance, request.now);
        let plain = |text: &&str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/=+@".contains(&byte);
            text.len() <= MAX_CORRELATION_BYTES && text.bytes().all(known)
        };
        let given = request.headers.get(CORRELATION).and_then(headers::as_value).filter(plain);
        let token = request.headers.get(PAYMENT_SIGNATURE).map(str::trim).filter(|text| !text.is_empty());
        let path = split_once(&request.url, "://").map_or("", |(_, rest)| rest);
        let path = path.split_before(b"/").map_or("", |(_, path)| path);
        let path = path.split_before(b"?#").map_or(path, |(path, _)| path);
        Self {
            counters: counters.clone(),
            correlation: given.map_or(chance, ToString::to_string),
            method: request.method.chars().take(16).collect(),
            path: path.chars().take(MAX_PATH_CHARS).collect(),
            route: "unlisted".into(),
            saw_token: token.is_some(),
            token: token.filter(|_| log).map(|token| {
                let bytes = base64::decode(token, MAX_TOKEN_BYTES, "token");
                ["sha256:", &sha256(&bytes.unwrap_or_else(|_| token.as_bytes().to_vec()))].concat()
            }),
            payer: None,
            began: request.now,
            waiting: None,
            waits: Vec::new(),
            origin_status: None,
            record: None,
            over: false,
        }
    }

    pub(crate) fn correlation_id(&self) -> &str {
        &self.correlation
    }

    pub(crate) fn take_record(&mut self) -> Option<Record> {
        self.record.take()
    }

    /// Completes an action with the headers of the gate, and records the outcome with the last action of the request.
    pub(crate) fn complete(&mut self, action: &mut Action, code: &str, settings: &Completion) {
        if !matches!(action, Action::Wait(_)) {
            self.waited(settings.now);
        }
        match action {
            Action::Respond(answer) => {
                if let Some(other) = answer.headers.get(CORRELATION).map(ToString::to_string)
                    && other != self.correlation
                {
                    answer.headers.set(PLATFORM_CORRELATION, other);
                }
                self.tell_uncharged(answer, code, settings.settle_sent);
                let outcome = answered(answer.status, code);
                let receipt = receipt_of(&answer.headers);
                self.close(answer.status, (outcome, code), receipt.as_ref(), &mut answer.headers, settings);
                header_limit::fit_answer(answer);
            }
            Action::Deliver(delivery) => {
                let receipt = receipt_of(&delivery.headers);
                let outcome = delivered(delivery, receipt.as_ref(), &self.route);
                let status = self.origin_status.unwrap_or(200);
                self.close(status, (outcome, ""), receipt.as_ref(), &mut delivery.headers, settings);
                header_limit::fit_delivery(&mut delivery.headers);
            }
            Action::Forward(forward) => {
                forward.headers.set(CORRELATION, self.correlation.as_str());
                self.payer = forward.headers.get("x-payment-payer").map(Into::into);
                self.wait(Span::Origin, settings.now);
            }
            Action::Call(call) => {
                let span = match call.path.rsplit_once_byte(b'/') {
                    Some((_, "verify")) => Span::Verify,
                    Some((_, "settle")) => Span::Settle,
                    _ => Span::Plan,
                };
                self.wait(span, settings.now);
            }
            Action::State(_) => self.wait(Span::State, settings.now),
            Action::Wait(_) if self.waiting.is_some() => {}
            Action::Wait(_) => {
                let span = if settings.waits_for_earlier { Span::State } else { Span::Plan };
                self.wait(span, settings.now);
            }
            Action::Price(_) => self.wait(Span::Price, settings.now),
            Action::Finish(_) => {}
        }
    }

    /// True where the request carried a token.
    pub(crate) fn saw_token(&self) -> bool {
        self.saw_token
    }

    /// Takes the result of the last action.
    pub(crate) fn on_event(&mut self, event: &Event, now: u64) {
        // All polls of one wait count as one.
        if matches!(event, Event::Waited) {
            return;
        }
        let Some(span) = self.waited(now) else { return };
        match event {
            Event::Origin(origin) => self.origin_status = Some(origin.status),
            Event::Answered(answer) if span == Span::Settle => {
                let receipt = Receipt::from_json(answer.body.as_bytes()).ok();
                if let Some(receipt) = receipt.filter(|receipt| answer.is_success() && receipt.success()) {
                    self.counters.settled(&self.route, receipt.credits_redeemed().unwrap_or_default());
                }
            }
            _ => {}
        }
    }

    /// Counts a settlement with an unknown outcome.
    pub(crate) fn unresolved(&self, route: &str) {
        self.counters.unresolved(route);
    }

    /// Measures no wait for the origin: the request ends before it is asked. Gives the beginning of the header that says how
    /// long it took.
    #[cfg(any(test, feature = "paywall"))]
    pub(crate) fn ends_early(&mut self, timing: bool) -> Option<String> {
        self.waiting = None;
        timing.then(|| [Span::Origin.name(), ";dur="].concat())
    }

    /// Takes back the count of a request that was passed on and whose origin did not answer.
    #[cfg(any(test, feature = "paywall"))]
    pub(crate) fn take_back(&self) {
        self.counters.take_back(&self.route, passed(&self.route));
    }

    /// Ends what is waited for.
    fn waited(&mut self, now: u64) -> Option<Span> {
        let (span, since) = self.waiting.take()?;
        let took = now.saturating_sub(since);
        self.counters.waited(span, took);
        self.waits.push((span, took));
        Some(span)
    }

    fn wait(&mut self, span: Span, now: u64) {
        self.waiting = Some((span, now));
    }

    /// Every answer to a request with a token has a receipt. An answer without one is given the receipt that nothing
    /// was charged, if no settle was sent.
    fn tell_uncharged(&self, answer: &mut GateResponse, code: &str, sent: bool) {
        let silent = answer.headers.get(PAYMENT_RESPONSE).is_none() && !sent;
        if silent && answer.status >= 400 && self.saw_token && self.route != "own" {
            // The buyer learns why a token was refused: it may mint a fresh one.
            let why = if answer.status == 402 { code } else { NOT_SETTLED };
            answer.headers.set(PAYMENT_RESPONSE, Receipt::refused(why, "").to_header());
        }
    }

    fn timing(&self) -> String {
        let spans = self.waits.iter().map(|(span, took)| [span.name(), ";dur=", &digits(*took)].concat());
        spans.collect::<Vec<_>>().join(", ")
    }

    /// Ends the log of the request: sets the headers, and records the outcome.
    fn close(
        &mut self,
        status: u16,
        (outcome, code): (&'static str, &str),
        receipt: Option<&Receipt>,
        headers: &mut HeaderList,
        settings: &Completion,
    ) {
        headers.set(CORRELATION, self.correlation.as_str());
        let timing = self.timing();
        if settings.timing && !timing.is_empty() {
            headers.append("server-timing", timing);
        }
        if self.over {
            return;
        }
        self.over = true;
        self.counters.request(&self.route, outcome);
        let redeemed = receipt.and_then(Receipt::credits_redeemed);
        let took = settings.now.saturating_sub(self.began);
        let line = settings.log.then(|| {
            let mut line = Map::new();
            let texts = [
                ("event", Some("request")),
                ("correlationId", Some(self.correlation.as_str())),
                ("platformCorrelationId", headers.get(PLATFORM_CORRELATION)),
                ("method", Some(self.method.as_str())),
                ("path", Some(self.path.as_str())),
                ("route", Some(self.route.as_str())),
                ("outcome", Some(outcome)),
                ("code", Some(code).filter(|code| !code.is_empty())),
                ("payer", self.payer.as_deref()),
                ("token", self.token.as_deref()),
                ("transaction", receipt.and_then(|receipt| receipt.text("transaction"))),
            ];
            for (name, text) in texts {
                if let Some(text) = text {
                    line.insert(name.into(), text.into());
                }
            }
            let credits = redeemed.map(|credits: Credits| Value::from(credits.digits()));
            line.insert("credits".into(), credits.unwrap_or_default());
            line.insert("status".into(), status.into());
            line.insert("at".into(), self.began.into());
            line.insert("ms".into(), took.into());
            let waits = self.waits.iter().map(|(span, took)| (span.name().to_string(), Value::from(*took)));
            line.insert("waits".into(), Value::Object(waits.collect()));
            codec::print_object(&line)
        });
        let credits = redeemed.and_then(|credits| credits.digits().parse().ok()).unwrap_or_default();
        let texts =
            [&self.method, outcome, code, self.payer.as_deref().unwrap_or_default(), &self.correlation];
        self.record = Some(Record {
            line,
            route: self.route.clone(),
            texts: texts.map(ToString::to_string),
            numbers: [status.into(), took, credits],
        });
    }
}

fn answered(status: u16, code: &str) -> &'static str {
    match status {
        402 if code == "payment_missing" => "offered",
        402 => "refused",
        429 => "limited",
        499 => "gone",
        503 => "unavailable",
        200..=399 => "answered",
        400..=499 => "denied",
        _ => "failed",
    }
}

fn receipt_of(headers: &HeaderList) -> Option<Receipt> {
    Receipt::from_header(headers.get(PAYMENT_RESPONSE)?).ok()
}

fn delivered(delivery: &Delivery, receipt: Option<&Receipt>, route: &str) -> &'static str {
    match receipt {
        Some(receipt) if receipt.success() => "settled",
        Some(_) => "uncharged",
        None if delivery.journal.is_some() => "unknown",
        None if delivery.meter.is_some() => "later",
        None if delivery.headers.get(PASS_EXPIRES).is_some() => "pass",
        None => passed(route),
    }
}

fn passed(route: &str) -> &'static str {
    if route == "unlisted" { "passed" } else { "open" }
}
