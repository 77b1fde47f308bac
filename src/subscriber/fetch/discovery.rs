use super::context::Context;
use super::offers::{OfferHeaders, Offers};
use super::progress::{Progress, Transition};
use crate::subscriber::{Action, Event, FetchError, NoticeKind, Outcome, ResponseHead, SendRequest};
use crate::wire::{PaymentRequired, WireError};
use alloc::string::String;

/// The request goes out without a token, and the offer of a 402 is read.
#[derive(Debug)]
pub(crate) enum Discovery {
    /// The request is on its way.
    Sending,
    /// The offer is being read from the body.
    ReadingBody,
}

impl Discovery {
    /// Sends the request.
    pub(crate) fn start(cx: &mut Context<'_>) -> Progress<Self> {
        cx.notice(NoticeKind::Request, None);
        cx.fetch.spend.requests += 1;
        let send = SendRequest {
            target: cx.fetch.moved.then(|| cx.fetch.target.clone()),
            token: None,
            dialect: None,
            redirects: cx.fetch.request.redirects,
            as_get: cx.fetch.as_get,
        };
        cx.act(Action::Send(send));
        Progress::Stay(Self::Sending)
    }

    pub(crate) fn handle(self, event: Event, cx: &mut Context<'_>) -> Progress<Self> {
        match (self, event) {
            (Self::Sending, Event::Answered(answer)) => Self::answered(answer, cx),
            // After a redirect of a payment, the end of this request is not that nothing was paid.
            (Self::Sending, Event::SendFailed) => Progress::fail(match cx.fetch.spend.outcome {
                Outcome::None => FetchError::Unreachable,
                Outcome::Settled | Outcome::Unknown => FetchError::RedirectedWhilePaying,
            }),
            (Self::ReadingBody, Event::Body(body)) => Self::read_body(body),
            (state, _) => Progress::Stay(state),
        }
    }

    fn answered(answer: ResponseHead, cx: &mut Context<'_>) -> Progress<Self> {
        if answer.status != 402 {
            return Progress::done();
        }
        if answer.redirected && !cx.fetch.is_safe_method() {
            return Progress::fail(FetchError::AmbiguousRedirect);
        }
        if let Some(target) = answer.target {
            cx.fetch.moved |= target != cx.fetch.target;
            cx.fetch.target = target;
        }
        // Rule 2: the header, else the body.
        match answer.offer {
            _ if answer.dialects.is_some() => Self::take_all(answer.offer, answer.dialects, cx),
            None => {
                cx.act(Action::ReadBody);
                Progress::Stay(Self::ReadingBody)
            }
            Some(header) => Self::take(PaymentRequired::from_header(&header)),
        }
    }

    fn read_body(body: Option<String>) -> Progress<Self> {
        // A body that is no x402 document states no price: the 402 is an answer like any other.
        match body.filter(|body| PaymentRequired::is_one(body.as_bytes())) {
            None => Progress::done(),
            Some(body) => Self::take(PaymentRequired::from_json(body.as_bytes())),
        }
    }

    /// Offers of other dialects, beside those of the header where there are any.
    fn take_all(header: Option<String>, dialects: Option<String>, cx: &Context<'_>) -> Progress<Self> {
        match Offers::read(&OfferHeaders { offer: header, dialects }, &cx.fetch.target) {
            Ok(offers) => Progress::Next(Transition::TakeOffer(offers)),
            Err(error) => Progress::fail(FetchError::MalformedOffer(error)),
        }
    }

    fn take(offer: Result<PaymentRequired, WireError>) -> Progress<Self> {
        match offer {
            Ok(required) => Progress::Next(Transition::TakeOffer(required.into())),
            Err(error) => Progress::fail(FetchError::MalformedOffer(error)),
        }
    }
}
