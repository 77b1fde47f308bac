use super::capped::{self, MAX_REMEMBERED};
use super::{FetchRequest, Offer};
use crate::wire::DelegationRef;
use alloc::{string::String, sync::Arc, vec::Vec};

/// Terms that were paid before and approvals for the whole session.
#[derive(Debug, Default)]
pub(crate) struct Agreements {
    /// Terms that were paid, with their method: they make a second request one round trip (rule 5).
    terms: Vec<(String, Arc<Offer>)>,
    /// Offers that were approved for the session, with the delegation that was chosen.
    grants: Vec<(Arc<Offer>, Option<DelegationRef>)>,
}

impl Agreements {
    /// The terms by which the same request was paid before, if its policies allow them.
    pub(crate) fn known_terms(&self, request: &FetchRequest) -> Option<Arc<Offer>> {
        // A quote asks for the terms as they are now, and pays for nothing.
        if request.quote {
            return None;
        }
        let (_, offer) = self.terms.iter().find(|(method, offer)| {
            *method == request.method
                && offer.target.origin == request.target.origin
                && offer.target.path == request.target.path
        })?;
        request.allows(offer).then(|| Arc::new(offer.remembered_for(&request.target)))
    }

    pub(crate) fn remember_terms(&mut self, method: &str, offer: Arc<Offer>) {
        self.forget_terms(method, &offer);
        capped::push(&mut self.terms, (method.into(), offer), MAX_REMEMBERED);
    }

    pub(crate) fn forget_terms(&mut self, method: &str, offer: &Offer) {
        self.terms.retain(|(other, known)| {
            !(other == method
                && known.target.origin == offer.target.origin
                && known.target.path == offer.target.path)
        });
    }

    pub(crate) fn grant(&mut self, offer: Arc<Offer>, delegation_id: Option<DelegationRef>) {
        capped::push(&mut self.grants, (offer, delegation_id), MAX_REMEMBERED);
    }

    /// The delegation of an approval that covers an offer, where there is such an approval.
    pub(crate) fn grant_for(&self, offer: &Offer) -> Option<Option<DelegationRef>> {
        let (_, delegation_id) = self.grants.iter().find(|(granted, _)| granted.covers(offer))?;
        Some(delegation_id.clone())
    }

    pub(crate) fn clear(&mut self) {
        self.terms.clear();
        self.grants.clear();
    }
}
