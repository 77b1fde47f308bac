//! One request: performs the actions of its flow and reports the results.

use super::body::{MeteredEnd, PaidBody};
use super::dialects::{self, Exchange, Kept};
use super::price_request::{BodyError, PriceRequest};
use super::reconciler;
use super::response::{header_list, header_map, internal_error, own_response};
use super::shared::Shared;
use crate::paywall::{
    Action, Delivery, Ending, Event, Forward, Meter, OriginResponse, PaymentContext, RequestFlow,
    RequestHead, StreamEnd,
};
use crate::transport::{Transport, call, header_text, now, within};
use bytes::Bytes;
use core::fmt;
use core::future::poll_fn;
use core::time::Duration;
use http::{Request, Response};
use http_body::Body;
use std::sync::Arc;
use tokio::sync::oneshot;
use tower_service::Service;

/// Answers one request. The flow runs in a task of its own, so that a client that disconnects does not stop it.
pub(super) async fn answer<S, T, A, B>(
    shared: Arc<Shared<T>>,
    service: S,
    request: Request<A>,
) -> Response<PaidBody<B>>
where
    T: Transport,
    S: Service<Request<A>, Response = Response<B>, Error: fmt::Display + Send, Future: Send> + Send + 'static,
    A: Body<Data = Bytes> + From<Bytes> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
{
    if let Some(state) = &shared.state {
        reconciler::start(state, &shared);
    }
    let (reply, response) = oneshot::channel();
    let (parts, body) = request.into_parts();
    let (service, body, reply) = (Some(service), Some(body), Some(reply));
    let driver = Driver { shared, service, parts, body, origin: None, reply, exchange: None };
    tokio::spawn(driver.run());
    response.await.unwrap_or_else(|_| internal_error())
}

struct Driver<S, T, A, B> {
    shared: Arc<Shared<T>>,
    service: Option<S>,
    parts: http::request::Parts,
    body: Option<A>,
    origin: Option<Response<B>>,
    /// Where the answer goes. It is closed when the client is gone.
    reply: Option<oneshot::Sender<Response<PaidBody<B>>>>,
    /// The request in another dialect, where the gate speaks any.
    exchange: Option<Exchange>,
}

impl<S, T, A, B> Driver<S, T, A, B>
where
    T: Transport,
    S: Service<Request<A>, Response = Response<B>, Error: fmt::Display + Send, Future: Send> + Send + 'static,
    A: Body<Data = Bytes> + From<Bytes> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
{
    async fn run(mut self) {
        match dialects::enter(&self.shared, &mut self.parts, &mut self.body).await {
            Ok(exchange) => self.exchange = exchange,
            Err(answer) => return self.respond(*answer),
        }
        let Some(head) = self.head() else { return self.respond(internal_error()) };
        let (mut flow, mut action) = self.shared.gate.open(&head);
        loop {
            action = match action {
                Action::Respond(response) => {
                    self.report(&mut flow);
                    let response = dialects::answer(&self.shared, &mut self.exchange, response).await;
                    self.respond(own_response(response));
                    tell(&self.shared, flow).await;
                    break;
                }
                Action::Deliver(delivery) => {
                    self.report(&mut flow);
                    self.deliver(flow, delivery).await;
                    break;
                }
                Action::Finish(_) => return self.respond(internal_error()),
                action => {
                    let event = self.perform(action, &flow).await;
                    let event = match self.is_gone() && flow.client_left() {
                        true => Event::ClientGone,
                        false => event,
                    };
                    flow.handle_event(event, now())
                }
            };
        }
        learn_plan(&self.shared).await;
    }

    /// The request as the gate reads it; `None` without random bytes.
    fn head(&self) -> Option<RequestHead> {
        let http::request::Parts { method, uri, headers, .. } = &self.parts;
        let mut seed = [0; 16];
        getrandom::fill(&mut seed).ok()?;
        let host = uri.authority().map(|authority| authority.as_str().to_string());
        let host =
            host.or_else(|| headers.get("host").map(header_text)).unwrap_or_else(|| "localhost".into());
        // The end of a host of more than a host would be read as the path. Without one it is no URL, and refused.
        let is_plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte));
        let host = if is_plain { host } else { String::new() };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Some(RequestHead {
            method: method.as_str().into(),
            url: format!("{}://{host}{path}", uri.scheme_str().unwrap_or("http")),
            headers: header_list(headers),
            address: (self.shared.client_address)(&self.parts),
            routed: self.shared.routed,
            body_gone: false,
            seed,
            now: now(),
        })
    }

    fn is_gone(&self) -> bool {
        self.reply.as_ref().is_some_and(oneshot::Sender::is_closed)
    }

    fn respond(&mut self, response: Response<PaidBody<B>>) {
        if let Some(reply) = self.reply.take() {
            // A client that is gone needs no answer.
            let _ = reply.send(response);
        }
    }

    /// Performs an action whose result the flow waits for.
    async fn perform(&mut self, action: Action, flow: &RequestFlow) -> Event {
        let shared = self.shared.clone();
        let settings = shared.gate.settings();
        match action {
            Action::Call(request) => {
                let timeout = Duration::from_millis(settings.timeout_ms().into());
                let correlation = Some(flow.correlation_id());
                dialects::perform(&shared, &request, correlation, timeout, &mut self.exchange).await
            }
            Action::State(call) => match &shared.state {
                Some(state) => match state.ask(&call).await {
                    Ok(reply) => Event::State(reply),
                    Err(error) => {
                        (shared.log)(&format!("state: {error}"));
                        Event::StateFailed
                    }
                },
                None => Event::StateFailed,
            },
            Action::Wait(ms) => {
                tokio::time::sleep(Duration::from_millis(ms.into())).await;
                Event::Waited
            }
            Action::Price(question) => match &shared.price {
                Some(price) => {
                    let limit = usize::try_from(settings.max_body_bytes()).unwrap_or(usize::MAX);
                    let (request, body) = PriceRequest::new(question.request, self.body.take(), limit);
                    let credits = price(request, question.route).await;
                    match body.take() {
                        Ok(body) => {
                            self.body = body;
                            Event::Price(credits)
                        }
                        Err(BodyError::TooLarge(_)) => Event::BodyTooLarge,
                        Err(_) => Event::Price(None),
                    }
                }
                None => Event::Price(None),
            },
            Action::Forward(forward) => {
                let payment = flow.payment().map(PaymentContext::from);
                let timeout = Duration::from_millis(settings.origin_timeout_ms().into());
                self.forward(forward, payment, timeout).await
            }
            Action::Respond(_) | Action::Deliver(_) | Action::Finish(_) => Event::OriginFailed,
        }
    }

    /// Calls the service, in a task of its own so that a panic ends no more than that task.
    async fn forward(
        &mut self,
        forward: Forward,
        payment: Option<PaymentContext>,
        timeout: Duration,
    ) -> Event {
        let (Some(service), Some(request)) = (self.service.take(), self.request(&forward, payment)) else {
            return Event::OriginFailed;
        };
        let mut task = tokio::spawn(ready_call(service, request));
        let gone = async {
            match &mut self.reply {
                Some(reply) => reply.closed().await,
                None => core::future::pending().await,
            }
        };
        let result = match within(gone, within(tokio::time::sleep(timeout), &mut task)).await {
            Some(Some(result)) => result,
            other => {
                task.abort();
                return if other.is_some() { Event::OriginTimedOut } else { Event::OriginFailed };
            }
        };
        let problem = match result {
            Ok(Ok(response)) => {
                let head = OriginResponse {
                    status: response.status().as_u16(),
                    headers: header_list(response.headers()),
                };
                self.origin = Some(response);
                return Event::Origin(head);
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) if error.is_panic() => "it panicked".into(),
            Err(error) => error.to_string(),
        };
        (self.shared.log)(&format!("handler: {problem}"));
        Event::OriginFailed
    }

    /// The request that the service receives; `None` where it cannot be made.
    fn request(&mut self, forward: &Forward, payment: Option<PaymentContext>) -> Option<Request<A>> {
        let uri: http::Uri = forward.url.parse().ok()?;
        let body = self.body.take().filter(|_| forward.body).unwrap_or_else(|| Bytes::new().into());
        let mut request = Request::new(body);
        *request.method_mut() = http::Method::from_bytes(forward.method.as_str().as_bytes()).ok()?;
        // As the server received it: the path alone, unless the request named its host in another way.
        *request.uri_mut() = match (self.parts.uri.authority(), uri.path_and_query()) {
            (None, Some(path)) => path.as_str().parse().ok()?,
            _ => uri,
        };
        *request.version_mut() = self.parts.version;
        *request.headers_mut() = header_map(&forward.headers);
        if let Some(host) = self.parts.headers.get("host") {
            request.headers_mut().insert("host", host.clone());
        }
        *request.extensions_mut() = core::mem::take(&mut self.parts.extensions);
        if let Some(payment) = payment {
            request.extensions_mut().insert(payment);
        }
        Some(request)
    }

    /// Delivers the service's response, and goes on with the flow where it is settled later.
    async fn deliver(&mut self, flow: RequestFlow, delivery: Delivery) {
        let Delivery { mut headers, journal, meter } = delivery;
        if let Some(journal) = journal {
            (self.shared.log)(journal.line());
        }
        let Some(origin) = self.origin.take() else { return self.respond(internal_error()) };
        let (mut parts, body) = origin.into_parts();
        let keeps = dialects::deliver(&self.shared, &mut self.exchange, parts.status, &mut headers).await;
        parts.headers = header_map(&headers);
        let (body, end) = match &meter {
            Some(meter) if meter.to_the_end => {
                let (body, end) = PaidBody::metered(body, meter);
                (body, Some(end))
            }
            _ => (PaidBody::origin(body), None),
        };
        let (body, kept) = match keeps {
            Some(answer) => {
                let (body, copied) = body.copied();
                (body, Some(Kept { answer, copied }))
            }
            None => (body, None),
        };
        self.respond(Response::from_parts(parts, body));
        match meter {
            Some(meter) => self.settle_later(flow, &meter, end).await,
            None => tell(&self.shared, flow).await,
        }
        if let Some(kept) = kept {
            kept.keep(&self.shared).await;
        }
    }

    /// Goes on with a flow whose answer is on its way.
    async fn settle_later(&mut self, mut flow: RequestFlow, meter: &Meter, end: Option<MeteredEnd>) {
        let (ending, finish) = match end {
            Some(MeteredEnd { ended, finish }) => {
                (wait_for_end(&self.shared, ended, meter).await, Some(finish))
            }
            None => (Ending::default(), None),
        };
        let mut action = flow.handle_event(Event::Ended(ending), now());
        loop {
            action = match action {
                Action::Finish(StreamEnd { tail, journal }) => {
                    if let Some(journal) = journal {
                        (self.shared.log)(journal.line());
                    }
                    // A client that is gone reads no receipt.
                    let _ = finish.map(|finish| finish.send(tail));
                    break;
                }
                Action::Respond(_) | Action::Deliver(_) => break,
                action => {
                    let event = self.perform(action, &flow).await;
                    flow.handle_event(event, now())
                }
            };
        }
        tell(&self.shared, flow).await;
    }

    fn report(&self, flow: &mut RequestFlow) {
        if let Some(line) = flow.record().and_then(|record| record.line) {
            (self.shared.log)(&line);
        }
    }
}

/// Waits for the end of a body, and tells the state meanwhile that it goes on.
async fn wait_for_end<T>(shared: &Shared<T>, mut ended: oneshot::Receiver<Ending>, meter: &Meter) -> Ending {
    loop {
        let (Some(renew), Some(state)) = (&meter.renew, &shared.state) else {
            return ended.await.unwrap_or_default();
        };
        match tokio::time::timeout(Duration::from_millis(renew.every_ms.into()), &mut ended).await {
            Ok(ending) => return ending.unwrap_or_default(),
            Err(_) => {
                if let Err(error) = state.ask_once(&renew.call).await {
                    (shared.log)(&format!("state: {error}"));
                }
            }
        }
    }
}

/// Sends the calls to the state that nobody waits for.
async fn tell<T>(shared: &Shared<T>, mut flow: RequestFlow) {
    let calls = flow.take_deferred();
    drop(flow);
    if let Some(state) = &shared.state {
        state.tell(calls, &*shared.log).await;
    }
}

/// Asks for a plan whose terms are old, now that nobody waits.
async fn learn_plan<T: Transport>(shared: &Shared<T>) {
    let (gate, settings) = (&shared.gate, shared.gate.settings());
    if let Some(query) = gate.stale_plan(now()) {
        let timeout = Duration::from_millis(settings.timeout_ms().into());
        let (backend, key) = (settings.facilitator(), Some(settings.key()));
        let answer = call(&shared.transport, backend, &query.request, key, None, timeout).await.ok();
        gate.learn(&query, answer.as_ref(), now());
    }
}

/// Calls a service when it is ready.
async fn ready_call<S: Service<R>, R>(mut service: S, request: R) -> Result<S::Response, S::Error> {
    poll_fn(|context| service.poll_ready(context)).await?;
    service.call(request).await
}
