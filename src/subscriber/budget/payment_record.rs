use crate::subscriber::{Offer, Outcome};
use crate::wire::{Credits, Receipt};
use alloc::{string::String, sync::Arc, vec::Vec};

/// How many payments are kept for the export of receipts; the oldest is dropped first.
pub const MAX_RECORDS: usize = 1_000;

/// How many more are in memory at most.
const SLACK: usize = 128;

/// A payment that was presented and has ended, kept for the export of receipts.
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
    /// The credits redeemed, as the seller's receipt says.
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
        let first = self.list.len().saturating_sub(MAX_RECORDS);
        self.list.get(first..).unwrap_or_default()
    }

    pub(crate) fn store(&mut self, record: PaymentRecord) {
        // Many old ones go at once: each time, all others move.
        if self.list.len() >= MAX_RECORDS + SLACK {
            self.list.drain(..SLACK);
        }
        self.list.push(record);
    }

    /// Another fetch went on with a payment: its record is in the books of that fetch.
    pub(crate) fn forget(&mut self, offer: &Arc<Offer>, presented_at: u64) {
        let same = |record: &PaymentRecord| record.at == presented_at && Arc::ptr_eq(offer, &record.offer);
        if let Some(index) = self.list.iter().position(same) {
            self.list.remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscriber::Target;
    use crate::wire::PaymentRequired;

    #[test]
    fn the_newest_records_are_kept_and_no_more_than_the_limit() {
        let json = r#"{"x402Version":2,"accepts":[{"scheme":"nvm:erc4337","network":"n","planId":"p"}]}"#;
        let required = PaymentRequired::from_json(json.as_bytes()).unwrap();
        let target = Target { url: String::new(), origin: "o".into(), path: String::new() };
        let offer = Arc::new(Offer::known(&required, &target).next().unwrap());
        let mut records = PaymentRecords::default();
        for at in 1..=3_000 {
            records.store(PaymentRecord {
                at,
                method: "GET".into(),
                offer: offer.clone(),
                presented: Credits::ZERO,
                settled: None,
                outcome: Outcome::None,
                transaction: None,
            });
            let last = records.all().last().map(|record| record.at);
            let kept = u64::try_from(records.all().len()).unwrap();
            assert_eq!((last, kept), (Some(at), at.min(1_000)));
        }
        assert_eq!(records.all().first().map(|record| record.at), Some(2_001));
        records.forget(&offer, 3_000);
        assert_eq!(records.all().last().map(|record| record.at), Some(2_999));
    }
}
