//! The audit of the ledger: everything is added up again and held against what is kept (`GET /sandbox/ledger/check`).
//!
//! It believes nothing that it can find out: balances from postings, postings from what was bought, settled and charged, and
//! all of it from the limits. It reads everything there is, so it is for tests and for people, not for each call.

use super::Desk;
use super::call::Reply;
use super::ledger::Grant;
use super::postings::{self, Kind};
use super::problem::Outcome;
use super::store::{Store, binds};
use super::terms::Terms;
use crate::wire::Credits;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// How many rows are read at once.
const CHUNK: i64 = 2_000;
/// How many failures of an invariant are named.
const NAMED: usize = 20;

/// One thing that must be true, and where it is not.
pub(super) struct Invariant {
    pub(super) name: &'static str,
    /// What it says.
    says: &'static str,
    pub(super) failures: Vec<String>,
}

/// What was found.
pub(super) struct Audit {
    pub(super) invariants: Vec<Invariant>,
    accounts: usize,
    postings: usize,
}

impl Audit {
    /// Whether all is well.
    pub(super) fn ok(&self) -> bool {
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
pub(super) fn check(desk: &Desk) -> Outcome {
    Reply::ok(audit(&desk.store)?.view())
}

/// An account: as it is kept, and as its postings have it.
#[derive(Deserialize)]
struct Book {
    id: i64,
    kind: String,
    unit: String,
    owner: String,
    expires_at: i64,
    balance: String,
    #[serde(skip)]
    posted: Credits,
}

impl Book {
    fn is_source(&self) -> bool {
        Kind::named(&self.kind).is_some_and(Kind::is_source)
    }

    fn named(&self) -> String {
        let owner = if self.owner.is_empty() { String::new() } else { format!(" of {}", self.owner) };
        let until = if self.expires_at == 0 { String::new() } else { format!(" until {}", self.expires_at) };
        format!("{}{owner}{until} in {}", self.kind, self.unit)
    }

    /// Adds what came or takes what went; whether there was enough.
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

/// What was posted of each entry, by what it was for.
#[derive(Default)]
struct Posted {
    burned: HashMap<String, Credits>,
    issued: HashMap<String, Credits>,
    paid: HashMap<String, Credits>,
}

/// Adds everything up.
pub(super) fn audit(store: &Store) -> Outcome<Audit> {
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
    balanced.extend(sums(&books)?);
    let from = watermarks(store)?;
    let invariants = vec![
        named("balances", "what is kept on an account is the sum of its postings", kept(&books)?),
        named("negative", "no account was ever below zero", below),
        named("balanced", "in each unit, what sources gave is what the others have", balanced),
        named(
            "burned",
            "credits are burned by settlements, and settlements burn",
            settled(store, &from, &posted)?,
        ),
        named(
            "issued",
            "credits come from purchases and mints, as many as the plan grants",
            issued(store, &from, &posted)?,
        ),
        named("paid", "what was bought was paid for, to the unit", paid(store, &from, &posted)?),
        named("money", "what buyers paid is what sellers have", money(&books)?),
        named(
            "delegations",
            "no delegation spent more than it may, nor more often",
            delegations(store, &from, &books)?,
        ),
        named("once", "single-use tokens, challenges and trials are good once", once(store, &from)?),
    ];
    Ok(Audit { invariants, accounts: books.len(), postings: count })
}

fn named(name: &'static str, says: &'static str, failures: Vec<String>) -> Invariant {
    Invariant { name, says, failures }
}

/// Reads all rows whose `key` is above `after`, some at a time.
fn each<T: serde::de::DeserializeOwned>(
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

/// Up to which row things happened before there was a ledger: those have no postings.
#[derive(Deserialize, Default)]
struct Watermarks {
    purchases: i64,
    settlements: i64,
    charges: i64,
    sales: i64,
}

fn watermarks(store: &Store) -> Outcome<Watermarks> {
    let found = store.first("SELECT purchases, settlements, charges, sales FROM opened", binds![])?;
    Ok(found.unwrap_or_default())
}

fn kept(books: &HashMap<i64, Book>) -> Outcome<Vec<String>> {
    let mut wrong = Vec::new();
    for book in books.values() {
        let kept = postings::amount(&book.balance)?;
        if kept != book.posted {
            wrong.push(format!("{} has {kept}, and {} was posted", book.named(), book.posted));
        }
    }
    Ok(wrong)
}

/// In each unit what the sources gave, and what the others have.
fn sums(books: &HashMap<i64, Book>) -> Outcome<Vec<String>> {
    let mut units: HashMap<&str, (Credits, Credits)> = HashMap::new();
    for book in books.values() {
        let kept = postings::amount(&book.balance)?;
        let (given, had) = units.entry(book.unit.as_str()).or_default();
        let sum = if book.is_source() { given } else { had };
        *sum = sum.saturating_add(kept);
    }
    let wrong = units.iter().filter(|(_, (given, had))| given != had);
    Ok(wrong.map(|(unit, (given, had))| format!("{unit}: {given} given, {had} there")).collect())
}

fn settled(store: &Store, from: &Watermarks, posted: &Posted) -> Outcome<Vec<String>> {
    #[derive(Deserialize)]
    struct Settlement {
        tx: String,
        credits: String,
    }
    let (mut wrong, mut known) = (Vec::new(), HashSet::new());
    each(store, "SELECT tx, credits FROM settlements", "rowid", from.settlements, |row: Settlement| {
        let burned = posted.burned.get(&row.tx).copied().unwrap_or_default();
        if postings::amount(&row.credits)? != burned {
            wrong.push(format!("settlement {} of {} burned {burned}", row.tx, row.credits));
        }
        known.insert(row.tx);
        Ok(())
    })?;
    let loose = posted.burned.keys().filter(|entry| !known.contains(*entry));
    wrong.extend(loose.map(|entry| format!("{entry} burned without a settlement")));
    Ok(wrong)
}

#[derive(Deserialize)]
struct Purchase {
    tx: String,
    kind: String,
    plan_id: String,
    quantity: String,
    cents: i64,
}

/// The terms of each plan.
fn terms(store: &Store) -> Outcome<HashMap<String, Terms>> {
    #[derive(Deserialize)]
    struct Plan {
        id: String,
        terms: String,
    }
    let plans: Vec<Plan> = store.rows("SELECT id, terms FROM plans", binds![])?;
    plans.into_iter().map(|plan| Ok((plan.id, Terms::load(&plan.terms)?))).collect()
}

const PURCHASES: &str = "SELECT tx, kind, plan_id, quantity, cents FROM purchases";
const ARRIVALS: &str = "SELECT tx, kind, plan_id, '1' AS quantity, cents FROM arrivals";

fn issued(store: &Store, from: &Watermarks, posted: &Posted) -> Outcome<Vec<String>> {
    let terms = terms(store)?;
    let (mut wrong, mut known) = (Vec::new(), HashSet::new());
    each(store, PURCHASES, "rowid", from.purchases, |row: Purchase| {
        let issued = posted.issued.get(&row.tx).copied().unwrap_or_default();
        let grant = terms.get(&row.plan_id).map(|terms| &terms.grant);
        let due = grant.filter(|grant| row.kind != "mint" && !grant.by_time);
        if let Some(due) = due
            && times(due, &row.quantity) != Some(issued)
        {
            wrong.push(format!("{} of {} orders issued {issued}", row.tx, row.quantity));
        }
        known.insert(row.tx);
        Ok(())
    })?;
    let loose = posted.issued.keys().filter(|entry| !known.contains(*entry));
    wrong.extend(loose.map(|entry| format!("{entry} issued without a purchase")));
    Ok(wrong)
}

/// What so many orders bring.
fn times(grant: &Grant, orders: &str) -> Option<Credits> {
    if orders == "1" {
        return Some(grant.amount);
    }
    let (orders, amount): (u128, u128) = (orders.parse().ok()?, grant.amount.to_string().parse().ok()?);
    orders.checked_mul(amount)?.to_string().parse().ok()
}

fn paid(store: &Store, from: &Watermarks, posted: &Posted) -> Outcome<Vec<String>> {
    #[derive(Deserialize)]
    struct Sale {
        id: String,
        amount: i64,
        status: String,
    }
    let terms = terms(store)?;
    let (mut wrong, mut known) = (Vec::new(), HashSet::new());
    let mut held = |row: Purchase| {
        let paid = posted.paid.get(&row.tx).copied().unwrap_or_default();
        let due = match terms.get(&row.plan_id) {
            _ if row.kind == "mint" => Some(Credits::ZERO),
            Some(terms) if terms.crypto => row
                .quantity
                .parse::<u128>()
                .ok()
                .and_then(|orders| terms.total.checked_mul(orders))
                .and_then(|units| postings::units(units).ok()),
            _ => Some(postings::cents(row.cents)),
        };
        if due != Some(paid) {
            wrong.push(format!("{} of {} orders was paid with {paid}", row.tx, row.quantity));
        }
        known.insert(row.tx);
        Ok(())
    };
    each(store, PURCHASES, "rowid", from.purchases, &mut held)?;
    each(store, ARRIVALS, "rowid", 0, &mut held)?;
    each(store, "SELECT id, amount, status FROM sales", "rowid", from.sales, |row: Sale| {
        let paid = posted.paid.get(&row.id).copied().unwrap_or_default();
        let open = matches!(row.status.as_str(), "requires_payment" | "failed");
        if paid != postings::cents(if open { 0 } else { row.amount }) {
            wrong.push(format!("order {}, {}, was paid with {paid}", row.id, row.status));
        }
        known.insert(row.id);
        Ok(())
    })?;
    let loose = posted.paid.keys().filter(|entry| !known.contains(*entry));
    wrong.extend(loose.map(|entry| format!("{entry} was paid for nothing")));
    Ok(wrong)
}

/// Buyers keep nothing of what came from outside to pay with.
fn money(books: &HashMap<i64, Book>) -> Outcome<Vec<String>> {
    let mut wrong = Vec::new();
    for book in books.values().filter(|book| book.kind == Kind::Buyer.name()) {
        let kept = postings::amount(&book.balance)?;
        if !kept.is_zero() {
            wrong.push(format!("{} has {kept} over", book.named()));
        }
    }
    Ok(wrong)
}

#[derive(Deserialize)]
struct Spender {
    id: String,
    limit_cents: i64,
    spent_cents: i64,
    transactions: i64,
    max_transactions: Option<i64>,
    made: i64,
    charged: i64,
}

fn delegations(store: &Store, from: &Watermarks, books: &HashMap<i64, Book>) -> Outcome<Vec<String>> {
    let mut cents: HashMap<(&str, &str), Credits> = HashMap::new();
    for book in books.values() {
        cents.insert((book.unit.as_str(), book.kind.as_str()), postings::amount(&book.balance)?);
    }
    let (mut wrong, old) = (Vec::new(), from.charges > 0);
    let select = "SELECT id, limit_cents, spent_cents, transactions, max_transactions, revoked,
        (SELECT COUNT(*) FROM charges WHERE delegation_id = delegations.id AND order_tx IS NOT NULL) AS made,
        (SELECT COALESCE(SUM(cents), 0) FROM charges WHERE delegation_id = delegations.id AND order_tx IS NOT NULL)
        AS charged FROM delegations";
    each(store, select, "rowid", 0, |row: Spender| {
        let unit = format!("cents:{}", row.id);
        let on = |kind: Kind| cents.get(&(unit.as_str(), kind.name())).copied().unwrap_or_default();
        let spent = postings::cents(row.spent_cents);
        for (what, fails) in [
            ("spent more than its limit", row.spent_cents > row.limit_cents || row.spent_cents < 0),
            ("was charged too often", row.max_transactions.is_some_and(|most| row.transactions > most)),
            ("has something reserved between calls", !on(Kind::Reserved).is_zero()),
            ("spent what its account does not have", on(Kind::Spent) != spent),
            (
                "has more free than it was given",
                on(Kind::Free).saturating_add(spent) > postings::cents(row.limit_cents),
            ),
            (
                "counts what was not charged",
                !old && (row.made, row.charged) != (row.transactions, row.spent_cents),
            ),
        ] {
            if fails {
                wrong.push(format!("delegation {} {what}", row.id));
            }
        }
        Ok(())
    })?;
    Ok(wrong)
}

/// What is good once: found by counting what came of it.
fn once(store: &Store, from: &Watermarks) -> Outcome<Vec<String>> {
    #[derive(Deserialize)]
    struct Found {
        what: String,
    }
    let query = "SELECT 'token ' || permission || ' settled ' || COUNT(*) || ' times' AS what FROM settlements
          WHERE permission IN (SELECT hash FROM permissions WHERE single_use <> 0)
          GROUP BY permission HAVING COUNT(*) > 1
        UNION ALL SELECT 'token ' || hash || ' settled, and is not marked' FROM permissions
          WHERE spent = 0 AND hash IN (SELECT permission FROM settlements WHERE rowid > ?1)
        UNION ALL SELECT 'challenge ' || id || ' has no settlement of its own' FROM challenges
          WHERE tx NOT IN (SELECT tx FROM settlements)
        UNION ALL SELECT 'settlement ' || tx || ' paid ' || COUNT(*) || ' challenges' FROM challenges
          GROUP BY tx HAVING COUNT(*) > 1
        UNION ALL SELECT 'trial ' || plan_id || ' was had ' || COUNT(*) || ' times by ' || holder FROM purchases
          WHERE kind <> 'mint' AND plan_id IN (SELECT id FROM plans WHERE json_extract(terms, '$.isTrialPlan'))
          GROUP BY plan_id, holder HAVING COUNT(*) > 1";
    let found: Vec<Found> = store.rows(query, binds![from.settlements])?;
    Ok(found.into_iter().map(|found| found.what).collect())
}
