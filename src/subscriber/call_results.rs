//! The results of platform calls, handed to the fetches that wait for them.

use super::fetch::progress::FetchToken;
use super::fetch::table::FetchTable;
use super::session::{Session, credits_deadline};
use super::shared_calls::{AwaitedCredits, CallKind, PlanOrder, SharedCall};
use super::{CallId, CallResult, FetchError, FetchId, NoticeKind, Purchase, TokenKey, poll_pause_ms};
use crate::api::plans::{GetPlanBalance, GetPlanTerms};
use crate::api::{ApiError, ApiErrorKind, Call};
use crate::wire::{AccessToken, PlanId};
use alloc::{string::String, sync::Arc, vec::Vec};
use zeroize::Zeroize;

/// The session and the fetches that a result is handed to.
pub(crate) struct CallResults<'a> {
    pub(crate) session: &'a mut Session,
    pub(crate) fetches: &'a mut FetchTable,
    /// In milliseconds since 1970.
    pub(crate) now: u64,
}

impl CallResults<'_> {
    /// A call has ended.
    pub(crate) fn finished(&mut self, id: CallId, result: CallResult) {
        let Some(SharedCall { kind, waiting, .. }) = self.session.calls.remove(id) else { return };
        match kind {
            CallKind::Mint(key) => self.minted(&key, waiting, result),
            CallKind::Order(order) => self.ordered(&order, waiting, result),
            CallKind::Credits(credits) => self.credits_read(credits, waiting, result),
            CallKind::Balance(call) => self.balance_read(&call, waiting, result),
            CallKind::Terms(call) => self.terms_read(&call, waiting, result),
        }
    }

    fn minted(&mut self, key: &Arc<TokenKey>, waiting: Vec<FetchId>, result: CallResult) {
        let token: AccessToken = match read(&key.call, result) {
            Ok(token) => token,
            Err(error) => {
                let error = if key.is_signed() { FetchError::WalletRefused } else { error };
                for fetch in &waiting {
                    if let Some(machine) = self.fetches.get(*fetch) {
                        machine.token_minted(key, None);
                    }
                }
                return self.fail_all(waiting, &error);
            }
        };
        let single_use = token.is_single_use();
        if single_use {
            self.session.tokens.record_single_use(key);
        }
        // A token that was minted just now goes to the fetches that wait, whatever this machine's clock says of its end.
        let fresh = FetchToken { secret: token.secret().clone(), single_use, reused: false };
        let mut unused = Some(token);
        if !single_use {
            unused.take().into_iter().for_each(|token| self.session.tokens.put(key.clone(), token, self.now));
        }
        // The mint is booked on one fetch, so that the reports of all add up to what was done.
        let mut is_booked = false;
        for fetch in waiting {
            let Some(machine) = self.fetches.get(fetch) else { continue };
            if single_use && unused.is_none() {
                // The token went to another fetch: this one gets its own.
                self.session.want_token(Some(fetch), key.clone());
                continue;
            }
            if machine.token_minted(key, Some(fresh.clone())) {
                unused = None;
            }
            if !core::mem::replace(&mut is_booked, true) {
                machine.fetch.spend.mints += 1;
                let offer = machine.offer().cloned();
                let url = machine.fetch.target.url.clone();
                self.session.notice(fetch, &url, offer, NoticeKind::Mint { single_use });
            }
            machine.advance(self.session, self.now);
        }
        // A signature that nobody waits for any more is not kept.
        if let Some(token) = unused.filter(|_| !key.is_signed()) {
            self.session.tokens.put(key.clone(), token, self.now);
        }
    }

    fn ordered(&mut self, order: &PlanOrder, waiting: Vec<FetchId>, result: CallResult) {
        let plan_id = &order.call.plan_id;
        let ordered = match result {
            // Sent, and nobody knows: an order is not repeated.
            None => return self.order_unclear(waiting, plan_id),
            Some(response) => order.call.parse(&response),
        };
        match (ordered, self.session.account.clone()) {
            (Err(error), _)
                if matches!(error.kind, ApiErrorKind::Refused | ApiErrorKind::Unauthorized)
                    || error.is_failed_order() =>
            {
                self.session.forget_order(plan_id);
                self.session.budget.uncount_purchase(order.at);
                self.fail_all(waiting, &FetchError::Platform(error.into()));
            }
            (Err(_), _) => self.order_unclear(waiting, plan_id),
            (Ok(ordered), None) => self.bought(plan_id, waiting, ordered.tx_hash, true),
            (Ok(ordered), Some(holder)) => {
                if let Some(entry) = self.session.order_of(plan_id, self.now) {
                    entry.kind = super::budget::entry::SURE;
                }
                // The fetch that waits longest decides. All are at another step now.
                let patience = |fetch: &FetchId| self.fetches.get(*fetch)?.fetch.request.timeouts.credits;
                let longest = waiting.iter().filter_map(patience).max();
                let credits = AwaitedCredits {
                    call: GetPlanBalance { plan_id: plan_id.clone(), holder },
                    needed: order.needed,
                    deadline: credits_deadline(longest, self.now),
                    attempts: 0,
                    tx_hash: ordered.tx_hash,
                    confirmed: true,
                    own: true,
                };
                self.session.start(CallKind::Credits(credits), waiting, 0);
            }
        }
    }

    fn credits_read(&mut self, credits: AwaitedCredits, waiting: Vec<FetchId>, result: CallResult) {
        let call = &credits.call;
        let held = result.and_then(|response| call.parse(&response).ok()).map(|held| held.balance);
        if let Some(held) = held {
            self.session.record_balance(&call.plan_id, held, self.now);
        }
        if held.is_some_and(|held| held >= credits.needed) {
            self.bought(&call.plan_id, waiting, credits.tx_hash, credits.confirmed);
        } else if self.now >= credits.deadline
            || !waiting.iter().any(|fetch| self.fetches.get(*fetch).is_some())
        {
            // Too late, or for nobody: the next fetch that wants the plan waits for this order.
            let AwaitedCredits { call, tx_hash, confirmed, own, .. } = credits;
            let purchase = Purchase { plan_id: call.plan_id, tx_hash, confirmed };
            let error = if own { FetchError::CreditsTimeout } else { FetchError::PurchasePending };
            self.fail_purchase(waiting, purchase, &error);
        } else {
            let pause = poll_pause_ms(credits.attempts);
            let again = AwaitedCredits { attempts: credits.attempts + 1, ..credits };
            self.session.start(CallKind::Credits(again), waiting, pause);
        }
    }

    /// The credits of an order have come. Only the order's own answer says that they are the order's.
    fn bought(&mut self, plan_id: &PlanId, waiting: Vec<FetchId>, tx_hash: Option<String>, confirmed: bool) {
        self.session.forget_order(plan_id);
        let mut purchase = Some(Purchase { plan_id: plan_id.clone(), tx_hash: tx_hash.clone(), confirmed });
        for fetch in waiting {
            let Some(machine) = self.fetches.get(fetch) else { continue };
            let is_booked_here = purchase.is_some();
            machine.bought(purchase.take());
            if is_booked_here {
                let offer = machine.offer().cloned();
                let url = machine.fetch.target.url.clone();
                let kind = NoticeKind::Order { tx_hash: Some(tx_hash.clone().unwrap_or_default()) };
                self.session.notice(fetch, &url, offer, kind);
            }
            machine.advance(self.session, self.now);
        }
    }

    fn balance_read(&mut self, call: &GetPlanBalance, waiting: Vec<FetchId>, result: CallResult) {
        let held = read(call, result);
        if let Ok(held) = &held {
            self.session.record_balance(&call.plan_id, held.balance, self.now);
            if let Some(price) = held.price_per_credit {
                self.session.plans.set_price(&call.plan_id, price);
            }
        }
        for fetch in waiting {
            if let Some(machine) = self.fetches.get(fetch) {
                machine.balance_read(held.as_ref().err(), self.session, self.now);
            }
        }
    }

    fn terms_read(&mut self, call: &GetPlanTerms, waiting: Vec<FetchId>, result: CallResult) {
        match read(call, result) {
            Ok(terms) => self.session.record_terms(&call.plan_id, terms),
            Err(error) => return self.fail_all(waiting, &error),
        }
        for fetch in waiting {
            if let Some(machine) = self.fetches.get(fetch) {
                machine.terms_read(self.session, self.now);
            }
        }
    }

    fn order_unclear(&mut self, waiting: Vec<FetchId>, plan_id: &PlanId) {
        let purchase = Purchase { plan_id: plan_id.clone(), tx_hash: None, confirmed: false };
        self.fail_purchase(waiting, purchase, &FetchError::PurchaseUnknown);
    }

    /// The purchase is booked on one fetch, so that the reports of all add up to what was done.
    fn fail_purchase(&mut self, waiting: Vec<FetchId>, purchase: Purchase, error: &FetchError) {
        let mut purchase = Some(purchase);
        for fetch in &waiting {
            if let Some(machine) = self.fetches.get(*fetch) {
                machine.fetch.spend.purchases.extend(purchase.take());
            }
        }
        self.fail_all(waiting, error);
    }

    fn fail_all(&mut self, waiting: Vec<FetchId>, error: &FetchError) {
        for fetch in waiting {
            // A fetch that has gone on without waiting is not over.
            if let Some(machine) = self.fetches.get(fetch).filter(|machine| machine.waits_for_platform()) {
                machine.fail(error.clone(), self.session);
            }
        }
    }
}

fn read<C: Call>(call: &C, result: CallResult) -> Result<C::Output, FetchError> {
    let mut response = result.ok_or(FetchError::PlatformUnreachable)?;
    let output = call.parse(&response);
    // A token may stand in it.
    response.body.zeroize();
    output.map_err(|error: ApiError| FetchError::Platform(error.into()))
}
