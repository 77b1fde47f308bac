//! What comes back for a payment: an answer with a receipt, a refusal, a redirect, or nothing that can be told.

use super::visit::{Action, Phase, Redirects, Send};
use super::{Answer, Buyer, FetchError, FetchId, NoticeKind, Outcome, Purchase, Redirected, Target};
use crate::wire::{Credits, Receipt};
use alloc::{rc::Rc, string::String};
use serde_json::Value;

/// How often a paid request may be refused: once, for a token that has ended in between (rule 5).
const MAX_REFUSALS: u8 = 2;
/// How often one fetch may be led elsewhere by redirects that answer a token.
const MAX_HOPS: u8 = 4;

/// What a receipt says about the money.
#[derive(Clone, Copy)]
struct Said {
    success: bool,
    redeemed: Option<Credits>,
    remaining: Option<Credits>,
}

impl Said {
    fn of(receipt: &Receipt) -> Self {
        Self {
            success: receipt.success(),
            redeemed: receipt.credits_redeemed(),
            remaining: receipt.remaining_balance(),
        }
    }
}

/// Whether a text has another in it. `str::contains` is a kilobyte of wasm.
fn holds(text: &str, part: &str) -> bool {
    !part.is_empty() && text.as_bytes().windows(part.len()).any(|window| window == part.as_bytes())
}

impl Buyer {
    pub(super) fn answered_paid(&mut self, fetch: FetchId, answer: Answer, now: u64) {
        let receipt = answer.receipt.as_deref().and_then(|header| Receipt::from_header(header).ok());
        let said = receipt.as_ref().map(Said::of);
        let Some(visit) = self.visit(fetch) else { return };
        if let (Some(entry), Some(receipt)) = (&mut visit.entry, &receipt) {
            entry.note(receipt);
        }
        // The platform bought from the delegation when it settled.
        let topped_up = receipt.as_ref().and_then(|receipt| receipt.text("orderTx"));
        if let (Some(tx_hash), Some(offer)) = (topped_up, &visit.offer) {
            let plan_id = offer.plan_id().clone();
            visit.spend.purchases.push(Purchase { plan_id, tx_hash: Some(tx_hash.into()), confirmed: true });
        }
        // What came last counts, unless it says nothing and an earlier answer had said that it was paid.
        visit.receipt = receipt.map(Rc::new).or(visit.receipt.take().filter(|receipt| receipt.success()));
        if let Some(to) = answer.location {
            return self.redirected(fetch, to, answer.status, said, now);
        }
        let settled = said.is_some_and(|said| said.success);
        match answer.status {
            // Whoever says that it was paid is not paid again.
            401 | 402 if settled => {
                self.settle(fetch, answer.status, said, now);
                self.finish(fetch, Ok(()));
            }
            402 => self.refused(fetch, answer.offer, now),
            401 if visit.token_reused && visit.refusals == 0 => {
                self.unpresent(fetch);
                self.throw_token_away(fetch);
                self.reserve(fetch);
                self.advance(fetch, now);
            }
            status => {
                self.settle(fetch, status, said, now);
                self.finish(fetch, Ok(()));
            }
        }
    }

    /// Rule 5: a refused token is thrown away and minted anew once.
    fn refused(&mut self, fetch: FetchId, offer: Option<String>, now: u64) {
        self.notice(fetch, NoticeKind::Refused);
        if self.visit(fetch).is_some_and(|visit| visit.resumed.is_some()) {
            // Refused because it was taken the first time, or not: the token does not say.
            self.throw_token_away(fetch);
            return self.look_whether_burned(fetch, now);
        }
        self.unpresent(fetch);
        self.throw_token_away(fetch);
        let Some(visit) = self.visit(fetch) else { return };
        if visit.refusals >= MAX_REFUSALS {
            return self.act(fetch, Phase::ReadingRefusal, Action::ReadBody);
        }
        visit.balance_doubtful = true;
        self.reserve(fetch);
        self.look_for_offer(fetch, offer, now);
    }

    pub(super) fn reserve(&mut self, fetch: FetchId) {
        if let Some(visit) = self.visit(fetch) {
            visit.reserved = visit.price();
            let reserved = visit.reserved;
            self.budget.reserve(reserved);
        }
    }

    fn throw_token_away(&mut self, fetch: FetchId) {
        let Some(visit) = self.visit(fetch) else { return };
        visit.refusals += 1;
        let token = visit.sent_token.clone();
        let (method, offer) = (String::from(visit.method()), visit.offer.clone());
        if let Some(token) = token {
            self.tokens.discard(&token);
        }
        if let Some(offer) = offer {
            self.forget_terms(&method, &offer);
        }
    }

    pub(super) fn read_refusal(&mut self, fetch: FetchId, body: Option<&str>) {
        let body: Value =
            body.and_then(|body| crate::engine::parse_json(body.as_bytes())).unwrap_or_default();
        let said = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let said = said("message").or_else(|| said("error"));
        // A seller may print the token that it refuses: then what it said is not repeated (rule 13).
        let token = self.visit(fetch).and_then(|visit| visit.sent_token.take());
        let prints = |text: &str| token.as_ref().is_some_and(|token| holds(text, token.expose()));
        let said = said.filter(|text| !prints(text)).map(|text| text.chars().take(300).collect::<String>());
        self.fail(fetch, FetchError::PaymentRefused(said));
    }

    /// Rule 6: a token is followed by redirects within its origin only.
    fn redirected(&mut self, fetch: FetchId, to: Redirected, status: u16, said: Option<Said>, now: u64) {
        let key = self.visit(fetch).and_then(|visit| visit.token_key());
        // A token that has been used up, or has paid, is not presented again: the place it leads to makes its own offer.
        let spent =
            said.is_some_and(|said| said.success) || key.is_some_and(|key| self.single_use.contains(&key));
        let Some(visit) = self.visit(fetch) else { return };
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
                return self.follow_with_token(fetch, target.clone());
            }
            _ => self.settle(fetch, status, said, now),
        }
        let Some(visit) = self.visit(fetch) else { return };
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

    fn follow_with_token(&mut self, fetch: FetchId, target: Target) {
        let Some(visit) = self.visit(fetch) else { return };
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
        self.close_entry(fetch);
        let Some(visit) = self.visit(fetch) else { return };
        visit.offer = None;
        visit.consent = None;
        visit.sent_token = None;
        self.send_bare(fetch);
    }

    /// What a paid answer says about the money (rules 9, 11, 12).
    fn settle(&mut self, fetch: FetchId, status: u16, said: Option<Said>, now: u64) {
        let Some(visit) = self.visit(fetch) else { return };
        let (price, at, method) = (visit.price(), visit.presented_at, String::from(visit.method()));
        let (Some(offer), receipt) = (visit.offer.clone(), visit.receipt.clone()) else { return };
        match said {
            Some(Said { success: true, redeemed, remaining }) => {
                let resumed = visit.resumed.take();
                // What an earlier answer left open stays open.
                if visit.spend.outcome != Outcome::Unknown || resumed.is_some() {
                    visit.spend.outcome = Outcome::Settled;
                }
                visit.spend.credits_settled =
                    redeemed.map(|more| more.saturating_add(visit.spend.credits_settled.unwrap_or_default()));
                if let Some(entry) = &mut visit.entry {
                    (entry.outcome, entry.settled) = (Outcome::Settled, redeemed);
                }
                self.budget.correct(&offer, at, price, redeemed.unwrap_or(price));
                match remaining {
                    Some(left) => self.note_balance(offer.plan_id(), left, now),
                    None => self.forget_balance(offer.plan_id()),
                }
                resumed.iter().for_each(|(_, one)| self.forget_record(one));
                self.remember_terms(method, offer);
                if let Some(receipt) = receipt {
                    self.notice(fetch, NoticeKind::Receipt(receipt));
                }
            }
            // It says nothing of the first time.
            _ if visit.resumed.is_some() => {}
            Some(_) => self.budget.correct(&offer, at, price, Credits::ZERO),
            // Delivered without a receipt, or a server that fell over after it settled: nobody can say.
            None if !(400..500).contains(&status) => {
                visit.unsettled = status >= 500 && visit.hops == 0;
                visit.spend.outcome = Outcome::Unknown;
                if let Some(entry) = &mut visit.entry {
                    entry.outcome = Outcome::Unknown;
                }
                self.forget_balance(offer.plan_id());
                if (200..300).contains(&status) {
                    self.remember_terms(method, offer);
                }
                self.notice(fetch, NoticeKind::Unknown);
            }
            // A client error: nothing is settled for it (rule 19).
            None => self.budget.correct(&offer, at, price, Credits::ZERO),
        }
    }

    /// The token on the wire was refused: what it presented was not taken.
    pub(super) fn unpresent(&mut self, fetch: FetchId) {
        if let Some(visit) = self.visit(fetch) {
            let (price, at) = (visit.price(), visit.presented_at);
            if let Some(offer) = visit.offer.clone() {
                self.budget.correct(&offer, at, price, Credits::ZERO);
            }
        }
    }
}
