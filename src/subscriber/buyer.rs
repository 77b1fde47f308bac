use super::budget::counts::Budget;
use super::fetch::state::{Action, Fetch, FetchRequest, Phase};
use super::platform_calls::{PlatformCall, RunningCall};
use super::token_store::TokenStore;
use super::{Approval, Offer, PaymentRecord, ResponseHead, TokenKey};
use crate::api::plans::PlanTerms;
use crate::wire::{Credits, DelegationRef, PlanId, Receipt};
use alloc::rc::Rc;
use alloc::{boxed::Box, string::String, vec::Vec};

/// The name of one fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FetchId(u32);

impl FetchId {
    /// The number of the fetch, from one.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }
}

impl From<u32> for FetchId {
    fn from(number: u32) -> Self {
        Self(number)
    }
}

/// What the shell is to do next; taken with [`Buyer::poll_command`] until there is none.
#[derive(Debug, Clone)]
pub enum Command {
    /// For one fetch; answered with [`Buyer::handle_event`].
    Do(FetchId, Box<Action>),
    /// For all who wait for it; answered with [`Buyer::call_finished`].
    Run(PlatformCall),
    /// The fetch is at another step, which may take so many milliseconds from now on, or as long as it takes: it replaces
    /// what was said before. Answered with [`Event::TimedOut`] when the time is up, and of no use once it has ended.
    Limit(FetchId, Option<u32>),
    /// To be told to whoever listens. Needs no answer.
    Tell(Notice),
}

/// What happened to a fetch, as the shell reports it.
#[derive(Debug, Clone)]
pub enum Event {
    /// The seller answered.
    Answered(ResponseHead),
    /// The body that was to be read; `None` where it could not be, or was too large.
    Body(Option<String>),
    /// Whoever was to choose chose, by its place in the list; nothing, or a place that is none, is a no.
    Selected(Option<usize>),
    /// Whoever was asked answered.
    Approved(Approval),
    /// Asking failed.
    ApproveFailed,
    /// No answer came from the seller.
    SendFailed,
    /// The caller's signal fired.
    Aborted,
    /// The time of the step is up: see [`Command::Limit`].
    TimedOut,
}

/// Something that a person or a log may want to know, as it happens.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// Which fetch it is about.
    pub fetch: FetchId,
    /// Where that fetch goes.
    pub url: String,
    /// What is asked for, once that is known.
    pub offer: Option<Rc<Offer>>,
    /// What happened.
    pub kind: NoticeKind,
}

/// What a [`Notice`] says.
#[derive(Debug, Clone, PartialEq)]
pub enum NoticeKind {
    /// A request goes out without a token.
    Request,
    /// The terms are known.
    Offer,
    /// Consent was given.
    Consent,
    /// An order goes out (`None`), or its credits are there (the transaction, empty where unnamed).
    Order {
        /// The transaction of the finished order.
        tx_hash: Option<String>,
    },
    /// A token is at hand that was minted for this fetch.
    Mint {
        /// Whether it can be presented once only.
        single_use: bool,
    },
    /// A request goes out with a token.
    Paid,
    /// The answer came with a receipt.
    Receipt(Rc<Receipt>),
    /// The seller refused the payment.
    Refused,
    /// Whether the payment was taken is not known.
    Unknown,
}

/// All of one session's paying: its tokens, its budget, what it was told, and the fetches under way.
///
/// A shell calls [`open`](Self::open) for a fetch, then does what [`poll_command`](Self::poll_command) says until it
/// says nothing, and reports with [`handle_event`](Self::handle_event) and [`call_finished`](Self::call_finished); each report may bring commands
/// for any fetch. Times are milliseconds since 1970.
#[derive(Debug, Default)]
pub struct Buyer {
    /// The account whose credits are spent, `0x…`; `None` while nobody is logged in or the key names none.
    pub(super) holder: Option<String>,
    pub(super) logged_in: bool,
    pub(super) delegation_id: Option<DelegationRef>,
    pub(super) tokens: TokenStore,
    pub(super) budget: Budget,
    pub(super) single_use: Vec<Rc<TokenKey>>,
    pub(super) running: Vec<RunningCall>,
    pub(super) last_job: u32,
    /// Terms that were paid, by (method, path): what makes a second request one round trip (rule 5).
    pub(super) terms: Vec<(String, Rc<Offer>)>,
    /// What was agreed to for the whole session.
    pub(super) grants: Vec<(Rc<Offer>, Option<DelegationRef>)>,
    /// Payments of which nobody said whether they were taken.
    pub(super) unsettled: Vec<(FetchId, Box<Fetch>)>,
    /// What the platform said was held of each plan, less what was presented since. No seller's word is in it.
    balances: Vec<Reading>,
    /// What the platform says of the plans that a limit was asked about.
    plan_terms: Vec<(PlanId, PlanTerms)>,
    /// Receipts that name more credits than were counted, of plans whose terms are being read.
    pub(super) claims: Vec<Claim>,
    /// What a credit of a plan costs, as the platform says it: for ranking offers, not for sums.
    pub(super) prices: Vec<(PlanId, f64)>,
    pub(super) visits: Vec<(FetchId, Box<Fetch>)>,
    last_fetch: u32,
    pub(super) commands: Vec<Command>,
    pub(super) records: Vec<PaymentRecord>,
}

/// What the platform said was held of a plan.
#[derive(Debug)]
struct Reading {
    plan_id: PlanId,
    /// In credits, less what was presented since.
    held: Credits,
    /// When it was read, in milliseconds since 1970.
    at: u64,
    /// Whether something was presented since: then it says that the credits suffice, and not that they do not.
    is_reduced: bool,
}

/// A receipt that names more credits than were counted.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) offer: Rc<Offer>,
    /// When its token was presented, in milliseconds since 1970.
    pub(super) at: u64,
    pub(super) counted: Credits,
    pub(super) redeemed: Credits,
}

/// How many payments are kept for the books; the oldest goes first.
pub const MAX_RECORDS: usize = 1_000;

/// How many remembered terms and grants are kept; the oldest goes first.
pub(super) const MAX_REMEMBERED: usize = 256;
/// How long a balance is believed, in milliseconds.
const BALANCE_TTL_MS: u64 = 30_000;

impl Buyer {
    /// A buyer with nobody logged in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Somebody logged in: from now on there is a key to mint and order with.
    pub fn log_in(&mut self, holder: Option<String>, delegation_id: Option<DelegationRef>) {
        self.log_out();
        self.logged_in = true;
        self.holder = holder;
        self.delegation_id = delegation_id;
    }

    /// Ends the session: tokens, remembered terms and grants are dropped, fetches under way end (rule 13).
    pub fn log_out(&mut self) {
        for fetch in self.visits.iter().map(|(fetch, _)| *fetch).collect::<Vec<_>>() {
            self.fail(fetch, super::FetchError::LoggedOut);
        }
        for (_, visit) in &mut self.visits {
            // What has ended and was not fetched yet is not gone on with.
            (visit.token, visit.sent_token, visit.resumed, visit.unsettled) = (None, None, None, false);
        }
        self.logged_in = false;
        self.holder = None;
        self.delegation_id = None;
        self.tokens.clear();
        self.single_use.clear();
        self.terms.clear();
        self.grants.clear();
        self.running.clear();
        self.unsettled.clear();
        self.balances.clear();
        self.plan_terms.clear();
        self.claims.clear();
        self.prices.clear();
    }

    /// What this session has spent so far.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The payments that have ended, the oldest first, at most [`MAX_RECORDS`]. They outlive a logout.
    #[must_use]
    pub fn records(&self) -> &[PaymentRecord] {
        &self.records
    }

    pub(super) fn store_record(&mut self, record: PaymentRecord) {
        if self.records.len() >= MAX_RECORDS {
            self.records.remove(0);
        }
        self.records.push(record);
    }

    /// The limit of its policies that a fetch would break by presenting a token for its offer now. What it has presented
    /// already, it has presented.
    pub(super) fn broken_limit(&self, fetch: FetchId, now: u64) -> Option<&'static str> {
        let visit = self.look(fetch)?;
        let before = visit.spend.credits_presented;
        visit.request.policies().find_map(|policy| policy.broken_limit(visit.cost, before, &self.budget, now))
    }

    /// The most that one presentation for an offer can cost, in credits: what the platform can take by the plan's terms,
    /// where they are known. The seller's own price may raise that and not lower it, unless a policy trusts it by name.
    pub(super) fn cost_of(&self, request: &FetchRequest, offer: &Offer) -> Credits {
        match self.terms_of(offer.plan_id()) {
            // A trusted seller settles what it asked, and the platform takes the plan's least for it at the least.
            Some(terms) if request.trusts_price_of(offer) => offer.needed().max(terms.least),
            Some(terms) => terms.most.max(offer.credits().unwrap_or_default()),
            None => offer.needed(),
        }
    }

    /// What must be held for the offer of a fetch, in credits: what the platform takes where it is asked for the offer's
    /// price. Where only what is held may be spent (`held_only`), it is the most that the platform can take.
    pub(super) fn needed(&self, request: &FetchRequest, offer: &Offer, held_only: bool) -> Credits {
        let taken = match self.terms_of(offer.plan_id()) {
            Some(terms) if held_only && !request.trusts_price_of(offer) => terms.most,
            Some(terms) => terms.burns(offer.needed()),
            None => return offer.needed(),
        };
        taken.max(Credits::from(1))
    }

    /// What the platform said of a plan in this session.
    pub(super) fn terms_of(&self, plan_id: &PlanId) -> Option<&PlanTerms> {
        self.plan_terms.iter().find(|(plan, _)| plan == plan_id).map(|(_, terms)| terms)
    }

    /// The platform said what a plan's terms are.
    pub(super) fn record_terms(&mut self, plan_id: &PlanId, terms: PlanTerms) {
        for claim in core::mem::take(&mut self.claims) {
            match claim.offer.plan_id() == plan_id {
                true => self.raise(&claim, &terms),
                false => self.claims.push(claim),
            }
        }
        self.plan_terms.retain(|(plan, _)| plan != plan_id);
        if self.plan_terms.len() >= MAX_REMEMBERED {
            self.plan_terms.remove(0);
        }
        self.plan_terms.push((plan_id.clone(), terms));
    }

    /// A receipt names more credits than were counted: that counts, up to what the plan's terms allow. A seller could
    /// otherwise use up a budget by a number.
    fn raise(&mut self, claim: &Claim, terms: &PlanTerms) {
        let more = claim.redeemed.min(terms.most).saturating_sub(claim.counted);
        self.budget.raise(&claim.offer, claim.at, more);
    }

    /// A receipt says what was redeemed: only more than was counted changes anything.
    pub(super) fn record_redeemed(&mut self, claim: Claim) {
        if claim.redeemed <= claim.counted {
            return;
        }
        let plan_id = claim.offer.plan_id().clone();
        if let Some(terms) = self.terms_of(&plan_id).cloned() {
            return self.raise(&claim, &terms);
        }
        if self.claims.len() < MAX_REMEMBERED {
            self.claims.push(claim);
            self.want_terms(None, plan_id);
        }
    }

    /// Begins a fetch.
    pub fn open(&mut self, request: FetchRequest, now: u64) -> FetchId {
        let fetch = self.name_fetch();
        self.open_as(fetch, request, now);
        fetch
    }

    /// A name for a fetch that is to begin in a moment.
    #[must_use]
    pub fn name_fetch(&mut self) -> FetchId {
        self.last_fetch = self.last_fetch.wrapping_add(1);
        FetchId(self.last_fetch)
    }

    /// Begins a fetch under a name that was given out for it.
    pub fn open_as(&mut self, fetch: FetchId, request: FetchRequest, now: u64) {
        let (known, payment) = (self.known_terms(&request), request.resume);
        self.visits.push((fetch, Box::new(Fetch::new(request))));
        match (payment, known) {
            (Some(payment), _) => self.resume(fetch, payment, now),
            (None, Some(offer)) => self.consider(fetch, offer, now),
            (None, None) => self.send_unpaid(fetch),
        }
    }

    /// The shell reports what came of the last action of `fetch`. Reports for a fetch that is over are ignored.
    pub fn handle_event(&mut self, fetch: FetchId, event: Event, now: u64) {
        let Some(phase) = self.fetch_mut(fetch).map(|visit| visit.phase) else { return };
        match (phase, event) {
            (_, Event::Aborted) => self.fail(fetch, super::FetchError::Aborted),
            (_, Event::TimedOut) => self.timed_out(fetch),
            (Phase::SendingUnpaid, Event::Answered(answer)) => self.unpaid_answered(fetch, answer, now),
            (Phase::Paying, Event::Answered(answer)) => self.paid_answered(fetch, answer, now),
            (Phase::SendingUnpaid, Event::SendFailed) => self.fail(fetch, self.unreachable(fetch)),
            (Phase::Paying, Event::SendFailed) => self.fail(fetch, super::FetchError::OutcomeUnknown),
            (Phase::ReadingOffer, Event::Body(body)) => self.read_offer(fetch, body, now),
            (Phase::ReadingRefusal, Event::Body(body)) => self.read_refusal(fetch, body.as_deref(), now),
            (Phase::Choosing, Event::Selected(choice)) => self.selected(fetch, choice, now),
            (Phase::Asking, Event::Approved(approval)) => self.approved(fetch, approval, now),
            (Phase::Asking | Phase::Choosing, Event::ApproveFailed) => {
                self.fail(fetch, super::FetchError::ApproveFailed);
            }
            _ => {}
        }
        if phase == Phase::Asking {
            self.ask_next(now);
        }
    }

    /// A redirect that answered a token leads to a request without one: its end is not that nothing was paid.
    fn unreachable(&self, fetch: FetchId) -> super::FetchError {
        let nothing = |visit: &Fetch| visit.spend.outcome == super::Outcome::None;
        match self.look(fetch) {
            Some(visit) if !nothing(visit) => super::FetchError::RedirectedWhilePaying,
            _ => super::FetchError::Unreachable,
        }
    }

    /// How many fetches are open and not forgotten.
    #[must_use]
    pub fn open_fetches(&self) -> usize {
        self.visits.len()
    }

    /// What to do next, in order; `None` when there is nothing until the next report.
    pub fn poll_command(&mut self) -> Option<Command> {
        if self.commands.is_empty() {
            self.limit_steps();
        }
        (!self.commands.is_empty()).then(|| self.commands.remove(0))
    }

    /// A fetch whose promise is gone: forgets it. Only a fetch that has had its [`Action::Finish`] may be forgotten.
    pub fn forget(&mut self, fetch: FetchId) {
        let ended = |(other, visit): &(FetchId, Box<Fetch>)| *other == fetch && visit.phase == Phase::Done;
        let Some(index) = self.visits.iter().position(ended) else { return };
        let (_, visit) = self.visits.remove(index);
        if visit.unsettled {
            if self.unsettled.len() >= MAX_REMEMBERED {
                self.unsettled.remove(0);
            }
            self.unsettled.push((fetch, visit));
        }
    }

    /// Somebody read a balance: what a purchase is decided by.
    pub fn record_balance(&mut self, plan_id: &PlanId, held: Credits, now: u64) {
        self.forget_balance(plan_id);
        if self.balances.len() >= MAX_REMEMBERED {
            self.balances.remove(0);
        }
        self.balances.push(Reading { plan_id: plan_id.clone(), held, at: now, is_reduced: false });
        self.settle_order_by_balance(plan_id, held);
    }

    /// What a credit of a plan costs: what offers are ranked by.
    pub(super) fn record_price(&mut self, plan_id: &PlanId, price: f64) {
        self.prices.retain(|(plan, _)| plan != plan_id);
        if self.prices.len() >= MAX_REMEMBERED {
            self.prices.remove(0);
        }
        self.prices.push((plan_id.clone(), price));
    }

    /// The balance of a plan, if it was read lately.
    pub(super) fn known_balance(&self, plan_id: &PlanId, now: u64) -> Option<Credits> {
        self.balance_since(plan_id, now.saturating_sub(BALANCE_TTL_MS))
    }

    /// The balance of a plan, if it was read at a time or later.
    pub(super) fn balance_since(&self, plan_id: &PlanId, since: u64) -> Option<Credits> {
        self.reading(plan_id).filter(|one| one.at >= since).map(|one| one.held)
    }

    /// Whether the balance of a plan is exactly what the platform said at a time or later.
    pub(super) fn is_read_since(&self, plan_id: &PlanId, since: u64) -> bool {
        self.reading(plan_id).is_some_and(|one| one.at >= since && !one.is_reduced)
    }

    fn reading(&self, plan_id: &PlanId) -> Option<&Reading> {
        self.balances.iter().find(|one| one.plan_id == *plan_id)
    }

    pub(super) fn forget_balance(&mut self, plan_id: &PlanId) {
        self.balances.retain(|one| one.plan_id != *plan_id);
    }

    /// A payment that was presented may have taken so many credits of a plan.
    pub(super) fn take_from_balance(&mut self, plan_id: &PlanId, credits: Credits) {
        for one in self.balances.iter_mut().filter(|one| one.plan_id == *plan_id) {
            one.held = one.held.saturating_sub(credits);
            one.is_reduced = true;
        }
    }

    /// What other fetches are about to take of a plan, in credits, while `fetch` prepares: those on the wire, and those that
    /// came before it and have consent. `held_only` is as for [`needed`](Self::needed).
    pub(super) fn committed_to_others(&self, plan_id: &PlanId, fetch: FetchId, held_only: bool) -> Credits {
        self.visits
            .iter()
            .filter(|(other, visit)| match visit.phase {
                Phase::Paying => true,
                Phase::Preparing => *other < fetch,
                _ => false,
            })
            .filter_map(|(_, visit)| Some((&visit.request, visit.offer.as_ref()?)))
            .filter(|(_, offer)| offer.plan_id() == plan_id)
            .fold(Credits::ZERO, |sum, (request, offer)| {
                sum.saturating_add(self.needed(request, offer, held_only))
            })
    }

    /// The fetch about which whoever `fetch` would ask is being asked already: the same plan at the same place.
    pub(super) fn asked_about(&self, fetch: FetchId, offer: &Offer) -> Option<FetchId> {
        let asks = self.request(fetch)?.asks;
        let same = |visit: &Fetch| {
            visit.phase == Phase::Asking
                && visit.request.asks == asks
                && visit.offer.as_ref().is_some_and(|other| other.same_question(offer))
        };
        self.visits.iter().find(|(_, visit)| same(visit)).map(|(other, _)| *other)
    }

    /// Whether `fetch` was begun by the code that is being asked about `question`, however deep inside.
    pub(super) fn is_within(&self, mut fetch: FetchId, question: FetchId) -> bool {
        // Each is older than what it began.
        while let Some(outer) =
            self.request(fetch).and_then(|request| request.within).filter(|outer| *outer < fetch)
        {
            if outer == question {
                return true;
            }
            fetch = outer;
        }
        false
    }

    fn request(&self, fetch: FetchId) -> Option<&FetchRequest> {
        self.look(fetch).map(|visit| &visit.request)
    }

    /// A fetch to be looked at, its end included.
    #[inline(never)]
    pub(super) fn look(&self, fetch: FetchId) -> Option<&Fetch> {
        self.visits.iter().find(|(other, _)| *other == fetch).map(|(_, visit)| &**visit)
    }

    /// The fetches that are in a phase, the oldest first.
    pub(super) fn in_phase(&self, phase: Phase) -> Vec<FetchId> {
        let them = self.visits.iter().filter(|(_, visit)| visit.phase == phase);
        them.map(|(fetch, _)| *fetch).collect()
    }

    pub(super) fn fetch_mut(&mut self, fetch: FetchId) -> Option<&mut Fetch> {
        let (_, visit) = self.visits.iter_mut().find(|(other, _)| *other == fetch)?;
        (visit.phase != Phase::Done).then_some(visit)
    }

    pub(super) fn command(&mut self, command: Command) {
        self.commands.push(command);
    }

    pub(super) fn notice(&mut self, fetch: FetchId, kind: NoticeKind) {
        let Some(visit) = self.look(fetch) else { return };
        let notice = Notice { fetch, url: visit.target.url.clone(), offer: visit.offer.clone(), kind };
        self.command(Command::Tell(notice));
    }

    fn known_terms(&self, request: &FetchRequest) -> Option<Rc<Offer>> {
        // Whoever asks for the terms wants them as they are now, and to pay for nothing.
        if request.quote {
            return None;
        }
        let (_, offer) = self.terms.iter().find(|(method, offer)| {
            *method == request.method
                && offer.target.origin == request.target.origin
                && offer.target.path == request.target.path
        })?;
        request.allows(offer).then(|| Rc::new(offer.remembered_for(&request.target)))
    }

    pub(super) fn remember_terms(&mut self, method: String, offer: Rc<Offer>) {
        self.forget_terms(&method, &offer);
        if self.terms.len() >= MAX_REMEMBERED {
            self.terms.remove(0);
        }
        self.terms.push((method, offer));
    }

    pub(super) fn forget_terms(&mut self, method: &str, offer: &Offer) {
        self.terms.retain(|(other, known)| {
            !(other == method
                && known.target.origin == offer.target.origin
                && known.target.path == offer.target.path)
        });
    }

    pub(super) fn grant(&mut self, offer: Rc<Offer>, delegation: Option<DelegationRef>) {
        if self.grants.len() >= MAX_REMEMBERED {
            self.grants.remove(0);
        }
        self.grants.push((offer, delegation));
    }
}
