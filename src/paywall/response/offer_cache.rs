use super::gate_response::GateResponse;
use crate::paywall::pricing::price::PaidRoute;
use crate::wire::Credits;
use alloc::{string::String, sync::Arc, vec::Vec};
use core::fmt;
use std::sync::{Mutex, PoisonError};

/// The answers to requests without a token, as they were given last: for the same resource at the same price they are the
/// same. They hold no secret.
#[derive(Default)]
pub(crate) struct OfferCache(Mutex<Offers>);

#[derive(Default)]
struct Offers {
    kept: Vec<Offer>,
    /// Where the next one is put once there are as many as may be.
    next: usize,
}

struct Offer {
    route: Arc<PaidRoute>,
    resource: String,
    most: Vec<Credits>,
    answer: GateResponse,
}

/// How many answers are kept.
const MOST_OFFERS: usize = 64;

impl OfferCache {
    /// The answer for a resource of a route at a price.
    pub(crate) fn answer(
        &self,
        route: &Arc<PaidRoute>,
        resource: &str,
        most: &[Credits],
        make: impl FnOnce() -> GateResponse,
    ) -> GateResponse {
        let mut offers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = offers.kept.iter().find(|offer| {
            offer.resource == resource && Arc::ptr_eq(&offer.route, route) && offer.most == most
        });
        if let Some(offer) = known {
            return offer.answer.clone();
        }
        let answer = make();
        let offer = Offer {
            route: route.clone(),
            resource: resource.into(),
            most: most.into(),
            answer: answer.clone(),
        };
        let next = offers.next;
        match offers.kept.get_mut(next) {
            Some(place) => *place = offer,
            None => offers.kept.push(offer),
        }
        offers.next = (next + 1) % MOST_OFFERS;
        answer
    }
}

impl fmt::Debug for OfferCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OfferCache")
    }
}
