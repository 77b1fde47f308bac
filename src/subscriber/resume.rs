//! Going on after an outcome that is not known, without paying twice (rules 5, 9 and 12).
//!
//! A single-use token can be burned once only: the same goes out again. With a reusable one the balance has to say that
//! nothing was burned; then the request goes again, and what it holds of the budget stays what it was. Where nobody can
//! say so, going on is another payment: it needs consent of its own, and counts.

use super::consent::Consent;
use super::visit::{Phase, Visit};
use super::{Buyer, FetchError, FetchId, Offer, Outcome};
use crate::api::plans::GetPlanBalance;
use crate::wire::Credits;
use alloc::rc::Rc;

impl Buyer {
    /// A fetch goes on with the payment of an earlier one.
    pub(super) fn resume(&mut self, fetch: FetchId, payment: FetchId, now: u64) {
        let Some(visit) = self.visit(fetch) else { return };
        let (method, target) = (visit.request.method.clone(), visit.target.clone());
        let same = |one: &Visit| one.request.method == method && one.request.target == target;
        let found = self.unsettled.iter().position(|(other, one)| *other == payment && same(one));
        let Some(index) = found else { return self.fail(fetch, FetchError::NotResumable) };
        let (_, one) = self.unsettled.remove(index);
        let Some(visit) = self.visit(fetch) else { return };
        visit.target = one.target.clone();
        visit.moved = one.moved;
        visit.offer = one.offer.clone();
        visit.delegation_id = one.delegation_id.clone();
        visit.consent = Some(Consent::Given { purchase: None });
        visit.spend.outcome = Outcome::Unknown;
        visit.token = one.sent_token.clone();
        let key = visit.token_key();
        visit.resumed = Some((payment, one));
        match key.is_some_and(|key| self.single_use.contains(&key)) {
            true => self.send_paid(fetch, now),
            false => self.look_whether_burned(fetch, now),
        }
    }

    pub(super) fn look_whether_burned(&mut self, fetch: FetchId, now: u64) {
        let holder = self.holder.clone();
        let Some(visit) = self.visit(fetch) else { return };
        visit.token = None;
        visit.phase = Phase::Resuming;
        let known = visit.resumed.as_ref().is_some_and(|(_, one)| one.held.is_some());
        match (holder, visit.offer.as_ref()) {
            (Some(holder), Some(offer)) if known => {
                let plan_id = offer.plan_id().clone();
                self.look_anew(fetch, GetPlanBalance { plan_id, holder });
            }
            _ => self.pay_again(fetch, now),
        }
    }

    /// What is held now: as much as before means that nothing was burned.
    pub(super) fn told_whether_burned(&mut self, fetch: FetchId, held: Credits, now: u64) {
        let Some(visit) = self.visit(fetch) else { return };
        let Some((_, one)) = visit.resumed.take_if(|(_, one)| one.held == Some(held)) else {
            return self.pay_again(fetch, now);
        };
        visit.spend.outcome = Outcome::None;
        (visit.presented_at, visit.entry) = (0, None);
        if let Some(offer) = &one.offer {
            self.budget.correct(offer, one.presented_at, offer.needed(), Credits::ZERO);
        }
        self.forget_record(&one);
        self.reserve(fetch);
        self.advance(fetch, now);
    }

    fn pay_again(&mut self, fetch: FetchId, now: u64) {
        let Some(visit) = self.visit(fetch) else { return };
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
    pub(super) fn left_open(&mut self, fetch: FetchId) -> Option<FetchId> {
        let visit = self.visit(fetch)?;
        match visit.resumed.take() {
            // Nothing new went out: all is as it was.
            Some((payment, one)) if visit.presented_at == 0 => {
                self.unsettled.push((payment, one));
                return Some(payment);
            }
            Some((_, one)) => {
                visit.held = one.held;
                visit.unsettled = true;
                self.forget_record(&one);
            }
            None if !visit.unsettled => return None,
            None => {}
        }
        Some(fetch)
    }

    /// What became of a payment is in the books of the fetch that went on with it.
    pub(super) fn forget_record(&mut self, one: &Visit) {
        let same = |offer: &Rc<Offer>| one.offer.as_ref().is_some_and(|other| Rc::ptr_eq(offer, other));
        let found =
            self.records.iter().position(|record| record.at == one.presented_at && same(&record.offer));
        found.into_iter().for_each(|index| drop(self.records.remove(index)));
    }
}
