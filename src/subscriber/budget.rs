use super::Offer;
use crate::wire::Credits;
use alloc::{string::String, vec::Vec};

/// What a session has spent and is about to spend, in credits (rule 12); with what is kept beyond a page, the sessions of
/// other tabs too.
///
/// Reserved when consent is given, so that concurrent requests cannot together exceed a limit that each alone keeps;
/// spent as soon as it is on the wire; corrected when a receipt says what was really redeemed. What was reserved and not
/// sent is released: a failure leaks nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Budget {
    pub(super) reserved: Credits,
    pub(super) spent: Credits,
    /// Whether what was kept could not be read: then it counts as everything.
    pub(super) unreadable: bool,
    pub(super) entries: Vec<Entry>,
}

/// An amount, and what it is for. One kind of list for all: each other would be another kilobyte of wasm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// One of [`TAB`], [`MINUTE`], [`ORIGIN`], [`PLAN`], [`ORDER`] and [`SURE`].
    pub(super) kind: u8,
    /// The tab; the minute since 1970 in digits; the origin; the plan; the account, plan and time of an order.
    pub(super) name: String,
    pub(super) credits: Credits,
}

/// What another tab has reserved.
pub(super) const TAB: u8 = b'r';
/// What was spent in a minute of the last day.
pub(super) const MINUTE: u8 = b'm';
/// What was spent at an origin.
pub(super) const ORIGIN: u8 = b'a';
/// What was spent of a plan.
pub(super) const PLAN: u8 = b'p';
/// What was held of a plan before it was ordered.
pub(super) const ORDER: u8 = b'o';
/// The same, where the platform said that the order went through.
pub(super) const SURE: u8 = b'O';

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
/// How many origins and plans are told apart; what comes after them counts in the totals.
const MAX_TOLD: usize = 256;

impl Budget {
    /// What counts against a limit: reserved and spent.
    #[must_use]
    pub fn total(&self) -> Credits {
        self.spent.saturating_add(self.held())
    }

    /// What is on the wire or settled.
    #[must_use]
    pub fn spent(&self) -> Credits {
        self.spent
    }

    /// What counts against a limit per hour at `now` (milliseconds since 1970): reserved, and spent since, to the
    /// minute.
    #[must_use]
    pub fn in_hour(&self, now: u64) -> Credits {
        self.since(now.saturating_sub(HOUR_MS))
    }

    /// The same for a day.
    #[must_use]
    pub fn in_day(&self, now: u64) -> Credits {
        self.since(now.saturating_sub(DAY_MS))
    }

    /// What was spent at each origin.
    #[must_use]
    pub fn by_origin(&self) -> Vec<(&str, Credits)> {
        self.shares(ORIGIN)
    }

    /// What was spent of each plan.
    #[must_use]
    pub fn by_plan(&self) -> Vec<(&str, Credits)> {
        self.shares(PLAN)
    }

    fn shares(&self, kind: u8) -> Vec<(&str, Credits)> {
        let shares = self.entries.iter().filter(|entry| entry.kind == kind);
        shares.map(|entry| (entry.name.as_str(), entry.credits)).collect()
    }

    /// What is reserved, by whomever.
    fn held(&self) -> Credits {
        if self.unreadable { Credits::MAX } else { self.sum(TAB, 0, self.reserved) }
    }

    fn since(&self, from: u64) -> Credits {
        self.sum(MINUTE, from, self.held())
    }

    fn sum(&self, kind: u8, from: u64, start: Credits) -> Credits {
        let counted = self.entries.iter().filter(|entry| entry.kind == kind && entry.is_since(from));
        counted.fold(start, |sum, entry| sum.saturating_add(entry.credits))
    }

    pub(super) fn reserve(&mut self, credits: Credits) {
        self.reserved = self.reserved.saturating_add(credits);
    }

    pub(super) fn release(&mut self, credits: Credits) {
        self.reserved = self.reserved.saturating_sub(credits);
    }

    /// A token that can cost so much is on the wire.
    pub(super) fn present(&mut self, offer: &Offer, credits: Credits, now: u64) {
        self.correct(offer, now, Credits::ZERO, credits);
        let old = now.saturating_sub(DAY_MS);
        self.retain(&|entry| entry.kind != MINUTE || entry.is_since(old));
    }

    /// One loop for all: each other is hundreds of bytes of wasm.
    pub(super) fn retain(&mut self, stays: &dyn Fn(&Entry) -> bool) {
        self.entries.retain(stays);
    }

    /// What was presented at a time turned out to have cost `actual`.
    pub(super) fn correct(&mut self, offer: &Offer, at: u64, presented: Credits, actual: Credits) {
        let change = |before: Credits| before.saturating_sub(presented).saturating_add(actual);
        self.spent = change(self.spent);
        let minute = Credits::from(at / MINUTE_MS).digits();
        for (kind, name) in [
            (MINUTE, minute.as_str()),
            (ORIGIN, offer.target.origin.as_str()),
            (PLAN, offer.plan_id().as_str()),
        ] {
            let same = |entry: &&mut Entry| entry.kind == kind && entry.name == name;
            if let Some(entry) = self.entries.iter_mut().find(same) {
                entry.credits = change(entry.credits);
            } else if kind == MINUTE
                || self.entries.iter().filter(|entry| entry.kind == kind).count() < MAX_TOLD
            {
                self.entries.push(Entry { kind, name: name.into(), credits: change(Credits::ZERO) });
            }
        }
    }
}

impl Entry {
    /// Whether any of its minute is inside what begins then (milliseconds since 1970): a limit errs on the side of
    /// spending less. What names no minute always counts.
    fn is_since(&self, from: u64) -> bool {
        let from = Credits::from(from / MINUTE_MS);
        self.name.parse::<Credits>().map_or(true, |minute| minute >= from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscriber::{FetchRequest, Target};
    use crate::wire::PaymentRequired;
    use alloc::{format, rc::Rc};

    fn offer(origin: &str) -> Rc<Offer> {
        let json = r#"{"x402Version":2,"accepts":[{"scheme":"nvm:erc4337","network":"n","planId":"p"}]}"#;
        let required = PaymentRequired::from_json(json.as_bytes()).unwrap();
        let target = Target { url: String::new(), origin: origin.into(), path: String::new() };
        let request = FetchRequest::new(target.clone(), "GET");
        Offer::candidates(&required, &target, &request).remove(0)
    }

    #[test]
    fn rule_12_a_minute_counts_as_long_as_any_of_it_is_inside() {
        let mut budget = Budget::default();
        let start = 100 * DAY_MS;
        budget.present(&offer("o"), Credits::from(3), start + 59_999);
        for (after, hour, day) in [
            (59_999, 3, 3),
            (HOUR_MS + MINUTE_MS - 1, 3, 3),
            (HOUR_MS + MINUTE_MS, 0, 3),
            (DAY_MS + MINUTE_MS - 1, 0, 3),
            (DAY_MS + MINUTE_MS, 0, 0),
        ] {
            assert_eq!(budget.in_hour(start + after), Credits::from(hour), "hour, {after}");
            assert_eq!(budget.in_day(start + after), Credits::from(day), "day, {after}");
        }
        budget.reserve(Credits::from(2));
        assert_eq!(
            budget.in_hour(start + 2 * DAY_MS),
            Credits::from(2),
            "what is reserved counts in any window"
        );
        assert_eq!(budget.total(), Credits::from(5));
    }

    #[test]
    fn only_what_no_window_can_see_is_dropped() {
        let mut budget = Budget::default();
        let start = 100 * DAY_MS;
        budget.present(&offer("o"), Credits::from(1), start);
        budget.present(&offer("o"), Credits::from(1), start + DAY_MS + MINUTE_MS - 1);
        let minutes = |budget: &Budget| budget.entries.iter().filter(|entry| entry.kind == MINUTE).count();
        assert_eq!(minutes(&budget), 2);
        budget.present(&offer("o"), Credits::from(1), start + DAY_MS + MINUTE_MS);
        assert_eq!(minutes(&budget), 2, "the first has gone, and a new one has come");
        assert_eq!(budget.spent(), Credits::from(3));
        budget.correct(&offer("o"), start + DAY_MS + MINUTE_MS, Credits::from(1), Credits::ZERO);
        assert_eq!(
            (budget.spent(), budget.in_hour(start + DAY_MS + MINUTE_MS)),
            (Credits::from(2), Credits::from(1))
        );
    }

    #[test]
    fn the_totals_count_what_is_not_told_apart_any_more() {
        let mut budget = Budget::default();
        for index in 0..MAX_TOLD + 10 {
            budget.present(&offer(&format!("o{index}")), Credits::from(1), DAY_MS);
        }
        assert_eq!(budget.by_origin().len(), MAX_TOLD);
        assert_eq!(budget.by_plan().len(), 1);
        assert_eq!(budget.spent(), Credits::from(u64::try_from(MAX_TOLD + 10).unwrap()));
    }
}
