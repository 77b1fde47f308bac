//! The Nevermined platform in small, as a Worker: enough of it to develop and test against, offline.
//!
//! One Durable Object holds everything, so that what happens once happens once. A call is read to its end, then served
//! from start to finish without an await, in one storage transaction: a burn and the top-up before it stand or fall
//! together, and two calls never interleave.
//!
//! It knows `wire` and the HTTP contract, and nothing of how our own clients read either: what they get wrong, it does
//! not repeat.

mod access;
mod accounts;
mod activity;
mod agents;
mod authorization;
mod back;
mod balances;
mod call;
mod challenge;
mod checkout;
mod clock;
mod codes;
mod consent;
mod control;
mod cors;
mod credits;
mod dashboard;
mod delegations;
mod deployment;
mod embed;
mod endpoints;
mod facilitator;
mod faults;
mod journal;
mod keys;
mod ledger;
mod legal;
mod login;
mod methods;
mod mpp;
mod oauth;
mod orders;
mod organizations;
mod overview;
mod pages;
mod permissions;
mod plans;
mod problem;
mod random;
mod requests;
mod router;
mod sales;
mod secrets;
mod seed;
mod settings;
mod settlement;
mod signers;
mod store;
mod terms;
mod tokens;
mod typed;
mod widget_keys;
mod widgets;

use call::{Body, Call, Reply};
use control::Started;
use problem::{Outcome, Problem};
use random::Random;
use settings::Settings;
use std::cell::Cell;
use std::time::Duration;
use store::Store;
use worker::{
    Context, Date, Delay, DurableObject, Env, Headers, Request, Response, ResponseBuilder, durable_object,
    event,
};

/// Largest body that is read.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// One call being served, and what serving it takes.
#[derive(Debug)]
struct Desk {
    call: Call,
    store: Store,
    random: Random,
    settings: Settings,
    /// Whether things may be made to go wrong.
    faulty: bool,
    started: Started,
}

/// Everything there is goes to the one object; only preflights need no state.
#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    if request.method() == worker::Method::Options {
        let open = cors::open(request.path().split('/').find(|segment| !segment.is_empty()));
        let headers = headers(&correlation(&request), open)?;
        for (name, value) in cors::PREFLIGHT.iter().filter(|_| open) {
            headers.set(name, value)?;
        }
        return Ok(ResponseBuilder::new().with_status(204).with_headers(headers).empty());
    }
    env.durable_object("SANDBOX")?.get_by_name("sandbox")?.fetch_with_request(request).await
}

/// The platform: its storage is all that it is.
#[durable_object(fetch)]
#[derive(Debug)]
pub struct Sandbox {
    state: worker::State,
    prepared: Cell<bool>,
    faulty: bool,
    started: Started,
}

impl DurableObject for Sandbox {
    fn new(state: worker::State, env: Env) -> Self {
        let named =
            |name: &str| env.var(name).ok().map(|value| value.to_string()).filter(|text| !text.is_empty());
        let faulty = named("SANDBOX_FAULTS").is_some_and(|value| value == "1");
        let started = Started { secret: named("SANDBOX_SECRET"), command: named("SANDBOX_COMMAND") };
        Self { state, prepared: Cell::new(false), faulty, started }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let correlation = correlation(&request);
        let mut open = false;
        let reply = match read(&mut request, &correlation).await {
            Ok(call) => {
                open = cors::open(call.path.first().map(String::as_str));
                if self.faulty { self.struck(call).await } else { self.serve(call, None) }
            }
            Err(problem) => problem.reply(&correlation, &clock::iso(machine())),
        };
        respond(reply, &correlation, open)
    }
}

/// What the machine's clock says, in milliseconds since 1970.
fn machine() -> i64 {
    i64::try_from(Date::now().as_millis()).unwrap_or_default()
}

impl Sandbox {
    /// Serves a call that something may go wrong with.
    async fn struck(&self, call: Call) -> Reply {
        let failed = |problem: Problem| problem.reply(&call.correlation, &clock::iso(machine()));
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
                journal::log(&store, &call, status, Some(&reply), struck.as_deref(), now)
            });
            logged.map_or_else(failed, |()| reply)
        };
        match last {
            None => self.serve(call, struck),
            Some(faults::Kind::Drop) => unserved(Reply::lost(), 0),
            Some(faults::Kind::Status { status, code, retry_after }) => {
                let now = clock::iso(machine());
                unserved(faults::answer(status, &code, retry_after, &call, &now), status)
            }
            Some(faults::Kind::Garble) => self.serve(call, struck).garbled(),
            Some(faults::Kind::LoseAnswer | faults::Kind::Latency(_)) => {
                self.serve(call, struck);
                Reply::lost()
            }
        }
    }

    /// Serves a call; no await may be in here.
    fn serve(&self, mut call: Call, struck: Option<String>) -> Reply {
        call.now = machine();
        let (machine, correlation) = (call.now, call.correlation.clone());
        let served = self.store().and_then(|store| {
            let settings = Settings::load(&store)?;
            call.now = machine.saturating_add(settings.offset);
            let started = self.started.clone();
            let desk = Desk { call, store, random: Random::Runtime, settings, faulty: self.faulty, started };
            let reply = desk
                .store
                .transaction(|| {
                    orders::arrive(&desk)?;
                    router::route(&desk)
                })
                .unwrap_or_else(|problem| problem.reply(&correlation, &clock::iso(desk.call.now)));
            journal::log(
                &desk.store,
                &desk.call,
                reply.status,
                Some(&reply),
                struck.as_deref(),
                desk.call.now,
            )?;
            Ok(reply)
        });
        served.unwrap_or_else(|problem| problem.reply(&correlation, &clock::iso(machine)))
    }

    fn store(&self) -> Outcome<Store> {
        let store = Store::new(&self.state)?;
        if !self.prepared.get() {
            store.prepare()?;
            self.prepared.set(true);
        }
        Ok(store)
    }
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

/// The caller's correlation id if it sent a decent one, else a new one.
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
            for (name, value) in pages::HEADERS {
                headers.set(name, value)?;
            }
            Some(html.into_bytes())
        }
        Body::File(kind, text) => {
            headers.set("content-type", kind)?;
            for (name, value) in dashboard::HEADERS {
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
