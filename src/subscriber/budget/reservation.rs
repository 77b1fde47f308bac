use super::counts::Budget;
use crate::subscriber::Offer;
use crate::wire::Credits;

/// A payment in the budget: reserved with consent, presented before the send, raised by what more was burned, taken back
/// only where it was not sent (rule 12).
impl Budget {
    /// Consent is given for a payment that can cost so much.
    pub(crate) fn reserve(&mut self, credits: Credits) {
        self.reserved = self.reserved.saturating_add(credits);
    }

    /// A reserved payment is presented now, or will not be.
    pub(crate) fn release(&mut self, credits: Credits) {
        self.reserved = self.reserved.saturating_sub(credits);
    }

    /// A token that can cost so much is about to be on the wire.
    pub(crate) fn present(&mut self, offer: &Offer, credits: Credits, now: u64) {
        self.change(offer, now, &|before| before.saturating_add(credits));
        self.forget_old_minutes(now);
    }

    /// A presentation at a time cost so much more than was counted.
    pub(crate) fn raise(&mut self, offer: &Offer, at: u64, more: Credits) {
        self.change(offer, at, &|before| before.saturating_add(more));
    }

    /// A presentation that was counted at a time was not sent.
    pub(crate) fn take_back(&mut self, offer: &Offer, at: u64, credits: Credits) {
        self.change(offer, at, &|before| before.saturating_sub(credits));
    }
}
