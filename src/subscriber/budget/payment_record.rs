use crate::subscriber::{Buyer, FetchId, Offer, Outcome};
use crate::wire::{Credits, Receipt};
use alloc::{rc::Rc, string::String};

/// A payment that was presented and has ended: what is kept for a person's books.
#[derive(Debug, Clone)]
pub struct PaymentRecord {
    /// When it was last on the wire, in milliseconds since 1970.
    pub at: u64,
    /// The method.
    pub method: String,
    /// What was agreed to.
    pub offer: Rc<Offer>,
    /// What the presented tokens can cost at most, in credits.
    pub presented: Credits,
    /// What was redeemed, in credits, where a receipt says so: the seller's word.
    pub settled: Option<Credits>,
    /// Whether credits were burned.
    pub outcome: Outcome,
    /// `transaction` of the receipt.
    pub transaction: Option<String>,
}

impl PaymentRecord {
    pub(in crate::subscriber) fn note(&mut self, receipt: &Receipt) {
        self.transaction = receipt.text("transaction").map(Into::into);
    }
}

impl Buyer {
    /// A token that can cost `price` is on the wire, to the same place as what is open already.
    pub(in crate::subscriber) fn open_entry(&mut self, fetch: FetchId, price: Credits) {
        let Some(visit) = self.fetch_mut(fetch) else { return };
        let (Some(offer), before) = (visit.offer.clone(), visit.entry.take()) else { return };
        visit.entry = Some(PaymentRecord {
            at: visit.presented_at,
            method: visit.method().into(),
            offer,
            presented: before.map_or(price, |entry| entry.presented.saturating_add(price)),
            settled: None,
            // The same payment once more is as unknown as it was, until somebody says more.
            outcome: if visit.resumed.is_some() { Outcome::Unknown } else { Outcome::None },
            transaction: None,
        });
    }

    /// What was presented is over, one way or the other: it goes into the books.
    pub(in crate::subscriber) fn close_entry(&mut self, fetch: FetchId) {
        if let Some(entry) = self.fetch_mut(fetch).and_then(|visit| visit.entry.take()) {
            self.store_record(entry);
        }
    }
}
