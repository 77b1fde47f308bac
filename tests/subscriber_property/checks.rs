//! Invariants of each presentation, each order and each end.

use super::*;

impl SimulatedPlatform {
    /// A token is on the wire: here is what must be true of it.
    pub(super) fn present(
        &mut self,
        (tab, fetch, at): (usize, FetchId, u64),
        held: Option<u64>,
        origin: &str,
        secret: &str,
        url: String,
    ) {
        let index: usize = name_of(secret).parse().unwrap();
        let who = (tab_number(&self.tabs[tab].name), fetch);
        let one = &self.tabs[tab].open[&fetch];
        let named = self.has_policy && self.policy.origins.iter().any(|name| name == "*" || name == origin);
        assert!(named || self.can_ask, "rule 3: {origin} was named by nobody");
        let plan = &self.plans[self.tokens[index].plan];
        let token = &self.tokens[index];
        if token.single_use && !token.presented.is_empty() {
            let (_, _, before) = &token.presented[0];
            assert!(
                one.resumes && *before == url,
                "rule 5: a single-use token is presented twice without being resumed"
            );
        }
        // Counted before it is sent, in what is shared too.
        let counted: Credits = match &self.shared {
            Some(text) => total_of(text),
            None => self.tabs[tab].buyer.budget().spent(),
        };
        let most = plan.most();
        let other = self.tokens.iter().any(|token| token.presented.iter().any(|(_, by, _)| *by == who))
            && self.tokens[index].presented.iter().all(|(_, by, _)| *by != who);
        let one = self.tabs[tab].open.get_mut(&fetch).unwrap();
        assert!(!other || one.offered, "rule 5: another token after a refusal without an offer");
        one.offered = false;
        // A single-use token is burned once, however often it is presented.
        let is_new = !self.tokens[index].single_use || self.tokens[index].presented.is_empty();
        if self.has_policy && self.policy.purchase == Some(false) && is_new {
            let held = held.expect("rule 3: only what is held may be spent, and nobody looked");
            assert!(
                held >= most,
                "rule 3: {held} are left of what is held, and the platform can take {most}"
            );
            let left = &mut self.tabs[tab].left[self.tokens[index].plan];
            *left = left.map(|left| left.saturating_sub(most));
        }
        if let Some((_, since)) = &mut self.tabs[tab].read[self.tokens[index].plan] {
            *since += most.max(8);
        }
        self.tokens[index].presented.push((at, who, url));
        if self.limited() {
            let presented = self.presented_since(0);
            assert!(counted >= credits(presented), "rule 12: {presented} presented, {counted} counted");
        }
        self.note(|| format!("tab {tab} {fetch:?} presents token {index} (most {most})"));
        self.check_limits(who, at);
        if self.dice.one_in(2) {
            self.settle(index);
        }
        if self.dice.one_in(8) {
            self.settle(index);
        }
    }

    pub(super) fn limited(&self) -> bool {
        let policy = &self.policy;
        let limits = [
            policy.max_credits_per_request,
            policy.max_credits_per_hour,
            policy.max_credits_per_day,
            policy.max_credits_total,
        ];
        self.has_policy && limits.iter().any(Option::is_some)
    }

    /// The most that what was presented since then can cost: a single-use token once, a reusable one each time.
    fn presented_since(&self, since: u64) -> u64 {
        self.presented_by(|at, _| at >= since)
    }

    fn presented_in(&self, since: u64, until: u64) -> u64 {
        self.presented_by(|at, _| at >= since && at <= until)
    }

    fn presented_by(&self, counts: impl Fn(u64, (usize, FetchId)) -> bool) -> u64 {
        let times = |token: &Token| {
            let all = token.presented.iter().filter(|(at, who, _)| counts(*at, *who)).count() as u64;
            let first = token.presented.first().is_some_and(|(at, who, _)| counts(*at, *who));
            if token.single_use { u64::from(first) } else { all }
        };
        self.tokens.iter().map(|token| times(token) * self.plans[token.plan].most()).sum()
    }

    fn check_limits(&self, who: (usize, FetchId), now: u64) {
        if !self.has_policy {
            return;
        }
        let within = |limit: Option<Credits>, presented: u64, name: &str| {
            assert!(
                limit.is_none_or(|limit| credits(presented) <= limit),
                "rule 12: {name}: {presented} over {limit:?}"
            );
        };
        let policy = &self.policy;
        within(policy.max_credits_total, self.presented_since(0), "total");
        within(policy.max_credits_per_hour, self.presented_in(now - HOUR_MS, now), "hour");
        within(policy.max_credits_per_day, self.presented_in(now - DAY_MS, now), "day");
        within(policy.max_credits_per_request, self.presented_by(|_, by| by == who), "request");
    }

    pub(super) fn check_orders(&self, asked: bool) {
        let order = self.orders.last().unwrap();
        let now = order.at;
        let count = |since: u64| {
            self.orders.iter().filter(|order| order.at >= since && order.at <= now).count() as u64
        };
        let policy = &self.policy;
        if !asked {
            assert!(
                self.has_policy && policy.purchase == Some(true),
                "rule 3: an order without consent to buy"
            );
            assert!(
                !policy.plans.is_empty() || policy.max_price.is_some(),
                "rule 3: an order without plans or maxPrice"
            );
        }
        if !self.has_policy {
            return;
        }
        let limits = policy.max_purchases;
        let within = |limit: Option<u32>, number: u64, name: &str| {
            assert!(
                limit.is_none_or(|limit| number <= limit.into()),
                "rule 3: {name}: {number} over {limit:?}"
            );
        };
        within(limits.total, count(0), "maxPurchasesTotal");
        within(limits.per_hour, count(now - HOUR_MS), "maxPurchasesPerHour");
        within(limits.per_day, count(now - DAY_MS), "maxPurchasesPerDay");
        let is_unlimited = limits == PurchaseLimits::default();
        if !asked && is_unlimited && self.orders_by_policy == self.orders.len() as u64 {
            within(Some(1), count(now - HOUR_MS), "one an hour");
        }
        if let Some(most) = &policy.max_price {
            let fits =
                order.price == 0 || order.currency == most.currency && credits(order.price) <= most.amount;
            assert!(
                fits,
                "rule 3: an order for {} {} of plan {} over {most:?}",
                order.price, order.currency, order.plan
            );
        }
    }

    pub(super) fn finish(&mut self, tab: usize, fetch: FetchId, finish: &Finish) {
        let who = (tab_number(&self.tabs[tab].name), fetch);
        let presented: u64 = self
            .tokens
            .iter()
            .map(|token| {
                let times = token.presented.iter().filter(|(_, by, _)| *by == who).count() as u64;
                times * self.plans[token.plan].most()
            })
            .sum();
        let sent: Vec<_> =
            self.tokens.iter().filter(|token| token.presented.iter().any(|(_, by, _)| *by == who)).collect();
        assert!(sent.len() <= 2, "rule 5: {} tokens in one call", sent.len());
        let spend = &finish.spend;
        let one = &self.tabs[tab].open[&fetch];
        assert!(
            spend.outcome != Outcome::None || sent.is_empty(),
            "rule 9: nothing happened to {} tokens: {:?}",
            sent.len(),
            finish.result
        );
        assert!(one.sends <= 3 + one.redirects + u64::from(one.resumes), "rule 5: {} sends", one.sends);
        if self.limited() {
            assert!(
                spend.credits_presented >= credits(presented),
                "rule 9: {presented} presented, {spend:?}"
            );
        }
        for purchase in spend.purchases.iter().filter(|purchase| purchase.confirmed) {
            let known =
                self.orders.iter().any(|order| format!("p{}", order.plan) == purchase.plan_id.as_str());
            assert!(known, "rule 12: {purchase:?} is confirmed, and the platform knows no order");
        }
        let (url, method) = (format!("{}{}", one.origin, one.path), one.method);
        if let Some(payment) = spend.payment {
            self.tabs[tab].resumable.push((payment, url, method));
        }
        self.tabs[tab].buyer.forget(fetch);
        self.tabs[tab].open.get_mut(&fetch).unwrap().ended = true;
        self.note(|| {
            format!(
                "tab {tab} {fetch:?} ends: {:?} {:?}",
                finish.result.as_ref().map_err(|e| e.code().to_owned()),
                finish.spend
            )
        });
        if self.dice.one_in(2) {
            self.tabs[tab].open.remove(&fetch);
        }
    }

    /// At the end the seller settles all that it has, for as much as it can: the ledger keeps the limits all the same.
    pub(super) fn end(&mut self) {
        for index in 0..self.tokens.len() {
            let plan = &self.plans[self.tokens[index].plan];
            let token = &mut self.tokens[index];
            if token.single_use && !token.presented.is_empty() && !token.settled {
                token.settled = true;
                token.burned += plan.burns(u64::MAX);
            }
        }
        let burned: u64 = self.tokens.iter().filter(|token| token.single_use).map(|token| token.burned).sum();
        if self.has_policy {
            let limit = self.policy.max_credits_total;
            assert!(
                limit.is_none_or(|limit| credits(burned) <= limit),
                "rule 12: {burned} burned over {limit:?}"
            );
        }
        if self.limited() {
            let presented = self.presented_since(0);
            let counted = match &self.shared {
                Some(text) => total_of(text),
                None => self.tabs[0].buyer.budget().spent(),
            };
            assert!(
                counted >= credits(presented),
                "rule 12: {presented} presented in all, {counted} counted"
            );
        }
    }
}
