use super::budget::{payment_record::PaymentRecord, persistence};
use super::call_results::CallResults;
use super::fetch::machine::FetchMachine;
use super::fetch::table::FetchTable;
use super::session::Session;
use super::shared_calls::{CallKind, SharedCall};
use super::{
    Action, Budget, CallId, CallResult, CallWork, Command, Event, FetchError, FetchId, FetchRequest,
};
use crate::wire::{Credits, DelegationRef, PlanId};
use alloc::{string::String, vec::Vec};

/// All payments of one session: its tokens, its budget, what it knows of plans, and the fetches under way.
///
/// A shell calls [`open`](Self::open) for a fetch, then does what [`poll_command`](Self::poll_command) says until it
/// says nothing, and reports with [`handle_event`](Self::handle_event) and [`call_finished`](Self::call_finished). Each report
/// may bring commands for any fetch. Times are milliseconds since 1970.
#[derive(Debug, Default)]
pub struct Buyer {
    session: Session,
    fetches: FetchTable,
    last_fetch: u32,
}

impl Buyer {
    /// A buyer without a login.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A user logged in: from now on there is a key to mint and order with. `account` is the account whose credits are
    /// spent, `0x…`.
    pub fn log_in(&mut self, account: Option<String>, delegation_id: Option<DelegationRef>) {
        self.log_out();
        self.session.logged_in = true;
        self.session.account = account;
        self.session.delegation_id = delegation_id;
    }

    /// Ends the session: tokens, remembered terms and approvals are dropped, fetches under way end (rule 13).
    pub fn log_out(&mut self) {
        self.fetches.log_out(&mut self.session);
        self.session.clear();
    }

    /// The credits that this session has spent so far.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.session.budget
    }

    /// The payments that have ended, the oldest first, at most [`MAX_RECORDS`](crate::subscriber::MAX_RECORDS). They outlive a logout.
    #[must_use]
    pub fn records(&self) -> &[PaymentRecord] {
        self.session.records.all()
    }

    /// Begins a fetch. `now` is in milliseconds since 1970.
    pub fn open(&mut self, request: FetchRequest, now: u64) -> FetchId {
        let fetch = self.name_fetch();
        self.open_as(fetch, request, now);
        fetch
    }

    /// A name for a fetch that is to begin in a moment.
    #[must_use]
    pub fn name_fetch(&mut self) -> FetchId {
        self.last_fetch = self.last_fetch.wrapping_add(1);
        FetchId::from(self.last_fetch)
    }

    /// Begins a fetch under a name that was given out for it. `now` is in milliseconds since 1970.
    pub fn open_as(&mut self, fetch: FetchId, request: FetchRequest, now: u64) {
        if let Some(outer) = request.within {
            self.session.questions.nest(fetch, outer);
        }
        self.fetches.open(fetch, request, &mut self.session, now);
    }

    /// The shell reports the result of the last action of `fetch`. Reports for a fetch that is over are ignored.
    /// `now` is in milliseconds since 1970.
    pub fn handle_event(&mut self, fetch: FetchId, event: Event, now: u64) {
        let Some(machine) = self.fetches.get(fetch) else { return };
        let was_asking = machine.is_asking();
        machine.handle_event(event, &mut self.session, now);
        self.fetches.drop_ended_tokens(&mut self.session);
        if was_asking {
            self.question_answered(now);
        }
    }

    /// The shell says how many requests with a token it has begun to send for a fetch, before it reports that the fetch is aborted,
    /// that its time is up or that a send failed. One that was commanded and not begun will not be sent: what it counted is taken
    /// back, and there is no payment to resume. A shell that does not know says nothing: then the token may have been sent.
    pub fn token_sends(&mut self, fetch: FetchId, begun: u8) {
        if let Some(machine) = self.fetches.get(fetch) {
            machine.token_sends(begun, &mut self.session);
        }
    }

    /// A question was answered: the fetches that waited for the answer are decided anew, one question at a time.
    fn question_answered(&mut self, now: u64) {
        for fetch in self.fetches.ids(FetchMachine::is_queued) {
            if let Some(machine) = self.fetches.get(fetch) {
                machine.question_answered(&mut self.session, now);
            }
        }
    }

    /// The shell reports the result of a platform call. `now` is in milliseconds since 1970.
    pub fn call_finished(&mut self, call: CallId, result: CallResult, now: u64) {
        let Self { session, fetches, .. } = self;
        CallResults { session, fetches, now }.finished(call, result);
    }

    /// How many fetches are open and not forgotten.
    #[must_use]
    pub fn open_fetches(&self) -> usize {
        self.fetches.len()
    }

    /// The next command, in order; `None` when there is nothing to do until the next report.
    pub fn poll_command(&mut self) -> Option<Command> {
        if self.session.commands.is_empty() {
            self.fetches.limit_steps(&mut self.session);
        }
        // Few wait at a time.
        (!self.session.commands.is_empty()).then(|| self.session.commands.remove(0))
    }

    /// Forgets a fetch whose promise is gone. Only a fetch that has had its [`Action::Finish`] can be forgotten.
    pub fn forget(&mut self, fetch: FetchId) {
        let Some(ended) = self.fetches.take_ended(fetch) else { return };
        self.session.questions.forget(fetch);
        if let Some(open) = ended.fetch.open {
            self.session.open_payments.push(open);
        }
    }

    /// The shell reports a balance that it read, in credits: purchases are decided by it. `now` is in milliseconds since 1970.
    pub fn record_balance(&mut self, plan_id: &PlanId, held: Credits, now: u64) {
        self.session.record_balance(plan_id, held, now);
    }

    /// The caller orders a plan by itself: with an empty `began` the order begins, with the time of its begin it was answered, and
    /// without `now` it was refused. Meanwhile no fetch orders the plan too (rule 3). `now` is in milliseconds since 1970, and
    /// `began` is such a time as text.
    pub fn order_by_hand(&mut self, plan_id: &PlanId, began: &str, now: Option<u64>) {
        self.session.order_by_hand(plan_id, began, now);
    }

    /// Takes up a budget that was stored, last of all by another tab or by this page before it was loaded again. `tab` is the
    /// name of this tab: what it has reserved, it knows itself.
    ///
    /// An empty text is a beginning. A total that cannot be read counts as everything, for good: each limit blocks each
    /// payment (rule 12). An order that cannot be read is none.
    pub fn load(&mut self, text: &str, tab: &str) {
        self.session.budget = persistence::load(text, tab, self.session.budget.reserved);
    }

    /// The same for the orders alone, for a page that stores nothing else: its own counts stay. An order that cannot be read
    /// is none.
    pub fn load_orders(&mut self, text: &str) {
        persistence::load_orders(&mut self.session.budget, text);
    }

    /// The budget to store, at most [`MAX_STORED`](crate::subscriber::MAX_STORED) bytes.
    #[must_use]
    pub fn stored_text(&self, tab: &str) -> String {
        persistence::text(&self.session.budget, tab)
    }

    /// The orders alone, pending ones and how many there were lately. A page stores them in any case, so that a page that is
    /// loaded again in the middle of a purchase, or another tab, does not order twice. Empty where there are none.
    #[must_use]
    pub fn stored_orders_text(&self) -> String {
        persistence::orders_text(&self.session.budget)
    }

    /// The budget could not be stored after the last step: what the step would spend is not spent, and a fetch that has not
    /// paid yet does not. The rest is done all the same; above all, an answer that was paid for is handed over.
    pub fn storage_failed(&mut self) {
        self.not_stored(false);
    }

    /// The same where only the orders are stored: an order is not sent, and what waits for it fails.
    pub(crate) fn not_stored(&mut self, orders_only: bool) {
        let mut unsent = Vec::new();
        for command in core::mem::take(&mut self.session.commands) {
            match &command {
                Command::Do(fetch, action) if !orders_only && is_payment(action) => unsent.push(*fetch),
                Command::Run(call) if call.work == CallWork::Order => self.cancel_order(call.id),
                _ => self.session.command(command),
            }
        }
        for fetch in unsent {
            if let Some(machine) = self.fetches.get(fetch) {
                machine.send_cancelled(&mut self.session);
            }
        }
        if !orders_only {
            self.fail_unstored(self.fetches.ids(FetchMachine::is_preparing));
        }
    }

    /// An order that has not gone out, and is not to.
    fn cancel_order(&mut self, call: CallId) {
        if let Some(SharedCall { kind: CallKind::Order(order), waiting, .. }) =
            self.session.calls.remove(call)
        {
            self.session.forget_order(&order.call.plan_id);
            self.session.budget.uncount_purchase(order.at);
            self.fail_unstored(waiting);
        }
    }

    fn fail_unstored(&mut self, fetches: Vec<FetchId>) {
        for fetch in fetches {
            if let Some(machine) = self.fetches.get(fetch) {
                machine.fail(FetchError::NotKept, &mut self.session);
            }
        }
    }
}

fn is_payment(action: &Action) -> bool {
    matches!(action, Action::Send(send) if send.token.is_some())
}
