//! Going on after an outcome that is not known, without paying twice (rules 5, 9 and 12).
//!
//! A single-use token can be burned once only: the same goes out again. With a reusable one the balance has to say that
//! nothing was burned; then the request goes again, and what it holds of the budget stays what it was. Where nobody can
//! say so, going on is another payment: it needs consent of its own, and counts.

use super::consent::Consent;
use super::visit::Phase;
use super::{Buyer, FetchError, FetchId, Offer, Outcome};
use crate::api::plans::GetPlanBalance;
use crate::wire::{Credits, DelegationId, Secret};
use alloc::{rc::Rc, string::String};

/// A payment that was presented and of which nobody said whether it was taken.
#[derive(Debug)]
pub(super) struct Unsettled {
    /// The fetch that it was presented by.
    payment: FetchId,
    /// What the caller asked for.
    method: String,
    url: String,
    offer: Rc<Offer>,
    delegation_id: DelegationId,
    /// The token, where it is a single-use one.
    token: Option<Secret>,
    /// When it was presented, in milliseconds since 1970.
    pub(super) presented_at: u64,
    /// What was held just before, where that is known.
    pub(super) held: Option<Credits>,
}

impl Buyer {
    /// A fetch goes on with a payment.
    pub(super) fn resume(&mut self, fetch: FetchId, payment: FetchId, now: u64) {
        let Some(visit) = self.visit(fetch) else { return };
        let request = &visit.request;
        let (method, url) = (request.method.clone(), request.target.url.clone());
        let found = |one: &Unsettled| one.payment == payment && one.method == method && one.url == url;
        let Some(index) = self.unsettled.iter().position(found) else {
            return self.fail(fetch, FetchError::NotResumable);
        };
        let one = self.unsettled.remove(index);
        let Some(visit) = self.visit(fetch) else { return };
        visit.moved = one.offer.target != visit.target;
        visit.target = one.offer.target.clone();
        visit.offer = Some(one.offer.clone());
        visit.delegation_id = Some(one.delegation_id.clone());
        visit.consent = Some(Consent::Given { purchase: false });
        visit.spend.outcome = Outcome::Unknown;
        visit.token = one.token.clone();
        let same_token = visit.token.is_some();
        visit.resumed = Some(one);
        match same_token {
            true => self.send_paid(fetch, now),
            false => self.look_whether_burned(fetch, now),
        }
    }

    pub(super) fn look_whether_burned(&mut self, fetch: FetchId, now: u64) {
        let holder = self.holder.clone();
        let Some(visit) = self.visit(fetch) else { return };
        visit.phase = Phase::Resuming;
        match (holder, visit.resumed.as_ref()) {
            (Some(holder), Some(Unsettled { held: Some(_), offer, .. })) => {
                let plan_id = offer.plan_id().clone();
                self.look_anew(fetch, GetPlanBalance { plan_id, holder });
            }
            _ => self.pay_again(fetch, now),
        }
    }

    /// What is held now: as much as before means that nothing was burned.
    pub(super) fn told_whether_burned(&mut self, fetch: FetchId, held: Credits, now: u64) {
        let Some(visit) = self.visit(fetch) else { return };
        let Some(one) = visit.resumed.take_if(|one| one.held == Some(held)) else {
            return self.pay_again(fetch, now);
        };
        visit.spend.outcome = Outcome::None;
        visit.presented_at = 0;
        self.budget.correct(&one.offer, one.presented_at, one.offer.needed(), Credits::ZERO);
        self.forget_record(&one);
        self.reserve(fetch);
        self.advance(fetch, now);
    }

    fn pay_again(&mut self, fetch: FetchId, now: u64) {
        let Some(visit) = self.visit(fetch) else { return };
        visit.consent = None;
        match visit.offer.clone() {
            Some(offer) if visit.request.allows(&offer) => {
                self.consider(fetch, Rc::new(Offer::clone(&offer).for_another()), now);
            }
            _ => self.fail(fetch, FetchError::NoPayableOffer),
        }
    }

    /// The fetch has ended: what it left open is kept, to be gone on with. The name of the payment, if there is one.
    pub(super) fn keep_unsettled(&mut self, fetch: FetchId) -> Option<FetchId> {
        let visit = self.visit(fetch)?;
        let one = match visit.resumed.take() {
            // Nothing new went out: all is as it was.
            Some(one) if visit.presented_at == 0 => one,
            Some(one) => {
                self.forget_record(&one);
                Unsettled { payment: fetch, ..one }
            }
            None if visit.unanswered => {
                let key = visit.token_key()?;
                let one = Unsettled {
                    payment: fetch,
                    method: visit.request.method.clone(),
                    url: visit.request.target.url.clone(),
                    offer: visit.offer.clone()?,
                    delegation_id: visit.delegation_id.clone()?,
                    token: visit.sent_token.clone(),
                    presented_at: visit.presented_at,
                    held: visit.held,
                };
                let single_use = self.single_use.contains(&key);
                Unsettled { token: one.token.filter(|_| single_use), ..one }
            }
            None => return None,
        };
        if self.unsettled.len() >= super::buyer::MAX_REMEMBERED {
            self.unsettled.remove(0);
        }
        let payment = one.payment;
        self.unsettled.push(one);
        Some(payment)
    }

    /// What became of a payment is in the books of the fetch that went on with it.
    pub(super) fn forget_record(&mut self, one: &Unsettled) {
        self.records
            .retain(|record| !(record.at == one.presented_at && Rc::ptr_eq(&record.offer, &one.offer)));
    }
}
