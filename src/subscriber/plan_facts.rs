use super::capped::{self, MAX_REMEMBERED};
use crate::api::plans::PlanTerms;
use crate::wire::{Credits, PlanId};
use alloc::vec::Vec;

/// Facts of plans that the platform stated in this session. Nothing that a seller states is in it.
#[derive(Debug, Default)]
pub(crate) struct PlanFacts {
    plans: Vec<(PlanId, PlanFact)>,
}

#[derive(Debug, Default)]
struct PlanFact {
    balance: Option<BalanceReading>,
    terms: Option<PlanTerms>,
    /// The price of one credit: for ranking offers, not for sums.
    price: Option<f64>,
}

/// A balance that the platform reported.
#[derive(Debug)]
struct BalanceReading {
    /// In credits, less what was presented since.
    held: Credits,
    /// When it was read, in milliseconds since 1970.
    at: u64,
    /// True if something was presented since. Such a reading can say that the credits suffice, and not that they do not.
    is_reduced: bool,
}

/// How long a balance is believed when offers are ranked, in milliseconds.
const BALANCE_TTL_MS: u64 = 30_000;

impl PlanFacts {
    fn get(&self, plan_id: &PlanId) -> Option<&PlanFact> {
        self.plans.iter().find(|(plan, _)| plan == plan_id).map(|(_, fact)| fact)
    }

    fn update(&mut self, plan_id: &PlanId, change: impl FnOnce(&mut PlanFact)) {
        if let Some((_, fact)) = self.plans.iter_mut().find(|(plan, _)| plan == plan_id) {
            return change(fact);
        }
        let mut fact = PlanFact::default();
        change(&mut fact);
        capped::push(&mut self.plans, (plan_id.clone(), fact), MAX_REMEMBERED);
    }

    pub(crate) fn terms(&self, plan_id: &PlanId) -> Option<&PlanTerms> {
        self.get(plan_id)?.terms.as_ref()
    }

    pub(crate) fn set_terms(&mut self, plan_id: &PlanId, terms: PlanTerms) {
        self.update(plan_id, |fact| fact.terms = Some(terms));
    }

    /// The price of one credit of a plan.
    pub(crate) fn price(&self, plan_id: &PlanId) -> Option<f64> {
        self.get(plan_id)?.price
    }

    pub(crate) fn set_price(&mut self, plan_id: &PlanId, price: f64) {
        self.update(plan_id, |fact| fact.price = Some(price));
    }

    /// The balance of a plan, if it was read lately.
    pub(crate) fn recent_balance(&self, plan_id: &PlanId, now: u64) -> Option<Credits> {
        self.reading(plan_id).filter(|one| one.at >= now.saturating_sub(BALANCE_TTL_MS)).map(|one| one.held)
    }

    /// The last balance of a plan, less what was presented since.
    pub(crate) fn balance(&self, plan_id: &PlanId) -> Option<Credits> {
        self.reading(plan_id).map(|one| one.held)
    }

    /// True if the balance of a plan is exactly what the platform said at a time or later.
    pub(crate) fn is_read_since(&self, plan_id: &PlanId, since: u64) -> bool {
        self.reading(plan_id).is_some_and(|one| one.at >= since && !one.is_reduced)
    }

    fn reading(&self, plan_id: &PlanId) -> Option<&BalanceReading> {
        self.get(plan_id)?.balance.as_ref()
    }

    pub(crate) fn set_balance(&mut self, plan_id: &PlanId, held: Credits, now: u64) {
        let reading = BalanceReading { held, at: now, is_reduced: false };
        self.update(plan_id, |fact| fact.balance = Some(reading));
    }

    pub(crate) fn forget_balance(&mut self, plan_id: &PlanId) {
        self.update(plan_id, |fact| fact.balance = None);
    }

    /// A presented payment may have taken so many credits of a plan.
    pub(crate) fn reduce_balance(&mut self, plan_id: &PlanId, credits: Credits) {
        self.update(plan_id, |fact| {
            if let Some(reading) = &mut fact.balance {
                reading.held = reading.held.saturating_sub(credits);
                reading.is_reduced = true;
            }
        });
    }
}
