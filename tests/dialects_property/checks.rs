//! Invariants of each signature, each presentation and each end.

use super::*;

impl World {
    /// True if somebody agreed to it in this tab, or agreed for the session to as much for the same recipient at the same place. A
    /// challenge of the very terms that were agreed to for the fetch `by` is a fresh one of the same, because the first had expired.
    fn was_agreed(&self, tab: usize, handle: usize, by: Option<FetchId>) -> bool {
        let asked = &self.handles[handle];
        self.tabs[tab].agreed.iter().any(|(fetch, offer, remembered)| {
            let Some(dialect) = offer.dialect() else { return false };
            let same = dialect.handle == format!("h{handle}");
            let is_fresh = asked.currency.is_none()
                && by == Some(*fetch)
                && offer.credits() == Some(credits(asked.amount));
            let currency = asked.currency.map(|currency| CURRENCIES[currency]);
            let plan = currency.map_or_else(|| format!("p{}", asked.plan), Into::into);
            same || (*remembered || is_fresh)
                && offer.target.origin == asked.origin
                && offer.plan_id().as_str() == plan
                && dialect.pay_to == (if currency.is_some() { asked.pay_to.as_str() } else { "" })
                && offer.credits().is_some_and(|most| credits(asked.amount) <= most)
        })
    }

    /// Rule 3: an amount of a currency, or credits, that a policy allows without a question.
    fn is_allowed(&self, handle: usize) -> bool {
        let asked = &self.handles[handle];
        let origins = &self.policy.origins;
        let limited = |currency: usize| {
            self.policy.max_amounts.iter().any(|limit| limit.currency == CURRENCIES[currency])
        };
        self.has_policy
            && !self.can_ask
            && origins.iter().any(|name| name == "*" || name == asked.origin)
            && asked.currency.is_none_or(limited)
    }

    /// The wallet was asked to sign.
    pub(super) fn signed(&self, tab: usize, handle: usize) {
        let asked = &self.handles[handle];
        let currency = asked.currency.expect("a wallet signs for amounts only");
        assert!(
            self.was_agreed(tab, handle, None) || self.is_allowed(handle),
            "rule 3: an amount is signed for without consent"
        );
        assert!(asked.origin.starts_with("https:"), "rule 6: an amount is signed for {}", asked.origin);
        if !self.has_policy {
            return;
        }
        let limits = &self.policy.max_amounts;
        let limit = limits.iter().find(|limit| limit.currency == CURRENCIES[currency]);
        assert!(
            limits.is_empty() || limit.is_some(),
            "rule 12: a currency is signed for that no limit names"
        );
        for most in limit.into_iter().flat_map(|one| [one.per_request, one.per_hour, one.per_day, one.total])
        {
            assert!(most.is_none_or(|most| credits(asked.amount) <= most), "rule 12: signed above {most:?}");
        }
    }

    /// Something that pays is on the wire.
    pub(super) fn present(
        &mut self,
        tab: usize,
        fetch: FetchId,
        send: &SendRequest,
        origin: &str,
        url: String,
        at: u64,
    ) {
        let by = (tab_number(&self.tabs[tab].name), fetch);
        let secret = send.token.as_ref().unwrap().expose();
        let text = String::from_utf8(base64::decode(secret, 64 * 1024, "token").unwrap()).unwrap();
        let means: usize =
            text.split("\"signature\":\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
        let handle =
            send.dialect.as_ref().map(|dialect| dialect.handle.trim_start_matches('h').parse().unwrap());
        let resumes = self.tabs[tab].open[&fetch].resumes;
        assert_eq!(send.redirects, Redirects::Manual, "rule 6");
        let what = &self.means[means];
        let (currency, most) = match handle.map(|handle: usize| &self.handles[handle]) {
            Some(asked) => {
                assert_eq!(
                    asked.origin, origin,
                    "rule 6: what pays goes to another origin than the one that asked"
                );
                match asked.currency {
                    Some(_) => {
                        assert_eq!(what.handle, handle, "a signature pays another offer than it is for")
                    }
                    None => {
                        assert!(
                            what.handle.is_none() && what.plan == asked.plan,
                            "a challenge has another plan's token"
                        );
                        assert_eq!(send.dialect.as_ref().unwrap().kind, DialectKind::Mpp);
                    }
                }
                let most =
                    if asked.currency.is_some() { asked.amount } else { MOST[asked.plan].max(asked.amount) };
                (asked.currency, most)
            }
            None => {
                assert!(what.handle.is_none(), "a signature is sent as the token of a plan");
                (None, MOST[what.plan])
            }
        };
        assert!(origin.starts_with("https:"), "rule 6: paid over plain HTTP");
        // Without a yes a policy pays; a resumed payment was agreed to when it was made.
        if let Some(handle) = handle {
            let agreed = self.was_agreed(tab, handle, Some(fetch)) || self.is_allowed(handle);
            assert!(agreed || resumes, "rule 3: presented without consent");
        }
        // Once, unless the same payment goes on. A challenge that is offered again may be answered again.
        let is_once = what.single_use;
        let is_again = self.presented.iter().any(|before| before.url == url && before.means == means);
        let twice = is_once && self.presented.iter().any(|before| before.means == means);
        assert!(!twice || resumes && is_again, "rule 5: presented twice");
        if let Some(handle) = handle {
            let answered = self.presented.iter().filter(|before| before.handle == Some(handle)).count();
            // To go on with a payment answers its challenge once more.
            let times = self.handles[handle].times
                + self.presented.iter().filter(|one| one.handle == Some(handle) && one.resumes).count();
            assert!(
                answered < times || resumes,
                "rule 5: {answered} payments of {handle} for {times} offers"
            );
        }
        let is_counted = is_once && self.presented.iter().any(|before| before.means == means);
        if !is_counted {
            self.presented.push(Presentation { at, by, handle, means, url, currency, most, resumes });
        }
        let counted = self.counted(tab, currency);
        let presented = self.sum(currency, |_| true);
        assert!(counted >= credits(presented), "rule 12: {presented} presented, {counted} counted");
        self.note(|| format!("tab {tab} {fetch:?} presents {means} for {handle:?}, {currency:?} {most}"));
        self.check_limits(by, currency, at);
    }

    fn sum(&self, currency: Option<usize>, counts: impl Fn(&Presentation) -> bool) -> u64 {
        let all = self.presented.iter().filter(|one| one.currency == currency && counts(one));
        all.map(|one| one.most).sum()
    }

    /// The count of a currency, or of credits, in what is shared too. Credits are counted at their most where a limit is set.
    fn counted(&self, tab: usize, currency: Option<usize>) -> Credits {
        let mut reader = Buyer::new();
        let budget = match &self.shared {
            Some(text) => {
                reader.load(text, "reader");
                reader.budget()
            }
            None => self.tabs[tab].buyer.budget(),
        };
        match currency {
            Some(currency) => {
                let of = budget.by_currency();
                of.iter()
                    .find(|(name, _)| *name == CURRENCIES[currency])
                    .map_or(Credits::ZERO, |(_, sum)| *sum)
            }
            None if !self.limits_credits() => Credits::MAX,
            None => budget.spent(),
        }
    }

    fn limits_credits(&self) -> bool {
        let policy = &self.policy;
        let limited = policy.max_credits_total.or(policy.max_credits_per_request).is_some();
        self.has_policy && (limited || policy.purchase == Some(false))
    }

    fn check_limits(&self, by: (usize, FetchId), currency: Option<usize>, now: u64) {
        if !self.has_policy {
            return;
        }
        let within = |limit: Option<Credits>, sum: u64, name: &str| {
            assert!(limit.is_none_or(|limit| credits(sum) <= limit), "rule 12: {name}: {sum} over {limit:?}");
        };
        let policy = &self.policy;
        let Some(currency) = currency else {
            within(policy.max_credits_total, self.sum(None, |_| true), "maxCreditsTotal");
            within(
                policy.max_credits_per_request,
                self.sum(None, |one| one.by == by),
                "maxCreditsPerRequest",
            );
            return;
        };
        let limit = policy.max_amounts.iter().find(|limit| limit.currency == CURRENCIES[currency]);
        assert!(policy.max_amounts.is_empty() || limit.is_some(), "rule 12: a currency that no limit names");
        let Some(limit) = limit else { return };
        let sum = |counts: &dyn Fn(&Presentation) -> bool| self.sum(Some(currency), counts);
        within(limit.total, sum(&|_| true), "total");
        within(limit.per_hour, sum(&|one| one.at >= now - HOUR_MS && one.at <= now), "perHour");
        within(limit.per_day, sum(&|one| one.at >= now - DAY_MS && one.at <= now), "perDay");
        within(limit.per_request, sum(&|one| one.by == by), "perRequest");
    }

    pub(super) fn finish(&mut self, tab: usize, fetch: FetchId, finish: &Finish) {
        let by = (tab_number(&self.tabs[tab].name), fetch);
        let mine: Vec<_> = self.presented.iter().filter(|one| one.by == by).collect();
        let spend = &finish.spend;
        assert!(mine.is_empty() || spend.outcome != Outcome::None, "rule 9: nothing happened to a payment");
        let means: BTreeSet<_> = mine.iter().map(|one| one.means).collect();
        assert!(means.len() <= 2, "rule 5: {} payments in one call", means.len());
        for (index, name) in CURRENCIES.iter().enumerate() {
            let sent: u64 = mine.iter().filter(|one| one.currency == Some(index)).map(|one| one.most).sum();
            let of = spend.amounts_presented.iter().find(|(currency, _)| currency == name);
            let said = of.map_or(Credits::ZERO, |(_, amount)| *amount);
            assert!(said >= credits(sent), "rule 9: {sent} presented, {said} said");
        }
        if let Some(payment) = spend.payment {
            let one = &self.tabs[tab].open[&fetch];
            let entry = (payment, one.url.clone(), one.method);
            self.tabs[tab].resumable.push(entry);
        }
        self.note(|| format!("tab {tab} {fetch:?} ends: {:?} {:?}", finish.result, finish.spend));
        self.tabs[tab].buyer.forget(fetch);
        if self.dice.one_in(2) {
            self.tabs[tab].open.remove(&fetch);
        }
    }
}
