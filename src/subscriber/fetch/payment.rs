//! What comes back for a payment: an answer with a receipt, a refusal, a redirect, or nothing that can be told.

use super::state::{Action, Phase, Redirects, Send};
use super::steps::MAX_TOKENS;
use crate::subscriber::buyer::Claim;
use crate::subscriber::{
    Buyer, FetchError, FetchId, NoticeKind, Offer, Outcome, Purchase, Redirected, ResponseHead, Target,
};
use crate::wire::{Credits, PaymentRequired, Receipt};
use alloc::{rc::Rc, string::String};
use serde_json::Value;

/// How often one fetch may be led elsewhere by redirects that answer a token.
const MAX_HOPS: u8 = 4;
/// `errorReason` of a gate that verified a payment and charged nothing, because its origin answered with a failure.
const NOT_SETTLED: &str = "not_settled";

/// What a receipt says about the money. It is the seller's word: it ends a token, raises a count or makes a balance
/// doubtful, and nothing else (rules 10 to 12).
#[derive(Clone, Copy)]
struct ReceiptAmounts {
    success: bool,
    redeemed: Option<Credits>,
    remaining: Option<Credits>,
    /// Whether the gate says that its origin failed after the payment was verified.
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

/// Whether a text has another in it. `str::contains` is a kilobyte of wasm.
fn holds(text: &str, part: &str) -> bool {
    !part.is_empty() && text.as_bytes().windows(part.len()).any(|window| window == part.as_bytes())
}

impl Buyer {
    pub(in crate::subscriber) fn paid_answered(&mut self, fetch: FetchId, answer: ResponseHead, now: u64) {
        let receipt = answer.receipt.as_deref().and_then(|header| Receipt::from_header(header).ok());
        let said = receipt.as_ref().map(ReceiptAmounts::of);
        let Some(visit) = self.fetch_mut(fetch) else { return };
        if let (Some(entry), Some(receipt)) = (&mut visit.entry, &receipt) {
            entry.note(receipt);
        }
        // The seller says that the platform bought from the delegation when it settled: the platform did not confirm it.
        let topped_up = receipt.as_ref().and_then(|receipt| receipt.text("orderTx"));
        if let (Some(tx_hash), Some(offer)) = (topped_up, &visit.offer) {
            let plan_id = offer.plan_id().clone();
            visit.spend.purchases.push(Purchase { plan_id, tx_hash: Some(tx_hash.into()), confirmed: false });
        }
        // What came last counts, unless it says nothing and an earlier answer had said that it was paid.
        visit.receipt = receipt.map(Rc::new).or(visit.receipt.take().filter(|receipt| receipt.success()));
        if let Some(to) = answer.location {
            return self.redirected(fetch, to, answer.status, said, now);
        }
        let refused = matches!(answer.status, 401 | 402);
        let settled = said.is_some_and(|said| said.success);
        self.settle(fetch, answer.status, said);
        if refused {
            self.end_token(fetch);
        }
        // Whoever says that it was paid is not paid again; a gate that says that its origin failed hands on the origin's
        // own answer.
        if !refused || settled || said.is_some_and(|said| said.not_settled) {
            return self.finish(fetch, Ok(()));
        }
        self.refused(fetch, answer.status, answer.offer, now);
    }

    /// Rule 5: a refused token has ended. Another is presented in the same call only for an offer that can be read, and only
    /// where the first was an old one or the offer differs from what was agreed to.
    fn refused(&mut self, fetch: FetchId, status: u16, header: Option<String>, now: u64) {
        self.notice(fetch, NoticeKind::Refused);
        let offer = header.as_deref().map(PaymentRequired::from_header);
        let taken =
            offer.is_some_and(|offer| offer.is_ok_and(|offer| self.takes_another_token(fetch, &offer, now)));
        if taken {
            return;
        }
        match status {
            // Not every 401 is about the payment.
            401 => self.finish(fetch, Ok(())),
            _ => {
                if let Some(visit) = self.fetch_mut(fetch) {
                    visit.refused_by_header = header.is_some();
                }
                self.act(fetch, Phase::ReadingRefusal, Action::ReadBody);
            }
        }
    }

    /// Whether the fetch goes on with another token.
    fn takes_another_token(&mut self, fetch: FetchId, required: &PaymentRequired, now: u64) -> bool {
        let Some(visit) = self.fetch_mut(fetch) else { return false };
        if visit.tokens >= MAX_TOKENS || visit.resumed.is_some() {
            return false;
        }
        let Some(had) = visit.offer.clone() else { return false };
        let offers = Offer::candidates(required, &visit.target, &visit.request);
        let same = offers.iter().any(|offer| had.is_the_same_as(offer));
        let was_old = visit.token_reused;
        if same && !was_old {
            return false;
        }
        // What the platform said before is not what it says after a refusal.
        self.forget_balance(had.plan_id());
        match same {
            true => self.pay_with_another_token(fetch, now),
            false => self.take_offer(fetch, required, now),
        }
        true
    }

    /// The token on the wire is not presented again, by anybody.
    fn end_token(&mut self, fetch: FetchId) {
        let Some(visit) = self.fetch_mut(fetch) else { return };
        // A payment whose token has ended cannot be gone on with.
        visit.unsettled = false;
        let token = visit.sent_token.clone();
        let (method, offer) = (String::from(visit.method()), visit.offer.clone());
        if let Some(token) = token {
            self.tokens.discard(&token);
            // Others may have it in hand and wait for something else.
            for (_, visit) in &mut self.visits {
                visit.token.take_if(|held| *held == token);
            }
        }
        if let Some(offer) = offer {
            self.forget_terms(&method, &offer);
        }
    }

    pub(in crate::subscriber) fn read_refusal(&mut self, fetch: FetchId, body: Option<&str>, now: u64) {
        let by_header = self.fetch_mut(fetch).is_some_and(|visit| visit.refused_by_header);
        // A server of another origin may not have exposed the header: then the offer stands in the body.
        let offer = body.filter(|_| !by_header).map(|body| PaymentRequired::from_json(body.as_bytes()));
        if offer.is_some_and(|offer| offer.is_ok_and(|offer| self.takes_another_token(fetch, &offer, now))) {
            return;
        }
        let body: Value = body.and_then(|body| crate::codec::parse_json(body.as_bytes())).unwrap_or_default();
        let said = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let said = said("message").or_else(|| said("error"));
        // A seller may print the token that it refuses: then what it said is not repeated (rule 13).
        let token = self.fetch_mut(fetch).and_then(|visit| visit.sent_token.take());
        let prints = |text: &str| token.as_ref().is_some_and(|token| holds(text, token.expose()));
        let said = said.filter(|text| !prints(text)).map(|text| text.chars().take(300).collect::<String>());
        self.fail(fetch, FetchError::PaymentRefused(said));
    }

    /// Rule 6: a token is followed by redirects within its origin only.
    fn redirected(
        &mut self,
        fetch: FetchId,
        to: Redirected,
        status: u16,
        said: Option<ReceiptAmounts>,
        now: u64,
    ) {
        let over_limit = self.broken_limit(fetch, now).is_some() || !self.may_present_again(fetch);
        let Some(visit) = self.fetch_mut(fetch) else { return };
        // A token that has been used up, or has paid, is not presented again: the place it leads to makes its own offer.
        // Presenting a reusable one there counts again.
        let spent = over_limit || said.is_some_and(|said| said.success) || visit.token_single_use;
        let Some(visit) = self.fetch_mut(fetch) else { return };
        visit.hops += 1;
        // As `fetch` does it: only a POST becomes a GET by 301 and 302.
        let kept = match status {
            307 | 308 => true,
            301 | 302 => visit.method() != "POST",
            _ => false,
        };
        let same_method = kept || visit.is_safe_method();
        // A seller may lead to a place that has the token in its name: it is neither gone to nor told of (rule 13). Nor is a
        // file of this machine, which some runtimes would read.
        let tells =
            |to: &Target| visit.sent_token.as_ref().is_some_and(|token| holds(&to.url, token.expose()));
        let safe = !matches!(&to, Redirected::To(target) if !target.is_web() || tells(target));
        let follows = safe && visit.request.redirects == Redirects::Follow && visit.hops <= MAX_HOPS;
        match &to {
            Redirected::To(target)
                if follows && same_method && !spent && target.origin == visit.target.origin =>
            {
                return self.follow_with_token(fetch, target.clone(), now);
            }
            _ => self.settle(fetch, status, said),
        }
        let Some(visit) = self.fetch_mut(fetch) else { return };
        match to {
            _ if visit.request.redirects == Redirects::Manual => self.finish(fetch, Ok(())),
            // Elsewhere, or as another request: a new one, without the token, and a 402 there is a new offer.
            Redirected::To(target) if follows => {
                visit.as_get |= !same_method;
                visit.target = target;
                visit.moved = true;
                self.start_over(fetch);
            }
            // The runtime hides where: the same request without a token may be led there again, if it is safe to
            // send twice, and only once.
            Redirected::Somewhere if follows && visit.is_safe_method() && visit.hops == 1 => {
                self.start_over(fetch);
            }
            _ => self.fail(fetch, FetchError::RedirectedWhilePaying),
        }
    }

    /// Whether one more presentation of the token is covered by what is held, where only that may be spent.
    fn may_present_again(&mut self, fetch: FetchId) -> bool {
        let Some(visit) = self.look(fetch) else { return false };
        let (true, Some(offer)) = (visit.spends_held_only(), &visit.offer) else { return true };
        // What is on the wire is promised, this fetch's own first presentation among it.
        let left =
            |held: Credits| held.saturating_sub(self.committed_to_others(offer.plan_id(), fetch, true));
        let needed = self.needed(&visit.request, offer, true);
        self.balance_since(offer.plan_id(), 0).is_some_and(|held| left(held) >= needed)
    }

    fn follow_with_token(&mut self, fetch: FetchId, target: Target, now: u64) {
        let Some(visit) = self.fetch_mut(fetch) else { return };
        let (cost, offer) = (visit.cost, visit.offer.clone());
        visit.presentations += 1;
        visit.presented_at = now;
        visit.spend.credits_presented = visit.spend.credits_presented.saturating_add(cost);
        if let Some(entry) = &mut visit.entry {
            entry.at = now;
            entry.presented = entry.presented.saturating_add(cost);
        }
        if let Some(offer) = offer {
            self.take_from_balance(offer.plan_id(), cost);
            self.budget.present(&offer, cost, now);
        }
        let Some(visit) = self.fetch_mut(fetch) else { return };
        visit.target = target.clone();
        visit.moved = true;
        visit.spend.requests += 1;
        let send = Send {
            target: Some(target),
            token: visit.sent_token.clone(),
            redirects: Redirects::Manual,
            as_get: visit.as_get,
        };
        self.act(fetch, Phase::Paying, Action::Send(send));
    }

    fn start_over(&mut self, fetch: FetchId) {
        // The payment that was gone on with is in the books of this fetch.
        if let Some((_, one)) = self.fetch_mut(fetch).and_then(|visit| visit.resumed.take()) {
            self.forget_record(&one);
        }
        self.close_entry(fetch);
        let Some(visit) = self.fetch_mut(fetch) else { return };
        visit.offer = None;
        visit.consent = None;
        visit.sent_token = None;
        self.send_unpaid(fetch);
    }

    /// What a paid answer says about the money (rules 9, 11, 12). What was presented stays counted, whatever it says.
    fn settle(&mut self, fetch: FetchId, status: u16, said: Option<ReceiptAmounts>) {
        let Some(visit) = self.fetch_mut(fetch) else { return };
        let (counted, at, method) = (visit.cost, visit.presented_at, String::from(visit.method()));
        let (Some(offer), receipt) = (visit.offer.clone(), visit.receipt.clone()) else { return };
        let Some(ReceiptAmounts { success: true, redeemed, remaining, .. }) = said else {
            // A single-use token that got no goods can be presented once more: it is burned once.
            visit.unsettled = visit.hops == 0 && !(200..300).contains(&status);
            self.outcome_is_unknown(fetch);
            if !matches!(status, 401 | 402) {
                self.notice(fetch, NoticeKind::Unknown);
            }
            if (200..300).contains(&status) {
                self.remember_terms(method, offer);
            }
            return;
        };
        let resumed = visit.resumed.take();
        // What an earlier redirect left open stays open.
        if visit.spend.outcome != Outcome::Unknown || visit.hops == 0 {
            visit.spend.outcome = Outcome::Settled;
        }
        visit.unsettled = false;
        if let Some(more) = redeemed {
            let before = visit.spend.credits_settled.unwrap_or_default();
            visit.spend.credits_settled = Some(more.saturating_add(before));
        }
        if let Some(entry) = &mut visit.entry {
            (entry.outcome, entry.settled) = (Outcome::Settled, redeemed);
        }
        self.take_from_balance(offer.plan_id(), counted.max(redeemed.unwrap_or_default()));
        if let (Some(left), Some(held)) = (remaining, self.balance_since(offer.plan_id(), 0)) {
            // It says that less is left than the platform last said: the platform is asked before that matters.
            if left < held {
                self.forget_balance(offer.plan_id());
            }
        }
        if let Some(redeemed) = redeemed {
            self.record_redeemed(Claim { offer: offer.clone(), at, counted, redeemed });
        }
        resumed.iter().for_each(|(_, one)| self.forget_record(one));
        self.remember_terms(method, offer);
        if let Some(receipt) = receipt {
            self.notice(fetch, NoticeKind::Receipt(receipt));
        }
    }
}
