//! What outlives a page, and what tabs share: totals, what each is about to spend, orders under way. As text, in lines of
//! fields with a space between them; no key and no token is in it.
//!
//! ```text
//! r <tab> <credits>                                            about to be spent by a tab
//! m <minute since 1970> <credits>                              spent in a minute of the last day
//! a <origin> <credits>                                         spent at an origin
//! p <plan> <credits>                                           spent of a plan
//! o <account> <plan> <time, ms> <held before> <0 or 1> <tx>    an order whose credits were not seen; 1: it went through
//! s <credits>                                                  spent in all; the last line
//! ```
//!
//! Whoever shares it takes it up before each step of a [`Buyer`] and keeps it after, one at a time; then reserve, commit
//! and release (rule 12) and one order for all (rule 4) hold among them as among the fetches of one page.

use super::budget::MINUTE_MS;
use super::orders::Order;
use super::visit::Phase;
use super::{Action, Budget, Buyer, Command, FetchError, FetchId, Record, Work};
use crate::wire::{Credits, PlanId};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What a kept text may weigh, in bytes; ours stay under it.
pub const MAX_KEPT: usize = 512 * 1024;
/// What a single field may weigh, in bytes.
const MAX_FIELD: usize = 256;

impl Buyer {
    /// Takes up what was kept, last of all by another tab or by this page before it was loaded again. `tab` is the name of
    /// this one: what it has reserved, it knows.
    ///
    /// An empty text is a beginning. A total that cannot be read counts as everything, for good: each limit stands against
    /// each payment (rule 12). An order that cannot be read is none.
    pub fn take_up(&mut self, text: &str, tab: &str) {
        let mut budget = Budget { reserved: self.budget.reserved, ..Budget::default() };
        let mut whole = text.is_empty();
        let mut orders = Vec::new();
        let lines = if text.len() > MAX_KEPT { "?" } else { text };
        for line in lines.split('\n').filter(|line| !line.is_empty()) {
            let fields: Vec<&str> = line.split(' ').collect();
            let read = match *fields.as_slice() {
                ["s", spent] => spent.parse().map(|spent| (budget.spent, whole) = (spent, true)).ok(),
                ["r", who, credits] => add(&mut budget.others, (who != tab).then(|| who.into()), credits),
                ["a", origin, credits] => add(&mut budget.origins, Some(origin.into()), credits),
                ["p", plan, credits] => match PlanId::parse(plan, "planId") {
                    Ok(plan) => add(&mut budget.plans, Some(plan), credits),
                    Err(_) => None,
                },
                ["m", minute, credits] => match minute.parse() {
                    Ok(minute) if minute < u64::MAX / MINUTE_MS => {
                        add(&mut budget.minutes, Some(minute), credits)
                    }
                    _ => None,
                },
                ["o", ..] => {
                    orders.extend(read_order(&fields));
                    Some(())
                }
                _ => None,
            };
            budget.unreadable |= read.is_none();
        }
        budget.unreadable |= !whole;
        self.budget = budget;
        self.orders = orders;
    }

    /// The same of the orders alone, for a page that keeps nothing else.
    pub fn take_up_orders(&mut self, text: &str) {
        let budget = core::mem::take(&mut self.budget);
        self.take_up(text, "");
        self.budget = budget;
    }

    /// What is to be kept, all in all.
    #[must_use]
    pub fn kept(&self, tab: &str) -> String {
        let mut text = self.kept_orders();
        let budget = &self.budget;
        let mut line = |kind: &str, name: &str, credits: Credits| {
            if is_plain(name) && !credits.is_zero() {
                push(&mut text, &[kind, name, &credits.to_string()]);
            }
        };
        line("r", tab, budget.reserved);
        budget.others.iter().for_each(|(who, credits)| line("r", who, *credits));
        budget.minutes.iter().for_each(|(minute, credits)| line("m", &minute.to_string(), *credits));
        budget.origins.iter().for_each(|(origin, credits)| line("a", origin, *credits));
        budget.plans.iter().for_each(|(plan, credits)| line("p", plan.as_str(), *credits));
        let spent = if budget.unreadable { "?".into() } else { budget.spent.to_string() };
        push(&mut text, &["s", &spent]);
        text
    }

    /// The orders alone: what a page keeps in any case, so that one that is loaded again in the middle of a purchase does
    /// not order twice. Empty where there are none.
    #[must_use]
    pub fn kept_orders(&self) -> String {
        let mut text = String::new();
        for order in &self.orders {
            if is_plain(&order.holder) {
                let tx = order.tx_hash.as_deref().filter(|tx| is_plain(tx)).unwrap_or_default();
                let (at, before) = (order.at.to_string(), order.before.to_string());
                let sure = if order.sure { "1" } else { "0" };
                push(&mut text, &["o", &order.holder, order.plan_id.as_str(), &at, &before, sure, tx]);
            }
        }
        text
    }

    /// What the last step decided could not be kept: what it would spend is not spent, and who has not paid yet does not.
    /// The rest is done all the same; above all, an answer that was paid for is handed over.
    pub fn not_kept(&mut self) {
        for command in self.take_commands() {
            match command {
                Command::Do(fetch, action) if matches!(&*action, Action::Send(send) if send.token.is_some()) =>
                {
                    self.take_back(fetch);
                }
                Command::Run(job) if job.work == Work::Order => self.call_off(job.id),
                other => self.command(other),
            }
        }
        for fetch in self.in_phase(Phase::Preparing) {
            self.fail(fetch, FetchError::NotKept);
        }
    }

    /// A token that was about to be sent is not.
    fn take_back(&mut self, fetch: FetchId) {
        self.unpresent(fetch);
        let Some(visit) = self.visit(fetch) else { return };
        visit.phase = Phase::Preparing;
        visit.sent_token = None;
        visit.presented_at = 0;
        visit.spend.requests -= 1;
        visit.spend.credits_presented = visit.spend.credits_presented.saturating_sub(visit.price());
    }

    /// The payments that have ended since this was last asked, for whoever keeps the books.
    pub fn take_records(&mut self) -> Vec<Record> {
        core::mem::take(&mut self.records)
    }
}

fn add<K>(list: &mut Vec<(K, Credits)>, key: Option<K>, credits: &str) -> Option<()> {
    let credits = credits.parse().ok()?;
    list.extend(key.map(|key| (key, credits)));
    Some(())
}

fn read_order(fields: &[&str]) -> Option<Order> {
    let [_, holder, plan_id, at, before, sure, tx] = *fields else { return None };
    Some(Order {
        holder: holder.into(),
        plan_id: PlanId::parse(plan_id, "planId").ok()?,
        at: at.parse().ok()?,
        before: before.parse().ok()?,
        sure: sure == "1",
        tx_hash: (!tx.is_empty()).then(|| tx.into()),
    })
}

fn push(text: &mut String, fields: &[&str]) {
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            text.push(' ');
        }
        text.push_str(field);
    }
    text.push('\n');
}

/// Whether a text can stand in a line: what a seller or the platform named may hold anything.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_FIELD && text.bytes().all(|byte| byte.is_ascii_graphic())
}
