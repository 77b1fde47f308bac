use super::method::Method;
use crate::wire::{Accept, AgentId, Credits, PaymentRequired, PlanId, Resource, Scheme};
use alloc::{string::String, vec::Vec};

/// What a paid route costs and how it can be paid, from the configuration.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Terms {
    /// The route as it is written in the configuration: `POST /ask`.
    pub(crate) route: String,
    pub(crate) method: Method,
    pub(crate) plan_id: PlanId,
    pub(crate) agent_id: Option<AgentId>,
    /// Whether scheme and network are the plan's to say: what stands there is nothing, until
    /// [`Plans`](super::plans::Plans) have put them in.
    pub(crate) follows_plan: bool,
    pub(crate) scheme: Scheme,
    /// CAIP-2 for `nvm:erc4337`, the provider's name for cards.
    pub(crate) network: String,
    /// The price of one request, in credits, at least 1.
    pub(crate) credits: Credits,
    pub(crate) description: Option<String>,
    pub(crate) mime_type: Option<String>,
}

impl Terms {
    /// The offer for the resource at `url` (rule 17): what a 402 says, and what verify and settle are asked about.
    pub(crate) fn offer(&self, url: String) -> PaymentRequired {
        let mut accept = Accept::new(self.scheme, &self.network, self.plan_id.clone());
        if let Some(agent) = &self.agent_id {
            accept = accept.with_agent(agent.clone());
        }
        let accept = accept.with_verb(self.method.as_str()).with_credits(self.credits);
        let resource =
            Resource { url, description: self.description.clone(), mime_type: self.mime_type.clone() };
        PaymentRequired::new(resource, Vec::from([accept]))
    }
}
