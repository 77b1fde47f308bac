use crate::wire::Credits;

/// What a session has spent and is about to spend, in credits (rule 12).
///
/// Reserved when consent is given, so that concurrent requests cannot together exceed a limit that each alone keeps;
/// spent as soon as it is on the wire; corrected when a receipt says what was really redeemed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budget {
    reserved: Credits,
    spent: Credits,
}

impl Budget {
    /// What counts against a limit: reserved and spent.
    #[must_use]
    pub fn total(&self) -> Credits {
        self.spent.saturating_add(self.reserved)
    }

    /// What is on the wire or settled.
    #[must_use]
    pub fn spent(&self) -> Credits {
        self.spent
    }

    pub(super) fn reserve(&mut self, credits: Credits) {
        self.reserved = self.reserved.saturating_add(credits);
    }

    pub(super) fn release(&mut self, credits: Credits) {
        self.reserved = self.reserved.saturating_sub(credits);
    }

    /// A token that can cost so much is on the wire.
    pub(super) fn present(&mut self, credits: Credits) {
        self.spent = self.spent.saturating_add(credits);
    }

    /// What was presented turned out to have cost `actual`.
    pub(super) fn correct(&mut self, presented: Credits, actual: Credits) {
        self.spent = self.spent.saturating_sub(presented).saturating_add(actual);
    }
}
