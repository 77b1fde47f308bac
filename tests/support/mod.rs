//! A seller and a platform in virtual time, for one buyer.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::unreachable)]

mod platform_calls;
mod seller;
mod values;

use payments_wasm::subscriber::{
    Action, Approval, Buyer, CallWork, Command, Event, FetchId, FetchRequest, Finish, NoticeKind,
    PlatformCall, Policy, Redirects, ResponseHead, SendRequest,
};
use payments_wasm::wire::{Credits, DelegationRef};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

pub use seller::Seller;
pub use values::*;

pub const ORIGIN: &str = "https://api.example";

type Script = Box<dyn Fn(&SendRequest, &SimulatedPlatform) -> ResponseHead>;

/// Storage that tabs share, and the name of one of them.
pub struct Shelf {
    pub text: Rc<RefCell<String>>,
    pub tab: &'static str,
    /// Storage is full.
    pub full: bool,
}

#[derive(Default)]
pub struct SimulatedPlatform {
    pub buyer: Buyer,
    /// The storage that each step is restored from and saved to.
    pub shelf: Option<Shelf>,
    pub now: u64,
    pub approval: Option<Approval>,
    pub policy: Option<Policy>,
    pub redirects: Redirects,
    /// The seller's response after settling two credits; its receipt without it.
    pub says: Option<Rc<dyn Fn() -> ResponseHead>>,
    /// The index that the user chooses among offers.
    pub select: Option<usize>,
    /// Balances of some plans, and the price of one credit of each; `None` where the platform cannot say.
    pub plans: BTreeMap<String, Option<(u64, f64)>>,
    /// The bodies that tokens were asked for with.
    pub mint_bodies: Vec<String>,
    /// How many questions were open at the same time, at the most.
    pub most_asked_at_once: usize,
    /// The plans that somebody was to choose from.
    pub choices: Vec<Vec<String>>,
    /// The request of a fetch, beyond method and path.
    pub request: Option<FetchRequest>,
    /// The approval callback throws.
    pub approve_throws: bool,
    /// The approval callback reads the balance first.
    pub reported_balance: bool,
    pub plan_credits: u64,
    /// The least and the most that a settlement of a plan burns.
    pub plan_bounds: (u64, u64),
    /// `registry.price` of the plans; `None` where the platform gives no answer about plans.
    pub plan_price: Option<String>,
    /// `metadata.plan.accessLimit` of the plans.
    pub plan_access: &'static str,
    /// How often the terms of a plan were read.
    pub terms_read: u32,
    pub single_use: bool,
    pub order_answer: Option<(u16, String)>,
    pub mint_answer: Option<Option<(u16, String)>>,
    /// The handles of the offers that the wallet signed.
    pub signed: Vec<String>,
    /// The wallet says no.
    pub wallet_refuses: bool,
    /// The paths that tokens were asked for at.
    pub mint_paths: Vec<String>,
    pub credits_after_ms: u64,
    pub hold_jobs: bool,
    /// Terms of plans are held back as well; otherwise they are read at once.
    pub hold_terms: bool,
    /// A request with a token gets no response yet.
    pub hold_paid: bool,
    pub abort_at: Option<u32>,
    pub sends: u32,
    pub paid_sends: u32,
    pub asked: u32,
    pub mints: u32,
    pub orders: u32,
    pub platform_calls: u32,
    pub burned: u64,
    pub presented: Vec<String>,
    pub notices: Vec<NoticeKind>,
    /// The plan that each notice is about, where it names an offer.
    pub noticed_plans: Vec<Option<String>>,
    /// The offers that somebody was asked about.
    pub offers: Vec<std::sync::Arc<payments_wasm::subscriber::Offer>>,
    /// How long the step at hand may take, of each fetch.
    pub limits: BTreeMap<FetchId, Option<u32>>,
    /// Approval and choice are not answered.
    pub hold_questions: bool,
    pub all_paid_sends_were_manual: bool,
    balance: u64,
    credits_at: Option<u64>,
    body: Option<String>,
    script: Option<Script>,
    actions: u32,
    held: VecDeque<PlatformCall>,
    held_paid: VecDeque<(FetchId, Box<Action>)>,
    questions: VecDeque<(FetchId, Box<Action>)>,
    ends: BTreeMap<FetchId, Finish>,
}

impl SimulatedPlatform {
    pub fn new() -> Self {
        let mut buyer = Buyer::new();
        let delegation = DelegationRef::parse("d-1", "delegationId").unwrap();
        buyer.log_in(Some("0x0000000000000000000000000000000000000001".into()), Some(delegation));
        Self {
            buyer,
            now: 1_000_000,
            plan_credits: 100,
            plan_bounds: (1, 2),
            plan_price: Some(r#"{"amounts":["5000000"],"isCrypto":false,"currency":"USD"}"#.into()),
            plan_access: "credits",
            order_answer: Some((200, r#"{"success":true,"txHash":"0xorder"}"#.into())),
            all_paid_sends_were_manual: true,
            balance: 100,
            ..Self::default()
        }
    }

    pub fn balance(mut self, credits: u64) -> Self {
        self.balance = credits;
        self
    }

    pub fn body(mut self, body: Option<String>) -> Self {
        self.body = body;
        self.approval = Some(Approval { approve: true, ..Approval::default() });
        self
    }

    pub fn seller(
        mut self,
        script: impl Fn(&SendRequest, &SimulatedPlatform) -> ResponseHead + 'static,
    ) -> Self {
        self.script = Some(Box::new(script));
        self
    }

    pub fn fetch(&mut self, method: &str, path: &str) -> FetchId {
        let request = FetchRequest {
            redirects: self.redirects,
            policy: self.policy.clone().map(Arc::new),
            can_ask: self.approval.is_some() || self.approve_throws,
            ..self.request.clone().unwrap_or_else(|| FetchRequest::new(target(ORIGIN, path), method))
        };
        let now = self.now;
        self.step(|buyer| buyer.open(request, now))
    }

    /// The credits of an order come after so long, in milliseconds.
    pub fn credits_come(&mut self, after_ms: u64) {
        self.credits_at = Some(self.now.saturating_add(after_ms));
    }

    /// A step of the buyer's, with what is shared taken up before and kept after.
    fn step<T>(&mut self, step: impl FnOnce(&mut Buyer) -> T) -> T {
        if let Some(shelf) = &self.shelf {
            self.buyer.load(&shelf.text.borrow(), shelf.tab);
        }
        let done = step(&mut self.buyer);
        match &self.shelf {
            Some(Shelf { full: true, .. }) => self.buyer.storage_failed(),
            Some(shelf) => *shelf.text.borrow_mut() = self.buyer.stored_text(shelf.tab),
            None => {}
        }
        done
    }

    pub fn run_one(&mut self, fetch: FetchId) -> Finish {
        self.run();
        self.end(fetch)
    }

    pub fn end(&mut self, fetch: FetchId) -> Finish {
        self.buyer.forget(fetch);
        self.ends.get(&fetch).cloned().expect("the fetch has ended")
    }

    /// Does what the buyer says until it says nothing.
    pub fn run(&mut self) {
        loop {
            if let Some(command) = self.buyer.poll_command() {
                self.obey(command);
            } else if let Some((fetch, action)) = self.next_held() {
                let event = self.act(*action);
                self.report(fetch, event);
            } else if let Some((fetch, question)) = self.next_question() {
                let event = self.act(*question);
                self.report(fetch, event);
            } else if let Some(job) = self.next_job() {
                self.work(&job);
            } else {
                return;
            }
        }
    }

    /// Answers the oldest of the calls that were held back.
    pub fn work_once(&mut self) {
        let job = self.held.pop_front().expect("a call is held back");
        self.work(&job);
        while let Some(command) = self.buyer.poll_command() {
            self.obey(command);
        }
    }

    fn next_job(&mut self) -> Option<PlatformCall> {
        if self.hold_jobs { None } else { self.held.pop_front() }
    }

    /// The time of the step at hand is up.
    pub fn time_out(&mut self, fetch: FetchId) -> Finish {
        self.on(fetch, Event::TimedOut);
        self.run_one(fetch)
    }

    /// Reports what happened to a fetch.
    pub fn on(&mut self, fetch: FetchId, event: Event) {
        let now = self.now;
        self.step(|buyer| buyer.handle_event(fetch, event, now));
    }

    fn report(&mut self, fetch: FetchId, event: Option<Event>) {
        if let Some(event) = event {
            self.on(fetch, event);
        }
    }

    fn next_question(&mut self) -> Option<(FetchId, Box<Action>)> {
        if self.hold_questions { None } else { self.questions.pop_front() }
    }

    fn next_held(&mut self) -> Option<(FetchId, Box<Action>)> {
        if self.hold_paid { None } else { self.held_paid.pop_front() }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Tell(notice) => {
                let plan = notice.offer.map(|offer| offer.plan_id().to_string());
                self.noticed_plans.push(plan);
                self.notices.push(notice.kind);
            }
            Command::Limit(fetch, limit) => drop(self.limits.insert(fetch, limit)),
            Command::Run(job) if self.hold_jobs && (self.hold_terms || job.work != CallWork::Terms) => {
                self.held.push_back(job);
            }
            Command::Run(job) => self.work(&job),
            Command::Do(fetch, action) => {
                // A newer action replaces one that was not begun.
                self.held_paid.retain(|(other, _)| *other != fetch);
                if let Action::Finish(finish) = *action {
                    self.ends.insert(fetch, *finish);
                    return;
                }
                if let (Action::Ask(_), None) = (&*action, self.abort_at) {
                    // People take their time: everything else happens first.
                    self.questions.push_back((fetch, action));
                    self.most_asked_at_once = self.most_asked_at_once.max(self.questions.len());
                    return;
                }
                if let (Action::Send(SendRequest { token: Some(_), .. }), true) = (&*action, self.hold_paid) {
                    self.held_paid.push_back((fetch, action));
                    return;
                }
                let event = match self.abort_at {
                    Some(at) if at == self.actions => Some(Event::Aborted),
                    _ => self.act(*action),
                };
                self.actions += 1;
                self.report(fetch, event);
            }
        }
    }

    /// Nothing where no answer comes.
    fn act(&mut self, action: Action) -> Option<Event> {
        Some(match action {
            Action::Send(send) => {
                self.sends += 1;
                if let Some(token) = &send.token {
                    self.paid_sends += 1;
                    self.presented.push(token.expose().into());
                    self.all_paid_sends_were_manual &= send.redirects == Redirects::Manual;
                }
                let answer = match &self.script {
                    Some(script) => script(&send, self),
                    None => self.sell(&send),
                };
                match answer.status {
                    998 => return None,
                    999 => Event::SendFailed,
                    _ => Event::Answered(answer),
                }
            }
            Action::ReadBody => Event::Body(self.body.clone()),
            Action::Select(_) if self.hold_questions => return None,
            Action::Select(offers) => {
                self.choices.push(offers.iter().map(|offer| offer.plan_id().to_string()).collect());
                Event::Selected(self.select)
            }
            Action::Ask(offer) => {
                self.asked += 1;
                self.offers.push(offer.clone());
                if self.reported_balance {
                    self.buyer.record_balance(offer.plan_id(), Credits::from(self.balance), self.now);
                }
                match &self.approval {
                    Some(approval) => Event::Approved(approval.clone()),
                    None => Event::ApproveFailed,
                }
            }
            Action::Finish(_) => unreachable!("handled by the caller"),
        })
    }

    /// A seller of two credits a request, who takes only what is held.
    fn sell(&mut self, send: &SendRequest) -> ResponseHead {
        if send.token.is_none() || self.balance < 2 {
            return Seller::offer(&offer("plan", 2));
        }
        self.balance -= 2;
        self.burned += 2;
        self.says.as_ref().map_or_else(|| Seller::paid(2, self.balance), |says| says())
    }
}
