use super::document::{self, Document};
use super::{AgentId, Credits, PlanId, Scheme, WireError};
use serde_json::{Map, Value};

/// One way to pay, an entry of `accepts`: scheme, network, plan, and what the scheme adds under `extra`
/// (contract section 6.1, x402 v2).
///
/// An entry of a scheme that is not ours is kept and can be looked at, and is never payable.
#[derive(Debug, Clone, PartialEq)]
pub struct Accept {
    document: Document,
    scheme: Option<Scheme>,
    plan_id: Option<PlanId>,
    agent_id: Option<AgentId>,
    credits: Option<Credits>,
}

impl Accept {
    /// An entry of our own making, in the official order of members: what a paywall offers.
    #[must_use]
    pub fn new(scheme: Scheme, network: &str, plan_id: PlanId) -> Self {
        let mut document = Map::new();
        document.insert("scheme".into(), scheme.as_str().into());
        document.insert("network".into(), network.into());
        document.insert("planId".into(), plan_id.as_str().into());
        let mut extra = Map::new();
        extra.insert("version".into(), "1".into());
        document.insert("extra".into(), extra.into());
        Self { document, scheme: Some(scheme), plan_id: Some(plan_id), agent_id: None, credits: None }
    }

    /// Names the agent whose resource this is.
    #[must_use]
    pub fn with_agent(mut self, agent_id: AgentId) -> Self {
        self.set_extra("agentId", agent_id.as_str());
        self.agent_id = Some(agent_id);
        self
    }

    /// Names the HTTP method, upper case.
    #[must_use]
    pub fn with_verb(mut self, verb: &str) -> Self {
        self.set_extra("httpVerb", verb);
        self
    }

    /// Says what one request costs, in credits. Ours alone: the official middlewares do not say it.
    #[must_use]
    pub fn with_credits(mut self, credits: Credits) -> Self {
        self.set_extra("credits", &credits.digits());
        self.credits = Some(credits);
        self
    }

    fn set_extra(&mut self, name: &str, value: &str) {
        if let Some(Value::Object(extra)) = self.document.get_mut("extra") {
            extra.insert(name.into(), value.into());
        }
    }

    /// Reads an entry. Only what every scheme must have is required of a scheme that is not ours.
    ///
    /// # Errors
    /// Names the member that is missing or wrong.
    pub fn parse(value: Value) -> Result<Self, WireError> {
        let Value::Object(document) = value else {
            return Err(WireError::new(super::WireErrorKind::WrongType, "entry"));
        };
        let scheme = Scheme::parse(document::required_text(&document, "scheme")?);
        document::required_text(&document, "network")?;
        let (mut plan_id, mut agent_id, mut credits) = (None, None, None);
        if scheme.is_some() {
            plan_id = Some(PlanId::parse(document::required_text(&document, "planId")?, "planId")?);
            if let Some(extra) = document::object(&document, "extra")? {
                agent_id = document::text(extra, "agentId")?
                    .filter(|id| !id.is_empty())
                    .map(|id| AgentId::parse(id, "extra.agentId"))
                    .transpose()?;
                credits = match extra.get("credits") {
                    None | Some(Value::Null) => None,
                    Some(value) => Some(Credits::from_json(value, "extra.credits")?),
                };
            }
        }
        Ok(Self { document, scheme, plan_id, agent_id, credits })
    }

    /// The scheme, if it is one of ours.
    #[must_use]
    pub fn scheme(&self) -> Option<Scheme> {
        self.scheme
    }

    /// The scheme's name as it came.
    #[must_use]
    pub fn scheme_name(&self) -> &str {
        self.member("scheme")
    }

    /// The network's name as it came.
    #[must_use]
    pub fn network(&self) -> &str {
        self.member("network")
    }

    /// The plan, for a scheme of ours.
    #[must_use]
    pub fn plan_id(&self) -> Option<&PlanId> {
        self.plan_id.as_ref()
    }

    /// The agent, where the seller names one.
    #[must_use]
    pub fn agent_id(&self) -> Option<&AgentId> {
        self.agent_id.as_ref()
    }

    /// Price of one request, in credits, if the seller states it.
    #[must_use]
    pub fn credits(&self) -> Option<Credits> {
        self.credits
    }

    /// The HTTP method that is paid for, where the seller names it.
    #[must_use]
    pub fn http_verb(&self) -> Option<&str> {
        self.document.get("extra")?.get("httpVerb")?.as_str()
    }

    /// The entry as it came.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Value::Object(self.document.clone())
    }

    fn member(&self, name: &str) -> &str {
        self.document.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}
