//! The stored form of a budget, which outlives a page and which tabs share: totals, what each tab is about to spend, pending
//! orders. It is text, in lines of fields with a space between them; no key and no token is in it.
//!
//! ```text
//! o <account>/<plan>/<time, ms> <credits>   held before an order whose credits have not arrived; O if the platform confirmed it
//! r <tab> <credits>                         about to be spent by a tab
//! m <minute since 1970> <credits>           spent in a minute of the last day
//! b <minute since 1970> <number>            orders sent in a minute of the last day
//! B - <number>                              orders sent in all
//! a <origin> <credits>                      spent at an origin
//! p <plan> <credits>                        spent of a plan
//! x <currency> <amount>                     spent of a currency, in atomic units
//! y <minute since 1970>/<currency> <amount> the same, in a minute of the last day
//! s - <credits>                             spent in all; the last line
//! ```
//!
//! A shell that shares it loads it before each step of a buyer and stores it after, one step at a time. Then reserve, commit
//! and release (rule 12) and one order for all (rule 4) hold among tabs as among the fetches of one page.

use super::counts::Budget;
use super::entry::{
    AMOUNT, AMOUNT_MINUTE, BOUGHT, BOUGHT_IN_ALL, Entry, MINUTE, ORDER, ORIGIN, PLAN, SURE, TAB,
};
use crate::codec::text::ByteSplit;
use crate::wire::Credits;
use alloc::string::String;

/// The size limit of a stored text, in bytes; the texts written here stay under it.
pub const MAX_STORED: usize = 512 * 1024;
/// The size limit of a single field, in bytes.
const MAX_FIELD: usize = 256;
const SPENT: u8 = b's';

/// Reads a budget that was stored, last of all by another tab or by this page before it was loaded again. `tab` is the name
/// of this tab; `reserved` is what it has reserved, which it knows itself.
///
/// An empty text is a beginning. A total that cannot be read counts as everything, for good: each limit blocks each
/// payment (rule 12). An order that cannot be read is none.
pub(crate) fn load(text: &str, tab: &str, reserved: Credits) -> Budget {
    let mut budget = Budget { reserved, unreadable: !text.is_empty(), ..Budget::default() };
    if text.len() > MAX_STORED {
        return budget;
    }
    // Each line is written with its end: the last number of a text without one may have lost digits.
    let mut whole = text.as_bytes().last().is_none_or(|end| *end == b'\n');
    for line in text.split_byte(b'\n').filter(|line| !line.is_empty()) {
        whole &= load_line(&mut budget, line, tab).is_some();
    }
    budget.unreadable |= !whole;
    budget
}

fn load_line(budget: &mut Budget, line: &str, tab: &str) -> Option<()> {
    let mut fields = line.split_byte(b' ');
    let (kind, name, credits) = (fields.next()?, fields.next()?, fields.next()?.parse().ok()?);
    match *kind.as_bytes() {
        [SPENT] => {
            budget.spent = credits;
            budget.unreadable = false;
        }
        [TAB] if name == tab => {}
        [
            kind @ (TAB | MINUTE | ORIGIN | PLAN | ORDER | SURE | BOUGHT | BOUGHT_IN_ALL | AMOUNT
            | AMOUNT_MINUTE),
        ] => {
            budget.entries.push(Entry { kind, name: name.into(), credits });
        }
        _ => return None,
    }
    fields.next().is_none().then_some(())
}

/// Reads the orders alone, for a page that stores nothing else: its own counts stay. An order that cannot be read is none.
pub(crate) fn load_orders(own: &mut Budget, text: &str) {
    let mut stored = load(text, "", Credits::ZERO);
    stored.retain(&Entry::is_of_orders);
    own.retain(&|entry| !entry.is_of_orders());
    own.entries.append(&mut stored.entries);
}

/// The text to store.
pub(crate) fn text(budget: &Budget, tab: &str) -> String {
    let mut text = String::new();
    if !budget.reserved.is_zero() {
        push(&mut text, TAB, tab, budget.reserved);
    }
    push_entries(budget, &mut text, false);
    push(&mut text, if budget.unreadable { b'?' } else { SPENT }, "-", budget.spent);
    text
}

/// The orders alone, pending ones and how many there were lately. A page stores them in any case, so that a page that is
/// loaded again in the middle of a purchase, or another tab, does not order twice. Empty where there are none.
pub(crate) fn orders_text(budget: &Budget) -> String {
    let mut text = String::new();
    push_entries(budget, &mut text, true);
    text
}

fn push_entries(budget: &Budget, text: &mut String, orders: bool) {
    for entry in &budget.entries {
        if !orders || entry.is_of_orders() {
            push(text, entry.kind, &entry.name, entry.credits);
        }
    }
}

/// Adds a line, unless its name cannot stand in one: a name from a seller or the platform may hold anything.
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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn a_page_that_shares_orders_alone_keeps_its_own_counts() {
        let entry = |kind, name: &str, credits: u64| Entry {
            kind,
            name: name.into(),
            credits: Credits::from(credits),
        };
        let mut own = Budget { spent: Credits::from(7), ..Budget::default() };
        own.entries = Vec::from([
            entry(MINUTE, "100", 7),
            entry(ORIGIN, "https://a.example", 7),
            entry(BOUGHT_IN_ALL, "-", 2),
            entry(ORDER, "me/1/5", 3),
            entry(BOUGHT, "100", 1),
        ]);
        let stored = "O me/2/6 4\nb 101 9\nm 101 50\na https://b.example 50\nr other 50\ns - 50\n";
        load_orders(&mut own, stored);
        let expected = [
            entry(MINUTE, "100", 7),
            entry(ORIGIN, "https://a.example", 7),
            entry(BOUGHT_IN_ALL, "-", 2),
            entry(SURE, "me/2/6", 4),
            entry(BOUGHT, "101", 9),
        ];
        assert_eq!((own.spent, own.entries), (Credits::from(7), Vec::from(expected)));
    }
}
