//! The part of a buyer that its fetches share.

use super::agreements::Agreements;
use super::budget::entry::{Entry, SURE};
use super::budget::payment_record::PaymentRecords;
use super::budget::pending_orders::{BLOCKS_MS, PendingOrder};
use super::capped::MAX_REMEMBERED;
use super::fetch::open_payment::OpenPayments;
use super::in_progress::{Commitments, Questions};
use super::plan_facts::PlanFacts;
use super::shared_calls::{AwaitedCredits, CallKind, PlanOrder, SharedCalls};
use super::token_store::TokenStore;
use super::{Budget, Command, FetchError, FetchId, FetchRequest, Notice, NoticeKind, Offer, TokenKey};
use crate::api::plans::{GetPlanBalance, GetPlanTerms, OrderPlan, PlanTerms};
use crate::wire::{Credits, DelegationRef, PlanId, Secret};
use alloc::{string::String, sync::Arc, vec::Vec};

/// The state that the fetches of one buyer share.
#[derive(Debug, Default)]
pub(crate) struct Session {
    pub(crate) logged_in: bool,
    /// The account whose credits are spent, `0x…`; `None` while nobody is logged in or the key names none.
    pub(crate) account: Option<String>,
    pub(crate) delegation_id: Option<DelegationRef>,
    pub(crate) tokens: TokenStore,
    pub(crate) budget: Budget,
    pub(crate) records: PaymentRecords,
    pub(crate) plans: PlanFacts,
    pub(crate) agreements: Agreements,
    pub(crate) open_payments: OpenPayments,
    pub(crate) calls: SharedCalls,
    pub(crate) commitments: Commitments,
    pub(crate) questions: Questions,
    /// Tokens that were refused since other fetches last looked: none of them presents one of these.
    pub(crate) ended_tokens: Vec<Secret>,
    /// Receipts that name more credits than were counted, of plans whose terms are being read.
    claims: Vec<Claim>,
    pub(crate) commands: Vec<Command>,
}

/// A receipt that names more credits than were counted.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) offer: Arc<Offer>,
    /// When its token was presented, in milliseconds since 1970.
    pub(crate) at: u64,
    pub(crate) counted: Credits,
    pub(crate) redeemed: Credits,
}

/// How long the credits of an order may take to appear, in milliseconds (section 11, row 42).
const CREDITS_TIMEOUT_MS: u64 = 60_000;

impl Session {
    pub(crate) fn command(&mut self, command: Command) {
        self.commands.push(command);
    }

    pub(crate) fn notice(&mut self, fetch: FetchId, url: &str, offer: Option<Arc<Offer>>, kind: NoticeKind) {
        self.command(Command::Tell(Notice { fetch, url: url.into(), offer, kind }));
    }

    /// Drops all that belongs to the account (rule 13). Budget and books stay.
    pub(crate) fn clear(&mut self) {
        self.logged_in = false;
        self.account = None;
        self.delegation_id = None;
        self.tokens.clear();
        self.plans = PlanFacts::default();
        self.agreements.clear();
        self.open_payments = OpenPayments::default();
        self.calls.clear();
        self.claims.clear();
    }

    /// The limit of its policies that a request would break by presenting a token that can cost `cost`, in credits, after
    /// it has presented `before`.
    pub(crate) fn broken_limit(
        &self,
        request: &FetchRequest,
        offer: &Offer,
        cost: Credits,
        before: Credits,
        now: u64,
    ) -> Option<&'static str> {
        request.policies().find_map(|policy| match offer.is_money() {
            true => policy.broken_amount_limit(offer.plan_id().as_str(), cost, before, &self.budget, now),
            false => policy.broken_limit(cost, before, &self.budget, now),
        })
    }

    /// The most that one presentation for an offer can cost, in credits: the most that the platform can take by the plan's
    /// terms, where they are known. The seller's price may raise that, and lowers it only where a policy trusts it by name.
    pub(crate) fn cost_of(&self, request: &FetchRequest, offer: &Offer) -> Credits {
        match self.plans.terms(offer.plan_id()) {
            // A trusted seller settles the price that it asked, and the platform takes at least the plan's least.
            Some(terms) if request.trusts_price_of(offer) => offer.needed().max(terms.least),
            Some(terms) => terms.most.max(offer.credits().unwrap_or_default()),
            None => offer.needed(),
        }
    }

    /// The credits that must be held for an offer: what the platform takes where it is asked for the offer's price. Where
    /// only held credits may be spent (`held_only`), it is the most that the platform can take.
    pub(crate) fn needed(&self, offer: &Offer, trusts_price: bool, held_only: bool) -> Credits {
        let taken = match self.plans.terms(offer.plan_id()) {
            Some(terms) if held_only && !trusts_price => terms.most,
            Some(terms) => terms.burns(offer.needed()),
            None => return offer.needed(),
        };
        taken.max(Credits::from(1))
    }

    /// The credits of a plan that other fetches are about to take before `fetch`: see [`Commitments::before`].
    pub(crate) fn committed(&self, plan_id: &PlanId, fetch: FetchId, held_only: bool) -> Credits {
        self.commitments.before(fetch, plan_id).fold(Credits::ZERO, |sum, one| {
            sum.saturating_add(self.needed(&one.offer, one.trusts_price, held_only))
        })
    }

    /// The platform stated the terms of a plan.
    pub(crate) fn record_terms(&mut self, plan_id: &PlanId, terms: PlanTerms) {
        for claim in core::mem::take(&mut self.claims) {
            match claim.offer.plan_id() == plan_id {
                true => self.raise(&claim, &terms),
                false => self.claims.push(claim),
            }
        }
        self.plans.set_terms(plan_id, terms);
    }

    /// A receipt names more credits than were counted: they count, up to the most that the plan's terms allow. A seller
    /// could otherwise use up a budget by a number.
    fn raise(&mut self, claim: &Claim, terms: &PlanTerms) {
        let more = claim.redeemed.min(terms.most).saturating_sub(claim.counted);
        self.budget.raise(&claim.offer, claim.at, more);
    }

    /// A receipt states the redeemed credits: only more than was counted changes anything.
    pub(crate) fn record_redeemed(&mut self, claim: Claim) {
        if claim.redeemed <= claim.counted {
            return;
        }
        let plan_id = claim.offer.plan_id().clone();
        if let Some(terms) = self.plans.terms(&plan_id).cloned() {
            return self.raise(&claim, &terms);
        }
        if self.claims.len() < MAX_REMEMBERED {
            self.claims.push(claim);
            self.want_terms(None, plan_id);
        }
    }

    /// A balance was read: purchases are decided by it. More credits than before an order say that those of the order have come.
    pub(crate) fn record_balance(&mut self, plan_id: &PlanId, held: Credits, now: u64) {
        self.plans.set_balance(plan_id, held, now);
        let order = self.pending_order(plan_id);
        if order.find(&mut self.budget, 0).is_some_and(|order| held > order.credits) {
            order.forget(&mut self.budget);
        }
    }

    fn pending_order(&self, plan_id: &PlanId) -> PendingOrder {
        PendingOrder::new(self.account.as_deref(), plan_id)
    }

    /// The order of a plan that is waited for, if there is one.
    pub(crate) fn order_of(&mut self, plan_id: &PlanId, now: u64) -> Option<&mut Entry> {
        self.pending_order(plan_id).find(&mut self.budget, now)
    }

    pub(crate) fn forget_order(&mut self, plan_id: &PlanId) {
        self.pending_order(plan_id).forget(&mut self.budget);
    }

    /// The caller orders a plan by hand, or the order that began at `began` was answered: until then, and while its credits may
    /// be on their way, no fetch orders the plan too. Without `now` it was refused. An earlier order goes on blocking as it did.
    pub(crate) fn order_by_hand(&mut self, plan_id: &PlanId, began: &str, now: Option<u64>) {
        let order = self.pending_order(plan_id);
        if order.is_another(&self.budget, began) {
            return;
        }
        let answered_ms = if began.is_empty() { 0 } else { BLOCKS_MS - CREDITS_TIMEOUT_MS };
        match now {
            Some(now) => {
                let held = self.plans.balance(plan_id).unwrap_or_default();
                order.record(&mut self.budget, held, now.saturating_sub(answered_ms));
            }
            None => order.forget(&mut self.budget),
        }
    }

    /// A platform call begins.
    pub(crate) fn start(&mut self, kind: CallKind, waiting: Vec<FetchId>, delay_ms: u64) {
        let call = self.calls.start(kind, waiting, delay_ms);
        self.command(Command::Run(call));
    }

    /// A fetch wants a token for `key`. A key known to give single-use tokens has a mint for each fetch. Without a fetch,
    /// the token is minted ahead and kept.
    pub(crate) fn want_token(&mut self, fetch: Option<FetchId>, key: Arc<TokenKey>) {
        let Some(fetch) = fetch else {
            return self.start(CallKind::Mint(key), Vec::new(), 0);
        };
        let is_shared = !self.tokens.is_single_use(&key) && !key.is_signed();
        let same = |kind: &CallKind| matches!(kind, CallKind::Mint(other) if *other == key);
        if !(is_shared && self.calls.join(fetch, &same)) {
            self.start(CallKind::Mint(key), Vec::from([fetch]), 0);
        }
    }

    /// The terms of a plan are read once for all fetches that wait; for the session alone where `fetch` is `None`.
    pub(crate) fn want_terms(&mut self, fetch: Option<FetchId>, plan_id: PlanId) {
        let call = GetPlanTerms { plan_id };
        let same = |kind: &CallKind| matches!(kind, CallKind::Terms(other) if *other == call);
        let joined = match fetch {
            Some(fetch) => self.calls.join(fetch, &same),
            None => self.calls.is_running(&same),
        };
        if !joined {
            self.start(CallKind::Terms(call), fetch.into_iter().collect(), 0);
        }
    }

    pub(crate) fn want_balance(&mut self, fetch: FetchId, call: GetPlanBalance) {
        let same = |kind: &CallKind| matches!(kind, CallKind::Balance(other) if *other == call);
        if !self.calls.join(fetch, &same) {
            self.start(CallKind::Balance(call), Vec::from([fetch]), 0);
        }
    }

    /// True if a balance read is under way that `fetch` waits for.
    pub(crate) fn awaits_balance(&self, fetch: FetchId) -> bool {
        self.calls.is_awaited(fetch, &|kind| matches!(kind, CallKind::Balance(_)))
    }

    /// A fetch wants to buy a plan, or waits for an order of it that is under way or whose credits have not arrived.
    ///
    /// # Errors
    /// `PurchasePending` where an order was sent whose credits cannot be looked for.
    pub(crate) fn want_purchase(
        &mut self,
        buyer: &PurchaseWish<'_>,
        plan_id: &PlanId,
        needed: Credits,
        now: u64,
    ) -> Result<(), FetchError> {
        let fetch = buyer.fetch;
        if self.calls.join_purchase(fetch, plan_id) {
            return Ok(());
        }
        // An order whose credits have not arrived is waited for, not repeated.
        if let Some(confirmed) = self.order_of(plan_id, now).map(|order| order.kind == SURE) {
            // Without an account there is nothing that its credits could be looked for by.
            let Some(holder) = self.account.clone() else { return Err(FetchError::PurchasePending) };
            let call = GetPlanBalance { plan_id: plan_id.clone(), holder };
            let deadline = credits_deadline(buyer.credits_timeout, now);
            let credits =
                AwaitedCredits { call, needed, deadline, attempts: 0, tx_hash: None, confirmed, own: false };
            self.start(CallKind::Credits(credits), Vec::from([fetch]), 0);
        } else {
            let held = self.plans.balance(plan_id).unwrap_or_default();
            self.pending_order(plan_id).record(&mut self.budget, held, now);
            self.budget.count_purchase(now);
            self.notice(fetch, buyer.url, Some(buyer.offer.clone()), NoticeKind::Order { tx_hash: None });
            let order = PlanOrder { call: OrderPlan { plan_id: plan_id.clone() }, needed, at: now };
            self.start(CallKind::Order(order), Vec::from([fetch]), 0);
        }
        Ok(())
    }
}

/// The fetch that wants a purchase.
pub(crate) struct PurchaseWish<'a> {
    pub(crate) fetch: FetchId,
    pub(crate) url: &'a str,
    pub(crate) offer: &'a Arc<Offer>,
    /// How long it waits for the credits, in milliseconds.
    pub(crate) credits_timeout: Option<u32>,
}

/// The time until which credits are looked for: a minute, or longer where the longest wait of a fetch is longer.
pub(crate) fn credits_deadline(longest_wait: Option<u32>, now: u64) -> u64 {
    now.saturating_add(CREDITS_TIMEOUT_MS.max(longest_wait.unwrap_or_default().into()))
}
