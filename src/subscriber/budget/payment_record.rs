use crate::subscriber::capped;
use crate::subscriber::{Offer, Outcome};
use crate::wire::{Credits, Receipt};
use alloc::{string::String, sync::Arc, vec::Vec};

/// How many payments are kept for the books; the oldest goes first.
pub const MAX_RECORDS: usize = 1_000;

/// A payment that was presented and has ended, kept for a person's books.
#[derive(Debug, Clone)]
pub struct PaymentRecord {
    /// When it was last on the wire, in milliseconds since 1970.
    pub at: u64,
    /// The method.
    pub method: String,
    /// The offer that was agreed to.
    pub offer: Arc<Offer>,
    /// The most that the presented tokens can cost, in credits.
    pub presented: Credits,
    /// The credits redeemed, where a receipt says so: the seller's word.
    pub settled: Option<Credits>,
    /// The outcome: were credits burned?
    pub outcome: Outcome,
    /// `transaction` of the receipt.
    pub transaction: Option<String>,
}

impl PaymentRecord {
    /// Takes over the transaction of a receipt.
    pub(crate) fn note(&mut self, receipt: &Receipt) {
        self.transaction = receipt.text("transaction").map(Into::into);
    }
}

/// The books of a session. They outlive a logout.
#[derive(Debug, Default)]
pub(crate) struct PaymentRecords {
    list: Vec<PaymentRecord>,
}

impl PaymentRecords {
    /// The payments that have ended, the oldest first.
    pub(crate) fn all(&self) -> &[PaymentRecord] {
        &self.list
    }

    pub(crate) fn store(&mut self, record: PaymentRecord) {
        capped::push(&mut self.list, record, MAX_RECORDS);
    }

    /// Another fetch went on with a payment: its record is in the books of that fetch.
    pub(crate) fn forget(&mut self, offer: &Arc<Offer>, presented_at: u64) {
        let same = |record: &PaymentRecord| record.at == presented_at && Arc::ptr_eq(offer, &record.offer);
        if let Some(index) = self.list.iter().position(same) {
            self.list.remove(index);
        }
    }
}
