//! One fetch: performs the actions of the buyer and reports the results.

use super::session::Session;
use super::{PaymentError, ResponseBody};
use crate::subscriber::{
    Action, Approval, Event, FetchId, FetchRequest, Finish, Offer, Redirected, Redirects, ResponseHead,
    SendRequest, Spend, Target,
};
use crate::transport::{Transport, header_text, header_value, now};
use crate::wire::{MAX_OFFER_BYTES, PAYMENT_REQUIRED, PAYMENT_RESPONSE, PAYMENT_SIGNATURE, Receipt};
use bytes::Bytes;
use core::fmt;
use core::future::poll_fn;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use core::time::Duration;
use http::{HeaderMap, Method};
use std::sync::Arc;

/// A seller's response, and what it cost.
pub struct Paid<B> {
    /// The response. Its body streams.
    pub response: http::Response<ResponseBody<B>>,
    /// The receipt, where the response carried one.
    pub receipt: Option<Arc<Receipt>>,
    /// A report of what was spent: nothing for a response that asked for no payment.
    pub spend: Spend,
    /// The offers, of a [`quote`](super::Client::quote).
    pub offers: Vec<Arc<Offer>>,
}

impl<B> fmt::Debug for Paid<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paid")
            .field("status", &self.response.status().as_u16())
            .field("spend", &self.spend)
            .finish_non_exhaustive()
    }
}

pub(super) async fn run<T: Transport>(
    session: &Session<T>,
    request: http::Request<Bytes>,
    quote: bool,
) -> Result<Paid<T::Body>, PaymentError<T::Body>> {
    let target: Target = match request.uri().to_string().parse() {
        Ok(target) => target,
        Err(error) => {
            return Err(PaymentError {
                error: crate::subscriber::FetchError::Unreachable,
                spend: Spend::default(),
                response: None,
                transport: Some(crate::wire::WireError::to_string(&error)),
            });
        }
    };
    let order = FetchRequest {
        redirects: Redirects::Manual,
        policy: Some(session.policy.clone()),
        can_ask: session.approve.is_some(),
        timeouts: session.timeouts,
        quote,
        ..FetchRequest::new(target.clone(), request.method().as_str())
    };
    let fetch = session.step(|buyer| buyer.open(order, now()));
    let mut fetching = Fetching { session, fetch, request, target, response: None, failure: None };
    let finish = fetching.finish().await;
    let Finish { result, receipt, spend, offers } = finish;
    let (response, transport) = (fetching.response.take(), fetching.failure.take());
    match (result, response) {
        (Ok(()), Some(response)) => Ok(Paid { response, receipt, spend, offers }),
        (Ok(()), None) => Err(PaymentError {
            error: crate::subscriber::FetchError::Unreachable,
            spend,
            response: None,
            transport,
        }),
        (Err(error), response) => Err(PaymentError { error, spend, response, transport }),
    }
}

/// A fetch under way. Dropped, it is aborted.
struct Fetching<'a, T: Transport> {
    session: &'a Session<T>,
    fetch: FetchId,
    request: http::Request<Bytes>,
    target: Target,
    /// The seller's last response.
    response: Option<http::Response<ResponseBody<T::Body>>>,
    /// The last error of the transport.
    failure: Option<String>,
}

/// The timer of a fetch's step, apart from the fetch so that it can run while an action does.
type Limit<'a> = Option<Pin<Box<dyn Future<Output = ()> + Send + 'a>>>;

impl<'a, T: Transport> Fetching<'a, T> {
    /// Goes on until the buyer says that the fetch is over.
    async fn finish(&mut self) -> Finish {
        let (session, fetch) = (self.session, self.fetch);
        let mut limit: Limit<'a> = None;
        let mut action = poll_fn(|context| poll_action(session, fetch, &mut limit, context)).await;
        loop {
            if let Action::Finish(finish) = *action {
                return *finish;
            }
            let done = {
                let mut acting = pin!(self.act(*action));
                // An action that comes while another is under way replaces it: an abort, the end of a time limit.
                poll_fn(|context| match acting.as_mut().poll(context) {
                    Poll::Ready(event) => Poll::Ready(Ok(event)),
                    Poll::Pending => poll_action(session, fetch, &mut limit, context).map(Err),
                })
                .await
            };
            action = match done {
                Err(newer) => newer,
                Ok(event) => {
                    session.step(|buyer| buyer.handle_event(fetch, event, now()));
                    poll_fn(|context| poll_action(session, fetch, &mut limit, context)).await
                }
            };
        }
    }

    async fn act(&mut self, action: Action) -> Event {
        match action {
            Action::Send(send) => self.send(&send).await,
            Action::ReadBody => match &mut self.response {
                Some(response) => Event::Body(response.body_mut().peek(MAX_OFFER_BYTES).await),
                None => Event::Body(None),
            },
            Action::Ask(offer) => match &self.session.approve {
                Some(approve) => Event::Approved(approve(offer).await),
                None => Event::Approved(Approval::default()),
            },
            // Never asked for, since the request says that nobody chooses; and the loop's own.
            Action::Select(_) => Event::Selected(None),
            Action::Finish(_) => Event::Aborted,
        }
    }

    /// Sends the caller's request, with a token if there is one.
    async fn send(&mut self, send: &SendRequest) -> Event {
        let target = send.target.as_ref().unwrap_or(&self.target).clone();
        let Some(request) = self.request_to(&target, send) else { return Event::SendFailed };
        match self.session.transport().send(request).await {
            Ok(response) => {
                let head = head_of(&response, target);
                self.response = Some(response.map(ResponseBody::stream));
                Event::Answered(head)
            }
            Err(error) => {
                self.failure = Some(error.to_string());
                Event::SendFailed
            }
        }
    }

    fn request_to(&self, target: &Target, send: &SendRequest) -> Option<http::Request<Bytes>> {
        let (parts, body) = (&self.request, self.request.body());
        let mut headers = parts.headers().clone();
        if target.origin != self.target.origin {
            for name in ["authorization", "proxy-authorization", "cookie", "host"] {
                headers.remove(name);
            }
        }
        let (method, body) = match send.as_get {
            true => {
                for name in ["content-type", "content-length", "content-encoding", "content-language"] {
                    headers.remove(name);
                }
                (Method::GET, Bytes::new())
            }
            false => (parts.method().clone(), body.clone()),
        };
        if let Some(token) = &send.token {
            let mut value = header_value(token.expose())?;
            value.set_sensitive(true);
            headers.insert(PAYMENT_SIGNATURE, value);
        }
        let mut request = http::Request::new(body);
        (*request.method_mut(), *request.uri_mut()) = (method, target.url.parse().ok()?);
        *request.headers_mut() = headers;
        Some(request)
    }
}

impl<T: Transport> Drop for Fetching<'_, T> {
    fn drop(&mut self) {
        self.session.close(self.fetch);
    }
}

/// The next action of a fetch. Its timer runs meanwhile.
fn poll_action<'a, T: Transport>(
    session: &'a Session<T>,
    fetch: FetchId,
    limit: &mut Limit<'a>,
    context: &mut Context<'_>,
) -> Poll<Box<Action>> {
    loop {
        // The timer comes last: with a transport that blocks, asking it is waiting for it.
        match session.poll_action(fetch, context) {
            Poll::Ready((action, new_limit)) => {
                if let Some(new_limit) = new_limit {
                    let sleep = |ms: u32| session.transport().sleep(Duration::from_millis(ms.into()));
                    *limit = new_limit.map(|ms| Box::pin(sleep(ms)) as _);
                }
                if let Some(action) = action {
                    return Poll::Ready(action);
                }
            }
            Poll::Pending if limit.as_mut().is_some_and(|timer| timer.as_mut().poll(context).is_ready()) => {
                *limit = None;
                session.step(|buyer| buyer.handle_event(fetch, Event::TimedOut, now()));
            }
            Poll::Pending => return Poll::Pending,
        }
    }
}

/// The head of a response, as the buyer reads it.
fn head_of<B>(response: &http::Response<B>, target: Target) -> ResponseHead {
    let headers = response.headers();
    let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    ResponseHead {
        status: response.status().as_u16(),
        redirected: false,
        offer: text(headers, PAYMENT_REQUIRED),
        dialects: None,
        receipt: text(headers, PAYMENT_RESPONSE),
        location: text(headers, "location")
            .filter(|_| is_redirect)
            .map(|to| target.join(&to).map_or(Redirected::Somewhere, Redirected::To)),
        target: Some(target),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(header_text)
}
