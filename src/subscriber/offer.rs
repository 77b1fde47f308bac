use super::{Policy, Target};
use crate::wire::{Accept, AgentId, Credits, PaymentRequired, PlanId, Resource, Scheme};

/// One way to pay that we can take: what a person or a policy is asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    accept: Accept,
    scheme: Scheme,
    plan_id: PlanId,
    /// What is paid for, as its seller describes it.
    pub resource: Resource,
    /// Where the 402 came from, and where the token will go.
    pub target: Target,
    /// Whether these terms are known from an earlier answer rather than from one to this request.
    pub remembered: bool,
}

impl Offer {
    /// The first way to pay that we know and `policy` allows (rule 3); unknown schemes are skipped.
    #[must_use]
    pub fn choose(required: &PaymentRequired, target: &Target, policy: Option<&Policy>) -> Option<Self> {
        required.accepts().iter().find_map(|accept| {
            let offer = Self {
                scheme: accept.scheme()?,
                plan_id: accept.plan_id()?.clone(),
                accept: accept.clone(),
                resource: required.resource().clone(),
                target: target.clone(),
                remembered: false,
            };
            policy.is_none_or(|policy| policy.names(&offer)).then_some(offer)
        })
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
        self.accept.network()
    }

    /// The agent, where the seller names one.
    #[must_use]
    pub fn agent_id(&self) -> Option<&AgentId> {
        self.accept.agent_id()
    }

    /// What the request costs, in credits, where the seller says it.
    #[must_use]
    pub fn credits(&self) -> Option<Credits> {
        self.accept.credits()
    }

    /// The least that must be held for it, in credits: what it costs, and one where nobody says.
    #[must_use]
    pub fn needed(&self) -> Credits {
        self.credits().unwrap_or(Credits::from(1))
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
            && self.accept.same_terms(&other.accept)
            && self.agent_id() == other.agent_id()
            && self.target.origin == other.target.origin
    }
}
