//! What the gate says, as JavaScript reads it.

use crate::api;
use crate::paywall::state::StateCall;
use crate::paywall::{self, GateResponse, HeaderList, Origin, Payment, Phase, Settings, Unit};
use crate::wire::{Receipt, Secret};
use serde::Serialize;
use serde_json::Value;

/// What the platform is asked with.
#[derive(Debug, Clone)]
pub(super) struct Key {
    backend: String,
    key: Secret,
}

impl Key {
    pub(super) fn of(settings: &Settings) -> Self {
        Self { backend: settings.facilitator().into(), key: settings.key().clone() }
    }
}

type Pairs = Vec<(String, String)>;

/// An action, by its name in `do`.
#[derive(Serialize)]
#[serde(tag = "do", rename_all = "camelCase")]
pub(super) enum Shown {
    Respond(Answered),
    Call(Call),
    State(Told),
    Wait { ms: u32 },
    Price { route: String },
    Forward(Forward),
    Deliver(Delivery),
    Finish { tail: Option<String>, journal: Option<String> },
}

#[derive(Serialize)]
pub(super) struct Answered {
    status: u16,
    headers: Pairs,
    body: Option<String>,
    /// A file of the 402 page's, in the place of a body.
    file: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Call {
    url: String,
    method: &'static str,
    headers: Pairs,
    body: Option<String>,
    /// `verify`, `settle`, or what else the path ends with.
    what: String,
}

#[derive(Serialize)]
pub(super) struct Told {
    shard: String,
    command: String,
}

#[derive(Serialize)]
pub(super) struct Forward {
    method: &'static str,
    url: String,
    headers: Pairs,
    body: bool,
    /// Whether the URL is fetched, rather than the handler called.
    away: bool,
}

/// The request as hooks and price functions see it.
#[derive(Serialize)]
pub(super) struct Seen {
    method: &'static str,
    url: String,
    headers: Pairs,
    body: bool,
}

#[derive(Serialize)]
pub(super) struct Delivery {
    headers: Pairs,
    journal: Option<String>,
    meter: Option<Meter>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meter {
    unit: &'static str,
    member: String,
    to_the_end: bool,
    renew: Option<Renewal>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Renewal {
    shard: String,
    command: String,
    every_ms: u32,
}

/// A payment, for hooks and the handler.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Paying {
    token: String,
    payment_required: Value,
    /// Decimal.
    credits: String,
    verified: bool,
    payer: Option<String>,
    plan_id: String,
    agent_id: Option<String>,
    agent_request_id: Option<String>,
    route: String,
}

#[derive(Serialize)]
pub(super) struct Burned {
    /// Decimal.
    credits: String,
    receipt: Value,
}

#[derive(Serialize)]
pub(super) struct Record {
    line: Option<String>,
    route: String,
    texts: [String; 5],
    numbers: [f64; 3],
}

impl From<paywall::Record> for Record {
    fn from(record: paywall::Record) -> Self {
        let paywall::Record { line, route, texts, numbers } = record;
        Self { line, route, texts, numbers: numbers.map(|number| number as f64) }
    }
}

impl Shown {
    pub(super) fn new(action: paywall::Action, key: &Key) -> Self {
        use paywall::Action;
        match action {
            Action::Respond(answer) => Self::Respond(answer.into()),
            Action::Call(call) => Self::Call(Call::new(&call, key)),
            Action::State(call) => Self::State(Told::from(&call)),
            Action::Wait(ms) => Self::Wait { ms },
            Action::Price(question) => Self::Price { route: question.route },
            Action::Forward(forward) => Self::Forward(Forward {
                method: forward.method.as_str(),
                away: forward.origin == Origin::Url,
                url: forward.url,
                headers: pairs(&forward.headers),
                body: forward.body,
            }),
            Action::Deliver(delivery) => Self::Deliver(Delivery {
                headers: pairs(&delivery.headers),
                journal: delivery.journal.map(|journal| journal.line().into()),
                meter: delivery.meter.map(Meter::from),
            }),
            Action::Finish(finish) => Self::Finish {
                tail: finish.tail,
                journal: finish.journal.map(|journal| journal.line().into()),
            },
        }
    }
}

impl Call {
    pub(super) fn new(call: &api::Request, key: &Key) -> Self {
        Self {
            url: [key.backend.as_str(), &call.path].concat(),
            method: call.method.as_str(),
            headers: call
                .headers(Some(&key.key), None)
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
            body: call.body.clone(),
            what: call.path.rsplit('/').next().unwrap_or_default().into(),
        }
    }
}

impl From<&paywall::CanonicalRequest> for Seen {
    fn from(request: &paywall::CanonicalRequest) -> Self {
        Self {
            method: request.method.as_str(),
            url: request.url.clone(),
            headers: pairs(&request.headers),
            body: request.body,
        }
    }
}

impl From<GateResponse> for Answered {
    fn from(answer: GateResponse) -> Self {
        Self { status: answer.status, headers: pairs(&answer.headers), body: answer.body, file: answer.file }
    }
}

impl From<&StateCall> for Told {
    fn from(call: &StateCall) -> Self {
        Self { shard: call.shard.clone(), command: call.command.to_text() }
    }
}

impl From<paywall::Meter> for Meter {
    fn from(meter: paywall::Meter) -> Self {
        let (unit, member) = match meter.unit {
            Some(Unit::Event) => ("event", String::new()),
            Some(Unit::Token(member)) => ("token", member),
            Some(Unit::Byte) | None => ("", String::new()),
        };
        let renew = meter.renew.map(|renew| {
            let Told { shard, command } = Told::from(&renew.call);
            Renewal { shard, command, every_ms: renew.every_ms }
        });
        Self { unit, member, to_the_end: meter.to_the_end, renew }
    }
}

impl From<Payment<'_>> for Paying {
    fn from(payment: Payment<'_>) -> Self {
        Self {
            token: payment.token().into(),
            payment_required: payment.payment_required().to_value(),
            credits: payment.credits().to_string(),
            verified: payment.phase != Phase::Verifying,
            payer: payment.payer().map(Into::into),
            plan_id: payment.plan_id().into(),
            agent_id: payment.agent_id().map(Into::into),
            agent_request_id: payment.request_id().map(Into::into),
            route: payment.route().into(),
        }
    }
}

impl From<paywall::Settled> for Burned {
    fn from(settled: paywall::Settled) -> Self {
        let receipt: &Receipt = &settled.receipt;
        Self { credits: settled.credits.to_string(), receipt: receipt.to_value() }
    }
}

fn pairs(headers: &HeaderList) -> Pairs {
    headers.iter().map(|(name, value)| (name.into(), value.into())).collect()
}
