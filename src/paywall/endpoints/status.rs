//! `GET /.well-known/payments/status`: whether a token would pay, asked without paying: verified with an amount of 0. For
//! plans by time it says whether the plan is held.

use crate::api::{self, Call as _, x402};
use crate::paywall::facilitator::result;
use crate::paywall::facilitator::result::VerifyResult;
use crate::paywall::flow::admission;
use crate::paywall::flow::admission::TokenProblem;
use crate::paywall::gate::{Action, Gate, RequestHead};
use crate::paywall::http::method::Method;
use crate::paywall::request_flow::{FacilitatorError, RequestFlow, Stage};
use crate::paywall::response::gate_response::GateResponse;
use crate::wire::{Accept, AccessToken, Credits, MAX_ACCEPTS, PaymentRequired, PlanId, Resource};
use alloc::{string::ToString, vec::Vec};
use serde_json::json;

const PATH: &str = "/.well-known/payments/status";

impl RequestFlow {
    /// Has the token of a request verified for nothing; nothing where something else is asked.
    pub(crate) fn status(
        &mut self,
        gate: &Gate,
        method: Method,
        request: &RequestHead,
    ) -> Option<Result<Action, GateResponse>> {
        matches!(method, Method::Get | Method::Head).then(|| self.ask_after(gate, request))
    }

    fn ask_after(&mut self, gate: &Gate, request: &RequestHead) -> Result<Action, GateResponse> {
        let token = admission::token(&request.headers);
        let wanted = token.as_ref().ok().and_then(|token| token.accepted().plan_id());
        let offer = match self.offer_nothing(gate, wanted) {
            Ok(offer) => offer,
            Err(plan_id) => return gate.look_up(plan_id, request, self),
        };
        let token = token.map_err(|problem| match problem {
            TokenProblem::TooLarge => GateResponse::payment_too_large(),
            TokenProblem::Refused(code, message) => GateResponse::payment_required(&offer, code, message),
        })?;
        if !offer.accepts().iter().any(|accept| accept.plan_id() == token.accepted().plan_id()) {
            let message = "This payment token is for a plan that pays for nothing here.";
            return Err(GateResponse::payment_required(&offer, "payment_for_another_plan", message));
        }
        let verify = x402::Verify {
            payment_required: offer,
            token: token.secret().clone(),
            max_amount: Credits::ZERO,
        };
        let call = verify.request();
        self.stage = Stage::CheckingToken(verify);
        Ok(Action::Call(call))
    }

    /// Handles the response of the facilitator.
    pub(crate) fn told(
        &self,
        verify: &x402::Verify,
        answer: Result<&api::Response, FacilitatorError>,
    ) -> Action {
        let verdict = match answer {
            Ok(answer) => result::verdict(verify.parse(answer)),
            Err(silence) => VerifyResult::Unavailable(silence.code().into()),
        };
        self.respond(match verdict {
            VerifyResult::Valid(verified) => {
                let plan = AccessToken::decode(verify.token.expose()).ok();
                let plan = plan.as_ref().and_then(|token| token.accepted().plan_id()).map(|plan| plan.as_str().to_string());
                let text = json!({ "valid": true, "payer": verified.payer, "plan": plan, "network": verified.network });
                GateResponse::document(200, text.to_string())
            }
            VerifyResult::Refused(refusal) => {
                GateResponse::payment_required(&verify.payment_required, &refusal.code, &refusal.message)
                    .with("x-correlation-id", &refusal.correlation_id)
            }
            VerifyResult::Unavailable(code) => {
                GateResponse::unavailable(&code, "The payment could not be checked. Nothing was charged; try again later.")
            }
        })
    }

    /// Every plan that pays for something here and of which it is known how it is paid for, for nothing; the plan that has
    /// to be asked for first, where nothing is known of the `wanted` one, or of any if none is.
    fn offer_nothing(&self, gate: &Gate, wanted: Option<&PlanId>) -> Result<PaymentRequired, PlanId> {
        let mut accepts: Vec<Accept> = Vec::new();
        let mut unknown = None;
        for way in self.settings.routes.paid().flat_map(|terms| &terms.options) {
            let mut way = way.clone();
            if !gate.plans.complete(&mut way) {
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
                let url = [self.base.as_str(), PATH].concat();
                Ok(PaymentRequired::new(Resource { url, ..Resource::default() }, accepts))
            }
        }
    }
}
