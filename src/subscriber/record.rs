use super::{Offer, Outcome};
use crate::wire::{Credits, Receipt};
use alloc::{rc::Rc, string::String};

/// A payment that was presented and has ended: what is kept for a person's books.
#[derive(Debug, Clone)]
pub struct Record {
    /// When it was last on the wire, in milliseconds since 1970.
    pub at: u64,
    /// The method.
    pub method: String,
    /// What was agreed to.
    pub offer: Rc<Offer>,
    /// What was on the wire, in credits.
    pub presented: Credits,
    /// What was redeemed, in credits, where a receipt says so.
    pub settled: Option<Credits>,
    /// Whether credits were burned.
    pub outcome: Outcome,
    /// `transaction` of the receipt.
    pub transaction: Option<String>,
}

impl Record {
    /// A token is on the wire, and nothing is known yet.
    pub(super) fn new(at: u64, method: &str, offer: Rc<Offer>, presented: Credits) -> Self {
        let (settled, outcome, transaction) = (None, Outcome::None, None);
        Self { at, method: method.into(), offer, presented, settled, outcome, transaction }
    }

    pub(super) fn note(&mut self, receipt: &Receipt) {
        self.transaction = receipt.text("transaction").map(Into::into);
    }
}
