use super::entry::{
    AMOUNT, AMOUNT_MINUTE, BOUGHT, BOUGHT_IN_ALL, Entry, MINUTE, MINUTE_MS, ORIGIN, PLAN, TAB,
};
use crate::codec::text::ByteSplit;
use crate::subscriber::Offer;
use crate::wire::Credits;
use alloc::vec::Vec;

/// The credits that a session has spent and is about to spend (rule 12); where the budget is stored, those of other tabs too.
///
/// Credits are reserved when consent is given, so that concurrent requests cannot together exceed a limit that each alone
/// keeps. They are spent just before the token is on the wire, and never less afterwards, whatever a seller says: only a
/// receipt that names more raises the count. A reservation that was not sent is released. Purchases are counted just before
/// an order is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Budget {
    pub(crate) reserved: Credits,
    pub(crate) spent: Credits,
    /// True if the stored text could not be read: then it counts as everything.
    pub(crate) unreadable: bool,
    pub(crate) entries: Vec<Entry>,
}

const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
/// How many origins and plans have counts of their own; later ones count in the totals only.
const MAX_TOLD: usize = 256;

impl Budget {
    /// The credits that count against a limit: reserved and spent.
    #[must_use]
    pub fn total(&self) -> Credits {
        self.spent.saturating_add(self.held())
    }

    /// The credits on the wire or settled.
    #[must_use]
    pub fn spent(&self) -> Credits {
        self.spent
    }

    /// The credits that count against a limit per hour at `now` (milliseconds since 1970): reserved, and spent since, to the
    /// minute.
    #[must_use]
    pub fn in_hour(&self, now: u64) -> Credits {
        self.since(now.saturating_sub(HOUR_MS))
    }

    /// The credits that count against a limit per day at `now` (milliseconds since 1970).
    #[must_use]
    pub fn in_day(&self, now: u64) -> Credits {
        self.since(now.saturating_sub(DAY_MS))
    }

    /// How many orders were sent in the hour before `now` (milliseconds since 1970).
    #[must_use]
    pub fn purchases_in_hour(&self, now: u64) -> Credits {
        self.purchases_since(BOUGHT, now.saturating_sub(HOUR_MS))
    }

    /// How many orders were sent in the day before `now` (milliseconds since 1970).
    #[must_use]
    pub fn purchases_in_day(&self, now: u64) -> Credits {
        self.purchases_since(BOUGHT, now.saturating_sub(DAY_MS))
    }

    /// How many orders were sent in all.
    #[must_use]
    pub fn purchases(&self) -> Credits {
        self.purchases_since(BOUGHT_IN_ALL, 0)
    }

    fn purchases_since(&self, kind: u8, from: u64) -> Credits {
        self.sum(kind, from, if self.unreadable { Credits::MAX } else { Credits::ZERO })
    }

    /// The credits spent at each origin.
    #[must_use]
    pub fn by_origin(&self) -> Vec<(&str, Credits)> {
        self.shares(ORIGIN)
    }

    /// The credits spent of each plan.
    #[must_use]
    pub fn by_plan(&self) -> Vec<(&str, Credits)> {
        self.shares(PLAN)
    }

    /// The amounts spent of each currency (`eip155:8453:0x…`, chain and asset), in atomic units.
    #[must_use]
    pub fn by_currency(&self) -> Vec<(&str, Credits)> {
        self.shares(AMOUNT)
    }

    /// The amount of a currency that was spent in all, in the last hour and in the last day, in atomic units.
    pub(crate) fn amounts(&self, currency: &str, now: u64) -> [Credits; 3] {
        let start = if self.unreadable { Credits::MAX } else { Credits::ZERO };
        let sum = |kind: u8, from: u64| {
            let is_of = |entry: &&Entry| {
                let name =
                    entry.name.split_once_byte(b'/').map_or(entry.name.as_str(), |(_, currency)| currency);
                entry.kind == kind && name == currency && (kind == AMOUNT || entry.is_since(from))
            };
            self.entries.iter().filter(is_of).fold(start, |sum, entry| sum.saturating_add(entry.credits))
        };
        [
            sum(AMOUNT, 0),
            sum(AMOUNT_MINUTE, now.saturating_sub(HOUR_MS)),
            sum(AMOUNT_MINUTE, now.saturating_sub(DAY_MS)),
        ]
    }

    fn shares(&self, kind: u8) -> Vec<(&str, Credits)> {
        let shares = self.entries.iter().filter(|entry| entry.kind == kind);
        shares.map(|entry| (entry.name.as_str(), entry.credits)).collect()
    }

    /// The credits reserved, in all tabs.
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

    /// An order is about to be sent.
    pub(crate) fn count_purchase(&mut self, now: u64) {
        self.change_purchases(now, &|before| before.saturating_add(Credits::from(1)));
        self.forget_old_minutes(now);
    }

    /// The order that was counted at a time was not sent, or the platform refused it.
    pub(crate) fn uncount_purchase(&mut self, at: u64) {
        self.change_purchases(at, &|before| before.saturating_sub(Credits::from(1)));
        self.retain(&|entry| entry.kind != BOUGHT || !entry.credits.is_zero());
    }

    fn change_purchases(&mut self, at: u64, change: &dyn Fn(Credits) -> Credits) {
        let minute = Credits::from(at / MINUTE_MS).digits();
        self.change_entry(BOUGHT, &minute, change);
        self.change_entry(BOUGHT_IN_ALL, "-", change);
    }

    pub(super) fn forget_old_minutes(&mut self, now: u64) {
        let old = now.saturating_sub(DAY_MS);
        self.retain(&|entry| !matches!(entry.kind, MINUTE | BOUGHT | AMOUNT_MINUTE) || entry.is_since(old));
    }

    /// One loop for all: each other is hundreds of bytes of wasm.
    pub(crate) fn retain(&mut self, stays: &dyn Fn(&Entry) -> bool) {
        self.entries.retain(stays);
    }

    pub(super) fn change(&mut self, offer: &Offer, at: u64, change: &dyn Fn(Credits) -> Credits) {
        let minute = Credits::from(at / MINUTE_MS).digits();
        if offer.is_money() {
            let currency = offer.plan_id().as_str();
            self.change_entry(AMOUNT, currency, change);
            return self.change_entry(AMOUNT_MINUTE, &[&minute, "/", currency].concat(), change);
        }
        self.spent = change(self.spent);
        for (kind, name) in [
            (MINUTE, minute.as_str()),
            (ORIGIN, offer.target.origin.as_str()),
            (PLAN, offer.plan_id().as_str()),
        ] {
            self.change_entry(kind, name, change);
        }
    }

    fn change_entry(&mut self, kind: u8, name: &str, change: &dyn Fn(Credits) -> Credits) {
        let same = |entry: &&mut Entry| entry.kind == kind && entry.name == name;
        if let Some(entry) = self.entries.iter_mut().find(same) {
            entry.credits = change(entry.credits);
        } else if !matches!(kind, ORIGIN | PLAN)
            || self.entries.iter().filter(|entry| entry.kind == kind).count() < MAX_TOLD
        {
            self.entries.push(Entry { kind, name: name.into(), credits: change(Credits::ZERO) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscriber::Target;
    use crate::wire::PaymentRequired;
    use alloc::{format, string::String};

    fn offer(origin: &str) -> Offer {
        let json = r#"{"x402Version":2,"accepts":[{"scheme":"nvm:erc4337","network":"n","planId":"p"}]}"#;
        let required = PaymentRequired::from_json(json.as_bytes()).unwrap();
        let target = Target { url: String::new(), origin: origin.into(), path: String::new() };
        Offer::known(&required, &target).next().unwrap()
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
        budget.take_back(&offer("o"), start + DAY_MS + MINUTE_MS, Credits::from(1));
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

    #[test]
    fn an_order_that_was_not_sent_is_uncounted_and_no_other() {
        let mut budget = Budget::default();
        let start = 100 * DAY_MS;
        budget.present(&offer("o"), Credits::from(3), start);
        for minute in [0, 0, 5] {
            budget.count_purchase(start + minute * MINUTE_MS);
        }
        let now = start + 5 * MINUTE_MS;
        let counts = |budget: &Budget| {
            [
                budget.purchases_in_hour(now),
                budget.purchases_in_day(now),
                budget.purchases(),
                budget.in_hour(now),
            ]
            .map(|count| count.to_string().parse::<u32>().unwrap())
        };
        assert_eq!(counts(&budget), [3, 3, 3, 3]);
        budget.uncount_purchase(start);
        assert_eq!(counts(&budget), [2, 2, 2, 3]);
        budget.uncount_purchase(start);
        assert_eq!(counts(&budget), [1, 1, 1, 3]);
        budget.uncount_purchase(now);
        assert_eq!(counts(&budget), [0, 0, 0, 3]);
        assert!(budget.entries.iter().all(|entry| entry.kind != BOUGHT), "an empty minute is dropped");
    }
}
