use super::{Dialect, DialectKind, Target};
use crate::wire::{AgentId, Credits, PaymentRequired, PlanId, Resource, Scheme};
use alloc::string::String;

/// An offer that can be paid, as the user or a policy decides about it.
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
    dialect: Option<Dialect>,
    /// The resource that is paid for, as its seller describes it.
    pub resource: Resource,
    /// The URL that the 402 came from, and that the token goes to.
    pub target: Target,
    /// True if these terms are known from an earlier answer rather than from one to this request.
    pub remembered: bool,
    /// True if an earlier payment of the same may have been taken, and this is another.
    pub again: bool,
}

impl Offer {
    /// The ways to pay that we know, in the seller's order. An unknown scheme is skipped, never guessed at.
    pub(crate) fn known(required: &PaymentRequired, target: &Target) -> impl Iterator<Item = Self> {
        required.accepts().iter().filter_map(|accept| {
            Some(Self {
                scheme: accept.scheme()?,
                plan_id: accept.plan_id()?.clone(),
                network: accept.network().into(),
                agent_id: accept.agent_id().cloned(),
                credits: accept.credits(),
                http_verb: accept.http_verb().map(Into::into),
                dialect: None,
                resource: required.resource().clone(),
                target: target.clone(),
                remembered: false,
                again: false,
            })
        })
    }

    /// An offer of another dialect.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn of_dialect(
        dialect: Dialect,
        scheme: Scheme,
        network: &str,
        plan_id: PlanId,
        agent_id: Option<AgentId>,
        credits: Credits,
        resource: Resource,
        target: &Target,
    ) -> Self {
        Self {
            scheme,
            network: network.into(),
            plan_id,
            agent_id,
            credits: Some(credits),
            http_verb: None,
            dialect: Some(dialect),
            resource,
            target: target.clone(),
            remembered: false,
            again: false,
        }
    }

    /// The dialect, where it is no x402 offer of a plan.
    #[must_use]
    pub fn dialect(&self) -> Option<&Dialect> {
        self.dialect.as_ref()
    }

    /// The name of the scheme: that of x402, or `exact`.
    #[must_use]
    pub fn scheme_name(&self) -> &'static str {
        if self.is_money() { "exact" } else { self.scheme.as_str() }
    }

    /// True if an amount of an asset pays, and not credits of a plan. The plan is then the currency, and the credits are the
    /// amount in atomic units.
    #[must_use]
    pub fn is_money(&self) -> bool {
        self.dialect.as_ref().is_some_and(|dialect| dialect.kind == DialectKind::Exact)
    }

    /// The same terms, for another request to the same place.
    pub(crate) fn remembered_for(&self, target: &Target) -> Self {
        Self { target: target.clone(), remembered: true, again: false, ..self.clone() }
    }

    /// The same terms, for a payment beside one that may have been taken.
    pub(crate) fn for_another(self) -> Self {
        Self { again: true, ..self }
    }

    /// How to pay.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The plan whose credits are spent.
    #[must_use]
    pub fn plan_id(&self) -> &PlanId {
        &self.plan_id
    }

    /// The network that settles it.
    #[must_use]
    pub fn network(&self) -> &str {
        &self.network
    }

    /// The agent, where the seller names one.
    #[must_use]
    pub fn agent_id(&self) -> Option<&AgentId> {
        self.agent_id.as_ref()
    }

    /// The price of the request in credits, where the seller states it.
    #[must_use]
    pub fn credits(&self) -> Option<Credits> {
        self.credits
    }

    /// The method that is paid for, where the seller names it.
    #[must_use]
    pub fn http_verb(&self) -> Option<&str> {
        self.http_verb.as_deref()
    }

    /// The least that must be held for it, in credits: its price, or one if it states none.
    #[must_use]
    pub fn needed(&self) -> Credits {
        self.credits().unwrap_or(Credits::from(1))
    }

    /// True if both are about one plan at one place: then the user is not asked about both at the same time.
    pub(crate) fn same_question(&self, other: &Self) -> bool {
        self.plan_id == other.plan_id && self.target.origin == other.target.origin
    }

    /// True if both ask for the same: scheme, network, plan, agent and price (rule 5).
    pub(crate) fn is_the_same_as(&self, other: &Self) -> bool {
        self.covers(other) && other.covers(self)
    }

    /// Dialect and recipient: consent to one is none to another.
    fn way(&self) -> Option<(DialectKind, &str)> {
        self.dialect.as_ref().map(|dialect| (dialect.kind, dialect.pay_to.as_str()))
    }

    /// True if consent to `self` is consent to `other` as well: same place, same plan, no dearer.
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
            && self.way() == other.way()
            && self.target.origin == other.target.origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;

    fn target(origin: &str, path: &str) -> Target {
        Target { url: [origin, path].concat(), origin: origin.into(), path: path.into() }
    }

    fn offer(plan: &str, credits: Option<&str>, agent: &str, at: &Target) -> Arc<Offer> {
        let credits = credits.map(|credits| [r#","credits":""#, credits, "\""].concat()).unwrap_or_default();
        let json = [
            r#"{"x402Version":2,"accepts":[{"scheme":"nvm:card-delegation","network":"stripe","planId":""#,
            plan,
            r#"","extra":{"httpVerb":"POST","agentId":""#,
            agent,
            "\"",
            &credits,
            "}}]}",
        ]
        .concat();
        let required = PaymentRequired::from_json(json.as_bytes()).unwrap();
        Arc::new(Offer::known(&required, at).next().unwrap())
    }

    #[test]
    fn an_offer_says_what_its_document_said() {
        let at = target("https://a.example", "/x");
        let offer = offer("7", Some("3"), "9", &at);
        assert_eq!(
            (offer.scheme(), offer.network(), offer.plan_id().as_str()),
            (Scheme::CardDelegation, "stripe", "7")
        );
        assert_eq!((offer.agent_id().map(AgentId::as_str), offer.http_verb()), (Some("9"), Some("POST")));
        assert_eq!((offer.credits(), offer.needed()), (Some(Credits::from(3)), Credits::from(3)));
        assert_eq!((&offer.target, offer.remembered), (&at, false));
        let elsewhere = target("https://a.example", "/x?page=2");
        let known = offer.remembered_for(&elsewhere);
        assert_eq!((&known.target, known.remembered, known.plan_id()), (&elsewhere, true, offer.plan_id()));
    }

    #[test]
    fn what_was_agreed_to_covers_the_same_and_cheaper_at_the_same_place() {
        let here = target("https://a.example", "/x");
        let agreed = offer("7", Some("3"), "9", &here);
        let silent = offer("7", None, "9", &here);
        for (name, other, covers, same_question) in [
            ("the same", offer("7", Some("3"), "9", &here), true, true),
            ("cheaper", offer("7", Some("2"), "9", &here), true, true),
            ("dearer", offer("7", Some("4"), "9", &here), false, true),
            ("no price", silent.clone(), false, true),
            ("another path", offer("7", Some("3"), "9", &target("https://a.example", "/y")), true, true),
            ("another origin", offer("7", Some("3"), "9", &target("https://b.example", "/x")), false, false),
            ("another plan", offer("8", Some("3"), "9", &here), false, false),
            ("another agent", offer("7", Some("3"), "1", &here), false, true),
        ] {
            assert_eq!(agreed.covers(&other), covers, "{name}");
            assert_eq!(agreed.same_question(&other), same_question, "{name}");
        }
        assert!(silent.covers(&silent));
        assert!(!silent.covers(&agreed));
        assert_eq!(silent.needed(), Credits::from(1));
    }
}
