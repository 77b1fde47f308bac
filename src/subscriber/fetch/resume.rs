//! Going on after an outcome that is not known, without paying twice (rules 5 and 9).
//!
//! A single-use token can be burned once only: the same goes out again. With a reusable one going on is another payment,
//! which needs consent of its own and counts: an equal balance does not prove that nothing was or will be burned.

use super::state::Fetch;
use crate::subscriber::{Buyer, FetchError, FetchId, Offer, Outcome};
use alloc::rc::Rc;

impl Buyer {
    /// A fetch goes on with the payment of an earlier one.
    pub(in crate::subscriber) fn resume(&mut self, fetch: FetchId, payment: FetchId, now: u64) {
        let Some(visit) = self.fetch_mut(fetch) else { return };
        let (method, target) = (visit.request.method.clone(), visit.target.clone());
        let same = |one: &Fetch| one.request.method == method && one.request.target == target;
        let found = self.unsettled.iter().position(|(other, one)| *other == payment && same(one));
        let Some(index) = found else { return self.fail(fetch, FetchError::NotResumable) };
        let (_, one) = self.unsettled.remove(index);
        let Some(visit) = self.fetch_mut(fetch) else { return };
        visit.target = one.target.clone();
        visit.moved = one.moved;
        visit.offer = one.offer.clone();
        visit.delegation_id = one.delegation_id.clone();
        visit.spend.outcome = Outcome::Unknown;
        visit.token = one.sent_token.clone();
        visit.cost = one.cost;
        visit.token_single_use = one.spend.single_use;
        visit.resumed = Some((payment, one));
        match visit.token_single_use {
            true => self.present_again(fetch, now),
            false => self.pay_again(fetch, now),
        }
    }

    /// The same token goes out again. It can be burned now as well as when it was first sent: it counts once, from now on,
    /// and is not sent where that breaks a limit.
    fn present_again(&mut self, fetch: FetchId, now: u64) {
        let Some(visit) = self.fetch_mut(fetch) else { return };
        let (Some((_, one)), Some(offer), cost) = (&visit.resumed, visit.offer.clone(), visit.cost) else {
            return;
        };
        let at = one.presented_at;
        self.budget.take_back(&offer, at, cost);
        if let Some(limit) = self.broken_limit(fetch, now) {
            self.budget.raise(&offer, at, cost);
            return self.fail(fetch, FetchError::BudgetExceeded(limit));
        }
        self.send_paid(fetch, now);
    }

    fn pay_again(&mut self, fetch: FetchId, now: u64) {
        let Some(visit) = self.fetch_mut(fetch) else { return };
        visit.token = None;
        visit.consent = None;
        match visit.offer.as_ref().filter(|offer| visit.request.allows(offer)) {
            Some(offer) => {
                let offer = Offer::clone(offer).for_another();
                self.consider(fetch, Rc::new(offer), now);
            }
            None => self.fail(fetch, FetchError::NoPayableOffer),
        }
    }

    /// The fetch ends: the name of the payment that it leaves open, if it does.
    pub(in crate::subscriber) fn left_open(&mut self, fetch: FetchId) -> Option<FetchId> {
        let visit = self.fetch_mut(fetch)?;
        match visit.resumed.take() {
            // Nothing new went out: all is as it was.
            Some((payment, one)) if visit.presented_at == 0 => {
                self.unsettled.push((payment, one));
                return Some(payment);
            }
            Some((_, one)) => {
                let unsettled = visit.unsettled;
                self.forget_record(&one);
                return unsettled.then_some(fetch);
            }
            None => {}
        }
        visit.unsettled.then_some(fetch)
    }

    /// What became of a payment is in the books of the fetch that went on with it.
    pub(in crate::subscriber) fn forget_record(&mut self, one: &Fetch) {
        let same = |offer: &Rc<Offer>| one.offer.as_ref().is_some_and(|other| Rc::ptr_eq(offer, other));
        let found =
            self.records.iter().position(|record| record.at == one.presented_at && same(&record.offer));
        found.into_iter().for_each(|index| drop(self.records.remove(index)));
    }
}
