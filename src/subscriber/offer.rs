use super::{FetchRequest, Target};
use crate::wire::{AgentId, Credits, PaymentRequired, PlanId, Resource, Scheme};
use alloc::{rc::Rc, string::String, vec::Vec};

/// One way to pay that we can take: what a person or a policy is asked about.
///
/// It keeps what is needed of the [`PaymentRequired`] it was chosen from, not the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    scheme: Scheme,
    network: String,
    plan_id: PlanId,
    agent_id: Option<AgentId>,
    credits: Option<Credits>,
    http_verb: Option<String>,
    /// What is paid for, as its seller describes it.
    pub resource: Resource,
    /// Where the 402 came from, and where the token will go.
    pub target: Target,
    /// Whether these terms are known from an earlier answer rather than from one to this request.
    pub remembered: bool,
}

impl Offer {
    /// The ways to pay that we know and the request's policies allow, in the seller's order; unknown schemes are skipped, never
    /// guessed at.
    #[must_use]
    pub fn candidates(required: &PaymentRequired, target: &Target, request: &FetchRequest) -> Vec<Rc<Self>> {
        let known = required.accepts().iter().filter_map(|accept| {
            let offer = Self {
                scheme: accept.scheme()?,
                plan_id: accept.plan_id()?.clone(),
                network: accept.network().into(),
                agent_id: accept.agent_id().cloned(),
                credits: accept.credits(),
                http_verb: accept.http_verb().map(Into::into),
                resource: required.resource().clone(),
                target: target.clone(),
                remembered: false,
            };
            request.allows(&offer).then(|| Rc::new(offer))
        });
        known.collect()
    }

    /// The same terms, for another request to the same place.
    pub(super) fn remembered_for(&self, target: &Target) -> Self {
        Self { target: target.clone(), remembered: true, ..self.clone() }
    }

    /// How to pay.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whose credits.
    #[must_use]
    pub fn plan_id(&self) -> &PlanId {
        &self.plan_id
    }

    /// Where it is settled.
    #[must_use]
    pub fn network(&self) -> &str {
        &self.network
    }

    /// The agent, where the seller names one.
    #[must_use]
    pub fn agent_id(&self) -> Option<&AgentId> {
        self.agent_id.as_ref()
    }

    /// What the request costs, in credits, where the seller says it.
    #[must_use]
    pub fn credits(&self) -> Option<Credits> {
        self.credits
    }

    /// The method that is paid for, where the seller names it.
    #[must_use]
    pub fn http_verb(&self) -> Option<&str> {
        self.http_verb.as_deref()
    }

    /// The least that must be held for it, in credits: what it costs, and one where nobody says.
    #[must_use]
    pub fn needed(&self) -> Credits {
        self.credits().unwrap_or(Credits::from(1))
    }

    /// Whether both are about one plan at one place: whoever is asked about one need not be asked about the other at
    /// the same time.
    pub(super) fn same_question(&self, other: &Self) -> bool {
        self.plan_id == other.plan_id && self.target.origin == other.target.origin
    }

    /// Whether whoever agreed to `self` has agreed to `other` as well: same place, same plan, no dearer.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let no_dearer = match (self.credits(), other.credits()) {
            (Some(agreed), Some(asked)) => asked <= agreed,
            (None, None) => true,
            _ => false,
        };
        no_dearer
            && (self.scheme, &self.network, &self.plan_id, &self.agent_id)
                == (other.scheme, &other.network, &other.plan_id, &other.agent_id)
            && self.target.origin == other.target.origin
    }
}
