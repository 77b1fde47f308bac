use super::{Budget, Offer};
use crate::api::plans::PlanPrice;
use crate::wire::{Credits, DelegationRef};
use alloc::{string::String, vec::Vec};

/// The payments that need no question (rule 3), and limits that hold whoever says yes (rule 12).
///
/// A policy allows payments by itself only where it names origins. An empty list restricts nothing; a limit that is not
/// set does not limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// The most that one call may present to sellers, in credits.
    pub max_credits_per_request: Option<Credits>,
    /// The most that an hour may cost, in credits.
    pub max_credits_per_hour: Option<Credits>,
    /// The most that a day may cost, in credits.
    pub max_credits_per_day: Option<Credits>,
    /// The most that all of a session may cost, in credits.
    pub max_credits_total: Option<Credits>,
    /// The plans that may be used.
    pub plans: Vec<String>,
    /// The origins that may be paid: `https://api.example`, or `*` for all of them.
    pub origins: Vec<String>,
    /// The networks, by their name on the wire.
    pub networks: Vec<String>,
    /// The schemes, by their name on the wire.
    pub schemes: Vec<String>,
    /// True if a plan may be bought where the credits do not suffice. A plain no also keeps the platform from buying from
    /// the delegation when it settles: nothing is presented that can cost more, by the plan's terms, than the credits held.
    pub purchase: Option<bool>,
    /// The most purchases in an hour, in a day, and in all.
    pub max_purchases: PurchaseLimits,
    /// The most that one purchase may cost, as the platform states the plan's price.
    pub max_price: Option<PlanPrice>,
    /// Limits on amounts, by currency. Where there are any, no other currency is paid.
    pub max_amounts: Vec<AmountLimit>,
    /// True if an offer's own price is counted against the limits in the place of the most that the plan allows, at
    /// origins that `origins` names one by one. The seller of such an origin is trusted to settle no more than it asked.
    pub count_price: bool,
}

/// Limits on the amounts of one currency, in atomic units of its asset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AmountLimit {
    /// Chain and asset: `eip155:8453:0x…`, in lower case on EVM chains.
    pub currency: String,
    /// The most that one call may present.
    pub per_request: Option<Credits>,
    /// The most in an hour.
    pub per_hour: Option<Credits>,
    /// The most in a day.
    pub per_day: Option<Credits>,
    /// The most of a session, or of a shared budget.
    pub total: Option<Credits>,
}

/// How many plans may be bought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PurchaseLimits {
    /// The number in an hour.
    pub per_hour: Option<u32>,
    /// The number in a day.
    pub per_day: Option<u32>,
    /// The number in a session, or in all that a shared budget knows of.
    pub total: Option<u32>,
}

/// The answer of the user or program that was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Approval {
    /// Yes or no.
    pub approve: bool,
    /// True if the plan may be bought where the credits do not suffice; a plain no is [`Policy::purchase`]'s.
    pub purchase: Option<bool>,
    /// True if the same at the same price or less, in the same place, needs no further question in this session, as
    /// long as the credits suffice: to buy again is asked again.
    pub remember: bool,
    /// The delegation to spend from, where it is not the session's.
    pub delegation_id: Option<DelegationRef>,
}

/// The consent to a payment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Consent {
    /// True if the plan may be bought. Otherwise only credits are spent that the platform stated last.
    pub(crate) purchase: Option<bool>,
    /// True if a user or program was asked about this payment. Otherwise a purchase has the limits of a policy.
    pub(crate) asked: bool,
}

/// The decision about an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConsentDecision {
    /// The `approve` callback has to be asked.
    Ask,
    /// It may be paid.
    Pay(Consent),
    /// There is no callback to ask, and no policy names the origin.
    NoConsent,
}

impl Policy {
    /// True if plan, origin, network and scheme are among those allowed.
    #[must_use]
    pub fn names(&self, offer: &Offer) -> bool {
        let allows = |list: &[String], name: &str| list.is_empty() || list.iter().any(|one| one == name);
        let pays = match offer.is_money() {
            true => self.limits_amounts_of(offer) || self.max_amounts.is_empty() && self.plans.is_empty(),
            false => allows(&self.plans, offer.plan_id().as_str()),
        };
        pays && (self.names_every_origin() || allows(&self.origins, &offer.target.origin))
            && allows(&self.networks, offer.network())
            && allows(&self.schemes, offer.scheme_name())
    }

    fn names_every_origin(&self) -> bool {
        self.origins.iter().any(|origin| origin == EVERY_ORIGIN)
    }

    /// True if what one presentation can cost is the offer's own price, by this policy.
    pub(crate) fn counts_price_of(&self, offer: &Offer) -> bool {
        self.count_price && self.origins.contains(&offer.target.origin)
    }

    /// True if it limits amounts of the offer's currency.
    pub(crate) fn limits_amounts_of(&self, offer: &Offer) -> bool {
        self.max_amounts.iter().any(|limit| limit.currency == offer.plan_id().as_str())
    }

    /// The limit that presenting an amount of a currency would break, if any. The call has presented `before` already.
    pub(crate) fn broken_amount_limit(
        &self,
        currency: &str,
        amount: Credits,
        before: Credits,
        budget: &Budget,
        now: u64,
    ) -> Option<&'static str> {
        let [total, hour, day] = budget.amounts(currency, now);
        self.max_amounts.iter().filter(|limit| limit.currency == currency).find_map(|limit| {
            [
                ("maxAmounts.perRequest", limit.per_request, before),
                ("maxAmounts.perHour", limit.per_hour, hour),
                ("maxAmounts.perDay", limit.per_day, day),
                ("maxAmounts.total", limit.total, total),
            ]
            .into_iter()
            .find(|(_, limit, before)| limit.is_some_and(|limit| before.saturating_add(amount) > limit))
            .map(|(name, _, _)| name)
        })
    }

    /// True if it limits credits. To spend only those held is a limit too.
    pub(crate) fn limits_credits(&self) -> bool {
        let limits = self.max_credits_per_request.or(self.max_credits_per_hour);
        let limits = limits.or(self.max_credits_per_day).or(self.max_credits_total);
        limits.is_some() || self.purchase == Some(false)
    }

    /// The limit that presenting `cost` credits would break, if any. The call has presented `before` already.
    pub(crate) fn broken_limit(
        &self,
        cost: Credits,
        before: Credits,
        budget: &Budget,
        now: u64,
    ) -> Option<&'static str> {
        [
            ("maxCreditsPerRequest", self.max_credits_per_request, before),
            ("maxCreditsPerHour", self.max_credits_per_hour, budget.in_hour(now)),
            ("maxCreditsPerDay", self.max_credits_per_day, budget.in_day(now)),
            ("maxCreditsTotal", self.max_credits_total, budget.total()),
        ]
        .into_iter()
        .find(|(_, limit, before)| limit.is_some_and(|limit| before.saturating_add(cost) > limit))
        .map(|(name, _, _)| name)
    }

    /// The limit that one more purchase would break, if any.
    pub(crate) fn broken_purchase_limit(&self, budget: &Budget, now: u64) -> Option<&'static str> {
        let limits = &self.max_purchases;
        [
            ("maxPurchasesPerHour", limits.per_hour, budget.purchases_in_hour(now)),
            ("maxPurchasesPerDay", limits.per_day, budget.purchases_in_day(now)),
            ("maxPurchasesTotal", limits.total, budget.purchases()),
        ]
        .into_iter()
        .find(|(_, limit, before)| limit.is_some_and(|limit| *before >= u64::from(limit).into()))
        .map(|(name, _, _)| name)
    }

    /// True if a purchase at that price stays under `maxPrice`; a price that is not known does not.
    pub(crate) fn allows_price(&self, price: Option<&PlanPrice>) -> bool {
        match (&self.max_price, price) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(most), Some(price)) => {
                let same = price.currency.eq_ignore_ascii_case(&most.currency);
                price.amount.is_zero() || same && price.amount <= most.amount
            }
        }
    }
}

impl PurchaseLimits {
    /// True if any is set.
    pub(crate) fn is_set(&self) -> bool {
        self.per_hour.or(self.per_day).or(self.total).is_some()
    }
}

/// The entry of [`Policy::origins`] that names all origins.
const EVERY_ORIGIN: &str = "*";

/// Rule 3, in its order: an earlier approval that covers the offer, a callback to ask, a policy that names origins. With
/// none of them nothing is paid.
pub(crate) fn decide(policy: Option<&Policy>, can_ask: bool, granted: bool) -> ConsentDecision {
    match policy.filter(|policy| !policy.origins.is_empty()) {
        _ if granted => ConsentDecision::Pay(Consent::default()),
        _ if can_ask => ConsentDecision::Ask,
        Some(policy) => ConsentDecision::Pay(Consent { purchase: policy.purchase, asked: false }),
        None => ConsentDecision::NoConsent,
    }
}
