//! The way of one fetch up to its payment: bare, offer, consent, credits, token, paid. What is answered to it is in
//! `paid.rs`.

use super::consent::{Consent, Verdict, judge};
use super::visit::{Action, Finish, Phase, Redirects, Send};
use super::{Answer, Approval, Buyer, Command, FetchError, FetchId, NoticeKind, Offer, Outcome};
use crate::api::plans::{GetPlanBalance, OrderPlan};
use crate::wire::{Credits, PaymentRequired, WireError, WireErrorKind};
use alloc::{boxed::Box, rc::Rc, string::String};

/// How many single-use tokens are minted ahead at the most.
const MAX_PREFETCH: usize = 16;

impl Buyer {
    pub(super) fn act(&mut self, fetch: FetchId, phase: Phase, action: Action) {
        if let Some(visit) = self.visit(fetch) {
            visit.phase = phase;
            self.command(Command::Do(fetch, Box::new(action)));
        }
    }

    pub(super) fn send_bare(&mut self, fetch: FetchId) {
        self.notice(fetch, NoticeKind::Request);
        let Some(visit) = self.visit(fetch) else { return };
        visit.spend.requests += 1;
        let send = Send {
            target: visit.moved.then(|| visit.target.clone()),
            token: None,
            redirects: visit.request.redirects,
            as_get: visit.as_get,
        };
        self.act(fetch, Phase::Bare, Action::Send(send));
    }

    pub(super) fn answered_bare(&mut self, fetch: FetchId, answer: Answer, now: u64) {
        let Some(visit) = self.visit(fetch) else { return };
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
        self.look_for_offer(fetch, answer.offer, now);
    }

    /// Rule 2: the header, else the body.
    pub(super) fn look_for_offer(&mut self, fetch: FetchId, header: Option<String>, now: u64) {
        match header {
            None => self.act(fetch, Phase::ReadingOffer, Action::ReadBody),
            Some(header) => self.take_offer(fetch, PaymentRequired::from_header(&header), now),
        }
    }

    pub(super) fn read_offer(&mut self, fetch: FetchId, body: Option<String>, now: u64) {
        let required = match body {
            Some(body) => PaymentRequired::from_json(body.as_bytes()),
            None => Err(WireError::new(WireErrorKind::Missing, "payment-required")),
        };
        self.take_offer(fetch, required, now);
    }

    fn take_offer(&mut self, fetch: FetchId, required: Result<PaymentRequired, WireError>, now: u64) {
        let Some(visit) = self.visit(fetch) else { return };
        let required = match (required, visit.refusals) {
            (Ok(required), _) => required,
            (Err(error), _) if visit.consent.is_none() => {
                return self.fail(fetch, FetchError::MalformedOffer(error));
            }
            // A refusal without a fresh offer: the one that was agreed to still stands.
            (Err(_), _) => return self.advance(fetch, now),
        };
        if !visit.target.is_secure() {
            return self.fail(fetch, FetchError::InsecureTarget);
        }
        let mut offers = Offer::candidates(&required, &visit.target, &visit.request);
        if visit.request.quote {
            visit.candidates = offers;
            return self.finish(fetch, Ok(()));
        }
        if offers.is_empty() {
            return self.fail(fetch, FetchError::NoPayableOffer);
        }
        if offers.len() == 1 {
            return self.consider(fetch, offers.remove(0), now);
        }
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
    pub(super) fn choose(&mut self, fetch: FetchId, now: u64) {
        if self.awaits_balance(fetch) {
            return;
        }
        let Some(visit) = self.visit(fetch) else { return };
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

    pub(super) fn selected(&mut self, fetch: FetchId, choice: Option<usize>, now: u64) {
        let Some(visit) = self.visit(fetch) else { return };
        let mut offers = core::mem::take(&mut visit.candidates);
        match choice.filter(|index| *index < offers.len()) {
            Some(index) => self.consider(fetch, offers.swap_remove(index), now),
            None => self.fail(fetch, FetchError::ConsentDenied),
        }
    }

    /// Rule 3.
    pub(super) fn consider(&mut self, fetch: FetchId, offer: Rc<Offer>, now: u64) {
        let Some(visit) = self.visit(fetch) else { return };
        let agreed = visit.consent.is_some() && visit.offer.as_ref().is_some_and(|had| had.covers(&offer));
        visit.offer = Some(offer.clone());
        if agreed {
            visit.phase = Phase::Preparing;
            return self.advance(fetch, now);
        }
        visit.consent = None;
        self.release(fetch);
        self.notice(fetch, NoticeKind::Offer);
        self.decide(fetch, offer, now);
    }

    fn decide(&mut self, fetch: FetchId, offer: Rc<Offer>, now: u64) {
        // Before anybody is asked: a yes would lead nowhere.
        if !self.logged_in {
            return self.fail(fetch, FetchError::Unauthorized);
        }
        // To pay for the same again is another question than to pay for the like of it.
        let grant = self.grants.iter().find(|(granted, _)| granted.covers(&offer) && !offer.again);
        let (granted, delegation) = grant.map_or((false, None), |(_, delegation)| (true, delegation.clone()));
        let limit = self.broken_limit(fetch, &offer, now);
        let Some(visit) = self.visit(fetch) else { return };
        visit.by_grant = granted;
        match judge(limit, visit.request.policy.as_deref(), visit.request.can_ask, granted) {
            Verdict::OverLimit(limit) => self.fail(fetch, FetchError::BudgetExceeded(limit)),
            Verdict::Ask => self.ask(fetch, offer),
            Verdict::Go(consent) => {
                visit.delegation_id = delegation;
                self.agreed(fetch, consent, now);
            }
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
                if let Some(visit) = self.visit(fetch) {
                    visit.phase = Phase::Queued;
                }
            }
        }
    }

    /// A question was answered: those who waited for the answer are decided anew, one question at a time.
    pub(super) fn ask_next(&mut self, now: u64) {
        for fetch in self.in_phase(Phase::Queued) {
            let Some(offer) = self.visit(fetch).and_then(|visit| visit.offer.clone()) else { continue };
            self.decide(fetch, offer, now);
        }
    }

    pub(super) fn approved(&mut self, fetch: FetchId, approval: Approval, now: u64) {
        if !approval.approve {
            return self.fail(fetch, FetchError::ConsentDenied);
        }
        let Some(offer) = self.visit(fetch).and_then(|visit| visit.offer.clone()) else { return };
        // Others may have spent while somebody made up their mind.
        if let Some(limit) = self.broken_limit(fetch, &offer, now) {
            return self.fail(fetch, FetchError::BudgetExceeded(limit));
        }
        let Some(visit) = self.visit(fetch) else { return };
        visit.delegation_id = approval.delegation_id.clone();
        if approval.remember {
            self.grant(offer, approval.delegation_id);
        }
        self.agreed(fetch, Consent::Given { purchase: approval.purchase }, now);
    }

    fn agreed(&mut self, fetch: FetchId, consent: Consent, now: u64) {
        let (logged_in, default) = (self.logged_in, self.delegation_id.clone());
        let Some(visit) = self.visit(fetch) else { return };
        if !logged_in {
            return self.fail(fetch, FetchError::Unauthorized);
        }
        let chosen = visit.delegation_id.take().or_else(|| visit.request.delegation_id.clone()).or(default);
        if chosen.is_none() {
            return self.fail(fetch, FetchError::DelegationRequired);
        }
        visit.delegation_id = chosen;
        visit.consent = Some(visit.without_what_is_forbidden(consent));
        if visit.resumed.take().is_some() {
            // It is another payment now.
            visit.spend.outcome = Outcome::None;
            (visit.presented_at, visit.entry) = (0, None);
        }
        visit.phase = Phase::Preparing;
        visit.reserved = visit.price();
        let reserved = visit.reserved;
        self.budget.reserve(reserved);
        self.notice(fetch, NoticeKind::Consent);
        self.advance(fetch, now);
    }

    /// Gets what is still wanting, credits and a token, and sends when nothing is.
    pub(super) fn advance(&mut self, fetch: FetchId, now: u64) {
        let holder = self.holder.clone();
        let Some(visit) = self.visit(fetch) else { return };
        visit.phase = Phase::Preparing;
        let (Some(offer), Some(consent)) = (visit.offer.clone(), visit.consent) else { return };
        let plan_id = offer.plan_id().clone();
        let doubtful = visit.balance_doubtful;
        let promised = self.promised(&plan_id, fetch);
        let suffices = |held: Credits| held.saturating_sub(promised) >= offer.needed();
        let old_will_do = consent == Consent::Given { purchase: Some(false) };
        let old = self.last_balance(&plan_id).filter(|held| old_will_do && suffices(*held));
        let held = self.known_balance(&plan_id, now).or(old).filter(|_| !doubtful);
        let short = held.map(|held| !suffices(held));
        let ordered = self.order_of(&plan_id, now).is_some();
        let Some(visit) = self.visit(fetch) else { return };

        let held_only = old_will_do || consent == Consent::HeldCreditsOnly;
        // What was agreed to once for all was paying, not buying: where the credits do not suffice, ask again.
        let ask_if_short = visit.by_grant && visit.request.can_ask;
        if ask_if_short && short == Some(true) {
            visit.by_grant = false;
            visit.consent = None;
            self.release(fetch);
            return self.ask(fetch, offer);
        }
        // While an order is under way its credits are waited for: a payment without them might buy the plan again.
        let waits_for_order = ordered && consent != Consent::HeldCreditsOnly;
        let must_know =
            held_only || waits_for_order || visit.balance_doubtful && (visit.may_order() || ask_if_short);
        if (visit.may_order() || waits_for_order) && short == Some(true) {
            return self.want_purchase(fetch, OrderPlan { plan_id }, offer.needed(), now);
        }
        if held_only && short == Some(true) {
            return self.fail(fetch, FetchError::InsufficientCredits);
        }
        if must_know && short.is_none() && !visit.waits.balance {
            let Some(holder) = holder else {
                return self.fail(fetch, FetchError::InsufficientCredits);
            };
            visit.waits.balance = true;
            self.want_balance(fetch, GetPlanBalance { plan_id, holder });
            if !held_only {
                return;
            }
        }
        self.get_token(fetch, now);
        let Some(visit) = self.visit(fetch) else { return };
        if !visit.waits.balance && visit.token.is_some() {
            self.send_paid(fetch, now);
        }
    }

    fn get_token(&mut self, fetch: FetchId, now: u64) {
        let Some(visit) = self.visit(fetch) else { return };
        let (Some(key), false, false) = (visit.token_key(), visit.token.is_some(), visit.waits.token) else {
            return;
        };
        let token = self.tokens.take(&key, now);
        let Some(visit) = self.visit(fetch) else { return };
        if token.is_some() {
            visit.token = token;
            visit.token_reused = true;
            return;
        }
        visit.waits.token = true;
        self.want_token(Some(fetch), key);
    }

    /// Keeps as many single-use tokens at hand as the caller wants, so that the next paid request is one round trip.
    fn mint_ahead(&mut self, fetch: FetchId) {
        let Some(visit) = self.visit(fetch) else { return };
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

    pub(super) fn send_paid(&mut self, fetch: FetchId, now: u64) {
        self.notice(fetch, NoticeKind::Paid);
        let Some(plan_id) = self.visit(fetch).and_then(|visit| Some(visit.offer.as_ref()?.plan_id().clone()))
        else {
            return;
        };
        let held = self.known_balance(&plan_id, now);
        let Some(visit) = self.visit(fetch) else { return };
        let Some(token) = visit.token.take() else { return };
        let price = visit.price();
        let reserved = core::mem::take(&mut visit.reserved);
        visit.spend.requests += 1;
        visit.spend.credits_presented = visit.spend.credits_presented.saturating_add(price);
        visit.sent_token = Some(token.clone());
        let send = Send {
            target: visit.moved.then(|| visit.target.clone()),
            token: Some(token),
            redirects: Redirects::Manual,
            as_get: visit.as_get,
        };
        visit.held = held;
        let resumed = visit.resumed.as_ref().map(|(_, one)| one.presented_at);
        visit.presented_at = resumed.unwrap_or(now);
        let offer = visit.offer.clone();
        self.budget.release(reserved);
        // The same payment once more counts once.
        if let (Some(offer), None) = (offer, resumed) {
            self.budget.present(&offer, price, now);
        }
        self.open_entry(fetch, price);
        self.act(fetch, Phase::Paying, Action::Send(send));
        self.mint_ahead(fetch);
    }

    fn release(&mut self, fetch: FetchId) {
        if let Some(visit) = self.visit(fetch) {
            let reserved = core::mem::take(&mut visit.reserved);
            self.budget.release(reserved);
        }
    }

    pub(super) fn fail(&mut self, fetch: FetchId, error: FetchError) {
        let ordering = self.purchase_awaited_by(fetch);
        let Some(visit) = self.visit(fetch) else { return };
        if visit.phase == Phase::Paying && error_leaves_doubt(&error) {
            // What an earlier answer left open cannot be gone on with.
            visit.unsettled = visit.spend.outcome == Outcome::None && error != FetchError::LoggedOut;
            visit.spend.outcome = Outcome::Unknown;
            if let Some(entry) = &mut visit.entry {
                entry.outcome = Outcome::Unknown;
            }
            let plan_id = visit.offer.as_ref().map(|offer| offer.plan_id().clone());
            if let Some(plan_id) = plan_id {
                self.forget_balance(&plan_id);
            }
            self.notice(fetch, NoticeKind::Unknown);
        }
        if let (Some(purchase), Some(visit)) = (ordering, self.visit(fetch)) {
            visit.spend.purchases.push(purchase);
        }
        self.finish(fetch, Err(error));
    }

    pub(super) fn finish(&mut self, fetch: FetchId, result: Result<(), FetchError>) {
        self.release(fetch);
        let payment = self.left_open(fetch);
        let Some(visit) = self.visit(fetch) else { return };
        visit.spend.payment = payment;
        let (spend, receipt) = (visit.spend.clone(), visit.receipt.take());
        let offers = core::mem::take(&mut visit.candidates);
        self.close_entry(fetch);
        self.act(fetch, Phase::Done, Action::Finish(Box::new(Finish { result, receipt, spend, offers })));
    }
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
