use super::context::Context;
use super::progress::{Agreement, FetchToken, Payment, Progress, TokenAtHand, Transition};
use super::purchase_limits::purchase_refusal;
use crate::api::plans::GetPlanBalance;
use crate::subscriber::in_progress::Commitment;
use crate::subscriber::session::PurchaseWish;
use crate::subscriber::{FetchError, NoticeKind, TokenKey};
use crate::wire::{Credits, Scheme};
use alloc::sync::Arc;

/// Credits and a token are being got for terms that are agreed to.
#[derive(Debug)]
pub(crate) struct Preparing {
    agreement: Agreement,
    /// The credits that this fetch holds of the budget.
    reserved: Credits,
    at_hand: TokenAtHand,
    awaits_balance: bool,
    awaits_terms: bool,
}

impl Preparing {
    /// Consent was given.
    pub(crate) fn start(agreement: Agreement, at_hand: TokenAtHand, cx: &mut Context<'_>) -> Progress<Self> {
        let state = Self::reserve(agreement, at_hand, cx);
        cx.notice(NoticeKind::Consent, Some(&state.agreement.offer));
        state.advance(cx)
    }

    /// Another token is got for the same terms: the credits that the first token presented stay counted.
    pub(crate) fn retry(mut agreement: Agreement, cx: &mut Context<'_>) -> Progress<Self> {
        if let Some(limit) = cx.broken_limit(&agreement.offer, agreement.cost) {
            return Progress::fail(FetchError::BudgetExceeded(limit));
        }
        agreement.considered_at = cx.now;
        Self::reserve(agreement, TokenAtHand::default(), cx).advance(cx)
    }

    fn reserve(agreement: Agreement, at_hand: TokenAtHand, cx: &mut Context<'_>) -> Self {
        // An amount is counted when it is sent, and its limits are looked at once more then.
        let reserved = if agreement.offer.is_money() { Credits::ZERO } else { agreement.cost };
        cx.session.budget.reserve(reserved);
        cx.session.commitments.set(Commitment {
            fetch: cx.fetch.id,
            offer: agreement.offer.clone(),
            trusts_price: cx.fetch.request.trusts_price_of(&agreement.offer),
            is_on_wire: false,
        });
        Self { agreement, reserved, at_hand, awaits_balance: false, awaits_terms: false }
    }

    /// Gives back what is held of the budget: the state is left.
    pub(crate) fn release(&mut self, cx: &mut Context<'_>) {
        cx.session.budget.release(core::mem::take(&mut self.reserved));
    }

    /// Gets what is missing, credits and a token, and sends when nothing is.
    ///
    /// If a decision depends on the balance, the balance that the platform stated last, less what was presented since,
    /// is enough for a yes. Only a balance that was read after this fetch knew its terms is enough for a no.
    pub(crate) fn advance(mut self, cx: &mut Context<'_>) -> Progress<Self> {
        if self.agreement.offer.is_money() {
            return self.get_and_pay(cx);
        }
        let purchase = self.agreement.consent.unwrap_or_default().purchase;
        let held_only = self.agreement.spends_held_only();
        let plan_id = self.agreement.offer.plan_id().clone();
        // Only the platform can say if the credits held cover the most that it can take.
        if held_only && cx.session.plans.terms(&plan_id).is_none() {
            self.read_terms(cx);
            return Progress::Stay(self);
        }
        // The platform itself buys for a card when it settles: nothing is ordered.
        let by_card = self.agreement.offer.scheme() == Scheme::CardDelegation;
        let may_order = purchase == Some(true) && !cx.fetch.purchased && !by_card;
        // An earlier approval was about paying, not about buying: where the credits do not suffice, ask again.
        let asks_if_short = self.agreement.by_grant && cx.fetch.request.can_ask;
        // While an order is under way its credits are waited for: a payment without them might buy the plan again.
        let ordered = cx.session.order_of(&plan_id, cx.now).is_some();

        if may_order || held_only || asks_if_short || ordered {
            let needed = cx.needed(&self.agreement, held_only);
            let committed = cx.committed(&self.agreement, held_only);
            let held = cx.session.plans.balance(&plan_id);
            let enough = held.map(|held| held.saturating_sub(committed) >= needed);
            let just_read = cx.session.plans.is_read_since(&plan_id, self.agreement.considered_at);
            if enough == Some(false) && just_read {
                if asks_if_short {
                    self.release(cx);
                    return Progress::Next(Transition::Ask(self.agreement, self.at_hand));
                }
                if ordered && !held_only {
                    return self.purchase(needed, cx);
                }
                if may_order {
                    return self.buy(needed, cx);
                }
                if held_only {
                    return self.fail(FetchError::InsufficientCredits, cx);
                }
            }
            let was_refused = cx.fetch.tokens > 0;
            let depends =
                may_order || held_only || ordered || asks_if_short && (enough.is_some() || was_refused);
            if depends && enough != Some(true) && !just_read && !self.awaits_balance {
                match cx.session.account.clone() {
                    Some(holder) => {
                        self.awaits_balance = true;
                        cx.session.want_balance(cx.fetch.id, GetPlanBalance { plan_id, holder });
                    }
                    // The balance of a key without an account cannot be read.
                    None if held_only => return self.fail(FetchError::InsufficientCredits, cx),
                    None => {}
                }
            }
        }
        // A fetch that ends for want of a balance would leave a mint behind that no report has.
        if self.awaits_balance && !held_only {
            return Progress::Stay(self);
        }
        self.get_and_pay(cx)
    }

    /// Gets a token, and pays once nothing is missing.
    fn get_and_pay(mut self, cx: &mut Context<'_>) -> Progress<Self> {
        self.get_token(cx);
        let is_ready = !(self.awaits_balance || self.awaits_terms || self.at_hand.is_awaited);
        match self.at_hand.token.take() {
            Some(token) if is_ready => {
                self.release(cx);
                Progress::Next(Transition::Pay(Payment { agreement: self.agreement, token }))
            }
            token => {
                self.at_hand.token = token;
                Progress::Stay(self)
            }
        }
    }

    fn fail(mut self, error: FetchError, cx: &mut Context<'_>) -> Progress<Self> {
        self.release(cx);
        Progress::fail(error)
    }

    /// Orders a plan, within the limits on purchases.
    fn buy(mut self, needed: Credits, cx: &mut Context<'_>) -> Progress<Self> {
        let plan_id = self.agreement.offer.plan_id();
        let is_priced = cx.fetch.request.policies().any(|policy| policy.max_price.is_some());
        if is_priced && !cx.fetch.price_read {
            self.read_terms(cx);
            return Progress::Stay(self);
        }
        let price = cx.session.plans.terms(plan_id).and_then(|terms| terms.price.as_ref());
        let asked = self.agreement.consent.unwrap_or_default().asked;
        match purchase_refusal(&cx.fetch.request, asked, price, &cx.session.budget, cx.now) {
            Some(error) if !cx.session.calls.is_bought(plan_id) => self.fail(error, cx),
            _ => self.purchase(needed, cx),
        }
    }

    fn purchase(self, needed: Credits, cx: &mut Context<'_>) -> Progress<Self> {
        let offer = &self.agreement.offer;
        let wish = PurchaseWish {
            fetch: cx.fetch.id,
            url: &cx.fetch.target.url,
            offer,
            credits_timeout: cx.fetch.request.timeouts.credits,
        };
        match cx.session.want_purchase(&wish, offer.plan_id(), needed, cx.now) {
            Ok(()) => Progress::Stay(self),
            Err(error) => self.fail(error, cx),
        }
    }

    /// Goes on once the platform has stated the terms of the plan.
    fn read_terms(&mut self, cx: &mut Context<'_>) {
        if !core::mem::replace(&mut self.awaits_terms, true) {
            cx.session.want_terms(Some(cx.fetch.id), self.agreement.offer.plan_id().clone());
        }
    }

    fn token_key(&self, cx: &Context<'_>) -> Arc<TokenKey> {
        cx.fetch.token_key(&self.agreement.offer, &self.agreement.delegation_id)
    }

    fn get_token(&mut self, cx: &mut Context<'_>) {
        if self.at_hand.token.is_some() || self.at_hand.is_awaited {
            return;
        }
        let key = self.token_key(cx);
        match cx.session.tokens.take(&key, cx.now) {
            Some((secret, single_use)) => {
                self.at_hand.token = Some(FetchToken { secret, single_use, reused: true });
            }
            None => {
                self.at_hand.is_awaited = true;
                cx.session.want_token(Some(cx.fetch.id), key);
            }
        }
    }

    pub(crate) fn at_hand(&mut self) -> &mut TokenAtHand {
        &mut self.at_hand
    }

    pub(crate) fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    /// A balance that it waited for was read.
    pub(crate) fn balance_read(mut self, cx: &mut Context<'_>) -> Progress<Self> {
        self.awaits_balance = false;
        self.advance(cx)
    }

    /// The platform has stated the terms of a plan.
    pub(crate) fn terms_read(mut self, cx: &mut Context<'_>) -> Progress<Self> {
        self.awaits_terms = false;
        if self.agreement.spends_held_only() && !self.agreement.offer.is_money() {
            // The terms were not known when it was agreed to.
            self.release(cx);
            self.agreement.cost = cx.cost_of(&self.agreement.offer);
            self.reserved = self.agreement.cost;
            cx.session.budget.reserve(self.reserved);
        }
        self.advance(cx)
    }
}
