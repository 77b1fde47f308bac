//! Requests that an access pass pays for.

use super::context::Context;
use super::payment_attempt::{self, PaymentAttempt, PendingPayment, TokenProblem};
use crate::paywall::action::{Action, Forward};
use crate::paywall::event::OriginResponse;
use crate::paywall::http::headers::HeaderList;
use crate::paywall::pass::{Need, Pass, PassError, PassSet, Sale};
use crate::paywall::pricing::settlement_policy::By;
use crate::paywall::response::passed_headers;
use crate::paywall::state::{Rate, shard};
use crate::wire::{AccessToken, AgentId, Credits, PlanId, Receipt};
use alloc::vec::Vec;

/// A request that a pass pays for. Nothing is verified or settled for it: the pass was paid for.
#[derive(Debug)]
pub(crate) struct PassAdmission {
    pass: Pass,
    set: PassSet,
    forward: Forward,
    /// The rate that its payer is counted for.
    rate: Option<Rate>,
}

impl PassAdmission {
    /// Finds the pass that pays for a request. If there is none and the request has no payment either, the refusal will
    /// name the problem with the pass.
    pub(crate) fn find(pending: &mut PendingPayment, context: &Context) -> Option<Self> {
        let settings = context.settings();
        let route = pending.route.clone();
        let set = settings.passes.as_ref()?.set_of(&route.name)?;
        let pass = match accepted(pending, context) {
            Ok(pass) => pass,
            Err(problem) => {
                if let (Some(problem), Err(TokenProblem::Refused("payment_missing", _))) =
                    (problem, &pending.token)
                {
                    pending.token = Err(TokenProblem::Refused(problem.code(), problem.message()));
                }
                return None;
            }
        };
        let agent = route.options.iter().find(|option| option.plan_id.as_str() == pass.plan);
        let mut forward = pending.forward.clone();
        pass.tell_origin(
            agent.and_then(|option| option.agent_id.as_ref()).map(AgentId::as_str),
            &mut forward.headers,
        );
        let limit = route.limit.filter(|limit| limit.by == By::Payer && settings.state);
        let rate = limit.map(|limit| Rate {
            name: payment_attempt::rate_name(&route),
            requests: limit.requests,
            seconds: limit.seconds,
        });
        Some(Self { set: set.clone(), forward, pass, rate })
    }

    /// True where a pass pays for a request as things stand.
    pub(crate) fn is_possible(pending: &PendingPayment, context: &Context) -> bool {
        accepted(pending, context).is_ok()
    }

    /// Asks the state for the rate of the pass's payer, where the route has one.
    pub(crate) fn ask_rate(&mut self, context: &Context) -> Option<Action> {
        let rate = self.rate.take()?;
        let shard = shard::shard("payer", &self.pass.payer);
        Some(context.ask_state(shard, Vec::from([rate]), None, None))
    }

    /// The request to the origin.
    pub(crate) fn forward(&self) -> Forward {
        self.forward.clone()
    }

    /// Delivers the origin's answer as it is, to this buyer alone.
    pub(crate) fn deliver(&self, origin: &OriginResponse, context: &Context) -> Action {
        let mut headers = passed_headers::for_buyer(&origin.headers);
        self.pass.tell_buyer(&self.set, &mut headers, context.now);
        context.deliver(headers)
    }
}

/// The pass that pays for a request; else the problem with the one that was sent, if any was.
fn accepted(pending: &PendingPayment, context: &Context) -> Result<Pass, Option<PassError>> {
    let PendingPayment { route, token, max_credits, .. } = pending;
    let passes = context.settings().passes.as_ref().ok_or(None)?;
    let set = passes.set_of(&route.name).ok_or(None)?;
    let most = max_credits.iter().flatten().copied();
    let prices: Vec<(&PlanId, Credits)> =
        route.options.iter().map(|option| &option.plan_id).zip(most).collect();
    let payer = token.as_ref().ok().and_then(AccessToken::payer);
    passes.admit(set, &context.client.passes, Need { prices: &prices, payer }, context.now)
}

/// Adds a pass to an answer that was settled for `charged` credits, where the route sells one. A charge below the maximum
/// buys no pass: the price that a pass stands for is one that was charged.
pub(crate) fn sell(
    payment: &PaymentAttempt,
    charged: Credits,
    receipt: &Receipt,
    answer: &mut HeaderList,
    context: &Context,
) {
    let Some(passes) = &context.settings().passes else { return };
    let Some(set) = passes.set_of(&payment.route.name) else { return };
    if charged < payment.max_credits {
        return;
    }
    let payer = receipt.text("payer").or(payment.payer.as_deref());
    let sale = Sale {
        payer: payer.unwrap_or_default(),
        plan: &payment.option.plan_id,
        credits: payment.max_credits,
        proof: &receipt.to_header(),
    };
    passes.give(set, sale, answer, context.client.https, context.now);
}
