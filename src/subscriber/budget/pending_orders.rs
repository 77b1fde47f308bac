//! Orders that were sent and whose credits were not seen: they are waited for, not repeated (rules 4 and 10). They outlive
//! the fetch that sent them, a logout, and with what is kept of a buyer the page too.

use super::counts::{BOUGHT, Entry, ORDER, SURE};
use crate::subscriber::Buyer;
use crate::wire::{Credits, PlanId};
use alloc::string::String;

/// How long an order stands in the way of another, in milliseconds.
const STANDS_MS: u64 = 24 * 60 * 60_000;

impl Buyer {
    /// How the name of an order's entry begins; its time follows. Keys without an account share a dash.
    fn order_name(&self, plan_id: &PlanId) -> String {
        [self.holder.as_deref().unwrap_or("-"), "/", plan_id.as_str(), "/"].concat()
    }

    /// The order of a plan that is waited for, if there is one.
    pub(in crate::subscriber) fn order_of(&mut self, plan_id: &PlanId, now: u64) -> Option<&mut Entry> {
        let name = self.order_name(plan_id);
        self.budget.entries.iter_mut().find(|entry| {
            let sent = entry.order_time(&name).and_then(|at| at.parse::<Credits>().ok());
            sent.is_some_and(|at| at.saturating_add(STANDS_MS.into()) >= now.into())
        })
    }

    /// An order is about to go out.
    pub(in crate::subscriber) fn record_order(&mut self, plan_id: &PlanId, now: u64) {
        self.forget_order(plan_id);
        let name = [self.order_name(plan_id), Credits::from(now).to_string()].concat();
        let credits = self.balance_since(plan_id, 0).unwrap_or_default();
        self.budget.entries.push(Entry { kind: ORDER, name, credits });
    }

    /// The order of a plan is done with: its credits are there, or the platform refused it.
    pub(in crate::subscriber) fn forget_order(&mut self, plan_id: &PlanId) {
        let name = self.order_name(plan_id);
        self.budget.retain(&|entry| entry.order_time(&name).is_none());
    }

    /// Somebody read a balance: more than there was before an order says that its credits have come.
    pub(in crate::subscriber) fn settle_order_by_balance(&mut self, plan_id: &PlanId, held: Credits) {
        if self.order_of(plan_id, 0).is_some_and(|order| held > order.credits) {
            self.forget_order(plan_id);
        }
    }
}

impl Entry {
    /// Whether it is an order.
    pub(in crate::subscriber) fn is_order(&self) -> bool {
        matches!(self.kind, ORDER | SURE)
    }

    /// Whether it is an order, or a number of them.
    pub(in crate::subscriber) fn is_of_orders(&self) -> bool {
        self.is_order() || self.kind == BOUGHT
    }

    /// The time in the name of an order that begins so.
    fn order_time(&self, name: &str) -> Option<&str> {
        self.name.strip_prefix(name).filter(|_| self.is_order())
    }
}
