//! The Durable Object: it reads requests, injects faults, and serves each request in a batch.

use crate::context::{RequestContext, StartOptions};
use crate::control::{call_log, faults};
use crate::http::batch::{BatchTicket, WriteBatch};
use crate::http::cors;
use crate::http::error::{ApiError, Result};
use crate::http::request::Request;
use crate::http::response::Response;
use crate::primitives::memo::Memo;
use crate::primitives::random::Random;
use crate::primitives::time;
use crate::settings::Settings;
use crate::storage::store::Store;
use crate::{service, worker_http};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use worker::{Date, Delay, DurableObject, Env, durable_object};

/// Old rows are deleted once in this many requests.
const SWEEP_EVERY: u32 = 64;

/// The platform. All state is in its storage; the other members can be rebuilt from it.
#[durable_object(fetch)]
#[derive(Debug)]
pub struct Sandbox {
    state: worker::State,
    prepared: Cell<bool>,
    settings: Cell<Option<Settings>>,
    cache: Rc<Memo>,
    faults_enabled: bool,
    start_options: StartOptions,
    batch: WriteBatch,
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
            cache: Rc::default(),
            faults_enabled: named("SANDBOX_FAULTS").is_some_and(|value| value == "1"),
            start_options: StartOptions {
                secret: named("SANDBOX_SECRET"),
                command: named("SANDBOX_COMMAND"),
            },
            batch: WriteBatch::default(),
            served: Cell::new(0),
        }
    }

    async fn fetch(&self, mut request: worker::Request) -> worker::Result<worker::Response> {
        let correlation = worker_http::correlation(&request);
        let open = cors::open(request.path().split('/').find(|segment| !segment.is_empty()));
        if request.method() == worker::Method::Options {
            return worker_http::preflight(&correlation, open);
        }
        let ticket = self.batch.enter();
        let response = match worker_http::read(&mut request, &correlation).await {
            Ok(request) if self.faults_enabled => self.serve_with_faults(request, ticket).await,
            Ok(request) => self.serve_in_batch(request, None, ticket).await,
            Err(error) => error.to_response(&correlation, &time::iso(now_ms())),
        };
        worker_http::respond(response, &correlation, open)
    }
}

/// The machine's clock, in milliseconds since 1970.
fn now_ms() -> i64 {
    i64::try_from(Date::now().as_millis()).unwrap_or_default()
}

impl Sandbox {
    /// Serves a request together with the others of its batch.
    async fn serve_in_batch(
        &self,
        request: Request,
        fault: Option<String>,
        ticket: BatchTicket<'_>,
    ) -> Response {
        ticket.wait().await;
        self.serve(request, fault)
    }

    /// Serves a request into which faults may be injected.
    async fn serve_with_faults(&self, request: Request, ticket: BatchTicket<'_>) -> Response {
        let failed = |error: ApiError| error.to_response(&request.correlation, &time::iso(now_ms()));
        let kinds = match self.store().and_then(|store| faults::inject(&store, &request)) {
            Ok(kinds) => kinds,
            Err(error) => return failed(error),
        };
        let fault = faults::names(&kinds);
        let mut last = None;
        for kind in kinds {
            match kind {
                faults::FaultKind::Latency(millis) => Delay::from(Duration::from_millis(millis)).await,
                other => last = Some(other),
            }
        }
        let unserved = |response: Response, status: u16| {
            let logged = self.store().and_then(|store| {
                let now = now_ms().saturating_add(Settings::load(&store)?.offset);
                call_log::log(&store, &request, status, Some(&response), fault.as_deref(), now)
            });
            logged.map_or_else(failed, |()| response)
        };
        match last {
            None => self.serve_in_batch(request, fault, ticket).await,
            Some(faults::FaultKind::Drop) => unserved(Response::lost(), 0),
            Some(faults::FaultKind::Status { status, code, retry_after }) => {
                let now = time::iso(now_ms());
                unserved(faults::response(status, &code, retry_after, &request, &now), status)
            }
            Some(faults::FaultKind::Garble) => self.serve_in_batch(request, fault, ticket).await.garbled(),
            Some(faults::FaultKind::LoseAnswer | faults::FaultKind::Latency(_)) => {
                self.serve_in_batch(request, fault, ticket).await;
                Response::lost()
            }
        }
    }

    /// Serves a request. There must be no await in here.
    fn serve(&self, mut request: Request, fault: Option<String>) -> Response {
        request.now = now_ms();
        let (now, correlation) = (request.now, request.correlation.clone());
        let served = self.store().and_then(|store| {
            let settings = match self.settings.get() {
                Some(settings) => settings,
                None => Settings::load(&store)?,
            };
            // Only routes under `/sandbox` change settings.
            let changes_settings = request.path.first().is_some_and(|first| first == "sandbox");
            self.settings.set(Some(settings).filter(|_| !changes_settings));
            request.now = now.saturating_add(settings.offset);
            let served = self.served.replace(self.served.get().wrapping_add(1));
            let ctx = RequestContext {
                request,
                store,
                random: Random::Runtime,
                settings,
                cache: Rc::clone(&self.cache),
                sweep: served.is_multiple_of(SWEEP_EVERY),
                faults_enabled: self.faults_enabled,
                start_options: self.start_options.clone(),
            };
            service::serve(ctx, fault.as_deref())
        });
        served.unwrap_or_else(|error| error.to_response(&correlation, &time::iso(now)))
    }

    fn store(&self) -> Result<Store> {
        let store = Store::new(&self.state)?;
        if !self.prepared.get() {
            service::prepare(&store, now_ms())?;
            self.prepared.set(true);
        }
        Ok(store)
    }
}
