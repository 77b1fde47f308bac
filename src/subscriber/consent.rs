use super::{Budget, Offer};
use crate::wire::{Credits, DelegationRef};
use alloc::{string::String, vec::Vec};

/// What may be spent without asking (rule 3). An empty list allows everything; a limit that is not set does not limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// The most that one request may cost, in credits.
    pub max_credits_per_request: Option<Credits>,
    /// The most that an hour may cost, in credits.
    pub max_credits_per_hour: Option<Credits>,
    /// The most that a day may cost, in credits.
    pub max_credits_per_day: Option<Credits>,
    /// The most that all of a session may cost, in credits.
    pub max_credits_total: Option<Credits>,
    /// The plans that may be used.
    pub plans: Vec<String>,
    /// The origins that may be paid.
    pub origins: Vec<String>,
    /// The networks, by their name on the wire.
    pub networks: Vec<String>,
    /// The schemes, by their name on the wire.
    pub schemes: Vec<String>,
    /// Whether a plan may be bought where the credits do not suffice. A plain no also keeps the platform from buying from
    /// the delegation when it settles: nothing is presented that the credits held do not cover.
    pub purchase: Option<bool>,
}

/// The answer of whoever was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Approval {
    /// Yes or no.
    pub approve: bool,
    /// Whether the plan may be bought where the credits do not suffice; a plain no is [`Policy::purchase`]'s.
    pub purchase: Option<bool>,
    /// Whether the same at the same price or less, in the same place, needs no further question in this session, as
    /// long as the credits suffice: to buy again is asked again.
    pub remember: bool,
    /// The delegation to spend from, where it is not the session's.
    pub delegation_id: Option<DelegationRef>,
}

/// How a request may be paid for, once it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consent {
    /// The offer may be paid for.
    Given {
        /// Whether the plan may be bought. A no means: only from credits that were held when somebody last looked.
        purchase: Option<bool>,
    },
    /// Nobody said anything: only credits that are held now may be used.
    HeldCreditsOnly,
}

/// What to do about an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Ask,
    Go(Consent),
    /// A limit of the policy stands against it, by its name.
    OverLimit(&'static str),
}

impl Policy {
    /// Whether plan, origin, network and scheme are among those allowed.
    #[must_use]
    pub fn names(&self, offer: &Offer) -> bool {
        let allows = |list: &[String], name: &str| list.is_empty() || list.iter().any(|one| one == name);
        allows(&self.plans, offer.plan_id().as_str())
            && allows(&self.origins, &offer.target.origin)
            && allows(&self.networks, offer.network())
            && allows(&self.schemes, offer.scheme().as_str())
    }

    /// The limit that the offer would break, if any. Where a limit is set and the seller does not say the price,
    /// nobody can say that it holds, so it does not.
    pub(super) fn broken_limit(&self, offer: &Offer, budget: &Budget, now: u64) -> Option<&'static str> {
        [
            ("maxCreditsPerRequest", self.max_credits_per_request, Credits::ZERO),
            ("maxCreditsPerHour", self.max_credits_per_hour, budget.in_hour(now)),
            ("maxCreditsPerDay", self.max_credits_per_day, budget.in_day(now)),
            ("maxCreditsTotal", self.max_credits_total, budget.total()),
        ]
        .into_iter()
        .find(|(_, limit, before)| match (limit, offer.credits()) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(limit), Some(cost)) => before.saturating_add(cost) > *limit,
        })
        .map(|(name, _, _)| name)
    }
}

/// Rule 3, in its order: a limit holds whoever says yes; then whoever is to be asked; then the policy; and with
/// neither, credits that are held already.
pub(super) fn judge(
    broken_limit: Option<&'static str>,
    policy: Option<&Policy>,
    can_ask: bool,
    granted: bool,
) -> Verdict {
    if let Some(limit) = broken_limit {
        return Verdict::OverLimit(limit);
    }
    match policy {
        _ if granted => Verdict::Go(Consent::Given { purchase: None }),
        _ if can_ask => Verdict::Ask,
        Some(policy) => Verdict::Go(Consent::Given { purchase: policy.purchase }),
        None => Verdict::Go(Consent::HeldCreditsOnly),
    }
}
