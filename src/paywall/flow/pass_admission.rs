//! A pass on its way through the gate: where it is shown, where it is sold.

use super::admission;
use super::admission::{PaymentAttempt, PendingPayment, TokenProblem};
use crate::paywall::endpoints::receipts;
use crate::paywall::gate::{Action, Forward};
use crate::paywall::http::headers;
use crate::paywall::http::headers::HeaderList;
use crate::paywall::pass::{Need, Pass, PassError, PassSet, Sale};
use crate::paywall::pricing::settlement_policy::By;
use crate::paywall::request_flow::{OriginResponse, RequestFlow, Stage};
use crate::paywall::state::{Rate, Reply};
use crate::wire::{AccessToken, AgentId, Credits, PlanId, Receipt};
use alloc::vec::Vec;

/// A request that a pass pays for.
#[derive(Debug)]
pub(crate) struct PassAdmission {
    pass: Pass,
    set: PassSet,
    forward: Forward,
}

impl RequestFlow {
    /// Lets a request through that a pass pays for: nothing is verified and nothing settled, for that was sold. Else the
    /// errand goes on, and where it has no payment either the refusal says what is wrong with the pass.
    pub(crate) fn admit_by_pass(&mut self, pending: &mut PendingPayment) -> Option<Action> {
        let settings = self.settings.clone();
        let terms = pending.route.clone();
        let set = settings.passes.as_ref()?.set_of(&terms.name)?;
        let pass = match self.shown(pending) {
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
        let agent = terms.options.iter().find(|way| way.plan_id.as_str() == pass.plan);
        let mut forward = pending.forward.clone();
        pass.tell_origin(
            agent.and_then(|way| way.agent_id.as_ref()).map(AgentId::as_str),
            &mut forward.headers,
        );
        let limit = terms.limit.filter(|limit| limit.by == By::Payer && settings.state);
        let pass_admission = PassAdmission { set: set.clone(), forward, pass };
        let Some(limit) = limit else { return Some(self.forward_by_pass(pass_admission)) };
        let rate =
            Rate { name: admission::rate_name(&terms), requests: limit.requests, seconds: limit.seconds };
        let shard = receipts::shard("payer", &pass_admission.pass.payer);
        self.stage = Stage::CheckingPassRate(pass_admission);
        Some(self.ask_state(shard, Vec::from([rate]), None, None))
    }

    /// Whether a pass pays for a request, as things stand.
    pub(crate) fn may_admit_by_pass(&self, pending: &PendingPayment) -> bool {
        self.shown(pending).is_ok()
    }

    /// The pass that pays for a request; else what is wrong with the one that came, if any did.
    fn shown(&self, pending: &PendingPayment) -> Result<Pass, Option<PassError>> {
        let PendingPayment { route: terms, token, max_credits: most, .. } = pending;
        let passes = self.settings.passes.as_ref().ok_or(None)?;
        let set = passes.set_of(&terms.name).ok_or(None)?;
        let most = most.iter().flatten().copied();
        let prices: Vec<(&PlanId, Credits)> =
            terms.options.iter().map(|way| &way.plan_id).zip(most).collect();
        let payer = token.as_ref().ok().and_then(AccessToken::from);
        passes.admit(set, &self.client.passes, Need { prices: &prices, payer }, self.now)
    }

    pub(crate) fn pass_rate_checked(&mut self, pass_admission: PassAdmission, reply: &Reply) -> Action {
        match reply {
            Reply::Admitted { .. } => self.forward_by_pass(pass_admission),
            Reply::Limited { retry_after } => self.respond(admission::too_many(*retry_after)),
            _ => self.state_unavailable(),
        }
    }

    fn forward_by_pass(&mut self, pass_admission: PassAdmission) -> Action {
        let forward = pass_admission.forward.clone();
        self.stage = Stage::ForwardedByPass(pass_admission);
        Action::Forward(forward)
    }

    /// The origin answered what a pass pays for: as it is, for this buyer alone.
    pub(crate) fn deliver_by_pass(&self, pass_admission: &PassAdmission, origin: &OriginResponse) -> Action {
        let mut headers = headers::for_buyer(&origin.headers);
        pass_admission.pass.tell_buyer(&pass_admission.set, &mut headers, self.now);
        self.forward_response(headers)
    }

    /// Puts a pass on an answer that was settled for `charged` credits, where the route sells one. What came to less than
    /// the most that it could buys none: the price that a pass stands for is one that was charged.
    pub(crate) fn sell_pass(
        &self,
        payment: &PaymentAttempt,
        charged: Credits,
        receipt: &Receipt,
        answer: &mut HeaderList,
    ) {
        let Some(passes) = &self.settings.passes else { return };
        let Some(set) = passes.set_of(&payment.route.name) else { return };
        let payer = receipt.text("payer").or(payment.payer.as_deref());
        if charged < payment.max_credits {
            return;
        }
        let sale = Sale {
            payer: payer.unwrap_or_default(),
            plan: &payment.option.plan_id,
            credits: payment.max_credits,
            proof: &receipt.to_header(),
        };
        passes.give(set, sale, answer, self.client.https, self.now);
    }
}
