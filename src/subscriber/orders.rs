use super::Buyer;
use crate::wire::{Credits, PlanId};
use alloc::string::String;

/// An order that was sent and whose credits were not seen: it is waited for, not repeated (rules 4 and 10).
///
/// It outlives the fetch that sent it, a logout, and with what is kept of a buyer the page too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    /// The account it was sent for.
    pub(super) holder: String,
    pub(super) plan_id: PlanId,
    /// When it was sent, in milliseconds since 1970.
    pub(super) at: u64,
    /// What was held before it, in credits: once more is held, its credits have come.
    pub(super) before: Credits,
    pub(super) tx_hash: Option<String>,
    /// Whether the platform said that it went through.
    pub(super) sure: bool,
}

/// How long an order stands in the way of another, in milliseconds.
const STANDS_MS: u64 = 24 * 60 * 60_000;

impl Buyer {
    fn is_mine(&self, order: &Order, plan_id: &PlanId) -> bool {
        order.plan_id == *plan_id && self.holder.as_ref() == Some(&order.holder)
    }

    /// The order of a plan that is waited for, if there is one.
    pub(super) fn order_of(&self, plan_id: &PlanId, now: u64) -> Option<&Order> {
        let stands = |order: &&Order| now.saturating_sub(order.at) <= STANDS_MS;
        self.orders.iter().find(|order| self.is_mine(order, plan_id)).filter(stands)
    }

    /// An order is about to go out. Without an account there is nothing that its credits could be looked for by.
    pub(super) fn note_order(&mut self, plan_id: &PlanId, now: u64) {
        let before = self.known_balance(plan_id, now).unwrap_or_default();
        self.forget_order(plan_id);
        let Some(holder) = self.holder.clone() else { return };
        if self.orders.len() >= super::buyer::MAX_REMEMBERED {
            self.orders.remove(0);
        }
        let order = Order { holder, plan_id: plan_id.clone(), at: now, before, tx_hash: None, sure: false };
        self.orders.push(order);
    }

    /// The platform said that the order of a plan went through.
    pub(super) fn order_went_through(&mut self, plan_id: &PlanId, tx_hash: Option<&String>) {
        let holder = self.holder.clone();
        let mine = |order: &&mut Order| order.plan_id == *plan_id && holder.as_ref() == Some(&order.holder);
        if let Some(order) = self.orders.iter_mut().find(mine) {
            order.sure = true;
            order.tx_hash = tx_hash.cloned();
        }
    }

    /// The order of a plan is done with: its credits are there, or the platform refused it.
    pub(super) fn forget_order(&mut self, plan_id: &PlanId) {
        if let Some(index) = self.orders.iter().position(|order| self.is_mine(order, plan_id)) {
            self.orders.remove(index);
        }
    }

    /// Somebody read a balance: more than there was before an order says that its credits have come.
    pub(super) fn order_by_balance(&mut self, plan_id: &PlanId, held: Credits) {
        let orders = self.orders.iter();
        if orders.into_iter().any(|order| self.is_mine(order, plan_id) && held > order.before) {
            self.forget_order(plan_id);
        }
    }
}
