use super::context::{Context, MAX_TOKENS};
use super::offers::{OfferHeaders, Offers};
use super::progress::{Payment, Progress, Transition};
use super::redirect::tells;
use crate::codec;
use crate::subscriber::{Action, DialectKind, Event, FetchError, NoticeKind};
use crate::wire::PaymentRequired;
use alloc::string::String;
use serde_json::Value;

/// The seller refused a payment, and the reason is being read from the body.
#[derive(Debug)]
pub(crate) struct Refused {
    payment: Payment,
    /// True if the refusal had an offer in its header, well made or not: then its body is not looked at for one.
    has_header: bool,
    /// The offers that came with the refusal.
    fresh: Offers,
}

/// How much of a seller's message is handed on, in characters.
const MAX_MESSAGE: usize = 300;

impl Refused {
    /// Rule 5: a refused token has ended. Another is presented in the same call only for an offer that can be read, and only
    /// where the first was an old one or the offer differs from the agreement.
    pub(crate) fn start(
        payment: Payment,
        status: u16,
        headers: &OfferHeaders,
        cx: &mut Context<'_>,
    ) -> Progress<Self> {
        cx.notice(NoticeKind::Refused, Some(&payment.agreement.offer));
        let state = Self { payment, has_header: headers.offer.is_some(), fresh: Offers::default() };
        let offers = Offers::read(headers, &cx.fetch.target);
        let has_offers = headers.offer.is_some() || headers.dialects.is_some();
        match state.retry(offers.ok().filter(|_| has_offers), cx) {
            // Not every 401 is about the payment.
            Progress::Stay(_) if status == 401 => Progress::done(),
            Progress::Stay(state) => {
                cx.act(Action::ReadBody);
                Progress::Stay(state)
            }
            next => next,
        }
    }

    pub(crate) fn handle(self, event: Event, cx: &mut Context<'_>) -> Progress<Self> {
        match event {
            Event::Body(body) => self.read_body(body.as_deref(), cx),
            _ => Progress::Stay(self),
        }
    }

    fn read_body(self, body: Option<&str>, cx: &mut Context<'_>) -> Progress<Self> {
        // A server of another origin may not have exposed the header: then the offer stands in the body.
        let offer = body.filter(|_| !self.has_header);
        let offer = offer.and_then(|body| PaymentRequired::from_json(body.as_bytes()).ok());
        match self.retry(offer.map(Offers::from), cx) {
            Progress::Stay(state) if state.may_repeat(body, cx) => state.repeat(cx),
            Progress::Stay(state) => Progress::fail(FetchError::PaymentRefused(state.message(body))),
            next => next,
        }
    }

    /// The seller's message. A seller may print the token that it refuses: such a message is not repeated (rule 13).
    fn message(&self, body: Option<&str>) -> Option<String> {
        let body: Value = codec::parse_json(body?.as_bytes())?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let text = text("message").or_else(|| text("error"))?;
        let tells_token = tells(text, self.payment.token.secret.expose());
        (!tells_token).then(|| text.chars().take(MAX_MESSAGE).collect())
    }

    /// Goes on with another token, if one may be presented.
    fn retry(mut self, offered: Option<Offers>, cx: &mut Context<'_>) -> Progress<Self> {
        let Some(offered) = offered else { return Progress::Stay(self) };
        if cx.fetch.tokens >= MAX_TOKENS || cx.fetch.resumed.is_some() {
            return Progress::Stay(self);
        }
        let had = &self.payment.agreement.offer;
        let offers = offered.payable(&cx.fetch.request, &cx.fetch.target).unwrap_or_default();
        let is_same = offers.iter().any(|offer| had.is_the_same_as(offer));
        if is_same && (had.dialect().is_some() || !self.payment.token.reused) {
            self.fresh = offered;
            return Progress::Stay(self);
        }
        // The balance after a refusal is not what the platform said before.
        cx.session.plans.forget_balance(had.plan_id());
        Progress::Next(match is_same {
            true => Transition::Retry(self.payment.agreement),
            false => Transition::TakeOffer(offered),
        })
    }

    /// True if the same terms may be paid again, because the refusal says that the challenge, and not the payment, was at fault:
    /// the challenge had expired, or was for another body.
    fn may_repeat(&self, body: Option<&str>, cx: &Context<'_>) -> bool {
        let body = body.and_then(|body| codec::parse_json(body.as_bytes())).unwrap_or_default();
        let code = body.get("code").and_then(Value::as_str);
        cx.fetch.tokens < MAX_TOKENS
            && cx.fetch.resumed.is_none()
            && self.payment.agreement.offer.dialect().is_some_and(|dialect| dialect.kind == DialectKind::Mpp)
            && code.is_some_and(|code| REPEATABLE.contains(&code))
    }

    /// Pays the same terms by the fresh challenge.
    fn repeat(self, cx: &mut Context<'_>) -> Progress<Self> {
        let mut agreement = self.payment.agreement;
        let offers = self.fresh.payable(&cx.fetch.request, &cx.fetch.target).unwrap_or_default();
        match offers.into_iter().find(|offer| agreement.offer.is_the_same_as(offer)) {
            Some(offer) => {
                agreement.offer = offer;
                Progress::Next(Transition::Retry(agreement))
            }
            None => Progress::fail(FetchError::PaymentRefused(None)),
        }
    }
}

/// The platform's codes for a challenge that has expired, and for one that is bound to another body.
const REPEATABLE: [&str; 2] = ["BCK.MPP.0004", "BCK.MPP.0005"];
