use crate::subscriber::capped::{self, MAX_REMEMBERED};
use crate::subscriber::{FetchId, FetchRequest, Offer, Target};
use crate::wire::{Credits, DelegationRef, Secret};
use alloc::{string::String, sync::Arc, vec::Vec};

/// A payment with an unknown outcome, which another fetch can go on with.
#[derive(Debug)]
pub(crate) struct OpenPayment {
    /// The fetch that made it.
    pub(crate) fetch: FetchId,
    /// The method and URL of the caller's request.
    pub(crate) method: String,
    pub(crate) requested: Target,
    /// The URL that the token was last sent to.
    pub(crate) target: Target,
    pub(crate) moved: bool,
    pub(crate) offer: Arc<Offer>,
    pub(crate) delegation_id: DelegationRef,
    pub(crate) token: Secret,
    pub(crate) single_use: bool,
    /// The most that one presentation can cost, in credits.
    pub(crate) cost: Credits,
    /// In milliseconds since 1970.
    pub(crate) presented_at: u64,
}

/// The open payments of the fetches that have ended.
#[derive(Debug, Default)]
pub(crate) struct OpenPayments {
    list: Vec<OpenPayment>,
}

impl OpenPayments {
    pub(crate) fn push(&mut self, payment: OpenPayment) {
        capped::push(&mut self.list, payment, MAX_REMEMBERED);
    }

    /// Takes out the payment of a fetch, if it was for the same request.
    pub(crate) fn take(&mut self, fetch: FetchId, request: &FetchRequest) -> Option<OpenPayment> {
        let index = self.list.iter().position(|one| {
            one.fetch == fetch && one.method == request.method && one.requested == request.target
        })?;
        Some(self.list.remove(index))
    }
}
