use super::context::Context;
use super::progress::{Agreement, Progress, TokenAtHand, Transition};
use crate::subscriber::consent::{Consent, ConsentDecision, decide};
use crate::subscriber::{Action, Approval, Event, FetchError, NoticeKind, Offer};
use crate::wire::{Credits, DelegationRef};
use alloc::sync::Arc;

/// Consent to an offer is being found (rule 3).
#[derive(Debug)]
pub(crate) struct Considering {
    offer: Arc<Offer>,
    by_grant: bool,
    considered_at: u64,
    cost: Credits,
    wait: Wait,
    /// The token of the agreement that an earlier approval gave, and the delegation that it is from.
    at_hand: TokenAtHand,
    delegation_id: Option<DelegationRef>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The platform is asked for the terms of the plan, because a limit depends on them.
    Terms,
    /// The user is being asked.
    Answer,
    /// The user will be asked when the same question of another fetch has been answered.
    Queue,
}

impl Considering {
    /// Takes up terms that this fetch has no consent to yet.
    pub(crate) fn start(offer: Arc<Offer>, cx: &mut Context<'_>) -> Progress<Self> {
        cx.notice(NoticeKind::Offer, Some(&offer));
        let state = Self {
            offer,
            by_grant: false,
            considered_at: cx.now,
            cost: Credits::ZERO,
            wait: Wait::Terms,
            at_hand: TokenAtHand::default(),
            delegation_id: None,
        };
        state.decide(cx)
    }

    /// Asks about terms that an earlier approval covered, because the credits do not suffice.
    pub(crate) fn ask_anew(
        agreement: Agreement,
        at_hand: TokenAtHand,
        cx: &mut Context<'_>,
    ) -> Progress<Self> {
        let state = Self {
            offer: agreement.offer,
            by_grant: false,
            considered_at: agreement.considered_at,
            cost: agreement.cost,
            wait: Wait::Answer,
            at_hand,
            delegation_id: Some(agreement.delegation_id),
        };
        state.ask(cx)
    }

    pub(crate) fn offer(&self) -> &Arc<Offer> {
        &self.offer
    }

    pub(crate) fn wait(&self) -> Wait {
        self.wait
    }

    pub(crate) fn handle(self, event: Event, cx: &mut Context<'_>) -> Progress<Self> {
        match (self.wait, event) {
            (Wait::Answer, Event::Approved(approval)) => self.approved(approval, cx),
            (Wait::Answer, Event::ApproveFailed) => Progress::fail(FetchError::ApproveFailed),
            _ => Progress::Stay(self),
        }
    }

    /// The platform has stated the terms of the plan, or the question of another fetch was answered.
    pub(crate) fn decide_anew(self, wait: Wait, cx: &mut Context<'_>) -> Progress<Self> {
        if self.wait == wait { self.decide(cx) } else { Progress::Stay(self) }
    }

    pub(crate) fn at_hand(&mut self) -> &mut TokenAtHand {
        &mut self.at_hand
    }

    /// The offer and the delegation of the token at hand.
    pub(crate) fn token_terms(&self) -> Option<(&Offer, &DelegationRef)> {
        self.delegation_id.as_ref().map(|delegation_id| (&*self.offer, delegation_id))
    }

    fn decide(mut self, cx: &mut Context<'_>) -> Progress<Self> {
        // This comes before the question, because a yes would not help.
        if !cx.session.logged_in && !self.offer.is_money() {
            return Progress::fail(FetchError::Unauthorized);
        }
        // A second payment for the same is another question than a payment for something alike.
        let grant = if self.offer.again { None } else { cx.session.agreements.grant_for(&self.offer) };
        self.by_grant = grant.is_some();
        let request = &cx.fetch.request;
        let decision = decide(request.policy.as_deref(), request.can_ask, self.by_grant);
        // Without a question, a policy pays an amount only of an asset that it limits.
        let by_policy = matches!(decision, ConsentDecision::Pay(_)) && !self.by_grant;
        let unlimited =
            self.offer.is_money() && !request.policies().any(|policy| policy.limits_amounts_of(&self.offer));
        if decision == ConsentDecision::NoConsent || by_policy && unlimited {
            return Progress::fail(FetchError::ConsentRequired);
        }
        // A limit counts the most that the platform can take: it states that once for each plan and session, before the user is asked.
        let plan_id = self.offer.plan_id();
        if request.is_limited() && !self.offer.is_money() && cx.session.plans.terms(plan_id).is_none() {
            cx.session.want_terms(Some(cx.fetch.id), plan_id.clone());
            self.wait = Wait::Terms;
            return Progress::Stay(self);
        }
        self.cost = cx.cost_of(&self.offer);
        if let Some(limit) = cx.broken_limit(&self.offer, self.cost) {
            return Progress::fail(FetchError::BudgetExceeded(limit));
        }
        match decision {
            ConsentDecision::Pay(consent) => self.agree(consent, grant.flatten(), cx),
            ConsentDecision::Ask | ConsentDecision::NoConsent => self.ask(cx),
        }
    }

    /// Asks, unless the same question is open: an answer for the whole session also answers the other fetches.
    /// A fetch that the `approve` callback of that question makes fails, since the answer would never come.
    fn ask(mut self, cx: &mut Context<'_>) -> Progress<Self> {
        let (id, asks) = (cx.fetch.id, cx.fetch.request.asks);
        match cx.session.questions.same_as(asks, &self.offer) {
            None => {
                cx.session.questions.open(id, asks, self.offer.clone());
                cx.act(Action::Ask(self.offer.clone()));
                self.wait = Wait::Answer;
            }
            Some(question) if cx.session.questions.is_within(id, question) => {
                return Progress::fail(FetchError::ApproveReentered);
            }
            Some(_) => self.wait = Wait::Queue,
        }
        Progress::Stay(self)
    }

    fn approved(self, approval: Approval, cx: &mut Context<'_>) -> Progress<Self> {
        cx.session.questions.close(cx.fetch.id);
        if !approval.approve {
            return Progress::fail(FetchError::ConsentDenied);
        }
        // Others may have spent before the answer came.
        if let Some(limit) = cx.broken_limit(&self.offer, self.cost) {
            return Progress::fail(FetchError::BudgetExceeded(limit));
        }
        if approval.remember {
            cx.session.agreements.grant(self.offer.clone(), approval.delegation_id.clone());
        }
        let consent = Consent { purchase: approval.purchase, asked: true };
        self.agree(consent, approval.delegation_id, cx)
    }

    fn agree(
        self,
        mut consent: Consent,
        chosen: Option<DelegationRef>,
        cx: &mut Context<'_>,
    ) -> Progress<Self> {
        let request = &cx.fetch.request;
        let delegation_id =
            chosen.or_else(|| request.delegation_id.clone()).or_else(|| cx.session.delegation_id.clone());
        // A wallet pays an amount, and no delegation.
        let wallet = || DelegationRef::parse("wallet", "delegationId").ok().filter(|_| self.offer.is_money());
        let Some(delegation_id) = wallet().or(delegation_id) else {
            return Progress::fail(FetchError::DelegationRequired);
        };
        // A policy's plain no to buying holds whoever says yes.
        if request.policies().any(|policy| policy.purchase == Some(false)) {
            consent.purchase = Some(false);
        }
        // A token of another delegation is not for this payment.
        let at_hand = match self.delegation_id.as_ref() == Some(&delegation_id) {
            true => self.at_hand,
            false => TokenAtHand::default(),
        };
        let agreement = Agreement {
            offer: self.offer,
            delegation_id,
            consent: Some(consent),
            by_grant: self.by_grant,
            considered_at: self.considered_at,
            cost: self.cost,
        };
        Progress::Next(Transition::Prepare(agreement, at_hand))
    }
}
