use super::Buyer;
use crate::wire::{Credits, PlanId};
use alloc::{format, string::String};

/// An order that was sent and whose credits were not seen: it is waited for, not repeated (rules 4 and 10).
///
/// It outlives the fetch that sent it, a logout, and with what is kept of a buyer the page too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    /// The account it was sent for, and the plan: `account/plan`.
    pub(super) key: String,
    /// When it was sent, in milliseconds since 1970.
    pub(super) at: Credits,
    /// What was held before it: once more is held, its credits have come.
    pub(super) before: Credits,
    pub(super) tx_hash: Option<String>,
    /// Whether the platform said that it went through.
    pub(super) sure: bool,
}

/// How long an order stands in the way of another, in milliseconds.
const STANDS_MS: u64 = 24 * 60 * 60_000;
/// How many are remembered.
const MAX_ORDERS: usize = 256;

impl Buyer {
    /// Without an account there is nothing that the credits of an order could be looked for by.
    fn key_of_order(&self, plan_id: &PlanId) -> Option<String> {
        Some(format!("{}/{plan_id}", self.holder.as_deref()?))
    }

    /// The order of a plan that is waited for, if there is one.
    pub(super) fn order_of(&mut self, plan_id: &PlanId, now: u64) -> Option<&mut Order> {
        let key = self.key_of_order(plan_id)?;
        let mine =
            |order: &&mut Order| order.key == key && order.at.saturating_add(STANDS_MS.into()) >= now.into();
        self.orders.iter_mut().find(mine)
    }

    /// An order is about to go out.
    pub(super) fn note_order(&mut self, plan_id: &PlanId, now: u64) {
        self.forget_order(plan_id);
        let before = self.known_balance(plan_id, now).unwrap_or_default();
        if let (Some(key), true) = (self.key_of_order(plan_id), self.orders.len() < MAX_ORDERS) {
            self.orders.push(Order { key, at: now.into(), before, tx_hash: None, sure: false });
        }
    }

    /// The order of a plan is done with: its credits are there, or the platform refused it.
    pub(super) fn forget_order(&mut self, plan_id: &PlanId) {
        if let Some(key) = self.key_of_order(plan_id) {
            self.orders.retain(|order| order.key != key);
        }
    }

    /// Somebody read a balance: more than there was before an order says that its credits have come.
    pub(super) fn order_by_balance(&mut self, plan_id: &PlanId, held: Credits) {
        if self.order_of(plan_id, 0).is_some_and(|order| held > order.before) {
            self.forget_order(plan_id);
        }
    }
}
