use crate::api::plans::{GetPlanMeans, PlanMeans};
use crate::api::{self, Call as _};
use crate::paywall::pricing::price::{PaidRoute, PaymentOption};
use crate::paywall::vec_map::VecMap;
use crate::wire::{Environment, Network, PlanId, Scheme};
use alloc::{
    string::{String, ToString},
    sync::Arc,
};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The platform's answers about the plans whose scheme and network the configuration leaves to the platform. They are kept
/// for as long as the isolate lives.
///
/// Nothing is asked before a request needs it. What is known is used while it is asked again; a plan of which nothing is
/// known is a 503, never a 402 that might ask for the wrong thing, and never a pass.
#[derive(Debug, Default)]
pub(crate) struct PlanCache {
    known: Mutex<VecMap<PlanId, CachedPlan>>,
}

#[derive(Debug, Clone, Default)]
struct CachedPlan {
    means: Option<SchemeAndNetwork>,
    /// When the platform stated it, in milliseconds since 1970.
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

/// A plan to be asked for while nobody waits: send `request` as any call, and report it to [`Gate::learn`](super::super::Gate::learn).
#[derive(Debug, Clone)]
pub struct PlanQuery {
    /// The call.
    pub request: api::Request,
    plan_id: PlanId,
}

/// For how long what a plan says is not asked again, in milliseconds: as long as the official SDKs (contract 1.5).
const FRESH_MS: u64 = 300_000;
/// For how long a platform that did not say it is not asked again, in milliseconds.
const PAUSE_MS: u64 = 5_000;
/// How long a request waits for what another one asks, in milliseconds, before it asks itself: the other may be gone.
const TRUST_MS: u64 = 3_000;
impl PlanQuery {
    pub(crate) fn new(plan_id: PlanId) -> Self {
        Self { request: GetPlanMeans { plan_id: plan_id.clone() }.request(), plan_id }
    }
}

impl PlanCache {
    fn known(&self) -> MutexGuard<'_, VecMap<PlanId, CachedPlan>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The terms with the scheme and network of their plan; the plan that has to be asked first, otherwise.
    pub(crate) fn resolve(&self, terms: &Arc<PaidRoute>) -> Result<Arc<PaidRoute>, PlanId> {
        if !terms.options.iter().any(|way| way.follows_plan) {
            return Ok(terms.clone());
        }
        let mut terms = PaidRoute::clone(terms);
        for way in &mut terms.options {
            if !self.complete(way) {
                return Err(way.plan_id.clone());
            }
        }
        Ok(Arc::new(terms))
    }

    /// Puts the scheme and network of its plan into a way, where they are the plan's to say; whether both are there.
    pub(crate) fn complete(&self, way: &mut PaymentOption) -> bool {
        if !way.follows_plan {
            return true;
        }
        let known = self.known();
        let Some(means) = known.get(&way.plan_id).and_then(|known| known.means.as_ref()) else {
            return false;
        };
        // An option that is to be paid by card stays one, whatever the plan is sold for. If the plan is not sold by card,
        // the network is Stripe.
        if way.scheme == Scheme::CardDelegation && means.scheme != way.scheme {
            way.network = Network::Stripe.as_str().into();
            return true;
        }
        way.scheme = means.scheme;
        way.network.clone_from(&means.network);
        true
    }

    /// True if asking for the plan failed a moment ago. The gate does not ask a platform that is down again for each buyer.
    pub(crate) fn is_pausing(&self, plan_id: &PlanId, now: u64) -> bool {
        let known = self.known();
        known.iter().any(|(known, plan)| known == plan_id && within(plan.failed, now, PAUSE_MS))
    }

    /// True if another request is asking for the plan. If none is, this call records that the caller asks for it now.
    pub(crate) fn in_flight(&self, plan_id: &PlanId, now: u64) -> bool {
        let mut flies = false;
        self.known().change(plan_id.clone(), |known| {
            flies = within(known.flies, now, TRUST_MS);
            if !flies {
                known.flies = now;
            }
        });
        flies
    }

    fn store(&self, plan_id: &PlanId, means: Option<SchemeAndNetwork>, now: u64) {
        self.known().change(plan_id.clone(), |known| match means {
            Some(means) => *known = CachedPlan { means: Some(means), said: now, ..CachedPlan::default() },
            None => (known.failed, known.flies) = (now, 0),
        });
    }

    /// Takes the platform's answer to a query; `None` where it did not answer. Terms that were known stay known then.
    pub(crate) fn learn(
        &self,
        query: &PlanQuery,
        answer: Option<&api::Response>,
        environment: Environment,
        now: u64,
    ) {
        let means = answer.and_then(|answer| SchemeAndNetwork::read(&query.plan_id, answer, environment));
        self.store(&query.plan_id, means, now);
    }

    /// Stores terms as if the platform had given them.
    #[cfg(test)]
    pub(crate) fn insert(&self, plan: &str, scheme: &str, network: &str, now: u64) {
        if let (Ok(plan_id), Some(scheme)) = (PlanId::parse(plan, "planId"), Scheme::parse(scheme)) {
            self.store(&plan_id, Some(SchemeAndNetwork { scheme, network: network.into() }), now);
        }
    }

    #[cfg(test)]
    pub(crate) fn clear(&self) {
        self.known().retain(|_, _| false);
    }

    /// A plan whose terms are too old and are not being asked for.
    pub(crate) fn stale(&self, now: u64) -> Option<PlanQuery> {
        let mut known = self.known();
        let (plan_id, known) = known.iter_mut().find(|(_, known)| {
            known.means.is_some() && !within(known.said, now, FRESH_MS) && !within(known.asked, now, PAUSE_MS)
        })?;
        known.asked = now;
        Some(PlanQuery::new(plan_id.clone()))
    }
}

/// True if `then` is less than `milliseconds` before `now`. False if `then` is later than `now`: nobody has to wait because
/// a clock was set back.
fn within(then: u64, now: u64, milliseconds: u64) -> bool {
    now.checked_sub(then).is_some_and(|age| age < milliseconds)
}

impl SchemeAndNetwork {
    /// Reads the scheme and the network from an answer; `None` if it is not such an answer, or names something that cannot
    /// stand in an offer.
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
