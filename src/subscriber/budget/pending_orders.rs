//! Orders that were sent and whose credits have not arrived. They are waited for, not repeated (rules 4 and 10). They outlive
//! the fetch that sent them, a logout, and the page where the budget is stored.

use super::counts::Budget;
use super::entry::{Entry, ORDER};
use crate::wire::{Credits, PlanId};
use alloc::string::String;

/// How long an order blocks another of the same plan, in milliseconds.
pub(crate) const BLOCKS_MS: u64 = 24 * 60 * 60_000;

/// The orders of one plan by one account.
pub(crate) struct PendingOrder {
    /// How the names of its entries begin; their time follows.
    name: String,
}

impl PendingOrder {
    /// Keys without an account share a dash.
    pub(crate) fn new(account: Option<&str>, plan_id: &PlanId) -> Self {
        Self { name: [account.unwrap_or("-"), "/", plan_id.as_str(), "/"].concat() }
    }

    /// The order that is waited for, if there is one.
    pub(crate) fn find<'a>(&self, budget: &'a mut Budget, now: u64) -> Option<&'a mut Entry> {
        budget.entries.iter_mut().find(|entry| {
            let sent = entry.order_time(&self.name).and_then(|at| at.parse::<Credits>().ok());
            sent.is_some_and(|at| at.saturating_add(BLOCKS_MS.into()) >= now.into())
        })
    }

    /// An order is about to be sent; `held` is the balance before it, in credits.
    pub(crate) fn record(self, budget: &mut Budget, held: Credits, now: u64) {
        self.forget(budget);
        let name = [self.name, Credits::from(now).digits()].concat();
        budget.entries.push(Entry { kind: ORDER, name, credits: held });
    }

    /// True if an order is waited for that began at another time.
    pub(crate) fn is_another(&self, budget: &Budget, at: &str) -> bool {
        budget.entries.iter().any(|entry| entry.order_time(&self.name).is_some_and(|began| began != at))
    }

    /// The order is done with: its credits have come, or the platform refused it.
    pub(crate) fn forget(&self, budget: &mut Budget) {
        budget.retain(&|entry| entry.order_time(&self.name).is_none());
    }
}
