use super::context::Context;
use super::offers::OfferHeaders;
use super::progress::{Agreement, Payment, Progress, Transition};
use super::redirect::{RedirectFacts, RedirectedPayment, holds};
use crate::subscriber::in_progress::Commitment;
use crate::subscriber::session::Claim;
use crate::subscriber::{
    Action, Event, FetchError, NoticeKind, Offer, Outcome, PaymentRecord, Purchase, Redirected, Redirects,
    ResponseHead, SendRequest, Target,
};
use crate::wire::{Credits, NOT_SETTLED, Receipt, Secret};
use alloc::sync::Arc;

/// A request with a token is on its way.
#[derive(Debug)]
pub(crate) struct Paying {
    payment: Payment,
    /// False once the shell has said that the last send was not begun.
    is_on_wire: bool,
}

/// How many single-use tokens are minted ahead at the most.
const MAX_PREFETCH: usize = 16;

/// The amounts of a receipt. The seller states them: they may end a token, raise a count or make a balance doubtful, and
/// nothing else (rules 10 to 12).
#[derive(Clone, Copy)]
struct ReceiptAmounts {
    success: bool,
    redeemed: Option<Credits>,
    remaining: Option<Credits>,
    /// True if the gate says that its origin failed after the payment was verified.
    not_settled: bool,
}

impl ReceiptAmounts {
    fn of(receipt: &Receipt) -> Self {
        Self {
            success: receipt.success(),
            redeemed: receipt.credits_redeemed(),
            remaining: receipt.remaining_balance(),
            not_settled: receipt.text("errorReason") == Some(NOT_SETTLED),
        }
    }
}

impl Paying {
    /// Sends the request with a token. It counts before it is sent (rule 12).
    pub(crate) fn start(payment: Payment, cx: &mut Context<'_>) -> Progress<Self> {
        let agreement = &payment.agreement;
        let (offer, cost) = (&agreement.offer, agreement.cost);
        // Amounts are not reserved: other fetches may have sent theirs while the wallet signed.
        if offer.is_money()
            && agreement.consent.is_some()
            && let Some(limit) = cx.broken_limit(offer, cost)
        {
            return Progress::fail(FetchError::BudgetExceeded(limit));
        }
        cx.notice(NoticeKind::Paid, Some(offer));
        // With a consent of its own it is another payment, and the resumed one stays open in the books.
        if agreement.consent.is_some() && cx.fetch.resumed.take().is_some() {
            cx.fetch.spend.outcome = Outcome::None;
        }
        let (fetch, session) = (&mut *cx.fetch, &mut *cx.session);
        fetch.tokens += 1;
        fetch.spend.single_use = payment.token.single_use;
        fetch.record = Some(PaymentRecord {
            at: cx.now,
            method: fetch.method().into(),
            offer: offer.clone(),
            presented: fetch.record.take().map_or(Credits::ZERO, |record| record.presented),
            settled: None,
            // The outcome of the resumed payment stays unknown until an answer tells it.
            outcome: if fetch.resumed.is_some() { Outcome::Unknown } else { Outcome::None },
            transaction: None,
        });
        session.commitments.set(Commitment {
            fetch: fetch.id,
            offer: offer.clone(),
            trusts_price: fetch.request.trusts_price_of(offer),
            is_on_wire: true,
        });
        session.budget.present(offer, cost, cx.now);
        let target = fetch.moved.then(|| fetch.target.clone());
        Self::send(agreement, &payment.token.secret, target, cx);
        mint_ahead(agreement, cx);
        Progress::Stay(Self { payment, is_on_wire: true })
    }

    /// One more presentation is on the wire.
    fn send(agreement: &Agreement, token: &Secret, target: Option<Target>, cx: &mut Context<'_>) {
        let fetch = &mut *cx.fetch;
        fetch.presentations += 1;
        fetch.presented_at = cx.now;
        let spend = &mut fetch.spend;
        spend.requests += 1;
        spend.present(&agreement.offer, agreement.cost);
        if let Some(record) = &mut fetch.record {
            record.at = cx.now;
            record.presented = record.presented.saturating_add(agreement.cost);
        }
        let as_get = fetch.as_get;
        let token = Some(token.clone());
        let dialect = agreement.offer.dialect().cloned();
        cx.act(Action::Send(SendRequest { target, token, dialect, redirects: Redirects::Manual, as_get }));
    }

    pub(crate) fn handle(self, event: Event, cx: &mut Context<'_>) -> Progress<Self> {
        match event {
            Event::Answered(answer) => self.answered(answer, cx),
            Event::SendFailed => {
                let is_open = self.is_on_wire || cx.fetch.spend.outcome != Outcome::None;
                let error = if is_open { FetchError::OutcomeUnknown } else { FetchError::Unreachable };
                self.failed(&error, cx);
                Progress::fail(error)
            }
            _ => Progress::Stay(self),
        }
    }

    pub(crate) fn offer(&self) -> &Arc<Offer> {
        &self.payment.agreement.offer
    }

    /// An error ends the fetch with a token on the wire.
    pub(crate) fn failed(&self, error: &FetchError, cx: &mut Context<'_>) {
        if !self.is_on_wire || !leaves_doubt(error) {
            return;
        }
        // A payment that an earlier answer left open cannot be resumed; the same single-use token can.
        let is_open = cx.fetch.spend.outcome == Outcome::None || cx.fetch.resumed.is_some();
        let is_open = is_open && *error != FetchError::LoggedOut;
        cx.fetch.open = is_open.then(|| cx.fetch.open_payment(&self.payment));
        cx.outcome_is_unknown(&self.payment.agreement);
        cx.notice(NoticeKind::Unknown, Some(&self.payment.agreement.offer));
    }

    /// The token was not sent after all: the budget could not be stored, or the fetch ended before the shell began to send.
    pub(crate) fn not_sent(&mut self, cx: &mut Context<'_>) {
        self.is_on_wire = false;
        let (fetch, agreement) = (&mut *cx.fetch, &self.payment.agreement);
        let (cost, at) = (agreement.cost, fetch.presented_at);
        fetch.presentations -= 1;
        // The earlier presentations of the fetch stay in the records, with an unknown outcome.
        match fetch.presentations > 0 {
            true => {
                if fetch.spend.outcome == Outcome::None {
                    fetch.spend.outcome = Outcome::Unknown;
                }
                if let Some(record) = &mut fetch.record {
                    record.presented = record.presented.saturating_sub(cost);
                    record.outcome = Outcome::Unknown;
                }
                fetch.record.take_if(|record| record.presented.is_zero());
            }
            false => {
                fetch.presented_at = 0;
                fetch.record = None;
            }
        }
        fetch.spend.requests -= 1;
        fetch.spend.take_back(&agreement.offer, cost);
        if fetch.resumed.is_none() {
            cx.session.budget.take_back(&agreement.offer, at, cost);
        }
    }

    fn answered(self, answer: ResponseHead, cx: &mut Context<'_>) -> Progress<Self> {
        let header = answer.receipt.as_deref().filter(|header| {
            // A receipt with the token in it would bring it into reports and books (rule 13).
            let json = Receipt::json_of_header(header).unwrap_or_default();
            !holds(&json, self.payment.token.secret.expose())
        });
        let receipt = header.and_then(|header| Receipt::from_header(header).ok());
        let amounts = receipt.as_ref().map(ReceiptAmounts::of);
        let fetch = &mut *cx.fetch;
        if let (Some(record), Some(receipt)) = (&mut fetch.record, &receipt) {
            record.note(receipt);
        }
        // The seller says that the platform bought from the delegation when it settled: the platform did not confirm it.
        if let Some(tx_hash) = receipt.as_ref().and_then(|receipt| receipt.text("orderTx")) {
            let plan_id = self.payment.agreement.offer.plan_id().clone();
            fetch.spend.purchases.push(Purchase { plan_id, tx_hash: Some(tx_hash.into()), confirmed: false });
        }
        // The last receipt counts, unless there is none now and an earlier one said that it was paid.
        fetch.receipt = receipt.map(Arc::new).or(fetch.receipt.take().filter(|receipt| receipt.success()));
        if let Some(to) = answer.location {
            return self.redirected(to, answer.status, amounts, cx);
        }
        let was_refused = matches!(answer.status, 401 | 402);
        self.settle(answer.status, amounts, cx);
        if was_refused {
            self.end_token(cx);
        }
        // A seller that says that it was paid is not paid again; a gate that says that its origin failed hands on the
        // origin's own answer.
        if !was_refused || amounts.is_some_and(|amounts| amounts.success || amounts.not_settled) {
            return Progress::done();
        }
        let (offer, dialects) = (answer.offer, answer.dialects);
        Progress::Next(Transition::Refuse(self.payment, answer.status, OfferHeaders { offer, dialects }))
    }

    /// The token on the wire is not presented again, by any fetch.
    fn end_token(&self, cx: &mut Context<'_>) {
        // A payment whose token has ended cannot be resumed.
        cx.fetch.open = None;
        cx.session.tokens.discard(&self.payment.token.secret);
        cx.session.ended_tokens.push(self.payment.token.secret.clone());
        cx.session.agreements.forget_terms(cx.fetch.method(), &self.payment.agreement.offer);
    }

    /// Rule 6: a token follows redirects within its origin only.
    fn redirected(
        self,
        to: Redirected,
        status: u16,
        amounts: Option<ReceiptAmounts>,
        cx: &mut Context<'_>,
    ) -> Progress<Self> {
        let agreement = &self.payment.agreement;
        cx.fetch.hops += 1;
        // A token that has been used up, or has paid, is not presented again: the target makes its own offer. A reusable
        // one counts again there.
        let has_paid = amounts.is_some_and(|amounts| amounts.success);
        let may_present = !has_paid
            && !self.payment.token.single_use
            && agreement.offer.dialect().is_none()
            && cx.broken_limit(&agreement.offer, agreement.cost).is_none()
            && self.is_covered_again(cx);
        let facts = RedirectFacts {
            status,
            redirects: cx.fetch.request.redirects,
            method: cx.fetch.method(),
            is_safe_method: cx.fetch.is_safe_method(),
            hops: cx.fetch.hops,
            origin: &cx.fetch.target.origin,
            token: &self.payment.token.secret,
            may_present,
        };
        let decision = facts.decide(to);
        if !matches!(decision, RedirectedPayment::Follow(_)) {
            self.settle(status, amounts, cx);
        }
        match decision {
            RedirectedPayment::Follow(target) => {
                cx.session.plans.reduce_balance(agreement.offer.plan_id(), agreement.cost);
                cx.session.budget.present(&agreement.offer, agreement.cost, cx.now);
                cx.fetch.target = target.clone();
                cx.fetch.moved = true;
                Self::send(agreement, &self.payment.token.secret, Some(target), cx);
                Progress::Stay(self)
            }
            RedirectedPayment::StartOver(target) => {
                if let Some((target, as_get)) = target {
                    cx.fetch.as_get |= as_get;
                    cx.fetch.target = target;
                    cx.fetch.moved = true;
                }
                // The record of this fetch has the payment that was resumed.
                if let Some(payment) = cx.fetch.resumed.take() {
                    cx.forget_record_of(&payment);
                }
                cx.close_record();
                Progress::Next(Transition::SendUnpaid)
            }
            RedirectedPayment::HandBack => Progress::done(),
            RedirectedPayment::Refuse => Progress::fail(FetchError::RedirectedWhilePaying),
        }
    }

    /// True if the credits held cover one more presentation of the token, where only those may be spent.
    fn is_covered_again(&self, cx: &Context<'_>) -> bool {
        let agreement = &self.payment.agreement;
        if !agreement.spends_held_only() {
            return true;
        }
        // The first presentation of this fetch is among the commitments.
        let held = cx.session.plans.balance(agreement.offer.plan_id());
        let left = held.map(|held| held.saturating_sub(cx.committed(agreement, true)));
        left.is_some_and(|left| left >= cx.needed(agreement, true))
    }

    /// Takes over what an answer says about the money (rules 9, 11, 12). Presented credits stay counted, whatever it says.
    fn settle(&self, status: u16, amounts: Option<ReceiptAmounts>, cx: &mut Context<'_>) {
        let Agreement { offer, cost, .. } = &self.payment.agreement;
        let is_success = (200..300).contains(&status);
        let method = cx.method();
        let Some(ReceiptAmounts { success: true, redeemed, remaining, .. }) = amounts else {
            // A single-use token that got no goods can be presented once more: it is burned once.
            let is_open = cx.fetch.hops == 0 && !is_success;
            cx.fetch.open = is_open.then(|| cx.fetch.open_payment(&self.payment));
            cx.outcome_is_unknown(&self.payment.agreement);
            if !matches!(status, 401 | 402) {
                cx.notice(NoticeKind::Unknown, Some(offer));
            }
            if is_success {
                cx.session.agreements.remember_terms(&method, offer.clone());
            }
            return;
        };
        let fetch = &mut *cx.fetch;
        let resumed = fetch.resumed.take();
        // An outcome that an earlier redirect left open stays open.
        if fetch.spend.outcome != Outcome::Unknown || fetch.hops == 0 {
            fetch.spend.outcome = Outcome::Settled;
        }
        fetch.open = None;
        if let Some(more) = redeemed {
            let before = fetch.spend.credits_settled.unwrap_or_default();
            fetch.spend.credits_settled = Some(more.saturating_add(before));
        }
        if let Some(record) = &mut fetch.record {
            (record.outcome, record.settled) = (Outcome::Settled, redeemed);
        }
        let plan_id = offer.plan_id();
        cx.session.plans.reduce_balance(plan_id, (*cost).max(redeemed.unwrap_or_default()));
        if let (Some(left), Some(held)) = (remaining, cx.session.plans.balance(plan_id)) {
            // It says that less is left than the platform last said: the platform is asked before that matters.
            if left < held {
                cx.session.plans.forget_balance(plan_id);
            }
        }
        if let Some(redeemed) = redeemed {
            let at = cx.fetch.presented_at;
            cx.session.record_redeemed(Claim { offer: offer.clone(), at, counted: *cost, redeemed });
        }
        if let Some(payment) = resumed {
            cx.forget_record_of(&payment);
        }
        cx.session.agreements.remember_terms(&method, offer.clone());
        if let Some(receipt) = cx.fetch.receipt.clone() {
            cx.notice(NoticeKind::Receipt(receipt), Some(offer));
        }
    }
}

/// Keeps as many single-use tokens at hand as the caller wants, so that the next paid request is one round trip.
fn mint_ahead(agreement: &Agreement, cx: &mut Context<'_>) {
    let wanted = usize::try_from(cx.fetch.request.prefetch).unwrap_or_default().min(MAX_PREFETCH);
    if wanted == 0 || agreement.offer.dialect().is_some() {
        return;
    }
    let key = cx.fetch.token_key(&agreement.offer, &agreement.delegation_id);
    if !cx.session.tokens.is_single_use(&key) {
        return;
    }
    let at_hand = cx.session.tokens.count(&key) + cx.session.calls.minting_ahead(&key);
    for _ in at_hand..wanted {
        cx.session.want_token(None, key.clone());
    }
}

/// True if an error that ends a fetch with a token on the wire leaves the outcome of the payment open.
fn leaves_doubt(error: &FetchError) -> bool {
    matches!(
        error,
        FetchError::OutcomeUnknown | FetchError::SendTimeout | FetchError::Aborted | FetchError::LoggedOut
    )
}
