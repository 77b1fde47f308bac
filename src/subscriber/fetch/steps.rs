//! The way of one fetch up to its payment: bare, offer, consent, credits, token, paid. What is answered to it is in
//! `paid.rs`.

use super::state::{Action, Fetch, Finish, Phase, Redirects, Send, Waits};
use crate::api::plans::{GetPlanBalance, OrderPlan, PlanPrice};
use crate::subscriber::consent::{Consent, ConsentDecision, PurchaseLimits, decide};
use crate::subscriber::{
    Approval, Budget, Buyer, Command, FetchError, FetchId, NoticeKind, Offer, Outcome, Policy, ResponseHead,
};
use crate::wire::{Credits, PaymentRequired, PlanId};
use alloc::{boxed::Box, rc::Rc, string::String};

/// How many different tokens one fetch may present, redirects and refusals together (rule 5).
pub(in crate::subscriber) const MAX_TOKENS: u8 = 2;
/// How many single-use tokens are minted ahead at the most.
const MAX_PREFETCH: usize = 16;

impl Buyer {
    pub(in crate::subscriber) fn act(&mut self, fetch: FetchId, phase: Phase, action: Action) {
        if let Some(visit) = self.fetch_mut(fetch) {
            visit.phase = phase;
            self.command(Command::Do(fetch, Box::new(action)));
        }
    }

    pub(in crate::subscriber) fn send_unpaid(&mut self, fetch: FetchId) {
        self.notice(fetch, NoticeKind::Request);
        let Some(visit) = self.fetch_mut(fetch) else { return };
        visit.spend.requests += 1;
        let send = Send {
            target: visit.moved.then(|| visit.target.clone()),
            token: None,
            redirects: visit.request.redirects,
            as_get: visit.as_get,
        };
        self.act(fetch, Phase::SendingUnpaid, Action::Send(send));
    }

    pub(in crate::subscriber) fn unpaid_answered(&mut self, fetch: FetchId, answer: ResponseHead, now: u64) {
        let Some(visit) = self.fetch_mut(fetch) else { return };
        if answer.status != 402 {
            return self.finish(fetch, Ok(()));
        }
        if answer.redirected && !visit.is_safe_method() {
            return self.fail(fetch, FetchError::AmbiguousRedirect);
        }
        if let Some(target) = answer.target {
            visit.moved |= target != visit.target;
            visit.target = target;
        }
        self.discover_offer(fetch, answer.offer, now);
    }

    /// Rule 2: the header, else the body.
    fn discover_offer(&mut self, fetch: FetchId, header: Option<String>, now: u64) {
        match header {
            None => self.act(fetch, Phase::ReadingOffer, Action::ReadBody),
            Some(header) => match PaymentRequired::from_header(&header) {
                Ok(required) => self.take_offer(fetch, &required, now),
                Err(error) => self.fail(fetch, FetchError::MalformedOffer(error)),
            },
        }
    }

    pub(in crate::subscriber) fn read_offer(&mut self, fetch: FetchId, body: Option<String>, now: u64) {
        // A body that is no x402 document says nothing of a price: the 402 is an answer like any other.
        let Some(body) = body.filter(|body| PaymentRequired::is_one(body.as_bytes())) else {
            return self.finish(fetch, Ok(()));
        };
        match PaymentRequired::from_json(body.as_bytes()) {
            Ok(required) => self.take_offer(fetch, &required, now),
            Err(error) => self.fail(fetch, FetchError::MalformedOffer(error)),
        }
    }

    /// Takes one of the offers of a 402: the only one, the one that is selected, or the best.
    pub(in crate::subscriber) fn take_offer(&mut self, fetch: FetchId, required: &PaymentRequired, now: u64) {
        let Some(visit) = self.fetch_mut(fetch) else { return };
        if !visit.target.is_secure() {
            return self.fail(fetch, FetchError::InsecureTarget);
        }
        if visit.target.is_not_the_place_of(&required.resource().url) {
            return self.fail(fetch, FetchError::ResourceMismatch);
        }
        let mut offers = Offer::candidates(required, &visit.target, &visit.request);
        if visit.request.quote {
            visit.candidates = offers;
            return self.finish(fetch, Ok(()));
        }
        if visit.tokens >= MAX_TOKENS {
            return self.fail(fetch, FetchError::RedirectedWhilePaying);
        }
        if offers.is_empty() {
            return self.fail(fetch, FetchError::NoPayableOffer);
        }
        if offers.len() == 1 {
            return self.consider(fetch, offers.remove(0), now);
        }
        // Nobody is asked about offers that nobody can consent to.
        let by_policy = visit.request.policy.as_ref().is_some_and(|policy| !policy.origins.is_empty());
        let can_ask = visit.request.can_ask;
        let by_grant =
            self.grants.iter().any(|(granted, _)| offers.iter().any(|offer| granted.covers(offer)));
        if !can_ask && !by_policy && !by_grant {
            return self.fail(fetch, FetchError::ConsentRequired);
        }
        let Some(visit) = self.fetch_mut(fetch) else { return };
        visit.candidates = offers.clone();
        if visit.request.can_select {
            return self.act(fetch, Phase::Choosing, Action::Select(offers));
        }
        visit.phase = Phase::Choosing;
        if let (Some(holder), true) = (self.holder.clone(), self.logged_in) {
            for offer in &offers {
                if self.known_balance(offer.plan_id(), now).is_none() {
                    let call = GetPlanBalance { plan_id: offer.plan_id().clone(), holder: holder.clone() };
                    self.want_balance(fetch, call);
                }
            }
        }
        self.choose(fetch, now);
    }

    /// Takes the best of several offers once enough is known of each: the credits held suffice, then the price, then
    /// the seller's order.
    pub(in crate::subscriber) fn choose(&mut self, fetch: FetchId, now: u64) {
        if self.awaits_balance(fetch) {
            return;
        }
        let Some(visit) = self.fetch_mut(fetch) else { return };
        let offers = core::mem::take(&mut visit.candidates);
        let mut best: Option<(bool, f64, Rc<Offer>)> = None;
        for offer in offers {
            let enough = self.known_balance(offer.plan_id(), now).is_some_and(|held| held >= offer.needed());
            let price = self.prices.iter().find(|(plan, _)| plan == offer.plan_id());
            let price = price.map_or(f64::MAX, |(_, price)| rank_price(*price, offer.needed()));
            let better = best.as_ref().is_none_or(|(had_enough, had_price, _)| {
                (enough && !had_enough) || (enough == *had_enough && price < *had_price)
            });
            if better {
                best = Some((enough, price, offer));
            }
        }
        match best {
            Some((_, _, offer)) => self.consider(fetch, offer, now),
            None => self.fail(fetch, FetchError::NoPayableOffer),
        }
    }

    pub(in crate::subscriber) fn selected(&mut self, fetch: FetchId, choice: Option<usize>, now: u64) {
        let Some(visit) = self.fetch_mut(fetch) else { return };
        let mut offers = core::mem::take(&mut visit.candidates);
        match choice.filter(|index| *index < offers.len()) {
            Some(index) => self.consider(fetch, offers.swap_remove(index), now),
            None => self.fail(fetch, FetchError::ConsentDenied),
        }
    }

    /// Rule 3: terms that this fetch has no consent for yet.
    pub(in crate::subscriber) fn consider(&mut self, fetch: FetchId, offer: Rc<Offer>, now: u64) {
        let Some(visit) = self.fetch_mut(fetch) else { return };
        visit.offer = Some(offer.clone());
        visit.consent = None;
        visit.considered_at = now;
        self.release(fetch);
        self.notice(fetch, NoticeKind::Offer);
        self.decide(fetch, offer, now);
    }

    pub(in crate::subscriber) fn decide(&mut self, fetch: FetchId, offer: Rc<Offer>, now: u64) {
        // Before anybody is asked: a yes would lead nowhere.
        if !self.logged_in {
            return self.fail(fetch, FetchError::Unauthorized);
        }
        // To pay for the same again is another question than to pay for the like of it.
        let grant = self.grants.iter().find(|(granted, _)| granted.covers(&offer) && !offer.again);
        let (granted, delegation) = grant.map_or((false, None), |(_, delegation)| (true, delegation.clone()));
        let terms_known = self.terms_of(offer.plan_id()).is_some();
        let Some(visit) = self.fetch_mut(fetch) else { return };
        visit.by_grant = granted;
        let (policy, can_ask) = (visit.request.policy.clone(), visit.request.can_ask);
        let policy = policy.as_deref();
        // A limit counts what the platform can take: it says so once a plan and session, and nobody is asked before.
        if visit.request.is_limited()
            && !terms_known
            && decide(None, policy, can_ask, granted) != ConsentDecision::NoConsent
        {
            visit.phase = Phase::ReadingTerms;
            return self.want_terms(Some(fetch), offer.plan_id().clone());
        }
        self.set_cost(fetch);
        match decide(self.broken_limit(fetch, now), policy, can_ask, granted) {
            ConsentDecision::NoConsent => self.fail(fetch, FetchError::ConsentRequired),
            ConsentDecision::OverLimit(limit) => self.fail(fetch, FetchError::BudgetExceeded(limit)),
            ConsentDecision::Ask => self.ask(fetch, offer),
            ConsentDecision::Go(consent) => {
                if let Some(visit) = self.fetch_mut(fetch) {
                    visit.delegation_id = delegation;
                }
                self.agreed(fetch, consent, now);
            }
        }
    }

    fn set_cost(&mut self, fetch: FetchId) {
        let Some(visit) = self.look(fetch) else { return };
        let cost = visit.offer.as_ref().map(|offer| self.cost_of(&visit.request, offer));
        if let (Some(cost), Some(visit)) = (cost, self.fetch_mut(fetch)) {
            visit.cost = cost;
        }
    }

    /// The terms that were agreed to, with another token: what the first one presented stays counted.
    pub(in crate::subscriber) fn pay_with_another_token(&mut self, fetch: FetchId, now: u64) {
        if let Some(limit) = self.broken_limit(fetch, now) {
            return self.fail(fetch, FetchError::BudgetExceeded(limit));
        }
        self.reserve(fetch);
        if let Some(visit) = self.fetch_mut(fetch) {
            (visit.phase, visit.considered_at) = (Phase::Preparing, now);
            self.advance(fetch, now);
        }
    }

    fn reserve(&mut self, fetch: FetchId) {
        if let Some(visit) = self.fetch_mut(fetch) {
            visit.reserved = visit.cost;
            let reserved = visit.reserved;
            self.budget.reserve(reserved);
        }
    }

    /// Asks, unless the same question is open: whoever answers it once for all need not be asked a hundred times. An answer
    /// that waits for this very fetch would never come.
    fn ask(&mut self, fetch: FetchId, offer: Rc<Offer>) {
        match self.asked_about(fetch, &offer) {
            None => self.act(fetch, Phase::Asking, Action::Ask(offer)),
            Some(question) if self.is_within(fetch, question) => {
                self.fail(fetch, FetchError::ApproveReentered)
            }
            Some(_) => {
                if let Some(visit) = self.fetch_mut(fetch) {
                    visit.phase = Phase::Queued;
                }
            }
        }
    }

    /// A question was answered: those who waited for the answer are decided anew, one question at a time.
    pub(in crate::subscriber) fn ask_next(&mut self, now: u64) {
        for fetch in self.in_phase(Phase::Queued) {
            let Some(offer) = self.fetch_mut(fetch).and_then(|visit| visit.offer.clone()) else { continue };
            self.decide(fetch, offer, now);
        }
    }

    pub(in crate::subscriber) fn approved(&mut self, fetch: FetchId, approval: Approval, now: u64) {
        if !approval.approve {
            return self.fail(fetch, FetchError::ConsentDenied);
        }
        let Some(offer) = self.fetch_mut(fetch).and_then(|visit| visit.offer.clone()) else { return };
        // Others may have spent while somebody made up their mind.
        if let Some(limit) = self.broken_limit(fetch, now) {
            return self.fail(fetch, FetchError::BudgetExceeded(limit));
        }
        let Some(visit) = self.fetch_mut(fetch) else { return };
        visit.delegation_id = approval.delegation_id.clone();
        if approval.remember {
            self.grant(offer, approval.delegation_id);
        }
        self.agreed(fetch, Consent::Given { purchase: approval.purchase, asked: true }, now);
    }

    fn agreed(&mut self, fetch: FetchId, consent: Consent, now: u64) {
        let (logged_in, default) = (self.logged_in, self.delegation_id.clone());
        let Some(visit) = self.fetch_mut(fetch) else { return };
        if !logged_in {
            return self.fail(fetch, FetchError::Unauthorized);
        }
        let chosen = visit.delegation_id.take().or_else(|| visit.request.delegation_id.clone()).or(default);
        if chosen.is_none() {
            return self.fail(fetch, FetchError::DelegationRequired);
        }
        visit.delegation_id = chosen;
        visit.consent = Some(visit.without_what_is_forbidden(consent));
        visit.phase = Phase::Preparing;
        self.reserve(fetch);
        self.notice(fetch, NoticeKind::Consent);
        self.advance(fetch, now);
    }

    /// Gets what is still wanting, credits and a token, and sends when nothing is.
    ///
    /// Where something hangs on the balance, the platform's last word less what was presented since may say that it
    /// suffices. That it does not suffice, only a reading says that was made since this fetch knows its terms.
    pub(in crate::subscriber) fn advance(&mut self, fetch: FetchId, now: u64) {
        let holder = self.holder.clone();
        // Work that it waited for may end when it has gone on without.
        let Some(visit) = self.fetch_mut(fetch).filter(|visit| visit.phase == Phase::Preparing) else {
            return;
        };
        let (Some(offer), Some(consent)) = (visit.offer.clone(), visit.consent) else { return };
        let Consent::Given { purchase, .. } = consent;
        let considered_at = visit.considered_at;
        // What was agreed to once for all was paying, not buying: where the credits do not suffice, ask again.
        let (may_order, held_only) = (visit.may_order(), purchase == Some(false));
        let (asks_if_short, waits) = (visit.by_grant && visit.request.can_ask, visit.waits);
        let was_refused = visit.tokens > 0;
        let plan_id = offer.plan_id().clone();
        // Whether the credits held cover what the platform can take, only it can say.
        if held_only && self.terms_of(&plan_id).is_none() {
            return self.read_terms(fetch, plan_id);
        }
        let Some(visit) = self.look(fetch) else { return };
        let needed = self.needed(&visit.request, &offer, held_only);
        let promised = self.committed_to_others(&plan_id, fetch, held_only);
        let suffices = |held: Credits| held.saturating_sub(promised) >= needed;
        let enough = self.balance_since(&plan_id, 0).map(suffices);
        let just_read = self.is_read_since(&plan_id, considered_at);
        // While an order is under way its credits are waited for: a payment without them might buy the plan again.
        let ordered = self.order_of(&plan_id, now).is_some();

        if enough == Some(false) && just_read {
            let Some(visit) = self.fetch_mut(fetch) else { return };
            if asks_if_short {
                visit.by_grant = false;
                visit.consent = None;
                self.release(fetch);
                return self.ask(fetch, offer);
            }
            if ordered && !held_only {
                return self.want_purchase(fetch, OrderPlan { plan_id }, needed, now);
            }
            if may_order {
                return self.buy(fetch, plan_id, needed, now);
            }
            if held_only {
                return self.fail(fetch, FetchError::InsufficientCredits);
            }
        }
        let hangs = may_order || held_only || ordered || asks_if_short && (enough.is_some() || was_refused);
        if hangs && enough != Some(true) && !just_read && !waits.balance {
            match holder {
                Some(holder) => {
                    if let Some(visit) = self.fetch_mut(fetch) {
                        visit.waits.balance = true;
                    }
                    self.want_balance(fetch, GetPlanBalance { plan_id, holder });
                }
                // Nobody can say what a key without an account holds.
                None if held_only => return self.fail(fetch, FetchError::InsufficientCredits),
                None => {}
            }
        }
        // A fetch that ends for want of a balance would leave a mint behind that no report has.
        if self.fetch_mut(fetch).is_some_and(|visit| visit.waits.balance && !held_only) {
            return;
        }
        self.get_token(fetch, now);
        let Some(visit) = self.fetch_mut(fetch) else { return };
        if visit.waits == Waits::default() && visit.token.is_some() {
            self.send_paid(fetch, now);
        }
    }

    /// Orders a plan, within the limits on purchases.
    fn buy(&mut self, fetch: FetchId, plan_id: PlanId, needed: Credits, now: u64) {
        let Some(visit) = self.fetch_mut(fetch) else { return };
        let priced = visit.request.policies().any(|policy| policy.max_price.is_some());
        if priced && !visit.price_read {
            return self.read_terms(fetch, plan_id);
        }
        let Some(visit) = self.look(fetch) else { return };
        let price = self.terms_of(&plan_id).and_then(|terms| terms.price.as_ref());
        match purchase_refusal(visit, price, &self.budget, now) {
            Some(error) if !self.is_bought(&plan_id) => self.fail(fetch, error),
            _ => self.want_purchase(fetch, OrderPlan { plan_id }, needed, now),
        }
    }

    /// Goes on once the platform has said the terms of a plan.
    fn read_terms(&mut self, fetch: FetchId, plan_id: PlanId) {
        let Some(visit) = self.fetch_mut(fetch) else { return };
        if !core::mem::replace(&mut visit.waits.price, true) {
            self.want_terms(Some(fetch), plan_id);
        }
    }

    /// Counts the offer of a fetch by terms that were not known when it was agreed to.
    pub(in crate::subscriber) fn count_anew(&mut self, fetch: FetchId) {
        self.release(fetch);
        self.set_cost(fetch);
        self.reserve(fetch);
    }

    fn get_token(&mut self, fetch: FetchId, now: u64) {
        let Some(visit) = self.fetch_mut(fetch) else { return };
        let (Some(key), false, false) = (visit.token_key(), visit.token.is_some(), visit.waits.token) else {
            return;
        };
        let token = self.tokens.take(&key, now);
        let Some(visit) = self.fetch_mut(fetch) else { return };
        if let Some((token, single_use)) = token {
            visit.token = Some(token);
            visit.token_single_use = single_use;
            visit.token_reused = true;
            return;
        }
        visit.waits.token = true;
        self.want_token(Some(fetch), key);
    }

    /// Keeps as many single-use tokens at hand as the caller wants, so that the next paid request is one round trip.
    fn mint_ahead(&mut self, fetch: FetchId) {
        let Some(visit) = self.fetch_mut(fetch) else { return };
        let wanted = visit.request.prefetch;
        let Some(key) = visit.token_key() else { return };
        if !self.single_use.contains(&key) {
            return;
        }
        let at_hand = self.tokens.count(&key) + self.minting_ahead(&key);
        for _ in at_hand..usize::try_from(wanted).unwrap_or_default().min(MAX_PREFETCH) {
            self.want_token(None, key.clone());
        }
    }

    pub(in crate::subscriber) fn send_paid(&mut self, fetch: FetchId, now: u64) {
        self.notice(fetch, NoticeKind::Paid);
        let Some(visit) = self.fetch_mut(fetch) else { return };
        let Some(token) = visit.token.take() else { return };
        let cost = visit.cost;
        let reserved = core::mem::take(&mut visit.reserved);
        // With a consent of its own it is another payment, and what was open stays open in the books.
        if visit.consent.is_some() && visit.resumed.take().is_some() {
            visit.spend.outcome = Outcome::None;
        }
        visit.spend.requests += 1;
        visit.tokens += 1;
        visit.presentations += 1;
        visit.sent_token = Some(token.clone());
        visit.spend.single_use = visit.token_single_use;
        let send = Send {
            target: visit.moved.then(|| visit.target.clone()),
            token: Some(token),
            redirects: Redirects::Manual,
            as_get: visit.as_get,
        };
        visit.presented_at = now;
        visit.spend.credits_presented = visit.spend.credits_presented.saturating_add(cost);
        let offer = visit.offer.clone();
        self.budget.release(reserved);
        if let Some(offer) = offer {
            self.budget.present(&offer, cost, now);
        }
        self.open_entry(fetch, cost);
        self.act(fetch, Phase::Paying, Action::Send(send));
        self.mint_ahead(fetch);
    }

    fn release(&mut self, fetch: FetchId) {
        if let Some(visit) = self.fetch_mut(fetch) {
            let reserved = core::mem::take(&mut visit.reserved);
            self.budget.release(reserved);
        }
    }

    pub(in crate::subscriber) fn fail(&mut self, fetch: FetchId, error: FetchError) {
        let ordering = self.purchase_awaited_by(fetch);
        let Some(visit) = self.fetch_mut(fetch) else { return };
        if visit.phase == Phase::Paying && error_leaves_doubt(&error) {
            // What an earlier answer left open cannot be gone on with; the same single-use token can.
            let is_open = visit.spend.outcome == Outcome::None || visit.resumed.is_some();
            visit.unsettled = is_open && error != FetchError::LoggedOut;
            self.outcome_is_unknown(fetch);
            self.notice(fetch, NoticeKind::Unknown);
        }
        if let (Some(purchase), Some(visit)) = (ordering, self.fetch_mut(fetch)) {
            visit.spend.purchases.push(purchase);
        }
        self.finish(fetch, Err(error));
    }

    /// A token was presented, and nobody but the seller can say what became of it.
    pub(in crate::subscriber) fn outcome_is_unknown(&mut self, fetch: FetchId) {
        let Some(visit) = self.fetch_mut(fetch) else { return };
        visit.spend.outcome = Outcome::Unknown;
        if let Some(entry) = &mut visit.entry {
            entry.outcome = Outcome::Unknown;
        }
        let (cost, offer) = (visit.cost, visit.offer.clone());
        if let Some(offer) = offer {
            self.take_from_balance(offer.plan_id(), cost);
        }
    }

    pub(in crate::subscriber) fn finish(&mut self, fetch: FetchId, result: Result<(), FetchError>) {
        self.release(fetch);
        let payment = self.left_open(fetch);
        let Some(visit) = self.fetch_mut(fetch) else { return };
        visit.spend.payment = payment;
        let (spend, receipt) = (visit.spend.clone(), visit.receipt.take());
        let offers = core::mem::take(&mut visit.candidates);
        self.close_entry(fetch);
        self.act(fetch, Phase::Done, Action::Finish(Box::new(Finish { result, receipt, spend, offers })));
    }
}

/// Why a fetch may not order a plan now. By a policy alone a plan is bought only where its plans or a price are named, and
/// once an hour where no number is.
fn purchase_refusal(
    visit: &Fetch,
    price: Option<&PlanPrice>,
    budget: &Budget,
    now: u64,
) -> Option<FetchError> {
    let by_policy = visit.consent.is_none_or(|Consent::Given { asked, .. }| !asked);
    let is_bounded = |policy: &Policy| !policy.plans.is_empty() || policy.max_price.is_some();
    if by_policy && !visit.request.policies().any(is_bounded) {
        return Some(FetchError::PurchaseUnbounded);
    }
    if !visit.request.policies().all(|policy| policy.allows_price(price)) {
        return Some(FetchError::BudgetExceeded("maxPrice"));
    }
    let usual = Policy {
        max_purchases: PurchaseLimits { per_hour: Some(1), ..PurchaseLimits::default() },
        ..Policy::default()
    };
    let unlimited = !visit.request.policies().any(|policy| policy.max_purchases.is_set());
    let usual = (by_policy && unlimited).then_some(&usual);
    let limit =
        visit.request.policies().chain(usual).find_map(|policy| policy.broken_purchase_limit(budget, now));
    limit.map(FetchError::BudgetExceeded)
}

/// What a request would cost, to rank it by: a double will do for that, and for nothing else.
#[allow(clippy::float_arithmetic)]
fn rank_price(per_credit: f64, needed: Credits) -> f64 {
    per_credit * needed.to_f64()
}

/// Whether an error that ends a fetch with a token on the wire leaves open what became of it.
fn error_leaves_doubt(error: &FetchError) -> bool {
    matches!(
        error,
        FetchError::OutcomeUnknown | FetchError::SendTimeout | FetchError::Aborted | FetchError::LoggedOut
    )
}
