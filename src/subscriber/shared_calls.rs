//! Platform calls that several fetches share: one mint, one purchase, one balance read, however many wait for it (rule 4).
//! A call goes on when a fetch that waits for it is aborted.

use super::fetch::timeouts::Step;
use super::{CallId, CallWork, FetchId, PlatformCall, Purchase, TokenKey};
use crate::api::plans::{GetPlanBalance, GetPlanTerms, OrderPlan};
use crate::api::{Call, Request};
use crate::wire::{Credits, PlanId};
use alloc::{string::String, sync::Arc, vec::Vec};

/// The calls under way, each with the fetches that wait for it.
#[derive(Debug, Default)]
pub(crate) struct SharedCalls {
    last: u32,
    calls: Vec<SharedCall>,
    /// Orders, and balance reads after an order. They are few, and often looked for.
    purchases: Vec<SharedCall>,
}

#[derive(Debug)]
pub(crate) struct SharedCall {
    id: CallId,
    pub(crate) kind: CallKind,
    pub(crate) waiting: Vec<FetchId>,
}

#[derive(Debug)]
pub(crate) enum CallKind {
    Mint(Arc<TokenKey>),
    Order(PlanOrder),
    Credits(AwaitedCredits),
    Balance(GetPlanBalance),
    Terms(GetPlanTerms),
}

/// An order on its way.
#[derive(Debug)]
pub(crate) struct PlanOrder {
    pub(crate) call: OrderPlan,
    pub(crate) needed: Credits,
    /// When it was counted, in milliseconds since 1970.
    pub(crate) at: u64,
}

/// The balance is read until the credits of an order have come, or until `deadline`.
#[derive(Debug)]
pub(crate) struct AwaitedCredits {
    pub(crate) call: GetPlanBalance,
    pub(crate) needed: Credits,
    /// In milliseconds since 1970.
    pub(crate) deadline: u64,
    pub(crate) attempts: u32,
    pub(crate) tx_hash: Option<String>,
    /// True if the platform confirmed the order.
    pub(crate) confirmed: bool,
    /// True if the order was sent for the fetches that wait, rather than earlier or by another tab.
    pub(crate) own: bool,
}

impl CallKind {
    fn request(&self) -> (Request, CallWork) {
        match self {
            Self::Mint(key) => key.request(),
            Self::Order(order) => (order.call.request(), CallWork::Order),
            Self::Credits(AwaitedCredits { call, .. }) | Self::Balance(call) => {
                (call.request(), CallWork::Balance)
            }
            Self::Terms(call) => (call.request(), CallWork::Terms),
        }
    }

    /// The plan that is being bought, if this is a purchase.
    fn buys(&self) -> Option<&PlanId> {
        match self {
            Self::Order(order) => Some(&order.call.plan_id),
            Self::Credits(credits) => Some(&credits.call.plan_id),
            Self::Mint(_) | Self::Balance(_) | Self::Terms(_) => None,
        }
    }
}

impl SharedCalls {
    /// A call begins; gives the call for the shell to make.
    pub(crate) fn start(&mut self, kind: CallKind, waiting: Vec<FetchId>, delay_ms: u64) -> PlatformCall {
        self.last = self.last.wrapping_add(1);
        let id = CallId(self.last);
        let (request, work) = kind.request();
        let list = if kind.buys().is_some() { &mut self.purchases } else { &mut self.calls };
        list.push(SharedCall { id, kind, waiting });
        PlatformCall { id, request, delay_ms, work }
    }

    /// A fetch waits for a call that is under way; `false` where there is no such call.
    pub(crate) fn join(&mut self, fetch: FetchId, wanted: &dyn Fn(&CallKind) -> bool) -> bool {
        let SharedCalls { calls, purchases, .. } = self;
        let found = purchases.iter_mut().chain(calls).find(|running| wanted(&running.kind));
        found.is_some_and(|running| {
            if running.waiting.last() != Some(&fetch) && !running.waiting.contains(&fetch) {
                running.waiting.push(fetch);
            }
            true
        })
    }

    /// True if a fetch waits for such a call.
    pub(crate) fn is_awaited(&self, fetch: FetchId, wanted: &dyn Fn(&CallKind) -> bool) -> bool {
        self.calls.iter().any(|running| wanted(&running.kind) && running.waiting.contains(&fetch))
    }

    /// True if such a call is under way, whoever waits for it.
    pub(crate) fn is_running(&self, wanted: &dyn Fn(&CallKind) -> bool) -> bool {
        self.calls.iter().any(|running| wanted(&running.kind))
    }

    /// How many mints are under way that no fetch waits for.
    pub(crate) fn minting_ahead(&self, key: &TokenKey) -> usize {
        let ahead = |running: &&SharedCall| {
            running.waiting.is_empty() && matches!(&running.kind, CallKind::Mint(other) if **other == *key)
        };
        self.calls.iter().filter(ahead).count()
    }

    /// A call has ended, or is not to be made.
    pub(crate) fn remove(&mut self, id: CallId) -> Option<SharedCall> {
        for list in [&mut self.purchases, &mut self.calls] {
            if let Ok(index) = list.binary_search_by_key(&id, |running| running.id) {
                return Some(list.remove(index));
            }
        }
        None
    }

    /// True if a plan is being bought.
    pub(crate) fn is_bought(&self, plan_id: &PlanId) -> bool {
        self.purchases.iter().any(|running| running.kind.buys() == Some(plan_id))
    }

    /// A fetch waits for the purchase of a plan that is under way; `false` where there is none.
    pub(crate) fn join_purchase(&mut self, fetch: FetchId, plan_id: &PlanId) -> bool {
        self.join(fetch, &|kind| kind.buys() == Some(plan_id))
    }

    fn purchase_for(&self, fetch: FetchId) -> Option<&CallKind> {
        self.purchases.iter().find(|running| running.waiting.contains(&fetch)).map(|running| &running.kind)
    }

    /// The step of the purchase that a fetch waits for.
    pub(crate) fn purchase_step(&self, fetch: FetchId) -> Option<Step> {
        Some(match self.purchase_for(fetch)? {
            CallKind::Order(_) => Step::Order,
            _ => Step::Credits,
        })
    }

    /// The purchase that a fetch waits for, whose order has gone out.
    pub(crate) fn purchase_awaited_by(&self, fetch: FetchId) -> Option<Purchase> {
        let kind = self.purchase_for(fetch)?;
        let plan_id = kind.buys()?.clone();
        let (tx_hash, confirmed) = match kind {
            CallKind::Credits(credits) => (credits.tx_hash.clone(), credits.confirmed),
            _ => (None, false),
        };
        Some(Purchase { plan_id, tx_hash, confirmed })
    }

    pub(crate) fn clear(&mut self) {
        self.calls.clear();
        self.purchases.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(id: &str) -> PlanId {
        PlanId::parse(id, "planId").unwrap()
    }

    fn terms(id: &str) -> CallKind {
        CallKind::Terms(GetPlanTerms { plan_id: plan(id) })
    }

    fn credits(id: &str) -> CallKind {
        CallKind::Credits(AwaitedCredits {
            call: GetPlanBalance { plan_id: plan(id), holder: String::new() },
            needed: Credits::ZERO,
            deadline: 0,
            attempts: 0,
            tx_hash: None,
            confirmed: false,
            own: false,
        })
    }

    #[test]
    fn a_fetch_joins_a_call_once_and_waits_for_that_alone() {
        let [one, two] = [1, 2].map(FetchId::from);
        let mut calls = SharedCalls::default();
        assert!(!calls.is_running(&|_| true));
        let first = calls.start(terms("1"), Vec::from([one]), 0);
        let second = calls.start(terms("2"), Vec::from([two]), 5);
        assert_eq!((first.id.number(), second.id.number(), second.delay_ms), (1, 2, 5));
        let of_first = |kind: &CallKind| matches!(kind, CallKind::Terms(call) if call.plan_id == plan("1"));
        let none = |_: &CallKind| false;
        // Joined a second time, as the last and not as the last, it still waits once.
        assert!(calls.join(one, &of_first) && calls.join(two, &of_first) && calls.join(one, &of_first));
        assert!(!calls.join(one, &none));
        assert!(calls.is_running(&of_first) && !calls.is_running(&none));
        assert!(calls.is_awaited(two, &of_first) && !calls.is_awaited(one, &none));
        assert!(!calls.is_awaited(FetchId::from(3), &of_first));
        assert_eq!(calls.remove(first.id).unwrap().waiting, [one, two]);
        assert!(calls.remove(first.id).is_none());
        assert!(!calls.is_awaited(two, &of_first) && !calls.is_running(&of_first));
    }

    #[test]
    fn a_plan_is_bought_while_its_credits_are_waited_for() {
        let [one, two] = [1, 2].map(FetchId::from);
        let mut calls = SharedCalls::default();
        let call = calls.start(credits("1"), Vec::from([one]), 0);
        let _ = calls.start(terms("2"), Vec::from([one]), 0);
        assert!(calls.is_bought(&plan("1")) && !calls.is_bought(&plan("2")));
        assert!(calls.join_purchase(two, &plan("1")) && !calls.join_purchase(two, &plan("2")));
        assert_eq!(calls.remove(call.id).unwrap().waiting, [one, two]);
        assert!(!calls.is_bought(&plan("1")));
    }
}
