//! Other dialects of 402 around the flow of a request: [`paywall::dialects`](crate::paywall::dialects), with the calls and the state of this driver.

use super::body::PaidBody;
use super::response::{header_list, header_map, internal_error, own_response};
use super::shared::Shared;
use super::speaker::Speaker;
use super::state::State;
use crate::api;
use crate::paywall::dialects::{
    Earlier, Envelope, Inquiry, NameEnd, NameRefusal, NamedPayment, NoteChange, Outgoing, Platform, Question,
    Supported, note,
};
use crate::paywall::state::RowsError;
use crate::paywall::{Event, FacilitatorError, GateResponse, HeaderList};
use crate::transport::{CallError, Transport, call, exchange, now, read};
use crate::wire::{PAYMENT_REQUIRED, PAYMENT_RESPONSE, base64, mpp};
use bytes::Bytes;
use core::time::Duration;
use http::{Response, StatusCode};
use http_body::Body;
use std::sync::Arc;
use tokio::sync::oneshot;

/// The largest answer that is kept under a name, in base64.
const MAX_KEPT: usize = 128 * 1024;
/// The row of an object that keeps a note.
const NOTE: &str = "note";

/// One request.
pub(super) struct Exchange {
    envelope: Envelope,
    named: Option<NamedPayment>,
}

/// The answer to a payment with a name, which is kept when its body has gone out.
pub(super) struct KeptAnswer {
    named: NamedPayment,
    status: u16,
    headers: Vec<(String, String)>,
}

/// The same with its body.
pub(super) struct Kept {
    pub(super) answer: KeptAnswer,
    pub(super) copied: oneshot::Receiver<Option<Bytes>>,
}

/// Reads the payment of a request, and its body where that has to be known; an answer where it goes no further.
pub(super) async fn enter<T, A, B>(
    shared: &Shared<T>,
    parts: &mut http::request::Parts,
    body: &mut Option<A>,
) -> Result<Option<Exchange>, Box<Response<PaidBody<B>>>>
where
    A: Body<Data = Bytes> + From<Bytes> + Send + 'static,
{
    let Some(speaker) = &shared.dialects else { return Ok(None) };
    let own = |response: GateResponse| Box::new(own_response(response));
    let mut headers = header_list(&parts.headers);
    let search = parts.uri.query().map(|query| ["?", query].concat()).unwrap_or_default();
    let names = &speaker.token_headers;
    let open =
        |digest: Option<String>| Envelope::open(&speaker.dialects, names, &headers, &search, digest, now());
    let mut envelope = open(None);
    let token = Envelope::token(names, &headers).unwrap_or_default().to_string();
    let name = speaker.dialects.name_of(Some(&*token).filter(|token| !token.is_empty()));
    let name = name.map_err(|refusal| own(refusal.response()))?;
    let mut named = None;
    if envelope.needs_body() || speaker.dialects.binds_bodies() || name.is_some() {
        let limit = usize::try_from(shared.gate.settings().max_body_bytes()).unwrap_or(usize::MAX);
        let bytes = match body.take() {
            Some(body) => read(body, limit).await.map_err(|_| Box::new(internal_error()))?,
            None => Some(Bytes::new()),
        };
        let bytes = bytes.ok_or_else(|| own(Envelope::body_too_large(limit)))?;
        let digest = mpp::body_digest(&bytes);
        *body = Some(bytes.into());
        envelope = open(Some(digest.clone()));
        if let (Some(name), Some(state)) = (name, &shared.state) {
            let url = [headers.get("host").unwrap_or_default(), &parts.uri.to_string()].concat();
            let payment = NamedPayment::new(&name, &[parts.method.as_str(), &url, &token, &digest]);
            match ask_note(state, &payment, NOTE.into()).await.map(|note| payment.earlier(&note)) {
                Ok(None) => named = Some(payment),
                Ok(Some(Earlier::Refused(refusal))) => return Err(own(refusal.response())),
                Ok(Some(Earlier::Answer { status, headers, body })) => {
                    return Err(Box::new(kept_response(status, headers, &body)));
                }
                Err(error) => {
                    (shared.log)(&format!("state: {error}"));
                    return Err(own(GateResponse::state_unavailable()));
                }
            }
        }
    }
    if !envelope.is_plain() {
        envelope.dress(names, &mut headers);
        parts.headers = header_map(&headers);
    }
    Ok(Some(Exchange { envelope, named }))
}

/// Performs a call of the flow.
pub(super) async fn perform<T: Transport>(
    shared: &Shared<T>,
    request: &api::Request,
    correlation: Option<&str>,
    timeout: Duration,
    exchange: &mut Option<Exchange>,
) -> Event {
    let envelope = exchange.as_mut().map(|exchange| &mut exchange.envelope);
    let response = match ask(shared, request, correlation, timeout, envelope).await {
        Ok(response) => response,
        Err(CallError::TimedOut) => return Event::Unanswered(FacilitatorError::TimedOut),
        Err(CallError::Unreachable) => return Event::Unanswered(FacilitatorError::Unreachable),
        Err(CallError::Unreadable) => return Event::Unanswered(FacilitatorError::Unreadable),
    };
    let named = exchange.as_mut().and_then(|exchange| exchange.named.as_mut());
    if let (Some(Question::Verify), Some(named), Some(state)) = (Question::of(request), named, &shared.state)
        && let Some(claim) = named.claim(response.status, &response.body, now())
    {
        match ask_note(state, named, claim).await {
            Ok(reply) if named.claimed(&reply) => {}
            Ok(_) => return Event::Denied("The payment of this name is under way.".into()),
            Err(error) => {
                (shared.log)(&format!("state: {error}"));
                return Event::Unanswered(FacilitatorError::Unreachable);
            }
        }
    }
    Event::Answered(response)
}

/// Puts a call of the gate to who can answer it. The answer is in the platform's words.
pub(super) async fn ask<T: Transport>(
    shared: &Shared<T>,
    request: &api::Request,
    correlation: Option<&str>,
    timeout: Duration,
    envelope: Option<&mut Envelope>,
) -> Result<api::Response, CallError> {
    let settings = shared.gate.settings();
    let (backend, key) = (settings.facilitator(), Some(settings.key()));
    let spoken = shared.dialects.as_ref();
    let spoken = spoken.and_then(|speaker| Some((speaker, Inquiry::of(&speaker.dialects, request)?)));
    let Some((speaker, (inquiry, outgoing))) = spoken else {
        return call(&shared.transport, backend, request, key, correlation, timeout).await;
    };
    let answer = match outgoing {
        Outgoing::Answer(answer) => return Ok(answer),
        Outgoing::Platform(request) => {
            call(&shared.transport, backend, &request, key, correlation, timeout).await?
        }
        Outgoing::Facilitator { url, path, body } => {
            let request = speaker.request(&url, path, Some(body)).ok_or(CallError::Unreachable)?;
            exchange(&shared.transport, request, timeout).await?
        }
    };
    Ok(inquiry.read(&speaker.dialects, envelope, answer))
}

/// The gate's own answer in all dialects.
pub(super) async fn answer<T: Transport>(
    shared: &Arc<Shared<T>>,
    exchange: &mut Option<Exchange>,
    response: GateResponse,
) -> GateResponse {
    let (Some(speaker), Some(exchange)) = (&shared.dialects, exchange) else { return response };
    if response.status == 402 && response.headers.get(PAYMENT_REQUIRED).is_some() {
        look(shared, speaker).await;
    }
    let offered = exchange.envelope.answer(&speaker.dialects, &speaker.supported(), response);
    let mut response = offered.response;
    let challenges = offered.challenges.into_iter().map(|body| tokio::spawn(issue(shared.clone(), body)));
    for challenge in challenges.collect::<Vec<_>>() {
        if let Ok(Some(challenge)) = challenge.await {
            response.headers.append("www-authenticate", challenge);
        }
    }
    exchange.envelope.finish(&speaker.dialects, response.status, &mut response.headers);
    match end_name(shared, exchange, response.status, &response.headers).await {
        Err(refusal) => refusal.response(),
        Ok(None) => response,
        Ok(Some(kept)) => {
            let body = response.body.clone().unwrap_or_default();
            kept.keep(shared, Some(body.as_bytes())).await;
            response
        }
    }
}

/// Writes the headers of an answer of the service's, which is kept where its payment has a name.
pub(super) async fn deliver<T>(
    shared: &Shared<T>,
    exchange: &mut Option<Exchange>,
    status: StatusCode,
    headers: &mut HeaderList,
) -> Option<KeptAnswer> {
    let (Some(speaker), Some(exchange)) = (&shared.dialects, exchange) else { return None };
    exchange.envelope.finish(&speaker.dialects, status.as_u16(), headers);
    // A name that is another request's was denied before the service was called.
    end_name(shared, exchange, status.as_u16(), headers).await.ok().flatten()
}

/// Ends the name of a payment: the answer is kept, or the name is free again.
async fn end_name<T>(
    shared: &Shared<T>,
    exchange: &mut Exchange,
    status: u16,
    headers: &HeaderList,
) -> Result<Option<KeptAnswer>, NameRefusal> {
    let (Some(named), Some(state)) = (exchange.named.take(), &shared.state) else { return Ok(None) };
    match named.end(status, headers.get(PAYMENT_RESPONSE)) {
        NameEnd::Pass => Ok(None),
        NameEnd::Lost(refusal) => Err(refusal),
        NameEnd::Free(command) => {
            if let Err(error) = ask_note(state, &named, command).await {
                (shared.log)(&format!("state: {error}"));
            }
            Ok(None)
        }
        NameEnd::Keep => {
            let headers = headers.iter().map(|(name, value)| (name.into(), value.into())).collect();
            Ok(Some(KeptAnswer { named, status, headers }))
        }
    }
}

impl KeptAnswer {
    async fn keep<T>(self, shared: &Shared<T>, body: Option<&[u8]>) {
        let Some(state) = &shared.state else { return };
        let body = body.map(base64::encode_standard);
        let command = self.named.keep(self.status, &self.headers, body.as_deref(), now());
        if let Err(error) = ask_note(state, &self.named, command).await {
            (shared.log)(&format!("state: {error}"));
        }
    }
}

impl Kept {
    /// Keeps the answer when its body has gone out; without the body where that is too large, or broke off.
    pub(super) async fn keep<T>(self, shared: &Shared<T>) {
        let body = self.copied.await.ok().flatten();
        self.answer.keep(shared, body.as_deref()).await;
    }
}

/// An answer that was kept under a name.
fn kept_response<B>(status: u16, headers: Vec<(String, String)>, body: &str) -> Response<PaidBody<B>> {
    let mut list = HeaderList::new();
    headers.into_iter().for_each(|(name, value)| list.append(&name, value));
    let body = if body.is_empty() { Ok(Vec::new()) } else { base64::decode(body, MAX_KEPT, "body") };
    let mut response = Response::new(PaidBody::bytes(body.unwrap_or_default()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    *response.headers_mut() = header_map(&list);
    response
}

/// Performs a command on the note of a name, which may arrive twice.
async fn ask_note(state: &State, named: &NamedPayment, command: String) -> Result<String, RowsError> {
    let once = |command: String| {
        state.run(named.shard().into(), move |rows| {
            let stored = rows.get(NOTE, "")?;
            let (reply, change) = note(stored.as_deref(), &command, now());
            match change {
                NoteChange::Stays => {}
                NoteChange::Written(text, end) => rows.put(NOTE, "", &text, Some(end))?,
                NoteChange::Removed => rows.remove(NOTE, "")?,
            }
            Ok(reply)
        })
    };
    let reply = match once(command.clone()).await {
        Err(_) => once(command).await,
        reply => reply,
    };
    state.wake();
    reply
}

/// Asks the facilitators what they settle, where that is not known or old.
async fn look<T: Transport>(shared: &Arc<Shared<T>>, speaker: &Speaker) {
    let _waits = speaker.asking.lock().await;
    let queries = speaker.supported().queries(&speaker.dialects, now());
    let tasks = queries.into_iter().map(|query| {
        let task = tokio::spawn(ask_supported(shared.clone(), query.facilitator));
        // The last answer serves while it is asked again.
        query.waits.then_some(task)
    });
    for task in tasks.collect::<Vec<_>>().into_iter().flatten() {
        // A task that failed leaves what was known.
        let _ = task.await;
    }
}

async fn ask_supported<T: Transport>(shared: Arc<Shared<T>>, facilitator: String) {
    let Some(speaker) = &shared.dialects else { return };
    let patience = Duration::from_millis(Supported::PATIENCE_MS.into());
    let answer = match speaker.request(&facilitator, "/supported", None) {
        Some(request) => exchange(&shared.transport, request, patience).await.ok(),
        None => None,
    };
    let answer = answer.filter(api::Response::is_success).map(|answer| answer.body);
    let lines = speaker.supported().learn(&speaker.dialects, &facilitator, answer.as_deref(), now());
    lines.iter().for_each(|line| (shared.log)(line));
}

/// A challenge by the platform, which seals it; `None` where it gives none. The 402 is paid by x402 then.
async fn issue<T: Transport>(shared: Arc<Shared<T>>, body: String) -> Option<String> {
    let timeout = Duration::from_millis(shared.gate.settings().timeout_ms().into());
    let answer = ask(&shared, &Platform::challenge_request(body), None, timeout, None).await;
    let challenge = answer.as_ref().ok().and_then(Platform::challenge_of);
    if challenge.is_none() {
        let status = answer.map_or_else(|error| format!("{error:?}"), |answer| answer.status.to_string());
        (shared.log)(&format!("mpp: the platform gave no challenge: {status}"));
    }
    challenge
}
