//! `GET /.well-known/payments/status`: tells if a token would pay, without paying. The token is verified with an amount of
//! 0. For plans by time the answer tells if the plan is held.

use crate::api::{Call as _, x402};
use crate::codec;
use crate::paywall::action::{Action, RequestHead};
use crate::paywall::event::Event;
use crate::paywall::facilitator::result::{self, VerifyResult};
use crate::paywall::flow::context::Context;
use crate::paywall::flow::payment_attempt::{self, TokenProblem};
use crate::paywall::flow::progress::Progress;
use crate::paywall::http::method::Method;
use crate::paywall::response::gate_response::GateResponse;
use crate::wire::{Accept, AccessToken, Credits, MAX_ACCEPTS, PaymentRequired, PlanId, Resource};
use alloc::{string::ToString, vec::Vec};

const PATH: &str = "/.well-known/payments/status";

/// A token that is verified for an amount of 0.
#[derive(Debug)]
pub(crate) struct TokenCheck(x402::Verify);

impl TokenCheck {
    /// Sends the token of a request to the facilitator.
    ///
    /// # Errors
    /// The plan whose terms have to be asked for first.
    pub(crate) fn begin(
        request: &RequestHead,
        context: &Context,
    ) -> Result<Result<(Self, Action), GateResponse>, PlanId> {
        let token = payment_attempt::token(&request.headers);
        let wanted = token.as_ref().ok().and_then(|token| token.accepted().plan_id());
        let offer = free_offer(context, wanted)?;
        let token = match token {
            Ok(token) => token,
            Err(TokenProblem::TooLarge) => return Ok(Err(GateResponse::payment_too_large())),
            Err(TokenProblem::Refused(code, message)) => {
                return Ok(Err(GateResponse::payment_required(&offer, code, message)));
            }
        };
        if !offer.accepts().iter().any(|accept| accept.plan_id() == token.accepted().plan_id()) {
            let message = "This payment token is for a plan that no route here accepts.";
            return Ok(Err(GateResponse::payment_required(&offer, "payment_for_another_plan", message)));
        }
        let verify = x402::Verify {
            payment_required: offer,
            token: token.secret().clone(),
            max_amount: Credits::ZERO,
        };
        let call = verify.request();
        Ok(Ok((Self(verify), Action::Call(call))))
    }

    pub(crate) fn handle(self, event: &Event, context: &Context) -> Progress<Self> {
        let Self(verify) = self;
        let verdict = match event {
            Event::Answered(answer) => result::verdict(verify.parse(answer)),
            Event::Unanswered(error) => VerifyResult::Unavailable(error.code().into()),
            _ => return Progress::Done(context.unexpected_event()),
        };
        let answer = match verdict {
            VerifyResult::Valid(verified) => {
                let plan = AccessToken::decode(verify.token.expose()).ok();
                let plan = plan.as_ref().and_then(|token| token.accepted().plan_id());
                let plan = plan.map(|plan| plan.as_str().to_string());
                let text = codec::object(Vec::from([
                    ("valid", true.into()),
                    ("payer", verified.payer.into()),
                    ("plan", plan.into()),
                    ("network", verified.network.into()),
                ]));
                GateResponse::document(200, codec::print(&text))
            }
            VerifyResult::Refused(refusal) => {
                GateResponse::payment_required(&verify.payment_required, &refusal.code, &refusal.message)
                    .with("x-correlation-id", &refusal.correlation_id)
            }
            VerifyResult::Unavailable(code) => GateResponse::unavailable(
                &code,
                "The payment could not be checked. Nothing was charged; try again later.",
            ),
        };
        Progress::Done(context.respond(answer))
    }
}

/// An offer for nothing of every plan that pays for something here and whose terms are known; the plan whose terms have
/// to be asked for first, where those of the `wanted` one are not known, or of none.
fn free_offer(context: &Context, wanted: Option<&PlanId>) -> Result<PaymentRequired, PlanId> {
    let mut accepts: Vec<Accept> = Vec::new();
    let mut unknown = None;
    for way in context.settings().routes.paid().flat_map(|terms| &terms.options) {
        let mut way = way.clone();
        if !context.shared.plans.complete(&mut way) {
            if wanted.is_none_or(|wanted| *wanted == way.plan_id) {
                unknown = unknown.or(Some(way.plan_id));
            }
            continue;
        }
        let known = |accept: &Accept| {
            accept.plan_id() == Some(&way.plan_id)
                && accept.scheme() == Some(way.scheme)
                && accept.network() == way.network
        };
        if accepts.len() >= MAX_ACCEPTS || accepts.iter().any(known) {
            continue;
        }
        let mut accept = Accept::new(way.scheme, &way.network, way.plan_id);
        if let Some(agent) = way.agent_id {
            accept = accept.with_agent(agent);
        }
        accepts.push(accept.with_verb(Method::Get.as_str()).with_credits(Credits::ZERO));
    }
    match unknown {
        Some(plan_id) if wanted.is_some() || accepts.is_empty() => Err(plan_id),
        _ => {
            let url = [context.base.as_str(), PATH].concat();
            Ok(PaymentRequired::new(Resource { url, ..Resource::default() }, accepts))
        }
    }
}
