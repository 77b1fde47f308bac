//! Other dialects of 402 around the flow of a request: [`paywall::dialects`](crate::paywall::dialects), with the calls of this shell.

use super::js;
use crate::api;
use crate::paywall::dialects::{Dialects, Envelope, Inquiry, Outgoing, Platform, Sources, Supported};
use crate::paywall::{FacilitatorError, GateResponse, HeaderList, Settings};
use crate::wire::{PAYMENT_REQUIRED, mpp};
use std::cell::RefCell;
use std::rc::Rc;
use worker::web_sys;

/// The dialects of one gate.
#[derive(Debug)]
pub(super) struct Speaker {
    pub(super) dialects: Dialects,
    token_headers: Vec<String>,
    supported: RefCell<Supported>,
}

impl Speaker {
    /// `None` where nothing but x402 with plans is spoken.
    pub(super) fn new(dialects: Dialects, sources: &Sources) -> Option<Rc<Self>> {
        (!dialects.is_plain()).then(|| {
            Rc::new(Self { dialects, token_headers: sources.token_headers(), supported: RefCell::default() })
        })
    }

    /// Reads the payment of a request, and a copy of its body where that has to be known; an answer where it goes no further.
    pub(super) async fn enter(
        &self,
        request: &web_sys::Request,
        headers: &mut HeaderList,
        settings: &Settings,
    ) -> worker::Result<Result<Envelope, GateResponse>> {
        let url = request.url();
        let query = url.split('#').next().and_then(|url| url.split_once('?'));
        let search = query.map(|(_, query)| ["?", query].concat()).unwrap_or_default();
        let names = &self.token_headers;
        let open = |headers: &HeaderList, digest: Option<String>| {
            Envelope::open(&self.dialects, names, headers, &search, digest, js::now())
        };
        let mut envelope = open(headers, None);
        if envelope.needs_body() || self.dialects.binds_bodies() {
            let limit = usize::try_from(settings.max_body_bytes()).unwrap_or(usize::MAX);
            let copy: web_sys::Request = request.clone()?;
            let bytes = match copy.body() {
                Some(body) => js::read(&body, limit).await?,
                None => Some(Vec::new()),
            };
            let Some(bytes) = bytes else { return Ok(Err(Envelope::body_too_large(limit))) };
            envelope = open(headers, Some(mpp::body_digest(&bytes)));
        }
        envelope.dress(names, headers);
        Ok(Ok(envelope))
    }

    /// The gate's own answer in all dialects.
    pub(super) async fn answer(
        &self,
        envelope: &Envelope,
        response: GateResponse,
        settings: &Settings,
    ) -> GateResponse {
        if response.status == 402 && response.headers.get(PAYMENT_REQUIRED).is_some() {
            self.look().await;
        }
        let offered = envelope.answer(&self.dialects, &self.supported.borrow(), response);
        let mut response = offered.response;
        for body in offered.challenges {
            if let Some(challenge) = issue(settings, body).await {
                response.headers.append("www-authenticate", challenge);
            }
        }
        envelope.finish(&self.dialects, response.status, &mut response.headers);
        response
    }

    /// Asks the facilitators what they settle, where that is not known or old.
    async fn look(&self) {
        let queries = self.supported.borrow_mut().queries(&self.dialects, js::now());
        for query in queries {
            let facilitator = &query.facilitator;
            let url = [facilitator, "/supported"].concat();
            let headers = self.headers(facilitator);
            let answer = js::send(&url, "GET", &headers, None, Supported::PATIENCE_MS).await.ok();
            let answer = answer.filter(api::Response::is_success).map(|answer| answer.body);
            let mut supported = self.supported.borrow_mut();
            for line in supported.learn(&self.dialects, facilitator, answer.as_deref(), js::now()) {
                worker::console_error!("{}", line);
            }
        }
    }

    /// The headers of a call to a facilitator, with those that the seller gives it.
    fn headers(&self, facilitator: &str) -> HeaderList {
        let mut headers = HeaderList::new();
        headers.set("accept", "application/json");
        headers.set("content-type", "application/json");
        for (name, value) in self.dialects.headers_of(facilitator) {
            headers.set(&name, value);
        }
        headers
    }
}

/// A challenge by the platform, which seals it; `None` where it gives none. The 402 is paid by x402 then.
async fn issue(settings: &Settings, body: String) -> Option<String> {
    let answer = js::call(settings, &Platform::challenge_request(body), None).await;
    let challenge = answer.as_ref().ok().and_then(Platform::challenge_of);
    if challenge.is_none() {
        let status = answer.map_or_else(|error| error.code().into(), |answer| answer.status.to_string());
        worker::console_error!("mpp: the platform gave no challenge: {}", status);
    }
    challenge
}

/// Puts a call of the gate to who can answer it. The answer is in the platform's words.
pub(super) async fn ask(
    speaker: Option<&Speaker>,
    settings: &Settings,
    request: &api::Request,
    correlation: Option<&str>,
    envelope: Option<&mut Envelope>,
) -> Result<api::Response, FacilitatorError> {
    let spoken = speaker.and_then(|speaker| Some((speaker, Inquiry::of(&speaker.dialects, request)?)));
    let Some((speaker, (inquiry, outgoing))) = spoken else {
        return js::call(settings, request, correlation).await;
    };
    let answer = match outgoing {
        Outgoing::Answer(answer) => return Ok(answer),
        Outgoing::Platform(request) => js::call(settings, &request, correlation).await?,
        Outgoing::Facilitator { url, path, body } => {
            let headers = speaker.headers(&url);
            js::send(&[&url, path].concat(), "POST", &headers, Some(&body), settings.timeout_ms()).await?
        }
    };
    Ok(inquiry.read(&speaker.dialects, envelope, answer))
}
