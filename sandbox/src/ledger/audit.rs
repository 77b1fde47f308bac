//! The audit of the ledger: it recomputes everything and compares it with the stored values (`GET
//! /sandbox/ledger/check`).
//!
//! It recomputes balances from postings, postings from purchases, settlements and charges, and checks them against
//! the limits. It reads all rows, so it is meant for tests and for the dashboard, not for every request.

use crate::context::RequestContext;
use crate::http::error::Result;
use crate::http::response::Response;
use crate::ledger::book::{Book, Posted, each};
use crate::ledger::invariants;
use crate::ledger::postings;
use crate::storage::store::Store;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Maximum number of failures listed per invariant.
const NAMED: usize = 20;

/// An invariant and the places where it fails.
pub(crate) struct Invariant {
    pub(crate) name: &'static str,
    /// Description of the invariant.
    description: &'static str,
    pub(crate) failures: Vec<String>,
}

/// Descriptions of the failures.
pub(crate) struct Audit {
    pub(crate) invariants: Vec<Invariant>,
    accounts: usize,
    postings: usize,
}

impl Audit {
    /// True if no invariant fails.
    pub(crate) fn ok(&self) -> bool {
        self.invariants.iter().all(|invariant| invariant.failures.is_empty())
    }

    fn view(&self) -> Value {
        let invariants: Vec<Value> = self
            .invariants
            .iter()
            .map(|invariant| {
                json!({
                    "name": invariant.name, "says": invariant.description, "ok": invariant.failures.is_empty(),
                    "failed": invariant.failures.len(),
                    "failures": invariant.failures.iter().take(NAMED).collect::<Vec<_>>(),
                })
            })
            .collect();
        json!({
            "ok": self.ok(), "accounts": self.accounts, "postings": self.postings, "invariants": invariants,
        })
    }
}

/// `GET /sandbox/ledger/check`
pub(crate) fn check(ctx: &RequestContext) -> Result {
    Response::ok(audit(&ctx.store)?.view())
}

#[derive(Deserialize)]
struct Row {
    id: i64,
    entry: String,
    kind: String,
    debit: i64,
    credit: i64,
    amount: String,
}

/// Recomputes all balances.
pub(crate) fn audit(store: &Store) -> Result<Audit> {
    let mut books: HashMap<i64, Book> = HashMap::new();
    each(store, "SELECT id, kind, unit, owner, expires_at, balance FROM books", "id", 0, |book: Book| {
        books.insert(book.id, book);
        Ok(())
    })?;
    let (mut posted, mut count) = (Posted::default(), 0);
    let (mut below, mut balanced) = (Vec::new(), Vec::new());
    each(store, "SELECT id, entry, kind, debit, credit, amount FROM postings", "id", 0, |row: Row| {
        count += 1;
        let amount = postings::amount(&row.amount)?;
        for (account, comes) in [(row.debit, false), (row.credit, true)] {
            match books.get_mut(&account) {
                None => balanced
                    .push(format!("posting {} refers to account {account}, which does not exist", row.id)),
                Some(book) => {
                    if !book.apply(amount, comes) {
                        below.push(format!("{} is negative after posting {}", book.named(), row.id));
                    }
                }
            }
        }
        let unit = |id: i64| books.get(&id).map(|book| book.unit.as_str());
        if unit(row.debit) != unit(row.credit) {
            balanced.push(format!("posting {} is between two units", row.id));
        }
        let sums = match row.kind.as_str() {
            "burn" => &mut posted.burned,
            "issue" => &mut posted.issued,
            "pay" => &mut posted.paid,
            _ => return Ok(()),
        };
        let sum = sums.entry(row.entry).or_default();
        *sum = sum.saturating_add(amount);
        Ok(())
    })?;
    balanced.extend(invariants::balanced_units(&books)?);
    let from = invariants::watermarks(store)?;
    let invariants = vec![
        named(
            "balances",
            "the balance of each account is the sum of its postings",
            invariants::stored_balances(&books)?,
        ),
        named("negative", "no account was ever negative", below),
        named("balanced", "in each unit, the sources issued as much as the other accounts hold", balanced),
        named(
            "burned",
            "each burn belongs to a settlement, and each settlement burns its credits",
            invariants::settled(store, &from, &posted)?,
        ),
        named(
            "issued",
            "each issue belongs to a purchase or a mint, with the credits that the plan grants",
            invariants::issued(store, &from, &posted)?,
        ),
        named("paid", "each purchase was paid exactly", invariants::paid(store, &from, &posted)?),
        named("money", "sellers received what buyers paid", invariants::money(&books)?),
        named(
            "delegations",
            "no delegation exceeded its limit or its number of transactions",
            invariants::delegations(store, &from, &books)?,
        ),
        named(
            "once",
            "single-use tokens, challenges and trials were used once at most",
            invariants::once(store, &from)?,
        ),
    ];
    Ok(Audit { invariants, accounts: books.len(), postings: count })
}

fn named(name: &'static str, description: &'static str, failures: Vec<String>) -> Invariant {
    Invariant { name, description, failures }
}
