use super::timeouts::Timeouts;
use crate::subscriber::{FetchId, Offer, Policy, Redirects, Target};
use crate::wire::DelegationRef;
use alloc::{string::String, sync::Arc};

/// A request of a caller.
#[derive(Debug, Clone)]
pub struct FetchRequest {
    /// The URL.
    pub target: Target,
    /// The method, upper case.
    pub method: String,
    /// How redirects are treated.
    pub redirects: Redirects,
    /// The payments that need no question, and limits.
    pub policy: Option<Arc<Policy>>,
    /// Another policy whose limits hold as well: an instance's, beside that of a call.
    pub limits: Option<Arc<Policy>>,
    /// True if there is an `approve` callback to ask.
    pub can_ask: bool,
    /// The number of the callback: fetches with the same number ask the same callback, one question at a time.
    pub asks: u32,
    /// The fetch that an `approve` callback is asked about, if that callback makes this fetch.
    pub within: Option<FetchId>,
    /// The delegation to spend from; the session's where it is `None`.
    pub delegation_id: Option<DelegationRef>,
    /// True if there is a `select` callback to choose among several offers.
    pub can_select: bool,
    /// True if single-use tokens are asked for (`tokenVersion: 3`). Where it is `None`, they are asked for where a limit on
    /// credits is set, since a reusable token can be settled again by whoever holds it. The token that comes decides.
    pub single_use: Option<bool>,
    /// How many single-use tokens are kept at hand beyond the one in use.
    pub prefetch: u32,
    /// True if only the terms are wanted: nothing is consented to, minted or paid.
    pub quote: bool,
    /// How long its steps may take.
    pub timeouts: Timeouts,
    /// The payment of an earlier fetch of the same request that this one goes on with:
    /// [`Spend::payment`](crate::subscriber::Spend::payment).
    pub resume: Option<FetchId>,
}

impl FetchRequest {
    /// True if its policies allow an offer's plan, origin, network and scheme.
    pub(crate) fn allows(&self, offer: &Offer) -> bool {
        self.policies().all(|policy| policy.names(offer))
    }

    /// The policies whose limits hold.
    pub(crate) fn policies(&self) -> impl Iterator<Item = &Policy> {
        self.policy.iter().chain(&self.limits).map(AsRef::as_ref)
    }

    /// True if a limit on credits is set, or only those held may be spent.
    pub(crate) fn is_limited(&self) -> bool {
        self.policies().any(Policy::limits_credits)
    }

    /// True if the price of an offer is taken for what it can cost, by each policy that limits credits.
    pub(crate) fn trusts_price_of(&self, offer: &Offer) -> bool {
        let mut limiting = self.policies().filter(|policy| policy.limits_credits());
        offer.credits().is_some() && self.is_limited() && limiting.all(|policy| policy.counts_price_of(offer))
    }

    /// True if single-use tokens are asked for.
    pub(crate) fn wants_single_use(&self) -> bool {
        self.single_use.unwrap_or_else(|| self.is_limited())
    }

    /// A request that follows redirects, without a callback and without a policy.
    #[must_use]
    pub fn new(target: Target, method: &str) -> Self {
        Self {
            target,
            method: method.into(),
            redirects: Redirects::Follow,
            policy: None,
            limits: None,
            can_ask: false,
            asks: 0,
            within: None,
            delegation_id: None,
            can_select: false,
            single_use: None,
            prefetch: 0,
            quote: false,
            timeouts: Timeouts::default(),
            resume: None,
        }
    }
}
