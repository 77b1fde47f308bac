use crate::api::plans::{GetPlanMeans, PlanMeans};
use crate::api::{self, Call as _};
use crate::paywall::gate::{Action, Gate, RequestHead};
use crate::paywall::pricing::price::{PaidRoute, PaymentOption};
use crate::paywall::request_flow::{Event, RequestFlow, Stage};
use crate::paywall::response::gate_response::GateResponse;
use crate::paywall::vec_map::VecMap;
use crate::wire::{Environment, Network, PlanId, Scheme};
use alloc::{
    rc::Rc,
    string::{String, ToString},
};
use core::cell::RefCell;

/// What the platform says of the plans whose scheme and network the configuration leaves to it, for as long as the
/// isolate lives.
///
/// Nothing is asked before a request needs it. What is known is used while it is asked again; a plan of which nothing is
/// known is a 503, never a 402 that might ask for the wrong thing, and never a pass.
#[derive(Debug, Default)]
pub(crate) struct PlanCache {
    known: RefCell<VecMap<PlanId, CachedPlan>>,
}

#[derive(Debug, Clone, Default)]
struct CachedPlan {
    means: Option<SchemeAndNetwork>,
    /// When it was said, in milliseconds since 1970.
    said: u64,
    /// When it was last asked while nobody waited.
    asked: u64,
    /// When it was last asked for in vain.
    failed: u64,
    /// Since when a request asks for it, for itself and for those that come meanwhile.
    flies: u64,
}

/// How a plan is paid for, as an offer says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SchemeAndNetwork {
    pub(crate) scheme: Scheme,
    pub(crate) network: String,
}

/// A plan to be asked for while nobody waits: send `request` as any call, and report it to [`Gate::learn`].
#[derive(Debug, Clone)]
pub struct PlanQuery {
    /// The call.
    pub request: api::Request,
    plan_id: PlanId,
}

/// A request that waits for a plan.
#[derive(Debug)]
pub(crate) struct PlanLookup {
    gate: Gate,
    request: RequestHead,
    plan_id: PlanId,
}

/// For how long what a plan says is not asked again, in milliseconds: as long as the official SDKs (contract 1.5).
const FRESH_MS: u64 = 300_000;
/// For how long a platform that did not say it is not asked again, in milliseconds.
const PAUSE_MS: u64 = 5_000;
/// How long a request waits for what another one asks, in milliseconds, before it asks itself: the other may be gone.
const TRUST_MS: u64 = 3_000;
/// How often it looks whether it is there, in milliseconds. It cannot await what another request awaits: in workerd what one
/// request began belongs to it, and ends with it.
const LOOK_MS: u32 = 20;

impl PlanCache {
    /// The terms with the scheme and network of their plan; the plan that has to be asked first, otherwise.
    pub(crate) fn resolve(&self, terms: &Rc<PaidRoute>) -> Result<Rc<PaidRoute>, PlanId> {
        if !terms.options.iter().any(|way| way.follows_plan) {
            return Ok(terms.clone());
        }
        let mut terms = PaidRoute::clone(terms);
        for way in &mut terms.options {
            if !self.complete(way) {
                return Err(way.plan_id.clone());
            }
        }
        Ok(Rc::new(terms))
    }

    /// Puts the scheme and network of its plan into a way, where they are the plan's to say; whether both are there.
    pub(crate) fn complete(&self, way: &mut PaymentOption) -> bool {
        if !way.follows_plan {
            return true;
        }
        let known = self.known.borrow();
        let Some(means) = known.get(&way.plan_id).and_then(|known| known.means.as_ref()) else {
            return false;
        };
        // What is to be paid by card, whatever the plan is sold for, has no more than the provider from it.
        if way.scheme == Scheme::CardDelegation && means.scheme != way.scheme {
            way.network = Network::Stripe.as_str().into();
            return true;
        }
        way.scheme = means.scheme;
        way.network.clone_from(&means.network);
        true
    }

    /// Whether it was asked for in vain a moment ago: a platform that is down is not made to answer every buyer.
    fn is_pausing(&self, plan_id: &PlanId, now: u64) -> bool {
        let known = self.known.borrow();
        known.iter().any(|(known, plan)| known == plan_id && within(plan.failed, now, PAUSE_MS))
    }

    /// Whether another request asks for it. If none does, this one does now.
    fn in_flight(&self, plan_id: &PlanId, now: u64) -> bool {
        let mut flies = false;
        self.known.borrow_mut().change(plan_id.clone(), |known| {
            flies = within(known.flies, now, TRUST_MS);
            if !flies {
                known.flies = now;
            }
        });
        flies
    }

    fn learn(&self, plan_id: &PlanId, means: Option<SchemeAndNetwork>, now: u64) {
        self.known.borrow_mut().change(plan_id.clone(), |known| match means {
            Some(means) => *known = CachedPlan { means: Some(means), said: now, ..CachedPlan::default() },
            None => (known.failed, known.flies) = (now, 0),
        });
    }

    /// As if the platform had said it.
    #[cfg(test)]
    pub(crate) fn insert(&self, plan: &str, scheme: &str, network: &str, now: u64) {
        if let (Ok(plan_id), Some(scheme)) = (PlanId::parse(plan, "planId"), Scheme::parse(scheme)) {
            self.learn(&plan_id, Some(SchemeAndNetwork { scheme, network: network.into() }), now);
        }
    }

    #[cfg(test)]
    pub(crate) fn clear(&self) {
        self.known.borrow_mut().retain(|_, _| false);
    }

    /// A plan that was said too long ago and is not being asked for.
    fn stale(&self, now: u64) -> Option<PlanId> {
        let mut known = self.known.borrow_mut();
        let (plan_id, known) = known.iter_mut().find(|(_, known)| {
            known.means.is_some() && !within(known.said, now, FRESH_MS) && !within(known.asked, now, PAUSE_MS)
        })?;
        known.asked = now;
        Some(plan_id.clone())
    }
}

/// Whether `then` is less than so many milliseconds ago. A clock that was set back is no reason to wait for it.
fn within(then: u64, now: u64, milliseconds: u64) -> bool {
    now.checked_sub(then).is_some_and(|age| age < milliseconds)
}

impl SchemeAndNetwork {
    /// What an answer says; nothing where it is none, or names what cannot stand in an offer.
    fn read(plan_id: &PlanId, answer: &api::Response, environment: Environment) -> Option<Self> {
        let call = GetPlanMeans { plan_id: plan_id.clone() };
        let PlanMeans { is_crypto, provider } = call.parse(answer).ok()?;
        let scheme = if is_crypto { Scheme::Erc4337 } else { Scheme::CardDelegation };
        let usual = scheme.default_network(environment).as_str().to_string();
        let network = match provider.filter(|_| !is_crypto) {
            None => usual,
            Some(name) => {
                let plain =
                    |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
                (name.len() <= 32 && name.bytes().all(plain)).then_some(name)?
            }
        };
        Some(Self { scheme, network })
    }
}

impl Gate {
    /// A plan that is to be asked for again by now, if there is one: while nobody waits, best after an answer is given.
    /// Each is named once in some seconds.
    #[must_use]
    pub fn stale_plan(&self, now: u64) -> Option<PlanQuery> {
        let plan_id = self.plans.stale(now)?;
        Some(PlanQuery { request: GetPlanMeans { plan_id: plan_id.clone() }.request(), plan_id })
    }

    /// Takes what the platform answered to a [`PlanQuery`]; nothing where it did not. What was known stays known then.
    pub fn learn(&self, query: &PlanQuery, answer: Option<&api::Response>, now: u64) {
        let environment = self.settings().environment();
        let means = answer.and_then(|answer| SchemeAndNetwork::read(&query.plan_id, answer, environment));
        self.plans.learn(&query.plan_id, means, now);
    }

    /// Has a request wait for a plan that is not known.
    pub(crate) fn look_up(
        &self,
        plan_id: PlanId,
        request: &RequestHead,
        visit: &mut RequestFlow,
    ) -> Result<Action, GateResponse> {
        if self.plans.is_pausing(&plan_id, request.now) {
            return Err(plan_unknown());
        }
        let action = match self.plans.in_flight(&plan_id, request.now) {
            true => Action::Wait(LOOK_MS),
            false => Action::Call(GetPlanMeans { plan_id: plan_id.clone() }.request()),
        };
        visit.stage =
            Stage::LookingUpPlan(PlanLookup { gate: self.clone(), request: request.clone(), plan_id });
        Ok(action)
    }
}

impl RequestFlow {
    /// The plan was asked for, or another request has had time to: now the request is looked at as if it came now.
    pub(crate) fn plan_looked_up(&mut self, waiting: PlanLookup, event: &Event, now: u64) -> Action {
        let PlanLookup { gate, mut request, plan_id } = waiting;
        request.now = now;
        if !matches!(event, Event::Waited) {
            let query = PlanQuery { request: GetPlanMeans { plan_id: plan_id.clone() }.request(), plan_id };
            let answer = if let Event::Answered(answer) = event { Some(answer) } else { None };
            gate.learn(&query, answer, now);
        }
        match gate.admit(&request, self) {
            Ok(action) => action,
            Err(answer) => self.reject_early(answer),
        }
    }
}

pub(crate) fn plan_unknown() -> GateResponse {
    let message =
        "How this resource is paid for could not be found out. Nothing was charged; try again later.";
    GateResponse::unavailable("plan_unknown", message)
}
