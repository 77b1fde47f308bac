//! The way of one fetch up to its payment: bare, offer, consent, credits, token, paid. What is answered to it is in
//! `paid.rs`.

use super::consent::{Consent, Verdict, judge};
use super::visit::{Action, Finish, Phase, Redirects, Send};
use super::{Answer, Approval, Buyer, Command, FetchError, FetchId, NoticeKind, Offer, Outcome, TokenKey};
use crate::api::plans::{GetPlanBalance, OrderPlan};
use crate::api::x402::GetAccessToken;
use crate::wire::{PaymentRequired, WireError, WireErrorKind};
use alloc::{boxed::Box, string::String};

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
        match Offer::choose(&required, &visit.target, visit.request.policy.as_ref()) {
            None => self.fail(fetch, FetchError::NoPayableOffer),
            Some(offer) => self.consider(fetch, offer, now),
        }
    }

    /// Rule 3.
    pub(super) fn consider(&mut self, fetch: FetchId, offer: Offer, now: u64) {
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
        let grant = self.grants.iter().find(|(granted, _)| granted.covers(&offer));
        let (granted, delegation) = grant.map_or((false, None), |(_, delegation)| (true, delegation.clone()));
        let budget = self.budget;
        let Some(visit) = self.visit(fetch) else { return };
        visit.by_grant = granted;
        match judge(&offer, visit.request.policy.as_ref(), visit.request.can_ask, granted, &budget) {
            Verdict::OverLimit(limit) => self.fail(fetch, FetchError::BudgetExceeded(limit)),
            Verdict::Ask => self.act(fetch, Phase::Asking, Action::Ask(offer)),
            Verdict::Go(consent) => {
                visit.delegation_id = delegation;
                self.agreed(fetch, consent, now);
            }
        }
    }

    pub(super) fn approved(&mut self, fetch: FetchId, approval: Approval, now: u64) {
        if !approval.approve {
            return self.fail(fetch, FetchError::ConsentDenied);
        }
        let budget = self.budget;
        let Some(visit) = self.visit(fetch) else { return };
        let Some(offer) = visit.offer.clone() else { return };
        // Others may have spent while somebody made up their mind.
        let limit = visit.request.policy.as_ref().and_then(|policy| policy.broken_limit(&offer, &budget));
        if let Some(limit) = limit {
            return self.fail(fetch, FetchError::BudgetExceeded(limit));
        }
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
        visit.consent = Some(consent);
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
        if visit.waits.purchase || visit.waits.balance && consent != Consent::HeldCreditsOnly {
            return;
        }
        let plan_id = offer.plan_id().clone();
        let held = if visit.balance_doubtful { None } else { self.known_balance(&plan_id, now) };
        let promised = self.promised(&plan_id, fetch);
        let short = held.map(|held| held.saturating_sub(promised) < offer.needed());
        let Some(visit) = self.visit(fetch) else { return };

        let held_only = consent == Consent::HeldCreditsOnly;
        // What was agreed to once for all was paying, not buying: where the credits do not suffice, ask again.
        let ask_if_short = visit.by_grant && visit.request.can_ask;
        if ask_if_short && short == Some(true) {
            visit.by_grant = false;
            visit.consent = None;
            self.release(fetch);
            return self.act(fetch, Phase::Asking, Action::Ask(offer));
        }
        let must_know = held_only || visit.balance_doubtful && (visit.may_purchase() || ask_if_short);
        if visit.may_purchase() && short == Some(true) {
            visit.waits.purchase = true;
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
        self.get_token(fetch, &offer, now);
        let Some(visit) = self.visit(fetch) else { return };
        if !visit.waits.token && !visit.waits.balance && visit.token.is_some() {
            self.send_paid(fetch);
        }
    }

    fn get_token(&mut self, fetch: FetchId, offer: &Offer, now: u64) {
        let Some(visit) = self.visit(fetch) else { return };
        let Some(delegation_id) = visit.delegation_id.clone() else { return };
        if visit.token.is_some() || visit.waits.token {
            return;
        }
        let key = TokenKey::new(offer, delegation_id.clone());
        let token = self.tokens.take(&key, now);
        let Some(visit) = self.visit(fetch) else { return };
        if token.is_some() {
            visit.token = token;
            visit.token_reused = true;
            return;
        }
        visit.waits.token = true;
        let call = GetAccessToken {
            scheme: offer.scheme(),
            network: offer.network().into(),
            plan_id: offer.plan_id().clone(),
            agent_id: offer.agent_id().cloned(),
            delegation_id,
        };
        self.want_token(fetch, key, call);
    }

    fn send_paid(&mut self, fetch: FetchId) {
        self.notice(fetch, NoticeKind::Paid);
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
        self.budget.release(reserved);
        self.budget.present(price);
        self.act(fetch, Phase::Paying, Action::Send(send));
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
        if visit.phase == Phase::Paying && visit.sent_token.is_some() && error_leaves_doubt(&error) {
            visit.spend.outcome = Outcome::Unknown;
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
        let Some(visit) = self.visit(fetch) else { return };
        let (spend, receipt) = (visit.spend.clone(), visit.receipt.take());
        self.act(fetch, Phase::Done, Action::Finish(Finish { result, receipt, spend }));
    }
}

/// Whether an error that ends a fetch with a token on the wire leaves open what became of it.
fn error_leaves_doubt(error: &FetchError) -> bool {
    matches!(error, FetchError::OutcomeUnknown | FetchError::Aborted | FetchError::LoggedOut)
}
