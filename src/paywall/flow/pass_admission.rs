//! A pass on its way through the gate: where it is shown, where it is sold.

use super::admission;
use super::admission::{Errand, Paying, TokenProblem};
use crate::paywall::endpoints::receipts;
use crate::paywall::gate::{Action, Forward};
use crate::paywall::http::headers;
use crate::paywall::http::headers::HeaderList;
use crate::paywall::pass::{Need, Pass, PassError, PassSet, Sale};
use crate::paywall::pricing::settlement_policy::By;
use crate::paywall::request_flow::{OriginHead, Stage, Visit};
use crate::paywall::state::{Rate, Reply};
use crate::wire::{AccessToken, AgentId, Credits, PlanId, Receipt};
use alloc::vec::Vec;

/// A request that a pass pays for.
#[derive(Debug)]
pub(crate) struct Ride {
    pass: Pass,
    set: PassSet,
    forward: Forward,
}

impl Visit {
    /// Lets a request through that a pass pays for: nothing is verified and nothing settled, for that was sold. Else the
    /// errand goes on, and where it has no payment either the refusal says what is wrong with the pass.
    pub(crate) fn board(&mut self, errand: &mut Errand) -> Option<Action> {
        let settings = self.settings.clone();
        let terms = errand.terms.clone();
        let set = settings.passes.as_ref()?.set_of(&terms.route)?;
        let pass = match self.shown(errand) {
            Ok(pass) => pass,
            Err(problem) => {
                if let (Some(problem), Err(TokenProblem::Refused("payment_missing", _))) =
                    (problem, &errand.token)
                {
                    errand.token = Err(TokenProblem::Refused(problem.code(), problem.message()));
                }
                return None;
            }
        };
        let agent = terms.ways.iter().find(|way| way.plan_id.as_str() == pass.plan);
        let mut forward = errand.forward.clone();
        pass.tell_origin(
            agent.and_then(|way| way.agent_id.as_ref()).map(AgentId::as_str),
            &mut forward.headers,
        );
        let limit = terms.limit.filter(|limit| limit.by == By::Payer && settings.state);
        let ride = Ride { set: set.clone(), forward, pass };
        let Some(limit) = limit else { return Some(self.go(ride)) };
        let rate =
            Rate { name: admission::rate_name(&terms), requests: limit.requests, seconds: limit.seconds };
        let shard = receipts::shard("payer", &ride.pass.payer);
        self.stage = Stage::Boarding(ride);
        Some(self.admit(shard, Vec::from([rate]), None, None))
    }

    /// Whether a pass pays for a request, as things stand.
    pub(crate) fn may_board(&self, errand: &Errand) -> bool {
        self.shown(errand).is_ok()
    }

    /// The pass that pays for a request; else what is wrong with the one that came, if any did.
    fn shown(&self, errand: &Errand) -> Result<Pass, Option<PassError>> {
        let Errand { terms, token, most, .. } = errand;
        let passes = self.settings.passes.as_ref().ok_or(None)?;
        let set = passes.set_of(&terms.route).ok_or(None)?;
        let most = most.iter().flatten().copied();
        let prices: Vec<(&PlanId, Credits)> = terms.ways.iter().map(|way| &way.plan_id).zip(most).collect();
        let payer = token.as_ref().ok().and_then(AccessToken::from);
        passes.admit(set, &self.guest.carried, Need { prices: &prices, payer }, self.now)
    }

    pub(crate) fn boarded(&mut self, ride: Ride, reply: &Reply) -> Action {
        match reply {
            Reply::Admitted { .. } => self.go(ride),
            Reply::Limited { retry_after } => self.respond(admission::too_many(*retry_after)),
            _ => self.stateless(),
        }
    }

    fn go(&mut self, ride: Ride) -> Action {
        let forward = ride.forward.clone();
        self.stage = Stage::Riding(ride);
        Action::Forward(forward)
    }

    /// The origin answered what a pass pays for: as it is, for this buyer alone.
    pub(crate) fn rode(&self, ride: &Ride, origin: &OriginHead) -> Action {
        let mut headers = headers::for_buyer(&origin.headers);
        ride.pass.tell_buyer(&ride.set, &mut headers, self.now);
        self.pass_on(headers)
    }

    /// Puts a pass on an answer that was settled for `charged` credits, where the route sells one. What came to less than
    /// the most that it could buys none: the price that a pass stands for is one that was charged.
    pub(crate) fn sell_pass(
        &self,
        paying: &Paying,
        charged: Credits,
        receipt: &Receipt,
        answer: &mut HeaderList,
    ) {
        let Some(passes) = &self.settings.passes else { return };
        let Some(set) = passes.set_of(&paying.terms.route) else { return };
        let payer = receipt.text("payer").or(paying.payer.as_deref());
        if charged < paying.most {
            return;
        }
        let sale = Sale {
            payer: payer.unwrap_or_default(),
            plan: &paying.way.plan_id,
            credits: paying.most,
            proof: &receipt.to_header(),
        };
        passes.give(set, sale, answer, self.guest.https, self.now);
    }
}
