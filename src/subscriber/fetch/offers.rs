use super::request::FetchRequest;
use crate::subscriber::{Dialect, Offer, Target};
use crate::wire::{PaymentRequired, WireError};
use alloc::{string::String, sync::Arc, vec::Vec};

/// Where the offers of an answer stand, as the shell gives them.
#[derive(Debug, Default)]
pub(crate) struct OfferHeaders {
    /// `payment-required`.
    pub(crate) offer: Option<String>,
    /// The offers of other dialects.
    pub(crate) dialects: Option<String>,
}

/// The offers of an answer: those of x402 with a plan, and those of other dialects.
#[derive(Debug, Default)]
pub(crate) struct Offers {
    required: Option<PaymentRequired>,
    others: Vec<Offer>,
}

/// How many offers are looked at: the platform may be asked for the balance of each plan, and the list is the seller's.
const MAX_OFFERS: usize = 8;

impl From<PaymentRequired> for Offers {
    fn from(required: PaymentRequired) -> Self {
        Self { required: Some(required), others: Vec::new() }
    }
}

impl Offers {
    /// Reads the offers of an answer. A header that cannot be read is skipped where the other dialects have an offer.
    pub(crate) fn read(headers: &OfferHeaders, target: &Target) -> Result<Self, WireError> {
        let others = headers.dialects.as_deref().map(|dialects| Dialect::read_offers(dialects, target));
        let others = others.transpose()?.unwrap_or_default();
        let required = headers.offer.as_deref().map(PaymentRequired::from_header).transpose();
        match required {
            Err(error) if others.is_empty() => Err(error),
            required => Ok(Self { required: required.unwrap_or_default(), others }),
        }
    }

    /// The offers that can be paid and that the policies allow, in the seller's order, at most eight; `None` where they are for
    /// another host.
    pub(crate) fn payable(&self, request: &FetchRequest, target: &Target) -> Option<Vec<Arc<Offer>>> {
        let plans = self.required.iter().flat_map(|required| Offer::known(required, target));
        let named = self.required.iter().map(|required| required.resource().url.as_str());
        let is_elsewhere = |url: &str| target.is_not_the_place_of(url);
        let mut mismatch = named.into_iter().any(is_elsewhere);
        let mut payable = Vec::new();
        for offer in plans.chain(self.others.iter().cloned()) {
            if is_elsewhere(&offer.resource.url) {
                mismatch = true;
            } else if request.allows(&offer) && payable.len() < MAX_OFFERS {
                payable.push(Arc::new(offer));
            }
        }
        (!mismatch || !payable.is_empty()).then_some(payable)
    }
}
