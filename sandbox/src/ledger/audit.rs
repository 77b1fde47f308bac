//! The audit of the ledger: it recomputes everything and compares it with the stored values (`GET
//! /sandbox/ledger/check`).
//!
//! It recomputes balances from postings, postings from purchases, settlements and charges, and checks them against
//! the limits. It reads all rows, so it is meant for tests and for the dashboard, not for every request.

use crate::Desk;
use crate::http::error::Outcome;
use crate::http::request::Reply;
use crate::ledger::invariants;
use crate::ledger::postings::{self, Kind};
use crate::storage::store::{Store, binds};
use payments_wasm::wire::Credits;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Number of rows read at once.
const CHUNK: i64 = 2_000;
/// Maximum number of failures listed per invariant.
const NAMED: usize = 20;

/// An invariant and the places where it fails.
pub(crate) struct Invariant {
    pub(crate) name: &'static str,
    /// Description of the invariant.
    says: &'static str,
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
                    "name": invariant.name, "says": invariant.says, "ok": invariant.failures.is_empty(),
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
pub(crate) fn check(desk: &Desk) -> Outcome {
    Reply::ok(audit(&desk.store)?.view())
}

/// An account: its stored balance and the balance that its postings add up to.
#[derive(Deserialize)]
pub(crate) struct Book {
    id: i64,
    pub(crate) kind: String,
    pub(crate) unit: String,
    owner: String,
    expires_at: i64,
    pub(crate) balance: String,
    #[serde(skip)]
    pub(crate) posted: Credits,
}

impl Book {
    pub(crate) fn is_source(&self) -> bool {
        Kind::named(&self.kind).is_some_and(Kind::is_source)
    }

    pub(crate) fn named(&self) -> String {
        let owner = if self.owner.is_empty() { String::new() } else { format!(" of {}", self.owner) };
        let until = if self.expires_at == 0 { String::new() } else { format!(" until {}", self.expires_at) };
        format!("{}{owner}{until} in {}", self.kind, self.unit)
    }

    /// Applies a posting; false if the account has too little.
    fn apply(&mut self, amount: Credits, comes: bool) -> bool {
        let next = if comes == self.is_source() {
            self.posted.checked_sub(amount)
        } else {
            self.posted.checked_add(amount)
        };
        self.posted = next.unwrap_or_default();
        next.is_some()
    }
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

/// The sum of the postings of each entry, by their purpose.
#[derive(Default)]
pub(crate) struct Posted {
    pub(crate) burned: HashMap<String, Credits>,
    pub(crate) issued: HashMap<String, Credits>,
    pub(crate) paid: HashMap<String, Credits>,
}

/// Recomputes all balances.
pub(crate) fn audit(store: &Store) -> Outcome<Audit> {
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
                None => balanced.push(format!("posting {} is of account {account}, which is none", row.id)),
                Some(book) => {
                    if !book.apply(amount, comes) {
                        below.push(format!("{} after posting {}", book.named(), row.id));
                    }
                }
            }
        }
        let unit = |id: i64| books.get(&id).map(|book| book.unit.as_str());
        if unit(row.debit) != unit(row.credit) {
            balanced.push(format!("posting {} is of two units", row.id));
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
    balanced.extend(invariants::sums(&books)?);
    let from = invariants::watermarks(store)?;
    let invariants = vec![
        named("balances", "what is kept on an account is the sum of its postings", invariants::kept(&books)?),
        named("negative", "no account was ever below zero", below),
        named("balanced", "in each unit, what sources gave is what the others have", balanced),
        named(
            "burned",
            "credits are burned by settlements, and settlements burn",
            invariants::settled(store, &from, &posted)?,
        ),
        named(
            "issued",
            "credits come from purchases and mints, as many as the plan grants",
            invariants::issued(store, &from, &posted)?,
        ),
        named("paid", "what was bought was paid for, to the unit", invariants::paid(store, &from, &posted)?),
        named("money", "what buyers paid is what sellers have", invariants::money(&books)?),
        named(
            "delegations",
            "no delegation spent more than it may, nor more often",
            invariants::delegations(store, &from, &books)?,
        ),
        named(
            "once",
            "single-use tokens, challenges and trials are good once",
            invariants::once(store, &from)?,
        ),
    ];
    Ok(Audit { invariants, accounts: books.len(), postings: count })
}

fn named(name: &'static str, says: &'static str, failures: Vec<String>) -> Invariant {
    Invariant { name, says, failures }
}

/// Reads all rows whose `key` is above `after`, in batches.
pub(crate) fn each<T: serde::de::DeserializeOwned>(
    store: &Store,
    select: &str,
    key: &str,
    after: i64,
    mut work: impl FnMut(T) -> Outcome<()>,
) -> Outcome<()> {
    let query = format!("{select} WHERE {key} > ? ORDER BY {key} LIMIT ? OFFSET ?");
    let mut skip = 0i64;
    loop {
        let rows: Vec<T> = store.rows(&query, binds![after, CHUNK, skip])?;
        let last = i64::try_from(rows.len()).unwrap_or_default() < CHUNK;
        rows.into_iter().try_for_each(&mut work)?;
        if last {
            return Ok(());
        }
        skip = skip.saturating_add(CHUNK);
    }
}
