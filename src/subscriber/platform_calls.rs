//! Work that several fetches share: one mint, one purchase, one look at the balance, however many wait for it
//! (rule 4). It goes on when a fetch that waits for it is aborted.

use super::budget::counts::SURE;
use super::fetch::state::Phase;
use super::fetch::timeouts::Step;
use super::{Buyer, FetchError, FetchId, NoticeKind, Purchase, TokenKey};
use crate::api::plans::{GetPlanBalance, GetPlanTerms, OrderPlan};
use crate::api::{ApiError, ApiErrorKind, Call, Request, Response};
use crate::wire::{AccessToken, Credits, PlanId};
use alloc::{rc::Rc, string::String, vec::Vec};
use zeroize::Zeroize;

/// The name of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(u32);

/// A call that the shell is to make, and to report with [`Buyer::call_finished`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformCall {
    /// To report it by.
    pub id: CallId,
    /// What to send.
    pub request: Request,
    /// How long to wait before it is sent, in milliseconds.
    pub delay_ms: u64,
    /// What it is for.
    pub work: CallWork,
}

/// What a job is for: a shell need not know, a log may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallWork {
    /// A token is minted.
    Mint,
    /// A plan is ordered.
    Order,
    /// A balance is read.
    Balance,
    /// The terms of a plan are read.
    Terms,
}

/// What came of a job: the answer, or `None` where none came.
pub type CallResult = Option<Response>;

/// How long the credits of an order may take to appear, in milliseconds (section 11, row 42).
const CREDITS_TIMEOUT_MS: u64 = 60_000;
/// The first and the longest pause between looks at the balance after an order, in milliseconds.
const POLL_MS: (u64, u64) = (250, 4_000);

/// The pause before another look at a balance that credits are awaited on, after so many looks, in milliseconds.
#[must_use]
pub fn poll_pause_ms(attempts: u32) -> u64 {
    POLL_MS.0.saturating_mul(1 << attempts.min(16)).min(POLL_MS.1)
}

#[derive(Debug)]
pub(super) struct RunningCall {
    id: CallId,
    kind: CallKind,
    waiting: Vec<FetchId>,
}

#[derive(Debug)]
enum CallKind {
    Mint {
        key: Rc<TokenKey>,
    },
    Order {
        call: OrderPlan,
        needed: Credits,
        /// When it was counted, in milliseconds since 1970.
        at: u64,
    },
    /// After an order: until the credits are there, or until `deadline`.
    Credits {
        call: GetPlanBalance,
        needed: Credits,
        deadline: u64,
        looks: u32,
        tx_hash: Option<String>,
        /// Whether the platform said that the order went through.
        sure: bool,
        /// Whether the order was sent for those who wait, rather than earlier or by another tab.
        own: bool,
    },
    Balance {
        call: GetPlanBalance,
    },
    Terms {
        call: GetPlanTerms,
    },
}

impl CallKind {
    fn request(&self) -> (Request, CallWork) {
        match self {
            Self::Mint { key } => (key.call.request(), CallWork::Mint),
            Self::Order { call, .. } => (call.request(), CallWork::Order),
            Self::Credits { call, .. } | Self::Balance { call } => (call.request(), CallWork::Balance),
            Self::Terms { call } => (call.request(), CallWork::Terms),
        }
    }

    /// The plan that is being bought, if this is a purchase.
    fn buys(&self) -> Option<&PlanId> {
        match self {
            Self::Order { call, .. } => Some(&call.plan_id),
            Self::Credits { call, .. } => Some(&call.plan_id),
            Self::Mint { .. } | Self::Balance { .. } | Self::Terms { .. } => None,
        }
    }
}

impl Buyer {
    fn start(&mut self, kind: CallKind, waiting: Vec<FetchId>, delay_ms: u64) {
        self.last_job = self.last_job.wrapping_add(1);
        let id = CallId(self.last_job);
        let (request, work) = kind.request();
        self.command(super::Command::Run(PlatformCall { id, request, delay_ms, work }));
        self.running.push(RunningCall { id, kind, waiting });
    }

    fn join(&mut self, fetch: FetchId, wanted: impl Fn(&CallKind) -> bool) -> bool {
        match self.running.iter_mut().find(|running| wanted(&running.kind)) {
            None => false,
            Some(running) => {
                // Two offers of one plan are one look at its balance.
                if !running.waiting.contains(&fetch) {
                    running.waiting.push(fetch);
                }
                true
            }
        }
    }

    /// One more fetch wants a token for `key`. A mint for a key known to give single-use tokens is its own.
    /// Without one, the token is minted ahead and kept.
    pub(super) fn want_token(&mut self, fetch: Option<FetchId>, key: Rc<TokenKey>) {
        let Some(fetch) = fetch else {
            return self.start(CallKind::Mint { key }, Vec::new(), 0);
        };
        let shared = !self.single_use.contains(&key);
        if !(shared
            && self.join(fetch, |kind| matches!(kind, CallKind::Mint { key: other } if *other == key)))
        {
            self.start(CallKind::Mint { key }, Vec::from([fetch]), 0);
        }
    }

    /// How many mints are under way that nobody waits for.
    pub(super) fn minting_ahead(&self, key: &TokenKey) -> usize {
        let ahead = |running: &&RunningCall| {
            running.waiting.is_empty()
                && matches!(&running.kind, CallKind::Mint { key: other } if **other == *key)
        };
        self.running.iter().filter(ahead).count()
    }

    /// The terms of a plan are read once for all that wait; for nobody in particular where no fetch does.
    pub(super) fn want_terms(&mut self, fetch: Option<FetchId>, plan_id: PlanId) {
        let call = GetPlanTerms { plan_id };
        let same = |kind: &CallKind| matches!(kind, CallKind::Terms { call: other } if *other == call);
        let joined = match fetch {
            Some(fetch) => self.join(fetch, same),
            None => self.running.iter().any(|running| same(&running.kind)),
        };
        if !joined {
            self.start(CallKind::Terms { call }, fetch.into_iter().collect(), 0);
        }
    }

    /// Whether an order of a plan, or its credits, are waited for by anybody here.
    pub(super) fn is_bought(&self, plan_id: &PlanId) -> bool {
        self.running.iter().any(|running| running.kind.buys() == Some(plan_id))
    }

    pub(super) fn want_balance(&mut self, fetch: FetchId, call: GetPlanBalance) {
        if !self.join(fetch, |kind| matches!(kind, CallKind::Balance { call: other } if *other == call)) {
            self.start(CallKind::Balance { call }, Vec::from([fetch]), 0);
        }
    }

    pub(super) fn want_purchase(&mut self, fetch: FetchId, call: OrderPlan, needed: Credits, now: u64) {
        if self.join(fetch, |kind| kind.buys() == Some(&call.plan_id)) {
            return;
        }
        // An order that was sent and not seen to arrive is waited for, not repeated.
        let sure = self.order_of(&call.plan_id, now).map(|order| order.kind == SURE);
        if let Some(sure) = sure {
            // Without an account there is nothing that its credits could be looked for by.
            let Some(holder) = self.holder.clone() else {
                return self.fail(fetch, FetchError::PurchasePending);
            };
            let call = GetPlanBalance { plan_id: call.plan_id, holder };
            let deadline = self.credits_deadline(&[fetch], now);
            self.start(
                CallKind::Credits { call, needed, deadline, looks: 0, tx_hash: None, sure, own: false },
                Vec::from([fetch]),
                0,
            );
        } else {
            self.record_order(&call.plan_id, now);
            self.budget.count_purchase(now);
            self.notice(fetch, NoticeKind::Order { tx_hash: None });
            self.start(CallKind::Order { call, needed, at: now }, Vec::from([fetch]), 0);
        }
    }

    /// The shell reports what came of a job. `now` is in milliseconds since 1970.
    pub fn call_finished(&mut self, job: CallId, result: CallResult, now: u64) {
        let Some(index) = self.running.iter().position(|running| running.id == job) else { return };
        let RunningCall { kind, waiting, .. } = self.running.remove(index);
        match kind {
            CallKind::Mint { key } => self.minted(&key, waiting, result, now),
            CallKind::Order { call, needed, at } => self.ordered(&call, (needed, at), waiting, result, now),
            CallKind::Credits { call, needed, deadline, looks, tx_hash, sure, own } => {
                let held = result.and_then(|response| call.parse(&response).ok()).map(|held| held.balance);
                if let Some(held) = held {
                    self.record_balance(&call.plan_id, held, now);
                }
                if held.is_some_and(|held| held >= needed) {
                    self.bought(&call.plan_id, waiting, (tx_hash, sure), now);
                } else if now >= deadline || !waiting.iter().any(|fetch| self.fetch_mut(*fetch).is_some()) {
                    // In time, or for nobody: whoever wants the plan next waits for this order.
                    let bought = Purchase { plan_id: call.plan_id.clone(), tx_hash, confirmed: sure };
                    let error = if own { FetchError::CreditsTimeout } else { FetchError::PurchasePending };
                    self.fail_purchase(waiting, bought, &error);
                } else {
                    let pause = poll_pause_ms(looks);
                    let kind =
                        CallKind::Credits { call, needed, deadline, looks: looks + 1, tx_hash, sure, own };
                    self.start(kind, waiting, pause);
                }
            }
            CallKind::Balance { call } => {
                let held = read(&call, result);
                if let Ok(held) = &held {
                    self.record_balance(&call.plan_id, held.balance, now);
                    if let Some(price) = held.price_per_credit {
                        self.record_price(&call.plan_id, price);
                    }
                }
                for fetch in waiting {
                    let Some(visit) = self.fetch_mut(fetch) else { continue };
                    match &held {
                        // An offer of which nothing can be learned is one of the others still.
                        _ if visit.phase == Phase::Choosing => self.choose(fetch, now),
                        Ok(_) => {
                            visit.waits.balance = false;
                            self.advance(fetch, now);
                        }
                        Err(error) => self.fail_all(Vec::from([fetch]), error),
                    }
                }
            }
            CallKind::Terms { call } => self.terms_read(&call, waiting, result, now),
        }
    }

    fn terms_read(&mut self, call: &GetPlanTerms, waiting: Vec<FetchId>, result: CallResult, now: u64) {
        match read(call, result) {
            Ok(terms) => self.record_terms(&call.plan_id, terms),
            Err(error) => return self.fail_all(waiting, &error),
        }
        for fetch in waiting {
            let Some(visit) = self.fetch_mut(fetch) else { continue };
            visit.waits.price = false;
            visit.price_read = true;
            match (visit.phase, visit.offer.clone()) {
                (Phase::ReadingTerms, Some(offer)) => {
                    visit.price_read = false;
                    self.decide(fetch, offer, now);
                }
                (phase, _) => {
                    if phase == Phase::Preparing && visit.spends_held_only() {
                        self.count_anew(fetch);
                    }
                    self.advance(fetch, now);
                }
            }
        }
    }

    /// Until when credits are looked for: a minute, or longer where somebody waits longer.
    fn credits_deadline(&mut self, waiting: &[FetchId], now: u64) -> u64 {
        let mut longest = CREDITS_TIMEOUT_MS;
        for fetch in waiting {
            let patience = self.fetch_mut(*fetch).and_then(|visit| visit.request.timeouts.credits);
            longest = longest.max(patience.unwrap_or_default().into());
        }
        now.saturating_add(longest)
    }

    /// The step that the purchase which `fetch` waits for is at.
    pub(super) fn purchase_step(&self, fetch: FetchId) -> Option<Step> {
        let mut running = self.running.iter().filter(|one| one.waiting.contains(&fetch));
        running.find_map(|one| match one.kind {
            CallKind::Order { .. } => Some(Step::Order),
            CallKind::Credits { .. } => Some(Step::Credits),
            CallKind::Mint { .. } | CallKind::Balance { .. } | CallKind::Terms { .. } => None,
        })
    }

    /// Whether a look at a balance is under way that `fetch` waits for.
    pub(super) fn awaits_balance(&self, fetch: FetchId) -> bool {
        let looks = self.running.iter().filter(|running| matches!(running.kind, CallKind::Balance { .. }));
        looks.into_iter().any(|running| running.waiting.contains(&fetch))
    }

    fn minted(&mut self, key: &Rc<TokenKey>, waiting: Vec<FetchId>, result: CallResult, now: u64) {
        let token: AccessToken = match read(&key.call, result) {
            Ok(token) => token,
            Err(error) => return self.fail_all(waiting, &error),
        };
        let single_use = token.is_single_use();
        if single_use && !self.single_use.contains(key) {
            if self.single_use.len() >= super::buyer::MAX_REMEMBERED {
                self.single_use.remove(0);
            }
            self.single_use.push(key.clone());
        }
        // What was minted just now goes to whoever waited, whatever this machine's clock says of its end.
        let secret = token.secret().clone();
        let mut unused = Some(token);
        if !single_use {
            unused.take().into_iter().for_each(|token| self.tokens.put(key.clone(), token, now));
        }
        // The mint is booked on one fetch, so that the reports of all add up to what was done.
        let mut booked = false;
        for fetch in waiting {
            if self.fetch_mut(fetch).is_none() {
                continue;
            }
            match !single_use || unused.take().is_some() {
                true => {
                    if let Some(visit) = self.fetch_mut(fetch) {
                        visit.token = Some(secret.clone());
                        visit.token_single_use = single_use;
                        visit.token_reused = false;
                        visit.spend.mints += u32::from(!booked);
                        visit.waits.token = false;
                    }
                    if !core::mem::replace(&mut booked, true) {
                        self.notice(fetch, NoticeKind::Mint { single_use });
                    }
                    self.advance(fetch, now);
                }
                // A single-use token that went to another who waited: this one gets its own.
                false => self.want_token(Some(fetch), key.clone()),
            }
        }
        if let Some(token) = unused {
            self.tokens.put(key.clone(), token, now);
        }
    }

    fn ordered(
        &mut self,
        call: &OrderPlan,
        (needed, at): (Credits, u64),
        waiting: Vec<FetchId>,
        result: CallResult,
        now: u64,
    ) {
        let ordered = match result {
            // Sent, and nobody knows: an order is not repeated.
            None => return self.order_unclear(waiting, call),
            Some(response) => call.parse(&response),
        };
        match (ordered, self.holder.clone()) {
            (Err(error), _)
                if error.kind == ApiErrorKind::Refused || error.kind == ApiErrorKind::Unauthorized =>
            {
                self.forget_order(&call.plan_id);
                self.budget.uncount_purchase(at);
                self.fail_all(waiting, &FetchError::Platform(error.into()));
            }
            (Err(_), _) => self.order_unclear(waiting, call),
            (Ok(ordered), None) => self.bought(&call.plan_id, waiting, (ordered.tx_hash, true), now),
            (Ok(ordered), Some(holder)) => {
                if let Some(order) = self.order_of(&call.plan_id, now) {
                    order.kind = SURE;
                }
                let call = GetPlanBalance { plan_id: call.plan_id.clone(), holder };
                let deadline = self.credits_deadline(&waiting, now);
                let kind = CallKind::Credits {
                    call,
                    needed,
                    deadline,
                    looks: 0,
                    tx_hash: ordered.tx_hash,
                    sure: true,
                    own: true,
                };
                self.start(kind, waiting, 0);
            }
        }
    }

    /// The credits of an order are there. Whether they are the order's, only its own answer says.
    fn bought(
        &mut self,
        plan_id: &PlanId,
        waiting: Vec<FetchId>,
        (tx_hash, confirmed): (Option<String>, bool),
        now: u64,
    ) {
        self.forget_order(plan_id);
        let mut booked = false;
        for fetch in waiting {
            let Some(visit) = self.fetch_mut(fetch) else { continue };
            visit.purchased = true;
            if !core::mem::replace(&mut booked, true) {
                let purchase = Purchase { plan_id: plan_id.clone(), tx_hash: tx_hash.clone(), confirmed };
                visit.spend.purchases.push(purchase);
                self.notice(fetch, NoticeKind::Order { tx_hash: Some(tx_hash.clone().unwrap_or_default()) });
            }
            self.advance(fetch, now);
        }
    }

    fn order_unclear(&mut self, waiting: Vec<FetchId>, call: &OrderPlan) {
        let plan_id = call.plan_id.clone();
        let purchase = Purchase { plan_id, tx_hash: None, confirmed: false };
        self.fail_purchase(waiting, purchase, &FetchError::PurchaseUnknown);
    }

    /// The purchase is booked on one fetch, so that the reports of all add up to what was done.
    fn fail_purchase(&mut self, waiting: Vec<FetchId>, purchase: Purchase, error: &FetchError) {
        let mut purchase = Some(purchase);
        for fetch in &waiting {
            if let Some(visit) = self.fetch_mut(*fetch) {
                visit.spend.purchases.extend(purchase.take());
            }
        }
        self.fail_all(waiting, error);
    }

    /// An order that has not gone out, and is not to.
    pub(super) fn cancel(&mut self, job: CallId) {
        let Some(index) = self.running.iter().position(|running| running.id == job) else { return };
        if let CallKind::Order { call, at, .. } = self.running.remove(index).kind {
            self.forget_order(&call.plan_id);
            self.budget.uncount_purchase(at);
        }
    }

    fn fail_all(&mut self, waiting: Vec<FetchId>, error: &FetchError) {
        for fetch in waiting {
            // One that has gone on without waiting is not over.
            if self.fetch_mut(fetch).is_some_and(|visit| visit.phase.waits_for_work()) {
                self.fail(fetch, error.clone());
            }
        }
    }

    /// The purchase that `fetch` waits for, if the order has gone out.
    pub(super) fn purchase_awaited_by(&self, fetch: FetchId) -> Option<Purchase> {
        let running =
            self.running.iter().find(|one| one.waiting.contains(&fetch) && one.kind.buys().is_some())?;
        let plan_id = running.kind.buys()?.clone();
        let (tx_hash, confirmed) = match &running.kind {
            CallKind::Credits { tx_hash, sure, .. } => (tx_hash.clone(), *sure),
            _ => (None, false),
        };
        Some(Purchase { plan_id, tx_hash, confirmed })
    }
}

fn read<C: Call>(call: &C, result: CallResult) -> Result<C::Output, FetchError> {
    let mut response = result.ok_or(FetchError::PlatformUnreachable)?;
    let output = call.parse(&response);
    // A token may stand in it.
    response.body.zeroize();
    output.map_err(|error: ApiError| FetchError::Platform(error.into()))
}
