//! The Nevermined platform as a Worker for development and tests, offline.
//!
//! One Durable Object holds all state. A request is read completely, then served without an await in one storage
//! transaction: a burn and its top-up commit or roll back together, and two requests never interleave.
//!
//! The crate uses [`payments_wasm::wire`] and the HTTP contract, and nothing else of this project: an error in a
//! client's idea of the API cannot be repeated here.
//!
//! Rooms, from the bottom up; a room imports only rooms above it in this list:
//!
//! * `primitives`, `http`, `pages`: values, requests and responses, parts of HTML pages.
//! * `storage`, `crypto`: SQLite, signing keys and secrets.
//! * `context`, `settings`: what a handler gets.
//! * `identity`, `organizations`, `catalog`: accounts, organizations, plans and agents.
//! * `ledger`, `delegations`, `checkout`, `tokens`, `widgets`: credits and money, permissions to spend them.
//! * `metering`, `facilitator`, `mpp`, `oauth`: payments.
//! * `control`, `seed`, `dashboard`: routes of the sandbox itself.
//! * `router`, `durable_object`: one match over all routes, and the Worker.

mod catalog;
mod checkout;
mod control;
mod crypto;
mod dashboard;
mod delegations;
mod facilitator;
mod http;
mod identity;
mod ledger;
mod metering;
mod mpp;
mod oauth;
mod organizations;
mod pages;
mod primitives;
mod router;
mod seed;
mod settings;
mod storage;
#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod testing;
mod tokens;
mod widgets;

use crate::checkout::plan_orders;
use crate::control::access::Started;
use crate::control::call_log;
use crate::control::faults;
use crate::dashboard::files;
use crate::http::batch::{Group, One};
use crate::http::cors;
use crate::http::error::{Outcome, Problem};
use crate::http::request::{Body, Call, Reply};
use crate::ledger::postings;
use crate::metering::agent_requests;
use crate::pages::html;
use crate::primitives::random::Random;
use crate::primitives::time;
use crate::settings::Settings;
use crate::storage::store::Store;
use crate::tokens::verification::Seen;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use worker::{Date, Delay, DurableObject, Env, Headers, Request, Response, ResponseBuilder, durable_object};

/// Old rows are deleted once in this many requests.
const SWEEP_EVERY: u32 = 64;
/// Maximum size of a request body in bytes.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// A request and everything needed to serve it.
#[derive(Debug)]
struct Desk {
    call: Call,
    store: Store,
    random: Random,
    settings: Settings,
    seen: Rc<Seen>,
    /// True if this request also deletes old rows.
    sweeps: bool,
    /// True if fault injection is enabled.
    faulty: bool,
    started: Started,
}

/// The response to a preflight, which needs no state.
fn preflight(correlation: &str, open: bool) -> worker::Result<Response> {
    let headers = headers(correlation, open)?;
    for (name, value) in cors::PREFLIGHT.iter().filter(|_| open) {
        headers.set(name, value)?;
    }
    Ok(ResponseBuilder::new().with_status(204).with_headers(headers).empty())
}

/// The platform. All state is in its storage; the other members can be rebuilt from it.
#[durable_object(fetch)]
#[derive(Debug)]
pub struct Sandbox {
    state: worker::State,
    prepared: Cell<bool>,
    settings: Cell<Option<Settings>>,
    seen: Rc<Seen>,
    faulty: bool,
    started: Started,
    group: Group,
    served: Cell<u32>,
}

impl DurableObject for Sandbox {
    fn new(state: worker::State, env: Env) -> Self {
        let named =
            |name: &str| env.var(name).ok().map(|value| value.to_string()).filter(|text| !text.is_empty());
        Self {
            state,
            prepared: Cell::new(false),
            settings: Cell::new(None),
            seen: Rc::default(),
            faulty: named("SANDBOX_FAULTS").is_some_and(|value| value == "1"),
            started: Started { secret: named("SANDBOX_SECRET"), command: named("SANDBOX_COMMAND") },
            group: Group::default(),
            served: Cell::new(0),
        }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let correlation = correlation(&request);
        let open = cors::open(request.path().split('/').find(|segment| !segment.is_empty()));
        if request.method() == worker::Method::Options {
            return preflight(&correlation, open);
        }
        let one = self.group.enter();
        let reply = match read(&mut request, &correlation).await {
            Ok(call) if self.faulty => self.struck(call, one).await,
            Ok(call) => self.in_turn(call, None, one).await,
            Err(problem) => problem.reply(&correlation, &time::iso(machine())),
        };
        respond(reply, &correlation, open)
    }
}

/// The machine's clock, in milliseconds since 1970.
fn machine() -> i64 {
    i64::try_from(Date::now().as_millis()).unwrap_or_default()
}

impl Sandbox {
    /// Serves a request together with the others of its batch.
    async fn in_turn(&self, call: Call, struck: Option<String>, one: One<'_>) -> Reply {
        one.turn().await;
        self.serve(call, struck)
    }

    /// Serves a request into which faults may be injected.
    async fn struck(&self, call: Call, one: One<'_>) -> Reply {
        let failed = |problem: Problem| problem.reply(&call.correlation, &time::iso(machine()));
        let kinds = match self.store().and_then(|store| faults::strike(&store, &call)) {
            Ok(kinds) => kinds,
            Err(problem) => return failed(problem),
        };
        let struck = faults::names(&kinds);
        let mut last = None;
        for kind in kinds {
            match kind {
                faults::Kind::Latency(millis) => Delay::from(Duration::from_millis(millis)).await,
                other => last = Some(other),
            }
        }
        let unserved = |reply: Reply, status: u16| {
            let logged = self.store().and_then(|store| {
                let now = machine().saturating_add(Settings::load(&store)?.offset);
                call_log::log(&store, &call, status, Some(&reply), struck.as_deref(), now)
            });
            logged.map_or_else(failed, |()| reply)
        };
        match last {
            None => self.in_turn(call, struck, one).await,
            Some(faults::Kind::Drop) => unserved(Reply::lost(), 0),
            Some(faults::Kind::Status { status, code, retry_after }) => {
                let now = time::iso(machine());
                unserved(faults::answer(status, &code, retry_after, &call, &now), status)
            }
            Some(faults::Kind::Garble) => self.in_turn(call, struck, one).await.garbled(),
            Some(faults::Kind::LoseAnswer | faults::Kind::Latency(_)) => {
                self.in_turn(call, struck, one).await;
                Reply::lost()
            }
        }
    }

    /// Serves a request. There must be no await in here.
    fn serve(&self, mut call: Call, struck: Option<String>) -> Reply {
        call.now = machine();
        let (now, correlation) = (call.now, call.correlation.clone());
        let served = self.store().and_then(|store| {
            let settings = match self.settings.get() {
                Some(settings) => settings,
                None => Settings::load(&store)?,
            };
            // Only routes under `/sandbox` change settings.
            let sets = call.path.first().is_some_and(|first| first == "sandbox");
            self.settings.set(Some(settings).filter(|_| !sets));
            call.now = now.saturating_add(settings.offset);
            let (random, seen, faulty) = (Random::Runtime, Rc::clone(&self.seen), self.faulty);
            let started = self.started.clone();
            let served = self.served.replace(self.served.get().wrapping_add(1));
            let sweeps = served.is_multiple_of(SWEEP_EVERY);
            serve(Desk { call, store, random, settings, seen, faulty, started, sweeps }, struck.as_deref())
        });
        served.unwrap_or_else(|problem| problem.reply(&correlation, &time::iso(now)))
    }

    fn store(&self) -> Outcome<Store> {
        let store = Store::new(&self.state)?;
        if !self.prepared.get() {
            prepare(&store, machine())?;
            self.prepared.set(true);
        }
        Ok(store)
    }
}

/// Creates missing tables and columns.
fn prepare(store: &Store, now: i64) -> Outcome<()> {
    store.prepare()?;
    store.transaction(|| postings::open_books(store, now))
}

/// Serves a request and logs it in one transaction. A success commits everything including the log entry; an error
/// commits only the log entry.
fn serve(desk: Desk, struck: Option<&str>) -> Outcome {
    let note = |reply: &Reply| {
        call_log::log(&desk.store, &desk.call, reply.status, Some(reply), struck, desk.call.now)
    };
    if desk.sweeps {
        call_log::sweep(&desk.store)?;
        agent_requests::sweep(&desk.store)?;
    }
    let served = desk.store.transaction(|| {
        plan_orders::arrive(&desk)?;
        let reply = router::route(&desk)?;
        note(&reply)?;
        Ok(reply)
    });
    served.or_else(|problem| {
        let reply = problem.reply(&desk.call.correlation, &time::iso(desk.call.now));
        note(&reply)?;
        Ok(reply)
    })
}

async fn read(request: &mut Request, correlation: &str) -> Outcome<Call> {
    let header = |name: &str| request.headers().get(name).ok().flatten();
    let url = request.url()?;
    let call = Call {
        method: request.method().to_string(),
        path: url.path().split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect(),
        query: url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
        authorization: header("authorization"),
        organization: header("x-current-org-id").filter(|org| !org.is_empty()),
        returning: header("x-nvm-widget-return-url"),
        correlation: correlation.to_owned(),
        accept: header("accept"),
        from: header("origin"),
        site: header("sec-fetch-site"),
        origin: url.origin().ascii_serialization(),
        body: String::new(),
        now: 0,
    };
    let too_large = || Problem::new(413, "SANDBOX.BAD_REQUEST", "The body is larger than 256 KiB");
    if header("content-length")
        .and_then(|length| length.parse::<usize>().ok())
        .is_some_and(|n| n > MAX_BODY_BYTES)
    {
        return Err(too_large());
    }
    let body = request.bytes().await?;
    if body.len() > MAX_BODY_BYTES {
        return Err(too_large());
    }
    let body = String::from_utf8(body).map_err(|_| Problem::bad_request("The body is not UTF-8"))?;
    Ok(Call { body, ..call })
}

/// The caller's correlation id if it is valid, else a new one.
fn correlation(request: &Request) -> String {
    let decent =
        |id: &String| (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    let sent = request.headers().get("x-correlation-id").ok().flatten().filter(decent);
    sent.unwrap_or_else(|| Random::Runtime.uuid().unwrap_or_default())
}

fn headers(correlation: &str, open: bool) -> worker::Result<Headers> {
    let headers = Headers::new();
    for (name, value) in cors::ALWAYS.iter().filter(|_| open) {
        headers.set(name, value)?;
    }
    headers.set("x-correlation-id", correlation)?;
    headers.set("cache-control", "no-store")?;
    Ok(headers)
}

fn respond(reply: Reply, correlation: &str, open: bool) -> worker::Result<Response> {
    let headers = headers(correlation, open)?;
    if let Some(seconds) = reply.retry_after {
        headers.set("retry-after", &seconds.to_string())?;
    }
    if let Some(challenge) = reply.challenge {
        headers.set("www-authenticate", challenge)?;
    }
    let bytes = match reply.body {
        Body::Empty => None,
        Body::Json(json) => {
            headers.set("content-type", "application/json; charset=utf-8")?;
            headers.set("x-content-type-options", "nosniff")?;
            Some(json.into_bytes())
        }
        Body::Html(html) => {
            headers.set("content-type", "text/html; charset=utf-8")?;
            for (name, value) in html::HEADERS {
                headers.set(name, value)?;
            }
            Some(html.into_bytes())
        }
        Body::File(kind, text) => {
            headers.set("content-type", kind)?;
            for (name, value) in files::HEADERS {
                headers.set(name, value)?;
            }
            Some(text.as_bytes().to_vec())
        }
        Body::Location(location) => {
            headers.set("location", &location)?;
            headers.set("referrer-policy", "no-referrer")?;
            None
        }
        Body::Lost => {
            let (name, length) = faults::OVERSIZED;
            headers.set(name, &"x".repeat(length))?;
            None
        }
    };
    let response = ResponseBuilder::new().with_status(reply.status).with_headers(headers);
    Ok(match bytes {
        Some(bytes) => response.fixed(bytes),
        None => response.empty(),
    })
}
