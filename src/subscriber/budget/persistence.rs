//! What outlives a page, and what tabs share: totals, what each is about to spend, orders under way. As text, in lines of
//! fields with a space between them; no key and no token is in it.
//!
//! ```text
//! o <account>/<plan>/<time, ms> <credits>   held before an order whose credits were not seen; O where it went through
//! r <tab> <credits>                         about to be spent by a tab
//! m <minute since 1970> <credits>           spent in a minute of the last day
//! b <minute since 1970> <number>            orders sent in a minute of the last day
//! B - <number>                              orders sent in all
//! a <origin> <credits>                      spent at an origin
//! p <plan> <credits>                        spent of a plan
//! s - <credits>                             spent in all; the last line
//! ```
//!
//! Whoever shares it takes it up before each step of a [`Buyer`] and keeps it after, one at a time; then reserve, commit
//! and release (rule 12) and one order for all (rule 4) hold among them as among the fetches of one page.

use super::counts::{BOUGHT, BOUGHT_IN_ALL, Entry, MINUTE, ORDER, ORIGIN, PLAN, SURE, TAB};
use crate::subscriber::fetch::state::Phase;
use crate::subscriber::{Action, Budget, Buyer, CallWork, Command, FetchError, FetchId, Outcome};
use crate::wire::Credits;
use alloc::string::String;

/// What a kept text may weigh, in bytes; ours stay under it.
pub const MAX_STORED: usize = 512 * 1024;
/// What a single field may weigh, in bytes.
const MAX_FIELD: usize = 256;
const SPENT: u8 = b's';

impl Buyer {
    /// Takes up what was kept, last of all by another tab or by this page before it was loaded again. `tab` is the name of
    /// this one: what it has reserved, it knows.
    ///
    /// An empty text is a beginning. A total that cannot be read counts as everything, for good: each limit stands against
    /// each payment (rule 12). An order that cannot be read is none.
    pub fn load(&mut self, text: &str, tab: &str) {
        self.budget =
            Budget { reserved: self.budget.reserved, unreadable: !text.is_empty(), ..Budget::default() };
        if text.len() > MAX_STORED {
            return;
        }
        let mut whole = true;
        for line in text.split('\n').filter(|line| !line.is_empty()) {
            whole &= self.load_line(line, tab).is_some();
        }
        self.budget.unreadable |= !whole;
    }

    fn load_line(&mut self, line: &str, tab: &str) -> Option<()> {
        let mut fields = line.split(' ');
        let (kind, name, credits) = (fields.next()?, fields.next()?, fields.next()?.parse().ok()?);
        match *kind.as_bytes() {
            [SPENT] => {
                self.budget.spent = credits;
                self.budget.unreadable = false;
            }
            [TAB] if name == tab => {}
            [kind @ (TAB | MINUTE | ORIGIN | PLAN | ORDER | SURE | BOUGHT | BOUGHT_IN_ALL)] => {
                self.budget.entries.push(Entry { kind, name: name.into(), credits });
            }
            _ => return None,
        }
        fields.next().is_none().then_some(())
    }

    /// The same of the orders alone, for a page that keeps nothing else: what it counts itself stays. What cannot be read
    /// is none.
    pub fn load_orders(&mut self, text: &str) {
        let mut own = core::mem::take(&mut self.budget);
        self.load(text, "");
        self.budget.retain(&Entry::is_of_orders);
        own.retain(&|entry| !entry.is_of_orders());
        own.entries.append(&mut self.budget.entries);
        self.budget = own;
    }

    /// What is to be kept, all in all.
    #[must_use]
    pub fn stored_text(&self, tab: &str) -> String {
        let mut text = String::new();
        let budget = &self.budget;
        if !budget.reserved.is_zero() {
            push(&mut text, TAB, tab, budget.reserved);
        }
        self.push_entries(&mut text, false);
        push(&mut text, if budget.unreadable { b'?' } else { SPENT }, "-", budget.spent);
        text
    }

    /// The orders alone, those under way and how many there were of late: what a page keeps in any case, so that one that is
    /// loaded again in the middle of a purchase, or another tab, does not order twice. Empty where there are none.
    #[must_use]
    pub fn stored_orders_text(&self) -> String {
        let mut text = String::new();
        self.push_entries(&mut text, true);
        text
    }

    fn push_entries(&self, text: &mut String, orders: bool) {
        for entry in &self.budget.entries {
            if !orders || entry.is_of_orders() {
                push(text, entry.kind, &entry.name, entry.credits);
            }
        }
    }

    /// What the last step decided could not be kept: what it would spend is not spent, and who has not paid yet does not.
    /// The rest is done all the same; above all, an answer that was paid for is handed over.
    pub fn storage_failed(&mut self) {
        let mut commands = core::mem::take(&mut self.commands);
        commands.retain(|command| {
            match command {
                Command::Do(fetch, action) if matches!(&**action, Action::Send(send) if send.token.is_some()) => {
                    self.take_back(*fetch);
                }
                Command::Run(job) if job.work == CallWork::Order => self.cancel(job.id),
                _ => return true,
            }
            false
        });
        self.commands = commands;
        for fetch in self.in_phase(Phase::Preparing) {
            self.fail(fetch, FetchError::NotKept);
        }
    }

    /// A token that was about to be sent is not.
    fn take_back(&mut self, fetch: FetchId) {
        let Some(visit) = self.fetch_mut(fetch) else { return };
        let (cost, at, resumed) = (visit.cost, visit.presented_at, visit.resumed.is_some());
        visit.phase = Phase::Preparing;
        visit.presentations -= 1;
        visit.sent_token = None;
        // What the fetch presented before this stays in the books, and nobody has said what became of it.
        match visit.presentations > 0 {
            true => {
                if visit.spend.outcome == Outcome::None {
                    visit.spend.outcome = Outcome::Unknown;
                }
                if let Some(entry) = &mut visit.entry {
                    entry.presented = entry.presented.saturating_sub(cost);
                    entry.outcome = Outcome::Unknown;
                }
                visit.entry.take_if(|entry| entry.presented.is_zero());
            }
            false => {
                visit.presented_at = 0;
                visit.entry = None;
            }
        }
        visit.spend.requests -= 1;
        visit.spend.credits_presented = visit.spend.credits_presented.saturating_sub(cost);
        if let Some(offer) = visit.offer.clone().filter(|_| !resumed) {
            self.budget.take_back(&offer, at, cost);
        }
    }
}

/// A line, unless its name cannot stand in one: what a seller or the platform named may hold anything.
fn push(text: &mut String, kind: u8, name: &str, credits: Credits) {
    if name.is_empty() || name.len() > MAX_FIELD || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return;
    }
    text.push(char::from(kind));
    text.push(' ');
    text.push_str(name);
    text.push(' ');
    text.push_str(&credits.digits());
    text.push('\n');
}
