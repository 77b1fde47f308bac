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
        // A challenge is answered once, and an amount is asked for anew each time.
        if offer.dialect().is_some() {
            return;
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscriber::Target;
    use crate::wire::PaymentRequired;

    fn offer(origin: &str, path: &str) -> Arc<Offer> {
        let json = r#"{"x402Version":2,"accepts":[{"scheme":"nvm:erc4337","network":"n","planId":"p"}]}"#;
        let required = PaymentRequired::from_json(json.as_bytes()).unwrap();
        let target = Target { url: String::new(), origin: origin.into(), path: path.into() };
        Arc::new(Offer::known(&required, &target).next().unwrap())
    }

    #[test]
    fn terms_are_forgotten_by_method_origin_and_path_together() {
        let all = [("GET", "a", "/1"), ("POST", "a", "/1"), ("GET", "b", "/1"), ("GET", "a", "/2")];
        for (method, origin, path) in all {
            let mut agreements = Agreements::default();
            for (method, origin, path) in all {
                agreements.remember_terms(method, offer(origin, path));
            }
            assert_eq!(agreements.terms.len(), 4);
            // Remembered again, they are there once.
            agreements.remember_terms(method, offer(origin, path));
            assert_eq!(agreements.terms.len(), 4, "{method} {origin} {path}");
            agreements.forget_terms(method, &offer(origin, path));
            let left = agreements.terms.iter().map(|(method, offer)| {
                (method.as_str(), offer.target.origin.as_str(), offer.target.path.as_str())
            });
            let expected = all.iter().copied().filter(|one| *one != (method, origin, path));
            let (mut left, mut expected): (Vec<_>, Vec<_>) = (left.collect(), expected.collect());
            left.sort_unstable();
            expected.sort_unstable();
            assert_eq!(left, expected, "{method} {origin} {path}");
        }
    }
}
